"""What the mask decoder is trained on: spectra with the mix's phase, their square roots, and presence.

Everything is computed from four real planes of a mix X and a stem S, so that no complex number is needed on the way:
``|M X - S|^2 = M^2 |X|^2 - 2 M Re(X* S) + |S|^2``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from training.mask.network import PRESENCE_FRAMES

Spectrum = np.ndarray[Any, np.dtype[np.complex64]]
ROOT_WEIGHT = 0.5
REST_WEIGHT = 0.3
PRESENCE_WEIGHT = 0.2
THERE_DB = -32.0  # a stem louder than this against the mix's loudest block counts as there
FLOOR = 0.1  # of the mix's level: what a stem's level counts as at least
QUIET = 1e-4  # magnitude below which square roots tell nothing


@dataclass(frozen=True, slots=True)
class Planes:
    """A batch in real numbers, each float32 (B, 2, T, F).

    Attributes:
        mix: magnitudes of the mix.
        cross: ``Re(X* S)``.
        stem: magnitudes of the stem.
        rest: magnitudes of the mix without the stem.
    """

    mix: Tensor
    cross: Tensor
    stem: Tensor
    rest: Tensor

    @classmethod
    def of(cls, mixes: list[Spectrum], stems: list[Spectrum]) -> Planes:
        """From complex spectra (2, T, F)."""
        mix, stem = np.stack(mixes), np.stack(stems)
        cross = mix.real * stem.real + mix.imag * stem.imag
        return cls(*(torch.from_numpy(a) for a in (np.abs(mix), cross, np.abs(stem), np.abs(mix - stem))))


def separation_loss(mask: Tensor, mix: Tensor, cross: Tensor, target: Tensor) -> Tensor:
    """Error of one masked mix, one figure for each example.

    The distance of the complex spectra, in units between the stem's level and the mix's, so that quiet stems count and
    absent ones can be asked for, and the distance of the square roots of their magnitudes, which hears high and soft
    bins. Both are root mean squares: absolute differences, as in Spleeter's loss, lean to silence where the network is
    not sure.

    Args:
        mask: (B, 2, T, F) in 0..1.
        mix: magnitudes (B, 2, T, F).
        cross: ``Re(X* S)``, the same shape.
        target: magnitudes of what is wanted.
    """
    masked = mask * mix
    power = (masked * (masked - 2 * cross / (mix + 1e-9))).mean((1, 2, 3)) + target.square().mean((1, 2, 3))
    mix_power = mix.square().mean((1, 2, 3)) + 1e-8
    mix_level, target_level = mix_power.sqrt(), target.square().mean((1, 2, 3)).sqrt()
    level = (mix_level * torch.maximum(target_level, FLOOR * mix_level)).sqrt()
    linear = (power.clamp(min=0) + 1e-6 * mix_power).sqrt() / level
    mix_root, target_root = (mix + QUIET).sqrt().mean((1, 2, 3)), (target + QUIET).sqrt()
    roots = ((masked + QUIET).sqrt() - target_root).square().mean((1, 2, 3)).sqrt()
    scale = (mix_root * target_root.mean((1, 2, 3))).sqrt()
    return linear + ROOT_WEIGHT * roots / torch.maximum(scale, 0.2 * mix_root)


def presence_target(mix: Tensor, stem: Tensor) -> Tensor:
    """1 where the stem sounds: (B, T / 32)."""
    loud = stem.square().mean((1, 3)).unflatten(1, (-1, PRESENCE_FRAMES)).mean(2)
    reference = mix.square().mean((1, 3)).unflatten(1, (-1, PRESENCE_FRAMES)).mean(2).amax(1, keepdim=True)
    return (loud > reference * 10 ** (THERE_DB / 10)).float()


def total_loss(logits: Tensor, presence: Tensor, planes: Planes) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean loss of a batch, and its parts.

    Args:
        logits: (B, 4, T, F): stem left and right, rest left and right.
        presence: logits (B, T / 32).
        planes: what was asked.
    """
    masks = logits.sigmoid()
    mix, cross = planes.mix, planes.cross
    stem = separation_loss(masks[:, :2], mix, cross, planes.stem)
    rest = separation_loss(masks[:, 2:], mix, mix.square() - cross, planes.rest)
    there = F.binary_cross_entropy_with_logits(presence, presence_target(mix, planes.stem))
    parts = {"stem": stem.mean(), "rest": rest.mean(), "presence": there}
    return parts["stem"] + REST_WEIGHT * parts["rest"] + PRESENCE_WEIGHT * there, parts
