"""Weights of an ONNX graph in 16 or 8 bits; arithmetic stays float32.

In 8 bits every kernel of a convolution, and every output channel of another matrix, has a scale of its own and no zero
point. The graph brings the numbers back with Cast and Mul, which every runtime folds once when it opens the graph:
DequantizeLinear is left in place by ONNX Runtime for kernels in 8 bits, costs time at every run and keeps convolutions
from their fastest layout.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from training.finetune.graph_values import HALF

PRECISIONS = ("fp32", "fp16", "int8")
SMALL = 1024  # elements; smaller weights stay float32
LEAST_EIGHTHS = 1 << 16  # elements; smaller ones keep 16 bits in int8: much hangs on the ends of a network
LEAST_KERNEL = 9  # weights; smaller kernels share their scale with those of the same output channel
TINIEST = 2.0**-24  # a scale that float16 takes
FLOAT = onnx.TensorProto.FLOAT
# operator: (input that is a weight, axis of its output channels)
CHANNEL_AXIS = {
    "Conv": (1, 0), "ConvTranspose": (1, 1), "MatMul": (1, -1), "Gemm": (1, -1), "LSTM": (1, 1), "Einsum": (1, -1),
}  # fmt: skip


def store(path: Path, precision: str) -> None:
    """Change how the weights of a graph are stored, in place.

    Args:
        path: an ONNX file with float32 weights.
        precision: ``fp32`` leaves it, ``fp16`` halves every large weight, ``int8`` quarters them; those that are no
            matrix or below ``LEAST_EIGHTHS`` stay in 16 bits.
    """
    if precision == "fp32":
        return
    model = onnx.load(str(path))
    store_weights(model, precision)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def store_weights(model: onnx.ModelProto, precision: str) -> None:
    """The same for a graph in memory, in place; ``precision`` is ``fp16`` or ``int8``."""
    axes = _channel_axes(model.graph) if precision == "int8" else {}
    nodes: list[onnx.NodeProto] = []
    kept: list[onnx.TensorProto] = []
    for tensor in model.graph.initializer:
        if tensor.data_type != FLOAT or int(np.prod(tensor.dims)) < SMALL:
            kept.append(tensor)
            continue
        values = numpy_helper.to_array(tensor)
        axis = axes.get(tensor.name) if values.size >= LEAST_EIGHTHS else None
        parts, made = _halved(tensor.name, values) if axis is None else _eighths(tensor.name, values, axis)
        kept += parts
        nodes += made
    nodes += model.graph.node
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)


def rounded(values: npt.NDArray[np.float32], axis: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16]]:
    """Whole numbers from -127 to 127 and their scales, shaped so that both multiply.

    Args:
        values: of any shape.
        axis: of the output channels.
    """
    sharing = tuple(range(2, values.ndim))  # a kernel, one for each pair of channels
    if axis == -1:  # matrices, one or several: what is summed over shares a scale
        sharing = (values.ndim - 2,)
    elif int(np.prod(values.shape[2:])) < LEAST_KERNEL:
        sharing = tuple(k for k in range(values.ndim) if k != axis % values.ndim)
    scale = (np.abs(values).max(axis=sharing, keepdims=True) / 127).astype(np.float16)
    scale = np.where(scale > 0, scale, TINIEST).astype(np.float16)
    return np.clip(np.rint(values / scale.astype(np.float32)), -127, 127).astype(np.int8), scale


def _halved(name: str, values: npt.NDArray[np.float32]) -> tuple[list[onnx.TensorProto], list[onnx.NodeProto]]:
    half = numpy_helper.from_array(values.astype(np.float16), name + HALF)
    return [half], [helper.make_node("Cast", [half.name], [name], to=FLOAT)]


def _eighths(
    name: str, values: npt.NDArray[np.float32], axis: int
) -> tuple[list[onnx.TensorProto], list[onnx.NodeProto]]:
    whole, scale = rounded(values, axis)
    tensors = [numpy_helper.from_array(whole, f"{name}.int8"), numpy_helper.from_array(scale, f"{name}.scale")]
    nodes = [
        helper.make_node("Cast", [f"{name}.int8"], [f"{name}.whole"], to=FLOAT),
        helper.make_node("Cast", [f"{name}.scale"], [f"{name}.factor"], to=FLOAT),
        helper.make_node("Mul", [f"{name}.whole", f"{name}.factor"], [name]),
    ]
    return tensors, nodes


def _channel_axes(graph: onnx.GraphProto) -> dict[str, int]:
    """Weights that are matrices -> axis of their output channels."""
    shapes = {tensor.name: len(tensor.dims) for tensor in graph.initializer}
    found: dict[str, int] = {}
    for node in graph.node:
        at, axis = CHANNEL_AXIS.get(node.op_type, (len(node.input), 0))
        if len(node.input) <= at or shapes.get(node.input[at], 0) < 2:
            continue
        if node.op_type == "Gemm" and any(a.name == "transB" and a.i for a in node.attribute):
            axis = 0
        if node.op_type == "Einsum" and not _is_product(node):
            continue
        for name in node.input[at : at + 2] if node.op_type == "LSTM" else [node.input[at]]:
            if name in shapes and shapes[name] >= 2:
                found[name] = axis
    return found


def _is_product(node: onnx.NodeProto) -> bool:
    """Whether an Einsum multiplies by matrices: it sums over the last axis but one of its second input."""
    [equation] = [one.s.decode() for one in node.attribute if one.name == "equation"]
    terms, _, kept = equation.replace(" ", "").partition("->")
    second = terms.split(",")[1]
    return len(second) > 1 and second[-2] not in kept and second[-1] in kept
