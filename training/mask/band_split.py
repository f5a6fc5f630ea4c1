"""PromptedBands: a recurrent band-split network in the place of the U-Net.

The bins of two frames of a band become one token (band-split RNN: Luo and Yu 2023, arXiv 2209.15174), bands are narrow
where partials are and wide above; LSTMs run over time and over bands by turns. Tokens are few and matrix products
large, which suits a processor without matrix units.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.mask.network import (
    BINS,
    PLANE_WIDTH,
    PRESENCE_FRAMES,
    NetworkConfig,
    Prompted,
    PromptedUNet,
    Recur,
)

GROUPS = ((16, 8), (12, 16), (10, 32), (6, 64))  # so many bands of so many bins, from the lowest on
BLOCKS = 4
COMPRESSION = 0.3  # magnitudes are raised to this


class PromptedBands(Prompted):
    """The network; ``NetworkConfig.bands`` is the width of its tokens."""

    plane_bins = sum(count for count, _ in GROUPS)

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        width = config.bands
        self.split = nn.ParameterList(_weights(count, 4 * bins, width) for count, bins in GROUPS)
        self.split_norm = nn.ModuleList(nn.LayerNorm(4 * bins) for _, bins in GROUPS)
        self.band = nn.Parameter(torch.randn(sum(count for count, _ in GROUPS), width) * 0.02)
        self.blocks = nn.ModuleList(Recur(width) for _ in range(BLOCKS))
        self.join_norm = nn.LayerNorm(width)
        self.join = nn.ParameterList(_weights(count, width, bins // 2 * config.describe) for count, bins in GROUPS)
        self.near = nn.Conv2d(2, config.describe, 5, stride=2)  # what a token has no room for: every bin's neighbours
        self.describe_norm = nn.GroupNorm(1, config.describe)
        self.plane = nn.Linear(width, PLANE_WIDTH)
        self.add_heads()

    def hear(self, mix: Tensor, estimate: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See ``Prompted``; an estimate is not heard."""
        x = mix.clamp_min(1e-4) ** COMPRESSION
        tokens = self._tokens(x)
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.join_norm(tokens.permute(0, 2, 3, 1))  # (B, T / 2, bands, C)
        described = self._places(tokens) + self.near(F.pad(x, (1, 2, 1, 2)))
        plane = self.plane(tokens).unflatten(1, (-1, PRESENCE_FRAMES // 2)).mean(2)
        return F.relu(self.describe_norm(described)), plane.permute(0, 3, 1, 2)

    def _tokens(self, x: Tensor) -> Tensor:
        """(B, 2, T, 1024) -> (B, C, T / 2, bands)."""
        found, at = [], 0
        for weights, norm, (count, bins) in zip(self.split, self.split_norm, GROUPS, strict=True):
            part = x[..., at : at + count * bins].unflatten(-1, (count, bins)).unflatten(2, (-1, 2))
            part = norm(part.permute(0, 2, 4, 1, 3, 5).flatten(3))  # (B, T / 2, count, 4 * bins)
            found.append(torch.einsum("btni,nio->btno", part, weights))
            at += count * bins
        return (torch.cat(found, dim=2) + self.band).permute(0, 3, 1, 2)

    def _places(self, tokens: Tensor) -> Tensor:
        """(B, T / 2, bands, C) -> (B, describe, T / 2, 512)."""
        found, at = [], 0
        for weights, (count, bins) in zip(self.join, GROUPS, strict=True):
            places = torch.einsum("btnc,nco->btno", tokens[:, :, at : at + count], weights)
            found.append(places.unflatten(-1, (bins // 2, self.config.describe)).flatten(2, 3))
            at += count
        return torch.cat(found, dim=2).permute(0, 3, 1, 2)


def _weights(count: int, fan_in: int, fan_out: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(count, fan_in, fan_out) * fan_in**-0.5)


def build_network(config: NetworkConfig) -> Prompted:
    """The network of a configuration: band-split where it names a width, else the U-Net."""
    assert sum(count * bins for count, bins in GROUPS) == BINS
    return PromptedBands(config) if config.bands else PromptedUNet(config)
