"""Compose short pieces: key, metre, tempo, progression, and one list of notes per part.

Deterministic by generator. Knows nothing of sound: notes out, in seconds and MIDI numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.data import grooves
from training.data.instruments import Family, families

Rng = np.random.Generator

MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
}
PROGRESSIONS = (
    (0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 4, 0), (5, 3, 0, 4), (0, 3), (1, 4, 0, 5), (0, 6, 5, 6),
    (0, 0, 3, 3, 4, 4, 0, 0), (0, 2, 3, 4), (3, 4, 2, 5), (0, 4), (0, 6, 3, 0), (0,), (1, 4, 0, 0), (0, 5, 1, 4),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Note:
    """One sounding note: start and length in seconds, MIDI number (or kit piece), velocity 1..127."""

    start_s: float
    length_s: float
    midi: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one instrument plays."""

    family: str
    role: str
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """One piece."""

    tempo_bpm: float
    beats_per_bar: int
    tonic: int
    mode: str
    seconds: float
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class _Frame:
    """The common ground of all parts of a piece."""

    beat_s: float
    beats: int  # per bar
    bars: int
    scale: tuple[int, ...]
    tonic: int
    chords: tuple[int, ...]  # scale degree per bar
    swing: float

    def at(self, bar: int, beat: float) -> float:
        whole, part = divmod(beat, 1.0)
        swung = part + self.swing * (1 - abs(2 * part - 1)) if part else part
        return (bar * self.beats + whole + swung) * self.beat_s

    def pitch(self, degree: int, near: float) -> int:
        """Scale degree as a MIDI number as near as can be to ``near``."""
        octave, step = divmod(degree, 7)
        pitch = self.tonic + 12 * octave + self.scale[step]
        return int(pitch + 12 * round((near - pitch) / 12))

    def chord(self, bar: int, size: int, near: float) -> list[int]:
        root = self.chords[bar % len(self.chords)]
        return sorted(self.pitch(root + 2 * k, near + 3 * (k - 1)) for k in range(size))


def compose(rng: Rng, seconds: float, choose: list[Family] | None = None) -> Score:
    """Compose one piece.

    Args:
        rng: decides everything.
        seconds: length.
        choose: families to use, one part each; None means the composer's own choice.
    """
    beats = int(rng.choice([4, 4, 4, 4, 3, 6, 7]))
    tempo_bpm = float(np.clip(rng.normal(108, 30), 55, 190))
    beat_s = 60 / tempo_bpm * (0.5 if beats >= 6 else 1)
    bars = int(np.ceil(seconds / (beat_s * beats))) + 1
    mode = str(rng.choice(list(MODES)))
    progression = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
    frame = _Frame(
        beat_s=beat_s,
        beats=beats,
        bars=bars,
        scale=MODES[mode],
        tonic=int(rng.integers(48, 60)),
        chords=tuple(progression),
        swing=float(rng.choice([0, 0, 0, 0.12, 0.17])),
    )
    chosen = choose if choose is not None else pick_families(rng)
    parts = []
    taken: list[str] = []
    for family in chosen:
        role = _role(rng, family, taken)
        taken.append(role)
        notes = _humanise(rng, _WRITERS[role](rng, frame, family), seconds)
        parts.append(Part(family.name, role, _presence(rng, notes, seconds)))
    return Score(tempo_bpm, beats, frame.tonic, mode, seconds, tuple(parts))


def pick_families(rng: Rng) -> list[Family]:
    """Families of a band of 2 to 6: often drums and bass, sometimes two of one group, every family equally often."""
    table = families()
    size = int(rng.choice([2, 3, 4, 5, 6], p=[0.1, 0.25, 0.3, 0.2, 0.15]))
    chosen: list[Family] = []
    if rng.random() < 0.45:
        chosen.append(table["drums"])
    if rng.random() < 0.5:
        basses = [f for f in table.values() if f.roles == ("bass",) and f.name not in ("timpani", "tuba")]
        chosen.append(basses[rng.integers(len(basses))])
    melodic = [f for f in table.values() if f.name not in ("vocals", "drums")]
    while len(chosen) < size:
        pool = melodic
        if chosen and rng.random() < 0.15:
            mates = [f for f in melodic if set(f.groups) & set(chosen[-1].groups)]
            pool = mates or melodic
        family = pool[rng.integers(len(pool))]
        if family.name not in [c.name for c in chosen]:
            chosen.append(family)
    return chosen


def _role(rng: Rng, family: Family, taken: list[str]) -> str:
    free = [role for role in family.roles if role not in taken] or list(family.roles)
    return free[rng.integers(len(free))]


def _middle(family: Family, share: float) -> float:
    return family.low + (family.high - family.low) * share


