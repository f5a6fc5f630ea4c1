"""The small graphs that join the steps of the sampler on a device; ``engine/inference/step_graphs.py`` holds them.

    python -m export.step_graphs          prints that file's constants

They are made here because the engine does without the ``onnx`` package.
"""

from __future__ import annotations

import base64
import textwrap

import onnx
from onnx import TensorProto, helper

OPSET = 18


def guide() -> onnx.ModelProto:
    """Guidance: both halves of the result are ``without + guidance * (with_all - without)``."""
    nodes = [
        helper.make_node("Split", ["x_next"], ["with_all", "without"], axis=0, num_outputs=2),
        helper.make_node("Sub", ["with_all", "without"], ["towards"]),
        helper.make_node("Mul", ["guidance", "towards"], ["pushed"]),
        helper.make_node("Add", ["without", "pushed"], ["half"]),
        helper.make_node("Concat", ["half", "half"], ["x"], axis=0),
    ]
    axes = ["rows", "slots", "channels", "frames"]
    return _model("guide", nodes, [_floats("x_next", axes), _floats("guidance", [])], [_floats("x", axes)])


def finish() -> onnx.ModelProto:
    """Known latents as they were, the others as they became; then some slots, one after the other, for the decoder."""
    nodes = [
        helper.make_node("Shape", ["start"], ["rows"], start=0, end=1),
        helper.make_node("Slice", ["x", "zero", "rows", "zero"], ["first"]),
        helper.make_node("Unsqueeze", ["known", "two"], ["known_here"]),
        helper.make_node("Where", ["known_here", "start", "first"], ["latents"]),
        helper.make_node("Gather", ["latents", "slots"], ["chosen"], axis=1),
        helper.make_node("Transpose", ["chosen"], ["by_slot"], perm=[1, 0, 2, 3]),
        helper.make_node("Shape", ["latents"], ["sizes"], start=2, end=4),
        helper.make_node("Concat", ["rest", "sizes"], ["flat"], axis=0),
        helper.make_node("Reshape", ["by_slot", "flat"], ["tracks"]),
    ]
    axes = ["batch", "slots", "channels", "frames"]
    inputs = [
        _floats("x", ["rows_of_x", *axes[1:]]),
        _floats("start", axes),
        helper.make_tensor_value_info("known", TensorProto.BOOL, ["batch", "slots", "frames"]),
        helper.make_tensor_value_info("slots", TensorProto.INT64, ["chosen_slots"]),
    ]
    outputs = [_floats("latents", axes), _floats("tracks", ["tracks", "channels", "frames"])]
    constants = [_whole("zero", 0), _whole("two", 2), _whole("rest", -1)]
    return _model("finish", nodes, inputs, outputs, constants)


def begin() -> onnx.ModelProto:
    """The start of the steps: latents gathered from those of whole windows where they are known, else noise on them.

    ``x`` is the start once for each pass, and ``unsound`` is 0 where every latent that was gathered is a number, else
    none.
    """
    nodes = [
        helper.make_node("Transpose", ["windows"], ["by_frame"], perm=[0, 2, 1]),
        helper.make_node("GatherND", ["by_frame", "places"], ["frames"]),
        helper.make_node("Transpose", ["frames"], ["given"], perm=[0, 1, 3, 2]),
        helper.make_node("Mul", ["kept", "given"], ["kept_part"]),
        helper.make_node("Mul", ["noised", "noise"], ["noise_part"]),
        helper.make_node("Add", ["kept_part", "noise_part"], ["unknown"]),
        helper.make_node("Unsqueeze", ["known", "two"], ["known_here"]),
        helper.make_node("Where", ["known_here", "given", "unknown"], ["start"]),
        helper.make_node("Tile", ["start", "passes"], ["x"]),
        helper.make_node("Mul", ["given", "zero"], ["naught"]),
        helper.make_node("ReduceSum", ["naught"], ["unsound"], keepdims=0),
    ]
    axes = ["batch", "slots", "channels", "frames"]
    inputs = [
        _floats("windows", ["windows", "channels", "frames_of_window"]),
        helper.make_tensor_value_info("places", TensorProto.INT64, ["batch", "slots", "frames", 2]),
        _floats("noise", axes),
        helper.make_tensor_value_info("known", TensorProto.BOOL, ["batch", "slots", "frames"]),
        _floats("kept", []),
        _floats("noised", []),
        helper.make_tensor_value_info("passes", TensorProto.INT64, [4]),
    ]
    outputs = [_floats("start", axes), _floats("x", ["rows", *axes[1:]]), _floats("unsound", [])]
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0])
    return _model("begin", nodes, inputs, outputs, [_whole("two", 2), zero])


def gather() -> onnx.ModelProto:
    """Latents of any frames for the decoder, gathered from those of whole windows."""
    nodes = [
        helper.make_node("Transpose", ["windows"], ["by_frame"], perm=[0, 2, 1]),
        helper.make_node("GatherND", ["by_frame", "places"], ["frames"]),
        helper.make_node("Transpose", ["frames"], ["latents"], perm=[0, 2, 1]),
    ]
    inputs = [
        _floats("windows", ["windows", "channels", "frames_of_window"]),
        helper.make_tensor_value_info("places", TensorProto.INT64, ["batch", "frames", 2]),
    ]
    return _model("gather", nodes, inputs, [_floats("latents", ["batch", "channels", "frames"])])


def packed(model: onnx.ModelProto) -> str:
    """A model as text."""
    return base64.b64encode(model.SerializeToString()).decode()


def _floats(name: str, axes: list[str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, axes)


def _whole(name: str, value: int) -> onnx.TensorProto:
    return helper.make_tensor(name, TensorProto.INT64, [1], [value])


def _model(
    name: str, nodes: list[onnx.NodeProto], inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto],
    constants: list[onnx.TensorProto] | None = None,
) -> onnx.ModelProto:  # fmt: skip
    graph = helper.make_graph(nodes, name, inputs, outputs, constants or [])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    onnx.checker.check_model(made)
    return made


def main() -> None:
    """Print the constants."""
    for name, model in (("BEGIN", begin()), ("GUIDE", guide()), ("FINISH", finish()), ("GATHER", gather())):
        print(f"{name} = _unpacked(")
        for line in textwrap.wrap(packed(model), 110):
            print(f'    "{line}"')
        print(")")


if __name__ == "__main__":
    main()
