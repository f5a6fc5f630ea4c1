"""Compose short pieces: who plays, what each writes, who doubles whom, who comes late, leaves early or rests.

Deterministic by generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from training.data.instruments import Family, families
from training.synthesis.harmony import MODES, PROGRESSIONS, PieceFrame, draw_frame
from training.synthesis.perform import perform
from training.synthesis.score import Note, Score, ScorePart
from training.synthesis.writers import WRITERS
from training.typing import Rng

__all__ = ["MODES", "PROGRESSIONS", "Note", "Score", "ScorePart", "cast", "compose", "pick_families"]

SHAPES = {"solo": 0.1, "duo": 0.25, "band": 0.65}
BAND_SIZES = {3: 0.38, 4: 0.27, 5: 0.2, 6: 0.1, 7: 0.05}
TWIN_SHARE = 0.12  # of the players after the first are a second one of a family that is there
RELATIVE_SHARE = 0.15  # or of a group that is there
DOUBLING_SHARE = 0.12
PAUSE_SHARE = 0.08  # of the pieces fall silent together for a moment
LINES = ("lead", "riff", "bass", "vocals")
INTERVALS = (0, 0, 12, -12)


def compose(rng: Rng, seconds: float, choose: list[Family] | None = None) -> Score:
    """Compose one piece.

    Args:
        choose: families to use, one part each with a line of its own; None means the composer's own choice, and
            then a part may double another.
    """
    frame, tempo_bpm, end_bpm = draw_frame(rng, seconds)
    chosen = choose if choose is not None else cast(rng)
    parts: list[ScorePart] = []
    for family in chosen:
        double = _doubled(rng, family, parts, seconds) if choose is None else None
        parts.append(double or _written(rng, frame, family, parts, seconds))
    if len(parts) > 1 and rng.random() < PAUSE_SHARE:
        parts = _pause(rng, parts, seconds)
    return Score(
        tempo_bpm=tempo_bpm,
        beats_per_bar=frame.beats,
        tonic=frame.tonic,
        mode=frame.mode,
        seconds=seconds,
        parts=tuple(parts),
        end_bpm=end_bpm,
        metre=frame.metre,
        harmony=frame.vocabulary,
        shape={1: "solo", 2: "duo"}.get(len(parts), "band"),
    )


def pick_families(rng: Rng) -> list[Family]:
    """The players of one piece; the same as ``cast`` with every family."""
    return cast(rng)


def cast(rng: Rng, able: Sequence[Family] | None = None) -> list[Family]:
    """Choose players: solo, duo or band; sometimes two of one family, sometimes relatives.

    Args:
        able: families to choose from; None means all that can be rendered.
    """
    pool = [f for f in (families().values() if able is None else able) if f.name != "vocals"]
    shape = str(rng.choice(list(SHAPES), p=list(SHAPES.values())))
    sizes = {"solo": 1, "duo": 2}
    size = sizes.get(shape) or int(rng.choice(list(BAND_SIZES), p=list(BAND_SIZES.values())))
    chosen: list[Family] = []
    if shape == "band":
        chosen += [f for f in pool if f.name == "drums" and rng.random() < 0.6]
        basses = [f for f in pool if "bass" in f.groups]
        if basses and rng.random() < 0.6:
            chosen.append(basses[rng.integers(len(basses))])
    while len(chosen) < size:
        chosen.append(_another(rng, pool, chosen))
    return chosen


def _another(rng: Rng, pool: list[Family], chosen: list[Family]) -> Family:
    """One more player; drums are never two."""
    melodic = [f for f in chosen if not f.drums]
    chance = rng.random()
    if melodic and chance < TWIN_SHARE:
        return melodic[rng.integers(len(melodic))]
    fresh = [f for f in pool if f.name not in {c.name for c in chosen}] or [f for f in pool if not f.drums] or pool
    if melodic and chance < TWIN_SHARE + RELATIVE_SHARE:
        mates = [f for f in fresh if set(f.groups) & set(melodic[-1].groups)]
        fresh = mates or fresh
    return fresh[rng.integers(len(fresh))]


def _written(rng: Rng, frame: PieceFrame, family: Family, parts: list[ScorePart], seconds: float) -> ScorePart:
    """A part with a line of its own."""
    taken = [part.role for part in parts]
    free = [role for role in family.roles if role not in taken] or list(family.roles)
    role = free[rng.integers(len(free))]
    notes = _present(rng, _humanise(rng, WRITERS[role](rng, frame, family), seconds), seconds)
    style, played = perform(rng, family, role, notes)
    return ScorePart(family.name, role, _inside(played, seconds), style)


def _doubled(rng: Rng, family: Family, parts: list[ScorePart], seconds: float) -> ScorePart | None:
    """A part that doubles an earlier line in unison or in octaves, where one fits and chance will have it."""
    if family.drums or rng.random() >= DOUBLING_SHARE:
        return None
    lines = [k for k, part in enumerate(parts) if part.role in LINES and part.doubles is None and part.notes]
    if not lines:
        return None
    model = lines[rng.integers(len(lines))]
    interval = int(INTERVALS[rng.integers(len(INTERVALS))])
    pitches = [note.midi + interval for note in parts[model].notes]
    if min(pitches) < family.low - 2 or max(pitches) > family.high + 2:
        return None
    late_s = np.abs(rng.normal(0, 0.006, len(pitches)))
    notes = [
        replace(n, start_s=n.start_s + float(late), midi=pitch, gesture=None)
        for n, pitch, late in zip(parts[model].notes, pitches, late_s, strict=True)
    ]
    return ScorePart(family.name, parts[model].role, _inside(notes, seconds), "", model, interval)


def _humanise(rng: Rng, notes: list[Note], seconds: float) -> list[Note]:
    spread_s = float(rng.choice([0.0, 0.004, 0.01]))
    shaken = [
        replace(n, start_s=max(0.0, n.start_s + float(rng.normal(0, spread_s)) if spread_s else n.start_s))
        for n in notes
    ]
    return list(_inside(shaken, seconds))


def _inside(notes: list[Note], seconds: float) -> tuple[Note, ...]:
    return tuple(sorted((n for n in notes if n.start_s < seconds - 0.05), key=lambda n: (n.start_s, n.midi)))


def _present(rng: Rng, notes: list[Note], seconds: float) -> list[Note]:
    """Late entries, early exits and a silent middle for some parts."""
    chance = rng.random()
    cut = float(rng.uniform(0.25, 0.75)) * seconds
    if chance < 0.08:
        kept = [n for n in notes if n.start_s >= cut]
    elif chance < 0.16:
        kept = _let_go([n for n in notes if n.start_s < cut], cut)
    elif chance < 0.22:
        kept = _let_go([n for n in notes if n.start_s < cut * 0.6], cut * 0.6)
        kept += [n for n in notes if n.start_s >= cut * 1.2]
    else:
        kept = notes
    return kept or notes


def _pause(rng: Rng, parts: list[ScorePart], seconds: float) -> list[ScorePart]:
    """Everybody rests for a moment."""
    start_s = float(rng.uniform(0.2, 0.7)) * seconds
    end_s = start_s + float(rng.uniform(0.08, 0.16)) * seconds
    paused = []
    for part in parts:
        before = _let_go([n for n in part.notes if n.start_s < start_s], start_s)
        notes = (*before, *(n for n in part.notes if n.start_s >= end_s))
        paused.append(replace(part, notes=notes or part.notes))
    return paused


def _let_go(notes: list[Note], end_s: float) -> list[Note]:
    """Nothing is held beyond the end."""
    return [replace(n, length_s=max(0.03, min(n.length_s, end_s - n.start_s))) for n in notes]
