"""Pose of a player at any moment, from the notes alone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import sin, tau

from training.data.instruments import families
from training.synthesis.score import Note

STROKE_S = 0.2  # a hit, a pluck or a breath is seen this long
LEFT_HAND, RIGHT_HAND = (35, 41, 43, 45, 47, 36, 38), (42, 44, 46, 49, 51)  # which hand strikes which piece

# how families look when they play; a family's own row wins over its groups'
LOOKS = {
    "bowed strings": "bowed", "guitar": "plucked", "bass": "plucked", "banjo": "plucked", "sitar": "plucked",
    "koto": "bars", "harp": "plucked", "keys": "keys", "synth": "keys", "accordion": "keys", "synth-bass": "keys",
    "woodwinds": "blown", "brass": "blown", "harmonica": "blown", "voices": "sung", "drums": "struck",
    "percussion": "struck", "timpani": "struck", "mallets": "bars", "steel-drum": "bars", "kalimba": "bars",
    "double-bass": "plucked",
}  # fmt: skip


def look_of(family: str) -> str:
    """bowed, plucked, blown, keys, struck, bars or sung."""
    row = families()[family]
    return LOOKS.get(family) or next(LOOKS[group] for group in row.groups if group in LOOKS)


@dataclass(frozen=True, slots=True)
class PlayerPose:
    """A player at one moment.

    Attributes:
        sounding: True while a note is held or a stroke still rings.
        bow: where the bow is on its way, -1 to 1.
        stroke: 1 right after a note begins, falling to 0 within ``STROKE_S``.
        fresh: MIDI numbers begun within ``STROKE_S``.
        held: MIDI numbers being held.
        height: mean of ``held`` within the family's range, 0 to 1.
        effort: velocity of the last note, 0 to 1.
        sway: -1 to 1, the body's slow movement while playing.
    """

    sounding: bool
    bow: float
    stroke: float
    fresh: tuple[int, ...]
    held: tuple[int, ...]
    height: float
    effort: float
    sway: float


class PlayerMotion:
    """Gives a player's pose at any moment."""

    def __init__(self, family: str, notes: Sequence[Note]) -> None:
        self.family = family
        self.look = look_of(family)
        self._drums = families()[family].drums
        self._notes = sorted(notes, key=lambda n: n.start_s)
        self._starts = [n.start_s for n in self._notes]
        self._longest_s = max((n.length_s for n in self._notes), default=0.0)

    def _near(self, start_s: float, end_s: float) -> list[tuple[int, Note]]:
        """Notes that may matter between two moments, with their numbers."""
        last = bisect_right(self._starts, end_s)
        first = bisect_right(self._starts, start_s - max(self._longest_s, STROKE_S) - 0.01)
        return [(k, self._notes[k]) for k in range(first, last)]

    def sounding(self, start_s: float, end_s: float) -> bool:
        """True when a note sounds at some time in the span; strokes on drums last ``STROKE_S``."""
        return any(n.start_s < end_s and self._end_s(n) > start_s for _, n in self._near(start_s, end_s))

    def _end_s(self, note: Note) -> float:
        return note.start_s + STROKE_S if self._drums else note.end_s

    def pose(self, at_s: float) -> PlayerPose:
        """What the player does at a moment."""
        near = self._near(at_s, at_s)
        held = [(k, n) for k, n in near if self._end_s(n) > at_s]
        fresh = [n for _, n in near if at_s - n.start_s < STROKE_S]
        stroke = max((1 - (at_s - n.start_s) / STROKE_S for n in fresh), default=0.0)
        row = families()[self.family]
        bow, height, effort, sway = 0.0, 0.5, 0.0, 0.0
        if held:
            number, note = held[-1]
            way = min(1.0, (at_s - note.start_s) / max(note.length_s, 0.05))
            bow = (1 - 2 * way) * (1 if number % 2 else -1)
            mean = sum(n.midi for _, n in held) / len(held)
            height = min(1.0, max(0.0, (mean - row.low) / max(1, row.high - row.low)))
            effort = note.velocity / 127
            sway = sin(tau * at_s / 1.7)
        pitches = tuple(n.midi for _, n in held)
        return PlayerPose(bool(held), bow, stroke, tuple(n.midi for n in fresh), pitches, height, effort, sway)
