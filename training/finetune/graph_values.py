"""Read the weights of an exported ONNX graph under torch's names, and convert those of LSTMs between both layouts.

ONNX stacks the directions of an LSTM in one tensor and orders its gates otherwise than torch. With I inputs and H
hidden units, the layer ``NAME`` is stored as ``NAME.W`` (directions, 4H, I), ``NAME.R`` (directions, 4H, H) and
``NAME.B`` (directions, 8H). Of large layers torch's exporter may keep the matrices under torch's names, and have the
graph concatenate them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

Floats = npt.NDArray[np.float32]
# Suffixes of the names of initialisers.
HALF = ".half"  # stored as float16
INT8, SCALE = ".int8", ".scale"  # stored as int8, and the scales to multiply by
TRANSPOSED = ".T"  # a matrix that the exporter transposed; stays in the name

FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
DIRECTIONS = ("_l0", "_l0_reverse")  # suffixes of the names of torch's LSTM weights: forward and backward
TORCH_TO_ONNX_GATES = (0, 3, 1, 2)  # input, forget, cell, output -> input, output, forget, cell
ONNX_TO_TORCH_GATES = (0, 2, 3, 1)


def values_of(graph: onnx.GraphProto) -> dict[str, Floats]:
    """The weights of a graph by name, without ``HALF`` or ``INT8``, dequantised to float32.

    Those of an LSTM are given under torch's names too.
    """
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    values: dict[str, Floats] = {}
    for name, tensor in tensors.items():
        if name.endswith(INT8):
            base = name.removesuffix(INT8)
            values[base] = _floats(tensor) * _floats(tensors[base + SCALE])
        elif tensor.data_type in FLOATS and name.removesuffix(SCALE) + INT8 not in tensors:
            values[name.removesuffix(HALF)] = _floats(tensor)
    for name in [name for name in values if name[-2:] in (".W", ".R", ".B")]:
        cell, part = name[:-2], name[-1]
        values |= {f"{cell}.{weight}": value for weight, value in lstm_to_torch(part, values[name]).items()}
    return values


def lstm_to_onnx(state: Mapping[str, Floats]) -> dict[str, Floats]:
    """ONNX's ``W``, ``R`` and ``B`` of a single layer in one direction or both.

    Args:
        state: torch's weights, ``weight_ih_l0`` and so on.
    """
    directions = [direction for direction in DIRECTIONS if f"weight_ih{direction}" in state]

    def gates(name: str, direction: str) -> Floats:
        return _reordered_gates(state[f"{name}{direction}"], TORCH_TO_ONNX_GATES)

    biases = [np.concatenate([gates(name, one) for name in ("bias_ih", "bias_hh")]) for one in directions]
    return {
        "W": np.stack([gates("weight_ih", one) for one in directions]),
        "R": np.stack([gates("weight_hh", one) for one in directions]),
        "B": np.stack(biases),
    }


def lstm_to_torch(part: str, stored: Floats) -> dict[str, Floats]:
    """Torch's weights of a layer, by name, from one of ONNX's tensors.

    Args:
        part: ``W``, ``R`` or ``B``.
        stored: the tensor, directions first.
    """
    names = {"W": ("weight_ih",), "R": ("weight_hh",), "B": ("bias_ih", "bias_hh")}[part]
    return {
        f"{name}{direction}": _reordered_gates(value, ONNX_TO_TORCH_GATES)
        for direction, stacked in zip(DIRECTIONS, stored, strict=False)
        for name, value in zip(names, np.split(stacked, len(names)), strict=True)
    }


def _reordered_gates(value: Floats, order: tuple[int, ...]) -> Floats:
    parts = np.split(value, len(order))
    return np.concatenate([parts[gate] for gate in order])


def _floats(tensor: onnx.TensorProto) -> Floats:
    return numpy_helper.to_array(tensor).astype(np.float32)
