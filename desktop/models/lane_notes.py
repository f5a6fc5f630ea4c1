"""Notes of lanes: heard in a process of their own when they are asked for, and again when a lane sounds different.

A take that recorded instruments play brings its notes; nobody listens to what is known.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, Signal

from desktop.audio.export import file_name
from desktop.audio.store import AudioStore
from desktop.message import Message
from desktop.models.background import Background
from desktop.models.document import Document
from desktop.models.lane_files import LaneFiles, name_values
from desktop.models.lane_sound import LaneSounds
from desktop.models.played_notes import PlayedNotes, played_of_text
from desktop.models.project import Lane, LaneTake
from desktop.models.tempo import TempoModel
from desktop.models.text_cache import TextCache
from engine import (
    SURE_ENOUGH,
    DrumHit,
    EngineError,
    NoteEvent,
    OutputError,
    StemAnalysis,
    TimeMap,
    analysis_of_json,
    listening_command,
    listening_error,
    midi_bytes,
)

log = logging.getLogger(__name__)

LEAVE_MS = 2000


@dataclass(frozen=True, slots=True)
class NoteMark:
    """A note or stroke on the timeline.

    Attributes:
        first, last: samples of the project, past the last.
        pitch: MIDI number; of a stroke the key of its drum.
        velocity: loudness from 0 to 1.
        drum: what was struck; empty for a note.
    """

    first: int
    last: int
    pitch: float
    velocity: float
    drum: str = ""


@dataclass(frozen=True, slots=True)
class _HeardLane:
    key: str  # of the sound that was heard
    start: int  # sample of the project where it begins
    analysis: StemAnalysis
    time_map: TimeMap | None = None  # that the notes were written in, in their seconds; None for those that were heard


class LaneNotes(QObject):
    """What is heard in the lanes of a document.

    Args:
        store: where estimates are kept and MIDI files go.
        tempo: bars and beats, for MIDI files.
        files: of the lanes; they are listened to.
        background: writes those that are not there, and keeps what was heard.

    Signals:
        changed: id of a lane whose notes are shown, not shown, or others.
        told: a ``Message`` for the status line.
        failed: an ``EngineError``.
    """

    changed = Signal(str)
    told = Signal(object)
    failed = Signal(object)

    def __init__(
        self, document: Document, store: AudioStore, sounds: LaneSounds, tempo: TempoModel, files: LaneFiles,
        background: Background, parent: QObject,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._document, self._store, self._sounds = document, store, sounds
        self._tempo, self._files, self._background = tempo, files, background
        self._kept = TextCache(store.cache, ".notes", background)
        self._heard: dict[str, _HeardLane] = {}
        self._shown: set[str] = set()
        self._waiting: list[str] = []
        self._process: QProcess | None = None
        document.changed.connect(lambda before, after: self._on_change())

    def is_shown(self, lane_id: str) -> bool:
        """True once somebody asked for the notes of a lane."""
        return lane_id in self._shown

    def show(self, lane_id: str, shown: bool) -> None:
        """Show the notes of a lane, which are heard first, or no longer."""
        (self._shown.add if shown else self._shown.discard)(lane_id)
        if shown and self._current(lane_id) is None:
            self._ask(lane_id)
        self.changed.emit(lane_id)

    def marks(self, lane_id: str) -> tuple[NoteMark, ...]:
        """What to draw on a lane; empty where nothing is shown or heard yet."""
        heard, rate_hz = self._current(lane_id), self._document.project.rate_hz
        if heard is None or lane_id not in self._shown:
            return ()
        notes = [
            self._note(heard.start + round(note.start_s * rate_hz), round(note.length_s * rate_hz), note)
            for note in heard.analysis.notes
        ]
        return (*notes, *(self._stroke(hit, heard.start, rate_hz) for hit in heard.analysis.hits))

    def midi_file(self, lane_id: str) -> Path:
        """Write the notes of a lane as a MIDI file; it begins where the sound of the lane does.

        Raises:
            RequestError: mido is not installed.
            OutputError: it cannot be written.
        """
        lane, heard = self._lane(lane_id), self._current(lane_id)
        if lane is None or heard is None:
            raise OutputError("the notes of this lane are not heard yet; wait a moment")
        time_map, project = self._tempo.time_map, self._document.project
        if time_map is not None and project.rate_hz:
            time_map = time_map.moved(-heard.start / project.rate_hz)
        elif (time_map := heard.time_map) is None:
            self.told.emit(Message("no tempo is known, so the MIDI file of {lane} has 120", lane=lane.name))
        content = midi_bytes(heard.analysis.notes, heard.analysis.hits, time_map, lane.name, self._tempo.key)
        folder = self._store.folder.parent / "out" / hashlib.sha256(content).hexdigest()[:12]
        path = folder / (file_name("{track} - {stem}", name_values(project, lane, 1, self._files.said)) + ".mid")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise OutputError(
                "cannot write to {folder} ({reason}); make room there", folder=folder, reason=error.strerror or error
            ) from error
        return path

    def has_notes(self, lane_id: str) -> bool:
        """True where there is something for a MIDI file."""
        heard = self._current(lane_id)
        return heard is not None and bool(heard.analysis.notes or heard.analysis.hits)

    def close(self) -> None:
        """Stop listening for good."""
        self._waiting.clear()
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.waitForFinished(LEAVE_MS)
            process.deleteLater()

    def _note(self, first: int, samples: int, note: NoteEvent) -> NoteMark:
        return NoteMark(first, first + samples, note.pitch, note.velocity)

    def _stroke(self, hit: DrumHit, start: int, rate_hz: int) -> NoteMark:
        at = start + round(hit.at_s * rate_hz)
        return NoteMark(at, at + max(rate_hz // 30, 1), float(hit.key), hit.velocity, hit.drum)

    def _lane(self, lane_id: str) -> Lane | None:
        return self._document.project.lane(lane_id)

    def _key(self, lane: Lane) -> str:
        """Another one for another sound."""
        bank = self._sounds.bank(self._document.project)
        stored = bank.stored(lane)
        return hashlib.sha256(repr((stored.audio.sha256 if stored else bank.key(lane), lane.name)).encode()).hexdigest()

    def _current(self, lane_id: str) -> _HeardLane | None:
        """What was heard, as long as the lane still sounds like that."""
        lane, heard = self._lane(lane_id), self._heard.get(lane_id)
        return heard if lane is not None and heard is not None and heard.key == self._key(lane) else None

    def _on_change(self) -> None:
        for lane_id in sorted(self._shown):
            if self._lane(lane_id) is not None and self._current(lane_id) is None:
                self._ask(lane_id)
            self.changed.emit(lane_id)

    def _ask(self, lane_id: str) -> None:
        if lane_id not in self._waiting:
            self._waiting.append(lane_id)
        self._next()

    def _next(self) -> None:
        """Listen to the lane that waits longest, unless one is being heard."""
        while self._waiting and self._process is None:
            lane_id = self._waiting.pop(0)
            lane = self._lane(lane_id)
            if lane is None or lane_id not in self._shown or self._current(lane_id) is not None:
                continue
            key = self._key(lane)
            start = self._sounds.bank(self._document.project).heard(lane).start
            if (take := self._played(lane)) is not None:
                self._process = QProcess(self)
                self._read(take, lane, key, start)
                return
            analysis = self._known(key)
            if analysis is None:
                self._process = QProcess(self)
                self.told.emit(Message("listening to the notes of {lane} …", lane=lane.name))
                self._begin(lane_id, key, start)
                return
            self._take(lane_id, _HeardLane(key, start, analysis))

    def _played(self, lane: Lane) -> LaneTake | None:
        """The take that a lane sounds like, or a part of it, where it brings its notes."""
        bank = self._sounds.bank(self._document.project)
        take = bank.stored(replace(lane, fade_in=0, fade_out=0, span=None))
        return take if take is not None and take.midi else None

    def _read(self, take: LaneTake, lane: Lane, key: str, start: int) -> None:
        """Have a worker read the notes of a take; where that fails, somebody listens."""
        rate_hz = self._document.project.rate_hz
        first, last = lane.span or (take.start, take.end)

        def read() -> PlayedNotes:
            played = played_of_text(take.midi).inside([((first - take.start) / rate_hz, (last - take.start) / rate_hz)])
            return played.moved((take.start - start) / rate_hz)

        def use(played: PlayedNotes) -> None:
            self._forget()
            self._take(lane.id, _HeardLane(key, start, _analysis(played, lane.name), played.time_map))
            self._next()

        def listen(error: EngineError) -> None:
            log.warning("the notes of a take cannot be read, so somebody listens: %s", error)
            self._begin(lane.id, key, start)

        self._background.run(read, use, listen)

    def _begin(self, lane_id: str, key: str, start: int) -> None:
        """Have the file of a lane made, then listen to it."""
        try:
            path = self._files.at_once(lane_id)
            make = self._files.rendering(lane_id, check=self._background.check) if path is None else None
        except EngineError as error:
            self._fail(lane_id, error)
            return
        if path is not None:
            self._start(path, lane_id, key, start)
        elif make is not None:
            self._background.run(
                make, lambda made: self._start(made, lane_id, key, start), lambda error: self._fail(lane_id, error)
            )

    def _fail(self, lane_id: str, error: EngineError) -> None:
        self._forget()
        self._shown.discard(lane_id)
        self.failed.emit(error)
        self.changed.emit(lane_id)
        self._next()

    def _start(self, path: Path, lane_id: str, key: str, start: int) -> None:
        process, lane = self._process, self._lane(lane_id)
        if process is None or lane is None:
            self._forget()
            return
        process.finished.connect(lambda code, status: self._on_finished(process, lane_id, key, start, code))
        process.errorOccurred.connect(lambda error: self._on_finished(process, lane_id, key, start, -1))
        command = listening_command("notes", path, name=lane.name, with_tempo=False)
        process.start(command[0], command[1:])

    def _on_finished(self, process: QProcess, lane_id: str, key: str, start: int, code: int) -> None:
        if process is not self._process:
            return
        said = bytes(process.readAllStandardOutput().data()).decode("utf-8", "replace")
        self._forget()
        try:
            if code != 0:
                raise listening_error(said)
            analysis = analysis_of_json(said)
        except EngineError as error:
            self._fail(lane_id, error)
            return
        except ValueError:
            self._fail(lane_id, listening_error(""))
            return
        self._kept.keep(key, json.dumps(json.loads(said)))
        self._take(lane_id, _HeardLane(key, start, analysis))
        self._next()

    def _take(self, lane_id: str, heard: _HeardLane) -> None:
        self._heard[lane_id] = heard
        self.told.emit(self._words(heard.analysis))
        self.changed.emit(lane_id)

    def _words(self, analysis: StemAnalysis) -> Message:
        count = len(analysis.notes) + len(analysis.hits)
        if not count:
            return Message("no notes are heard in {lane}", lane=analysis.name)
        if analysis.confidence < SURE_ENOUGH:
            return Message("{count} notes in {lane}, which are uncertain: check them", count=count, lane=analysis.name)
        return Message("{count} notes in {lane}", count=count, lane=analysis.name)

    def _forget(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()

    def _known(self, key: str) -> StemAnalysis | None:
        """What was heard of a sound before; None where nothing was, or it cannot be read."""
        try:
            return analysis_of_json(text) if (text := self._kept.get(key)) is not None else None
        except ValueError:
            return None


def _analysis(played: PlayedNotes, name: str) -> StemAnalysis:
    """Notes that are known, as if they had been heard without a doubt."""
    ends_s = [note.end_s for note in played.notes] + [hit.at_s for hit in played.hits]
    return StemAnalysis(
        name=name, kind="notes" if played.notes or not played.hits else "drums", length_s=max(ends_s, default=0.0),
        notes=played.notes, hits=played.hits, confidence=1.0,
    )  # fmt: skip
