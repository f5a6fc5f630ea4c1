"""Notes of a finished job's stem: ``notes/hear``. Each is heard in a process of its own, one after the other."""

from __future__ import annotations

import asyncio
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine import (
    RequestError,
    StemAnalysis,
    analysis_of_json,
    listening_command,
    listening_error,
    midi_bytes,
    write_new,
)
from engine.osc.job_replies import Refused, error_reply
from engine.osc.protocol.arguments import Values
from engine.osc.protocol.specs import MessageSpec, at
from engine.osc.services import BridgeServices, refusals
from engine.osc.settings import BridgeSettings
from engine.osc.transport.sessions import ClientSession

WAITING_LIMIT = 8  # stems that may wait to be heard
LISTEN_LIMIT_S = 900.0

Heard = tuple[StemAnalysis, Path]


class NotesHandlers:
    """The handler of ``notes/hear``; it reads files of the bridge's own jobs and no others.

    Args:
        services: the bridge around it.
        settings: where results go, and whether strangers listen.
    """

    def __init__(self, services: BridgeServices, settings: BridgeSettings) -> None:
        self._services = services
        self._out, self._lan = settings.out, settings.lan
        self._loop = asyncio.get_running_loop()
        self._listener = ThreadPoolExecutor(1, thread_name_prefix="fluxstem-osc-notes")
        self._process: subprocess.Popen[str] | None = None
        self._waiting = 0
        self._closed = False
        self.by_address = {at("notes/hear"): self._on_hear}

    def close(self) -> None:
        """Give up what is being heard."""
        self._closed = True
        self._listener.shutdown(wait=False, cancel_futures=True)
        process = self._process
        if process is not None:
            process.kill()
        self._listener.shutdown(wait=True)

    def _on_hear(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        id = values.text("id")
        with refusals(self._services, session, id):
            if self._waiting >= WAITING_LIMIT:
                raise Refused("full", f"{WAITING_LIMIT} stems wait to be heard; ask again when one is done")
            path = self._file_of(values.text("job"), values.text("part"))
            kind, each = values.text("as"), bool(values.whole("each"))
            self._waiting += 1
            future = self._loop.run_in_executor(self._listener, lambda: self._hear(path, kind))
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
        """On the listener's thread.

        Raises:
            AudioError: the file cannot be used.
            RequestError: nothing came out of the process.
        """
        if self._closed:
            raise RequestError("the bridge is closed")
        command = listening_command("notes", path, kind)
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            said, _ = self._process.communicate(timeout=LISTEN_LIMIT_S)
        except subprocess.TimeoutExpired as error:
            raise RequestError("{name} took too long to be heard; cut it", name=path.name) from error
        finally:
            self._process.kill()
            self._process.wait()
            self._process = None
        try:
            heard = analysis_of_json(said)
        except ValueError as error:
            raise listening_error(said) from error
        content = midi_bytes(heard.notes, heard.hits, heard.time_map, heard.name)
        return heard, write_new(self._out / f"{path.stem}.mid", ".mid", content)

    def _tell(self, session: ClientSession, id: str, each: bool, done: asyncio.Future[Heard]) -> None:
        self._waiting -= 1
        if self._closed or done.cancelled():
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
        row = (id, path, heard.kind, count, heard.confidence, bpm, beats, first_s, key, "; ".join(heard.said))
        tell(session, at("notes/heard"), row)
