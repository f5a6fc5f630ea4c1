"""Write a small bundle with real ONNX graphs whose answers are known, for tests of the engine.

The codec is a reshape, so it is perfect: one latent frame is ``hop_samples`` audio samples. The flow is straight
(``v = (x_1 - x) / (1 - t)``), so any number of Euler steps lands on ``x_1``:

    STEM = share(prompt) * MIX + 0.5 * share(prompt) * REST where those are known, a tone of ``TONE`` where neither is
    REST = MIX - STEM where MIX is known, else that tone;   MIX = STEM + what is known of REST where MIX is unknown

The share is what the first number of the prompt's embedding is of the second: ``SHARES`` by word, mean over words; no
prompt means 0. With ``ripple`` above 0 the share grows towards both ends of a window, as an estimate with too little
context would. With the sense ``scene`` it grows by as much as the picture at that time is red: red all over doubles it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from toygraph import BOOL, FLOAT, INT64, model, save
from toymask import answer_graph, mask_graph
from toysenses import FEATURES, FRAMES, PIECES, SIZE_PX, audio_graph, scene_graph, story_graph, write_asks

from engine.bundle.bundle import (
    MANIFEST,
    Attachment,
    EncoderSpec,
    Manifest,
    MaskDecoderSpec,
    SamplerDefaults,
    file_sha256,
    manifest_to_json,
)
from engine.tasks import TASKS

SHARES = {"violin": 0.25, "bass": 0.5, "drums": 0.75, "everything": 1.0, "kazoo": 0.0}
OTHER_SHARE = 0.25
TONE = 0.1
EMBEDDING = 8
MAX_TOKENS = 16
SENSES = ("audio", "scene", "story", "asks")  # what a bundle of format 2 may have


def write_toy_bundle(
    folder: Path,
    *,
    sample_rate_hz: int = 16_000,
    hop_samples: int = 64,
    window_frames: int = 64,
    ripple: float = 0.0,
    tone: float = TONE,
    senses: tuple[str, ...] = (),
    decoder: MaskDecoderSpec | None = None,
    soft: float = 0.0,
    estimate: bool = False,
    hears: bool = False,
    **overrides: Any,
) -> Path:
    """Write a bundle and give its folder back.

    Args:
        folder: made when missing.
        sample_rate_hz, hop_samples, window_frames: the grid; a frame has as many latent channels as samples.
        ripple: how much the share grows towards the ends of a window; 0 means position does not matter.
        tone: amplitude of the tone that stands in for generated sound.
        senses: of ``SENSES``; with none of them it is a bundle of format 1.
        decoder: grid of a mask decoder, see ``tests/toymask.py``; with one it is a bundle of format 4.
        soft, estimate, hears: of its masks.
        overrides: fields of the manifest to replace, wrong ones included.
    """
    folder.mkdir(parents=True, exist_ok=True)
    d, frames = hop_samples, window_frames
    graphs = {
        "encode": encode_graph(d, frames),
        "decode": decode_graph(d, frames),
        "step": step_graph(d, frames, ripple, tone, "scene" in senses),
        "text": text_graph(),
    }
    tokenizer().save(str(folder / "tokenizer.json"))
    values = manifest_values(folder, sample_rate_hz, hop_samples, window_frames)
    made = {"audio": lambda: audio_graph(d * frames, EMBEDDING), "scene": lambda: scene_graph(EMBEDDING)}
    made["story"] = lambda: story_graph(EMBEDDING)
    graphs |= {sense: made[sense]() for sense in senses if sense in made}
    values |= sense_values(folder, values, senses)
    if decoder is not None:
        graphs[decoder.graph] = mask_graph(decoder, EMBEDDING, soft, estimate, hears)
        if hears:
            graphs[f"{decoder.graph}-answer"] = answer_graph(graphs[decoder.graph])
        values |= {"format": 4, "decoder": decoder}
    values["graphs"] = {name: save(graph, folder / f"{name}.onnx") for name, graph in graphs.items()}
    manifest = Manifest(**{**values, **{key: overrides[key] for key in overrides if key in values}})
    text = manifest_to_json(manifest)
    extra = {key: value for key, value in overrides.items() if key not in values}
    (folder / MANIFEST).write_text(json.dumps({**json.loads(text), **extra}) if extra else text, encoding="utf-8")
    return folder


def manifest_values(folder: Path, sample_rate_hz: int, hop_samples: int, window_frames: int) -> dict[str, Any]:
    """Fields of the manifest, graphs apart; the tokenizer is in place."""
    isolating = SamplerDefaults(steps=1, guidance=1.0, start="zeros")
    making = SamplerDefaults(steps=4, guidance=1.0, start="noise")
    text = EncoderSpec(
        graph="text",
        kind="text",
        dim=EMBEDDING,
        tokenizer="tokenizer.json",
        tokenizer_sha256=file_sha256(folder / "tokenizer.json"),
        max_tokens=MAX_TOKENS,
    )
    return {
        "format": 1,
        "name": folder.name,
        "version": "0.1",
        "licence": "CC0-1.0",
        "attribution": [],
        "trained_on": ["nothing"],
        "sample_rate_hz": sample_rate_hz,
        "hop_samples": hop_samples,
        "channels": 1,
        "latent_channels": hop_samples,
        "window_frames": window_frames,
        "latent_mean": [0.0] * hop_samples,
        "latent_std": [1.0] * hop_samples,
        "slots": ["MIX", "STEM", "REST"],
        "embedding": EMBEDDING,
        "encoders": {"text": text},
        "defaults": {task: isolating if rule.masked else making for task, rule in TASKS.items()},
        "mask": {"power": 1.0},
        "presence": {"midpoint_db": -25.0, "slope_db": 3.0},
        "parity": {"tolerance": 1e-4, "measured": 0.0},
    }


def sense_values(folder: Path, values: dict[str, Any], senses: tuple[str, ...]) -> dict[str, Any]:
    """Fields of the manifest that a bundle of format 2 has besides or otherwise."""
    samples, rate_hz = values["window_frames"] * values["hop_samples"], values["sample_rate_hz"]
    seen = {"picture_dim": FEATURES, "frames": FRAMES, "fps": FRAMES * rate_hz / samples, "size_px": SIZE_PX}
    fields = {"audio": {"samples": samples, "rate_hz": rate_hz}, "scene": seen, "story": {"pieces": PIECES}}
    encoders = {
        sense: EncoderSpec(graph=sense, kind=sense, dim=EMBEDDING, **fields[sense])
        for sense in senses
        if sense in fields
    }
    asks = None
    if "asks" in senses:
        write_asks(folder / "asks.json")
        asks = Attachment(file="asks.json", sha256=file_sha256(folder / "asks.json"))
    return {"format": 2 if senses else 1, "encoders": values["encoders"] | encoders, "asks": asks}


def tokenizer() -> Tokenizer:
    """Lower-case words; 0 pads, 1 is any other word."""
    vocabulary = {"[PAD]": 0, "[UNK]": 1} | {word: 2 + i for i, word in enumerate(SHARES)}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return words


def tone_frame(d: int, tone: float = TONE) -> np.ndarray:
    """One frame of generated sound: four whole periods, so frames join without a seam."""
    return (tone * np.sin(2 * np.pi * 4 * np.arange(d) / d)).astype(np.float32)


def encode_graph(d: int, frames: int) -> onnx.ModelProto:
    """audio (B, 1, N) -> latents (B, D, L)."""
    nodes = [
        helper.make_node("Reshape", ["audio", "split"], ["frames"]),
        helper.make_node("Transpose", ["frames"], ["latents"], perm=[0, 2, 1]),
    ]
    return model(
        nodes,
        [("audio", FLOAT, ["B", 1, d * frames])],
        [("latents", FLOAT, ["B", d, frames])],
        {"split": np.array([-1, frames, d])},
    )


def decode_graph(d: int, frames: int) -> onnx.ModelProto:
    """latents (B, D, L) -> audio (B, 1, N)."""
    nodes = [
        helper.make_node("Transpose", ["latents"], ["frames"], perm=[0, 2, 1]),
        helper.make_node("Reshape", ["frames", "join"], ["audio"]),
    ]
    return model(
        nodes,
        [("latents", FLOAT, ["B", d, frames])],
        [("audio", FLOAT, ["B", 1, d * frames])],
        {"join": np.array([-1, 1, d * frames])},
    )


def step_graph(d: int, frames: int, ripple: float, tone: float, sees: bool = False) -> onnx.ModelProto:
    """One Euler step of a straight flow towards the answer in the module's docstring."""
    nodes = [
        *share_nodes(sees),
        helper.make_node("Cast", ["known"], ["known_f"], to=FLOAT),
        helper.make_node("Unsqueeze", ["known_f", "two"], ["known_BS1L"]),
        helper.make_node("Mul", ["x", "known_BS1L"], ["given"]),
        helper.make_node("Gather", ["given", "mix"], ["mix_given"], axis=1),
        helper.make_node("Gather", ["given", "rest"], ["rest_given"], axis=1),
        helper.make_node("Gather", ["known_BS1L", "mix"], ["mix_known"], axis=1),
        helper.make_node("Gather", ["known_BS1L", "rest"], ["rest_known"], axis=1),
        helper.make_node("Mul", ["share", "mix_given"], ["stem_of_mix"]),
        helper.make_node("Mul", ["share", "rest_given"], ["twice_stem_of_rest"]),
        helper.make_node("Mul", ["twice_stem_of_rest", "half"], ["stem_of_rest"]),
        helper.make_node("Max", ["mix_known", "rest_known"], ["heard"]),
        helper.make_node("Sub", ["one", "heard"], ["unheard"]),
        helper.make_node("Mul", ["unheard", "tone_D1"], ["stem_of_nothing"]),
        helper.make_node("Sum", ["stem_of_mix", "stem_of_rest", "stem_of_nothing"], ["stem_1"]),
        helper.make_node("Mul", ["stem_1", "mix_known"], ["stem_in_mix"]),
        helper.make_node("Sub", ["mix_given", "stem_in_mix"], ["rest_of_mix"]),
        helper.make_node("Add", ["rest_of_mix", "stem_of_nothing"], ["rest_1"]),
        helper.make_node("Add", ["stem_1", "rest_given"], ["mix_1"]),
        helper.make_node("Unsqueeze", ["mix_1", "axis_1"], ["mix_B1DL"]),
        helper.make_node("Unsqueeze", ["stem_1", "axis_1"], ["stem_B1DL"]),
        helper.make_node("Unsqueeze", ["rest_1", "axis_1"], ["rest_B1DL"]),
        helper.make_node("Concat", ["mix_B1DL", "stem_B1DL", "rest_B1DL"], ["x_1"], axis=1),
        helper.make_node("Sub", ["x_1", "x"], ["way"]),
        helper.make_node("Unsqueeze", ["t", "two"], ["t_BS1L"]),
        helper.make_node("Sub", ["one", "t_BS1L"], ["left"]),
        helper.make_node("Max", ["left", "tiny"], ["left_safe"]),
        helper.make_node("Div", ["way", "left_safe"], ["velocity"]),
        helper.make_node("Reshape", ["dt", "dt_shape"], ["dt_B111"]),
        helper.make_node("Mul", ["velocity", "dt_B111"], ["move"]),
        helper.make_node("Add", ["x", "move"], ["moved"]),
        helper.make_node("Unsqueeze", ["known", "two"], ["known_here"]),
        helper.make_node("Where", ["known_here", "x", "moved"], ["x_next"]),
    ]
    inputs = [
        ("x", FLOAT, ["B", 3, d, frames]),
        ("t", FLOAT, ["B", 3, frames]),
        ("known", BOOL, ["B", 3, frames]),
        ("prompt", FLOAT, ["B", 3, EMBEDDING]),
        ("dt", FLOAT, ["B"]),
    ]
    constants = step_constants(d, frames, ripple, tone)
    if sees:
        inputs.append(("picture", FLOAT, ["B", FRAMES, FEATURES]))
        constants |= {"red": np.array(0), "nearest_L": np.arange(frames) * FRAMES // frames}
    return model(nodes, inputs, [("x_next", FLOAT, ["B", 3, d, frames])], constants)


def share_nodes(sees: bool) -> list[onnx.NodeProto]:
    """share (B, 1, L) or, without a ripple or a picture, the same at every frame."""
    nodes = [
        helper.make_node("Gather", ["prompt", "stem"], ["prompt_BE"], axis=1),
        helper.make_node("Gather", ["prompt_BE", "first"], ["share_of_B1"], axis=1),
        helper.make_node("Gather", ["prompt_BE", "axis_1"], ["one_B1"], axis=1),
        helper.make_node("Max", ["one_B1", "tiny"], ["one_safe"]),
        helper.make_node("Div", ["share_of_B1", "one_safe"], ["share_B1"]),
        helper.make_node("Unsqueeze", ["share_B1", "two"], ["share_B11"]),
        helper.make_node("Mul", ["share_B11", "weight_1L"], ["share" if not sees else "share_unseen"]),
    ]
    if not sees:
        return nodes
    return [
        *nodes,
        helper.make_node("Gather", ["picture", "red"], ["red_BF"], axis=2),
        helper.make_node("Gather", ["red_BF", "nearest_L"], ["red_BL"], axis=1),
        helper.make_node("Unsqueeze", ["red_BL", "axis_1"], ["red_B1L"]),
        helper.make_node("Add", ["red_B1L", "one"], ["seen_B1L"]),
        helper.make_node("Mul", ["share_unseen", "seen_B1L"], ["share"]),
    ]


def step_constants(d: int, frames: int, ripple: float, tone: float) -> dict[str, Any]:
    """Numbers of the step graph."""
    end = np.abs(np.linspace(-1, 1, frames)) ** 8
    return {
        "two": np.array([2]),
        "axis_1": np.array([1]),
        "first": np.array([0]),
        "mix": np.array(0),
        "stem": np.array(1),
        "rest": np.array(2),
        "one": np.float32(1),
        "half": np.float32(0.5),
        "tiny": np.float32(1e-6),
        "dt_shape": np.array([-1, 1, 1, 1]),
        "weight_1L": (1 + ripple * end).astype(np.float32)[None],
        "tone_D1": tone_frame(d, tone)[:, None],
    }


def text_graph() -> onnx.ModelProto:
    """tokens (B, T), token_mask (B, T) -> embedding (B, E): the mean of the words' rows."""
    table = np.zeros((2 + len(SHARES), EMBEDDING), np.float32)
    table[1, 0] = OTHER_SHARE
    table[2:, 0] = list(SHARES.values())
    table[1:, 1] = 1.0
    nodes = [
        helper.make_node("Gather", ["table", "tokens"], ["rows"], axis=0),
        helper.make_node("Cast", ["token_mask"], ["mask_f"], to=FLOAT),
        helper.make_node("Unsqueeze", ["mask_f", "two"], ["mask_BT1"]),
        helper.make_node("Mul", ["rows", "mask_BT1"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "one_axis"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["mask_BT1", "one_axis"], ["count"], keepdims=0),
        helper.make_node("Max", ["count", "one"], ["count_safe"]),
        helper.make_node("Div", ["sum", "count_safe"], ["embedding"]),
    ]
    constants = {"table": table, "two": np.array([2]), "one_axis": np.array([1]), "one": np.float32(1)}
    inputs = [("tokens", INT64, ["B", MAX_TOKENS]), ("token_mask", BOOL, ["B", MAX_TOKENS])]
    return model(nodes, inputs, [("embedding", FLOAT, ["B", EMBEDDING])], constants)
