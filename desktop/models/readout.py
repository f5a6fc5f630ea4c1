"""What lies under the pointer: time, frequency, note, level."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from desktop.audio.peaks import Peaks
from desktop.audio.spectrogram import BANDS, CEILING_DB, FLOOR_DB, LOWEST_HZ, Spectrogram

NOTES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
A4_HZ, A4_NUMBER = 440.0, 69


@dataclass(frozen=True, slots=True)
class Readout:
    """What is under the pointer.

    Attributes:
        seconds: on the timeline.
        hz: None over a waveform.
        level_db: of the band, or the peak of the waveform, against full scale; None for silence.
    """

    seconds: float
    hz: float | None
    level_db: float | None


def note_of(hz: float) -> tuple[str, int]:
    """The nearest note of the tempered scale, and how many cents the frequency is above it."""
    number = A4_NUMBER + 12 * math.log2(hz / A4_HZ)
    nearest = round(number)
    return f"{NOTES[nearest % 12]}{nearest // 12 - 1}", round(100 * (number - nearest))


def band_level_db(spectrum: Spectrogram, sample: int, hz: float, rate_hz: int) -> float | None:
    """Level of the band of a frequency at a sample of the sound; None where there is nothing."""
    hop_samples, level_BT = spectrum.level_for(0.0)
    column = sample // hop_samples
    band = int(BANDS * math.log2(hz / LOWEST_HZ) / math.log2(rate_hz / 2 / LOWEST_HZ))
    if not 0 <= column < level_BT.shape[1]:
        return None
    level = int(level_BT[min(max(band, 0), BANDS - 1), column])
    return FLOOR_DB + level / 255 * (CEILING_DB - FLOOR_DB) if level else None


def peak_level_db(peaks: Peaks, start: float, samples: float) -> float | None:
    """The peak of a run of samples, against full scale; None for silence."""
    low, high, _ = peaks.columns(start, max(samples, 1.0), 1)
    peak = float(max(np.max(high), -np.min(low)))
    return 20 * math.log10(peak) if peak > 1e-6 else None
