"""Short-time Fourier transforms in real arithmetic, for graphs: products of small matrices, no complex numbers.

A transform of N samples is split into N = A * B: products with matrices of A and B rows and one twist between them
(Cooley and Tukey 1965, doi:10.1090/S0025-5718-1965-0178586-1). Constants stay small, where one matrix of N x N would
weigh 64 MB at N = 4096, and every runtime and device runs it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class RealFourier(nn.Module):
    """Real samples (..., N) <-> real and imaginary parts (..., N // 2 + 1).

    Args:
        size: N; even.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size, self.bins = size, size // 2 + 1
        self.a = next(k for k in range(math.isqrt(size), 0, -1) if size % k == 0)
        self.b = size // self.a
        for name, rows, columns, whole in (
            ("outer", self.a, self.a, self.a), ("twist", self.a, self.b, size), ("inner", self.b, self.b, self.b),
        ):  # fmt: skip
            turns = torch.outer(torch.arange(rows), torch.arange(columns)) % whole
            angle = turns.double() * (2 * math.pi / whole)
            self.register_buffer(f"{name}_cos", torch.cos(angle).float(), persistent=False)
            self.register_buffer(f"{name}_sin", torch.sin(angle).float(), persistent=False)
        twice = torch.full((self.bins,), 2.0 / size)
        twice[0] = twice[-1] = 1.0 / size
        self.register_buffer("twice", twice, persistent=False)

    def analyse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Samples (..., N) -> real and imaginary parts (..., N // 2 + 1)."""
        grid = x.unflatten(-1, (self.a, self.b))  # n = b * row + column
        real, imaginary = self.outer_cos @ grid, -(self.outer_sin @ grid)
        real, imaginary = self._turned(real, imaginary, -1.0)
        # k = row + a * column, so columns go first
        spectrum_real = real @ self.inner_cos + imaginary @ self.inner_sin
        spectrum_imaginary = imaginary @ self.inner_cos - real @ self.inner_sin
        both = (spectrum_real, spectrum_imaginary)
        first, second = (part.transpose(-1, -2).flatten(-2)[..., : self.bins] for part in both)
        return first, second

    def synthesise(self, real: Tensor, imaginary: Tensor) -> Tensor:
        """Real and imaginary parts (..., N // 2 + 1) -> samples (..., N)."""
        missing = self.size - self.bins
        real, imaginary = (F.pad(part * self.twice, (0, missing)) for part in (real, imaginary))
        grid_real, grid_imaginary = (
            part.unflatten(-1, (self.b, self.a)).transpose(-1, -2) for part in (real, imaginary)
        )
        inner_real = grid_real @ self.inner_cos - grid_imaginary @ self.inner_sin
        inner_imaginary = grid_imaginary @ self.inner_cos + grid_real @ self.inner_sin
        inner_real, inner_imaginary = self._turned(inner_real, inner_imaginary, 1.0)
        return (self.outer_cos @ inner_real - self.outer_sin @ inner_imaginary).flatten(-2)

    def _turned(self, real: Tensor, imaginary: Tensor, sign: float) -> tuple[Tensor, Tensor]:
        sine = sign * self.twist_sin
        return real * self.twist_cos - imaginary * sine, imaginary * self.twist_cos + real * sine


def frame(audio: Tensor, hop: int, overlap: int, frames: int) -> Tensor:
    """Samples (..., N) -> overlapping frames (..., frames, overlap * hop); N is a multiple of the hop."""
    hops = audio.unflatten(-1, (-1, hop))
    return torch.cat([hops[..., k : k + frames, :] for k in range(overlap)], dim=-1)


def overlap_add(framed: Tensor, overlap: int) -> Tensor:
    """Frames (..., frames, overlap * hop) -> their sum (..., (frames + overlap - 1) * hop)."""
    hops = framed.unflatten(-1, (overlap, -1))
    parts = [F.pad(hops[..., k, :], (0, 0, k, overlap - 1 - k)) for k in range(overlap)]
    return torch.stack(parts).sum(0).flatten(-2)


class RealStft(nn.Module):
    """Audio (..., samples) <-> real and imaginary parts (..., bins, frames), Hann window, centred on reflected edges.

    The same numbers as ``torch.stft`` and ``torch.istft`` give with ``center=True``.

    Args:
        fft_samples, hop_samples: of the transform; the hop divides the window.
        reflect: False takes silence beyond the edges.
    """

    def __init__(self, fft_samples: int, hop_samples: int, samples: int, reflect: bool = True) -> None:
        super().__init__()
        if fft_samples % hop_samples or fft_samples % 2:
            raise ValueError(f"a hop must divide its even window, got {hop_samples} and {fft_samples}")
        self.fourier = RealFourier(fft_samples)
        self.size, self.hop, self.samples, self.reflect = fft_samples, hop_samples, samples, reflect
        self.overlap = fft_samples // hop_samples
        self.frames = 1 + samples // hop_samples
        self.spare = -(samples + fft_samples) % hop_samples  # so that whole hops cover it
        window = torch.hann_window(fft_samples)
        self.register_buffer("window", window, persistent=False)
        envelope = self._added(window.square().expand(1, self.frames, -1))[0]
        self.register_buffer("envelope", envelope, persistent=False)

    def analyse(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Audio (..., samples) -> real and imaginary parts (..., bins, frames)."""
        flat = audio.reshape(-1, 1, self.samples)
        half = self.size // 2
        padded = F.pad(flat, (half, half), mode="reflect") if self.reflect else F.pad(flat, (half, half))
        framed = frame(F.pad(padded, (0, self.spare))[:, 0], self.hop, self.overlap, self.frames) * self.window
        real, imaginary = self.fourier.analyse(framed)
        shape = (*audio.shape[:-1], self.frames, self.fourier.bins)
        return real.reshape(shape).transpose(-1, -2), imaginary.reshape(shape).transpose(-1, -2)

    def synthesise(self, real: Tensor, imaginary: Tensor) -> Tensor:
        """Real and imaginary parts (..., bins, frames) -> audio (..., samples)."""
        flat = (part.transpose(-1, -2).reshape(-1, self.frames, self.fourier.bins) for part in (real, imaginary))
        audio = self._added(self.fourier.synthesise(*flat) * self.window) / self.envelope
        return audio.reshape(*real.shape[:-2], self.samples)

    def _added(self, framed: Tensor) -> Tensor:
        """Overlap-add, (B, frames, size) -> (B, samples), without what lies before the first sample."""
        whole = overlap_add(framed, self.overlap)
        half = self.size // 2
        return F.pad(whole, (0, max(0, half + self.samples - whole.shape[1])))[:, half : half + self.samples]
