"""Write checkpoints whole, and read foreign ones without running what is in them.

A PyTorch checkpoint is a pickle, and a pickle can hold code. These are read by torch's restricted reader, which builds
tensors, plain Python values and, for a kind of checkpoint that needs them, the few types that are named here.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.dtypes
import torch
from torch import Tensor

from engine.bundle.bundle import file_sha256
from training.atomic import replacing

NUMPY_TYPES: tuple[Any, ...] = (
    (np._core.multiarray._reconstruct, "numpy.core.multiarray._reconstruct"),
    np._core.multiarray._reconstruct,
    (np._core.multiarray.scalar, "numpy.core.multiarray.scalar"),
    np._core.multiarray.scalar,
    np.ndarray,
    np.dtype,
    *(getattr(numpy.dtypes, f"{name}DType") for name in ("Float16", "Float32", "Float64", "Int32", "Int64")),
)


def read_checkpoint(path: Path, sha256: str | None = None, types: tuple[Any, ...] = ()) -> Any:
    """Contents of a checkpoint.

    Args:
        path: file that ``torch.save`` wrote.
        sha256: hash that the file must have, lower-case hex; None takes any.
        types: what may be built beside tensors and plain values, as ``torch.serialization.safe_globals`` takes them.

    Raises:
        ValueError: it is missing, has another hash, is no checkpoint, or holds something that is not allowed.
    """
    if not path.is_file():
        raise ValueError(f"there is no checkpoint {path}; give the path of the file")
    if sha256 is not None and (found := file_sha256(path)) != sha256:
        raise ValueError(f"{path.name} has SHA-256 {found[:12]}..., not {sha256[:12]}...; get the file again")
    try:
        with torch.serialization.safe_globals(list(types)):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path.name} holds more than weights and was not read ({_first_line(error)}); "
            "use a checkpoint of the kind you named"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"{path.name} is no PyTorch checkpoint ({_first_line(error)}); get the file again") from error


def save_atomically(state: dict[str, Any], path: Path) -> None:
    """Write a torch file so that it is there whole or not at all."""
    with replacing(path) as partial:
        torch.save(state, partial)


def as_float_tensors(state: Any, where: str) -> dict[str, Tensor]:
    """A state dict of tensors or NumPy arrays as float32 tensors; counters stay whole numbers.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise ValueError(f"{where} holds no table of weights")
    found: dict[str, Tensor] = {}
    for name, value in state.items():
        if not isinstance(value, (Tensor, np.ndarray, np.generic, int, float)):
            raise ValueError(f"{where}: {name} is a {type(value).__name__}, not weights")
        tensor = torch.as_tensor(value)
        found[name] = tensor.float() if tensor.is_floating_point() else tensor
    return found


def load_weights(
    network: torch.nn.Module, weights: dict[str, Tensor], where: str, ignored: tuple[str, ...] = ()
) -> None:
    """Load weights into a network; every one must fit.

    Args:
        where: the file, for messages.
        ignored: ends of names that may be missing or be left over.

    Raises:
        ValueError: a weight is missing, left over, or of another shape.
    """
    try:
        result = network.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise ValueError(f"{where} is of another network ({_first_line(error)})") from error
    odd = [name for name in (*result.missing_keys, *result.unexpected_keys) if not name.endswith(ignored or ("\0",))]
    if odd:
        raise ValueError(f"{where} is of another network: {', '.join(odd[:3])} missing or left over")


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:200] if lines else type(error).__name__
