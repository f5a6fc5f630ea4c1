"""Bring a line to where an instrument is at home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.notes.note import NoteEvent
from engine.sampler.instruments import SampledInstrument

MOST_OCTAVES = 5
OCTAVE_COST = 0.1  # what an octave away counts, as a share of the line that is out of reach


@dataclass(frozen=True, slots=True)
class FittedLine:
    """A line in the register of an instrument.

    Attributes:
        notes: by time, then pitch.
        octaves: by which the whole line was moved.
        folded: notes that were moved by octaves of their own beside that, because the instrument does not reach them.
    """

    notes: tuple[NoteEvent, ...]
    octaves: int
    folded: int


def in_register(notes: Sequence[NoteEvent], instrument: SampledInstrument) -> FittedLine:
    """Move a line by as few octaves as bring most of it into an instrument's range; long and loud notes count more.

    Args:
        notes: pitched ones.
        instrument: not a drum kit.
    """
    if not notes:
        return FittedLine((), 0, 0)
    low, high = instrument.low - 0.5, instrument.high + 0.5
    weights_N = np.array([one.length_s * one.velocity**2 for one in notes])
    pitches_N = np.array([one.pitch for one in notes])

    def outside(octaves: int) -> tuple[float, int]:
        moved_N = pitches_N + 12 * octaves
        beyond = float(weights_N[(moved_N < low) | (moved_N > high)].sum()) / max(float(weights_N.sum()), 1e-9)
        return beyond + OCTAVE_COST * abs(octaves), abs(octaves)

    octaves = min(range(-MOST_OCTAVES, MOST_OCTAVES + 1), key=outside)
    fitted, folded = list[NoteEvent](), 0
    for one in notes:
        pitch = one.pitch + 12 * octaves
        inside = _folded(pitch, low, high)
        folded += inside != pitch
        fitted.append(replace(one, pitch=inside))
    return FittedLine(tuple(sorted(fitted, key=lambda one: (one.start_s, one.pitch))), octaves, folded)


def _folded(pitch: float, low: float, high: float) -> float:
    """A pitch moved by octaves into a range, or as near to it as octaves bring it."""
    while pitch < low:
        pitch += 12
    while pitch > high and pitch - 12 >= low:
        pitch -= 12
    return pitch
