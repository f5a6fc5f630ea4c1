"""The Oobleck family, as MAGE uses it: weight-normalised strided convolutions, residual units, Snake.

Source: MAGE (arXiv 2604.09803) appendix A; Snake: arXiv 2006.08195.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from training.config import CodecConfig, GridConfig


class Snake(nn.Module):
    """x + sin^2(a x) / a with one ``a`` per channel, ``(B, C, N) -> (B, C, N)``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_a = nn.Parameter(torch.zeros(1, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        a = torch.exp(self.log_a)
        return x + torch.sin(a * x) ** 2 / a


class ResidualUnit(nn.Module):
    """Dilated residual unit, ``(B, C, N) -> (B, C, N)``."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            Snake(channels),
            weight_norm(nn.Conv1d(channels, channels, 7, dilation=dilation, padding=3 * dilation)),
            Snake(channels),
            weight_norm(nn.Conv1d(channels, channels, 1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def _residuals(channels: int) -> list[nn.Module]:
    return [ResidualUnit(channels, dilation) for dilation in (1, 3, 9)]


def _check(grid: GridConfig, config: CodecConfig) -> None:
    if math.prod(config.strides) != grid.hop_samples or len(config.strides) != len(config.multiples):
        raise ValueError(
            f"strides {config.strides} must multiply to the hop of {grid.hop_samples} samples, "
            f"one per multiple {config.multiples}"
        )


class OobleckEncoder(nn.Module):
    """Audio ``(B, 1, N)`` -> mean and log variance ``(B, D, L)``."""

    def __init__(self, grid: GridConfig, config: CodecConfig) -> None:
        super().__init__()
        _check(grid, config)
        widths = [config.base_width * m for m in (1, *config.multiples)]
        layers: list[nn.Module] = [weight_norm(nn.Conv1d(1, widths[0], 7, padding=3))]
        for stride, here, there in zip(config.strides, widths, widths[1:], strict=False):
            layers += [
                *_residuals(here),
                Snake(here),
                weight_norm(nn.Conv1d(here, there, 2 * stride, stride=stride, padding=math.ceil(stride / 2))),
            ]
        layers += [Snake(widths[-1]), weight_norm(nn.Conv1d(widths[-1], 2 * grid.latent_channels, 3, padding=1))]
        self.layers = nn.Sequential(*layers)

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.layers(audio).chunk(2, dim=1)
        return mean, log_variance


class OobleckDecoder(nn.Module):
    """Latents ``(B, D, L)`` -> audio ``(B, 1, N)``."""

    def __init__(self, grid: GridConfig, config: CodecConfig) -> None:
        super().__init__()
        _check(grid, config)
        widths = [config.base_width * m for m in (1, *config.multiples)][::-1]
        layers: list[nn.Module] = [weight_norm(nn.Conv1d(grid.latent_channels, widths[0], 7, padding=3))]
        for stride, here, there in zip(config.strides[::-1], widths, widths[1:], strict=False):
            up = nn.ConvTranspose1d(
                here, there, 2 * stride, stride=stride, padding=math.ceil(stride / 2), output_padding=stride % 2
            )
            layers += [Snake(here), weight_norm(up), *_residuals(there)]
        layers += [Snake(widths[-1]), weight_norm(nn.Conv1d(widths[-1], 1, 7, padding=3, bias=False))]
        self.layers = nn.Sequential(*layers)

    def forward(self, latents: Tensor) -> Tensor:
        audio: Tensor = self.layers(latents)
        return audio
