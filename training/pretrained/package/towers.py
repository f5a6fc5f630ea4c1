"""The packages' towers as ``ClapTowers`` and ``ClipTower``.

Each is asked again here what its package was asked there, at a batch that it was not captured with.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.pretrained.clap import ClapTowers
from training.pretrained.clip import ClipTower
from training.pretrained.package.call import LAION_CLAP, OPEN_CLIP, check_answer, towers

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


def laion_clap(checkpoint: str, model: str, python: Path | None = None) -> ClapTowers:
    """Towers of a checkpoint of laion-clap.

    Raises:
        ValueError: package, model and checkpoint do not go together, or the towers answer otherwise here.
    """
    answer = towers(LAION_CLAP, checkpoint, model, python)
    asked, sizes, text = answer.asked, answer.settings, answer.towers["text"]
    tokens, pad = int(sizes["tokens"]), int(sizes["pad"])
    clap = ClapTowers(
        name=Path(checkpoint).name,
        mel_settings=sizes["ears"],
        filters=asked["filters"],
        dim=int(sizes["dim"]),
        pooled_dim=int(sizes["pooled_dim"]),
        pad=pad,
        vocabulary=int(sizes["vocabulary"]),
        longest=tokens,
        text=PackageText(text, False, tokens, pad),
        pooled_text=PackageText(text, True, tokens, pad),
        audio=answer.towers["audio"],
    )
    with torch.no_grad():
        words = F.normalize(clap.text(asked["tokens"], asked["token_mask"]), dim=-1)
        heard = F.normalize(clap.audio(clap.mel()(asked["sounds"])), dim=-1)
    check_answer(f"{model}'s text tower", words, asked["text"], ALLOWED)
    check_answer(f"{model}'s audio tower", heard, asked["audio"], ALLOWED)
    return clap


def open_clip(checkpoint: str, model: str, python: Path | None = None) -> ClipTower:
    """The image tower of a checkpoint of open-clip.

    Raises:
        ValueError: package, model and checkpoint do not go together, or the tower answers otherwise here.
    """
    answer = towers(OPEN_CLIP, checkpoint, model, python)
    asked, sizes = answer.asked, answer.settings
    mean, deviation = tuple(sizes["mean"]), tuple(sizes["deviation"])
    clip = ClipTower(
        Path(checkpoint).name, int(sizes["dim"]), int(sizes["size_px"]), mean, deviation, answer.towers["image"]
    )
    colours = [torch.tensor(colour)[:, None, None] for colour in (mean, deviation)]
    with torch.no_grad():
        seen = clip.image((asked["pictures"].permute(0, 3, 1, 2) - colours[0]) / colours[1])
    check_answer(f"{model}'s image tower", F.normalize(seen, dim=-1), asked["image"], ALLOWED)
    return clip
