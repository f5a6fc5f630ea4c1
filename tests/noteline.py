"""Sounds whose notes are known: plucked tones with a few partials, and strokes of noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

RATE_HZ = 22_050
LINE = ((0.5, 60), (1.0, 64), (1.5, 67), (2.0, 72), (2.5, 67))  # seconds and MIDI numbers


def tone(pitch: float, seconds: float, loudness: float = 0.3, bend: float = 0.0) -> npt.NDArray[np.float64]:
    """A tone that dies away; ``bend`` semitones up over its length."""
    at_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    hertz = 440.0 * 2 ** ((pitch - 69 + bend * at_s / seconds) / 12)
    phase = 2 * np.pi * np.cumsum(hertz) / RATE_HZ
    sound = sum(np.sin(partial * phase) / partial**1.5 for partial in range(1, 8))
    ramp = np.minimum(np.minimum(at_s / 0.005, (seconds - at_s) / 0.02), 1.0)
    return np.asarray(loudness * sound * np.exp(-1.5 * at_s) * np.maximum(ramp, 0.0))


def line(
    notes: Sequence[tuple[float, float]] = LINE, seconds: float = 3.5, length_s: float = 0.4, bend: float = 0.0
) -> npt.NDArray[np.float32]:
    """One tone for each note, float32 (1, samples) at ``RATE_HZ``."""
    out_N = np.zeros(round(seconds * RATE_HZ))
    for start_s, pitch in notes:
        sound_N, first = tone(pitch, length_s, bend=bend), round(start_s * RATE_HZ)
        out_N[first : first + len(sound_N)] += sound_N
    return out_N[None].astype(np.float32)


def write_line(path: Path, **asked: float) -> Path:
    """The same as a file."""
    soundfile.write(path, line(**asked)[0], RATE_HZ, subtype="FLOAT")
    return path
