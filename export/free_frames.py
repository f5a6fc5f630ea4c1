"""``python -m export frames BUNDLE OUT``: a bundle's copy whose mask decoder also takes windows of fewer frames.

torch writes the frames of a window into a graph as numbers, so that a clip of one second is filled up with silence to
twelve. Here the graph counts them itself; weights and answers for whole windows stay as they were, bit for bit. The
names of such axes tell how long they are else (``frames=512``), which is what a device with fixed shapes is given.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from engine.bundle.bundle import Bundle, Manifest, MaskDecoderSpec, load_bundle
from engine.bundle.free_axes import free_axes
from engine.bundle.separation import LEAST_FRAMES
from export.cpu_session import session
from export.parity import difference
from export.rewritten import write_rewritten
from export.write import summary

COARSE = 32  # frames and bins of one place of the coarsest plane
ANSWER = "answer"
SEED = 6
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
    del graph.node[:]
    graph.node.extend([*added.nodes, *nodes])
    del graph.value_info[:]
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
        """Name of what counts ``frames``, or a share of them as ``frames/32``; "" for ""."""
        if not what or what in self._counts:
            return self._counts.get(what, "")
        _, _, share = what.partition("/")
        name = self._counts[what] = f"free.{what}"
        if share:
            self.nodes.append(helper.make_node("Div", [self.count("frames"), self.constant([int(share)])], [name]))
        else:
            self.nodes.append(helper.make_node("Shape", ["mix"], [name], start=2, end=3))
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


def rewrite_file(path: Path, decoder: MaskDecoderSpec) -> bool:
    """The same for an ONNX file; False where its graph is of another kind, and stays as it was."""
    model = onnx.load(str(path))
    rewrite(model, decoder.frames, decoder.bins)
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
    tensors = {one.name: one for one in graph.initializer if one.data_type == onnx.TensorProto.INT64}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].t.data_type == onnx.TensorProto.INT64:
            tensors[node.output[0]] = node.attribute[0].t
    return {name: numpy_helper.to_array(one).reshape(-1).tolist() for name, one in tensors.items()}


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
