"""MgeFormer: MGE-LDM's transformer over three tracks side by side; it predicts v on the cosine path.

    inward      latents (B,S,D,L) -> tokens (B,L,W), W = S * 512: each track has its own 512
    clock       times of the tracks (B,S) -> one prepended token (B,1,W)
    TrackBlock  attention and MLP; group norm per track, scaled and shifted per track by that track's prompt
    MgeFormer   blocks without skips; out: clean latents (B,S,D,L), which v gives

Source: MGE-LDM (arXiv 2505.23305) section 2.2, appendix C and E.3.

The paper leaves these open; chosen here: one projection per track into its own 512 (so that a group is a track from the
first layer on); rotary positions and an MLP four times as wide, as in Stable Audio, which it builds upon; statistics of
group norm over a track's channels and all tokens, as arXiv 1803.08494 has them; one clock token with all tracks' times.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.latents import SLOTS, Slot
from training.config import FlowConfig, GridConfig
from training.flow.model import rotate
from training.papers.diffusion import to_clean

TIME_WAVES = 128
NORM_FLOOR = 1e-5


class TrackBlock(nn.Module):
    """Attention and MLP over tokens, ``(B,T,W) -> (B,T,W)``, each after a norm that the prompts scale and shift."""

    def __init__(self, embedding: int, config: FlowConfig) -> None:
        super().__init__()
        width, self.heads = config.width, config.heads
        self.tracks, self.by_track = len(config.slots), config.norm == "group"
        self.styles = nn.ModuleList(nn.Linear(embedding, 4 * config.slot_width) for _ in config.slots)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.gather = nn.Linear(width, width)
        self.widen = nn.Linear(width, config.mlp_ratio * width)
        self.narrow = nn.Linear(config.mlp_ratio * width, width)
        for layer in (*self.styles, self.gather, self.narrow):
            nn.init.zeros_(layer.bias)
        for layer in self.styles:
            nn.init.zeros_(layer.weight)  # prompts begin without effect
        for layer in (self.gather, self.narrow):
            nn.init.normal_(layer.weight, std=0.02)

    def normalise(self, x: Tensor) -> Tensor:
        """Group norm with a group per track (E.3), or layer norm, ``(B,T,W) -> (B,T,W)``."""
        if self.by_track:
            return F.group_norm(x.transpose(1, 2), self.tracks, eps=NORM_FLOOR).transpose(1, 2)
        return F.layer_norm(x, x.shape[2:], eps=NORM_FLOOR)

    def forward(self, x: Tensor, prompts: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """X ``(B,T,W)``, prompts ``(B,S,E)`` of the tracks in use -> ``(B,T,W)``."""
        styles = torch.stack([layer(prompts[:, k]) for k, layer in enumerate(self.styles)], dim=1)
        rows = styles.unflatten(2, (4, -1)).transpose(1, 2).flatten(2)  # (B, 4, W)
        scale_a, shift_a, scale_m, shift_m = rows[:, :, None].unbind(1)
        x = x + self._attend(self.normalise(x) * (1 + scale_a) + shift_a, turn)
        y = self.normalise(x) * (1 + scale_m) + shift_m
        return x + self.narrow(F.gelu(self.widen(y), approximate="tanh"))

    def _attend(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        batch, tokens, width = x.shape
        parts = self.queries_keys_values(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, T, W/heads)
        mixed = F.scaled_dot_product_attention(rotate(queries, turn), rotate(keys, turn), values)
        return self.gather(mixed.transpose(1, 2).reshape(batch, tokens, width))


class TrackTimes(nn.Module):
    """Times of the tracks ``(B,S)`` -> one token ``(B,1,W)``; every track's time fills its own part."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        width = config.slot_width
        self.layers = nn.Sequential(nn.Linear(2 * TIME_WAVES, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, times: Tensor) -> Tensor:
        frequencies = torch.exp(torch.arange(TIME_WAVES, device=times.device) * (math.log(1000) / TIME_WAVES))
        angles = times[:, :, None] * frequencies * math.pi
        waves = torch.cat([torch.sin(angles), torch.cos(angles)], dim=2)
        token: Tensor = self.layers(waves).flatten(1)[:, None]
        return token


class MgeFormer(nn.Module):
    """The network of MGE-LDM with FluxFormer's interface; ``forward`` gives the clean latents.

    A track's time is that of its unknown frames: the paper's times are one per track, 0 noise where it is given whole.
    """

    def __init__(self, grid: GridConfig, embedding: int, config: FlowConfig) -> None:
        super().__init__()
        if config.patch != 1 or config.down or config.up:
            raise ValueError("the network mge has neither patches nor skips: set patch 1, down 0, up 0, middle BLOCKS")
        self.used = [int(Slot[name]) for name in config.slots]
        self.objective, self.path = config.objective, config.path
        d, width = grid.latent_channels, config.slot_width
        self.inward = nn.ModuleList(nn.Linear(d, width) for _ in self.used)
        self.clock = TrackTimes(config)
        self.blocks = nn.ModuleList(TrackBlock(embedding, config) for _ in range(config.middle))
        self.outward = nn.ModuleList(nn.Linear(width, d) for _ in self.used)
        for layer in self.outward:
            nn.init.zeros_(layer.weight)
        half = config.width // config.heads // 2
        angles = torch.outer(torch.arange(grid.window_frames + 1).float(), 1 / 1000 ** (torch.arange(half) / half))
        self.cosine: Tensor
        self.sine: Tensor
        self.register_buffer("cosine", torch.cos(angles), persistent=False)
        self.register_buffer("sine", torch.sin(angles), persistent=False)

    def forward(self, x: Tensor, t: Tensor, known: Tensor, prompt: Tensor) -> Tensor:
        """Clean latents ``(B,S,D,L)`` float32; arguments as in FluxFormer."""
        rows = x.transpose(2, 3)  # (B,S,L,D)
        parts = [layer(rows[:, slot]) for layer, slot in zip(self.inward, self.used, strict=True)]
        h = torch.cat([self.clock(t.amin(dim=2)[:, self.used]), torch.cat(parts, dim=2)], dim=1)
        for block in self.blocks:
            h = block(h, prompt[:, self.used], (self.cosine, self.sine))
        tracks = block_parts(h[:, 1:], len(self.used))
        made = [layer(track) for layer, track in zip(self.outward, tracks, strict=True)]
        answer = torch.stack(made, dim=1).transpose(2, 3).float()  # (B,S,D,L)
        clean = to_clean(self.objective, self.path, answer, x[:, self.used], t[:, self.used])
        whole = [clean[:, self.used.index(slot)] if slot in self.used else x[:, slot] for slot in range(SLOTS)]
        return torch.stack(whole, dim=1)


def block_parts(x: Tensor, tracks: int) -> tuple[Tensor, ...]:
    """Tokens ``(B,T,W)`` -> the last norm of each track's own part, ``(B,T,W/S)`` each."""
    parts: tuple[Tensor, ...] = x.chunk(tracks, dim=2)
    return tuple(F.layer_norm(part, part.shape[2:], eps=NORM_FLOOR) for part in parts)
