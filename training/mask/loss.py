"""Losses of the mask decoder: cross-entropy against the ideal real mask, logarithm of the error energy, and presence.

The ideal mask of a stem S in a mix X is ``r = Re(X* S) / |X|^2`` clipped to 0..1, the real gain that brings X nearest
to S. Where the network is unsure, cross-entropy has its minimum at the mean of r, as a squared error has; but its
gradient by the logit is ``M - r``, which does not vanish where the mask has saturated at silence. Trained on distances
between spectra, the same network answered silence to everything and stayed there (training/LOG.md).

Cross-entropy alone gives the loudest bins too little weight: a sub bass 20 dB above a kick fills a few of 1024 bins,
but holds all of the energy that SI-SDR is measured by. So the logarithm of the error relative to the stem is added,
which rewards one decibel alike in every question, loud or quiet (compare Le Roux et al. 2019, arXiv 1811.02508).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from training.mask.low import LOW_BINS
from training.mask.network import PRESENCE_FRAMES

Spectrum = np.ndarray[Any, np.dtype[np.complex64]]
Floats = npt.NDArray[np.float32]
LOUD_SHARE = 0.65  # of a bin's weight is in proportion to its power, the rest to the root of its magnitude
MOST_POWER_WEIGHT = 500.0  # times the mean over the mix, at which the weight by power is capped
MOST_QUESTION_WEIGHT = 2.5  # of a question about a quiet stem
PRESENCE_WEIGHT = 0.1
DECIBEL_WEIGHT = 0.05
ERROR_FLOOR = 10**-2.5  # against the stem's energy: an error 25 dB below it is good enough
LOW_WEIGHT = 0.025
LOW_ERROR_FLOOR = 10**-3.5  # in the lowest bins, against the mix's energy there
ABSENT_ERROR_FLOOR = 10**-4.0  # against the mix's energy: an answer 40 dB below it counts as silence
PRESENT_DB = -32.0  # a stem is present in a block where it is louder than this against the mix's loudest block


@dataclass(frozen=True, slots=True)
class MaskBatch:
    """Input, targets and weights of one training step, float32.

    Attributes:
        mix: magnitudes of the mixes (B, 2, T, F).
        bin_weight: (B, 2, T, F), with a mean of 1 over each mix.
        ideal: the ideal mask of every question, (B, K, 2, T, F).
        question_weight: (B, K).
        present: 1 where the stem sounds, else 0, (B, K, T / 32).
        ideal_error: energy of the error of the ideal mask against the mix's, (B, K).
        floor: energy of an error that is good enough against the mix's, (B, K).
    """

    mix: Tensor
    bin_weight: Tensor
    ideal: Tensor
    question_weight: Tensor
    present: Tensor
    ideal_error: Tensor
    floor: Tensor

    @classmethod
    def from_spectra(cls, mixes: list[Spectrum], stems: list[list[Spectrum]]) -> MaskBatch:
        """From complex spectra (2, T, F).

        Args:
            mixes: B mixes.
            stems: for each mix the K stems that are asked for; zeros for what is absent.
        """
        mix = np.stack([np.abs(one) for one in mixes])
        power = mix**2
        ideal = np.stack([[ideal_mask(x, s, p) for s in some] for x, p, some in zip(mixes, power, stems, strict=True)])
        stem = np.stack([[np.abs(s) for s in some] for some in stems])
        level = np.sqrt((stem**2).mean((2, 3, 4))) / np.sqrt(power.mean((1, 2, 3)) + 1e-8)[:, None]
        question_weight = np.where(level > 0, np.clip(level, 1e-3, 1) ** -0.5, 1.0).clip(1.0, MOST_QUESTION_WEIGHT)
        energy = power.sum((1, 2, 3))[:, None] + 1e-8
        error = [
            [float((np.abs(r * x - s) ** 2).sum()) for r, s in zip(rs, some, strict=True)]
            for x, rs, some in zip(mixes, ideal, stems, strict=True)
        ]
        floor = np.where(level > 0, ERROR_FLOOR * level**2, ABSENT_ERROR_FLOOR)
        present = _present_blocks(mix, stem)
        arrays = (mix, bin_weights(mix, power), ideal, question_weight, present, np.array(error) / energy, floor)
        return cls(*(torch.from_numpy(array.astype(np.float32, copy=False)) for array in arrays))


def ideal_mask(mix: Spectrum, stem: Spectrum, power: Floats) -> Floats:
    """The real gain in 0..1 that brings a mix nearest to a stem, bin by bin.

    Args:
        mix, stem: complex64 (2, T, F).
        power: of the mix, the same shape.
    """
    found: Floats = ((mix.real * stem.real + mix.imag * stem.imag) / (power + 1e-7)).clip(0, 1)
    return found


def bin_weights(mix: Floats, power: Floats) -> Floats:
    """Weight of every bin in the cross-entropy, (B, 2, T, F), with a mean of 1 over each mix.

    Args:
        mix, power: magnitudes of the mixes and their squares, (B, 2, T, F).
    """
    loud = np.minimum(power / (power.mean((1, 2, 3), keepdims=True) + 1e-8), MOST_POWER_WEIGHT)
    soft = np.sqrt(mix)
    both = LOUD_SHARE * loud / (loud.mean((1, 2, 3), keepdims=True) + 1e-8)
    both += (1 - LOUD_SHARE) * soft / (soft.mean((1, 2, 3), keepdims=True) + 1e-8)
    weights: Floats = both
    return weights


def _present_blocks(mix: Floats, stem: Floats) -> Floats:
    """1 where a stem sounds, (B, K, T / 32), from magnitudes (B, 2, T, F) and (B, K, 2, T, F)."""

    def blocks(magnitudes: Floats) -> Floats:
        power: Floats = (magnitudes**2).mean((-3, -1))
        mean: Floats = power.reshape(*power.shape[:-1], -1, PRESENCE_FRAMES).mean(-1)
        return mean

    loudest = blocks(mix).max(-1)[:, None, None]
    return (blocks(stem) > loudest * 10 ** (PRESENT_DB / 10)).astype(np.float32)


def taught_masks(batch: MaskBatch, taught: Tensor, share: float) -> Tensor:
    """Targets of the cross-entropy when a teacher answers too: its masks and the ideal ones, mixed.

    A teacher's mask says how sure one can be of a bin, which the ideal mask of one mix does not (Hinton et al. 2015,
    arXiv 1503.02531). What is absent keeps its ideal mask of zeros: there a teacher could only teach its leaks.

    Args:
        taught: the teacher's mask logits (B, K, 2, T, F).
        share: of the teacher in the targets, 0 to 1.
    """
    shares = share * (batch.ideal.amax((2, 3, 4), keepdim=True) > 0)
    return torch.lerp(batch.ideal, taught.sigmoid(), shares)


def separation_loss(logits: Tensor, batch: MaskBatch, targets: Tensor | None = None) -> Tensor:
    """Weighted cross-entropy of every question, (B, K), from mask logits (B, K, 2, T, F).

    Args:
        targets: masks to come near to, (B, K, 2, T, F); None for the ideal ones.
    """
    targets = batch.ideal if targets is None else targets
    entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    found: Tensor = (entropy * batch.bin_weight[:, None]).mean((2, 3, 4)) * batch.question_weight
    return found


def decibel_loss(logits: Tensor, batch: MaskBatch) -> Tensor:
    """Natural logarithm of 1 + error energy / floor of every question, (B, K), from mask logits (B, K, 2, T, F).

    The error of the masked mix against the stem is its difference from the ideally masked mix plus the error of that;
    this is exact in all bins but those whose ideal gain was clipped to 0..1.
    """
    power = batch.mix.square()
    energy = power.sum((1, 2, 3))[:, None] + 1e-8
    error = ((logits.sigmoid() - batch.ideal).square() * power[:, None]).sum((2, 3, 4)) / energy + batch.ideal_error
    return torch.log1p(error / batch.floor)


def low_loss(logits: Tensor, batch: MaskBatch) -> Tensor:
    """Natural logarithm of 1 + error energy / floor in the lowest bins alone, (B, K), from mask logits (B, K, 2, T, F).

    A kick and a bass share these few of a thousand bins. The error is that of the masked mix against the ideally masked
    one; the floor grows with the mix there too, so that a stem without low notes is asked for silence in them.
    """
    power = batch.mix[..., :LOW_BINS].square()
    ideal = batch.ideal[..., :LOW_BINS]
    energy = power.sum((1, 2, 3))[:, None] + 1e-8
    error = ((logits[..., :LOW_BINS].sigmoid() - ideal).square() * power[:, None]).sum((2, 3, 4)) / energy
    stem = (ideal.square() * power[:, None]).sum((2, 3, 4)) / energy
    return torch.log1p(error / (ERROR_FLOOR * stem + LOW_ERROR_FLOOR))


def presence_loss(presence: Tensor, batch: MaskBatch) -> Tensor:
    """Cross-entropy of presence logits (B, K, T / 32)."""
    return F.binary_cross_entropy_with_logits(presence, batch.present)


def total_loss(
    logits: Tensor, presence: Tensor, batch: MaskBatch, targets: Tensor | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean loss of a batch, and its parts by name, unweighted.

    Args:
        logits: (B, K, 2, T, F).
        presence: logits (B, K, T / 32).
        targets: see ``separation_loss``; the logarithm of the error is always that against the true stem.
    """
    parts = {
        "stem": separation_loss(logits, batch, targets).mean(),
        "decibels": decibel_loss(logits, batch).mean(),
        "low": low_loss(logits, batch).mean(),
        "presence": presence_loss(presence, batch),
    }
    whole = parts["stem"] + DECIBEL_WEIGHT * parts["decibels"] + LOW_WEIGHT * parts["low"]
    return whole + PRESENCE_WEIGHT * parts["presence"], parts
