"""Notes as frozen values: pitched ones, strokes on a drum kit, and all that was heard in a stem."""

from __future__ import annotations

from dataclasses import dataclass, replace

BEND_STEP_S = 256 / 22_050  # from one value of ``NoteEvent.bends`` to the next: a frame of the network

# General MIDI's percussion map: a kind of drum, and the key that plays it.
DRUM_KEYS: dict[str, int] = {
    "kick": 36,
    "snare": 38,
    "hi-hat": 42,
    "open hi-hat": 46,
    "tom": 45,
    "cymbal": 49,
}


@dataclass(frozen=True, slots=True)
class NoteEvent:
    """One note with a pitch.

    Attributes:
        start_s, end_s: in seconds of the sound it was heard in.
        pitch: MIDI number, 60 is middle C; the key where it is whole, else what was measured.
        velocity: loudness from 0 to 1, 1 is the loudest that MIDI has.
        bends: semitones against ``pitch``, one value every ``BEND_STEP_S`` from the start on; empty for none.
        confidence: 0 to 1, that it was played.
    """

    start_s: float
    end_s: float
    pitch: float
    velocity: float = 0.8
    bends: tuple[float, ...] = ()
    confidence: float = 1.0

    @property
    def key(self) -> int:
        """The nearest key of a keyboard, as MIDI counts."""
        return min(max(round(self.pitch), 0), 127)

    @property
    def length_s(self) -> float:
        """How long it sounds, in seconds."""
        return self.end_s - self.start_s

    def moved(self, by_s: float) -> NoteEvent:
        """The same, so many seconds later."""
        return replace(self, start_s=self.start_s + by_s, end_s=self.end_s + by_s)

    def inside(self, first_s: float, last_s: float) -> NoteEvent | None:
        """What sounds of it in a span; None where it is shorter than a frame of the network."""
        start_s, end_s = max(self.start_s, first_s), min(self.end_s, last_s)
        if (start_s, end_s) == (self.start_s, self.end_s):
            return self
        if end_s - start_s < BEND_STEP_S:
            return None
        gone, left = round((start_s - self.start_s) / BEND_STEP_S), max(round((end_s - start_s) / BEND_STEP_S), 1)
        return replace(self, start_s=start_s, end_s=end_s, bends=self.bends[gone : gone + left])


@dataclass(frozen=True, slots=True)
class DrumHit:
    """One stroke.

    Attributes:
        at_s: in seconds of the sound it was heard in.
        drum: a key of ``DRUM_KEYS``.
        velocity: loudness from 0 to 1.
        confidence: 0 to 1, that it was struck.
    """

    at_s: float
    drum: str
    velocity: float = 0.8
    confidence: float = 1.0

    @property
    def key(self) -> int:
        """Its key in General MIDI's percussion."""
        return DRUM_KEYS[self.drum]

    def moved(self, by_s: float) -> DrumHit:
        """The same, so many seconds later."""
        return replace(self, at_s=self.at_s + by_s)

    def inside(self, first_s: float, last_s: float) -> DrumHit | None:
        """Itself where it is struck in a span, else None."""
        return self if first_s <= self.at_s < last_s else None


@dataclass(frozen=True, slots=True)
class Transcription:
    """What was heard in a stem.

    Attributes:
        notes: by start, then pitch.
        confidence: 0 to 1, the F1 of the notes that is to be expected; 0 where there are none.
        length_s: of the sound.
        sure: of each note the probability that it was played; the notes' own confidence is the network's, that their
            key sounds.
    """

    notes: tuple[NoteEvent, ...] = ()
    confidence: float = 0.0
    length_s: float = 0.0
    sure: tuple[float, ...] = ()
