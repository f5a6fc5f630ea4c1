"""Sounds that are filtered while they are read: the sensitivity of a stem, and what a brush moves between lanes.

Both work on short spectra whose frames stand at multiples of the hop, so a sample comes out the same wherever reading
begins. A stem and the sound it was taken out of hold its soft mask: their ratio in every bin. Sensitivity multiplies
the odds of that mask, as ``sensitivity`` of the engine does before the stem is written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.audio.sounds import ComputedSamples, FloatArray, PlacedSound

WINDOW_S = 0.0929  # as the engine's filter: 4096 samples at 44.1 kHz
OVERLAP = 4
SENSITIVITY_DB = 18.0  # what the odds gain or lose at either end
SILENT = 1e-9  # magnitude of a bin, full scale 1, below which a mask says nothing

ComplexArray = npt.NDArray[np.complexfloating[Any, Any]]
Spectra = Callable[[ComplexArray, int], ComplexArray]  # (signals, frames, bins) and the first frame -> what comes out


@dataclass(frozen=True, slots=True)
class BrushShape:
    """Where a brush works, and how strongly.

    Attributes:
        first, last: samples of the timeline, past the last.
        low_hz, high_hz: of the band.
        share: 0 to 1.
        points: of a stroke, sample and Hz one after the other; empty for a rectangle.
        radius: of a stroke, in samples and in octaves.
    """

    first: int
    last: int
    low_hz: float
    high_hz: float
    share: float
    points: tuple[tuple[float, float], ...] = ()
    radius: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class BrushMove:
    """One stroke: numbers of the signals that lose and gain what lies under it."""

    shape: BrushShape
    source: int
    target: int


def window_samples(rate_hz: int) -> int:
    """Length of the window: the power of two nearest to ``WINDOW_S``."""
    return int(2 ** round(math.log2(WINDOW_S * rate_hz)))


def odds_of(sensitivity: float) -> float:
    """Factor on the odds of the stem in every bin; 1 at 0.5."""
    return float(10 ** ((2 * sensitivity - 1) * SENSITIVITY_DB / 20))


def tilted(stem: PlacedSound, whole: PlacedSound, sensitivity: float, rate_hz: int) -> PlacedSound:
    """A stem with more or less of what is in doubt.

    Args:
        stem: as the model made it.
        whole: what it was taken out of.
        sensitivity: 0 for the cleanest stem, 1 for the fullest, 0.5 for the stem itself.
        rate_hz: of both.
    """
    length, channels = len(stem.samples_NC), stem.samples_NC.shape[1]
    n, odds = window_samples(rate_hz), odds_of(sensitivity)
    silent = SILENT * n / 4

    def spectra(both_KLF: ComplexArray, first_frame: int) -> ComplexArray:
        stem_CLF, whole_CLF = both_KLF[:channels], np.abs(both_KLF[channels:])
        mask_CLF = np.clip(np.abs(stem_CLF) / np.maximum(whole_CLF, silent), 0.0, 1.0)
        return stem_CLF * (odds / (odds * mask_CLF + 1.0 - mask_CLF))

    def read(first: int, last: int) -> FloatArray:
        first, last = first + stem.start, last + stem.start
        return np.concatenate([stem.read(first, last, channels), whole.read(first, last, channels)], axis=1)

    def compute(first: int, last: int) -> FloatArray:
        return _filtered(first, last, n, read, spectra)

    return PlacedSound(ComputedSamples(length, channels, compute), stem.start)


def under_brush(sound: PlacedSound, shape: BrushShape, rate_hz: int) -> PlacedSound:
    """What of a sound lies under a brush; silence elsewhere."""
    length, channels = len(sound.samples_NC), sound.samples_NC.shape[1]
    n = window_samples(rate_hz)

    def spectra(signal_CLF: ComplexArray, first_frame: int) -> ComplexArray:
        mask_LF = shape_mask(shape, first_frame, signal_CLF.shape[1], signal_CLF.shape[2], n, rate_hz)
        return np.zeros_like(signal_CLF) if mask_LF is None else signal_CLF * mask_LF

    def compute(first: int, last: int) -> FloatArray:
        first, last = first + sound.start, last + sound.start
        if last <= shape.first - n or first >= shape.last + n:
            return np.zeros((last - first, channels), np.float32)
        return _filtered(first, last, n, lambda low, high: sound.read(low, high, channels), spectra)

    return PlacedSound(ComputedSamples(length, channels, compute, kept=True), sound.start)


class BrushedSounds:
    """What a brush adds to each of several sounds, or takes from it; the sum of all is silence.

    Args:
        sounds: before the brush.
        moves: the strokes, the oldest first: what one has moved, the next may move on.
        rate_hz: of all.
    """

    def __init__(self, sounds: Sequence[PlacedSound], moves: Sequence[BrushMove], rate_hz: int, channels: int) -> None:
        self._sounds, self._moves, self._rate_hz, self._channels = sounds, moves, rate_hz, channels
        self._n = window_samples(rate_hz)
        margin = self._n
        self.first = max(min(move.shape.first for move in moves) - margin, 0)
        self.last = max(move.shape.last for move in moves) + margin
        self._all = ComputedSamples(self.last - self.first, channels * len(sounds), self._compute, kept=True)

    def change(self, number: int) -> PlacedSound:
        """What is added to one of the sounds."""
        part = slice(number * self._channels, (number + 1) * self._channels)
        samples = ComputedSamples(len(self._all), self._channels, lambda a, b: self._all[a:b][:, part])
        return PlacedSound(samples, self.first)

    def _compute(self, first: int, last: int) -> FloatArray:
        first, last, channels = first + self.first, last + self.first, self._channels
        hit = [move.shape.first - self._n < last and first < move.shape.last + self._n for move in self._moves]
        if not any(hit):
            return np.zeros((last - first, channels * len(self._sounds)), np.float32)

        def read(low: int, high: int) -> FloatArray:
            return np.concatenate([sound.read(low, high, channels) for sound in self._sounds], axis=1)

        return _filtered(first, last, self._n, read, self._moved)

    def _moved(self, spectra_KLF: ComplexArray, first_frame: int) -> ComplexArray:
        now, change = spectra_KLF.copy(), np.zeros_like(spectra_KLF)
        frames, bins = spectra_KLF.shape[1:]
        for move in self._moves:
            mask_LF = shape_mask(move.shape, first_frame, frames, bins, self._n, self._rate_hz)
            if mask_LF is None:
                continue
            source, target = (
                slice(one * self._channels, (one + 1) * self._channels) for one in (move.source, move.target)
            )
            moved = now[source] * mask_LF
            for spectra in (now, change):
                spectra[source] -= moved
                spectra[target] += moved
        return change


def shape_mask(
    shape: BrushShape, first_frame: int, frames: int, bins: int, n: int, rate_hz: int
) -> npt.NDArray[np.float64] | None:
    """Share of each bin under a brush, (frames, bins); None where no frame is under it."""
    hop, bin_hz = n // OVERLAP, rate_hz / n
    centre_L1 = ((first_frame + np.arange(frames)) * hop + n / 2)[:, None]
    time_L1 = np.clip((centre_L1 - shape.first) / hop + 0.5, 0, 1) * np.clip((shape.last - centre_L1) / hop + 0.5, 0, 1)
    if not time_L1.any():
        return None
    hz_F = np.arange(bins) * bin_hz
    if not shape.points:
        band_F = np.clip((hz_F - shape.low_hz) / bin_hz + 0.5, 0, 1) * np.clip(
            (shape.high_hz - hz_F) / bin_hz + 0.5, 0, 1
        )
        rect_LF: npt.NDArray[np.float64] = shape.share * time_L1 * band_F
        return rect_LF
    octave_F = np.log2(np.maximum(hz_F, bin_hz / 2))
    wide, high = max(shape.radius[0], float(hop)), max(shape.radius[1], 1 / 24)
    nearest_LF = np.full((frames, bins), np.inf)
    for sample, hz in _dense(shape.points, wide, high):
        distance_LF = ((centre_L1 - sample) / wide) ** 2 + ((octave_F - math.log2(max(hz, 1.0))) / high) ** 2
        nearest_LF = np.minimum(nearest_LF, distance_LF)
    stroke_LF: npt.NDArray[np.float64] = shape.share * np.clip(2 * (1 - np.sqrt(nearest_LF)), 0, 1)
    return stroke_LF


def _dense(points: Sequence[tuple[float, float]], wide: float, high: float) -> list[tuple[float, float]]:
    """Points of a stroke, with more between those that are more than half a brush apart."""
    found = [points[0]]
    for (sample, hz), (next_sample, next_hz) in pairwise(points):
        apart = max(abs(next_sample - sample) / wide, abs(math.log2(max(next_hz, 1.0) / max(hz, 1.0))) / high)
        for share in np.linspace(0, 1, max(math.ceil(2 * apart), 1) + 1)[1:]:
            found.append((sample + share * (next_sample - sample), hz + share * (next_hz - hz)))
    return found


def _filtered(first: int, last: int, n: int, read: Callable[[int, int], FloatArray], spectra: Spectra) -> FloatArray:
    """Samples ``first`` to ``last`` of what ``spectra`` makes of the frames of what ``read`` gives."""
    hop = n // OVERLAP
    begin, end = (first - n) // hop + 1, (last - 1) // hop
    frames = end - begin + 1
    window_N = np.hanning(n + 1)[:-1]
    block_KN = np.ascontiguousarray(read(begin * hop, end * hop + n).T, np.float64)
    frames_KLN = np.lib.stride_tricks.sliding_window_view(block_KN, n, axis=1)[:, ::hop]
    done_KLF = spectra(np.fft.rfft(frames_KLN * window_N, axis=2), begin)
    done_KLN = np.fft.irfft(done_KLF, n, axis=2) * (window_N / (0.375 * OVERLAP))
    out_KN = np.zeros((done_KLN.shape[0], (frames - 1) * hop + n))
    for frame in range(frames):
        out_KN[:, frame * hop : frame * hop + n] += done_KLN[:, frame]
    return out_KN[:, first - begin * hop : last - begin * hop].T.astype(np.float32)
