"""The notes that recorded instruments play in a take: nobody has to listen for what is known."""

from __future__ import annotations

import base64
import itertools
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine import DrumHit, EngineError, NoteEvent, StemResult, TimeMap, midi_bytes, read_midi_bytes

log = logging.getLogger(__name__)

Spans = Sequence[tuple[float, float]]  # seconds, each first and past the last, in order and apart


@dataclass(frozen=True, slots=True)
class PlayedNotes:
    """Notes and strokes.

    Attributes:
        notes, hits: in seconds from where the sound begins.
        time_map: tempo and bars they were written in, in the same seconds; None where there are none.
    """

    notes: tuple[NoteEvent, ...] = ()
    hits: tuple[DrumHit, ...] = ()
    time_map: TimeMap | None = None

    def __add__(self, other: PlayedNotes) -> PlayedNotes:
        """Both together, in the bars of the first that has some."""
        notes = sorted((*self.notes, *other.notes), key=lambda note: (note.start_s, note.pitch))
        hits = sorted((*self.hits, *other.hits), key=lambda hit: hit.at_s)
        return PlayedNotes(tuple(notes), tuple(hits), self.time_map or other.time_map)

    def moved(self, by_s: float) -> PlayedNotes:
        """The same, so many seconds later."""
        return PlayedNotes(
            tuple(note.moved(by_s) for note in self.notes),
            tuple(hit.moved(by_s) for hit in self.hits),
            self.time_map.moved(by_s) if self.time_map is not None else None,
        )

    def inside(self, spans_s: Spans) -> PlayedNotes:
        """What sounds in some spans."""
        notes = [note.inside(*span_s) for span_s in spans_s for note in self.notes]
        hits = [hit.inside(*span_s) for span_s in spans_s for hit in self.hits]
        return PlayedNotes(tuple(filter(None, notes)), tuple(filter(None, hits)), self.time_map)

    def text(self) -> str:
        """A MIDI file in base64, for a project; empty without notes.

        Raises:
            RequestError: mido is not installed.
        """
        if not self.notes and not self.hits:
            return ""
        return base64.b64encode(midi_bytes(self.notes, self.hits, self.time_map)).decode("ascii")


def played_of_text(text: str) -> PlayedNotes:
    """The reverse of ``PlayedNotes.text``. Slow where there are many: for a worker.

    Raises:
        RequestError: mido is not installed.
        AudioError: it is something else.
    """
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        content = b""  # which is no MIDI file either
    return PlayedNotes(*read_midi_bytes(content, "take.mid"))


def played_in(pieces: Sequence[StemResult], offset_s: float) -> PlayedNotes | None:
    """What recorded instruments play in the results of a job; None where that is not known of all of them.

    Args:
        offset_s: second of the project at which the input of the job begins.
    """
    if any(piece.midi is None or piece.made_by != "sampled" for piece in pieces):
        return None
    try:
        found = [PlayedNotes(*read_midi_bytes(Path(str(piece.midi)).read_bytes(), "take.mid")) for piece in pieces]
    except (OSError, EngineError) as error:
        log.info("the notes of a result could not be read, so somebody has to listen for them: %s", error)
        return None
    return sum(found, PlayedNotes()).moved(offset_s)


def spliced(new: PlayedNotes, old: PlayedNotes, spans_s: Spans) -> PlayedNotes:
    """New notes in some spans, old ones everywhere else; all in the same seconds."""
    edges_s = [-math.inf, *itertools.chain.from_iterable(spans_s), math.inf]
    return new.inside(spans_s) + old.inside(list(zip(edges_s[::2], edges_s[1::2], strict=True)))
