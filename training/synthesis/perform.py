"""How a part is played: staccato, legato, vibrato, slides, bends, strums, tremolo, swells; notes in, notes out.

Every family has the articulations that suit it. Deterministic by generator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from training.data.instruments import Family
from training.synthesis.score import Gesture, Note
from training.typing import Rng

Notes = list[Note]
PLAIN_SHARE = 0.4
TOGETHER_S = 0.035  # notes that begin this close belong to one chord


def _staccato(rng: Rng, notes: Notes) -> Notes:
    share = float(rng.uniform(0.2, 0.45))
    return [replace(n, length_s=max(0.05, n.length_s * share)) for n in notes]


def _legato(rng: Rng, notes: Notes) -> Notes:
    """Each note lasts until the next begins."""
    starts = sorted({n.start_s for n in notes})
    following = dict(pairwise(starts))
    longest = 4 * float(np.median([n.length_s for n in notes]))
    return [
        replace(n, length_s=max(n.length_s, min(following.get(n.start_s, n.end_s) - n.start_s + 0.02, longest)))
        for n in notes
    ]


def _vibrato(rng: Rng, notes: Notes) -> Notes:
    depth, hertz = float(rng.uniform(0.15, 0.6)), float(rng.uniform(4.5, 6.8))
    begins_s = float(rng.uniform(0.05, 0.3))
    return [
        replace(n, gesture=Gesture(vibrato_semitones=depth, vibrato_hz=hertz, vibrato_from_s=begins_s))
        if n.length_s > 0.25
        else n
        for n in notes
    ]


def _slides(rng: Rng, notes: Notes) -> Notes:
    """Some notes are reached from the one before, some fall off at their end."""
    played: Notes = []
    for before, note in zip([None, *notes], notes, strict=False):
        gesture = None
        if before is not None and before.midi != note.midi and rng.random() < 0.6:
            reach = float(np.clip(before.midi - note.midi, -7, 7))
            gesture = Gesture(start_semitones=reach, start_s=min(0.6 * note.length_s, float(rng.uniform(0.06, 0.2))))
        elif note.length_s > 0.3 and rng.random() < 0.25:
            gesture = Gesture(end_semitones=-float(rng.uniform(2, 7)), end_s=0.4 * note.length_s)
        played.append(replace(note, gesture=gesture))
    return played


def _bends(rng: Rng, notes: Notes) -> Notes:
    """Long notes are pulled up to their pitch, and shake a little once they are there."""
    played: Notes = []
    for note in notes:
        if note.length_s > 0.2 and rng.random() < 0.5:
            rise_s = min(0.5 * note.length_s, float(rng.uniform(0.08, 0.3)))
            from_below = -float(rng.choice([1, 2, 2, 3]))
            shake = float(rng.uniform(0, 0.35))
            note = replace(note, gesture=Gesture(from_below, rise_s, 0.0, 0.0, shake, 5.5, rise_s + 0.05))
        played.append(note)
    return played


def _strummed(rng: Rng, notes: Notes) -> Notes:
    """Chords are spread over the strings, down and up in turn, the last strings softer."""
    gap_s = float(rng.uniform(0.006, 0.03))
    played: Notes = []
    for stroke, chord in enumerate(chords_of(notes)):
        order = sorted(chord, key=lambda n: n.midi, reverse=stroke % 2 == 1)
        start_s = min(n.start_s for n in chord)
        for k, note in enumerate(order):
            loud = int(np.clip(note.velocity * (1 - 0.05 * k) - 6 * (stroke % 2), 15, 127))
            played.append(replace(note, start_s=start_s + k * gap_s, velocity=loud))
    return played


def _tremolo(rng: Rng, notes: Notes) -> Notes:
    """Long notes are struck again and again."""
    rate_hz = float(rng.uniform(9, 14))
    played: Notes = []
    for note in notes:
        times = max(1, int(note.length_s * rate_hz)) if note.length_s > 0.3 else 1
        step = note.length_s / times
        for k in range(times):
            loud = int(np.clip(note.velocity - 8 * (k % 2) - (4 if k else 0), 15, 127))
            played.append(replace(note, start_s=note.start_s + k * step, length_s=step * 0.95, velocity=loud))
    return played


def _swelling(rng: Rng, notes: Notes) -> Notes:
    return _ramped(notes, float(rng.uniform(0.35, 0.6)), 1.15)


def _fading(rng: Rng, notes: Notes) -> Notes:
    return _ramped(notes, 1.15, float(rng.uniform(0.35, 0.6)))


def _ramped(notes: Notes, first: float, last: float) -> Notes:
    end_s = max(n.end_s for n in notes)
    return [
        replace(n, velocity=int(np.clip(n.velocity * (first + (last - first) * n.start_s / end_s), 12, 127)))
        for n in notes
    ]


def _trills(rng: Rng, notes: Notes) -> Notes:
    """Long notes go to and fro with their upper neighbour."""
    step = int(rng.choice([1, 2]))
    played: Notes = []
    for note in notes:
        times = int(note.length_s * 11)
        if times < 4 or rng.random() < 0.4:
            played.append(note)
            continue
        each = note.length_s / times
        played += [
            replace(note, start_s=note.start_s + k * each, length_s=each, midi=note.midi + step * (k % 2))
            for k in range(times)
        ]
    return played


STYLES: dict[str, Callable[[Rng, Notes], Notes]] = {
    "staccato": _staccato, "legato": _legato, "vibrato": _vibrato, "slides": _slides, "bends": _bends,
    "strummed": _strummed, "tremolo": _tremolo, "swelling": _swelling, "fading": _fading, "trills": _trills,
}  # fmt: skip
# "pizzicato", "muted", "slapped" and "brushed" are played only where a recording has them

# family or group: manners that suit it; the family's own row wins
HANDS: dict[str, tuple[str, ...]] = {
    "guitar": ("strummed", "bends", "slides", "staccato", "vibrato", "legato"),
    "bass": ("slides", "staccato", "legato", "swelling"),
    "bowed strings": ("vibrato", "legato", "staccato", "slides", "tremolo", "swelling", "trills"),
    "voices": ("vibrato", "legato", "slides", "swelling"),
    "brass": ("vibrato", "staccato", "legato", "slides", "swelling"),
    "woodwinds": ("vibrato", "legato", "staccato", "bends", "trills", "slides"),
    "keys": ("staccato", "legato", "swelling", "fading"),
    "synth": ("slides", "legato", "staccato", "vibrato", "swelling"),
    "mallets": ("tremolo", "swelling", "fading"),
    "accordion": ("legato", "staccato", "swelling"),
    "harmonica": ("bends", "vibrato", "slides"),
    "banjo": ("slides", "staccato"),
    "sitar": ("bends", "slides", "vibrato"),
    "koto": ("bends", "tremolo", "vibrato"),
    "harp": ("fading", "swelling"),
    "steel-drum": ("tremolo",),
    "kalimba": ("fading",),
    "timpani": ("tremolo", "swelling"),
}


def manners(family: Family, role: str) -> tuple[str, ...]:
    """Articulations that suit a family in a role; empty for drums."""
    if family.drums:
        return ()
    suited = HANDS.get(family.name) or next((HANDS[g] for g in family.groups if g in HANDS), ())
    together = role in ("chords", "pad")
    return tuple(s for s in suited if (s != "strummed" or together) and (s not in ("slides", "trills") or not together))


def perform(rng: Rng, family: Family, role: str, notes: Notes) -> tuple[str, Notes]:
    """Play written notes.

    Returns:
        the manner, "" when plain, and the notes in order of time.
    """
    choice = manners(family, role)
    if not choice or not notes:
        return "", notes
    if "strummed" in choice and rng.random() < 0.7:
        style = "strummed"
    elif rng.random() < PLAIN_SHARE:
        return "", notes
    else:
        style = choice[int(rng.integers(len(choice)))]
    played = sorted(STYLES[style](rng, notes), key=lambda n: (n.start_s, n.midi))
    return (style, played) if played != notes else ("", notes)


def chords_of(notes: Notes) -> list[Notes]:
    """Notes that begin together, group by group."""
    groups: list[Notes] = []
    for note in sorted(notes, key=lambda n: n.start_s):
        if groups and note.start_s - groups[-1][0].start_s < TOGETHER_S:
            groups[-1].append(note)
        else:
            groups.append([note])
    return groups
