"""Graphs of the toy bundle that listen and see, with known answers; and wordings, for ``tests/toybundle.py``.

    audio   brightness: mean of |x[n] - x[n-1]| over mean of |x|, 0 for a hum, about 1.4 for white noise, 2 at most;
            the embedding points along (brightness, 1, 0 ...), so brightness is the share it stands for
    scene   picture (B, F, 2): mean red of each frame, and 1 where the frame is not black;
            the embedding points along (mean red of the frames that are seen, 1, 0 ...), zeros where none is

A vector stands for the share that its first number is of its second, whatever its length.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import helper
from toygraph import BOOL, FLOAT, model

SIZE_PX = 8
FRAMES = 8
FEATURES = 2
PIECES = 32
WORDINGS = (
    ("everything except the {x}", "remove", "en"),
    ("the {x}, not the {y}", "isolate", "en"),
    ("alles außer {x}", "remove", "de"),
    ("only the {x}", "isolate", "en"),
    ("no {x}", "remove", "en"),
    ("the {x}", "isolate", "en"),
)


def audio_graph(samples: int, embedding: int) -> onnx.ModelProto:
    """audio (B, 1, N) -> embedding (B, E)."""
    nodes = [
        helper.make_node("Slice", ["audio", "one", "end", "axis"], ["late"]),
        helper.make_node("Slice", ["audio", "zero", "minus_one", "axis"], ["early"]),
        helper.make_node("Sub", ["late", "early"], ["step"]),
        helper.make_node("Abs", ["step"], ["step_size"]),
        helper.make_node("ReduceMean", ["step_size"], ["moves_B11"], axes=[2]),
        helper.make_node("Abs", ["audio"], ["size"]),
        helper.make_node("ReduceMean", ["size"], ["mean_B11"], axes=[2]),
        helper.make_node("Max", ["mean_B11", "tiny"], ["mean_safe"]),
        helper.make_node("Div", ["moves_B11", "mean_safe"], ["bright_B11"]),
        helper.make_node("Squeeze", ["bright_B11", "axis"], ["bright_B1"]),
        *_pointing("bright_B1"),
    ]
    constants = {
        **_constants(embedding),
        "zero": np.array([0]),
        "end": np.array([samples]),
        "minus_one": np.array([-1]),
        "axis": np.array([2]),
    }
    return model(nodes, [("audio", FLOAT, ["B", 1, samples])], [("embedding", FLOAT, ["B", embedding])], constants)


def scene_graph(embedding: int) -> onnx.ModelProto:
    """frames (B, F, H, W, 3) -> picture (B, F, P), embedding (B, E)."""
    nodes = [
        helper.make_node("ReduceMax", ["frames"], ["highest_BF"], axes=[2, 3, 4], keepdims=0),
        helper.make_node("Greater", ["highest_BF", "none"], ["lit"]),
        helper.make_node("Cast", ["lit"], ["lit_BF"], to=FLOAT),
        helper.make_node("ReduceMean", ["frames"], ["colour_BF3"], axes=[2, 3], keepdims=0),
        helper.make_node("Gather", ["colour_BF3", "red"], ["red_BF"], axis=2),
        helper.make_node("Unsqueeze", ["red_BF", "last"], ["red_BF1"]),
        helper.make_node("Unsqueeze", ["lit_BF", "last"], ["lit_BF1"]),
        helper.make_node("Concat", ["red_BF1", "lit_BF1"], ["picture"], axis=2),
        helper.make_node("ReduceSum", ["red_BF", "one"], ["red_B1"]),
        helper.make_node("ReduceSum", ["lit_BF", "one"], ["count_B1"]),
        helper.make_node("Max", ["count_B1", "tiny"], ["count_safe"]),
        helper.make_node("Div", ["red_B1", "count_safe"], ["mean_B1"]),
        helper.make_node("Min", ["count_B1", "whole"], ["any_B1"]),
        *_pointing("mean_B1", "any_B1"),
    ]
    constants = {**_constants(embedding), "none": np.float32(0), "red": np.array(0), "last": np.array([2])}
    frames = ("frames", FLOAT, ["B", FRAMES, SIZE_PX, SIZE_PX, 3])
    outputs = [("picture", FLOAT, ["B", FRAMES, FEATURES]), ("embedding", FLOAT, ["B", embedding])]
    return model(nodes, [frames], outputs, constants)


def story_graph(embedding: int) -> onnx.ModelProto:
    """pieces (B, K, E), piece_mask (B, K) -> embedding (B, E): twice the first piece, which no plain mean would be."""
    nodes = [
        helper.make_node("Cast", ["piece_mask"], ["mask_f"], to=FLOAT),
        helper.make_node("Unsqueeze", ["mask_f", "last"], ["mask_BK1"]),
        helper.make_node("Mul", ["pieces", "mask_BK1"], ["kept"]),
        helper.make_node("Gather", ["kept", "first"], ["first_BE"], axis=1),
        helper.make_node("Mul", ["first_BE", "two"], ["embedding"]),
    ]
    constants = {"last": np.array([2]), "first": np.array(0), "two": np.float32(2)}
    inputs = [("pieces", FLOAT, ["B", PIECES, embedding]), ("piece_mask", BOOL, ["B", PIECES])]
    return model(nodes, inputs, [("embedding", FLOAT, ["B", embedding])], constants)


def write_asks(path: Path) -> None:
    """Wordings as ``engine/text/grammar.py`` reads them, the most words first."""
    wordings = [{"say": text, "task": task, "language": language} for text, task, language in WORDINGS]
    asks = {
        "wordings": wordings,
        "nouns": {"de": {"Geige": "violin", "Schlagzeug": "drums"}},
        "articles": ["die", "das"],
    }
    path.write_text(json.dumps(asks), encoding="utf-8")


def _pointing(share_B1: str, scale_B1: str = "") -> list[onnx.NodeProto]:
    """The vector of length sqrt(E) along (share, 1, 0 ...), times a scale."""
    ending = "pointed" if scale_B1 else "embedding"
    nodes = [
        helper.make_node("Mul", [share_B1, "along_share"], ["share_BE"]),
        helper.make_node("Add", ["share_BE", "along_one"], ["way_BE"]),
        helper.make_node("ReduceL2", ["way_BE"], ["length_B1"], axes=[1]),
        helper.make_node("Div", ["way_BE", "length_B1"], ["unit_BE"]),
        helper.make_node("Mul", ["unit_BE", "root"], [ending]),
    ]
    return [*nodes, helper.make_node("Mul", [ending, scale_B1], ["embedding"])] if scale_B1 else nodes


def _constants(embedding: int) -> dict[str, np.ndarray | np.floating]:
    axes = np.eye(embedding, dtype=np.float32)
    return {
        "along_share": axes[:1],
        "along_one": axes[1:2],
        "root": np.float32(np.sqrt(embedding)),
        "tiny": np.float32(1e-12),
        "one": np.array([1]),
        "whole": np.float32(1),
    }
