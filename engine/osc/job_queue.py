"""The bridge's jobs in the engine: an id is one job, however often it is sent, and jobs run in order.

Everything here runs on the bridge's loop, except where it says so. A job whose engine process dies is tried again; what
a killed bridge left in the journal is taken up by the next one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import (
    CancelledJob,
    Done,
    Engine,
    EngineError,
    Event,
    Failed,
    Progress,
    Request,
    request_from_json,
    settle_receipt,
)
from engine.osc.chain_renders import ChainRenders, RenderRequest, render_from_json
from engine.osc.home import Home, receipt_of
from engine.osc.job import BridgeJob
from engine.osc.job_intake import JobIntake
from engine.osc.job_listeners import JobListeners
from engine.osc.job_log import log_job
from engine.osc.job_replies import (
    CODE_OF,
    JobRefused,
    about_midi,
    done_parts,
    done_reply,
    error_reply,
    without_folders,
)
from engine.osc.job_store import JobStore
from engine.osc.journal import JournalEntry, again
from engine.osc.protocol.arguments import Values
from engine.osc.protocol.specs import RENDER, MessageSpec, at
from engine.osc.removals import Removals
from engine.osc.transport.sessions import ClientSession
from engine.osc.transport.turns import Turns

log = logging.getLogger(__name__)

QUEUE_LIMIT = 1000
INTAKE, ENGINE = "intake", "engine"  # lines of ``Turns``
# Engine processes that may die over one job, by how they end: a job that hung once is tried once more.
ATTEMPTS_LIMITS = {"HostError": 3, "HostHung": 2}


class JobQueue:
    """Submits jobs to the engine and sends clients their progress and results.

    Args:
        store: the jobs and their journal; the queue closes it.
        intake: brings a job's inputs into safety.
        disk: one thread that may wait for the disk.
        removals: of folders that no job needs any more.
        turns: what the engine says and what was taken in wait here beside the clients.
    """

    def __init__(
        self, engine: Engine, home: Home, store: JobStore, intake: JobIntake, listeners: JobListeners, disk: Executor,
        removals: Removals, turns: Turns,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._home = home
        self.store = store
        self._intake = intake
        self._listeners = listeners
        self._disk = disk
        self._removals = removals
        self._turns = turns
        self._loop = asyncio.get_running_loop()
        self._by_engine_job: dict[str, BridgeJob] = {}
        self.restarts = 0
        self._closed = False
        self._unsubscribe = engine.subscribe(self._from_engine)
        self._renders = ChainRenders(self._from_engine)

    def recover(self) -> int:
        """Restore the jobs of a killed bridge: finished ones can still be queried, the others are queued again.

        Returns:
            How many are done again.
        """
        unfinished = self.store.unfinished()
        self._home.sweep({job.entry.spool for job in unfinished})
        heard = [(job, _settled_receipt(job)) for job in unfinished]
        for job, done in heard:
            if done is None:
                self._submit_again(job)
            else:
                self._finish_done(job, done)
        return sum(done is None for _, done in heard)

    def close(self) -> None:
        """Stop listening to the engine; unfinished jobs stop, and stay in the journal for the next bridge."""
        self._closed = True
        self._unsubscribe()
        for engine_job in self._by_engine_job:
            self._stop(engine_job)
        self._intake.close()
        self._renders.close()
        self.store.close()

    # What messages ask for.

    def ask(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        """Accept a job, or report its state when its id is known with the same arguments.

        The id of a job that failed or was cancelled is free again. One that is done is done again only when a file it
        was made from has changed since.

        Raises:
            JobRefused: the id is taken, or there is too much to do.
        """
        id = values.text("id")
        asked = {name: value for name, value in values.by_name.items() if name != "id"}
        job = self.store.get(id)
        if job is None or job.entry.outcome in ("fail", "cancelled"):
            self._start(session, id, spec.task, asked)
            return
        if (job.entry.task, spec.defaults | job.entry.asked) != (spec.task, asked):
            raise JobRefused("id", f"the id {id} belongs to another job; choose another id")
        if not job.finished:
            self._listeners.add(job, session)
            if job.state != "preparing":
                self._listeners.send(session, at("ack"), (id, job.entry.number))
        elif not job.entry.inputs:
            self._repeat(session, job)
        else:
            future = self._loop.run_in_executor(self._disk, self._intake.changed, job.entry)
            future.add_done_callback(lambda done: self._turns.call(INTAKE, lambda: self._compared(session, job, done)))

    def after_intake(self, call: Callable[[], None]) -> None:
        """Call something once everything that was asked before has been taken in."""
        future = self._loop.run_in_executor(self._disk, lambda: None)
        future.add_done_callback(lambda done: self._turns.call(INTAKE, call))

    def _start(self, session: ClientSession, id: str, task: str, asked: dict[str, Any]) -> None:
        if len(self.store.unfinished()) >= QUEUE_LIMIT:
            raise JobRefused("full", f"{QUEUE_LIMIT} jobs are waiting; ask again when some are done")
        fresh = self.store.add(id, task, asked, session)
        future = self._loop.run_in_executor(self._disk, self._take, fresh.entry)
        future.add_done_callback(lambda done: self._turns.call(INTAKE, lambda: self._taken(fresh, done)))

    def _compared(self, session: ClientSession, job: BridgeJob, done: asyncio.Future[bool]) -> None:
        """A finished job was asked for again: repeat its result, or do it anew where its input is another one now."""
        if self._closed or done.cancelled():
            return
        now = self.store.get(job.entry.id)
        changed = done.exception() is None and done.result()
        if now is not None and now is not job:  # somebody else has just asked for the same
            self._listeners.add(now, session)
            if now.state != "preparing":
                self._listeners.send(session, at("ack"), (now.entry.id, now.entry.number))
        elif not changed:
            self._repeat(session, job)
        else:
            try:
                self._start(session, job.entry.id, job.entry.task, job.entry.asked)
            except JobRefused as error:
                self._listeners.send(session, at("fail"), (job.entry.id, error.code, str(error)))

    def _repeat(self, session: ClientSession, job: BridgeJob) -> None:
        """Tell the end of a finished job again."""
        self._listeners.add(job, session)
        self._listeners.send(session, at("ack"), (job.entry.id, job.entry.number))
        self._listeners.repeat(session, job)

    def cancel(self, session: ClientSession, id: str) -> None:
        """Stop a job.

        Raises:
            JobRefused: there is none of that id.
        """
        job = self.store.find(id)
        self._listeners.add(job, session)
        if self._listeners.repeat(session, job):
            return
        if job.engine_job is not None and not job.cancel_asked:
            self._stop(job.engine_job)
        job.cancel_asked = True

    def result(self, session: ClientSession, id: str) -> None:
        """Report the state of a job, and its events from now on.

        Raises:
            JobRefused: there is none of that id.
        """
        job = self.store.find(id)
        self._listeners.add(job, session)
        if not self._listeners.repeat(session, job):
            self._listeners.send(session, at("progress"), (id, job.fraction, job.stage))

    def send_back(self, id: str, path: Path, place: tuple[str, str, int]) -> None:
        """Send a version that was edited by hand to a finished job's sender and to all watchers.

        Args:
            id: the client's own name for the job.
            path: the file; it stays where it is.
            place: start and length in samples of the input, as decimal text, and rate in Hz.

        Raises:
            JobRefused: there is no such job, or it is not finished.
        """
        job = self.store.find(id)
        if job.entry.outcome != "done":
            raise JobRefused("id", f"the job {id} has no result that could have been edited")
        parts = {**job.entry.parts, "edited": str(path)}
        job.entry = replace(job.entry, parts=parts, edited=(1, [str(path)], *place))
        self.store.write(job.entry)
        self._listeners.tell(job, *job.edited_message())

    def keep_notes(self, id: str, path: Path) -> None:
        """The MIDI file of what was heard in a finished job is a part of it from now on, ``notes``."""
        job = self.store.find(id)
        job.entry = replace(job.entry, parts={**job.entry.parts, "notes": str(path)})
        self.store.write(job.entry)

    # On their way.

    def _taken(self, job: BridgeJob, done: asyncio.Future[tuple[JournalEntry, Request | RenderRequest]]) -> None:
        if self._closed or done.cancelled():
            return
        try:
            job.entry, request = done.result()
        except Exception as error:
            self._refuse(job, error)
            return
        try:
            self._submit(job, request)
        except Exception as error:
            self._refuse(job, error)
            self.store.write(replace(job.entry, outcome="fail", reply=error_reply(error), request=None, spool=""))
            return
        job.state = "waiting"
        self._listeners.tell(job, at("ack"), (job.entry.id, job.entry.number))
        if job.cancel_asked and job.engine_job is not None:
            self._stop(job.engine_job)

    def _take(self, entry: JournalEntry) -> tuple[JournalEntry, Request | RenderRequest]:
        """On the disk's thread: bring the inputs of a job into safety, and write the job down.

        Raises:
            Exception: it cannot be done; nothing is left.
        """
        taken, request = self._intake.take(entry)
        try:
            self.store.accept(taken)
        except BaseException:
            shutil.rmtree(taken.spool, ignore_errors=True)
            raise
        return taken, request

    def _refuse(self, job: BridgeJob, error: Exception) -> None:
        """Reject a job: its id is free again, and nothing of it is left."""
        if job.engine_job is not None:
            self._by_engine_job.pop(job.engine_job, None)
            self._stop(job.engine_job)
        self.store.discard(job)
        self._sweep(job.entry.spool)
        code, text = error_reply(error)
        self.store.refuse(job.entry.id, job.entry.task, (code, self._public(job, text)))
        self._listeners.tell(job, at("fail"), (job.entry.id, code, self._public(job, text)))

    def _submit(self, job: BridgeJob, request: Request | RenderRequest) -> None:
        receipt = _receipt_of(job)
        if isinstance(request, RenderRequest):
            job.engine_job = self._renders.submit(request, receipt)
        else:
            job.engine_job = self._engine.submit(request, receipt or "")
        self._by_engine_job[job.engine_job] = job

    def _stop(self, engine_job: str) -> None:
        if not self._renders.cancel(engine_job):
            self._engine.cancel(engine_job)

    def _submit_again(self, job: BridgeJob) -> None:
        """Submit a job from its journal entry."""
        try:
            asked = job.entry.request or {}
            self._submit(job, render_from_json(asked) if job.entry.task == RENDER else request_from_json(asked))
        except (EngineError, JobRefused) as error:
            self._finish(job, "fail", error_reply(error))

    def _from_engine(self, event: Event) -> None:
        """On the engine's thread."""
        if not self._closed:
            self._loop.call_soon_threadsafe(self._turns.call, ENGINE, lambda: self._hear(event))

    def _hear(self, event: Event) -> None:
        job = self._by_engine_job.get(event.job)
        if job is None or job.finished or self._closed:
            return
        match event:
            case Progress():
                job.state, job.fraction, job.stage = "running", event.fraction, event.stage
                self._listeners.progress(job, self._loop.time())
            case Done():
                self._finish_done(job, event)
            case Failed() if job.entry.attempts + 1 < ATTEMPTS_LIMITS.get(event.kind, 0) and not job.cancel_asked:
                self._try_again(job, event)
            case Failed():
                text = self._public(job, event.message)
                self.restarts += event.kind in ATTEMPTS_LIMITS
                self._finish(job, "fail", (CODE_OF.get(event.kind, "internal"), text))
            case CancelledJob():
                self._finish(job, "cancelled", ())

    def _try_again(self, job: BridgeJob, event: Failed) -> None:
        log.warning("job %s: %s; it is tried again", job.entry.id, event.message)
        self.restarts += 1
        self._by_engine_job.pop(event.job, None)
        job.entry, job.state, job.fraction = again(job.entry), "waiting", 0.0
        job.stage = "the engine process died and is replaced; trying again"
        self.store.write(job.entry)
        self._listeners.progress(job, self._loop.time(), always=True)
        job.engine_job = None
        settled = self._loop.run_in_executor(self._disk, _settled_receipt, job)
        settled.add_done_callback(lambda done: self._turns.call(ENGINE, lambda: self._settled(job, done)))

    def _settled(self, job: BridgeJob, done: asyncio.Future[Done | None]) -> None:
        """It is known what the dead process left of a job."""
        if self._closed or done.cancelled() or job.finished:
            return
        if done.exception() is None and (event := done.result()) is not None:
            self._finish_done(job, event)
        elif job.cancel_asked:
            self._finish(job, "cancelled", ())
        else:
            self._submit_again(job)

    def _finish_done(self, job: BridgeJob, event: Done) -> None:
        if not event.lies_in(_out_of(job)):
            log.error("job %s: the engine named files outside the folder of results", job.entry.id)
            self._finish(job, "fail", ("internal", "the engine named files that are none of its results"))
            return
        job.entry = replace(job.entry, parts=done_parts(job.entry.task, event))
        notes = [note for result in event.results for note in (*result.notes, *about_midi(result))]
        for note in dict.fromkeys(notes):
            self._listeners.tell(job, at("note"), (job.entry.id, note))
        self._finish(job, "done", done_reply(job.entry.task, event))

    def _finish(self, job: BridgeJob, outcome: str, reply: tuple[Any, ...]) -> None:
        spool = job.entry.spool
        job.entry = replace(job.entry, outcome=outcome, reply=reply, request=None, spool="")
        job.state = "finished"
        if job.engine_job is not None:
            self._by_engine_job.pop(job.engine_job, None)
        self.store.write(job.entry)
        log_job(job.entry.id, job.entry.task, outcome, *_words(outcome, reply))
        self._listeners.finished(job)
        self._sweep(spool)
        self.store.trim()

    def _sweep(self, spool: str) -> None:
        for folder in (Path(spool), receipt_of(spool).parent) if spool else ():
            self._removals.remove(folder)

    def _public(self, job: BridgeJob, text: str) -> str:
        """A sentence of the engine without the names of private folders."""
        return without_folders(text, job.entry.spool).replace(str(self._home.folder), "the bridge's folder")


def _receipt_of(job: BridgeJob) -> Path | None:
    return receipt_of(job.entry.spool) if job.entry.spool else None


def _settled_receipt(job: BridgeJob) -> Done | None:
    """What the receipt of a job says whose process is gone."""
    receipt = _receipt_of(job)
    return None if receipt is None else settle_receipt(receipt, _out_of(job))


def _out_of(job: BridgeJob) -> Path:
    """Folder of a job's results."""
    return Path(os.path.abspath(str((job.entry.request or {}).get("out", ""))))


def _words(outcome: str, reply: tuple[Any, ...]) -> tuple[str, ...]:
    """What the log says of an end beside its name: code and sentence of a failure, or the files that were made."""
    if outcome == "fail":
        return tuple(map(str, reply))
    return tuple(Path(path).name for path in reply[1]) if outcome == "done" else ()
