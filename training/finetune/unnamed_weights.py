"""Weights of graphs whose initialisers have no names: bundles that were exported before the names of torch were kept.

Biases and norms have their names. The weight of a linear layer was turned over its axes and numbered; it is found where
the graph multiplies by it and then adds the layer's named bias, and the few without a bias by their shape, in the order
in which the graph uses them. Group norms lost their names altogether and kept their order.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from training.finetune.graph_values import HALF, Floats, values_of


class StoredWeights:
    """The initialisers of a graph and how its nodes use them."""

    def __init__(self, path: Path) -> None:
        graph = onnx.load(str(path)).graph
        self.values = values_of(graph)
        order = {name.removesuffix(HALF): None for node in graph.node for name in node.input}
        self.in_order = [name for name in order if name in self.values]  # as the graph uses them
        self.turned: set[str] = set()  # right-hand sides of a product: linear weights over their axes
        self.of_bias: dict[str, str] = {}  # name of a bias -> name of the weight whose product it is added to
        products = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "MatMul"}
        scaled = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "Mul"}
        self.group_norms = [  # gain and bias of each, as the graph reaches them
            pair
            for node in graph.node
            if node.op_type == "Add" and node.input[0] in scaled
            if all(map(self._per_channel, pair := (scaled[node.input[0]], node.input[1])))
        ]
        self.flat = {name for pair in self.group_norms for name in pair}
        for node in graph.node:
            if node.op_type == "MatMul" and node.input[1] in self.values:
                self.turned.add(node.input[1])
            if node.op_type == "Add":
                for one, other in (node.input, node.input[::-1]):
                    if one in products and products[one] in self.values and other in self.values:
                        self.of_bias[other] = products[one]

    def read(self, name: str) -> Floats:
        """A value in torch's layout."""
        if name in self.flat:
            return self.values[name][:, 0, 0]
        return self.values[name].T if name in self.turned else self.values[name]

    def _per_channel(self, name: str) -> bool:
        return name in self.values and self.values[name].ndim == 3 and self.values[name].shape[1:] == (1, 1)


def match_weights(path: Path, module: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """The state of a module from the graph it was exported to, every weight by its place in the graph.

    Args:
        path: ONNX file.
        module: of the architecture that was exported, with any weights.
        prefix: what the exporter put before the module's names.

    Raises:
        ValueError: a weight cannot be found, so the module is of another architecture.
    """
    stored = StoredWeights(path)
    wanted = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    places = {name: place for name in wanted if (place := _named(stored, prefix, name)) is not None}
    places |= _by_order(stored, module)
    wrong = [name for name, place in places.items() if stored.read(place).shape != wanted[name]]
    left = [name for name in wanted if name not in places]
    places |= _by_shape(stored, {name: wanted[name] for name in left}, set(places.values()))
    missing = wrong + [name for name in left if name not in places]
    if missing:
        raise ValueError(
            f"{path.name} holds no weights for {', '.join(missing[:4])}{' ...' * (len(missing) > 4)}: it was made by "
            "another preset; give the one that it was trained by with --preset"
        )
    return {name: torch.from_numpy(np.ascontiguousarray(stored.read(places[name]))) for name in wanted}


def _named(stored: StoredWeights, prefix: str, name: str) -> str | None:
    if prefix + name in stored.values:
        return prefix + name
    if name.endswith(".weight"):
        return stored.of_bias.get(prefix + name.removesuffix("weight") + "bias")
    return None


def _by_order(stored: StoredWeights, module: nn.Module) -> dict[str, str]:
    """Group norms one after the other, where the graph has as many as the module."""
    norms = [name for name, part in module.named_modules() if isinstance(part, nn.GroupNorm) and part.affine]
    if len(norms) != len(stored.group_norms):
        return {}
    found = {}
    for name, (gain, bias) in zip(norms, stored.group_norms, strict=True):
        found |= {f"{name}.weight": gain, f"{name}.bias": bias}
    return found


def _by_shape(stored: StoredWeights, wanted: dict[str, tuple[int, ...]], used: set[str]) -> dict[str, str]:
    """Weights without a name or a bias, where as many of a shape are wanted as are left, in the order they are used."""
    by_shape: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for place in stored.in_order:
        if place not in used:
            by_shape[stored.read(place).shape].append(place)
    asked: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for name, shape in wanted.items():
        asked[shape].append(name)
    same = [shape for shape, names in asked.items() if len(names) == len(by_shape.get(shape, ()))]
    return {name: place for shape in same for name, place in zip(asked[shape], by_shape[shape], strict=True)}
