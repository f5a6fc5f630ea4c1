"""``python -m export upsampling BUNDLE OUT``: a bundle's copy whose transposed convolutions are plain ones.

A U-Net doubles its frames and bins by a transposed convolution of 5 x 5 with stride 2, of which the edges are cut. ONNX
Runtime does that on a processor as a product of matrices whose columns one thread then adds up. Each of the four
numbers that come of one is a plain convolution of 3 or 2 rows and columns, which all threads do in their fastest
layout: no operation more, the same weights in the same storage, and answers that differ by rounding alone.

Source: Shi et al. 2016, "Is the deconvolution layer the same as a convolutional layer?", arXiv:1609.07009.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from engine.bundle.bundle import Bundle, Manifest, load_bundle
from export import guard
from export.cpu_session import session
from export.parity import difference
from export.rewritten import CopyTarget, write_rewritten
from export.write import summary

KERNEL, STRIDE = [5, 5], [2, 2]
CUT_BEFORE, CUT_AFTER = 1, -2  # rows and columns of the output that are cut away
DEFAULTS = {"group": 1, "dilations": [1, 1], "pads": [0, 0, 0, 0], "output_padding": [0, 0]}
SEED = 5
ALL = -(1 << 31)  # an end before all rows, for a slice that counts down


def rewrite(model: onnx.ModelProto) -> int:
    """Replace transposed convolutions in place; gives how many. Those of other sizes stay."""
    found = {node.output[0]: cuts for node in model.graph.node if (cuts := _cuts_after(model.graph, node))}
    dropped = {cut.output[0] for cuts in found.values() for cut in cuts}
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.output[0] in found:
            nodes += _plain(model.graph, node, found[node.output[0]][-1].output[0])
        elif node.output[0] not in dropped:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return len(found)


def rewrite_file(path: Path) -> int:
    """The same for an ONNX file."""
    model = onnx.load(str(path))
    count = rewrite(model)
    if count:
        onnx.checker.check_model(model)
        path.write_bytes(model.SerializeToString())
    return count


def write(base: Bundle, folder: Path, version: str, place: CopyTarget) -> Manifest:
    """Write the copy.

    Args:
        base: the bundle.
        folder: of the copy, which is named for it; must not exist unless ``place`` says that it may be replaced.
        version: of the copy.
        place: what the copy may replace.

    Raises:
        ValueError: the folder is taken, no graph has such convolutions, or the copy may not replace what is there.
        export.parity.Disagreement: a graph answers otherwise than before; nothing was written.
    """

    def rewritten(name: str, old: Path, copy: Path) -> float | None:
        return _distance(old, copy) if rewrite_file(copy) else None

    return write_rewritten(
        base, folder, version, rewritten, "Transposed convolutions of {graphs} were replaced.",
        f"no graph of {base.folder} has transposed convolutions that can be replaced", place,
    )  # fmt: skip


def _cuts_after(graph: onnx.GraphProto, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """The slices that cut the edges of a transposed convolution of the right size; none where it is another one."""
    told = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    is_right = node.op_type == "ConvTranspose" and told.get("strides") == STRIDE and told.get("kernel_shape") == KERNEL
    if not is_right or any(told.get(name, value) != value for name, value in DEFAULTS.items()):
        return []
    constants = _constants(graph)
    cuts, axes = list[onnx.NodeProto](), set[int]()
    while len(cuts) < 2:
        last = cuts[-1] if cuts else node
        users = [one for one in graph.node if last.output[0] in one.input]
        axis = _cut_axis(users[0], constants) if len(users) == 1 else None
        if axis is None or last.output[0] in {one.name for one in graph.output}:
            return []
        axes.add(axis)
        cuts.append(users[0])
    return cuts if axes == {2, 3} else []


def _cut_axis(node: onnx.NodeProto, constants: Mapping[str, list[int]]) -> int | None:
    """The axis whose edges a slice cuts, None where it is no such slice."""
    if node.op_type != "Slice" or len(node.input) < 4:
        return None
    starts, ends, axes, *steps = (constants.get(name) for name in node.input[1:])
    if starts != [CUT_BEFORE] or ends != [CUT_AFTER] or axes is None or steps not in ([], [[1]]):
        return None
    return axes[0] if len(axes) == 1 else None


def _constants(graph: onnx.GraphProto) -> dict[str, list[int]]:
    tensors = {one.name: one for one in graph.initializer if one.data_type == onnx.TensorProto.INT64}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].t.data_type == onnx.TensorProto.INT64:
            tensors[node.output[0]] = node.attribute[0].t
    return {name: numpy_helper.to_array(one).reshape(-1).tolist() for name, one in tensors.items()}


def _plain(graph: onnx.GraphProto, node: onnx.NodeProto, output: str) -> Iterator[onnx.NodeProto]:
    """The four convolutions; row ``2 i + p`` of the uncut output is made by the kernel's rows p, p + 2 and so on."""
    source, weight, *bias = node.input
    name = f"{output}.up"
    yield helper.make_node("Transpose", [weight], [f"{name}.weight"], perm=[1, 0, 2, 3])
    quarters = [(row, column) for row in (1, 0) for column in (1, 0)]  # the first row that stays is an odd one
    for row, column in quarters:
        last = _whole(graph, f"{name}.last{row}{column}", [KERNEL[0] - 1 - row, KERNEL[1] - 1 - column])
        ends, axes, back = (_whole(graph, f"{name}.{what}", values) for what, values in (
            ("ends", [ALL, ALL]), ("axes", [2, 3]), ("back", [-2, -2]),
        ))  # fmt: skip
        part, made = f"{name}.weight{row}{column}", f"{name}.{row}{column}"
        yield helper.make_node("Slice", [f"{name}.weight", last, ends, axes, back], [part])
        pads = [1, 1, 1 - row, 1 - column]
        shape = [3 - row, 3 - column]
        yield helper.make_node("Conv", [source, part, *bias], [made], name=made, kernel_shape=shape, pads=pads)
    yield helper.make_node("Concat", [f"{name}.{row}{column}" for row, column in quarters], [f"{name}.all"], axis=1)
    yield helper.make_node("DepthToSpace", [f"{name}.all"], [output], blocksize=2, mode="DCR")


def _whole(graph: onnx.GraphProto, name: str, values: list[int]) -> str:
    if all(one.name != name for one in graph.initializer):
        graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), name))
    return name


def _distance(before: Path, after: Path) -> float:
    """Largest difference of an output between two graphs that should be the same."""
    sessions, rng = [session(path) for path in (before, after)], np.random.default_rng(SEED)
    inputs = {
        given.name: rng.random([axis if isinstance(axis, int) else 1 for axis in given.shape], np.float32)
        for given in sessions[0].get_inputs()
    }
    pairs = zip(*(one.run(None, inputs) for one in sessions), strict=True)
    return max(difference(old, new) for old, new in pairs)


def main(argv: list[str]) -> str:
    """Read the command line and write the bundle; a line about it."""
    parser = argparse.ArgumentParser(prog="python -m export upsampling", description="faster graphs for processors")
    parser.add_argument("bundle", type=Path, help="folder of the bundle")
    parser.add_argument("out", type=Path, help="folder of the copy")
    parser.add_argument("--version", default="1.0.0", help="of the copy; default %(default)s")
    guard.add_arguments(parser)
    asked = parser.parse_args(argv)
    place = CopyTarget(asked.replace, asked.comparison)
    return summary(asked.out, write(load_bundle(asked.bundle), asked.out, asked.version, place))
