"""PromptedBandSplit: a recurrent band-split network as an alternative to the U-Net.

Two frames of a band become one token (band-split RNN: Luo and Yu 2023, arXiv 2209.15174); bands are narrow at low
frequencies, where the partials of a tone lie apart, and wide above. LSTMs run over time and over bands in turn. Few
tokens and large matrix products suit a CPU.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.mask.network import (
    BINS,
    PLANE_WIDTH,
    PRESENCE_FRAMES,
    DualPathLSTM,
    NetworkConfig,
    PromptedNetwork,
    PromptedUNet,
)

BAND_GROUPS = ((16, 8), (12, 16), (10, 32), (6, 64))  # (number of bands, bins of each), from the lowest on
BLOCKS = 4
COMPRESSION = 0.3  # magnitudes are raised to this power


class PromptedBandSplit(PromptedNetwork):
    """The network; ``NetworkConfig.bands`` is the width of its tokens."""

    plane_bins = sum(count for count, _ in BAND_GROUPS)

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        width = config.bands
        self.split = nn.ParameterList(_per_band(count, 4 * bins, width) for count, bins in BAND_GROUPS)
        self.split_norm = nn.ModuleList(nn.LayerNorm(4 * bins) for _, bins in BAND_GROUPS)
        self.band = nn.Parameter(torch.randn(sum(count for count, _ in BAND_GROUPS), width) * 0.02)
        self.blocks = nn.ModuleList(DualPathLSTM(width) for _ in range(BLOCKS))
        self.join_norm = nn.LayerNorm(width)
        self.join = nn.ParameterList(
            _per_band(count, width, bins // 2 * config.describe) for count, bins in BAND_GROUPS
        )
        self.near = nn.Conv2d(2, config.describe, 5, stride=2)  # local detail that a token has no room for
        self.describe_norm = nn.GroupNorm(1, config.describe)
        self.plane = nn.Linear(width, PLANE_WIDTH)
        self.add_heads()

    def encode(self, mix: Tensor, estimate: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See ``PromptedNetwork``; an estimate is ignored."""
        x = mix.clamp_min(1e-4) ** COMPRESSION
        tokens = self._tokens(x)
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.join_norm(tokens.permute(0, 2, 3, 1))  # (B, T / 2, bands, C)
        described = self._descriptions(tokens) + self.near(F.pad(x, (1, 2, 1, 2)))
        plane = self.plane(tokens).unflatten(1, (-1, PRESENCE_FRAMES // 2)).mean(2)
        return F.relu(self.describe_norm(described)), plane.permute(0, 3, 1, 2)

    def _tokens(self, x: Tensor) -> Tensor:
        """Compressed magnitudes (B, 2, T, 1024) -> tokens (B, C, T / 2, bands)."""
        tokens, first = [], 0
        for weights, norm, (count, bins) in zip(self.split, self.split_norm, BAND_GROUPS, strict=True):
            part = x[..., first : first + count * bins].unflatten(-1, (count, bins)).unflatten(2, (-1, 2))
            part = norm(part.permute(0, 2, 4, 1, 3, 5).flatten(3))  # (B, T / 2, count, 4 * bins)
            tokens.append(torch.einsum("btni,nio->btno", part, weights))
            first += count * bins
        return (torch.cat(tokens, dim=2) + self.band).permute(0, 3, 1, 2)

    def _descriptions(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T / 2, bands, C) -> descriptions of the patches (B, describe, T / 2, 512)."""
        described, first = [], 0
        for weights, (count, bins) in zip(self.join, BAND_GROUPS, strict=True):
            patches = torch.einsum("btnc,nco->btno", tokens[:, :, first : first + count], weights)
            described.append(patches.unflatten(-1, (bins // 2, self.config.describe)).flatten(2, 3))
            first += count
        return torch.cat(described, dim=2).permute(0, 3, 1, 2)


def _per_band(count: int, fan_in: int, fan_out: int) -> nn.Parameter:
    """Weights of one linear layer for each band, (count, fan_in, fan_out)."""
    return nn.Parameter(torch.randn(count, fan_in, fan_out) * fan_in**-0.5)


def build_network(config: NetworkConfig) -> PromptedNetwork:
    """The network of a configuration: band-split where ``bands`` is not 0, else the U-Net."""
    assert sum(count * bins for count, bins in BAND_GROUPS) == BINS
    return PromptedBandSplit(config) if config.bands else PromptedUNet(config)
