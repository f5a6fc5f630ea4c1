"""Multi-scale STFT discriminators and their losses.

    StftDiscriminator        audio (B,1,N) -> score of every patch (B,1,T,F) and the features of every layer
    MultiScaleDiscriminator  one discriminator per window length

Source: MAGE (arXiv 2604.09803) section 3.1 eq. 4 asks for adversarial and feature matching losses with an EnCodec-style
discriminator; EnCodec (arXiv 2210.13438) section 3.4: complex STFT with windows of 2048 to 128 samples, convolutions
3 x 9 over time and frequency (3 x 8 in its text, 3 x 9 in its code) dilated 1, 2, 4 in time with stride 2 in frequency,
hinge loss, feature matching relative to the mean of the true features.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

DILATIONS = (1, 2, 4)
SLOPE = 0.2
FEATURE_FLOOR = 1e-5


@dataclass(frozen=True, slots=True)
class DiscriminatorOutput:
    """What the discriminators make of one batch.

    Attributes:
        scores: one per discriminator, ``(B,1,T,F)``; above 0 means real.
        features: per discriminator, of every layer, ``(B,W,T,F)``.
    """

    scores: list[Tensor]
    features: list[list[Tensor]]


def _conv(inside: int, outside: int, width: int, stride: int = 1, dilation: int = 1) -> nn.Module:
    padding = (dilation, (width - 1) // 2)
    return weight_norm(nn.Conv2d(inside, outside, (3, width), (1, stride), padding, dilation=(dilation, 1)))


class StftDiscriminator(nn.Module):
    """One STFT discriminator: audio ``(B,1,N)`` -> score ``(B,1,T,F)``, features of five layers."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.size = size
        self.window: Tensor
        window = torch.hann_window(size)
        self.register_buffer("window", window / torch.sqrt((window**2).sum()), persistent=False)
        self.layers = nn.ModuleList(
            [
                _conv(2, width, 9),
                *(_conv(width, width, 9, stride=2, dilation=dilation) for dilation in DILATIONS),
                _conv(width, width, 3),
            ]
        )
        self.judge = _conv(width, 1, 3)

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        spectrum = torch.stft(
            audio[:, 0], self.size, self.size // 4, window=self.window, center=False, return_complex=True
        )
        x = torch.stack([spectrum.real, spectrum.imag], dim=1).transpose(2, 3)  # (B, 2, T, F)
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
            features.append(x)
        return self.judge(x).float(), features


class MultiScaleDiscriminator(nn.Module):
    """One for every window length that fits into ``samples``: audio ``(B,1,N)`` -> ``DiscriminatorOutput``.

    Args:
        windows: window lengths in samples; the hop is a quarter.

    Raises:
        ValueError: no window fits.
    """

    def __init__(self, width: int, windows: Sequence[int], samples: int) -> None:
        super().__init__()
        sizes = [size for size in windows if size <= samples]
        if not sizes:
            raise ValueError(f"discriminators need crops of at least {min(windows)} samples, got {samples}")
        self.scales = nn.ModuleList(StftDiscriminator(size, width) for size in sizes)

    def forward(self, audio: Tensor) -> DiscriminatorOutput:
        answers = [critic(audio) for critic in self.scales]
        return DiscriminatorOutput([score for score, _ in answers], [features for _, features in answers])


def critic_loss(real: DiscriminatorOutput, made: DiscriminatorOutput) -> Tensor:
    """Hinge loss of the discriminators, a scalar. Source: EnCodec 3.4."""
    pairs = zip(real.scores, made.scores, strict=True)
    return torch.stack([F.relu(1 - true).mean() + F.relu(1 + false).mean() for true, false in pairs]).mean()


def adversarial_loss(made: DiscriminatorOutput) -> Tensor:
    """Hinge loss of the codec, a scalar. Source: EnCodec 3.4, its adversarial loss of the generator."""
    return torch.stack([F.relu(1 - score).mean() for score in made.scores]).mean()


def matching_loss(real: DiscriminatorOutput, made: DiscriminatorOutput) -> Tensor:
    """Mean distance of features relative to the size of the true ones, a scalar. Source: EnCodec 3.4."""
    ratios = [
        (true.detach().float() - false.float()).abs().mean() / (true.detach().float().abs().mean() + FEATURE_FLOOR)
        for trues, falses in zip(real.features, made.features, strict=True)
        for true, false in zip(trues, falses, strict=True)
    ]
    return torch.stack(ratios).mean()


@contextmanager
def frozen_weights(module: nn.Module) -> Iterator[None]:
    """Context in which gradients flow through the module but not into its weights."""
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)


def discriminator_losses(critics: MultiScaleDiscriminator, made: Tensor, true: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Losses of one batch of audio, both ``(B,1,N)``.

    Critics and codec descend at once, each by its own loss: the critics' loss does not reach the codec, and the codec's
    does not reach the critics. So one backward pass and one optimiser serve both, and a run resumes exactly.

    Returns:
        the critics' loss, the codec's adversarial loss, the feature matching loss.
    """
    real = critics(true)
    own = critic_loss(real, critics(made.detach()))
    with frozen_weights(critics):
        opinion = critics(made)
    return own, adversarial_loss(opinion), matching_loss(real, opinion)