def _rhythm(rng: Rng, beats: int, density: float) -> list[float]:
    """Onsets in one bar on an eighth or sixteenth grid; the first is likely."""
    grid = np.arange(0, beats, 0.5 if rng.random() < 0.7 else 0.25)
    weight = np.where(grid % 1 == 0, 1.0, np.where(grid % 0.5 == 0, 0.6, 0.3)) * density
    weight[0] = 0.9
    onsets = grid[rng.random(len(grid)) < weight]
    return [float(x) for x in onsets] or [0.0]


def _bass(rng: Rng, frame: _Frame, family: Family) -> list[Note]:
    near = _middle(family, float(rng.uniform(0.25, 0.6)))
    style = rng.choice(["root", "walk", "octave", "riff", "long"])
    pattern = _rhythm(rng, frame.beats, float(rng.uniform(0.35, 0.95)))
    offsets = [int(rng.choice([0, 0, 0, 2, 4, 7 if style == "octave" else 0])) for _ in pattern]
    notes = []
    for bar in range(frame.bars):
        root = frame.chords[bar % len(frame.chords)]
        if style == "walk":
            steps = [root, root + 2, root + 4, root + int(rng.choice([5, 6, 1]))] * 2
            spots: list[tuple[float, int]] = [(float(b), steps[b]) for b in range(frame.beats)]
        elif style == "long":
            spots = [(0.0, root)]
        else:
            spots = [(beat, root + off) for beat, off in zip(pattern, offsets, strict=True)]
        notes += _spell(rng, frame, family, bar, spots, near, float(rng.uniform(0.55, 0.98)), 92)
    return notes


def _spell(
    rng: Rng,
    frame: _Frame,
    family: Family,
    bar: int,
    spots: list[tuple[float, int]],
    near: float,
    legato: float,
    loud: float,
) -> list[Note]:
    notes = []
    ends = [beat for beat, _ in spots[1:]] + [float(frame.beats)]
    for (beat, degree), end in zip(spots, ends, strict=True):
        pitch = frame.pitch(degree, near)
        pitch += 12 * ((pitch < family.low) - (pitch > family.high))
        start = frame.at(bar, beat)
        length = max(0.06, (end - beat) * frame.beat_s * legato)
        accent = 8 if beat % 1 == 0 else 0
        notes.append(Note(start, length, pitch, int(np.clip(rng.normal(loud + accent, 8), 20, 127))))
    return notes


def _lead(rng: Rng, frame: _Frame, family: Family) -> list[Note]:
    near = _middle(family, float(rng.uniform(0.3, 0.75)))
    degree = int(rng.integers(0, 7))
    density = float(rng.uniform(0.25, 0.8))
    motif = _rhythm(rng, frame.beats, density)
    loud = float(rng.uniform(70, 108))
    notes: list[Note] = []
    for bar in range(frame.bars):
        if rng.random() < 0.12:
            continue  # a rest between phrases
        if rng.random() < 0.35:
            motif = _rhythm(rng, frame.beats, density)
        spots = []
        for beat in motif:
            degree += int(rng.choice([-2, -1, -1, 0, 1, 1, 2, 3, -3]))
            if beat == 0 and rng.random() < 0.6:
                degree = frame.chords[bar % len(frame.chords)] + int(rng.choice([0, 2, 4]))
            degree = int(np.clip(degree, -4, 11))
            spots.append((beat, degree))
        notes += _spell(rng, frame, family, bar, spots, near, float(rng.uniform(0.6, 1.02)), loud)
    return notes


def _chords(rng: Rng, frame: _Frame, family: Family) -> list[Note]:
    near = _middle(family, float(rng.uniform(0.35, 0.65)))
    size = int(rng.choice([2, 3, 3, 4])) if family.poly else 1
    strum_s = float(rng.uniform(0.005, 0.03)) if "guitar" in family.groups else 0.0
    pattern = _rhythm(rng, frame.beats, float(rng.uniform(0.15, 0.8)))
    legato, loud = float(rng.uniform(0.3, 1.0)), float(rng.uniform(65, 100))
    notes = []
    for bar in range(frame.bars):
        tones = frame.chord(bar, size, near)
        ends = [*pattern[1:], float(frame.beats)]
        for beat, end in zip(pattern, ends, strict=True):
            velocity = int(np.clip(rng.normal(loud, 8), 20, 127))
            order = tones if rng.random() < 0.7 else tones[::-1]
            for k, pitch in enumerate(order):
                start = frame.at(bar, beat) + k * strum_s
                notes.append(Note(start, max(0.08, (end - beat) * frame.beat_s * legato), pitch, velocity))
    return notes


