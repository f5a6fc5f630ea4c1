"""The numbers in an ONNX graph, and what their names say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

Floats = npt.NDArray[np.float32]
HALF = ".half"  # ends the name of what is stored in 16 bits
TRANSPOSED = ".T"  # ends that of a matrix which the exporter turned over its axes
FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)


EIGHTHS, SCALE = ".int8", ".scale"  # end the names of whole numbers in 8 bits and of what they are multiplied by


def values_of(graph: onnx.GraphProto) -> dict[str, Floats]:
    """The floating-point initialisers by name, as float32; those in 8 bits multiplied by their scales."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    values: dict[str, Floats] = {}
    for name, tensor in tensors.items():
        if name.endswith(EIGHTHS):
            plain = name.removesuffix(EIGHTHS)
            values[plain] = _floats(tensor) * _floats(tensors[plain + SCALE])
        elif tensor.data_type in FLOATS and name.removesuffix(SCALE) + EIGHTHS not in tensors:
            values[name.removesuffix(HALF)] = _floats(tensor)
    return values


def _floats(tensor: onnx.TensorProto) -> Floats:
    return numpy_helper.to_array(tensor).astype(np.float32)
