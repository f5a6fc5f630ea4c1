"""A transcription made playable.

What is not the line goes: partials that were taken for notes, and what shines through of other instruments. Notes that
were cut in two come together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.notes.note import NoteEvent

GHOST_INTERVALS = (12, 19, 24, 28, 31)  # semitones above a note at which a partial of it may be taken for another
GHOST_SHARE = 0.75  # of the confidence in the lower note; a partial is less sure, a note of its own seldom is
CUT_S = 0.03  # between two parts of one note
CUT_SHARE = 0.8  # of the velocity of the first part; a note that is struck again is as loud
BLEED_SHARE = 0.6  # of the velocity of a note beside it: 9 dB softer, as little of one chord is
SEVERAL_VOICES = 0.65  # share of what sounds, by its power, that sounds with something else; more is no line
TOGETHER_S = 0.08  # notes that begin so near to each other are one chord
LEGATO_S = 0.02  # for which a note of a line goes on into the next


def playable(notes: Sequence[NoteEvent]) -> tuple[NoteEvent, ...]:
    """The notes that were played, of those that a network heard."""
    return joined(without_bleed(without_ghosts(notes)))


def without_ghosts(notes: Sequence[NoteEvent]) -> tuple[NoteEvent, ...]:
    """Notes without those that are but partials of lower ones that sound with them."""

    def is_ghost(one: NoteEvent) -> bool:
        return any(
            round(one.pitch - other.pitch) in GHOST_INTERVALS
            and one.confidence < GHOST_SHARE * other.confidence
            and _shared_s(one, other) > 0.5 * one.length_s
            for other in notes
        )

    return tuple(one for one in notes if not is_ghost(one))


def without_bleed(notes: Sequence[NoteEvent]) -> tuple[NoteEvent, ...]:
    """Notes without those that are far softer than one that sounds with them for most of their length."""

    def is_bleed(one: NoteEvent) -> bool:
        return any(
            one.velocity < BLEED_SHARE * other.velocity and _shared_s(one, other) > 0.5 * one.length_s
            for other in notes
        )

    return tuple(one for one in notes if not is_bleed(one))


def overlap(notes: Sequence[NoteEvent]) -> float:
    """Share of what sounds, weighted by its power, that does so together with another note: 0 for a line."""
    total = together = 0.0
    for one in notes:
        others_s = sum(_shared_s(one, other) for other in notes if other is not one)
        total += one.velocity**4 * one.length_s
        together += one.velocity**4 * min(others_s, one.length_s)
    return together / total if total else 0.0


def _shared_s(one: NoteEvent, other: NoteEvent) -> float:
    return max(min(one.end_s, other.end_s) - max(one.start_s, other.start_s), 0.0)


def joined(notes: Sequence[NoteEvent]) -> tuple[NoteEvent, ...]:
    """Notes in which what follows on the same key without a new attack is one note with what came before."""
    kept: list[NoteEvent] = []
    for one in sorted(notes, key=lambda one: (one.start_s, one.pitch)):
        place = next((at for at in range(len(kept) - 1, -1, -1) if kept[at].key == one.key), None)
        if place is not None:
            before = kept[place]
            if one.start_s - before.end_s < CUT_S and one.velocity < CUT_SHARE * before.velocity:
                kept[place] = replace(before, end_s=max(before.end_s, one.end_s))
                continue
        kept.append(one)
    return tuple(kept)


def as_line(notes: Sequence[NoteEvent]) -> tuple[NoteEvent, ...]:
    """Notes as a player of one line has them: each ends when the next begins; chords stay together."""
    ordered = sorted(notes, key=lambda one: (one.start_s, one.pitch))
    starts = [one.start_s for one in ordered]
    line = []
    for at, one in enumerate(ordered):
        following = next((start for start in starts[at + 1 :] if start > one.start_s + TOGETHER_S), one.end_s)
        line.append(replace(one, end_s=min(one.end_s, following + LEGATO_S)))
    return tuple(line)
