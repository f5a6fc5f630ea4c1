"""Read a torch module's weights back out of the ONNX graph it was exported to.

A bundle holds graphs and no checkpoints, and whoever has only the bundle must be able to train it further. Initialisers
carry the names of torch: ``NAME``, or ``NAME.T`` where the exporter turned a matrix over its axes. Every weight must be
found, and the module must then answer as the graph does, which ``onnx``'s reference evaluator (NumPy) says. Weights
stored in 16 or 8 bits come back as those bits say, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn

from training.finetune.graph_values import TRANSPOSED, Floats, values_of
from training.finetune.unnamed_weights import match_weights

AGREE = 1e-3  # largest difference of module and graph, RMS against RMS of the answer


def read_weights(path: Path, module: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """The state of a module from the graph it was exported to.

    Args:
        path: ONNX file.
        module: of the architecture that was exported, with any weights.
        prefix: what the exporter put before the module's names.

    Raises:
        ValueError: a weight cannot be found, so the module is of another architecture.
    """
    state = stored_weights(values_of(onnx.load(str(path)).graph), module, prefix)
    return match_weights(path, module, prefix) if state is None else state


def stored_weights(values: Mapping[str, Floats], module: nn.Module, prefix: str = "") -> dict[str, Tensor] | None:
    """The state of a module from a graph's values by name; None where one is missing or of another shape.

    Args:
        module: of the architecture that was exported; counters of steps, which no graph holds, stay as they are.
        prefix: what the exporter put before the module's names.
    """
    state: dict[str, Tensor] = {}
    for name, weight in module.state_dict().items():
        value = values.get(prefix + name)
        if value is None and prefix + name + TRANSPOSED in values:
            value = values[prefix + name + TRANSPOSED].T
        if not weight.is_floating_point():
            state[name] = weight
        elif value is None or _sides(value.shape) != _sides(weight.shape):
            return None
        else:
            state[name] = torch.from_numpy(np.ascontiguousarray(value)).reshape(weight.shape)
    return state


def _sides(shape: Sequence[int]) -> list[int]:
    """The axes that are not 1: a group norm's gains are stored as ``(C, 1, 1)``."""
    return [side for side in shape if side != 1]


def check_same(path: Path, module: nn.Module, inputs: dict[str, Tensor]) -> float:
    """Compare a module with its graph; returns the difference, RMS against RMS of the graph's answer.

    Raises:
        ValueError: they differ by more than ``AGREE``.
    """
    given: dict[str, Any] = {name: value.numpy() for name, value in inputs.items()}
    wanted = np.asarray(ReferenceEvaluator(str(path)).run(None, given)[0])
    with torch.no_grad():
        got = module(**inputs).numpy()
    difference = float(np.sqrt(np.square(got - wanted).mean()) / max(float(np.sqrt(np.square(wanted).mean())), 1e-9))
    if not difference <= AGREE:
        raise ValueError(
            f"the weights read from {path.name} do not answer as the graph does (difference {difference:.1e}): it was "
            "made by another preset; give the one that it was trained by with --preset"
        )
    return difference
