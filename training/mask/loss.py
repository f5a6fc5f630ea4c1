"""What the mask decoder is trained on: cross-entropy against the ideal real mask, the error in decibels, and presence.

The ideal mask of a stem S in a mix X is ``r = Re(X* S) / |X|^2`` in 0..1, the real gain that comes nearest to S. The
answer with the least cross-entropy is the mean of r where the network is not sure, as with squared errors; but its
gradient by the logit is ``M - r`` and does not vanish where the network has learnt to be silent. Trained on distances
of spectra, the same network answered silence to everything and stayed there (training/LOG.md).

Cross-entropy alone leaves the loudest bins under-weighted: a sub bass 20 dB above a kick takes a few of 1024 bins, and
all of the energy that the error in decibels is measured by. So the logarithm of the error against the stem is added,
which asks the same gain in decibels of every question, loud or quiet (compare Le Roux et al. 2019, arXiv 1811.02508).
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
Floats = npt.NDArray[np.float32]
LOUD_SHARE = 0.65  # of a bin's weight follows its power, the rest the root of its magnitude
LOUDEST = 500.0  # times the mean: most that one bin may weigh by its power
QUIET_WEIGHT = 2.5  # most that a question about a quiet stem weighs
PRESENCE_WEIGHT = 0.1
DECIBEL_WEIGHT = 0.05
FLOOR = 10**-2.5  # of the stem's energy: an error 25 dB below it is good enough
ABSENT_FLOOR = 10**-4.0  # of the mix's energy: an answer 40 dB below it is silence
THERE_DB = -32.0  # a stem louder than this against the mix's loudest block counts as there


@dataclass(frozen=True, slots=True)
class Planes:
    """A batch in real numbers, float32.

    Attributes:
        mix: magnitudes of the mixes (B, 2, T, F).
        weight: of every bin, (B, 2, T, F), 1 in the mean.
        ideal: the ideal mask of every question, (B, K, 2, T, F).
        asked: weight of every question, (B, K).
        there: 1 where the stem sounds, (B, K, T / 32).
        missed: error of the ideal mask, energy against the mix's, (B, K).
        floor: error that is good enough, energy against the mix's, (B, K).
    """

    mix: Tensor
    weight: Tensor
    ideal: Tensor
    asked: Tensor
    there: Tensor
    missed: Tensor
    floor: Tensor

    @classmethod
    def of(cls, mixes: list[Spectrum], stems: list[list[Spectrum]]) -> Planes:
        """From complex spectra (2, T, F): one mix and as many stems for each."""
        mix = np.stack([np.abs(one) for one in mixes])
        power = mix**2
        ideal = np.stack([[ideal_mask(x, s, p) for s in some] for x, p, some in zip(mixes, power, stems, strict=True)])
        stem = np.stack([[np.abs(s) for s in some] for some in stems])
        level = np.sqrt((stem**2).mean((2, 3, 4))) / np.sqrt(power.mean((1, 2, 3)) + 1e-8)[:, None]
        asked = np.where(level > 0, np.clip(level, 1e-3, 1) ** -0.5, 1.0).clip(1.0, QUIET_WEIGHT)
        energy = power.sum((1, 2, 3))[:, None] + 1e-8
        off = [
            [float((np.abs(r * x - s) ** 2).sum()) for r, s in zip(rs, some, strict=True)]
            for x, rs, some in zip(mixes, ideal, stems, strict=True)
        ]
        floor = np.where(level > 0, FLOOR * level**2, ABSENT_FLOOR)
        planes = (mix, bin_weights(mix, power), ideal, asked, _there(mix, stem), np.array(off) / energy, floor)
        return cls(*(torch.from_numpy(plane.astype(np.float32, copy=False)) for plane in planes))


def ideal_mask(mix: Spectrum, stem: Spectrum, power: Floats) -> Floats:
    """The real gain in 0..1 that brings a mix nearest to a stem, bin by bin."""
    found: Floats = ((mix.real * stem.real + mix.imag * stem.imag) / (power + 1e-7)).clip(0, 1)
    return found


def bin_weights(mix: Floats, power: Floats) -> Floats:
    """How much every bin counts, (B, 2, T, F); 1 in the mean over a mix."""
    loud = np.minimum(power / (power.mean((1, 2, 3), keepdims=True) + 1e-8), LOUDEST)
    soft = np.sqrt(mix)
    both = LOUD_SHARE * loud / (loud.mean((1, 2, 3), keepdims=True) + 1e-8)
    both += (1 - LOUD_SHARE) * soft / (soft.mean((1, 2, 3), keepdims=True) + 1e-8)
    weights: Floats = both
    return weights


def _there(mix: Floats, stem: Floats) -> Floats:
    def blocks(magnitudes: Floats) -> Floats:
        power: Floats = (magnitudes**2).mean((-3, -1))
        mean: Floats = power.reshape(*power.shape[:-1], -1, PRESENCE_FRAMES).mean(-1)
        return mean

    loudest = blocks(mix).max(-1)[:, None, None]
    return (blocks(stem) > loudest * 10 ** (THERE_DB / 10)).astype(np.float32)


def separation_loss(logits: Tensor, planes: Planes) -> Tensor:
    """Weighted cross-entropy of every question, (B, K); logits are of masks (B, K, 2, T, F)."""
    bits = F.binary_cross_entropy_with_logits(logits, planes.ideal, reduction="none")
    found: Tensor = (bits * planes.weight[:, None]).mean((2, 3, 4)) * planes.asked
    return found


def decibel_loss(logits: Tensor, planes: Planes) -> Tensor:
    """Natural logarithm of the error's energy against the floor of every question, (B, K); logits as above.

    The error is that of the mask on the mix; bins whose ideal gain lies outside 0..1 count as if it were at the limit.
    """
    power = planes.mix.square()
    energy = power.sum((1, 2, 3))[:, None] + 1e-8
    error = ((logits.sigmoid() - planes.ideal).square() * power[:, None]).sum((2, 3, 4)) / energy + planes.missed
    return torch.log1p(error / planes.floor)


def presence_loss(presence: Tensor, planes: Planes) -> Tensor:
    """Cross-entropy of presence logits (B, K, T / 32)."""
    return F.binary_cross_entropy_with_logits(presence, planes.there)


def total_loss(logits: Tensor, presence: Tensor, planes: Planes) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean loss of a batch, and its parts.

    Args:
        logits: (B, K, 2, T, F).
        presence: logits (B, K, T / 32).
    """
    parts = {
        "stem": separation_loss(logits, planes).mean(),
        "decibels": decibel_loss(logits, planes).mean(),
        "presence": presence_loss(presence, planes),
    }
    whole = parts["stem"] + DECIBEL_WEIGHT * parts["decibels"] + PRESENCE_WEIGHT * parts["presence"]
    return whole, parts
