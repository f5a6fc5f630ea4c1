"""Write the parts of a piece: one function per role, from metre and chords to notes.

Deterministic by generator.
"""

from __future__ import annotations

import numpy as np

from training.data.instruments import Family
from training.synthesis import grooves
from training.synthesis.harmony import PieceFrame
from training.synthesis.score import Note
from training.typing import Rng

PHRASE_BARS = 4
PHRASES = ("aaba", "abab", "aabc", "abac", "aaab")  # bars of a phrase that share a motif have one letter


def _middle(family: Family, share: float) -> float:
    return family.low + (family.high - family.low) * share


def _loud(rng: Rng, middle: float, spread: float) -> int:
    return int(np.clip(rng.normal(middle, spread), 20, 127))


def _rhythm(rng: Rng, frame: PieceFrame, density: float) -> list[float]:
    """Onsets in one bar; beats that begin a group are likely, the first most of all."""
    grid = np.arange(0, frame.beats, 0.5 if rng.random() < 0.7 else 0.25)
    weight = np.where(grid % 1 == 0, 1.0, np.where(grid % 0.5 == 0, 0.6, 0.3)) * density
    weight[np.isin(grid, frame.groups)] = min(1.0, 1.25 * density)
    weight[0] = 0.9
    onsets = grid[rng.random(len(grid)) < weight]
    return [float(x) for x in onsets] or [0.0]


def _spell(
    rng: Rng,
    frame: PieceFrame,
    family: Family,
    bar: int,
    spots: list[tuple[float, int]],
    near: float,
    legato: float,
    loud: float,
) -> list[Note]:
    """Notes of one bar from ``(beat, degree)``; each lasts for a share of the time to the next."""
    notes = []
    ends = [beat for beat, _ in spots[1:]] + [float(frame.beats)]
    for (beat, degree), end in zip(spots, ends, strict=True):
        pitch = frame.pitch(degree, near)
        pitch += 12 * ((pitch < family.low) - (pitch > family.high))
        length_s = max(0.06, frame.last(bar, beat, end - beat) * legato)
        accent = 8 if beat in frame.groups else 4 if beat % 1 == 0 else 0
        notes.append(Note(frame.at(bar, beat), length_s, pitch, _loud(rng, loud + accent, 8)))
    return notes


def bass(rng: Rng, frame: PieceFrame, family: Family) -> list[Note]:
    """Roots, walking lines, octaves, riffs or long notes."""
    near = _middle(family, float(rng.uniform(0.25, 0.6)))
    style = rng.choice(["root", "walk", "octave", "riff", "long", "groups"])
    pattern = _rhythm(rng, frame, float(rng.uniform(0.35, 0.95)))
    offsets = [int(rng.choice([0, 0, 0, 2, 4, 7 if style == "octave" else 0])) for _ in pattern]
    legato = float(rng.uniform(0.55, 0.98))
    notes = []
    for bar in range(frame.bars):
        root = frame.root(bar)
        if style == "walk":
            steps = [root, root + 2, root + 4, root + int(rng.choice([5, 6, 1]))] * 2
            spots: list[tuple[float, int]] = [(float(b), steps[b]) for b in range(frame.beats)]
        elif style == "long":
            spots = [(0.0, root)]
        elif style == "groups":
            spots = [(float(b), root + 4 * (k % 2)) for k, b in enumerate(frame.groups)]
        else:
            spots = [(beat, root + off) for beat, off in zip(pattern, offsets, strict=True)]
        notes += _spell(rng, frame, family, bar, spots, near, legato, 92)
    return notes


