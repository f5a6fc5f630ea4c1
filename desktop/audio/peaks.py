"""Waveform peaks at every zoom: minimum, maximum and mean power of ever longer runs of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.audio.sounds import SoundSamples
from desktop.audio.zoom_levels import FACTOR, ZoomLevels

FloatArray = npt.NDArray[np.float32]

BASE_SAMPLES = 64  # of the finest level; finer than that, samples themselves are drawn
ROUNDING = 1e-6  # of a bin: an edge on a border stays on its side, wherever a view was scrolled from


@dataclass(frozen=True, slots=True, eq=False)
class Peaks(ZoomLevels[np.float32]):
    """Levels of (3, bins) float32: minimum, maximum, mean power over all channels."""

    ROWS = 3
    ENTRY_SAMPLES = BASE_SAMPLES
    SHORTEST = 512

    def columns(self, start: float, samples_per_pixel: float, width: int) -> FloatArray:
        """One column per pixel.

        Args:
            start: sample at the left edge; may be negative.
            samples_per_pixel: at least ``BASE_SAMPLES`` for a true picture.
            width: pixels.

        Returns:
            float32 (3, width); zeros where there is no sound.
        """
        bin_samples, level = self.level_for(samples_per_pixel)
        edges = (start + samples_per_pixel * np.arange(width + 1)) / bin_samples
        return gathered(level, edges)

    def power(self, start: float, samples_per_pixel: float, width: int) -> FloatArray:
        """The mean power only, float32 (width,); otherwise as ``columns``."""
        bin_samples, level = self.level_for(samples_per_pixel)
        begin, end, inside = spans((start + samples_per_pixel * np.arange(width + 1)) / bin_samples, level.shape[1])
        pairs = np.stack([begin, end], axis=1).ravel() - begin[0]
        values = np.append(level[2, begin[0] : end[-1]], np.float32(0))
        mean = np.add.reduceat(values, pairs)[::2] / (end - begin)
        return np.where(inside, mean, 0.0).astype(np.float32)


class PeakBuilder:
    """Builds peaks from blocks of any size."""

    def __init__(self) -> None:
        self._bins: list[FloatArray] = []
        self._left_NC: FloatArray | None = None

    def add(self, block_NC: FloatArray) -> None:
        """Add samples, float32 (samples, channels)."""
        if self._left_NC is not None and len(self._left_NC):
            block_NC = np.concatenate([self._left_NC, block_NC])
        whole = len(block_NC) // BASE_SAMPLES * BASE_SAMPLES
        if whole:
            self._bins.append(_bins(block_NC[:whole]))
        self._left_NC = block_NC[whole:].copy()

    def so_far(self) -> FloatArray:
        """The finest level as far as it is there, (3, bins)."""
        self._bins = [np.concatenate(self._bins, axis=1)] if self._bins else []
        return self._bins[0] if self._bins else np.zeros((3, 0), np.float32)

    def finish(self) -> Peaks:
        """Finish: all zoom levels."""
        if self._left_NC is not None and len(self._left_NC):
            missing = BASE_SAMPLES - len(self._left_NC)
            self._bins.append(_bins(np.pad(self._left_NC, ((0, missing), (0, 0)), mode="edge")))
        return peaks_of_bins(np.concatenate(self._bins, axis=1) if self._bins else np.zeros((3, 1), np.float32))


def peaks_of_bins(bins: FloatArray) -> Peaks:
    """All zoom levels of the finest one, (3, bins)."""
    levels = [bins]
    while levels[-1].shape[1] > Peaks.SHORTEST:
        levels.append(_coarser(levels[-1]))
    return Peaks(tuple(levels))


def raw_columns(samples_NC: SoundSamples, start: float, samples_per_pixel: float, width: int) -> FloatArray:
    """Columns from samples themselves, for views finer than the finest level; shapes as ``Peaks.columns``."""
    edges = start + samples_per_pixel * np.arange(width + 1)
    begin, end, inside = spans(edges, len(samples_NC))
    channels = samples_NC.shape[1]
    flat = np.asarray(samples_NC[begin[0] : end[-1]]).ravel()
    columns = _reduced((flat, flat, np.square(flat)), (begin - begin[0]) * channels, (end - begin[0]) * channels)
    columns[:, ~inside] = 0.0
    return columns


def gathered(level: FloatArray, edges: npt.NDArray[np.floating[Any]]) -> FloatArray:
    """Lowest, highest, mean of the bins between neighbouring edges; zeros outside the level."""
    begin, end, inside = spans(edges, level.shape[1])
    low, high, power = np.asarray(level[:, begin[0] : end[-1]])
    columns = _reduced((low, high, power), begin - begin[0], end - begin[0])
    columns[:, ~inside] = 0.0
    return columns


def spans(
    edges: npt.NDArray[np.floating[Any]], limit: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Which of ``limit`` entries lie between neighbouring edges, at least one each.

    Returns:
        First entry, past the last, and True where the edges touch any at all.
    """
    first = np.floor(edges[:-1] + ROUNDING).astype(np.int64)
    last = np.maximum(np.ceil(edges[1:] - ROUNDING).astype(np.int64), first + 1)
    begin = np.minimum(np.maximum(first, 0), limit - 1)
    return begin, np.maximum(np.minimum(last, limit), begin + 1), (first < limit) & (last > 0)


def _reduced(
    values: tuple[FloatArray, FloatArray, FloatArray], begin: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
) -> FloatArray:
    """The lowest of the first, the highest of the second, the mean of the third values, span by span."""
    pairs = np.stack([begin, end], axis=1).ravel()
    low, high, power = (np.append(one, one[-1:]) for one in values)  # reduceat wants every index inside
    columns = np.empty((3, len(begin)), np.float32)
    columns[0] = np.minimum.reduceat(low, pairs)[::2]
    columns[1] = np.maximum.reduceat(high, pairs)[::2]
    columns[2] = np.add.reduceat(power, pairs)[::2] / (end - begin)
    return columns


def _bins(block_NC: FloatArray) -> FloatArray:
    runs = block_NC.reshape(-1, BASE_SAMPLES * block_NC.shape[1])
    power = np.einsum("br,br->b", runs, runs) / runs.shape[1]
    return np.stack([runs.min(axis=1), runs.max(axis=1), power]).astype(np.float32)


def _coarser(level: FloatArray) -> FloatArray:
    missing = -level.shape[1] % FACTOR
    low, high, power = np.pad(level, ((0, 0), (0, missing)), mode="edge").reshape(3, -1, FACTOR)
    # Neighbours one after the other: reducing a short last axis takes several times as long, and the window waits.
    found = low[:, 0].copy(), high[:, 0].copy(), power[:, 0].copy()
    for k in range(1, FACTOR):
        np.minimum(found[0], low[:, k], out=found[0])
        np.maximum(found[1], high[:, k], out=found[1])
        np.add(found[2], power[:, k], out=found[2])
    return np.stack([found[0], found[1], found[2] / np.float32(FACTOR)])
