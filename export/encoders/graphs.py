"""CLAP's and CLIP's towers with their adapters, as graphs to export.

    text   tokens (B,T), token_mask (B,T) -> embedding (B,E)
    audio  audio (B,1,N)                  -> embedding (B,E)
    scene  frames (B,F,H,W,3)             -> picture (B,F,P), embedding (B,E)

E and P are the bundle's where an adapter follows the tower, else the tower's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from engine.latents import LatentGrid
from export.graphs import ExportSpec
from training.pretrained.clap import ClapAudio, ClapText, ClapTowers
from training.pretrained.clip import ClipFrames, ClipTower
from training.pretrained.graphs import AudioPromptEncoder, FramePromptEncoder, TextPromptEncoder
from training.scene.config import frames_of

Adapters = dict[str, nn.Module]
GRAPHS = ("text", "audio", "scene")


@dataclass(frozen=True, slots=True)
class EncoderTarget:
    """The bundle that the graphs must fit.

    Attributes:
        grid: of the bundle.
        embedding: length E of its prompts; None means whatever the towers give.
        picture: length P of the picture its flow takes; None means whatever the tower gives.
        max_tokens: of a prompt.
        pooled: True means words without CLAP's projection, as MAGE has them.
    """

    grid: LatentGrid
    embedding: int | None
    picture: int | None
    max_tokens: int
    pooled: bool = False


def text_spec(clap: ClapTowers, wanted: EncoderTarget, adapters: Adapters) -> ExportSpec:
    """The graph of words.

    Raises:
        ValueError: its embedding has another length than the bundle's, and no adapter changes that; or its prompts are
            shorter than asked for.
    """
    if wanted.max_tokens > clap.longest:
        raise ValueError(f"--max-tokens {wanted.max_tokens}: {clap.name} takes at most {clap.longest}")
    adapter = adapters.get("text")
    pooled = adapter is None and (wanted.pooled or wanted.embedding == clap.pooled_dim != clap.dim)
    dim = _length("text", clap.pooled_dim if pooled else clap.dim, adapter, wanted.embedding)
    count = wanted.max_tokens
    mask = torch.zeros(2, count, dtype=torch.bool)
    mask[:, :5] = True
    tokens = torch.where(mask, 3, 0)
    return ExportSpec(
        "text",
        TextPromptEncoder(ClapText(clap, pooled), adapter).eval(),
        {"tokens": tokens, "token_mask": mask},
        {"tokens": ["B", count], "token_mask": ["B", count]},
        {"embedding": ["B", dim]},
    )


def audio_spec(clap: ClapTowers, wanted: EncoderTarget, adapters: Adapters) -> ExportSpec:
    """The graph of sound examples.

    Raises:
        ValueError: its embedding has another length than the bundle's, and no adapter changes that.
    """
    adapter, samples = adapters.get("audio"), wanted.grid.window_samples
    dim = _length("audio", clap.dim, adapter, wanted.embedding)
    return ExportSpec(
        "audio",
        AudioPromptEncoder(ClapAudio(clap, wanted.grid.sample_rate_hz), adapter).eval(),
        {"audio": 0.1 * torch.randn(2, 1, samples)},
        {"audio": ["B", 1, samples]},
        {"embedding": ["B", dim]},
    )


def scene_spec(clip: ClipTower, wanted: EncoderTarget, adapters: Adapters) -> ExportSpec:
    """The graph of pictures and videos.

    Raises:
        ValueError: a length differs from the bundle's, and no adapter changes that.
    """
    picture, scene = adapters.get("picture"), adapters.get("scene")
    dim = _length("scene", clip.dim, scene, wanted.embedding)
    features = _length("picture", clip.dim, picture, wanted.picture)
    frames, size = frames_of(wanted.grid), clip.size_px
    return ExportSpec(
        "scene",
        FramePromptEncoder(ClipFrames(clip), picture, scene).eval(),
        {"frames": torch.rand(2, frames, size, size, 3)},
        {"frames": ["B", frames, size, size, 3]},
        {"picture": ["B", frames, features], "embedding": ["B", dim]},
    )


def _length(name: str, given: int, adapter: nn.Module | None, wanted: int | None) -> int:
    """Length of an answer: the tower's, or its adapter's.

    Raises:
        ValueError: the adapter is another tower's, or the bundle takes another length.
    """
    advice = (
        "train adapters with `python -m training adapters` and name their run with --adapters, "
        "or leave the graph out with --graphs"
    )
    if adapter is not None:
        up, down = adapter.get_submodule("up"), adapter.get_submodule("down")
        if up.weight.shape[1] != given:
            raise ValueError(
                f"{name}: the adapter takes {up.weight.shape[1]} numbers, the tower gives {given}; {advice}"
            )
        given = int(down.weight.shape[0])
    if wanted is not None and given != wanted:
        kind = "the adapter" if adapter is not None else "the tower"
        raise ValueError(f"{name}: {kind} gives {given} numbers, the bundle takes {wanted}; {advice}")
    return given