def lead(rng: Rng, frame: PieceFrame, family: Family) -> list[Note]:
    """A melody in phrases: motifs that come back, an arch of loudness, a rest before the next phrase."""
    near = _middle(family, float(rng.uniform(0.3, 0.75)))
    density = float(rng.uniform(0.25, 0.8))
    plan = PHRASES[rng.integers(len(PHRASES))]
    motifs = {letter: _motif(rng, frame, density) for letter in sorted(set(plan))}
    loud, legato = float(rng.uniform(70, 108)), float(rng.uniform(0.6, 1.02))
    rests = rng.random() < 0.8
    notes: list[Note] = []
    for bar in range(frame.bars):
        place = bar % PHRASE_BARS
        if rests and place == PHRASE_BARS - 1 and rng.random() < 0.3:
            continue  # a rest to breathe
        motif = motifs[plan[place]]
        if rests and place == PHRASE_BARS - 1:
            motif = motif[: max(1, (len(motif) + 1) // 2)]
        start = frame.root(bar) if rng.random() < 0.6 else 0
        spots = [(beat, frame.singable(int(np.clip(start + step, -4, 11)))) for beat, step in motif]
        arch = 10 * np.sin(np.pi * (place + 0.5) / PHRASE_BARS)
        notes += _spell(rng, frame, family, bar, spots, near, legato, loud - 5 + arch)
    return notes


def _motif(rng: Rng, frame: PieceFrame, density: float) -> list[tuple[float, int]]:
    """``(beat, steps from the chord)`` of one bar."""
    degree = int(rng.choice([0, 2, 4]))
    motif = []
    for beat in _rhythm(rng, frame, density):
        motif.append((beat, degree))
        degree += int(rng.choice([-2, -1, -1, 0, 1, 1, 2, 3, -3]))
    return motif


def chords(rng: Rng, frame: PieceFrame, family: Family) -> list[Note]:
    """Chords in a rhythm that repeats."""
    near = _middle(family, float(rng.uniform(0.35, 0.65)))
    size = int(rng.choice([2, 3, 3, 4])) if family.poly else 1
    pattern = _rhythm(rng, frame, float(rng.uniform(0.15, 0.8)))
    legato, loud = float(rng.uniform(0.3, 1.0)), float(rng.uniform(65, 100))
    notes = []
    for bar in range(frame.bars):
        ends = [*pattern[1:], float(frame.beats)]
        for beat, end in zip(pattern, ends, strict=True):
            velocity = _loud(rng, loud, 8)
            length_s = max(0.08, frame.last(bar, beat, end - beat) * legato)
            notes += [Note(frame.at(bar, beat), length_s, pitch, velocity) for pitch in frame.chord(bar, size, near)]
    return notes


def pad(rng: Rng, frame: PieceFrame, family: Family) -> list[Note]:
    """One long chord a bar."""
    near = _middle(family, float(rng.uniform(0.35, 0.65)))
    size = int(rng.choice([2, 3, 4])) if family.poly else 1
    loud = float(rng.uniform(60, 95))
    return [
        Note(frame.at(bar, 0), frame.last(bar, 0, frame.beats) * 1.02, pitch, _loud(rng, loud, 5))
        for bar in range(frame.bars)
        for pitch in frame.chord(bar, size, near)
    ]


def arpeggio(rng: Rng, frame: PieceFrame, family: Family) -> list[Note]:
    """Chords note by note, up, down or in an order of their own."""
    near = _middle(family, float(rng.uniform(0.3, 0.7)))
    step = float(rng.choice([0.25, 0.5, 0.5, 1 / 3]))
    size = int(rng.integers(3, 6))
    order = [int(k) for k in rng.permutation(size)] if rng.random() < 0.4 else list(range(size))
    legato, loud = float(rng.uniform(0.6, 1.6)), float(rng.uniform(65, 100))
    notes = []
    for bar in range(frame.bars):
        tones = frame.chord(bar, size, near)
        for k in range(int(frame.beats / step)):
            length_s = frame.last(bar, k * step, step) * legato
            pitch = tones[order[k % size] % len(tones)]
            notes.append(Note(frame.at(bar, k * step), length_s, pitch, _loud(rng, loud, 7)))
    return notes


def riff(rng: Rng, frame: PieceFrame, family: Family) -> list[Note]:
    """One bar that repeats over the chords, alone or with fifths."""
    near = _middle(family, float(rng.uniform(0.2, 0.5)))
    pattern = _rhythm(rng, frame, float(rng.uniform(0.4, 0.9)))
    degrees = [int(rng.choice([0, 0, 2, 4, 6, 3, -1])) for _ in pattern]
    fifths = family.poly and rng.random() < 0.4
    legato, loud = float(rng.uniform(0.4, 0.95)), float(rng.uniform(75, 110))
    notes = []
    for bar in range(frame.bars):
        root = frame.root(bar) if rng.random() < 0.7 else frame.chords[0]
        spots = [(beat, root + d) for beat, d in zip(pattern, degrees, strict=True)]
        line = _spell(rng, frame, family, bar, spots, near, legato, loud)
        notes += line
        if fifths:
            notes += [Note(n.start_s, n.length_s, n.midi + 7, n.velocity) for n in line]
    return notes


def drums(rng: Rng, frame: PieceFrame, family: Family) -> list[Note]:
    """A groove of the table, with fills."""
    kit = grooves.pick(rng, frame.beats)
    return [
        Note(frame.at(bar, beat), 0.3, piece, velocity)
        for bar in range(frame.bars)
        for beat, piece, velocity in kit.bar(rng, bar)
    ]


def percussion(rng: Rng, frame: PieceFrame, family: Family) -> list[Note]:
    """One to three pieces, each with a rhythm of its own."""
    layers = []
    for piece in rng.choice(grooves.PERCUSSION, size=int(rng.integers(1, 4)), replace=False):
        layers.append((int(piece), _rhythm(rng, frame, float(rng.uniform(0.3, 0.9))), float(rng.uniform(60, 110))))
    return [
        Note(frame.at(bar, beat), 0.3, piece, _loud(rng, loud, 9))
        for bar in range(frame.bars)
        for piece, rhythm, loud in layers
        for beat in rhythm
    ]


WRITERS = {
    "bass": bass, "lead": lead, "chords": chords, "pad": pad, "arpeggio": arpeggio, "riff": riff, "drums": drums,
    "percussion": percussion, "vocals": lead,
}  # fmt: skip
