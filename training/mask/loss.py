"""What the mask decoder is trained on: spectra with the mix's phase, their square roots, and presence.

Both distances are quadratic in the mask M or in its root, so they come from a few real planes of mix X and stem S:
``|M X - S|^2 = M^2 |X|^2 - 2 M Re(X* S) + |S|^2`` and
``(sqrt(M |X|) - sqrt|S|)^2 = M |X| - 2 sqrt(M) sqrt(|X| |S|) + |S|``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from training.mask.network import PRESENCE_FRAMES

Spectrum = np.ndarray[Any, np.dtype[np.complex64]]
ROOT_WEIGHT = 0.5
PRESENCE_WEIGHT = 0.2
THERE_DB = -32.0  # a stem louder than this against the mix's loudest block counts as there
FLOOR = 0.1  # of the mix's level: what a stem's level counts as at least


@dataclass(frozen=True, slots=True)
class Planes:
    """A batch in real numbers, float32.

    Attributes:
        mix: magnitudes of the mixes (B, 2, T, F).
        cross: ``Re(X* S)`` of every question, (B, K, 2, T, F).
        roots: ``sqrt(|X| |S|)``, the same shape.
        power, level: mean of ``|S|^2`` and of ``|S|``, (B, K).
        there: 1 where the stem sounds, (B, K, T / 32).
    """

    mix: Tensor
    cross: Tensor
    roots: Tensor
    power: Tensor
    level: Tensor
    there: Tensor

    @classmethod
    def of(cls, mixes: list[Spectrum], stems: list[list[Spectrum]]) -> Planes:
        """From complex spectra (2, T, F): one mix and as many stems for each."""
        mix = np.stack([np.abs(one) for one in mixes])
        cross = np.stack(
            [[x.real * s.real + x.imag * s.imag for s in some] for x, some in zip(mixes, stems, strict=True)]
        )
        stem = np.stack([[np.abs(s) for s in some] for some in stems])
        planes = (mix, cross, np.sqrt(stem * mix[:, None]), (stem**2).mean((2, 3, 4)), stem.mean((2, 3, 4)))
        return cls(
            *(torch.from_numpy(plane.astype(np.float32, copy=False)) for plane in planes), there=_there(mix, stem)
        )


def _there(mix: npt.NDArray[np.float32], stem: npt.NDArray[np.float32]) -> Tensor:
    def blocks(magnitudes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        power: npt.NDArray[np.float32] = (magnitudes**2).mean((-3, -1))
        return power.reshape(*power.shape[:-1], -1, PRESENCE_FRAMES).mean(-1)

    loudest = blocks(mix).max(-1)[:, None, None]
    return torch.from_numpy((blocks(stem) > loudest * 10 ** (THERE_DB / 10)).astype(np.float32))


def separation_loss(logits: Tensor, planes: Planes) -> Tensor:
    """Error of every masked mix, (B, K).

    The distance of the complex spectra, in units between the stem's level and the mix's, so that quiet stems count and
    absent ones can be asked for, and the distance of the square roots of their magnitudes, which hears high and soft
    bins. Both are root mean squares: absolute differences, as in Spleeter's loss, lean to silence where the network is
    not sure.

    Args:
        logits: of the masks, (B, K, 2, T, F).
        planes: what was asked.
    """
    mask = logits.sigmoid()
    mix = planes.mix[:, None]
    masked = mask * mix
    power = (masked.square() - 2 * mask * planes.cross).mean((2, 3, 4)) + planes.power
    mix_level = planes.mix.square().mean((1, 2, 3)).sqrt()[:, None] + 1e-4
    wanted = torch.maximum(planes.power.sqrt(), FLOOR * mix_level)
    linear = (power.clamp(min=0) + 1e-6 * mix_level.square()).sqrt() / (mix_level * wanted).sqrt()
    roots = (masked - 2 * mask.sqrt() * planes.roots).mean((2, 3, 4)) + planes.level
    mix_mean = planes.mix.mean((1, 2, 3))[:, None] + 1e-4
    scale = (mix_mean * torch.maximum(planes.level, 0.04 * mix_mean)).sqrt()
    return linear + ROOT_WEIGHT * ((roots.clamp(min=0) + 1e-6 * mix_mean) / scale).sqrt()


def total_loss(logits: Tensor, presence: Tensor, planes: Planes) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean loss of a batch, and its parts.

    Args:
        logits: (B, K, 2, T, F).
        presence: logits (B, K, T / 32).
        planes: what was asked.
    """
    parts = {
        "stem": separation_loss(logits, planes).mean(),
        "presence": F.binary_cross_entropy_with_logits(presence, planes.there),
    }
    return parts["stem"] + PRESENCE_WEIGHT * parts["presence"], parts
