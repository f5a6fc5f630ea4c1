"""``python -m export frames BUNDLE OUT``: a bundle's copy whose mask decoder also takes windows of fewer frames.

torch traces the mask decoder for one number of frames and writes it into the graph as constants, so a clip of one
second would be padded with silence to twelve. Here the frame axis becomes dynamic (*free*): the graph computes its
shapes from the frames of its input. Weights stay, and answers for whole windows are the same bit for bit. The names of
free axes hold the usual length (``frames=512``), which is what a device with fixed shapes is given.

There are two ways to do it. ``free_unet`` knows the shapes of the plain U-Net, and serves bundles of which only the
graph is left. ``free_by_comparison`` works for any network: it is exported a second time for windows of another length,
and the constants that differ between the two graphs are those that depend on the frames. Both lengths must differ from
every other size in the network, because the exporter merges equal constants into one node.
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
from export import guard
from export.cpu_session import session
from export.parity import difference
from export.rewritten import CopyTarget, write_rewritten
from export.write import summary

COARSE = 32  # frames, and bins, of one position of the coarsest feature map
ANSWER = "answer"
SEED = 6
Array = npt.NDArray[Any]
# Inputs and outputs with a frame axis: name -> (index of the axis, frames of one step along it).
FRAME_AXES: dict[str, tuple[int, int]] = {
    "mix": (2, 1), "stem": (3, 1), "rest": (3, 1), "presence": (2, COARSE), "described": (2, 2), "plane": (2, COARSE),
}  # fmt: skip


def free_unet(model: onnx.ModelProto, frames: int, bins: int) -> None:
    """Free the frames of a plain U-Net's mask graph, or of its answer graph, in place.

    Args:
        model: changed in place.
        frames: of the windows that it was exported for.
        bins: of its spectra.
    """
    graph, counts = model.graph, _FrameCounts(model.graph)
    constants = _constants(graph)
    shapes = {name for node in graph.node if node.op_type in ("Reshape", "Expand") for name in node.input[1:2]}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == "Reshape" and (shape := constants.get(node.input[1])) is not None:
            _free_reshape(node, shape, frames, bins, counts)
        elif node.op_type == "Concat" and node.output[0] in shapes:
            counted = {(frames,): "frames", (frames // COARSE,): f"frames/{COARSE}"}
            node.input[:] = [counts.count(counted.get(tuple(constants.get(one, ())), "")) or one for one in node.input]
        elif node.op_type == "Add" and "repeat" in node.input:  # the positional embedding, repeated for each frame
            nodes += counts.cut_positions(node)
        nodes.append(node)
    _replace_nodes(graph, [*counts.nodes, *nodes], frames)


def comparison_lengths(frames: int) -> tuple[int, int]:
    """Two lengths of window, in frames, to export a network for; both at least ``frames``.

    Odd multiples of 64, which halved any number of times equal no number of bins or channels; and no multiples of 11,
    because a band-split network has 44 bands.
    """
    steps = range(-(-frames // FRAMES_STEP), -(-frames // FRAMES_STEP) + 6)
    first, second, *_ = (step * FRAMES_STEP for step in steps if step % 2 and step % 11)
    return first, second


def free_by_comparison(model: onnx.ModelProto, other: onnx.ModelProto, lengths: tuple[int, int], usual: int) -> None:
    """Free the frames of any network's graph, by comparison with a second export for windows of another length.

    Args:
        model: changed in place.
        other: the second export.
        lengths: frames of the windows of ``model`` and of ``other``.
        usual: frames of most windows that it will be given, for the names of the axes.

    Raises:
        ValueError: they differ in more than constants in proportion to the frames; the graph stays as it was.
    """
    graph = onnx.GraphProto()
    graph.CopyFrom(model.graph)
    counts = _FrameCounts(graph)
    ours, theirs = _arrays(graph), _arrays(other.graph)
    if [_operation(node) for node in graph.node] != [_operation(node) for node in other.graph.node]:
        raise ValueError("the two graphs have different nodes")
    for node, other_node in zip(graph.node, other.graph.node, strict=True):
        for index, (name, its) in enumerate(zip(node.input, other_node.input, strict=True)):
            if name in ours and its in theirs and not np.array_equal(ours[name], theirs[its]):
                node.input[index] = counts.in_proportion(name, ours[name], theirs[its], *lengths)
    _replace_nodes(graph, [*counts.nodes, *graph.node], usual)
    used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    model.graph.CopyFrom(graph)


def _operation(node: onnx.NodeProto) -> tuple[Any, ...]:
    """Operator, arity and attributes of a node, without the value of a constant."""
    attributes = [one.SerializeToString() for one in node.attribute] if node.op_type != "Constant" else []
    return node.op_type, len(node.input), len(node.output), sorted(attributes)


def _replace_nodes(graph: onnx.GraphProto, nodes: Sequence[onnx.NodeProto], frames: int) -> None:
    """Replace a graph's nodes by those with free frames, and name the frame axes of its inputs and outputs."""
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    for value in (*graph.input, *graph.output):
        if value.name in FRAME_AXES:
            axis, each = FRAME_AXES[value.name]
            size = value.type.tensor_type.shape.dim[axis]
            size.dim_param = f"frames={frames}" if each == 1 else f"frames/{each}={frames // each}"


