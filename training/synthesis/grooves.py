"""Drum grooves: where kick, snare, hats, toms and cymbals fall in a bar, with fills (General MIDI numbers)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KICK, STICK, SNARE, CLAP, LOW_TOM, HAT, PEDAL_HAT, MID_TOM, OPEN_HAT, HIGH_TOM, CRASH, RIDE = (
    36, 37, 38, 39, 45, 42, 44, 47, 46, 50, 49, 51,
)  # fmt: skip
PERCUSSION = (37, 39, 54, 56, 60, 61, 62, 63, 64, 69, 70, 75, 76, 77)

# name: (beats per bar or 0 for any, {piece: positions in beats})
GROOVES: dict[str, tuple[int, dict[int, tuple[float, ...]]]] = {
    "four on the floor": (4, {KICK: (0, 1, 2, 3), CLAP: (1, 3), OPEN_HAT: (0.5, 1.5, 2.5, 3.5)}),
    "rock": (4, {KICK: (0, 2), SNARE: (1, 3), HAT: (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)}),
    "rock push": (4, {KICK: (0, 1.5, 2), SNARE: (1, 3), HAT: (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)}),
    "ride rock": (4, {KICK: (0, 2, 2.5), SNARE: (1, 3), RIDE: (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)}),
    "half time": (4, {KICK: (0, 0.75), SNARE: (2,), HAT: (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)}),
    "trap": (4, {KICK: (0, 1.75, 2.5), SNARE: (2,), HAT: tuple(np.arange(0, 4, 0.25).tolist())}),
    "boom bap": (4, {KICK: (0, 1.75, 2.25), SNARE: (1, 3), HAT: (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)}),
    "funk": (4, {KICK: (0, 0.75, 2.5), SNARE: (1, 1.75, 2.25, 3), HAT: tuple(np.arange(0, 4, 0.25).tolist())}),
    "disco": (4, {KICK: (0, 1, 2, 3), SNARE: (1, 3), HAT: tuple(np.arange(0, 4, 0.25).tolist())}),
    "break": (4, {KICK: (0, 0.5, 2.5, 2.75), SNARE: (1, 1.75, 3, 3.75), HAT: (0, 0.5, 1, 1.5, 2, 2.5, 3)}),
    "jungle": (4, {KICK: (0, 0.5, 2.25), SNARE: (1, 1.75, 3.25), RIDE: (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)}),
    "swing": (4, {RIDE: (0, 1, 1.67, 2, 3, 3.67), PEDAL_HAT: (1, 3), KICK: (0,)}),
    "shuffle": (4, {KICK: (0, 2), SNARE: (1, 3), HAT: (0, 0.67, 1, 1.67, 2, 2.67, 3, 3.67)}),
    "bossa": (4, {KICK: (0, 1.5, 2, 3.5), STICK: (0, 1.5, 3), HAT: (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)}),
    "reggae": (4, {KICK: (2,), STICK: (2,), HAT: (0.5, 1.5, 2.5, 3.5)}),
    "reggaeton": (4, {KICK: (0, 1, 2, 3), SNARE: (0.75, 1.5, 2.75, 3.5)}),
    "march": (4, {SNARE: (0, 0.5, 0.75, 1, 1.5, 2, 2.5, 2.75, 3, 3.5), KICK: (0, 2)}),
    "toms": (4, {KICK: (0, 2), LOW_TOM: (0.5, 1.5, 2.5), HIGH_TOM: (1, 3), MID_TOM: (3.5,)}),
    "hats only": (4, {HAT: tuple(np.arange(0, 4, 0.25).tolist()), OPEN_HAT: (3.5,)}),
    "kick only": (4, {KICK: (0, 1, 2, 3)}),
    "electro": (4, {KICK: (0, 0.75, 2.5), SNARE: (1, 3), HAT: (0.5, 1.5, 2.5, 3.5), CLAP: (3,)}),
    "blast": (4, {KICK: (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5), SNARE: (0.25, 0.75, 1.25, 1.75, 2.25, 2.75), CRASH: (0,)}),
    "waltz": (3, {KICK: (0,), SNARE: (1, 2), HAT: (0, 1, 2)}),
    "jazz waltz": (3, {RIDE: (0, 1, 1.67, 2), PEDAL_HAT: (1,), KICK: (0,)}),
    "six eight": (6, {KICK: (0,), SNARE: (3,), HAT: (0, 1, 2, 3, 4, 5)}),
    "six eight busy": (6, {KICK: (0, 2, 5), SNARE: (3,), RIDE: (0, 1, 2, 3, 4, 5)}),
    "seven": (7, {KICK: (0, 4), SNARE: (2, 6), HAT: (0, 1, 2, 3, 4, 5, 6)}),
    "seven rock": (7, {KICK: (0, 3, 5), SNARE: (2, 4, 6), RIDE: (0, 1, 2, 3, 4, 5, 6)}),
}


@dataclass(frozen=True, slots=True)
class Groove:
    """One groove as played in one piece."""

    beats: int
    hits: dict[int, tuple[float, ...]]
    loudness: dict[int, float]
    ghost: float

    def bar(self, rng: np.random.Generator, bar: int) -> list[tuple[float, int, int]]:
        """Hits of a bar as ``(beat, piece, velocity)``: every fourth bar may end in a fill, every fifth may crash."""
        fill_from = self.beats - 1 if bar % 4 == 3 and rng.random() < 0.6 else self.beats
        hits = []
        for piece, positions in self.hits.items():
            for beat in positions:
                if beat < fill_from and rng.random() > 0.03:
                    accent = 10 if beat % 1 == 0 else 0
                    hits.append((beat, piece, _velocity(rng, self.loudness[piece] + accent)))
        for k in range(int((self.beats - fill_from) * 4)):
            piece = int(rng.choice([SNARE, HIGH_TOM, MID_TOM, LOW_TOM]))
            hits.append((fill_from + k / 4, piece, _velocity(rng, 95)))
        if bar % 4 == 0 and rng.random() < 0.3:
            hits.append((0.0, CRASH, _velocity(rng, 100)))
        if rng.random() < self.ghost:
            hits.append((float(rng.integers(0, self.beats * 4)) / 4, SNARE, _velocity(rng, 45)))
        return hits


def pick(rng: np.random.Generator, beats: int) -> Groove:
    """A groove that fits the metre, with its own balance of pieces."""
    names = [name for name, (metre, _) in GROOVES.items() if metre == beats]
    hits = GROOVES[names[rng.integers(len(names))]][1]
    loudness = {piece: float(rng.uniform(70, 110)) for piece in hits}
    return Groove(beats, hits, loudness, float(rng.choice([0.0, 0.2, 0.5])))


def _velocity(rng: np.random.Generator, middle: float) -> int:
    return int(np.clip(rng.normal(middle, 7), 15, 127))
