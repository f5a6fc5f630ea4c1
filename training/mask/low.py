"""LowHead: the lowest bins of a mix described once more, over time alone.

Three quarters of the error of a produced song's drums lie below 130 Hz, where a kick and a bass share a dozen bins. A
convolution over time and frequency treats these like all others; there, however, pitch says little and the course in
time nearly everything. So the descriptions of the lowest bins, the magnitudes themselves and a summary of what sounds
above go through dilated convolutions over time, and what these find is added to the descriptions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LOW_BINS = 16  # are described anew: up to 172 Hz
HEARD_BINS = 24  # whose magnitudes are read: up to 258 Hz
SUMMARY_BANDS = 8  # of the whole spectrum, in which the descriptions are averaged
DILATIONS = (1, 2, 4, 8, 16)  # in pairs of frames: together 1.4 s to either side
PREFIX, OUT = "low.", "low.out."  # begin the names of its weights in a network, and of those of its last layer
COMPRESSION = 0.3  # magnitudes are raised to this power


class DilatedBlock(nn.Module):
    """Residual dilated convolution over time; initialised as the identity."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.conv = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.out = nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> the same."""
        y = self.conv(self.norm(x).transpose(1, 2)).transpose(1, 2)
        return x + self.out(F.gelu(y))


class LowHead(nn.Module):
    """Adds to the descriptions of the lowest bins; initialised to add nothing.

    Args:
        describe: channels of a description.
        channels: of the head.
    """

    def __init__(self, describe: int, channels: int) -> None:
        super().__init__()
        patches = LOW_BINS // 2
        self.norm = nn.LayerNorm(2 * 2 * HEARD_BINS + (patches + SUMMARY_BANDS) * describe)
        self.into = nn.Linear(2 * 2 * HEARD_BINS + (patches + SUMMARY_BANDS) * describe, channels)
        self.blocks = nn.ModuleList(DilatedBlock(channels, dilation) for dilation in DILATIONS)
        self.out_norm = nn.LayerNorm(channels)
        self.out = nn.Linear(channels, patches * describe)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, mix: Tensor, described: Tensor) -> Tensor:
        """The descriptions, with those of the lowest bins corrected.

        Args:
            mix: magnitudes (B, 2, T, 1024).
            described: (B, describe, T / 2, 512), a patch for every 2 frames x 2 bins.

        Returns:
            the same shape.
        """
        patches = LOW_BINS // 2
        heard = (mix[..., :HEARD_BINS].clamp_min(1e-4) ** COMPRESSION).unflatten(2, (-1, 2))  # (B, 2, T / 2, 2, bins)
        low = described[..., :patches]
        summary = described.unflatten(3, (SUMMARY_BANDS, -1)).mean(4)
        parts = [heard.permute(0, 2, 1, 3, 4), low.transpose(1, 2), summary.transpose(1, 2)]
        x = self.into(self.norm(torch.cat([part.flatten(2) for part in parts], dim=2)))
        for block in self.blocks:
            x = block(x)
        added = self.out(self.out_norm(x)).unflatten(2, (-1, patches)).transpose(1, 2)
        return torch.cat([low + added, described[..., patches:]], dim=3)
