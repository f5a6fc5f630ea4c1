"""Metre, mode, chords, progression and tempo of a piece, shared by all its parts."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from training.typing import Rng

# metre: (beats in a bar, quarter notes in a beat, beats where a group begins)
METRES: dict[str, tuple[int, float, tuple[int, ...]]] = {
    "4/4": (4, 1.0, (0, 2)),
    "3/4": (3, 1.0, (0,)),
    "6/8": (6, 0.5, (0, 3)),
    "7/8": (7, 0.5, (0, 2, 4)),
}
METRE_SHARES = {"4/4": 0.58, "3/4": 0.16, "6/8": 0.15, "7/8": 0.11}
SLOWEST_BPM, FASTEST_BPM = 50.0, 200.0

MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "melodic minor": (0, 2, 3, 5, 7, 9, 11),
}
BRIGHT_MODES = ("major", "mixolydian", "lydian")
# scale steps a chord stacks on its root
VOCABULARIES: dict[str, tuple[int, ...]] = {
    "triads": (0, 2, 4),
    "sevenths": (0, 2, 4, 6),
    "added ninths": (0, 2, 4, 8),
    "sixths": (0, 2, 4, 5),
    "suspended": (0, 3, 4),
    "fifths": (0, 4, 7),
    "fourths": (0, 3, 6),
}
VOCABULARY_SHARES = (0.45, 0.18, 0.09, 0.07, 0.07, 0.07, 0.07)
# scale steps a melody keeps to
MELODIES: dict[str, tuple[int, ...]] = {"whole scale": (0, 1, 2, 3, 4, 5, 6), "five notes": (0, 1, 2, 4, 5)}
PROGRESSIONS = (
    (0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 4, 0), (5, 3, 0, 4), (0, 3), (1, 4, 0, 5), (0, 6, 5, 6),
    (0, 0, 3, 3, 4, 4, 0, 0), (0, 2, 3, 4), (3, 4, 2, 5), (0, 4), (0, 6, 3, 0), (0,), (1, 4, 0, 0), (0, 5, 1, 4),
    (0, 0, 0, 0, 3, 3, 0, 0, 4, 3, 0, 4), (0, 3, 6, 2, 5, 1, 4, 0), (0, 1, 3, 4),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BeatClock:
    """Time of every beat.

    Attributes:
        beat_s: length of a beat at the start.
        end_beat_s: and after ``total_beats``; the tempo goes evenly from one to the other.
    """

    beat_s: float
    end_beat_s: float
    total_beats: float

    def at(self, beat: float) -> float:
        """Seconds from the start of the piece to a beat."""
        first, last = 1 / self.beat_s, 1 / self.end_beat_s
        slope = (last - first) / self.total_beats
        if abs(slope) < 1e-9:
            return beat * self.beat_s
        return log(max(1 + slope * beat / first, 1e-3)) / slope


@dataclass(frozen=True, slots=True)
class PieceFrame:
    """Metre, key, chords and tempo, shared by all parts of a piece."""

    clock: BeatClock
    metre: str
    bars: int
    mode: str
    tonic: int
    chords: tuple[int, ...]  # scale degree per bar
    vocabulary: str
    melody: str
    swing: float

    @property
    def beats(self) -> int:
        """Beats in a bar."""
        return METRES[self.metre][0]

    @property
    def groups(self) -> tuple[int, ...]:
        """Beats of a bar that carry weight."""
        return METRES[self.metre][2]

    def at(self, bar: int, beat: float) -> float:
        """When a place in a bar sounds, in seconds."""
        whole, part = divmod(beat, 1.0)
        swung = part + self.swing * (1 - abs(2 * part - 1)) if part else part
        return self.clock.at(bar * self.beats + whole + swung)

    def last(self, bar: int, beat: float, beats: float) -> float:
        """How long ``beats`` beats last from there, in seconds."""
        return self.clock.at(bar * self.beats + beat + beats) - self.clock.at(bar * self.beats + beat)

    def pitch(self, degree: int, near: float) -> int:
        """Scale degree as a MIDI number as near as can be to ``near``."""
        octave, step = divmod(degree, 7)
        pitch = self.tonic + 12 * octave + MODES[self.mode][step]
        return int(pitch + 12 * round((near - pitch) / 12))

    def root(self, bar: int) -> int:
        """Scale degree of a bar's chord."""
        return self.chords[bar % len(self.chords)]

    def chord(self, bar: int, size: int, near: float) -> list[int]:
        """MIDI numbers of a bar's chord, low to high; may be fewer than asked where two fall on one key."""
        stack = VOCABULARIES[self.vocabulary]
        steps = [stack[k % len(stack)] + 7 * (k // len(stack)) for k in range(size)]
        return sorted({self.pitch(self.root(bar) + step, near + 3 * (k - 1)) for k, step in enumerate(steps)})

    def singable(self, degree: int) -> int:
        """The nearest degree that the melody keeps to."""
        octave, step = divmod(degree, 7)
        return 7 * octave + min(MELODIES[self.melody], key=lambda allowed: abs(allowed - step))


def draw_frame(rng: Rng, seconds: float) -> tuple[PieceFrame, float, float]:
    """Draw the common ground of a piece.

    Returns:
        the frame, and the tempo at start and end in quarter notes a minute.
    """
    metre = str(rng.choice(list(METRE_SHARES), p=list(METRE_SHARES.values())))
    beats, quarters, _ = METRES[metre]
    tempo_bpm = float(np.clip(rng.normal(112, 36), SLOWEST_BPM, FASTEST_BPM))
    drift = float(rng.normal(0, 0.05)) if rng.random() < 0.35 else 0.0
    end_bpm = float(np.clip(tempo_bpm * (1 + drift), SLOWEST_BPM, FASTEST_BPM))
    beat_s, end_beat_s = 60 / tempo_bpm * quarters, 60 / end_bpm * quarters
    bars = int(np.ceil(seconds / (min(beat_s, end_beat_s) * beats))) + 1
    total = seconds / ((beat_s + end_beat_s) / 2)
    frame = PieceFrame(
        clock=BeatClock(beat_s, end_beat_s, total),
        metre=metre,
        bars=bars,
        mode=str(rng.choice(list(MODES))),
        tonic=int(rng.integers(48, 60)),
        chords=PROGRESSIONS[rng.integers(len(PROGRESSIONS))],
        vocabulary=str(rng.choice(list(VOCABULARIES), p=VOCABULARY_SHARES)),
        melody=str(rng.choice(list(MELODIES))),
        swing=float(rng.choice([0, 0, 0, 0.12, 0.17])) if quarters == 1.0 else 0.0,
    )
    return frame, tempo_bpm, end_bpm
