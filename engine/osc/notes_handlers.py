"""Notes of a finished job's stem: ``notes/hear``. Each is heard in a process of its own, one after the other."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine import (
    StemAnalysis,
    analysis_of_json,
    listening_command,
    listening_error,
    midi_bytes,
    write_new,
)
from engine.osc.job_replies import Refused, error_reply
from engine.osc.listening_thread import ListeningThread
from engine.osc.protocol.arguments import Values
from engine.osc.protocol.specs import MessageSpec, at
from engine.osc.services import BridgeServices, refusals
from engine.osc.settings import BridgeSettings
from engine.osc.transport.sessions import ClientSession

WAITING_LIMIT = 8  # stems that may wait to be heard

Heard = tuple[StemAnalysis, Path]


class NotesHandlers:
    """The handler of ``notes/hear``; it reads files of the bridge's own jobs and no others.

    Args:
        services: the bridge around it.
        settings: where results go, and whether strangers listen.
        listening: waits for the processes that hear them.
    """

    def __init__(self, services: BridgeServices, settings: BridgeSettings, listening: ListeningThread) -> None:
        self._services = services
        self._out, self._lan = settings.out, settings.lan
        self._listening = listening
        self._waiting = 0
        self.by_address = {at("notes/hear"): self._on_hear}

    def _on_hear(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        id = values.text("id")
        with refusals(self._services, session, id):
            if self._waiting >= WAITING_LIMIT:
                raise Refused("full", f"{WAITING_LIMIT} stems wait to be heard; ask again when one is done")
            path = self._file_of(values.text("job"), values.text("part"))
            kind, each = values.text("as"), bool(values.whole("each"))
            self._waiting += 1
            future = self._listening.submit(lambda: self._hear(path, kind))
            future.add_done_callback(lambda done: self._tell(session, id, each, done))

    def _file_of(self, id: str, part: str) -> Path:
        """A file of a finished job.

        Raises:
            Refused: there is no such job, or it has no such file.
        """
        job = self._services.queue.store.find(id)
        if job.entry.outcome != "done":
            raise Refused("id", f"the job {id} has no result; wait for its end")
        if part not in job.entry.parts:
            there = ", ".join(name for name in job.entry.parts if name != "edited")
            raise Refused("arguments", f"the job {id} has no {part}; it has {there}")
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
        except ValueError as error:
            raise listening_error(said) from error
        content = midi_bytes(heard.notes, heard.hits, heard.time_map, heard.name)
        return heard, write_new(self._out / f"{path.stem}.mid", ".mid", content)

    def _tell(self, session: ClientSession, id: str, each: bool, done: asyncio.Future[Heard]) -> None:
        self._waiting -= 1
        if done.cancelled() or self._listening.closed:
            return
        error = done.exception()
        if error is not None:
            self._services.fail(session, id, *error_reply(error))
            return
        heard, place = done.result()
        tell = self._services.tell
        if each:
            for note in heard.notes:
                row = (id, note.start_s, note.length_s, note.pitch, note.velocity, "")
                tell(session, at("notes/note"), row)
            for hit in heard.hits:
                tell(session, at("notes/note"), (id, hit.at_s, 0.0, float(hit.key), hit.velocity, hit.drum))
        path = place.name if self._lan or not session.local else str(place)
        tempo = heard.tempo
        bpm = tempo.bpm if tempo is not None else 0.0
        first_s, beats = (tempo.first_s, tempo.beats_per_bar) if tempo is not None else (0.0, 4)
        key = tempo.key if tempo is not None else ""
        count = len(heard.notes) + len(heard.hits)
        said = "; ".join(heard.said)
        answer = (id, path, heard.kind, count, heard.confidence, bpm, beats, first_s, key, said)
        tell(session, at("notes/heard"), answer)
