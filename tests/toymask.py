"""The toy's mask decoder: an ONNX graph whose masks are known.

    stem = share(prompt) * WEIGHTS[side, bin] * mix / (mix + soft)      rest = 1 - stem / 2
    presence = 40 * (share(prompt) * tanh(mean magnitude of the block) - 0.1)

The stem is louder on the left and below 2 kHz; ``soft`` above 0 makes a mask depend on the mix in its frame and bin.
The first and last frames of a window are silent, as an estimate without context might be.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnx.utils
from onnx import helper
from toygraph import FLOAT, model

from engine.bundle.separation import MaskDecoderSpec

FULL = MaskDecoderSpec(
    graph="mask", rate_hz=44_100, fft_samples=4096, hop_samples=1024, bins=1024, frames=512, presence_frames=32,
    level_db=-18.4, gate_low=0.05, gate_high=0.3,
)  # fmt: skip
SHORT = replace(FULL, frames=96)  # 2.2 s, so that a few seconds are several windows
DULL_FRAMES = 8  # at either end of a window, less than the context that is thrown away


def weights(grid: MaskDecoderSpec) -> np.ndarray:
    """How much of the share a side and bin gets, float32 (2, bins)."""
    low_F = np.arange(grid.bins) * grid.rate_hz / grid.fft_samples < 2_000
    return np.stack([np.where(low_F, 1.0, 0.5), np.where(low_F, 0.8, 0.25)]).astype(np.float32)


def _constants(grid: MaskDecoderSpec, soft: float) -> dict[str, Any]:
    """What the nodes of ``mask_graph`` take beside its inputs."""
    frames_T = np.ones(grid.frames, np.float32)
    frames_T[:DULL_FRAMES] = frames_T[-DULL_FRAMES:] = 0
    blocks = grid.frames // grid.presence_frames
    return {
        "stem_at": np.array([0]), "rest_at": np.array([1]), "silent": np.float32(1e-9),
        "first": np.array([0]), "second": np.array([1]), "axis_0": np.array([0]),
        "tiny": np.float32(1e-6), "soft": np.float32(soft + 1e-9), "half": np.float32(0.5), "one": np.float32(1),
        "tenth": np.float32(0.1), "steep": np.float32(40),
        "shape_P1111": np.array([-1, 1, 1, 1, 1]), "shape_P11": np.array([-1, 1, 1]),
        "shape_blocks": np.array([-1, 2, blocks, grid.presence_frames, grid.bins]),
        "weights": weights(grid)[:, None] * frames_T[:, None],
    }  # fmt: skip


def mask_graph(
    grid: MaskDecoderSpec, embedding: int, soft: float = 0.0, estimate: bool = False, hears: bool = False
) -> onnx.ModelProto:
    """mix (B, 2, T, F), prompt (P, E) -> stem, rest (P, B, 2, T, F), presence (P, B, blocks).

    With ``estimate`` it takes the flow's stem and rest too, and the share is what the stem is of both. With ``hears``
    it also gives mix / (mix + soft), in 16 bits, as ``described``; its end can be cut off there.
    """
    blocks = grid.frames // grid.presence_frames
    nodes = [
        helper.make_node("Gather", ["prompt", "first"], ["share_of_P1"], axis=1),
        helper.make_node("Gather", ["prompt", "second"], ["one_P1"], axis=1),
        helper.make_node("Max", ["one_P1", "tiny"], ["safe_P1"]),
        helper.make_node("Div", ["share_of_P1", "safe_P1"], ["share_P1"]),
        helper.make_node("Reshape", ["share_P1", "shape_P1111"], ["share"]),
        helper.make_node("Add", ["mix", "soft"], ["more"]),
        helper.make_node("Div", ["mix", "more"], ["local"]),
        helper.make_node("Mul", ["local", "weights"], ["weighted"]),
        helper.make_node("Unsqueeze", ["weighted", "axis_0"], ["weighted_1B2TF"]),
        helper.make_node("Mul", ["weighted_1B2TF", "share"], ["stem"]),
        helper.make_node("Mul", ["stem", "half"], ["taken"]),
        helper.make_node("Sub", ["one", "taken"], ["rest"]),
        helper.make_node("Reshape", ["mix", "shape_blocks"], ["mix_B2KTF"]),
        helper.make_node("ReduceMean", ["mix_B2KTF"], ["loud_BK"], axes=[1, 3, 4], keepdims=0),
        helper.make_node("Tanh", ["loud_BK"], ["heard_BK"]),
        helper.make_node("Unsqueeze", ["heard_BK", "axis_0"], ["heard_1BK"]),
        helper.make_node("Reshape", ["share_P1", "shape_P11"], ["share_P11"]),
        helper.make_node("Mul", ["heard_1BK", "share_P11"], ["there"]),
        helper.make_node("Sub", ["there", "tenth"], ["above"]),
        helper.make_node("Mul", ["above", "steep"], ["presence"]),
    ]
    plane = ["B", 2, grid.frames, grid.bins]
    inputs = [("mix", FLOAT, plane), ("prompt", FLOAT, ["P", embedding])]
    if estimate:
        inputs.append(("estimate", FLOAT, plane))
        nodes[4:5] = [
            helper.make_node("Gather", ["estimate", "stem_at"], ["flow_stem"], axis=1),
            helper.make_node("Gather", ["estimate", "rest_at"], ["flow_rest"], axis=1),
            helper.make_node("Sum", ["flow_stem", "flow_rest", "silent"], ["flow_both"]),
            helper.make_node("Div", ["flow_stem", "flow_both"], ["flow_share"]),
            helper.make_node("Unsqueeze", ["flow_share", "axis_0"], ["share"]),
        ]
    constants = _constants(grid, soft)
    heard = []
    if hears:
        nodes[6:7] = [
            helper.make_node("Div", ["mix", "more"], ["fine"]),
            helper.make_node("Cast", ["fine"], ["coarse"], to=onnx.TensorProto.FLOAT16),
            helper.make_node("Cast", ["coarse"], ["described"], to=FLOAT),
            helper.make_node("Identity", ["described"], ["local"]),
        ]
        heard = [("described", FLOAT, plane)]
    outputs = [("stem", FLOAT, ["P", *plane]), ("rest", FLOAT, ["P", *plane]), ("presence", FLOAT, ["P", "B", blocks])]
    return model(nodes, inputs, outputs + heard, constants)


def answer_graph(whole: onnx.ModelProto) -> onnx.ModelProto:
    """The end of a mask graph that ``hears``."""
    extractor = onnx.utils.Extractor(whole)
    return extractor.extract_model(["mix", "prompt", "described"], ["stem", "rest", "presence"])