def _free_reshape(node: onnx.NodeProto, shape: Sequence[int], frames: int, bins: int, counts: _FrameCounts) -> None:
    """Make the frames of a constant shape dynamic.

    The exporter writes -1 for the batch and the frames as a number. Where the batch stays the first axis, 0 copies it,
    and the frames become the -1; where it is merged with the queries, both are unknown, and the frames are computed.
    """
    coarse, positions, fine = frames // COARSE, frames // COARSE * (bins // COARSE), bins // 2
    match list(shape):
        case [-1, count, *rest] if count == positions and len(rest) in (1, 3):  # attention over the coarsest map
            new: list[int] = [0, -1, *rest]
        case [-1, count, width, channels] if (count, width) == (coarse, bins // COARSE):  # and back to a map
            new = [0, -1, width, channels]
        case [-1, 1, count, width] if (count, width) == (coarse, COARSE):  # frames into blocks, for presence
            new = [0, 1, -1, width]
        case [-1, channels, count] if count == frames // 2 * fine:  # descriptions, flat for the queries' product
            new = [0, channels, -1]
        case [-1, channels, count, width] if (count, width) == (frames // 2, fine):  # mask logits before pixel shuffle
            node.input[1] = counts.shape([[-1], [channels], "frames/2", [width]])
            return
        case _:
            return
    for attribute in [one for one in node.attribute if one.name == "allowzero"]:
        node.attribute.remove(attribute)
    node.input[1] = counts.constant(new)


def _shape_entry(ours: int, theirs: int, frames: int, other_frames: int) -> list[int] | str | None:
    """An entry of a shape: constant, or an expression for ``count``; None where not in proportion to the frames."""
    if ours == theirs:
        return [int(ours)]
    return _frames_expression(int(ours), frames) if ours * other_frames == theirs * frames else None


def _frames_expression(number: int, frames: int) -> str:
    """An expression for ``_FrameCounts.count`` that gives ``number`` for ``frames``: ``frames*11/8``."""
    ratio = Fraction(number, frames)
    times, parts = (f"{sign}{of}" if of > 1 else "" for sign, of in (("*", ratio.numerator), ("/", ratio.denominator)))
    return f"frames{times}{parts}"


class _FrameCounts:
    """New nodes and constants of a graph that compute shapes from the frames of its input ``mix``.

    Attributes:
        nodes: in the order in which they must run, before all others.
    """

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph, self._counts = graph, dict[str, str]()
        self.nodes: list[onnx.NodeProto] = []

    def constant(self, values: Sequence[int]) -> str:
        """Name of an int64 constant; made on first use."""
        name = "free." + "_".join(map(str, values))
        if all(one.name != name for one in self._graph.initializer):
            self._graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def count(self, expression: str) -> str:
        """Name of the value of an expression in the frames: ``frames``, ``frames*44``, ``frames*11/8``; "" for ""."""
        if not expression or expression in self._counts:
            return self._counts.get(expression, "")
        name = f"free.{expression}"
        for sign, operator in (("/", "Div"), ("*", "Mul")):
            whole, _, number = expression.rpartition(sign)
            if whole:
                inputs = [self.count(whole), self.constant([int(number)])]
                self.nodes.append(helper.make_node(operator, inputs, [name]))
                break
        else:
            self.nodes.append(helper.make_node("Shape", ["mix"], [name], start=2, end=3))
        self._counts[expression] = name
        return name

    def in_proportion(self, name: str, ours: Array, theirs: Array, frames: int, other_frames: int) -> str:
        """Name of what replaces a constant that depends on the frames.

        Args:
            name: of the constant.
            ours, theirs: its values in both exports.
            frames, other_frames: of the windows of both.

        Raises:
            ValueError: they are not in proportion to the frames.
        """
        if ours.dtype == np.int64 and ours.ndim < 2 and ours.shape == theirs.shape:
            parts = [_shape_entry(*pair, frames, other_frames) for pair in zip(ours.flat, theirs.flat, strict=True)]
            if None not in parts:
                counted = self.shape([part for part in parts if part is not None])
                return counted if ours.ndim else self._made("Squeeze", [counted])
        elif ours.ndim == theirs.ndim > 0 and len(ours) * other_frames == len(theirs) * frames:
            rows = min(len(ours), len(theirs))
            if np.array_equal(ours[:rows], theirs[:rows]):  # rows that are repeated for each frame
                count = self.shape([_frames_expression(len(ours), frames)])
                return self._made("Slice", [name, self.constant([0]), count, self.constant([0])])
        raise ValueError(f"{name} differs between the two lengths of window, but not in proportion to them")

    def _made(self, operator: str, inputs: Sequence[str]) -> str:
        """Name of the output of a new node."""
        name = f"free.{operator.lower()}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name]))
        return name

    def shape(self, parts: Sequence[list[int] | str]) -> str:
        """Name of a shape: constants and expressions, concatenated."""
        name = f"free.shape.{len(self.nodes)}"
        names = [self.count(part) if isinstance(part, str) else self.constant(part) for part in parts]
        self.nodes.append(helper.make_node("Concat", names, [name], axis=0))
        return name

    def cut_positions(self, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        """Cut the positional embedding that a node adds to as many rows as its other input has, in place.

        Yields:
            the nodes to run before it.
        """
        [other] = [name for name in node.input if name != "repeat"]
        many, cut = f"free.places.{other}", f"free.repeat.{other}"
        yield helper.make_node("Shape", [other], [many], start=1, end=2)
        yield helper.make_node("Slice", ["repeat", self.constant([0]), many, self.constant([0])], [cut])
        node.input[:] = [cut if name == "repeat" else name for name in node.input]


def free_file_by_comparison(path: Path, other: Path, lengths: tuple[int, int], decoder: MaskDecoderSpec) -> bool:
    """``free_by_comparison`` for ONNX files; False where that fails, and ``path`` stays as it was."""
    model = onnx.load(str(path))
    try:
        free_by_comparison(model, onnx.load(str(other)), lengths, decoder.frames)
    except ValueError:
        return False
    return _write_if_it_runs(model, path, decoder)


def free_unet_file(path: Path, decoder: MaskDecoderSpec) -> bool:
    """``free_unet`` for an ONNX file; False where its graph is of another network, and stays as it was."""
    model = onnx.load(str(path))
    free_unet(model, decoder.frames, decoder.bins)
    return _write_if_it_runs(model, path, decoder)


def _write_if_it_runs(model: onnx.ModelProto, path: Path, decoder: MaskDecoderSpec) -> bool:
    """Write a graph if it runs with short and with usual windows; else False, and the file stays as it was."""
    before = path.read_bytes()
    path.write_bytes(model.SerializeToString())
    try:
        onnx.checker.check_model(model)
        for frames in {LEAST_FRAMES, decoder.frames}:
            answer = dict(zip(_outputs(path), session(path).run(None, example_inputs(path, frames)), strict=True))
            for name, value in answer.items():
                if value.shape[FRAME_AXES[name][0]] != frames // FRAME_AXES[name][1]:
                    raise ValueError(f"{name} has the shape {value.shape}")
    except Exception:  # ONNX Runtime raises many kinds
        path.write_bytes(before)
        return False
    return True


def example_inputs(path: Path, frames: int) -> dict[str, np.ndarray]:
    """Random inputs of a mask or answer graph for one window of ``frames``; the same every time."""
    rng, inputs = np.random.default_rng(SEED), {}
    for one in session(path).get_inputs():
        axes = [1 if isinstance(axis, str) else axis for axis in one.shape]
        if one.name in FRAME_AXES:
            axes[FRAME_AXES[one.name][0]] = frames // FRAME_AXES[one.name][1]
        inputs[one.name] = np.abs(rng.standard_normal(axes)).astype(np.float32)
    return inputs


def write(base: Bundle, folder: Path, version: str, place: CopyTarget) -> Manifest:
    """Write the copy.

    Args:
        base: the bundle.
        folder: of the copy, which is named for it; must not exist unless ``place`` says that it may be replaced.
        version: of the copy.
        place: what the copy may replace.

    Raises:
        ValueError: the folder is taken, no graph has frames that can be freed, or the copy may not replace what is
            there.
        export.parity.Disagreement: a graph answers otherwise than before; nothing was written.
    """
    decoder = base.manifest.decoder
    names = () if decoder is None else (decoder.graph, f"{decoder.graph}-{ANSWER}")

    def rewritten(name: str, old: Path, copy: Path) -> float | None:
        if decoder is None or name not in names or free_axes(copy.read_bytes()) or not free_unet_file(copy, decoder):
            return None
        before, after = (session(path).run(None, example_inputs(old, decoder.frames)) for path in (old, copy))
        return max(difference(*pair) for pair in zip(before, after, strict=True))

    return write_rewritten(
        base, folder, version, rewritten, "The frames of {graphs} were freed.",
        f"no graph of {base.folder} has frames that can be freed", place,
    )  # fmt: skip


def _outputs(path: Path) -> list[str]:
    return [one.name for one in session(path).get_outputs()]


def _constants(graph: onnx.GraphProto) -> Mapping[str, list[int]]:
    return {name: one.reshape(-1).tolist() for name, one in _arrays(graph).items() if one.dtype == np.int64}


def _arrays(graph: onnx.GraphProto) -> Mapping[str, Array]:
    """All constants by name: initialisers and Constant nodes."""
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
    guard.add_arguments(parser)
    args = parser.parse_args(argv)
    place = CopyTarget(args.replace, args.comparison)
    return summary(args.bundle, write(load_bundle(args.base), args.bundle, args.version, place))
