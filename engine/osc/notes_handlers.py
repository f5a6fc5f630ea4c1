"""Notes of a finished job's stem, ``notes/hear``, and of any file, ``notes/file``.

Each is heard in a process of its own, one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

from engine import (
    EngineError,
    StemAnalysis,
    analysis_of_json,
    listening_command,
    listening_error,
    require_mido,
    write_new,
)
from engine.osc.job_intake import JobIntake
from engine.osc.job_replies import JobRefused, error_reply, sounds_of, without_folders
from engine.osc.listening_thread import ListeningThread
from engine.osc.protocol.arguments import Values
from engine.osc.protocol.specs import MessageSpec, at
from engine.osc.services import BridgeServices, refusals
from engine.osc.settings import BridgeSettings
from engine.osc.transport.sessions import ClientSession
from engine.osc.transport.turns import Work

WAITING_LIMIT = 8  # stems that may wait to be heard

Heard = tuple[StemAnalysis, Path]


class NotesHandlers:
    """The handlers of ``notes/``; a file that a message names follows the rules of a job's input.

    Args:
        settings: where results go, and whether strangers listen.
        intake: keeps a copy of a file.
        listening: waits for the processes that hear them.
    """

    def __init__(
        self, services: BridgeServices, settings: BridgeSettings, intake: JobIntake, listening: ListeningThread
    ) -> None:
        self._services = services
        self._out, self._lan = settings.out, settings.lan
        self._intake = intake
        self._listening = listening
        self._loop = asyncio.get_running_loop()
        self._waiting = 0
        self.by_address = {at("notes/hear"): self._on_hear, at("notes/file"): self._on_file}

    def _on_hear(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        id = values.text("id")
        with refusals(self._services, session, id):
            self._check_room()
            path = self._file_of(values.text("job"), values.text("part"))
            kind, each = values.text("as"), bool(values.whole("each"))
            self._waiting += 1
            future = self._listening.submit(lambda: self._hear(path, kind))
            future.add_done_callback(lambda done: self._tell(session, id, each, done, values.text("job")))

    def _on_file(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        id = values.text("id")
        with refusals(self._services, session, id):
            self._check_room()
            text, kind, each = values.text("input"), values.text("as"), bool(values.whole("each"))
            self._waiting += 1
            keeping = self._loop.run_in_executor(self._services.disk, self._intake.kept, text)
            task = self._loop.create_task(self._kept_heard(keeping, kind))
            task.add_done_callback(lambda done: self._tell(session, id, each, done))

    def _check_room(self) -> None:
        """Refuse what is too much, and what could not be written down.

        Raises:
            JobRefused: so many stems wait already.
            RequestError: mido is not installed.
        """
        require_mido()
        if self._waiting >= WAITING_LIMIT:
            raise JobRefused("full", f"{WAITING_LIMIT} stems wait to be heard; ask again when one is done")

    async def _kept_heard(self, keeping: asyncio.Future[Path], kind: str) -> Heard:
        """The notes of a file once its copy is there; the copy goes as soon as they are heard."""
        path = await keeping
        spool = path.parent.parent
        try:
            with _without_folders(spool):
                return await self._listening.submit(lambda: self._hear(path, kind))
        finally:
            self._services.removals.remove(spool)

    def _file_of(self, id: str, part: str) -> Path:
        """A file of a finished job.

        Raises:
            JobRefused: there is no such job, or it has no such file.
        """
        job = self._services.queue.store.find(id)
        if job.entry.outcome != "done":
            raise JobRefused("id", f"the job {id} has no result; wait for its end")
        if part not in job.entry.parts or part.startswith("midi"):
            there = ", ".join(sounds_of(job.entry.parts))
            raise JobRefused("arguments", f"the job {id} has no {part}; it has {there}")
        return Path(job.entry.parts[part])

    def _hear(self, path: Path, kind: str) -> Heard:
        """On the listening thread.

        Raises:
            AudioError: the file cannot be used.
            RequestError: it took too long.
        """
        said = self._listening.said(listening_command("notes", path, kind))
        try:
            heard = analysis_of_json(said)
        except (ValueError, RecursionError) as error:
            raise listening_error(said) from error
        return heard, write_new(self._out / f"{path.stem}.mid", ".mid", heard.midi_bytes())

    def _tell(self, session: ClientSession, id: str, each: bool, done: asyncio.Future[Heard], job: str = "") -> None:
        self._waiting -= 1
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or self._listening.closed:
            return
        if error is not None:
            self._services.fail(session, id, *error_reply(error))
            return
        if job:
            with contextlib.suppress(JobRefused):  # it was forgotten meanwhile
                self._services.queue.keep_notes(job, done.result()[1])
        self._services.turns.add(session.key, self._told(session, id, each, *done.result()))

    def _told(self, session: ClientSession, id: str, each: bool, heard: StemAnalysis, place: Path) -> Work:
        """Tell it note by note: there may be ten thousands, and others have their turn between them."""
        tell = self._services.tell
        if each:
            for note in heard.notes:
                row = (id, note.start_s, note.length_s, note.pitch, note.velocity, "")
                tell(session, at("notes/note"), row)
                yield session.wire.crowded
            for hit in heard.hits:
                tell(session, at("notes/note"), (id, hit.at_s, 0.0, float(hit.key), hit.velocity, hit.drum))
                yield session.wire.crowded
        path = place.name if self._lan or not session.local else str(place)
        time_map = heard.time_map
        bpm, beats = (time_map.bpm, time_map.beats_per_bar) if time_map is not None else (0.0, 4)
        first_s = time_map.from_the_start().first_s if time_map is not None else 0.0
        count = len(heard.notes) + len(heard.hits)
        said = "; ".join(heard.said)
        answer = (id, path, heard.kind, count, heard.confidence, bpm, beats, first_s, heard.key, said)
        tell(session, at("notes/heard"), answer)


@contextlib.contextmanager
def _without_folders(spool: Path) -> Iterator[None]:
    """Errors of the block do not tell where the bridge keeps a file."""
    try:
        yield
    except EngineError as error:
        values = {
            name: without_folders(str(value), str(spool)) if isinstance(value, (str, Path)) else value
            for name, value in error.values.items()
        }
        raise type(error)(error.template, **values) from error
