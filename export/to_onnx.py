"""One torch module -> one ONNX file, lettered axes dynamic, weights in 16 bits on disk when asked."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from export.graphs import Spec

OPSET = 18
DIMS = {"B": "batch", "P": "prompts"}  # letters of dynamic axes, and what a graph calls them
MOST = {"B": 1024, "P": 1024}
HALF_FROM = 1024  # elements; smaller weights stay float32


def export_graph(spec: Spec, path: Path, half: bool) -> None:
    """Write a graph.

    Args:
        spec: what to export.
        path: ONNX file to write.
        half: True stores large weights as float16 and casts them back at load; arithmetic stays float32.
    """
    letters = sorted({axis for axes in spec.inputs.values() for axis in axes if isinstance(axis, str)})
    dims = {
        letter: torch.export.Dim(DIMS.get(letter, letter.lower()), min=1, max=MOST.get(letter)) for letter in letters
    }
    shapes = {
        name: {place: dims[axis] for place, axis in enumerate(spec.inputs[name]) if isinstance(axis, str)}
        for name in spec.examples
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            spec.module.eval(),
            (),
            kwargs=spec.examples,
            dynamic_shapes=shapes,
            input_names=list(spec.examples),
            output_names=list(spec.outputs),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise RuntimeError(f"exporting {spec.name} gave no graph")
    model = program.model_proto
    _drop_notes(model)
    if half:
        _store_half(model)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _drop_notes(model: onnx.ModelProto) -> None:
    """Remove the exporter's notes: they name source files of the machine that exported."""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
        value.doc_string = ""
    for function in model.functions:
        for node in function.node:
            del node.metadata_props[:]


def _store_half(model: onnx.ModelProto) -> None:
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or int(np.prod(tensor.dims)) < HALF_FROM:
            continue
        name = tensor.name
        values = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(values, f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
