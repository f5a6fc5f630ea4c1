"""An encoder followed by its adapter, exported as one graph whose answers are in the bundle's prompt space.

    PromptEncoder       the encoder's inputs -> embedding (B,E) of norm sqrt(E)
    FramePromptEncoder  frames (B,F,H,W,3) -> picture (B,F,P) of unit scale, embedding (B,E) of norm sqrt(E)

A black frame is no picture: its rows are zeros.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.prompt.model import to_unit_scale


class PromptEncoder(nn.Module):
    """An encoder of words or sound, and the adapter after it (none where it is in the prompt space already)."""

    def __init__(self, encoder: nn.Module, adapter: nn.Module | None) -> None:
        super().__init__()
        self.encoder, self.adapter = encoder, adapter or nn.Identity()

    def forward(self, **given: Tensor) -> Tensor:
        """Answer for a batch; inputs are the encoder's own, by name."""
        return to_unit_scale(self.adapter(self.encoder(**given)))


class TextPromptEncoder(PromptEncoder):
    """Tokens (B,T) and token_mask (B,T) -> (B,E)."""

    def forward(self, tokens: Tensor, token_mask: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(tokens=tokens, token_mask=token_mask)


class AudioPromptEncoder(PromptEncoder):
    """Audio (B,1,N) -> (B,E)."""

    def forward(self, audio: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(audio=audio)


class FramePromptEncoder(nn.Module):
    """An encoder of frames with two adapters; the shapes are in the module's docstring.

    Args:
        encoder: frames -> (B,F,X), zeros where there is no picture.
        picture: X -> P for every frame; None keeps X.
        scene: X -> E for the mean over the frames that are there; None keeps X.
    """

    def __init__(self, encoder: nn.Module, picture: nn.Module | None, scene: nn.Module | None) -> None:
        super().__init__()
        self.encoder = encoder
        self.picture, self.scene = picture or nn.Identity(), scene or nn.Identity()

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.encoder(frames)
        alive = (seen.abs().amax(2, keepdim=True) > 0).to(seen.dtype)  # (B, F, 1)
        return to_unit_scale(self.picture(seen)) * alive, to_unit_scale(self.scene(pooled(seen))) * alive.amax(1)


def pooled(seen: Tensor) -> Tensor:
    """Frames (B,F,X) -> (B,X): the mean over those that are there, which are not zeros."""
    alive = (seen.abs().amax(2, keepdim=True) > 0).to(seen.dtype)
    mean: Tensor = seen.sum(1) / alive.sum(1).clamp(min=1.0)
    return mean


def unit(x: Tensor) -> Tensor:
    """Rows scaled to length 1."""
    return torch.nn.functional.normalize(x, dim=-1)
