"""``python -m training.pretrained.convert FROM TO``: a pickled checkpoint becomes safetensors, in a process of its own.

A pickle can run code while it is read, so it is read with ``weights_only``, which takes tensors and plain containers
alone, and in a process that does nothing else. What comes out holds tensors and nothing that could run.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy._core import multiarray
from torch import Tensor

INSIDE = ("state_dict", "model", "model_state_dict")  # where checkpoints keep their weights, beside what training needs
# NumPy's numbers, which laion-clap's checkpoints keep beside the weights (figures of their training); data, no code
PLAIN_NUMBERS: list[Any] = [
    (multiarray.scalar, "numpy.core.multiarray.scalar"),
    (multiarray.scalar, "numpy._core.multiarray.scalar"),
    np.dtype,
    np.dtypes.Float32DType,
    np.dtypes.Float64DType,
    np.dtypes.Int64DType,
]
TIMEOUT_S = 1800
FAILED = 2


def read_state(path: Path) -> dict[str, Tensor]:
    """Tensors of a checkpoint by name.

    Args:
        path: ``.safetensors``, or a pickle, which is converted in a process of its own.

    Raises:
        ValueError: it cannot be read, or holds more than weights.
    """
    from safetensors.torch import load_file

    if path.suffix == ".safetensors":
        return dict(load_file(str(path)))
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "weights.safetensors"
        command = [sys.executable, "-m", "training.pretrained.convert", str(path.resolve()), str(made)]
        root = Path(__file__).resolve().parents[2]
        done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=TIMEOUT_S, check=False)
        if done.returncode or not made.is_file():
            why = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
            raise ValueError(f"{path.name} was not taken: {why}")
        return dict(load_file(str(made)))


def load_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a pickled checkpoint, read in this process, weights only.

    Raises:
        pickle.UnpicklingError: it holds more than weights.
        ValueError: it holds none.
    """
    with torch.serialization.safe_globals(PLAIN_NUMBERS):
        return tensors_of(torch.load(path, map_location="cpu", weights_only=True))


def tensors_of(state: Any) -> dict[str, Tensor]:
    """The tensors of what a checkpoint holds, wherever it keeps them.

    Raises:
        ValueError: there are none.
    """
    for key in INSIDE:
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    found = (
        {name: value for name, value in state.items() if isinstance(value, Tensor)} if isinstance(state, dict) else {}
    )
    if not found:
        raise ValueError("it holds no weights by name; give a checkpoint with a state_dict")
    return {name: value.detach().clone().contiguous() for name, value in found.items()}


def main(argv: list[str]) -> int:
    """Convert one file; what is wrong with it is the last line of standard error."""
    from safetensors.torch import save_file

    try:
        save_file(load_tensors(Path(argv[0])), argv[1])
    except pickle.UnpicklingError:
        print("it holds more than weights: code that runs when it is read; only weights are taken", file=sys.stderr)
        return FAILED
    except (OSError, ValueError, RuntimeError, EOFError) as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
