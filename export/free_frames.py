"""``python -m export frames BUNDLE OUT``: a bundle's copy whose mask decoder also takes windows of fewer frames.

torch writes the frames of a window into a graph as numbers, so that a clip of one second is filled up with silence to
twelve. Here the graph counts them itself; weights and answers for whole windows stay as they were, bit for bit. The
names of such axes tell how long they are else (``frames=512``), which is what a device with fixed shapes is given.

``rewrite`` knows the shapes of the plain U-Net, so that bundles can be rewritten of which there is only the graph.
``count_by_twin`` knows no network: it compares a graph with its twin, exported for windows of another length, and what
differs between them is what counts frames. Their windows are of lengths that no other size of a network can equal, for
an exporter that finds one number twice makes one node where there were two.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from engine.bundle.bundle import Bundle, Manifest, MaskDecoderSpec, load_bundle
from engine.bundle.free_axes import free_axes
from engine.bundle.separation import FRAMES_STEP, LEAST_FRAMES
from export.cpu_session import session
from export.parity import difference
from export.rewritten import write_rewritten
from export.write import summary

COARSE = 32  # frames and bins of one place of the coarsest plane
ANSWER = "answer"
SEED = 6
Array = npt.NDArray[Any]
# Axes of inputs and outputs that count frames: name -> place and how many frames one step of it is.
AXES: dict[str, tuple[int, int]] = {
    "mix": (2, 1), "stem": (3, 1), "rest": (3, 1), "presence": (2, COARSE), "described": (2, 2), "plane": (2, COARSE),
}  # fmt: skip


def rewrite(model: onnx.ModelProto, frames: int, bins: int) -> None:
    """Have a mask decoder's graph, or its end, count the frames of its windows; in place.

    Args:
        frames: of a window now.
        bins: of its spectra.
    """
    graph, added = model.graph, _Added(model.graph)
    constants = _constants(graph)
    shapes = {name for node in graph.node if node.op_type in ("Reshape", "Expand") for name in node.input[1:2]}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == "Reshape" and (said := constants.get(node.input[1])) is not None:
            _free_reshape(node, said, frames, bins, added)
        elif node.op_type == "Concat" and node.output[0] in shapes:
            counted = {(frames,): "frames", (frames // COARSE,): f"frames/{COARSE}"}
            node.input[:] = [added.count(counted.get(tuple(constants.get(one, ())), "")) or one for one in node.input]
        elif node.op_type == "Add" and "repeat" in node.input:  # the place of every bin, once for each frame
            nodes += added.cut_places(node)
        nodes.append(node)
    _replace_nodes(graph, [*added.nodes, *nodes], frames)


def twin_lengths(frames: int) -> tuple[int, int]:
    """Frames of the windows that a graph and its twin are exported for, both at least ``frames``.

    They are odd multiples of 64, which halved again and again equal no count of bins or channels, and none of 11, for
    44 is a count of bands.
    """
    steps = range(-(-frames // FRAMES_STEP), -(-frames // FRAMES_STEP) + 6)
    first, second, *_ = (step * FRAMES_STEP for step in steps if step % 2 and step % 11)
    return first, second


def count_by_twin(model: onnx.ModelProto, twin: onnx.ModelProto, lengths: tuple[int, int], usual: int) -> None:
    """Have the graph of any network count the frames of its windows, by its twin for windows of another length.

    Args:
        lengths: frames of the windows of ``model`` and of ``twin``.
        usual: frames of most windows that it will be given.

    Raises:
        ValueError: they differ in more than numbers that are in proportion to the frames; the graph stays as it was.
    """
    graph = onnx.GraphProto()
    graph.CopyFrom(model.graph)
    added = _Added(graph)
    ours, theirs = _arrays(graph), _arrays(twin.graph)
    if [_kind(node) for node in graph.node] != [_kind(node) for node in twin.graph.node]:
        raise ValueError("the graph and its twin do different things")
    for node, other in zip(graph.node, twin.graph.node, strict=True):
        for place, (name, its) in enumerate(zip(node.input, other.input, strict=True)):
            if name in ours and its in theirs and not np.array_equal(ours[name], theirs[its]):
                node.input[place] = added.in_proportion(name, ours[name], theirs[its], *lengths)
    _replace_nodes(graph, [*added.nodes, *graph.node], usual)
    used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    model.graph.CopyFrom(graph)


def _kind(node: onnx.NodeProto) -> tuple[Any, ...]:
    """What a node does; constants may be of any value."""
    told = [one.SerializeToString() for one in node.attribute] if node.op_type != "Constant" else []
    return node.op_type, len(node.input), len(node.output), sorted(told)


def _replace_nodes(graph: onnx.GraphProto, nodes: Sequence[onnx.NodeProto], frames: int) -> None:
    """Take the nodes of a graph whose frames were freed, and name the axes that count them."""
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    for value in (*graph.input, *graph.output):
        if value.name in AXES:
            place, each = AXES[value.name]
            size = value.type.tensor_type.shape.dim[place]
            size.dim_param = f"frames={frames}" if each == 1 else f"frames/{each}={frames // each}"


def _free_reshape(node: onnx.NodeProto, said: Sequence[int], frames: int, bins: int, added: _Added) -> None:
    """Give a shape its frames by what is left over, or from those of the mix."""
    coarse, places, fine = frames // COARSE, frames // COARSE * (bins // COARSE), bins // 2
    match list(said):
        case [-1, count, *rest] if count == places and len(rest) in (1, 3):
            new: list[int] = [0, -1, *rest]
        case [-1, count, width, channels] if (count, width) == (coarse, bins // COARSE):
            new = [0, -1, width, channels]
        case [-1, 1, count, width] if (count, width) == (coarse, COARSE):
            new = [0, 1, -1, width]
        case [-1, channels, count] if count == frames // 2 * fine:
            new = [0, channels, -1]
        case [-1, channels, count, width] if (count, width) == (frames // 2, fine):
            node.input[1] = added.shape([[-1], [channels], "frames/2", [width]])
            return
        case _:
            return
    for attribute in [one for one in node.attribute if one.name == "allowzero"]:
        node.attribute.remove(attribute)
    node.input[1] = added.constant(new)


def _part(ours: int, theirs: int, frames: int, twin_frames: int) -> list[int] | str | None:
    """One number of a shape: a constant, or what counts it; None where it is not in proportion to the frames."""
    if ours == theirs:
        return [int(ours)]
    return _share(int(ours), frames) if ours * twin_frames == theirs * frames else None


def _share(number: int, frames: int) -> str:
    """What counts so many, for ``_Added.count``."""
    share = Fraction(number, frames)
    times, parts = (f"{sign}{of}" if of > 1 else "" for sign, of in (("*", share.numerator), ("/", share.denominator)))
    return f"frames{times}{parts}"


class _Added:
    """Nodes and constants that count the frames of the mix."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph, self._counts = graph, dict[str, str]()
        self.nodes: list[onnx.NodeProto] = []

    def constant(self, values: Sequence[int]) -> str:
        """Name of a constant, made on first use."""
        name = "free." + "_".join(map(str, values))
        if all(one.name != name for one in self._graph.initializer):
            self._graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def count(self, what: str) -> str:
        """Name of what counts ``frames``, some times them or a share: ``frames*44``, ``frames*11/8``; "" for ""."""
        if not what or what in self._counts:
            return self._counts.get(what, "")
        name = f"free.{what}"
        for sign, operator in (("/", "Div"), ("*", "Mul")):
            whole, _, number = what.rpartition(sign)
            if whole:
                inputs = [self.count(whole), self.constant([int(number)])]
                self.nodes.append(helper.make_node(operator, inputs, [name]))
                break
        else:
            self.nodes.append(helper.make_node("Shape", ["mix"], [name], start=2, end=3))
        self._counts[what] = name
        return name

    def in_proportion(self, name: str, ours: Array, theirs: Array, frames: int, twin_frames: int) -> str:
        """Name of what takes the place of a constant that is another in the twin.

        Args:
            name: of the constant.
            ours, theirs: its values in the graph and in its twin.
            frames, twin_frames: of the windows of both.

        Raises:
            ValueError: they are not in proportion to the frames.
        """
        if ours.dtype == np.int64 and ours.ndim < 2 and ours.shape == theirs.shape:
            parts = [_part(*pair, frames, twin_frames) for pair in zip(ours.flat, theirs.flat, strict=True)]
            if None not in parts:
                counted = self.shape([part for part in parts if part is not None])
                return counted if ours.ndim else self._made("Squeeze", [counted])
        elif ours.ndim == theirs.ndim > 0 and len(ours) * twin_frames == len(theirs) * frames:
            rows = min(len(ours), len(theirs))
            if np.array_equal(ours[:rows], theirs[:rows]):  # rows that are repeated for each frame
                count = self.shape([_share(len(ours), frames)])
                return self._made("Slice", [name, self.constant([0]), count, self.constant([0])])
        raise ValueError(f"{name} is another for windows of another length, and not by as much as they are")

    def _made(self, operator: str, inputs: Sequence[str]) -> str:
        """Name of what a node makes."""
        name = f"free.{operator.lower()}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name]))
        return name

    def shape(self, parts: Sequence[list[int] | str]) -> str:
        """Name of a shape that is put together."""
        name = f"free.shape.{len(self.nodes)}"
        names = [self.count(part) if isinstance(part, str) else self.constant(part) for part in parts]
        self.nodes.append(helper.make_node("Concat", names, [name], axis=0))
        return name

    def cut_places(self, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        """Have an addition take as many rows of its second input as the first has."""
        [other] = [name for name in node.input if name != "repeat"]
        many, cut = f"free.places.{other}", f"free.repeat.{other}"
        yield helper.make_node("Shape", [other], [many], start=1, end=2)
        yield helper.make_node("Slice", ["repeat", self.constant([0]), many, self.constant([0])], [cut])
        node.input[:] = [cut if name == "repeat" else name for name in node.input]


def free_by_twin(path: Path, twin: Path, lengths: tuple[int, int], decoder: MaskDecoderSpec) -> bool:
    """``count_by_twin`` for ONNX files; False where they are too different, and ``path`` stays as it was."""
    model = onnx.load(str(path))
    try:
        count_by_twin(model, onnx.load(str(twin)), lengths, decoder.frames)
    except ValueError:
        return False
    return _written(model, path, decoder)


def rewrite_file(path: Path, decoder: MaskDecoderSpec) -> bool:
    """``rewrite`` for an ONNX file; False where its graph is of another kind, and stays as it was."""
    model = onnx.load(str(path))
    rewrite(model, decoder.frames, decoder.bins)
    return _written(model, path, decoder)


def _written(model: onnx.ModelProto, path: Path, decoder: MaskDecoderSpec) -> bool:
    """Put a graph into a file if it runs with windows of fewer frames."""
    whole = path.read_bytes()
    path.write_bytes(model.SerializeToString())
    try:
        onnx.checker.check_model(model)
        for frames in {LEAST_FRAMES, decoder.frames}:
            answer = dict(zip(_outputs(path), session(path).run(None, given(path, frames)), strict=True))
            for name, value in answer.items():
                if value.shape[AXES[name][0]] != frames // AXES[name][1]:
                    raise ValueError(f"{name} has the shape {value.shape}")
    except Exception:  # ONNX Runtime has one for each thing that does not fit
        path.write_bytes(whole)
        return False
    return True


def given(path: Path, frames: int) -> dict[str, np.ndarray]:
    """Inputs of a mask graph, or of its end, for one window of so many frames; the same numbers every time."""
    rng, made = np.random.default_rng(SEED), {}
    for one in session(path).get_inputs():
        axes = [1 if isinstance(axis, str) else axis for axis in one.shape]
        if one.name in AXES:
            axes[AXES[one.name][0]] = frames // AXES[one.name][1]
        made[one.name] = np.abs(rng.standard_normal(axes)).astype(np.float32)
    return made


def write(base: Bundle, folder: Path, version: str, replaces: bool = False) -> Manifest:
    """Write the copy.

    Args:
        base: the bundle.
        folder: of the copy, which is named for it; must not exist unless ``replaces``.
        version: of the copy.
        replaces: True puts it in the place of an old one, once it is whole.

    Raises:
        ValueError: the folder is taken, or no graph has frames that can be freed.
        export.parity.Disagreement: a graph answers otherwise than before; nothing was written.
    """
    decoder = base.manifest.decoder
    names = () if decoder is None else (decoder.graph, f"{decoder.graph}-{ANSWER}")

    def rewritten(name: str, old: Path, copy: Path) -> float | None:
        if decoder is None or name not in names or free_axes(copy.read_bytes()) or not rewrite_file(copy, decoder):
            return None
        before, after = (session(path).run(None, given(old, decoder.frames)) for path in (old, copy))
        return max(difference(*pair) for pair in zip(before, after, strict=True))

    return write_rewritten(
        base, folder, version, rewritten, "The frames of {graphs} were freed.",
        f"no graph of {base.folder} has frames that can be freed", replaces,
    )  # fmt: skip


def _outputs(path: Path) -> list[str]:
    return [one.name for one in session(path).get_outputs()]


def _constants(graph: onnx.GraphProto) -> Mapping[str, list[int]]:
    return {name: one.reshape(-1).tolist() for name, one in _arrays(graph).items() if one.dtype == np.int64}


def _arrays(graph: onnx.GraphProto) -> Mapping[str, Array]:
    """Constants by name: initialisers and what nodes hold."""
    tensors = {one.name: one for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].HasField("t"):
            tensors[node.output[0]] = node.attribute[0].t
    return {name: numpy_helper.to_array(one) for name, one in tensors.items()}


def main(argv: list[str]) -> str:
    """Read the command line and write the bundle; a line on it."""
    parser = argparse.ArgumentParser(
        prog="python -m export frames", description="have a bundle's mask decoder take windows of fewer frames"
    )
    parser.add_argument("base", type=Path, help="folder of the bundle to copy")
    parser.add_argument("bundle", type=Path, help="folder of the new bundle")
    parser.add_argument("--version", default="1.0.0")
    parser.add_argument("--replace", action="store_true", help="take the place of an old bundle")
    args = parser.parse_args(argv)
    return summary(args.bundle, write(load_bundle(args.base), args.bundle, args.version, args.replace))
