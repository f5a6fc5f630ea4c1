"""One torch module -> one ONNX file, lettered axes dynamic, weights in 16 bits on disk when asked."""

from __future__ import annotations

import hashlib
import logging
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from export.graphs import ExportSpec
from export.lstm_nodes import lstm_nodes
from export.storage import store_weights
from training.finetune.graph_values import TRANSPOSED, lstm_to_onnx

OPSET = 18
DIMS = {"B": "batch", "P": "prompts"}  # letters of dynamic axes, and what a graph calls them
MOST = {"B": 1024, "P": 1024}


def export_graph(spec: ExportSpec, path: Path, half: bool) -> None:
    """Write a graph.

    Args:
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
    with warnings.catch_warnings(), lstm_nodes(spec.module):
        warnings.simplefilter("ignore")
        for talker in ("torch.onnx", "onnxscript"):
            logging.getLogger(talker).setLevel(logging.ERROR)
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
    _name_weights(model, spec.module)
    if half:
        store_weights(model, "fp16")
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


def _name_weights(model: onnx.ModelProto, module: nn.Module) -> None:
    """Give initialisers that the exporter numbered the names of torch, so that a bundle can be read back.

    It numbers what it reshapes or turns over its axes. A weight is recognised by its values: ``NAME``, or ``NAME.T``;
    those of an LSTM layer are ``NAME.W``, ``NAME.R`` and ``NAME.B``.
    """
    taken = {tensor.name for tensor in model.graph.initializer}
    names: dict[str, str] = {}
    for name, weight in module.state_dict().items():
        if name not in taken and weight.dtype == torch.float32:
            value = weight.detach().cpu().numpy().squeeze()
            names.setdefault(_digest(value), name)
            if value.ndim == 2:
                names.setdefault(_digest(value.T), name + TRANSPOSED)
    for name, cell in module.named_modules():
        if isinstance(cell, nn.LSTM):
            state = {key: value.detach().cpu().numpy() for key, value in cell.state_dict().items()}
            names |= {_digest(value.squeeze()): f"{name}.{part}" for part, value in lstm_to_onnx(state).items()}
    new = {}
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and tensor.name not in module.state_dict():
            found = names.pop(_digest(numpy_helper.to_array(tensor).squeeze()), None)
            if found is not None:
                new[tensor.name] = found
                tensor.name = found
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = new.get(name, name)
    for value in model.graph.value_info:
        value.name = new.get(value.name, value.name)


def _digest(value: npt.NDArray[np.float32]) -> str:
    return hashlib.sha256(str(value.shape).encode() + np.ascontiguousarray(value).tobytes()).hexdigest()
