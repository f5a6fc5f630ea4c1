"""Soft masks: filter the user's own mix by the stem's share of each time-frequency bin in the flow's estimates.

The estimates only say *where* the stem is; phase, stereo image and everything above the model's bandwidth come from the
mix itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.audio.stft import ComplexArray, SpectralFilter, window_samples
from engine.mask_pooling import tilt_mask

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

SILENT = 1e-8  # magnitude of a bin, full scale 1, below which an estimate says nothing
BAND_TOP, BAND_BOTTOM = 0.94, 0.85  # of the model's bandwidth: above the first it is deaf, between them it is asked
SENSITIVITY_DB = 18.0  # what a stem's odds gain or lose at either end of the sensitivity


@dataclass(frozen=True, slots=True)
class MaskRule:
    """How magnitudes of the estimates become a gain.

    Attributes:
        power: exponent of the magnitudes in the ratio.
        floor: lowest gain; 0 for none.
        bias: factor on the stem's estimate, because an unsure model estimates it too quiet.
    """

    power: float
    floor: float = 0.0
    bias: float = 1.0

    @classmethod
    def of_manifest(cls, mask: dict[str, float]) -> MaskRule:
        """From the ``mask`` table of a manifest: ``power``, optionally ``floor_db`` and ``bias_db``."""
        floor_db = mask.get("floor_db")
        floor = 0.0 if floor_db is None else 10 ** (float(floor_db) / 20)
        return cls(float(mask.get("power", 1.0)), floor, 10 ** (float(mask.get("bias_db", 0.0)) / 20))


def odds_gain(sensitivity: float) -> float:
    """Factor on the stem's odds in every bin for a sensitivity: 1 at 0.5, less below."""
    return float(10 ** ((2 * sensitivity - 1) * SENSITIVITY_DB / 20))


def share_masks(gain_S: FloatArray) -> FloatArray:
    """Scale the masks of several stems of one mix so that nothing is counted twice.

    In a bin where they add up to more than 1, each gets its share of 1; elsewhere they stay as they are, and what is
    missing to 1 is left for the remainder.

    Args:
        gain_S: float32 (stems, ...), 0 to 1.
    """
    if len(gain_S) == 1:
        return gain_S
    shared_S: FloatArray = gain_S / np.maximum(gain_S.sum(axis=0), np.float32(1))
    return shared_S


class SoftMaskFilter:
    """Extract one stem from a stream, or several that share it.

    Args:
        rate_hz: of the mix and of the estimates.
        model_rate_hz: the estimates hold nothing above half of it.
        rule: how estimates become a gain.
        odds: factor on the stem's odds, see ``odds_gain``.
        stems: how many are extracted.
    """

    def __init__(
        self, rate_hz: int, model_rate_hz: int, channels: int, rule: MaskRule, odds: float = 1.0, stems: int = 1
    ) -> None:
        n = window_samples(rate_hz)
        self._filter = SpectralFilter(n, channels, others=2 * stems, stems=stems)
        self._rule, self._odds, self._stems = rule, odds, stems
        self._silent = SILENT * n / 2
        self._top, self._bottom = _bins(n, rate_hz, model_rate_hz)

    def push(self, mix_CN: FloatArray, stem_N: FloatArray, rest_N: FloatArray) -> FloatArray:
        """Push samples; returns the finished ones.

        Args:
            mix_CN: float32 (channels, samples).
            stem_N: estimate of the stem, as many samples; (stems, samples) where there are several.
            rest_N: estimate of the rest of each, same shape.

        Returns:
            float32 (stems x channels, samples), following those returned before.
        """
        block_KN = np.concatenate([mix_CN, np.atleast_2d(stem_N), np.atleast_2d(rest_N)], dtype=np.float64)
        return self._filter.push(block_KN, self._gain_of)

    def flush(self, samples: int) -> FloatArray:
        """Return the last samples.

        Args:
            samples: how many are still missing.

        Returns:
            float32 (stems x channels, samples).
        """
        return self._filter.flush(samples, self._gain_of)

    def _gain_of(self, spectra_KLF: ComplexArray) -> FloatArray:
        stems_SLF, rests_SLF = np.split(np.abs(spectra_KLF[-2 * self._stems :]), 2)
        gains = [self.gain(stem_LF, rest_LF) for stem_LF, rest_LF in zip(stems_SLF, rests_SLF, strict=True)]
        return share_masks(tilt_mask(np.stack(gains), self._odds))[:, None]

    def gain(self, stem_LF: FloatArray, rest_LF: FloatArray) -> FloatArray:
        """The mask: ``|S|^p / (|S|^p + |U|^p)``, 0 where both are silent.

        Args:
            stem_LF: magnitudes of the stem's estimate, (frames, bins).
            rest_LF: magnitudes of the rest's estimate, same shape.

        Returns:
            float32 (frames, bins), 0 to 1. Above the model's bandwidth a frame has one value: the mean just below.
        """
        heard_LF = _above(np.maximum(stem_LF, rest_LF), self._silent)
        if self._rule.bias != 1:
            stem_LF = stem_LF * np.float32(self._rule.bias)
        if self._rule.power != 1:
            stem_LF, rest_LF = stem_LF**self._rule.power, rest_LF**self._rule.power
        both_LF = stem_LF + rest_LF
        gain_LF = _ratio(stem_LF, both_LF, heard_LF)
        if self._top < gain_LF.shape[1]:
            band = slice(self._bottom, self._top)
            heard_L1: BoolArray = np.asarray(heard_LF[:, band].any(axis=1, keepdims=True))
            stem_L1, both_L1 = (part_LF[:, band].sum(axis=1, keepdims=True) for part_LF in (stem_LF, both_LF))
            gain_LF[:, self._top :] = _ratio(stem_L1, both_L1, heard_L1)
            heard_LF[:, self._top :] = heard_L1
        if self._rule.floor:
            gain_LF = np.where(heard_LF, np.maximum(gain_LF, np.float32(self._rule.floor)), np.float32(0))
        return gain_LF


def _above(values: FloatArray, limit: float) -> BoolArray:
    above: BoolArray = np.asarray(np.greater(values, limit))
    return above


def _ratio(part: FloatArray, whole: FloatArray, heard: BoolArray) -> FloatArray:
    ratio = np.where(heard, part / np.maximum(whole, np.float32(1e-30)), np.float32(0))
    return ratio.astype(np.float32, copy=False)


def _bins(n: int, rate_hz: int, model_rate_hz: int) -> tuple[int, int]:
    count = n // 2 + 1
    if model_rate_hz >= rate_hz:
        return count, count
    bin_hz = rate_hz / n
    top = min(count, math.ceil(BAND_TOP * model_rate_hz / 2 / bin_hz))
    bottom = min(math.floor(BAND_BOTTOM * model_rate_hz / 2 / bin_hz), top - 1)
    return top, max(bottom, 0)


def presence(level_db: float, curve: dict[str, float]) -> float:
    """Estimate from its level how likely the stem is there at all.

    Args:
        level_db: energy of the stem against the mix.
        curve: ``midpoint_db`` and ``slope_db`` of the bundle.

    Returns:
        0 (not there) to 1 (there).
    """
    x = (level_db - curve.get("midpoint_db", -25.0)) / max(curve.get("slope_db", 3.0), 1e-6)
    return 1 / (1 + math.exp(-min(max(x, -60.0), 60.0)))
