"""Both towers: phrases and sounds to embeddings in one space, each of norm sqrt(E) so that entries have unit scale.

The text tower is exported with the bundle, and the audio tower with the adapter of ``adapters.py`` as its last layer.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.mel import mel_filters

RATE_HZ = 16_000
CLIP_SAMPLES = 81_920  # 5.12 s
FFT_SAMPLES = 1024
HOP_SAMPLES = 320
MELS = 64
MEL_LOW_HZ, MEL_HIGH_HZ = 30.0, 7900.0


class TextTower(nn.Module):
    """A small transformer over tokens, mean over the real ones."""

    def __init__(self, vocab: int, max_tokens: int, embedding: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.max_tokens = max_tokens
        self.tokens = nn.Embedding(vocab, width)
        self.positions = nn.Parameter(torch.randn(max_tokens, width) * 0.02)
        self.blocks = nn.ModuleList(TextBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, embedding)
        nn.init.normal_(self.tokens.weight, std=0.1)

    def forward(self, tokens: Tensor, token_mask: Tensor) -> Tensor:
        """Embed prompts.

        Args:
            tokens: int64 (B, T), T at most max_tokens.
            token_mask: bool (B, T), True at real tokens.

        Returns:
            float (B, E) of norm sqrt(E).
        """
        keep = token_mask.to(self.positions.dtype)
        # indexed, not called: the exporter names a call's output "embedding", which is the graph's output name
        x = self.tokens.weight[tokens] + self.positions[: tokens.shape[1]]
        bias = (keep[:, None, None, :] - 1.0) * 1e4
        for block in self.blocks:
            x = block(x, bias)
        pooled = (self.norm(x) * keep[:, :, None]).sum(1) / keep.sum(1, keepdim=True).clamp(min=1.0)
        return to_unit_scale(self.out(pooled))


class TextBlock(nn.Module):
    """Attention and a two-layer network, each after a layer norm; written out so that every exporter knows it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_network = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.mixed = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """One block: x (B, T, width), bias (B, 1, 1, T) added to the attention scores."""
        x = x + self._attend(self.norm_attention(x), bias)
        x = x + self.down(F.gelu(self.up(self.norm_network(x))))
        return x

    def _attend(self, x: Tensor, bias: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.shape[-1]) + bias
        mixed: Tensor = self.mixed(torch.matmul(scores.softmax(-1), v).transpose(1, 2).flatten(2))
        return mixed


class AudioTower(nn.Module):
    """Log-mel spectrogram, strided convolutions, attention over time."""

    def __init__(self, embedding: int, width: int = 24) -> None:
        super().__init__()
        self.register_buffer("rows", None, persistent=False)  # of the DFT, once ``use_real_arithmetic`` was called
        self.register_buffer("window", torch.hann_window(FFT_SAMPLES), persistent=False)
        filters = mel_filters(RATE_HZ, FFT_SAMPLES, MELS, MEL_LOW_HZ, MEL_HIGH_HZ)
        self.register_buffer("filters", torch.from_numpy(filters).float(), persistent=False)
        sizes = [1, width, 2 * width, 3 * width, 4 * width]
        self.layers = nn.ModuleList(HalvingConv(a, b) for a, b in pairwise(sizes))
        channels = sizes[-1] * (MELS // 2 ** (len(sizes) - 1))
        self.attention = nn.Linear(channels, 1)
        self.norm = nn.LayerNorm(channels)
        self.out = nn.Linear(channels, embedding)

    def forward(self, audio_BN: Tensor) -> Tensor:
        """Audio (B, N) at 16 kHz -> (B, E) of norm sqrt(E)."""
        return self.embed_mel(self.log_mel(audio_BN))

    def log_mel(self, audio_BN: Tensor) -> Tensor:
        """Audio (B, N) at 16 kHz -> natural log of mel energies (B, mels, frames), 20 ms apart."""
        window: Tensor = self.window  # type: ignore[assignment]
        filters: Tensor = self.filters  # type: ignore[assignment]
        rows: Tensor | None = self.rows  # type: ignore[assignment]
        if rows is not None:
            edge = FFT_SAMPLES // 2
            both = F.conv1d(F.pad(audio_BN[:, None], (edge, edge), mode="reflect"), rows, stride=HOP_SAMPLES)
            real, imaginary = both.chunk(2, dim=1)
            power = real.square() + imaginary.square()
        else:
            spectrum = torch.stft(audio_BN, FFT_SAMPLES, HOP_SAMPLES, window=window, return_complex=True)
            power = spectrum.abs().square()
        return torch.log(torch.matmul(filters, power) + 1e-5)

    def use_real_arithmetic(self) -> None:
        """Compute spectra by a strided convolution with the DFT's rows: exporters know no complex numbers."""
        turns = torch.outer(torch.arange(FFT_SAMPLES // 2 + 1), torch.arange(FFT_SAMPLES)) % FFT_SAMPLES
        angle = turns.double() * (2 * math.pi / FFT_SAMPLES)
        window: Tensor = self.window  # type: ignore[assignment]
        self.rows = (torch.cat([angle.cos(), angle.sin()]) * window).float()[:, None]

    def embed_mel(self, mel: Tensor) -> Tensor:
        """Log mel energies (B, mels, frames) -> (B, E); the level of the clip does not matter."""
        return to_unit_scale(self.out(self.features(mel)))

    def features(self, mel: Tensor) -> Tensor:
        """Log mel energies (B, mels, frames) -> input of the last layer, (B, ``self.out.in_features``)."""
        x = ((mel - mel.mean((1, 2), keepdim=True)) / 4.0)[:, None]
        for layer in self.layers:
            x = layer(x)
        x = x.flatten(1, 2).transpose(1, 2)
        weights = self.attention(x).softmax(1)
        pooled: Tensor = self.norm((weights * x).sum(1))
        return pooled


class MlpAdapter(nn.Module):
    """An MLP from any encoder's space (B,X) into another (B,E).

    Source: MusFlow (arXiv 2504.13535), which aligns every condition with the sound's embedding by an MLP of its own.
    """

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(into, 2 * out), nn.Linear(2 * out, out)

    def forward(self, x: Tensor) -> Tensor:
        """(..., into) -> (..., out)."""
        y: Tensor = self.down(F.gelu(self.up(x)))
        return y


class HalvingConv(nn.Module):
    """Halves both axes and keeps the scale."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, 3, stride=2, padding=1)
        self.norm = nn.GroupNorm(4 if out % 4 == 0 else 1, out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, into, mels, frames) -> (B, out, mels/2, frames/2)."""
        return F.gelu(self.norm(self.conv(x)))


def to_unit_scale(x: Tensor) -> Tensor:
    """Scale rows (B, E) to norm sqrt(E), so that their entries have unit scale."""
    return x / x.square().mean(-1, keepdim=True).clamp(min=1e-12).sqrt()
