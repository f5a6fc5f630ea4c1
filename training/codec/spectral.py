"""The spectral family: STFT in, ConvNeXt blocks over frames, inverse-STFT head out (after Vocos, arXiv 2306.00814).

The window is four hops long, so framing and overlap-add are four shifted reshapes and the graph needs no complex
operators: the transform is a matrix product when ``exporting`` is set, an FFT otherwise.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.config import CodecConfig, GridConfig

OVERLAP = 4
COMPRESS = 0.3  # power law on magnitudes
LOG_FLOOR = 1e-3
MAGNITUDE_MAX = 6.0  # natural log
LEVEL_START = -3.0  # natural log of the magnitude an untrained decoder gives


class FrameTransform(nn.Module):
    """Windowed DFT of frames and its inverse; both ways constant overlap-add with a Hann window."""

    def __init__(self, hop_samples: int) -> None:
        super().__init__()
        self.hop, self.size = hop_samples, hop_samples * OVERLAP
        self.bins = self.size // 2 + 1
        self.exporting = False
        self.window: Tensor
        self.register_buffer("window", torch.hann_window(self.size), persistent=False)

    def bases(self) -> tuple[Tensor, Tensor]:
        """Real DFT matrices: forward ``(size, 2 * bins)`` and inverse ``(2 * bins, size)``."""
        n = torch.arange(self.size, dtype=torch.float64)
        k = torch.arange(self.bins, dtype=torch.float64)
        angle = 2 * math.pi * torch.outer(n, k) / self.size
        forward = torch.cat([torch.cos(angle), -torch.sin(angle)], dim=1)
        weight = torch.full((self.bins,), 2.0, dtype=torch.float64)
        weight[0] = weight[-1] = 1.0
        inverse = torch.cat([torch.cos(angle) * weight, -torch.sin(angle) * weight], dim=1).T / self.size
        return forward.float(), inverse.float()

    def analyse(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Audio ``(B, N)`` -> real and imaginary parts ``(B, L, bins)``."""
        edge = (self.size - self.hop) // 2
        padded = F.pad(audio, (edge, self.size - self.hop - edge))
        hops = padded.reshape(padded.shape[0], -1, self.hop)  # (B, L + 3, hop)
        frames = hops.shape[1] - OVERLAP + 1
        framed = torch.cat([hops[:, k : k + frames] for k in range(OVERLAP)], dim=2) * self.window
        if self.exporting:
            both = framed @ self.bases()[0].to(framed.device)
            return both[..., : self.bins], both[..., self.bins :]
        spectrum = torch.fft.rfft(framed.float(), dim=2)
        return spectrum.real, spectrum.imag

    def synthesise(self, real: Tensor, imaginary: Tensor) -> Tensor:
        """Real and imaginary parts ``(B, L, bins)`` -> audio ``(B, N)``."""
        if self.exporting:
            framed = torch.cat([real, imaginary], dim=2) @ self.bases()[1].to(real.device)
        else:
            framed = torch.fft.irfft(torch.complex(real.float(), imaginary.float()), n=self.size, dim=2)
        framed = framed * (self.window / 1.5)  # Hann squared at four times overlap sums to 1.5
        batch, frames, _ = framed.shape
        hops = framed.reshape(batch, frames, OVERLAP, self.hop)
        total = sum(F.pad(hops[:, :, k], (0, 0, k, OVERLAP - 1 - k)) for k in range(OVERLAP))
        assert isinstance(total, Tensor)
        edge = (self.size - self.hop) // 2
        return total.reshape(batch, -1)[:, edge : edge + frames * self.hop]


class ConvNextBlock(nn.Module):
    """ConvNeXt block over frames, ``(B, L, W) -> (B, L, W)``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 3 * width)
        self.narrow = nn.Linear(3 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.mix(x.transpose(1, 2)).transpose(1, 2)
        y = self.narrow(F.gelu(self.widen(self.norm(y)), approximate="tanh"))
        return x + self.scale * y


class SpectralEncoder(nn.Module):
    """Audio ``(B, 1, N)`` -> mean and log variance ``(B, D, L)``."""

    def __init__(self, grid: GridConfig, config: CodecConfig) -> None:
        super().__init__()
        self.transform = FrameTransform(grid.hop_samples)
        self.inward = nn.Linear(3 * self.transform.bins, config.encoder_width)
        self.blocks = nn.ModuleList(ConvNextBlock(config.encoder_width) for _ in range(config.encoder_blocks))
        self.norm = nn.LayerNorm(config.encoder_width)
        self.outward = nn.Linear(config.encoder_width, 2 * grid.latent_channels)

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        real, imaginary = self.transform.analyse(audio[:, 0])
        magnitude = torch.sqrt(torch.clamp(real**2 + imaginary**2, min=1e-10))  # an added epsilon is lost in export
        shrink = magnitude ** (COMPRESS - 1)
        features = torch.cat([real * shrink, imaginary * shrink, 0.3 * torch.log(magnitude + LOG_FLOOR)], dim=2)
        x = self.inward(features)
        for block in self.blocks:
            x = block(x)
        mean, log_variance = self.outward(self.norm(x)).transpose(1, 2).chunk(2, dim=1)
        return mean, log_variance


class SpectralDecoder(nn.Module):
    """Latents ``(B, D, L)`` -> audio ``(B, 1, N)`` through magnitude and phase of every bin."""

    def __init__(self, grid: GridConfig, config: CodecConfig) -> None:
        super().__init__()
        self.transform = FrameTransform(grid.hop_samples)
        width = config.decoder_width
        self.inward = nn.Conv1d(grid.latent_channels, width, 7, padding=3)
        self.blocks = nn.ModuleList(ConvNextBlock(width) for _ in range(config.decoder_blocks))
        self.norm = nn.LayerNorm(width)
        self.outward = nn.Linear(width, 3 * self.transform.bins)
        with torch.no_grad():
            self.outward.bias[: self.transform.bins] = LEVEL_START

    def forward(self, latents: Tensor) -> Tensor:
        x = self.inward(latents).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        level, across, along = self.outward(self.norm(x)).float().chunk(3, dim=2)
        magnitude = torch.exp(torch.clamp(level, max=MAGNITUDE_MAX))
        length = torch.sqrt(torch.clamp(across**2 + along**2, min=1e-8))
        audio = self.transform.synthesise(magnitude * across / length, magnitude * along / length)
        return audio[:, None]
