"""What a measured value is worth as a probability: tables from rendered music whose truth is known.

``tests/benchmarks/notes.py`` prints how well they hold on other pieces. Real recordings may be easier or harder than
these, which are dense and use effects freely.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.notes.decode import FRAME_S, NEAR_FRAMES
from engine.notes.network import LOWEST_KEY, NoteActivations
from engine.notes.note import NoteEvent

Table = tuple[tuple[float, ...], tuple[float, ...]]

# The network's onset at a note: the share of such notes that were played. 3,811 notes of 67 stems.
NOTE: Table = ((0.1, 0.3, 0.45, 0.6, 0.75, 0.85, 0.95), (0.02, 0.2, 0.33, 0.5, 0.72, 0.92, 0.97))
# The mean of that over a stem: the F1 of its notes.
STEM: Table = ((0.4, 0.6, 0.7, 0.8, 0.9), (0.2, 0.5, 0.66, 0.8, 0.93))

# The network's probability of a stroke on a drum: the share that was struck. 448 strokes in six pieces.
STROKE: Table = ((0.0, 0.2, 0.4, 0.57, 0.8, 0.97), (0.02, 0.07, 0.62, 0.8, 0.84, 0.98))
# How even the beats are times how sure the network is of them: the share of beats that are right, or at half or twice
# the tempo, as listeners tap it (AMLt). 20 mixes of 20 s, as for the next two.
BEATS: Table = ((0.1, 0.21, 0.35, 0.49, 0.64), (0.1, 0.37, 0.7, 0.95, 0.97))
# How far the first beats of bars stand out: their F1.
BARS: Table = ((0.0, 0.5, 0.9, 1.0), (0.25, 0.3, 0.6, 0.68))
# How much better a key fits than the next: that it is the key. 141 mixes of 12 s.
KEY: Table = ((0.0, 0.15, 0.3, 0.5, 0.73, 1.0), (0.3, 0.38, 0.54, 0.58, 0.74, 0.8))


def calibrated(value: float, table: Table) -> float:
    """The probability that a table gives a value, rounded to hundredths."""
    return round(float(np.interp(value, *table)), 2)


def onset_strengths(notes: Sequence[NoteEvent], heard: NoteActivations) -> list[float]:
    """What the network says of the onset of each note, 0 to 1."""
    strengths = []
    for note in notes:
        at = round(note.start_s / FRAME_S)
        key = min(max(note.key - LOWEST_KEY, 0), heard.onsets_LK.shape[1] - 1)
        near_L = heard.onsets_LK[max(at - NEAR_FRAMES, 0) : at + NEAR_FRAMES + 1, key]
        strengths.append(float(near_L.max(initial=0.0)))
    return strengths