def _pad(rng: Rng, frame: _Frame, family: Family) -> list[Note]:
    near = _middle(family, float(rng.uniform(0.35, 0.65)))
    size = int(rng.choice([2, 3, 4])) if family.poly else 1
    bar_s = frame.beats * frame.beat_s
    loud = float(rng.uniform(60, 95))
    return [
        Note(bar * bar_s, bar_s * 1.02, pitch, int(np.clip(rng.normal(loud, 5), 20, 127)))
        for bar in range(frame.bars)
        for pitch in frame.chord(bar, size, near)
    ]


def _arpeggio(rng: Rng, frame: _Frame, family: Family) -> list[Note]:
    near = _middle(family, float(rng.uniform(0.3, 0.7)))
    step = float(rng.choice([0.25, 0.5, 0.5, 1 / 3]))
    size = int(rng.integers(3, 5))
    order = [int(k) for k in rng.permutation(size)] if rng.random() < 0.4 else list(range(size))
    legato, loud = float(rng.uniform(0.6, 1.6)), float(rng.uniform(65, 100))
    notes = []
    for bar in range(frame.bars):
        tones = frame.chord(bar, size, near)
        for k in range(int(frame.beats / step)):
            velocity = int(np.clip(rng.normal(loud, 7), 20, 127))
            notes.append(Note(frame.at(bar, k * step), step * frame.beat_s * legato, tones[order[k % size]], velocity))
    return notes


def _riff(rng: Rng, frame: _Frame, family: Family) -> list[Note]:
    near = _middle(family, float(rng.uniform(0.2, 0.5)))
    pattern = _rhythm(rng, frame.beats, float(rng.uniform(0.4, 0.9)))
    degrees = [int(rng.choice([0, 0, 2, 4, 6, 3, -1])) for _ in pattern]
    fifths = family.poly and rng.random() < 0.4
    legato, loud = float(rng.uniform(0.4, 0.95)), float(rng.uniform(75, 110))
    notes = []
    for bar in range(frame.bars):
        root = frame.chords[bar % len(frame.chords)] if rng.random() < 0.7 else frame.chords[0]
        spots = [(beat, root + d) for beat, d in zip(pattern, degrees, strict=True)]
        line = _spell(rng, frame, family, bar, spots, near, legato, loud)
        notes += line
        if fifths:
            notes += [Note(n.start_s, n.length_s, n.midi + 7, n.velocity) for n in line]
    return notes


def _drums(rng: Rng, frame: _Frame, family: Family) -> list[Note]:
    kit = grooves.pick(rng, frame.beats)
    return [
        Note(frame.at(bar, beat), 0.3, piece, velocity)
        for bar in range(frame.bars)
        for beat, piece, velocity in kit.bar(rng, bar)
    ]


def _percussion(rng: Rng, frame: _Frame, family: Family) -> list[Note]:
    layers = []
    for piece in rng.choice(grooves.PERCUSSION, size=int(rng.integers(1, 4)), replace=False):
        layers.append(
            (int(piece), _rhythm(rng, frame.beats, float(rng.uniform(0.3, 0.9))), float(rng.uniform(60, 110)))
        )
    return [
        Note(frame.at(bar, beat), 0.3, piece, int(np.clip(rng.normal(loud, 9), 20, 127)))
        for bar in range(frame.bars)
        for piece, rhythm, loud in layers
        for beat in rhythm
    ]


_WRITERS = {
    "bass": _bass,
    "lead": _lead,
    "chords": _chords,
    "pad": _pad,
    "arpeggio": _arpeggio,
    "riff": _riff,
    "drums": _drums,
    "percussion": _percussion,
    "vocals": _lead,
}


def _humanise(rng: Rng, notes: list[Note], seconds: float) -> list[Note]:
    spread_s = float(rng.choice([0.0, 0.004, 0.01]))
    shaken = [
        Note(
            max(0.0, n.start_s + float(rng.normal(0, spread_s)) if spread_s else n.start_s),
            n.length_s,
            n.midi,
            n.velocity,
        )
        for n in notes
    ]
    return sorted((n for n in shaken if n.start_s < seconds - 0.05), key=lambda n: (n.start_s, n.midi))


def _presence(rng: Rng, notes: list[Note], seconds: float) -> tuple[Note, ...]:
    """Late entries, early exits and a silent middle for some parts."""
    chance = rng.random()
    cut = float(rng.uniform(0.25, 0.75)) * seconds
    if chance < 0.08:
        kept = [n for n in notes if n.start_s >= cut]
    elif chance < 0.16:
        kept = [n for n in notes if n.start_s < cut]
    elif chance < 0.22:
        kept = [n for n in notes if not cut * 0.6 <= n.start_s < cut * 1.2]
    else:
        kept = notes
    return tuple(kept or notes)
