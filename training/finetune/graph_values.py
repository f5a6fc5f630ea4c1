"""The numbers in an ONNX graph, and what their names say.

ONNX keeps an LSTM's ways in one tensor and its gates in another order than torch. The layer ``NAME`` is stored as
``NAME.W`` (ways, 4H, I), ``NAME.R`` (ways, 4H, H) and ``NAME.B`` (ways, 8H). Of large layers the exporter leaves the
matrices as torch has them, under torch's names, and has the graph put them together.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

Floats = npt.NDArray[np.float32]
HALF = ".half"  # ends the name of what is stored in 16 bits
TRANSPOSED = ".T"  # ends that of a matrix which the exporter turned over its axes
FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)


WAYS = ("_l0", "_l0_reverse")  # end the names of torch's weights of an LSTM: forwards and backwards
TO_ONNX = (0, 3, 1, 2)  # torch's gates are input, forget, cell, output; ONNX's are input, output, forget, cell
TO_TORCH = (0, 2, 3, 1)


EIGHTHS, SCALE = ".int8", ".scale"  # end the names of whole numbers in 8 bits and of what they are multiplied by


def values_of(graph: onnx.GraphProto) -> dict[str, Floats]:
    """The floating-point initialisers by name, as float32; those in 8 bits multiplied by their scales.

    The weights of an LSTM also stand there under torch's names.
    """
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    values: dict[str, Floats] = {}
    for name, tensor in tensors.items():
        if name.endswith(EIGHTHS):
            plain = name.removesuffix(EIGHTHS)
            values[plain] = _floats(tensor) * _floats(tensors[plain + SCALE])
        elif tensor.data_type in FLOATS and name.removesuffix(SCALE) + EIGHTHS not in tensors:
            values[name.removesuffix(HALF)] = _floats(tensor)
    for name in [name for name in values if name[-2:] in (".W", ".R", ".B")]:
        cell, part = name[:-2], name[-1]
        values |= {f"{cell}.{torchs}": value for torchs, value in lstm_to_torch(part, values[name]).items()}
    return values


def lstm_to_onnx(state: Mapping[str, Floats]) -> dict[str, Floats]:
    """``W``, ``R`` and ``B`` of a layer with torch's weights ``weight_ih_l0`` and so on, one way or both."""
    ways = [way for way in WAYS if f"weight_ih{way}" in state]
    first, again = (
        np.stack([_gates(state[f"{name}{way}"], TO_ONNX) for way in ways]) for name in ("weight_ih", "weight_hh")
    )
    biases = [
        np.concatenate([_gates(state[f"{name}{way}"], TO_ONNX) for name in ("bias_ih", "bias_hh")]) for way in ways
    ]
    return {"W": first, "R": again, "B": np.stack(biases)}


def lstm_to_torch(part: str, stored: Floats) -> dict[str, Floats]:
    """Torch's weights of a layer from one of ``W``, ``R`` and ``B``."""
    names = {"W": ("weight_ih",), "R": ("weight_hh",), "B": ("bias_ih", "bias_hh")}[part]
    return {
        f"{name}{way}": _gates(value, TO_TORCH)
        for way, one in zip(WAYS, stored, strict=False)
        for name, value in zip(names, np.split(one, len(names)), strict=True)
    }


def _gates(value: Floats, order: tuple[int, ...]) -> Floats:
    parts = np.split(value, len(order))
    return np.concatenate([parts[gate] for gate in order])


def _floats(tensor: onnx.TensorProto) -> Floats:
    return numpy_helper.to_array(tensor).astype(np.float32)
