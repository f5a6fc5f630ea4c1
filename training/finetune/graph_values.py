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


def values_of(graph: onnx.GraphProto) -> dict[str, Floats]:
    """The floating-point initialisers by name, as float32."""
    return {
        tensor.name.removesuffix(HALF): numpy_helper.to_array(tensor).astype(np.float32)
        for tensor in graph.initializer
        if tensor.data_type in FLOATS
    }
