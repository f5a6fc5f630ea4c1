"""The jobs of the bridge: each id is one job, however often it is asked for; the engine does them in order.

Everything here runs on the bridge's loop but ``_prepare``, which reads files and runs on one thread, so jobs keep the
order they came in. A job whose engine process dies is tried again; a killed bridge takes up its journal where it was.
Knows nothing of packets.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine import Accepted, CancelledJob, Done, Engine, EngineError, Event, Failed, Progress, check_values
from engine.osc.clip_pieces import Clips
from engine.osc.home import Home
from engine.osc.journal import KEPT_FINISHED, Journal, JournalEntry, again
from engine.osc.paths import Roots, pin
from engine.osc.protocol.arguments import Plain, Values
from engine.osc.protocol.requests import PROGRESS_PER_S, MessageSpec, at
from engine.osc.request_builder import (
    CODE_OF,
    Refused,
    build_request,
    done_parts,
    done_reply,
    error_reply,
    inputs_of,
    part_of,
    reply_args,
    request_of_values,
    request_values,
    without_folders,
)
from engine.osc.transport.sessions import ClientSession

log = logging.getLogger(__name__)

QUEUE_LIMIT = 1000
ATTEMPTS_LIMIT = 3  # engine processes that may die over one job
CLIP_PREFIX = "clip:"

ReplyValue = Plain | tuple[Plain, ...]
SendReply = Callable[[ClientSession, str, tuple[ReplyValue, ...]], None]


@dataclass(slots=True, eq=False)
class BridgeJob:
    """One job, as long as the bridge remembers it.

    Attributes:
        entry: as it stands in the journal.
        state: ``preparing``, ``waiting``, ``running`` or ``finished``.
        engine_job: the engine's own name for it.
        listeners: who is told.
    """

    entry: JournalEntry
    state: str = "preparing"
    engine_job: str | None = None
    fraction: float = 0.0
    stage: str = "waiting"
    cancel_asked: bool = False
    told_s: float = float("-inf")
    listeners: list[ClientSession] = field(default_factory=list)


class Book:
    """All jobs.

    Args:
        engine: does them.
        home: where the journal and the spool are.
        roots: where inputs may lie.
        clips: those sent by wire.
        out: folder of the results.
        bundle: taken when a message names none.
        disk: one thread that may wait for the disk.
        tell: sends one reply to one session.
        watchers: who hears the events of all jobs.
    """

    def __init__(
        self,
        engine: Engine,
        home: Home,
        roots: Roots,
        clips: Clips,
        out: Path,
        bundle: str,
        disk: Executor,
        tell: SendReply,
        watchers: Callable[[], list[ClientSession]],
    ) -> None:
        self._engine = engine
        self._home = home
        self._roots = roots
        self._clips = clips
        self._out = out
        self._bundle = bundle
        self._disk = disk
        self._tell_one = tell
        self._watchers = watchers
        self._loop = asyncio.get_running_loop()
        self._journal = Journal(home.journal)
        self._jobs: dict[str, BridgeJob] = {}
        self._by_engine_job: dict[str, BridgeJob] = {}
        self._last_number = 0
        self.restarts = 0
        self._closed = False
        self._unsubscribe = engine.subscribe(self._from_engine)

    def recover(self) -> int:
        """Take up what a killed bridge left; finished jobs still answer, the others go into the queue again.

        Returns:
            How many are done again.
        """
        entries = sorted(self._journal.entries.values(), key=lambda entry: entry.number)
        for entry in entries:
            self._jobs[entry.id] = BridgeJob(entry, "finished" if entry.outcome else "waiting")
            self._last_number = entry.number
        unfinished = [job for job in self._jobs.values() if job.entry.outcome is None]
        self._home.sweep({job.entry.spool for job in unfinished})
        for job in unfinished:
            self._submit(job)
        return len(unfinished)

    def close(self) -> None:
        """Hear no more; unfinished jobs stop, and stay in the journal for the next bridge."""
        self._closed = True
        self._unsubscribe()
        for name in self._by_engine_job:
            self._engine.cancel(name)
        self._journal.close()

    def sync(self) -> None:
        """Bring the journal to the disk."""
        self._journal.sync()

    # What messages ask for.

    def ask(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        """Take on a job, or tell how it stands when its id is known with the same arguments.

        Raises:
            Refused: the id is taken, or there is too much to do.
        """
        name = values.text("id")
        asked = {key: value for key, value in values.by_name.items() if key != "id"}
        job = self._jobs.get(name)
        if job is not None:
            if (job.entry.task, job.entry.asked) != (row.task, asked):
                raise Refused("id", f"the id {name} belongs to another job; choose another id")
            self._listen(job, session)
            if job.state != "preparing":
                self._tell_one(session, at("ack"), (name, job.entry.number))
            self._retell(session, job)
            return
        if len(self.unfinished()) >= QUEUE_LIMIT:
            raise Refused("full", f"{QUEUE_LIMIT} jobs are waiting; ask again when some are done")
        self._last_number += 1
        job = BridgeJob(
            JournalEntry(id=name, number=self._last_number, task=row.task, asked=asked), listeners=[session]
        )
        self._jobs[name] = job
        future = self._loop.run_in_executor(self._disk, self._prepare, job.entry)
        future.add_done_callback(lambda done: self._prepared(job, done))

    def cancel(self, session: ClientSession, name: str) -> None:
        """Stop a job.

        Raises:
            Refused: there is none of that id.
        """
        job = self._find(name)
        self._listen(job, session)
        if self._retell(session, job):
            return
        job.cancel_asked = True
        if job.engine_job is not None:
            self._engine.cancel(job.engine_job)

    def result(self, session: ClientSession, name: str) -> None:
        """Tell how a job stands, and its further events too.

        Raises:
            Refused: there is none of that id.
        """
        job = self._find(name)
        self._listen(job, session)
        if not self._retell(session, job):
            self._tell_one(session, at("progress"), (name, job.fraction, job.stage))

    def send_back(self, name: str, path: Path, place: tuple[str, str, int]) -> None:
        """Give a finished job's sender, and all who watch, a version that was edited by hand.

        Args:
            name: the client's own name for the job.
            path: the file; it stays where it is.
            place: start and length in samples of the input, as decimal text, and rate in Hz.

        Raises:
            Refused: there is no such job, or it is not finished.
        """
        job = self._find(name)
        if job.entry.outcome != "done":
            raise Refused("id", f"the job {name} has no result that could have been edited")
        parts = {**job.entry.parts, "edited": str(path)}
        job.entry = replace(job.entry, parts=parts, edited=(1, [str(path)], *place))
        self._write(job.entry)
        self._tell(job, *self._edited(job))

    def name_of(self, engine_job: str) -> str | None:
        """The client's own name for a job of the engine; None when it is nobody's. From any thread."""
        jobs = list(self._jobs.values())
        return next((job.entry.id for job in jobs if job.engine_job == engine_job), None)

    def result_path(self, name: str, part: str) -> Path:
        """The file of a finished job.

        Raises:
            Refused: there is no such job, or no such file of it.
        """
        path = part_of(self._find(name).entry.parts, part)
        if path is None:
            raise Refused("id", f"the job {name} has no {part[:40]} to give")
        return Path(path)

    def unfinished(self) -> list[BridgeJob]:
        """Jobs in the order they came."""
        return [job for job in self._jobs.values() if job.state != "finished"]

    def counts(self) -> tuple[int, int, int]:
        """How many are waiting, running, finished."""
        states = [job.state for job in self._jobs.values()]
        running = states.count("running")
        finished = states.count("finished")
        return len(states) - running - finished, running, finished

    def forget(self, session: ClientSession) -> None:
        """A connection is closed: nobody is there to be told."""
        for job in self._jobs.values():
            if session in job.listeners:
                job.listeners.remove(session)

    # On the disk thread.

    def _prepare(self, entry: JournalEntry) -> JournalEntry:
        """Bring the inputs into safety, check the request, write it down.

        Raises:
            PathRefused, ClipError, EngineError, OSError: it cannot be done; nothing is left.
        """
        spool = self._home.new_spool()
        try:
            inputs = inputs_of(entry, spool, self._pinned)
            request = build_request(entry, inputs, self._out, self._bundle)
            check_values(request)  # what needs the disk is checked by the engine; the bridge adds little time
            ready = replace(entry, request=request_values(request), spool=str(spool))
            self._journal.put(ready)
        except BaseException:
            shutil.rmtree(spool, ignore_errors=True)
            raise
        return ready

    def _pinned(self, text: str, folder: Path) -> str:
        if text.startswith(CLIP_PREFIX):
            return str(self._clips.pin(text.removeprefix(CLIP_PREFIX), folder))
        return str(pin(self._roots, text, folder))

    # Back on the loop.

    def _prepared(self, job: BridgeJob, done: asyncio.Future[JournalEntry]) -> None:
        if self._closed or done.cancelled():
            return
        error = done.exception()
        if error is not None:
            del self._jobs[job.entry.id]
            code, text = error_reply(error)
            self._tell(job, at("fail"), (job.entry.id, code, self._public(job, text)))
            return
        job.entry, job.state = done.result(), "waiting"
        self._tell(job, at("ack"), (job.entry.id, job.entry.number))
        if job.cancel_asked:
            self._finish(job, "cancelled", ())
        else:
            self._submit(job)

    def _submit(self, job: BridgeJob) -> None:
        try:
            job.engine_job = self._engine.submit(request_of_values(job.entry.request))
        except EngineError as error:
            self._finish(job, "fail", (CODE_OF.get(type(error).__name__, "internal"), str(error)))
            return
        self._by_engine_job[job.engine_job] = job

    def _from_engine(self, event: Event) -> None:
        """On the engine's thread."""
        if not self._closed:
            self._loop.call_soon_threadsafe(self._hear, event)

    def _hear(self, event: Event) -> None:
        job = self._by_engine_job.get(event.job)
        if job is None or job.state == "finished" or self._closed:
            return
        match event:
            case Accepted():
                pass
            case Progress():
                self._progressed(job, event)
            case Done():
                job.entry = replace(job.entry, parts=done_parts(job.entry.task, event))
                self._finish(job, "done", done_reply(job.entry.task, event))
            case Failed(kind="HostError") if job.entry.attempts + 1 < ATTEMPTS_LIMIT and not job.cancel_asked:
                self._try_again(job, event)
            case Failed():
                text = self._public(job, event.message)
                self.restarts += event.kind == "HostError"
                self._finish(job, "fail", (CODE_OF.get(event.kind, "internal"), text))
            case CancelledJob():
                self._finish(job, "cancelled", ())

    def _progressed(self, job: BridgeJob, event: Progress) -> None:
        job.state, job.fraction, job.stage = "running", event.fraction, event.stage
        now_s = self._loop.time()
        if now_s - job.told_s >= 1 / PROGRESS_PER_S:
            job.told_s = now_s
            self._tell(job, at("progress"), (job.entry.id, event.fraction, event.stage))

    def _try_again(self, job: BridgeJob, event: Failed) -> None:
        log.warning("job %s: %s; it is tried again", job.entry.id, event.message)
        self.restarts += 1
        self._by_engine_job.pop(event.job, None)
        job.entry, job.state, job.fraction = again(job.entry), "waiting", 0.0
        job.stage = "the engine process died and is replaced; trying again"
        job.told_s = self._loop.time()
        self._write(job.entry)
        self._tell(job, at("progress"), (job.entry.id, 0.0, job.stage))
        self._submit(job)

    def _finish(self, job: BridgeJob, outcome: str, reply: tuple[Any, ...]) -> None:
        spool = job.entry.spool
        job.entry = replace(job.entry, outcome=outcome, reply=reply, request=None, spool="")
        job.state = "finished"
        if job.engine_job is not None:
            self._by_engine_job.pop(job.engine_job, None)
        self._write(job.entry)
        self._tell(job, *self._outcome(job))
        job.listeners = [one for one in job.listeners if one.local or one.wire.reliable]  # who may hear of it later
        if spool:
            self._loop.run_in_executor(self._disk, lambda: shutil.rmtree(spool, ignore_errors=True))
        self._trim()

    def _write(self, entry: JournalEntry) -> None:
        try:
            self._journal.put(entry)
        except OSError as error:
            log.error("the journal cannot be written (%s); a restart would do job %s again", error, entry.id)

    def _trim(self) -> None:
        finished = [name for name, job in self._jobs.items() if job.state == "finished"]
        for name in finished[: max(len(finished) - KEPT_FINISHED, 0)]:
            del self._jobs[name]

    def _retell(self, session: ClientSession, job: BridgeJob) -> bool:
        """Say again what is to be said of a finished job; False when it is not finished."""
        if job.state != "finished":
            return False
        self._tell_one(session, *self._outcome(job))
        if job.entry.edited:
            self._tell_one(session, *self._edited(job))
        return True

    def _outcome(self, job: BridgeJob) -> tuple[str, tuple[ReplyValue, ...]]:
        return at(job.entry.outcome or "progress"), reply_args(job.entry.id, job.entry.reply)

    def _edited(self, job: BridgeJob) -> tuple[str, tuple[ReplyValue, ...]]:
        return at("edited"), reply_args(job.entry.id, job.entry.edited)

    def _find(self, name: str) -> BridgeJob:
        try:
            return self._jobs[name]
        except KeyError:
            raise Refused("id", f"there is no job {name}; see {at('jobs')}") from None

    def _listen(self, job: BridgeJob, session: ClientSession) -> None:
        if session not in job.listeners and (job.state != "finished" or session.local or session.wire.reliable):
            job.listeners.append(session)

    def _tell(self, job: BridgeJob, address: str, args: tuple[ReplyValue, ...]) -> None:
        for session in {id(one): one for one in (*job.listeners, *self._watchers())}.values():
            self._tell_one(session, address, args)

    def _public(self, job: BridgeJob, text: str) -> str:
        """A sentence of the engine without the names of private folders."""
        return without_folders(text, job.entry.spool).replace(str(self._home.folder), "the bridge's folder")
