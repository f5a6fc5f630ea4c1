"""Notes, pitch gestures, parts and whole pieces, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Gesture:
    """How the pitch of one note moves around the written pitch.

    Attributes:
        start_semitones: where it begins, reached ``start_s`` after the onset: a slide, a scoop, a bend up.
        end_semitones: where it ends, left ``end_s`` before the note stops: a fall, a release of a bend.
        vibrato_semitones: swing to either side, at ``vibrato_hz``, growing in after ``vibrato_from_s``.
    """

    start_semitones: float = 0.0
    start_s: float = 0.0
    end_semitones: float = 0.0
    end_s: float = 0.0
    vibrato_semitones: float = 0.0
    vibrato_hz: float = 5.0
    vibrato_from_s: float = 0.15

    def pitch(self, at_s: npt.NDArray[np.float64], length_s: float) -> npt.NDArray[np.float64]:
        """Semitones away from the written pitch at times since the onset."""
        moved = np.zeros_like(at_s)
        if self.start_s > 0:
            moved += self.start_semitones * np.clip(1 - at_s / self.start_s, 0, 1)
        if self.end_s > 0:
            moved += self.end_semitones * np.clip((at_s - (length_s - self.end_s)) / self.end_s, 0, 1)
        if self.vibrato_semitones:
            grown = np.clip((at_s - self.vibrato_from_s) / 0.2, 0, 1)
            moved += self.vibrato_semitones * grown * np.sin(2 * np.pi * self.vibrato_hz * (at_s - self.vibrato_from_s))
        return moved


@dataclass(frozen=True, slots=True)
class Note:
    """One sounding note: start and length in seconds, MIDI number (or kit piece), velocity 1..127."""

    start_s: float
    length_s: float
    midi: int
    velocity: int
    gesture: Gesture | None = None

    @property
    def end_s(self) -> float:
        """When it is let go."""
        return self.start_s + self.length_s


@dataclass(frozen=True, slots=True)
class ScorePart:
    """What one instrument plays.

    Attributes:
        family: key of the instrument table.
        role: what it does in the piece.
        notes: by time.
        style: manner of playing, "" when plain: see ``perform.STYLES``.
        doubles: number of the part whose line it doubles; None when the line is its own.
        interval: semitones above the doubled line: 0, 12 or -12.
    """

    family: str
    role: str
    notes: tuple[Note, ...]
    style: str = ""
    doubles: int | None = None
    interval: int = 0

    def sounding(self, start_s: float, end_s: float) -> bool:
        """True when a note is held at some time in the span."""
        return any(note.start_s < end_s and note.end_s > start_s for note in self.notes)


@dataclass(frozen=True, slots=True)
class Score:
    """One piece.

    Attributes:
        tempo_bpm: quarter notes a minute at the start.
        beats_per_bar: beats of a bar, as the metre counts them.
        tonic: MIDI number of the key note.
        mode: key of ``harmony.MODES``.
        seconds: length.
        parts: who plays what.
        end_bpm: tempo at the end; differs where the piece drifts.
        metre: for example ``6/8``.
        harmony: key of ``harmony.VOCABULARIES``.
        shape: solo, duo or band.
    """

    tempo_bpm: float
    beats_per_bar: int
    tonic: int
    mode: str
    seconds: float
    parts: tuple[ScorePart, ...]
    end_bpm: float = 0.0
    metre: str = "4/4"
    harmony: str = "triads"
    shape: str = "band"
