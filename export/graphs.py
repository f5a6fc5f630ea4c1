"""The bundle's graphs as torch modules with fixed input and output names.

    encode  audio (B,1,N) -> latents (B,D,L)
    decode  latents (B,D,L) -> audio (B,1,N)
    step    x (B,S,D,L), t (B,S,L), known (B,S,L), prompt (B,S,E), dt (B,) -> x_next (B,S,D,L);
            also picture (B,F,P), zeros for none, where the preset has a picture_dim
    text    tokens (B,T), token_mask (B,T) -> embedding (B,E)

Guidance needs no graph of its own: an Euler step is affine in the velocity, so two rows of one batch, with and without
prompt, are mixed outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from engine.latents import SLOTS, Slot
from training.codec.model import MixWavCodec
from training.codec.spectral import FrameTransform
from training.codec.train import load_codec
from training.config import Preset
from training.flow.model import velocity
from training.flow.train import load_flow
from training.papers.diffusion import advance
from training.prompt.model import TextTower
from training.prompt.tower import load_text_tower
from training.scene.config import frames_of


class EncodeGraph(nn.Module):
    """Audio -> latents of unit scale."""

    def __init__(self, codec: MixWavCodec) -> None:
        super().__init__()
        self.codec = codec

    def forward(self, audio: Tensor) -> Tensor:
        return self.codec.encode(audio)


class DecodeGraph(nn.Module):
    """Latents of unit scale -> audio."""

    def __init__(self, codec: MixWavCodec) -> None:
        super().__init__()
        self.codec = codec

    def forward(self, latents: Tensor) -> Tensor:
        return self.codec.decode(latents)


class StepGraph(nn.Module):
    """One step along the preset's path: Euler's, or DDIM's on the cosine path; known latents stay unchanged."""

    def __init__(self, flow: nn.Module, path: str) -> None:
        super().__init__()
        self.flow, self.path = flow, path

    def forward(
        self, x: Tensor, t: Tensor, known: Tensor, prompt: Tensor, dt: Tensor, picture: Tensor | None = None
    ) -> Tensor:
        clean = self.flow(x, t, known, prompt) if picture is None else self.flow(x, t, known, prompt, picture)
        if self.path == "linear":
            moved = x + dt[:, None, None, None] * velocity(clean, x, t)
        else:
            moved = advance(self.path, clean, x, t, dt[:, None, None])
        return torch.where(known[:, :, None], x, moved)


@dataclass(frozen=True, slots=True)
class ExportSpec:
    """One graph to export: the module, example inputs, axes of inputs and outputs."""

    name: str
    module: nn.Module
    examples: dict[str, Tensor]
    inputs: dict[str, list[str | int]]
    outputs: dict[str, list[str | int]]


def prepare(codec: MixWavCodec) -> None:
    """Make a codec exportable: DFT as matrix product, weight norm folded into the weights."""
    for module in codec.modules():
        if isinstance(module, FrameTransform):
            module.exporting = True
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")


def specs(preset: Preset, run: Path) -> list[ExportSpec]:
    """All graphs of a run. Inputs and outputs are float32 but for tokens (int64) and masks (bool)."""
    tower, _ = load_text_tower(run)
    return [
        *codec_specs(preset, load_codec(preset, run)),
        step_spec(preset, load_flow(preset, run)),
        text_spec(tower, preset.prompt.embedding),
    ]


def codec_specs(preset: Preset, codec: MixWavCodec) -> list[ExportSpec]:
    """The encode and decode graphs of a codec, which is made exportable."""
    prepare(codec)
    grid = preset.grid.grid
    d, frames, n = grid.latent_channels, grid.window_frames, grid.window_samples
    return [
        ExportSpec("encode", EncodeGraph(codec), {"audio": 0.1 * torch.randn(2, 1, n)}, {"audio": ["B", 1, n]},
             {"latents": ["B", d, frames]}),
        ExportSpec("decode", DecodeGraph(codec), {"latents": torch.randn(2, d, frames)}, {"latents": ["B", d, frames]},
             {"audio": ["B", 1, n]}),
    ]  # fmt: skip


def step_spec(preset: Preset, flow: nn.Module) -> ExportSpec:
    """The step graph of a flow."""
    d, frames, embedding = preset.grid.latent_channels, preset.grid.window_frames, preset.prompt.embedding
    known = torch.zeros(2, SLOTS, frames, dtype=torch.bool)
    known[:, Slot.MIX] = True
    examples = {
        "x": torch.randn(2, SLOTS, d, frames),
        "t": known.float(),
        "known": known,
        "prompt": torch.randn(2, SLOTS, embedding),
        "dt": torch.ones(2),
    }
    if preset.flow.picture_dim:
        examples["picture"] = torch.randn(2, frames_of(preset.grid.grid), preset.flow.picture_dim)
    inputs: dict[str, list[str | int]] = {name: ["B", *value.shape[1:]] for name, value in examples.items()}
    return ExportSpec("step", StepGraph(flow, preset.flow.path), examples, inputs, {"x_next": ["B", SLOTS, d, frames]})


def text_spec(tower: TextTower, embedding: int) -> ExportSpec:
    """The text graph of a tower."""
    count = tower.max_tokens
    tokens = torch.ones(2, count, dtype=torch.long)
    mask = torch.zeros(2, count, dtype=torch.bool)
    mask[:, :5] = True
    return ExportSpec(
        "text",
        tower.requires_grad_(False),
        {"tokens": tokens, "token_mask": mask},
        {"tokens": ["B", count], "token_mask": ["B", count]},
        {"embedding": ["B", embedding]},
    )
