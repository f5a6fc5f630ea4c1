"""Results of finished jobs as a project that a DAW opens: ``session/export``."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from engine import (
    TempoEstimate,
    estimate_from_text,
    export_session,
    listening_command,
    listening_error,
    music_of,
    require_librosa,
    session_of,
)
from engine.osc.job_replies import JobRefused, error_reply, sounds_of
from engine.osc.listening_thread import ListeningThread
from engine.osc.protocol.arguments import Values
from engine.osc.protocol.specs import LIST_APART, MessageSpec, at
from engine.osc.services import BridgeServices, refusals
from engine.osc.settings import BridgeSettings
from engine.osc.transport.sessions import ClientSession

WAITING_LIMIT = 8  # sessions that may wait to be written

Exported = tuple[Path, int, float, str]  # what the DAW opens, tracks, beats per minute, notes


class SessionFileHandlers:
    """The handler of ``session/export``; it reads files of the bridge's own jobs and no others.

    Args:
        settings: where results go, and whether strangers listen.
        listening: waits for the process that hears a tempo.
    """

    def __init__(self, services: BridgeServices, settings: BridgeSettings, listening: ListeningThread) -> None:
        self._services = services
        self._listening = listening
        self._out, self._lan = settings.out, settings.lan
        self._loop = asyncio.get_running_loop()
        self._waiting = 0
        self.by_address = {at("session/export"): self._on_export}

    def _on_export(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        id = values.text("id")
        with refusals(self._services, session, id):
            if self._waiting >= WAITING_LIMIT:
                raise JobRefused("full", f"{WAITING_LIMIT} sessions wait to be written; ask again when one is done")
            asked = [name.strip() for name in values.text("jobs").split(LIST_APART)]
            files = [file for name in asked if name for file in self._files_of(name)]
            if not files:
                raise JobRefused("id", f"name at least one finished job, several with {LIST_APART} between")
            format, name = values.text("format"), values.text("name")
            if not name or Path(name).name != name:
                raise JobRefused("arguments", f"{name[:80]!r} is not the name of a session; give one without a folder")
            bpm = float(values.by_name["tempo"]) or None
            if bpm is not None and bpm < 0:
                require_librosa()
            self._waiting += 1
            if bpm is not None and bpm < 0:
                future = self._listening.submit(lambda: self._export_heard(files, format, name))
            else:
                export = partial(self._export, files, format, name, bpm)
                future = self._loop.run_in_executor(self._services.disk, export)
            future.add_done_callback(lambda done: self._tell(session, id, done))

    def _files_of(self, id: str) -> list[str]:
        """The files of a finished job, without what was edited by hand.

        Raises:
            JobRefused: there is no such job, or it has none.
        """
        job = self._services.queue.store.find(id)
        if job.entry.outcome != "done":
            raise JobRefused("id", f"the job {id} has no result; wait for its end")
        return list(sounds_of(job.entry.parts).values())

    def _export_heard(self, files: list[str], format: str, name: str) -> Exported:
        """With tempo, bars and key of the music; on the listening thread.

        Raises:
            AudioError: it cannot be heard.
        """
        music = music_of(files, input_stays=False)
        said = self._listening.said(listening_command("tempo", music))
        try:
            heard = estimate_from_text(said)
        except (ValueError, RecursionError) as error:
            raise listening_error(said) from error
        return self._export(files, format, name, None, heard, music)

    def _export(
        self, files: list[str], format: str, name: str, bpm: float | None, heard: TempoEstimate | None = None,
        heard_in: Path | None = None,
    ) -> Exported:  # fmt: skip
        """On the disk's thread, or the listening one."""
        session = session_of(files, bpm=bpm, heard=heard, heard_in=heard_in)
        place = export_session(session, format, self._out / name)
        return place, len(session.tracks), session.bpm, "; ".join(session.notes)

    def _tell(self, session: ClientSession, id: str, done: asyncio.Future[Exported]) -> None:
        self._waiting -= 1
        if done.cancelled() or self._listening.closed:
            return
        error = done.exception()
        if error is not None:
            self._services.fail(session, id, *error_reply(error))
            return
        place, tracks, bpm, notes = done.result()
        path = place.name if self._lan or not session.local else str(place)
        self._services.tell(session, at("session/exported"), (id, path, tracks, bpm, notes))
