"""Filter the user's own mix by how much of every time-frequency bin the model gives to the stem.

The model's two estimates only say *where* the stem is; phase, stereo image and everything above the model's bandwidth
come from the mix itself. Knows nothing of graphs, files or sample formats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

WINDOW_S = 0.0929  # 4096 samples at 44.1 kHz
OVERLAP = 4  # hops per window
SILENT = 1e-8  # magnitude of a bin, full scale 1, below which an estimate says nothing
BAND_TOP, BAND_BOTTOM = 0.94, 0.85  # of the model's bandwidth: above the first it is deaf, between them it is asked


@dataclass(frozen=True, slots=True)
class MaskRule:
    """How estimates become a gain.

    Attributes:
        power: of the magnitudes in the ratio.
        floor: lowest gain, 0 for none.
        bias: the stem's estimate is taken this many times louder: a model that is not sure guesses it too quiet.
    """

    power: float
    floor: float = 0.0
    bias: float = 1.0

    @classmethod
    def of_manifest(cls, mask: dict[str, float]) -> MaskRule:
        """The rule a bundle states: ``power``, and ``floor_db`` and ``bias_db`` when there are any."""
        floor_db = mask.get("floor_db")
        floor = 0.0 if floor_db is None else 10 ** (float(floor_db) / 20)
        return cls(float(mask.get("power", 1.0)), floor, 10 ** (float(mask.get("bias_db", 0.0)) / 20))


def window_samples(rate_hz: int) -> int:
    """Length of the analysis window: the power of two nearest to ``WINDOW_S``."""
    return int(2 ** round(math.log2(WINDOW_S * rate_hz)))


class MaskFilter:
    """Take the stem out of a stream.

    Windowed overlap-add whose windows sum to one: a mask of ones gives the mix back.

    Args:
        rate_hz: of the mix and of the estimates.
        model_rate_hz: the estimates hold nothing above half of it.
        channels: of the mix.
        rule: how estimates become a gain.
    """

    def __init__(self, rate_hz: int, model_rate_hz: int, channels: int, rule: MaskRule) -> None:
        self._n = window_samples(rate_hz)
        self._hop = self._n // OVERLAP
        self._channels = channels
        self._rule = rule
        hann_N = np.hanning(self._n + 1)[:-1].astype(np.float32)
        self._window_N = hann_N.astype(np.float64)
        self._joining_N = hann_N * np.float32(1 / (0.375 * OVERLAP))  # the mean of a squared Hann window is 3/8
        self._silent = SILENT * self._n / 2
        self._top, self._bottom = _bins(self._n, rate_hz, model_rate_hz)
        lead = self._n - self._hop  # silence before the clip, so that its first samples lie under every window too
        # float64 on the way in: NumPy's float32 transform takes twice as long.
        self._in_KN = np.zeros((channels + 2, lead))
        self._out_CN = np.zeros((channels, lead), np.float32)
        self._skip = lead

    def push(self, mix_CN: FloatArray, stem_N: FloatArray, rest_N: FloatArray) -> FloatArray:
        """Add samples and take what is finished.

        Args:
            mix_CN: float32 (channels, samples).
            stem_N: estimate of the stem, as many samples.
            rest_N: estimate of the rest, as many samples.

        Returns:
            float32 (channels, samples) of the stem, following what was handed back before.
        """
        block_KN = np.concatenate([mix_CN, stem_N[None], rest_N[None]], dtype=np.float64)
        self._in_KN = np.concatenate([self._in_KN, block_KN], axis=1)
        hops = max(0, (self._in_KN.shape[1] - self._n) // self._hop + 1)
        if hops == 0:
            return np.zeros((self._channels, 0), np.float32)
        frames_CLN = self._filtered(hops)
        self._in_KN = self._in_KN[:, hops * self._hop :]
        out_CN = self._overlap_add(frames_CLN)
        skipped = min(self._skip, out_CN.shape[1])
        self._skip -= skipped
        return out_CN[:, skipped:]

    def flush(self, samples: int) -> FloatArray:
        """The last samples.

        Args:
            samples: how many are still owed.

        Returns:
            float32 (channels, samples).
        """
        silence_N = np.zeros(self._n + self._hop, np.float32)
        return self.push(np.zeros((self._channels, len(silence_N)), np.float32), silence_N, silence_N)[:, :samples]

    def _filtered(self, hops: int) -> FloatArray:
        needed = (hops - 1) * self._hop + self._n
        views = np.lib.stride_tricks.sliding_window_view(self._in_KN[:, :needed], self._n, axis=1)
        spectra_KLF = np.fft.rfft(views[:, :: self._hop] * self._window_N, axis=-1).astype(np.complex64)
        gain_LF = self.gain(np.abs(spectra_KLF[-2]), np.abs(spectra_KLF[-1]))
        frames_CLN = np.fft.irfft(spectra_KLF[:-2] * gain_LF, n=self._n, axis=-1).astype(np.float32, copy=False)
        frames_CLN *= self._joining_N
        return frames_CLN

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

    def _overlap_add(self, frames_CLN: FloatArray) -> FloatArray:
        channels, hops, _ = frames_CLN.shape
        sum_CKN = np.zeros((channels, hops + OVERLAP - 1, self._hop), np.float32)
        sum_CKN[:, : OVERLAP - 1] = self._out_CN.reshape(channels, OVERLAP - 1, self._hop)
        for part in range(OVERLAP):
            sum_CKN[:, part : part + hops] += frames_CLN[:, :, part * self._hop : (part + 1) * self._hop]
        self._out_CN = sum_CKN[:, hops:].reshape(channels, -1).copy()
        return sum_CKN[:, :hops].reshape(channels, -1)


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
    """How likely the stem is there at all.

    Args:
        level_db: energy of the stem against the mix.
        curve: ``midpoint_db`` and ``slope_db`` of the bundle.

    Returns:
        0 (not there) to 1 (there).
    """
    x = (level_db - curve.get("midpoint_db", -25.0)) / max(curve.get("slope_db", 3.0), 1e-6)
    return 1 / (1 + math.exp(-min(max(x, -60.0), 60.0)))
