"""How the toy bundle's graphs are put together and saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engine.bundle.bundle import GraphSpec, file_sha256

FLOAT, BOOL, INT64 = TensorProto.FLOAT, TensorProto.BOOL, TensorProto.INT64


def model(
    nodes: list[onnx.NodeProto], inputs: list[Any], outputs: list[Any], constants: dict[str, Any]
) -> onnx.ModelProto:
    """A checked graph of nodes; inputs and outputs are ``(name, type, axes)``."""
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    return made


def save(made: onnx.ModelProto, path: Path) -> GraphSpec:
    """Write a graph; its row of the manifest."""
    onnx.save(made, str(path))
    return GraphSpec(
        file=path.name,
        sha256=file_sha256(path),
        inputs=_axes(made.graph.input),
        outputs=_axes(made.graph.output),
        precision="fp32",
    )


def _axes(values: Any) -> dict[str, list[str | int]]:
    return {v.name: [a.dim_param or a.dim_value for a in v.type.tensor_type.shape.dim] for v in values}
