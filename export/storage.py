"""Weight-only quantisation of ONNX graphs to float16 or int8; arithmetic stays float32.

In int8 every kernel of a convolution, and every output channel of another matrix, has its own scale and no zero point
(symmetric). The graph dequantises with Cast and Mul, which every runtime folds into constants when it opens the graph.
ONNX Runtime does not fold a DequantizeLinear of int8 kernels: it costs time at every run and keeps convolutions from
their fastest memory layout.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from training.finetune.graph_values import HALF, INT8, SCALE

PRECISIONS = ("fp32", "fp16", "int8")
SMALL = 1024  # elements; smaller weights stay float32
LEAST_INT8 = 1 << 16  # elements; smaller weights become float16 instead: first and last layers are sensitive
LEAST_KERNEL = 9  # weights; smaller kernels share one scale per output channel
TINIEST = 2.0**-24  # smallest scale above 0 that float16 can hold
FLOAT = onnx.TensorProto.FLOAT
# operator: (index of the input that is a weight, axis of its output channels); an LSTM has two, W and R
CHANNEL_AXIS = {
    "Conv": (1, 0), "ConvTranspose": (1, 1), "MatMul": (1, -1), "Gemm": (1, -1), "LSTM": (1, 1), "Einsum": (1, -1),
}  # fmt: skip


def store(path: Path, precision: str) -> None:
    """Change how the weights of a graph are stored, in place.

    Args:
        path: an ONNX file with float32 weights.
        precision: ``fp32`` changes nothing; ``fp16`` stores every weight of ``SMALL`` elements or more as float16;
            ``int8`` stores matrices of ``LEAST_INT8`` elements or more as int8, and the others as float16.
    """
    if precision == "fp32":
        return
    model = onnx.load(str(path))
    store_weights(model, precision)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def store_weights(model: onnx.ModelProto, precision: str) -> None:
    """As ``store`` for a graph in memory, in place; ``precision`` is ``fp16`` or ``int8``."""
    axes = _channel_axes(model.graph) if precision == "int8" else {}
    nodes: list[onnx.NodeProto] = []
    kept: list[onnx.TensorProto] = []
    for tensor in model.graph.initializer:
        if tensor.data_type != FLOAT or int(np.prod(tensor.dims)) < SMALL:
            kept.append(tensor)
            continue
        values = numpy_helper.to_array(tensor)
        axis = axes.get(tensor.name) if values.size >= LEAST_INT8 else None
        parts, made = _as_float16(tensor.name, values) if axis is None else _as_int8(tensor.name, values, axis)
        kept += parts
        nodes += made
    nodes += model.graph.node
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)


def quantized(values: npt.NDArray[np.float32], axis: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16]]:
    """Quantise symmetrically to int8.

    Args:
        values: weights with at least two axes.
        axis: of the output channels; -1 for (batches of) matrices whose last axis it is.

    Returns:
        integers from -127 to 127 of the same shape, and scales that broadcast against them.
    """
    sharing = tuple(range(2, values.ndim))  # a scale for each kernel of a convolution, each row of an LSTM
    if axis == -1:  # matrices: a scale for each column
        sharing = (values.ndim - 2,)
    elif int(np.prod(values.shape[2:])) < LEAST_KERNEL:
        sharing = tuple(k for k in range(values.ndim) if k != axis % values.ndim)
    scale = (np.abs(values).max(axis=sharing, keepdims=True) / 127).astype(np.float16)
    scale = np.where(scale > 0, scale, TINIEST).astype(np.float16)
    return np.clip(np.rint(values / scale.astype(np.float32)), -127, 127).astype(np.int8), scale


def _as_float16(name: str, values: npt.NDArray[np.float32]) -> tuple[list[onnx.TensorProto], list[onnx.NodeProto]]:
    half = numpy_helper.from_array(values.astype(np.float16), name + HALF)
    return [half], [helper.make_node("Cast", [half.name], [name], to=FLOAT)]


def _as_int8(
    name: str, values: npt.NDArray[np.float32], axis: int
) -> tuple[list[onnx.TensorProto], list[onnx.NodeProto]]:
    whole, scale = quantized(values, axis)
    tensors = [numpy_helper.from_array(whole, name + INT8), numpy_helper.from_array(scale, name + SCALE)]
    nodes = [
        helper.make_node("Cast", [name + INT8], [f"{name}.whole"], to=FLOAT),
        helper.make_node("Cast", [name + SCALE], [f"{name}.factor"], to=FLOAT),
        helper.make_node("Mul", [f"{name}.whole", f"{name}.factor"], [name]),
    ]
    return tensors, nodes


def _channel_axes(graph: onnx.GraphProto) -> dict[str, int]:
    """Names of the weights with two axes or more -> axis of their output channels."""
    dimensions = {tensor.name: len(tensor.dims) for tensor in graph.initializer}
    found: dict[str, int] = {}
    for node in graph.node:
        at, axis = CHANNEL_AXIS.get(node.op_type, (len(node.input), 0))
        if len(node.input) <= at or dimensions.get(node.input[at], 0) < 2:
            continue
        if node.op_type == "Gemm" and any(a.name == "transB" and a.i for a in node.attribute):
            axis = 0
        if node.op_type == "Einsum" and not _is_product(node):
            continue
        for name in node.input[at : at + 2] if node.op_type == "LSTM" else [node.input[at]]:
            if dimensions.get(name, 0) >= 2:
                found[name] = axis
    return found


def _is_product(node: onnx.NodeProto) -> bool:
    """True for an Einsum that multiplies by matrices: it sums over the last axis but one of its second input only."""
    [equation] = [one.s.decode() for one in node.attribute if one.name == "equation"]
    terms, _, kept = equation.replace(" ", "").partition("->")
    second = terms.split(",")[1]
    return len(second) > 1 and second[-2] not in kept and second[-1] in kept
