"""A spectrogram small enough to keep for a whole song, at every zoom: bands by pitch, levels in a byte.

Knows nothing of Qt or formats of sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.audio.peaks import level_lengths, mapped_levels
from desktop.audio.read import Check, keep_going

WINDOW_SAMPLES = 2048
HOP_SAMPLES = 1024
BANDS = 128
LOWEST_HZ = 40.0
FLOOR_DB, CEILING_DB = -90.0, -20.0  # of a band, against full scale; a byte spans the two
CHUNK_COLUMNS = 256
FACTOR = 4  # from one zoom level to the next
SHORTEST_COLUMNS = 512


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Levels of zoom, the finest first: uint8 (BANDS, columns), lowest band first.

    Attributes:
        levels: each a quarter as long as the one before.
    """

    levels: tuple[npt.NDArray[np.uint8], ...]

    def level_for(self, samples_per_pixel: float) -> tuple[int, npt.NDArray[np.uint8]]:
        """The coarsest level that still has a column for every pixel.

        Returns:
            Samples per column, and uint8 (BANDS, columns).
        """
        index = 0
        while index + 1 < len(self.levels) and HOP_SAMPLES * FACTOR ** (index + 1) <= samples_per_pixel:
            index += 1
        return HOP_SAMPLES * FACTOR**index, self.levels[index]

    def save(self, path: Path) -> None:
        """Write all levels side by side, so that one mapping of the file holds them."""
        with path.open("wb") as stream:
            np.save(stream, np.concatenate(self.levels, axis=1))

    @classmethod
    def load(cls, path: Path, samples: int) -> Spectrum:
        """Map what ``save`` wrote.

        Args:
            path: of the file.
            samples: per channel, of the sound.

        Raises:
            ValueError: the file is not whole.
        """
        lengths = level_lengths(samples, HOP_SAMPLES, FACTOR, SHORTEST_COLUMNS)
        return cls(tuple(mapped_levels(path, lengths, BANDS)))


def with_zooms(spectrum_BT: npt.NDArray[np.uint8]) -> Spectrum:
    """All levels of zoom of a spectrogram; a column of a coarser one is the loudest of its four."""
    levels = [spectrum_BT]
    while (columns := levels[-1].shape[1]) > SHORTEST_COLUMNS:
        filled_BT = np.pad(levels[-1], ((0, 0), (0, -columns % FACTOR)), mode="edge")
        levels.append(filled_BT.reshape(BANDS, -1, FACTOR).max(axis=2))
    return Spectrum(tuple(levels))


def make_spectrum(
    samples_NC: npt.NDArray[np.float32], rate_hz: int, check: Check = keep_going
) -> npt.NDArray[np.uint8]:
    """Levels by band and time, all channels together.

    Args:
        samples_NC: float32 (samples, channels).
        rate_hz: of the samples.
        check: asked between chunks.

    Returns:
        uint8 (BANDS, columns), lowest band first; a column every ``HOP_SAMPLES``.
    """
    columns = max(-(-len(samples_NC) // HOP_SAMPLES), 1)
    window_N = np.hanning(WINDOW_SAMPLES).astype(np.float32)
    scale = 2.0 / float(window_N.sum())
    weights_BF = _bands(rate_hz)
    spectrum_BT = np.zeros((BANDS, columns), np.uint8)
    for first in range(0, columns, CHUNK_COLUMNS):
        check()
        count = min(CHUNK_COLUMNS, columns - first)
        start = first * HOP_SAMPLES - WINDOW_SAMPLES // 2
        mono_N = _mono(samples_NC, start, (count - 1) * HOP_SAMPLES + WINDOW_SAMPLES)
        frames_TN = np.lib.stride_tricks.sliding_window_view(mono_N, WINDOW_SAMPLES)[::HOP_SAMPLES]
        power_TF = np.square(np.abs(np.fft.rfft(frames_TN * window_N, axis=1)) * scale)
        level_BT = 10 * np.log10(weights_BF @ power_TF.T + 1e-12)
        share_BT = (level_BT - FLOOR_DB) / (CEILING_DB - FLOOR_DB)
        spectrum_BT[:, first : first + count] = np.clip(share_BT * 255, 0, 255).astype(np.uint8)
    return spectrum_BT


def band_edges_hz(rate_hz: int) -> npt.NDArray[np.float64]:
    """Where the bands begin and end, BANDS + 1 frequencies."""
    return np.geomspace(LOWEST_HZ, rate_hz / 2, BANDS + 1)


def _bands(rate_hz: int) -> npt.NDArray[np.float32]:
    """Which FFT bins make a band, (BANDS, bins); a narrow band takes its share of the bins beside its centre."""
    edges = band_edges_hz(rate_hz) / rate_hz * WINDOW_SAMPLES
    bins = WINDOW_SAMPLES // 2 + 1
    weights: npt.NDArray[Any] = np.zeros((BANDS, bins), np.float32)
    for band, (low, high) in enumerate(pairwise(edges)):
        first, last = int(np.ceil(low)), int(np.ceil(high))
        if last > first:
            weights[band, first : min(last, bins)] = 1.0 / (last - first) ** 0.5
            continue
        centre = (low + high) / 2
        left = min(int(centre), bins - 2)
        weights[band, left], weights[band, left + 1] = 1 - (centre - left), centre - left
    return weights


def _mono(samples_NC: npt.NDArray[np.float32], start: int, length: int) -> npt.NDArray[np.float32]:
    first, last = max(start, 0), min(max(start + length, 0), len(samples_NC))
    mono_N = np.zeros(length, np.float32)
    if last > first:
        mono_N[first - start : last - start] = samples_NC[first:last].mean(axis=1)
    return mono_N
