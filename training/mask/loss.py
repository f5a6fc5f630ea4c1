"""What the mask decoder is trained on: spectra with the mix's phase, their square roots, and presence."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from training.mask.network import PRESENCE_FRAMES

ROOT_WEIGHT = 0.5
PRESENCE_WEIGHT = 0.05
THERE_DB = -32.0  # a stem louder than this against the mix's loudest second counts as there
FLOOR = 0.1  # of the mix's level: what a stem's level counts as at least


def separation_loss(mask: Tensor, mix: Tensor, target: Tensor) -> Tensor:
    """Error of one masked mix, one figure for each example.

    The distance of the complex spectra, in units between the stem's level and the mix's, so that quiet stems count and
    absent ones can be asked for, and the mean distance of the square roots of their magnitudes, which hears high and
    soft bins (Spleeter's is the first alone, on magnitudes).

    Args:
        mask: (B, 2, T, F) in 0..1.
        mix: complex (B, 2, T, F).
        target: complex (B, 2, T, F).
    """
    error = torch.view_as_real(mask * mix - target)
    power = error.square().mean((1, 2, 3, 4)) * 2
    mix_power = torch.view_as_real(mix).square().mean((1, 2, 3, 4)) * 2 + 1e-8
    target_power = torch.view_as_real(target).square().mean((1, 2, 3, 4)) * 2
    level = (mix_power.sqrt() * torch.maximum(target_power.sqrt(), FLOOR * mix_power.sqrt())).sqrt()
    linear = (power + 1e-6 * mix_power).sqrt() / level
    roots = ((mask * mix.abs() + 1e-4).sqrt() - (target.abs() + 1e-4).sqrt()).abs().mean((1, 2, 3))
    scale = ((mix.abs() + 1e-4).sqrt().mean((1, 2, 3)) * (target.abs() + 1e-4).sqrt().mean((1, 2, 3))).sqrt()
    return linear + ROOT_WEIGHT * roots / torch.maximum(scale, 0.2 * (mix.abs() + 1e-4).sqrt().mean((1, 2, 3)))


def presence_target(mix: Tensor, target: Tensor) -> Tensor:
    """1 where the stem sounds: (B, T / 32)."""
    loud = target.abs().square().mean((1, 3)).unflatten(1, (-1, PRESENCE_FRAMES)).mean(2)
    reference = mix.abs().square().mean((1, 3)).unflatten(1, (-1, PRESENCE_FRAMES)).mean(2).amax(1, keepdim=True)
    return (loud > reference * 10 ** (THERE_DB / 10)).float()


def total_loss(logits: Tensor, presence: Tensor, mix: Tensor, target: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean loss of a batch, and its parts.

    Args:
        logits: (B, 4, T, F): stem left and right, rest left and right.
        presence: logits (B, T / 32).
        mix, target: complex (B, 2, T, F).
    """
    masks = logits.sigmoid()
    stem = separation_loss(masks[:, :2], mix, target)
    rest = separation_loss(masks[:, 2:], mix, mix - target)
    there = F.binary_cross_entropy_with_logits(presence, presence_target(mix, target))
    parts = {"stem": stem.mean(), "rest": rest.mean(), "presence": there}
    return parts["stem"] + 0.3 * parts["rest"] + PRESENCE_WEIGHT * there, parts
