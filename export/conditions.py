"""The graphs of a bundle that bring conditions into the prompt space, and their manifest entries.

    story   pieces (B,K,E), piece_mask (B,K) -> embedding (B,E)     long texts, from their pieces' embeddings
    audio   audio (B,1,N) -> embedding (B,E)                        "like this sound"
    scene   frames (B,F,H,W,3) -> picture (B,F,P), embedding (B,E)  stills and video, 0 to 1; black frames are none

A run exports those it has trained; the audio tower comes with every prompt run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engine.bundle.bundle import EncoderSpec
from export.cpu_session import session
from export.graphs import ExportSpec
from export.parity import difference, sounds, torch_outputs
from training.config import Preset
from training.prompt.adapters import ADAPTERS_FILE, PIECES, StoryReader, load_adapters
from training.prompt.model import AudioTower
from training.prompt.tower import load_audio_tower
from training.scene.config import FPS, frames_of
from training.scene.model import SCENE_FILE, SceneTower, load_scene

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class EncoderGraph:
    """An encoder graph, its manifest entry, and inputs it was not traced with."""

    spec: ExportSpec
    encoder: EncoderSpec
    tries: Callable[[], list[Arrays]]


class AudioEncoderGraph(nn.Module):
    """Audio (B, 1, N) -> embedding, by an encoder that takes (B, N)."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.ear = encoder  # the graphs of bundles name their weights so, and training/finetune/bundle.py reads them

    def forward(self, audio: Tensor) -> Tensor:
        embedding: Tensor = self.ear(audio[:, 0])
        return embedding


def conditions(preset: Preset, run: Path, more: Sequence[Path] = ()) -> list[EncoderGraph]:
    """The conditions of a flow run.

    Args:
        run: a finished flow run; it holds its prompt tower.
        more: other runs whose scene encoder or adapters to take, in the place of the flow run's own.
    """
    folders = [*more, run]
    adapted = next((folder for folder in folders if (folder / ADAPTERS_FILE).is_file()), None)
    scene = next((folder for folder in folders if (folder / SCENE_FILE).is_file()), None)
    found: list[EncoderGraph] = []
    if adapted is None:
        tower = load_audio_tower(run).requires_grad_(False)
        found.append(_audio(preset, tower, tower))
    else:
        encoder, reader = load_adapters(adapted, run)
        found += [_audio(preset, encoder.tower, encoder), _story(preset, reader)]
    if scene is not None:
        found.append(_scene(preset, load_scene(scene)))
    return found


def _audio(preset: Preset, tower: AudioTower, encoder: nn.Module) -> EncoderGraph:
    tower.use_real_arithmetic()
    grid, dim = preset.grid.grid, preset.prompt.embedding
    samples, rate_hz = grid.window_samples, grid.sample_rate_hz
    inputs: dict[str, list[str | int]] = {"audio": ["B", 1, samples]}
    spec = ExportSpec(
        "audio",
        AudioEncoderGraph(encoder),
        {"audio": 0.1 * torch.randn(2, 1, samples)},
        inputs,
        {"embedding": ["B", dim]},
    )
    return EncoderGraph(
        spec, encoder_entry(spec, rate_hz), lambda: [{"audio": audio} for audio in sounds(samples, rate_hz)]
    )


def _story(preset: Preset, reader: StoryReader) -> EncoderGraph:
    dim = preset.prompt.embedding
    examples = {"pieces": torch.randn(2, PIECES, dim), "piece_mask": torch.ones(2, PIECES, dtype=torch.bool)}
    inputs: dict[str, list[str | int]] = {"pieces": ["B", PIECES, dim], "piece_mask": ["B", PIECES]}
    spec = ExportSpec("story", reader, examples, inputs, {"embedding": ["B", dim]})

    def tries() -> list[Arrays]:
        rng = np.random.default_rng(12)
        pieces = rng.standard_normal((3, PIECES, dim), dtype=np.float32)
        mask = np.arange(PIECES)[None] < np.array([[1], [PIECES // 2], [0]])
        return [{"pieces": pieces[:1], "piece_mask": mask[:1]}, {"pieces": pieces, "piece_mask": mask}]

    return EncoderGraph(spec, EncoderSpec(graph="story", kind="story", dim=dim, pieces=PIECES), tries)


def _scene(preset: Preset, encoder: SceneTower) -> EncoderGraph:
    count, size, dim = frames_of(preset.grid.grid), encoder.config.size_px, encoder.embedding
    picture = encoder.config.picture
    inputs: dict[str, list[str | int]] = {"frames": ["B", count, size, size, 3]}
    outputs: dict[str, list[str | int]] = {"picture": ["B", count, picture], "embedding": ["B", dim]}
    spec = ExportSpec("scene", encoder, {"frames": torch.rand(2, count, size, size, 3)}, inputs, outputs)
    return EncoderGraph(spec, encoder_entry(spec), lambda: frames_to_try(count, size))


def frames_to_try(count: int, size: int) -> list[Arrays]:
    """Clips (B, count, size, size, 3) of noise: a whole one, one that ends early, and one without any picture."""
    frames = np.random.default_rng(13).random((3, count, size, size, 3), dtype=np.float32)
    frames[1, count // 2 :] = 0
    frames[2] = 0
    return [{"frames": frames[:1]}, {"frames": frames}]


def encoder_entry(spec: ExportSpec, rate_hz: int = 0) -> EncoderSpec:
    """What the manifest says of an audio encoder, which hears ``rate_hz``, or of a scene encoder."""
    dim = int(spec.outputs["embedding"][1])
    if spec.name == "audio":
        samples = int(spec.inputs["audio"][2])
        return EncoderSpec(graph="audio", kind="audio", dim=dim, samples=samples, rate_hz=rate_hz)
    _, frames, features = spec.outputs["picture"]
    return EncoderSpec(
        graph="scene", kind="scene", dim=dim, picture_dim=int(features), frames=int(frames), fps=float(FPS),
        size_px=int(spec.inputs["frames"][2]),
    )  # fmt: skip


def largest_difference(condition: EncoderGraph, path: Path) -> float:
    """Worst relative difference between torch and ONNX Runtime over every output and trial; see ``parity``."""
    graph, worst = session(path), 0.0
    for given in condition.tries():
        wanted, got = torch_outputs(condition.spec.module, given), graph.run(list(condition.spec.outputs), given)
        worst = max(worst, *(difference(a, b) for a, b in zip(wanted, got, strict=True)))
    return worst
