"""A waveform at every zoom: lowest, highest and mean power of ever longer runs of samples.

Knows nothing of Qt or files' formats.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

BASE_SAMPLES = 256  # of the finest level; finer than that, samples themselves are drawn
FACTOR = 4  # from one level to the next
SHORTEST_LEVEL = 512


@dataclass(frozen=True, slots=True)
class Peaks:
    """Levels of (3, bins) float32: lowest, highest, mean power; all channels together.

    Attributes:
        levels: the finest first.
    """

    levels: tuple[FloatArray, ...]

    def level_for(self, samples_per_pixel: float) -> tuple[int, FloatArray]:
        """The coarsest level that still has a bin for every pixel.

        Returns:
            Samples per bin, and float32 (3, bins).
        """
        index = 0
        while index + 1 < len(self.levels) and BASE_SAMPLES * FACTOR ** (index + 1) <= samples_per_pixel:
            index += 1
        return BASE_SAMPLES * FACTOR**index, self.levels[index]

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

    def save(self, path: Path) -> None:
        """Write all levels, one after the other."""
        with path.open("wb") as stream:
            np.save(stream, np.array([level.shape[1] for level in self.levels]))
            np.save(stream, np.concatenate(self.levels, axis=1))

    @classmethod
    def load(cls, path: Path) -> Peaks:
        """Read what ``save`` wrote."""
        with path.open("rb") as stream:
            lengths = np.load(stream)
            joined = np.load(stream)
        if joined.shape != (3, int(lengths.sum())):
            raise ValueError(f"{path} is not whole")
        return cls(tuple(np.split(joined, np.cumsum(lengths)[:-1], axis=1)))


class PeakBuilder:
    """Takes samples in any portions."""

    def __init__(self) -> None:
        self._bins: list[FloatArray] = []
        self._left_NC: FloatArray | None = None

    def add(self, block_NC: FloatArray) -> None:
        """More samples, float32 (samples, channels)."""
        if self._left_NC is not None and len(self._left_NC):
            block_NC = np.concatenate([self._left_NC, block_NC])
        whole = len(block_NC) // BASE_SAMPLES * BASE_SAMPLES
        if whole:
            self._bins.append(_bins(block_NC[:whole]))
        self._left_NC = block_NC[whole:].copy()

    def finish(self) -> Peaks:
        """All levels."""
        if self._left_NC is not None and len(self._left_NC):
            missing = BASE_SAMPLES - len(self._left_NC)
            self._bins.append(_bins(np.pad(self._left_NC, ((0, missing), (0, 0)), mode="edge")))
        levels = [np.concatenate(self._bins, axis=1) if self._bins else np.zeros((3, 1), np.float32)]
        while levels[-1].shape[1] > SHORTEST_LEVEL:
            levels.append(_coarser(levels[-1]))
        return Peaks(tuple(levels))


def raw_columns(samples_NC: FloatArray, start: float, samples_per_pixel: float, width: int) -> FloatArray:
    """Columns from samples themselves, for views finer than the finest level; shapes as ``Peaks.columns``."""
    first = max(int(np.floor(start)), 0)
    last = min(int(np.ceil(start + samples_per_pixel * width)) + 1, len(samples_NC))
    if last <= first:
        return np.zeros((3, width), np.float32)
    part_NC = np.asarray(samples_NC[first:last])
    level = np.stack([part_NC.min(axis=1), part_NC.max(axis=1), np.square(part_NC).mean(axis=1)])
    edges = start + samples_per_pixel * np.arange(width + 1) - first
    return gathered(level, edges)


def gathered(level: FloatArray, edges: npt.NDArray[np.floating[Any]]) -> FloatArray:
    """Lowest, highest, mean of the bins between neighbouring edges; zeros outside the level."""
    bins = level.shape[1]
    first = np.floor(edges[:-1]).astype(np.int64)
    last = np.maximum(np.ceil(edges[1:]).astype(np.int64), first + 1)
    inside = (first < bins) & (last > 0)
    first, last = np.clip(first, 0, bins - 1), np.clip(last, 1, bins)
    pairs = np.stack([first, np.maximum(last, first + 1)], axis=1).ravel()
    padded = np.concatenate([level, level[:, -1:]], axis=1)  # reduceat wants every index inside
    columns = np.stack(
        [
            np.minimum.reduceat(padded[0], pairs)[::2],
            np.maximum.reduceat(padded[1], pairs)[::2],
            np.add.reduceat(padded[2], pairs)[::2] / (pairs[1::2] - pairs[::2]),
        ]
    )
    columns[:, ~inside] = 0.0
    return columns.astype(np.float32, copy=False)


def _bins(block_NC: FloatArray) -> FloatArray:
    runs = block_NC.reshape(-1, BASE_SAMPLES * block_NC.shape[1])
    power = np.einsum("br,br->b", runs, runs) / runs.shape[1]
    return np.stack([runs.min(axis=1), runs.max(axis=1), power]).astype(np.float32)


def _coarser(level: FloatArray) -> FloatArray:
    missing = -level.shape[1] % FACTOR
    runs = np.pad(level, ((0, 0), (0, missing)), mode="edge").reshape(3, -1, FACTOR)
    return np.stack([runs[0].min(axis=1), runs[1].max(axis=1), runs[2].mean(axis=1)]).astype(np.float32)
