"""Reconstruction losses of the codec: waveform, multi-resolution STFT, mel.

Source: MAGE (arXiv 2604.09803) section 3.1; the multi-resolution STFT loss is that of arXiv 1910.11480.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

SIZES = (256, 512, 1024, 2048)
MASK_WINDOW_S = 0.1
MASK_QUIET = 1e-3  # magnitude of a bin below which a mix counts as silent


def magnitude(audio: Tensor, size: int) -> Tensor:
    """Magnitudes ``(B, bins, frames)`` of audio ``(B, N)`` at a window of ``size`` and a hop of a quarter of it."""
    found = spectrum(audio, size)
    return torch.sqrt(found.real**2 + found.imag**2 + 1e-9)


def spectrum(audio: Tensor, size: int) -> Tensor:
    """Complex spectrum ``(B, bins, frames)`` of audio ``(B, N)`` at a hop of a quarter of the window."""
    window = torch.hann_window(size, device=audio.device)
    return torch.stft(audio, size, size // 4, window=window, center=True, pad_mode="constant", return_complex=True)


def mask_distance(made: Tensor, true: Tensor, rate_hz: int) -> Tensor:
    """How far a mix, filtered by two estimates of its parts, is from the true part.

    Args:
        made, true: estimates and truth, ``(2 * B, N)``: stems, then the rests that go with them.

    Returns:
        mean over rows of |mask * MIX - STEM| against |MIX|, over complex bins; the engine's soft mask with power 1.
    """
    size = 1 << round(math.log2(MASK_WINDOW_S * rate_hz))
    found = spectrum(made, size)
    stem, rest = torch.sqrt(found.real**2 + found.imag**2 + 1e-8).chunk(2)
    mask = stem / (stem + rest)
    wanted, other = spectrum(true, size).chunk(2)
    mix = wanted + other
    real, imaginary = mask * mix.real - wanted.real, mask * mix.imag - wanted.imag
    distance = torch.sqrt(real**2 + imaginary**2 + 1e-10).sum(dim=(1, 2))
    loud = mix.abs().sum(dim=(1, 2))
    return (distance / (loud + MASK_QUIET * mix[0].numel())).mean()


class SpectralLoss(nn.Module):
    """Spectral convergence and log-magnitude distance, at two of four resolutions drawn per call."""

    def forward(self, made: Tensor, wanted: Tensor, generator: torch.Generator) -> Tensor:
        """Distance of ``made`` from ``wanted``, both ``(B, N)``."""
        total = made.new_zeros(())
        sizes = [size for size in SIZES if size <= made.shape[1] // 2] or [SIZES[0]]
        for choice in torch.randperm(len(sizes), generator=generator)[:2].tolist():
            size = sizes[choice]
            a, b = magnitude(made, size), magnitude(wanted, size)
            scale = torch.sqrt((b**2).sum(dim=(1, 2)) + 1e-3 * size)
            convergence = (torch.sqrt(((a - b) ** 2).sum(dim=(1, 2)) + 1e-9) / scale).mean()
            floor = 1e-3 * size**0.5
            distance = (torch.log(a + floor) - torch.log(b + floor)).abs().mean()
            total = total + convergence + distance
        return total


class MelLoss(nn.Module):
    """Mean distance of log-mel spectra (80 bands)."""

    def __init__(self, rate_hz: int, size: int = 1024, bands: int = 80) -> None:
        super().__init__()
        self.size = size
        self.bank: Tensor
        self.register_buffer("bank", mel_bank(rate_hz, size, bands), persistent=False)

    def forward(self, made: Tensor, wanted: Tensor) -> Tensor:
        """Distance of ``made`` from ``wanted``, both ``(B, N)``."""
        bank = self.bank.to(made.device)
        a = torch.log(bank @ magnitude(made, self.size) + 1e-2)
        b = torch.log(bank @ magnitude(wanted, self.size) + 1e-2)
        return (a - b).abs().mean()


def mel_bank(rate_hz: int, size: int, bands: int) -> Tensor:
    """Triangular mel filters ``(bands, size // 2 + 1)``, HTK scale."""
    top = 2595 * torch.log10(torch.tensor(1 + rate_hz / 2 / 700))
    edges_hz = 700 * (10 ** (torch.linspace(0, float(top), bands + 2) / 2595) - 1)
    bins_hz = torch.linspace(0, rate_hz / 2, size // 2 + 1)
    rising = (bins_hz - edges_hz[:-2, None]) / (edges_hz[1:-1] - edges_hz[:-2])[:, None]
    falling = (edges_hz[2:, None] - bins_hz) / (edges_hz[2:] - edges_hz[1:-1])[:, None]
    return torch.clamp(torch.minimum(rising, falling), min=0)
