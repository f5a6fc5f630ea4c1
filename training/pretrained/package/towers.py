"""The packages' towers behind the interfaces ``ClapTowers`` and ``ClipTower``.

Each is asked again here what its package was asked there, at a batch that it was not captured with.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.pretrained.frontend import ClapMel
from training.pretrained.package.call import LAION_CLAP, OPEN_CLIP, PackageTowers, check_answer, towers

ALLOWED = 1e-4  # of answers of length 1; float32 arithmetic of another order stays below 1e-6


class PackageText(nn.Module):
    """Ids (B,T), mask (B,T) -> (B,X) or, pooled, (B,Y); filled up to the length that laion-clap pads to."""

    def __init__(self, program: nn.Module, pooled: bool, tokens: int, pad: int) -> None:
        super().__init__()
        self.program, self.pooled, self.tokens, self.pad = program, pooled, tokens, pad

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embed prompts of at most as many tokens."""
        more = (0, self.tokens - ids.shape[1])
        projected, pooled = self.program(F.pad(ids, more, value=self.pad), F.pad(mask.long(), more) > 0)
        return pooled if self.pooled else projected


@dataclass(frozen=True, slots=True)
class PackageClap:
    """Both towers of a checkpoint of laion-clap, through laion-clap.

    Attributes:
        answer: what the package gave.
        name: of the checkpoint.
        folder: None; a checkpoint has no tokenizer beside it.
    """

    answer: PackageTowers
    name: str
    folder: Path | None = None

    @property
    def dim(self) -> int:
        """Embedding size of both towers."""
        return int(self.answer.settings["dim"])

    @property
    def pooled_dim(self) -> int:
        """Length of the text tower's pooled output, before the projection."""
        return int(self.answer.settings["pooled_dim"])

    @property
    def vocabulary(self) -> int:
        """Number of tokens."""
        return int(self.answer.settings["vocabulary"])

    @property
    def pad(self) -> int:
        """Padding token."""
        return int(self.answer.settings["pad"])

    @property
    def longest(self) -> int:
        """Most tokens of a prompt."""
        return int(self.answer.settings["tokens"])

    @property
    def mel_settings(self) -> dict[str, Any]:
        """Settings of the mel spectrogram, named as in ``preprocessor_config.json``."""
        return self.answer.settings["ears"]

    @property
    def filters(self) -> Tensor:
        """Mel filters ``(bins, mels)``."""
        return self.answer.asked["filters"]

    def text_tower(self, pooled: bool) -> nn.Module:
        """Ids (B,T), mask (B,T) -> (B,X); pooled gives RoBERTa's own numbers."""
        return PackageText(self.answer.towers["text"], pooled, self.longest, self.pad)

    def audio_tower(self) -> nn.Module:
        """Log-mel picture (B,1,frames,mels) -> (B,X)."""
        return self.answer.towers["audio"]


@dataclass(frozen=True, slots=True)
class PackageClip:
    """The image tower of a checkpoint of open-clip, through open-clip.

    Attributes:
        answer: what the package gave.
        name: of the checkpoint.
    """

    answer: PackageTowers
    name: str

    @property
    def dim(self) -> int:
        """Embedding size."""
        return int(self.answer.settings["dim"])

    @property
    def size_px(self) -> int:
        """Height and width of the pictures it takes."""
        return int(self.answer.settings["size_px"])

    @property
    def mean(self) -> tuple[float, ...]:
        """Of the three colours."""
        return tuple(self.answer.settings["mean"])

    @property
    def deviation(self) -> tuple[float, ...]:
        """Of the three colours."""
        return tuple(self.answer.settings["deviation"])

    def tower(self) -> nn.Module:
        """Normalised pictures (B,3,S,S) -> (B,X)."""
        return self.answer.towers["image"]


def laion_clap(checkpoint: str, model: str, python: Path | None = None) -> PackageClap:
    """Towers of a checkpoint of laion-clap.

    Raises:
        ValueError: package, model and checkpoint do not go together, or the towers answer otherwise here.
    """
    answer = towers(LAION_CLAP, checkpoint, model, python)
    clap, asked = PackageClap(answer, Path(checkpoint).name), answer.asked
    mel_settings = clap.mel_settings
    longest = mel_settings["sampling_rate"] * mel_settings["max_length_s"]
    mel = ClapMel(clap.filters, mel_settings["fft_window_size"], mel_settings["hop_length"], longest)
    with torch.no_grad():
        words = F.normalize(clap.text_tower(False)(asked["tokens"], asked["token_mask"]), dim=-1)
        heard = F.normalize(clap.audio_tower()(mel(asked["sounds"])), dim=-1)
    check_answer(f"{model}'s text tower", words, asked["text"], ALLOWED)
    check_answer(f"{model}'s audio tower", heard, asked["audio"], ALLOWED)
    return clap


def open_clip(checkpoint: str, model: str, python: Path | None = None) -> PackageClip:
    """The image tower of a checkpoint of open-clip.

    Raises:
        ValueError: package, model and checkpoint do not go together, or the tower answers otherwise here.
    """
    answer = towers(OPEN_CLIP, checkpoint, model, python)
    clip, asked = PackageClip(answer, Path(checkpoint).name), answer.asked
    mean, deviation = (torch.tensor(colour)[:, None, None] for colour in (clip.mean, clip.deviation))
    with torch.no_grad():
        seen = clip.tower()((asked["pictures"].permute(0, 3, 1, 2) - mean) / deviation)
    check_answer(f"{model}'s image tower", F.normalize(seen, dim=-1), asked["image"], ALLOWED)
    return clip
