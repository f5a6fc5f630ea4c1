"""Calibration of confidences: tables that turn evidence into a probability, fitted on rendered music of known truth.

``tests/benchmarks/calibrate_notes.py`` fits and prints the tables, ``tests/benchmarks/notes.py`` measures how well they
hold on other pieces. Real recordings may be easier or harder than these, which are dense and use effects freely.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.notes.decode import FRAME_S, NEAR_FRAMES
from engine.notes.drum_features import DRUMS
from engine.notes.network import LOWEST_KEY, NoteActivations
from engine.notes.note import NoteEvent

Table = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceTables:
    """Calibration tables, each a pair (evidence, probability) to interpolate in; evidence is from 0 to 1.

    Attributes:
        note: from the network's onset activation at a note to the share of such notes that were played (precision).
        stem: from the mean of that over a stem to the F1 of its notes, where they cover all that sounds.
        strokes: by drum, from the network's probability of a stroke to the share of such strokes that were played.
        beats: from the evenness of the beats times the network's activation at them to AMLt, the share of beats that
            are right at the tempo or at half or twice of it.
        bars: from how far downbeats stand out to their F1.
        key: from how much better a key fits than the next best to the probability that it is right.
    """

    note: Table
    stem: Table
    strokes: Mapping[str, Table]
    beats: Table
    bars: Table
    key: Table


NOTE: Table = ((0.1, 0.3, 0.45, 0.6, 0.75, 0.85, 0.95), (0.02, 0.2, 0.33, 0.5, 0.72, 0.92, 0.97))
STEM: Table = ((0.4, 0.6, 0.7, 0.8, 0.9), (0.2, 0.5, 0.66, 0.8, 0.93))
# 2,915 strokes in 48 grooves on six kits that no model was trained on.
STROKES: dict[str, Table] = {
    "kick": ((0.0, 0.39, 0.48, 0.56, 0.64, 0.72, 0.8), (0.0, 0.51, 0.73, 0.98, 0.98, 0.99, 0.99)),
    "snare": ((0.0, 0.44, 0.53, 0.61, 0.69, 0.76, 0.85), (0.0, 0.52, 0.65, 0.65, 0.81, 0.82, 0.93)),
    "hi-hat": ((0.0, 0.38, 0.43, 0.49, 0.55, 0.62, 0.75), (0.0, 0.47, 0.54, 0.71, 0.74, 0.83, 0.96)),
    "open hi-hat": ((0.0, 0.39, 0.46, 0.86), (0.0, 0.05, 0.18, 0.18)),
    "tom": ((0.0, 0.27, 0.31, 0.36, 0.43, 0.53, 0.73), (0.0, 0.14, 0.21, 0.32, 0.47, 0.78, 0.88)),
    "cymbal": ((0.0, 0.21, 0.25, 0.29, 0.35, 0.44, 0.58), (0.0, 0.17, 0.3, 0.3, 0.38, 0.4, 0.4)),
}
BEATS: Table = ((0.1, 0.21, 0.35, 0.49, 0.64), (0.1, 0.37, 0.7, 0.95, 0.97))
BARS: Table = ((0.0, 0.5, 0.9, 1.0), (0.25, 0.3, 0.6, 0.68))
KEY: Table = ((0.2, 0.36, 0.67), (0.25, 0.56, 0.62))  # 90 mixes of 20 s
MEASURED = ConfidenceTables(note=NOTE, stem=STEM, strokes=STROKES, beats=BEATS, bars=BARS, key=KEY)

# Pass these to get the evidence itself, for fitting tables; for a stem, the share of what sounds that its notes cover.
_PLAIN: Table = ((0.0, 1.0), (0.0, 1.0))
EVIDENCE = ConfidenceTables(
    note=_PLAIN, stem=((0.0, 1.0), (1.0, 1.0)), strokes=dict.fromkeys(DRUMS, _PLAIN), beats=_PLAIN, bars=_PLAIN,
    key=_PLAIN,
)  # fmt: skip


def calibrated(value: float, table: Table) -> float:
    """The probability for a value by a table, interpolated and rounded to hundredths."""
    return round(float(np.interp(value, *table)), 2)


def onset_strengths(notes: Sequence[NoteEvent], heard: NoteActivations) -> list[float]:
    """The network's onset activation at each note, 0 to 1: the highest within ``NEAR_FRAMES`` of its start."""
    strengths = []
    for note in notes:
        at = round(note.start_s / FRAME_S)
        key = min(max(note.key - LOWEST_KEY, 0), heard.onsets_LK.shape[1] - 1)
        near_L = heard.onsets_LK[max(at - NEAR_FRAMES, 0) : at + NEAR_FRAMES + 1, key]
        strengths.append(float(near_L.max(initial=0.0)))
    return strengths
