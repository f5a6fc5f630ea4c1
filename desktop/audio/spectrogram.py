"""A compact spectrogram of a whole song at every zoom: log-frequency bands, one byte per level."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.audio.read import Check, keep_going
from desktop.audio.sounds import SoundSamples
from desktop.audio.zoom_levels import FACTOR, ZoomLevels

WINDOW_SAMPLES = 2048
HOP_SAMPLES = 1024
BANDS = 128
LOWEST_HZ = 40.0
FLOOR_DB, CEILING_DB = -90.0, -20.0  # of a band, against full scale; a byte spans the two
CHUNK_COLUMNS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Spectrogram(ZoomLevels[np.uint8]):
    """Levels of uint8 (BANDS, columns), lowest band first."""

    ROWS = BANDS
    ENTRY_SAMPLES = HOP_SAMPLES
    SHORTEST = 512


def with_zooms(spectrum_BT: npt.NDArray[np.uint8]) -> Spectrogram:
    """All zoom levels of a spectrogram; a coarser column is the maximum of four finer ones."""
    levels = [spectrum_BT]
    while (columns := levels[-1].shape[1]) > Spectrogram.SHORTEST:
        filled_BT = np.pad(levels[-1], ((0, 0), (0, -columns % FACTOR)), mode="edge")
        levels.append(filled_BT.reshape(BANDS, -1, FACTOR).max(axis=2))
    return Spectrogram(tuple(levels))


def make_spectrogram(samples_NC: SoundSamples, rate_hz: int, check: Check = keep_going) -> npt.NDArray[np.uint8]:
    """Levels by band and time, all channels together.

    Args:
        samples_NC: float32 (samples, channels).
        rate_hz: of the samples.
        check: called between chunks; raises to cancel.

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
    """Edges of the bands, BANDS + 1 frequencies in Hz."""
    return np.geomspace(LOWEST_HZ, rate_hz / 2, BANDS + 1)


def _bands(rate_hz: int) -> npt.NDArray[np.float32]:
    """Weights of FFT bins per band, (BANDS, bins); a band narrower than a bin interpolates its neighbours."""
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


def _mono(samples_NC: SoundSamples, start: int, length: int) -> npt.NDArray[np.float32]:
    first, last = max(start, 0), min(max(start + length, 0), len(samples_NC))
    mono_N = np.zeros(length, np.float32)
    if last > first:
        mono_N[first - start : last - start] = samples_NC[first:last].mean(axis=1)
    return mono_N
