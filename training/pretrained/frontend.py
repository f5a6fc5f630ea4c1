"""The front end of CLAP's audio tower, written so that it exports: resampling and the log-mel spectrogram.

    Resample  audio (B, N) at one rate -> (B, M) at another
    ClapMel   audio (B, N) at CLAP's rate -> log mel energies (B, 1, frames, mels), as transformers makes them

torch's exporter has no operator for either.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

REACH = 16  # zero crossings of the low-pass filter to either side
PASS = 0.95  # of the lower rate's band is kept
POWER_FLOOR = 1e-10
LEVEL_RMS = 0.1
LEVEL_FLOOR = 1e-5


class Resample(nn.Module):
    """Band-limited resampling by a fixed ratio of whole numbers: one strided convolution, one filter per phase.

    The filter is a sinc under a Hann window; see J. O. Smith, "Digital Audio Resampling Home Page".
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        super().__init__()
        common = math.gcd(from_hz, to_hz)
        self.down, self.up = from_hz // common, to_hz // common
        cutoff = PASS * min(1.0, self.up / self.down)  # against the input's band
        self.reach = math.ceil(REACH / cutoff)
        taps = torch.arange(-self.reach, self.reach + self.down, dtype=torch.float64)
        phases = torch.arange(self.up, dtype=torch.float64) * self.down / self.up
        away = taps[None] - phases[:, None]  # input samples from each output sample
        window = torch.where(away.abs() < self.reach, 0.5 + 0.5 * torch.cos(math.pi * away / self.reach), 0.0)
        filters = torch.sinc(cutoff * away) * cutoff * window
        self.filters: Tensor
        self.register_buffer("filters", (filters / filters.sum(1, keepdim=True)).float()[:, None])

    def forward(self, audio: Tensor) -> Tensor:
        """(B, N) -> (B, ceil(N * to / from))."""
        if self.down == self.up:
            return audio
        samples = audio.shape[1]
        blocks = -(-samples // self.down)
        padded = F.pad(audio, (self.reach, self.reach + blocks * self.down - samples))
        phases = F.conv1d(padded[:, None], self.filters, stride=self.down)  # (B, up, blocks)
        wanted = -(-samples * self.up // self.down)
        return phases.transpose(1, 2).flatten(1)[:, :wanted]


class ClapMel(nn.Module):
    """Log mel energies in decibels; shorter audio is repeated while it fits whole, then followed by silence.

    Args:
        filters: mel filter bank ``(bins, mels)``.
        fft, hop: window and step in samples.
        longest: samples of the window that the tower was trained on.
    """

    def __init__(self, filters: Tensor, fft: int, hop: int, longest: int) -> None:
        super().__init__()
        self.fft, self.hop, self.longest = fft, hop, longest
        self.bins = fft // 2 + 1
        n = torch.arange(fft, dtype=torch.float64)
        angle = 2 * math.pi * torch.outer(torch.arange(self.bins, dtype=torch.float64), n) / fft
        window = 0.5 - 0.5 * torch.cos(2 * math.pi * n / fft)
        waves = torch.cat([torch.cos(angle), -torch.sin(angle)]) * window
        self.waves: Tensor
        self.filters: Tensor
        self.register_buffer("waves", waves.float()[:, None])  # (2 * bins, 1, fft)
        self.register_buffer("filters", filters.float())

    def forward(self, audio: Tensor) -> Tensor:
        """(B, N), at most ``longest`` samples -> (B, 1, frames, mels)."""
        samples = audio.shape[1]
        whole = audio.repeat(1, max(1, self.longest // samples))
        whole = F.pad(whole, (0, self.longest - whole.shape[1]))
        edge = self.fft // 2
        mirrored = torch.cat([whole[:, 1 : edge + 1].flip(1), whole, whole[:, -edge - 1 : -1].flip(1)], dim=1)
        both = F.conv1d(mirrored[:, None], self.waves, stride=self.hop)  # (B, 2 * bins, frames)
        power = both[:, : self.bins].square() + both[:, self.bins :].square()
        energy = torch.matmul(power.transpose(1, 2), self.filters)
        return 10.0 * torch.log10(energy.clamp(min=POWER_FLOOR))[:, None]


def levelled(audio: Tensor) -> Tensor:
    """Audio (B, N) scaled to one RMS level; silence stays silence."""
    rms = audio.square().mean(1, keepdim=True).sqrt()
    return audio * (LEVEL_RMS / rms.clamp(min=LEVEL_FLOOR))
