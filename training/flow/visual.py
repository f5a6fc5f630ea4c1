"""Visual conditioning of the flow: align frames with latents, pool them, and gate tokens by them.

    VisualAlignment  picture (B,F,P), tokens (B,T,X) -> picture of every token (B,T,P)   AVNA
    FramePooling     picture (B,F,P) -> (B,P)                                            temporal scene attention
    MixFilter        mix latents, a picture of every token -> the mix filtered           visual-aware mix filter
    FUSIONS          tokens (B,1+T,W), a picture of every token -> tokens                cross-gated, and others

Every part starts as the identity, so a network that has learnt to hear can be widened by them and answers as before. A
frame of zeros is no picture: no weight that reads pictures moves anything then, whatever it has learnt. A gate also
follows the condition, words and time, and goes on doing so without a picture.

Source: MAGE (arXiv 2604.09803) section 3.2, appendices A and C. The paper leaves open where the gates sit, what their
range is and what "without AVNA" sees. Chosen here: before every block, so that later features can be suppressed too; 0
to 2, so that a fresh gate is exactly 1 and evidence can amplify as well; the pooled picture for every token.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.config import FlowConfig, GridConfig

FAR = 1e4  # a score this much lower is never chosen
MATCH = 64  # width of the space in which tokens and frames are matched


@dataclass(frozen=True, slots=True)
class TokenPictures:
    """Picture features for every token; the prompt's token comes first and has the pooled ones.

    Attributes:
        tokens: ``(B, 1+T, P)``.
        visible: ``(B, 1+T, 1)``, 1 where there is a picture, else 0; ``tokens`` is 0 there.
        pooled: ``(B, P)``.
    """

    tokens: Tensor
    visible: Tensor
    pooled: Tensor


def visible_frames(picture: Tensor) -> Tensor:
    """``(B,F,P)`` -> ``(B,F,1)``: 1 where a frame is a picture, 0 where it is all zeros."""
    return (picture.abs().amax(dim=2, keepdim=True) > 0).to(picture.dtype)


def one_frame(picture: Tensor) -> Tensor:
    """The visible frame nearest the middle, shown throughout: ``(B,F,P)`` -> ``(B,F,P)``.

    Source: MAGE appendix D, the static variant.
    """
    count = picture.shape[1]
    middle = (torch.arange(count, device=picture.device) - (count - 1) / 2).abs() / count
    best = (visible_frames(picture)[:, :, 0] - middle).argmax(dim=1)
    chosen = F.one_hot(best, count).to(picture.dtype)[:, None]  # (B, 1, F)
    return (chosen @ picture).expand(-1, count, -1)


def nearest_frames(tokens: int, frames: int, device: torch.device | None = None) -> Tensor:
    """Number of the video frame nearest each of ``tokens``, both on 0 to 1 by their middles."""
    places = torch.arange(tokens, device=device)
    return torch.div((2 * places + 1) * frames, 2 * tokens, rounding_mode="floor")


class VisualAlignment(nn.Module):
    """Audio-Visual Nexus Alignment: picture features for every token.

    ``nearest`` takes the frame nearest in time (appendix A), ``embedding`` the frame nearest in a space that both are
    projected into (section 3.2), ``off`` the pooled picture for all.
    """

    def __init__(self, kind: str, picture: int, token: int) -> None:
        super().__init__()
        self.kind = kind
        if kind == "embedding":
            self.asked = nn.Linear(token, MATCH, bias=False)
            self.offered = nn.Linear(picture, MATCH, bias=False)

    def forward(self, picture: Tensor, pooled: Tensor, tokens: Tensor) -> Tensor:
        """Picture ``(B,F,P)``, pooled ``(B,P)``, tokens ``(B,T,X)`` -> ``(B,T,P)``."""
        if self.kind == "off":
            return pooled[:, None].expand(-1, tokens.shape[1], -1)
        if self.kind == "nearest":
            return picture[:, nearest_frames(tokens.shape[1], picture.shape[1], picture.device)]
        scores = self.asked(tokens) @ self.offered(picture).transpose(1, 2) / math.sqrt(MATCH)  # (B, T, F)
        scores = scores + (visible_frames(picture).transpose(1, 2) - 1) * FAR
        chosen = F.one_hot(scores.argmax(dim=2), picture.shape[1]).to(picture.dtype)
        if self.training:  # the choice itself has no gradient: that of the soft choice stands in for it
            soft = torch.softmax(scores, dim=2)
            chosen = chosen + soft - soft.detach()
        return chosen @ picture


class FramePooling(nn.Module):
    """Frames -> one: weighted by learned attention, or their mean; frames of zeros do not count."""

    def __init__(self, kind: str, picture: int) -> None:
        super().__init__()
        self.score = nn.Linear(picture, 1) if kind == "attention" else None

    def forward(self, picture: Tensor) -> Tensor:
        """``(B,F,P)`` -> ``(B,P)``."""
        visible = visible_frames(picture)
        scores = torch.zeros_like(visible) if self.score is None else self.score(picture)
        return (torch.softmax(scores + (visible - 1) * FAR, dim=1) * picture).sum(dim=1)


class VisualGate(nn.Module):
    """Gate from 0 to 2 for every feature, from picture and condition; exactly 1 at initialisation.

    Source: MAGE 3.2 equation 9, ``h * sigmoid(gate(picture, text))``.
    """

    def __init__(self, picture: int, condition: int, width: int) -> None:
        super().__init__()
        self.by_picture = zeroed(nn.Linear(picture, width, bias=False))
        self.by_condition = zeroed(nn.Linear(condition, width, bias=False))

    def forward(self, seen: Tensor, condition: Tensor) -> Tensor:
        """Seen ``(B,T,P)``, condition ``(B,C)`` -> ``(B,T,W)``."""
        return 2 * torch.sigmoid(self.by_picture(seen) + self.by_condition(condition)[:, None])


class MixFilter(nn.Module):
    """Visual-aware mixture audio filter: gates the latents of a given mix before they become tokens."""

    def __init__(self, picture: int, condition: int, channels: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.gate = VisualGate(picture, condition, channels * patch)

    def forward(self, mix: Tensor, given: Tensor, seen: Tensor, condition: Tensor) -> Tensor:
        """Mix ``(B,D,L)``, given ``(B,L)`` 1 or 0, seen ``(B, L/patch, P)`` -> ``(B,D,L)``."""
        batch, channels, frames = mix.shape
        gate = self.gate(seen, condition).reshape(batch, frames, channels).transpose(1, 2)
        return mix * (1 + given[:, None] * (gate - 1))


class CrossGatedFusion(nn.Module):
    """Multiplies features by a gate; adds nothing that was not heard (MAGE 3.2, appendix A)."""

    def __init__(self, config: FlowConfig, condition: int, tokens: int) -> None:
        super().__init__()
        self.gate = VisualGate(config.picture_dim, condition, config.width)

    def forward(self, h: Tensor, sight: TokenPictures, condition: Tensor) -> Tensor:
        return h * self.gate(sight.tokens, condition)


class AdditiveFusion(nn.Module):
    """Adds the projected picture (MAGE appendix C, "simple additive fusion")."""

    def __init__(self, config: FlowConfig, condition: int, tokens: int) -> None:
        super().__init__()
        self.project = zeroed(nn.Linear(config.picture_dim, config.width, bias=False))

    def forward(self, h: Tensor, sight: TokenPictures, condition: Tensor) -> Tensor:
        return h + self.project(sight.tokens)


class GatedResidualFusion(nn.Module):
    """Adds the projected picture through a gate that sees both (MAGE appendix C)."""

    def __init__(self, config: FlowConfig, condition: int, tokens: int) -> None:
        super().__init__()
        self.project = zeroed(nn.Linear(config.picture_dim, config.width, bias=False))
        self.gate = nn.Linear(config.width + config.picture_dim, config.width)

    def forward(self, h: Tensor, sight: TokenPictures, condition: Tensor) -> Tensor:
        return h + torch.sigmoid(self.gate(torch.cat([h, sight.tokens], dim=2))) * self.project(sight.tokens)


class FusionAttention(nn.Module):
    """Attention from tokens to pictures, with sinusoidal positions, since rotary ones would not fit both sides."""

    def __init__(self, config: FlowConfig, condition: int, tokens: int) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(config.picture_dim, width, bias=False)
        self.queries = nn.Linear(width, width)
        self.keys = nn.Linear(width, width)
        self.values = nn.Linear(width, width, bias=False)
        self.gather = zeroed(nn.Linear(width, width, bias=False))
        self.places: Tensor
        self.register_buffer("places", sines(tokens, width), persistent=False)

    def _look(self, h: Tensor, told: Tensor, visible: Tensor) -> Tensor:
        """H ``(B,T,W)`` looks at ``told (B,K,W)`` where ``visible (B,K,1)``; other keys count for nothing."""
        queries, keys, values = (
            rows.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for rows in (self.queries(h), self.keys(told), self.values(told) * visible)
        )
        scores = queries @ keys.transpose(2, 3) / math.sqrt(queries.shape[3])
        weights = torch.softmax(scores + (visible.transpose(1, 2)[:, None] - 1) * FAR, dim=3)
        answer: Tensor = self.gather((weights @ values).transpose(1, 2).flatten(2))
        return answer


class CrossAttentionFusion(FusionAttention):
    """Cross-attention: queries from tokens, keys and values from pictures (MAGE appendix C)."""

    def forward(self, h: Tensor, sight: TokenPictures, condition: Tensor) -> Tensor:
        told = self.project(sight.tokens) + self.places
        return h + self._look(self.norm(h) + self.places, told, sight.visible)


class SelfAttentionFusion(FusionAttention):
    """Self-attention over tokens and pictures in one sequence, of which the tokens are kept (MAGE appendix C)."""

    def forward(self, h: Tensor, sight: TokenPictures, condition: Tensor) -> Tensor:
        heard = self.norm(h) + self.places
        told = torch.cat([heard, self.project(sight.tokens) + self.places], dim=1)
        any_visible = sight.visible.amax(dim=1, keepdim=True).expand(-1, h.shape[1], -1)
        return h + self._look(heard, told, torch.cat([any_visible, sight.visible], dim=1))


class NoFusion(nn.Module):
    """No fusion: only the pooled picture and the mix filter are used (MAGE table 3, "w/o CGM")."""

    def __init__(self, config: FlowConfig, condition: int, tokens: int) -> None:
        super().__init__()

    def forward(self, h: Tensor, sight: TokenPictures, condition: Tensor) -> Tensor:
        return h


FUSIONS: dict[str, type[nn.Module]] = {
    "cross-gated": CrossGatedFusion,
    "additive": AdditiveFusion,
    "gated-residual": GatedResidualFusion,
    "self-attention": SelfAttentionFusion,
    "cross-attention": CrossAttentionFusion,
    "off": NoFusion,
}


class VisualControl(nn.Module):
    """Visual conditioning of FluxFormer.

    Args:
        grid, config: of the preset; ``config.picture_dim`` is above 0.
        condition: width of the condition vector.
        places: how many blocks there are, each with a fusion of its own before it.
    """

    def __init__(self, grid: GridConfig, config: FlowConfig, condition: int, places: int) -> None:
        super().__init__()
        self.still = config.picture_time == "still"
        tokens = grid.window_frames // config.patch
        row = len(config.slots) * config.patch * grid.latent_channels
        self.pool = FramePooling(config.scene_pooling, config.picture_dim)
        self.look = zeroed(nn.Linear(config.picture_dim, condition, bias=False))
        self.align = VisualAlignment(config.avna, config.picture_dim, row)
        size = (config.picture_dim, condition, grid.latent_channels, config.patch)
        self.filter = MixFilter(*size) if config.mix_filter else None
        self.fusions = nn.ModuleList(FUSIONS[config.fusion](config, condition, tokens + 1) for _ in range(places))

    def see(self, picture: Tensor, rows: Tensor) -> TokenPictures:
        """Picture ``(B,F,P)`` and the folded latents ``(B,T,X)`` -> what every token sees."""
        picture = one_frame(picture) if self.still else picture
        pooled = self.pool(picture)
        aligned = torch.cat([pooled[:, None], self.align(picture, pooled, rows)], dim=1)
        return TokenPictures(aligned, visible_frames(aligned), pooled)


def zeroed(layer: nn.Linear) -> nn.Linear:
    """The layer with weights of zero, so that it has no effect at initialisation."""
    nn.init.zeros_(layer.weight)
    return layer


def sines(count: int, width: int) -> Tensor:
    """Places as sines and cosines, ``(count, width)``."""
    half = width // 2
    angles = torch.outer(torch.arange(count).float(), 1 / 1000 ** (torch.arange(half).float() / half))
    return torch.cat([torch.sin(angles), torch.cos(angles), torch.zeros(count, width - 2 * half)], dim=1)
