"""The jobs by the client's own id, in memory and in the journal."""

from __future__ import annotations

import logging
from collections import OrderedDict
from itertools import islice
from pathlib import Path
from typing import Any

from engine.osc.job import BridgeJob
from engine.osc.job_log import log_job
from engine.osc.job_replies import JobRefused, part_of
from engine.osc.journal import KEPT_FINISHED, Journal, JournalEntry
from engine.osc.protocol.specs import at
from engine.osc.transport.sessions import ClientSession

log = logging.getLogger(__name__)

KEPT_REFUSALS = 1000


class JobStore:
    """All jobs the bridge remembers, in the order they came.

    Args:
        path: of the journal; what it holds is here afterwards.

    Raises:
        OSError: it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)
        self._owed: dict[str, JournalEntry] = {}  # what the disk had no room for, by id
        entries = sorted(self._journal.entries.values(), key=lambda entry: entry.number)
        self._jobs = {entry.id: BridgeJob(entry, "finished" if entry.outcome else "waiting") for entry in entries}
        self._going = {id: job for id, job in self._jobs.items() if not job.finished}  # of those, what has not ended
        self._last_number = entries[-1].number if entries else 0
        self._refusals: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def add(self, id: str, task: str, asked: dict[str, Any], session: ClientSession) -> BridgeJob:
        """A new job with the next number, heard by one session; not yet in the journal."""
        self._last_number += 1
        entry = JournalEntry(id=id, number=self._last_number, task=task, asked=asked)
        self._jobs.pop(id, None)  # an older job of that id that is over; the new one stands at the end
        job = self._jobs[id] = self._going[id] = BridgeJob(entry, listeners=[session])
        self._refusals.pop(id, None)
        return job

    def discard(self, job: BridgeJob) -> None:
        """Forget a job that was not accepted; its id is free again."""
        del self._jobs[job.entry.id]
        self._going.pop(job.entry.id, None)

    def refuse(self, id: str, task: str, refusal: tuple[str, str]) -> None:
        """Remember why a job was not accepted: code and sentence, for who asks later. It has one line in the log."""
        log_job(id, task, "refused", *refusal)
        if id and id not in self._jobs:
            self._refusals.pop(id, None)
            self._refusals[id] = refusal
            while len(self._refusals) > KEPT_REFUSALS:
                self._refusals.popitem(last=False)

    def get(self, id: str) -> BridgeJob | None:
        """The job of that id, None when there is none."""
        return self._jobs.get(id)

    def find(self, id: str) -> BridgeJob:
        """The job of that id.

        Raises:
            JobRefused: there is none, or it was refused; then with the code and the sentence it got.
        """
        if id in self._jobs:
            return self._jobs[id]
        raise JobRefused(*self._refusals.get(id, ("id", f"there is no job {id}; see {at('jobs')}")))

    def id_of(self, engine_job: str) -> str | None:
        """The client's id of a job of the engine; None when no client sent it. From any thread."""
        jobs = list(self._jobs.values())
        return next((job.entry.id for job in jobs if job.engine_job == engine_job), None)

    def result_path(self, id: str, part: str) -> Path:
        """The file of a finished job.

        Raises:
            JobRefused: there is no such job, or no such file of it.
        """
        path = part_of(self.find(id).entry.parts, part)
        if path is None:
            raise JobRefused("id", f"the job {id} has no {part[:40]} to give")
        return Path(path)

    def unfinished(self) -> list[BridgeJob]:
        """Jobs that have not ended."""
        return list(self._going.values())

    def counts(self) -> tuple[int, int, int]:
        """How many are waiting, running, finished."""
        running = sum(job.state == "running" for job in self._going.values())
        return len(self._going) - running, running, len(self._jobs) - len(self._going)

    def awaited(self) -> set[ClientSession]:
        """The clients that wait for a job that has not ended."""
        return {session for job in self._going.values() for session in job.listeners}

    def forget(self, session: ClientSession) -> None:
        """Forget a closed connection."""
        for job in self._jobs.values():
            if session in job.listeners:
                job.listeners.remove(session)

    def accept(self, entry: JournalEntry) -> None:
        """Append a job that is being accepted to the journal.

        Raises:
            OSError: the disk is full or gone.
        """
        self._journal.put(entry)

    def write(self, entry: JournalEntry) -> None:
        """Append the state of a job, its end too; what a full disk refuses is written as soon as there is room."""
        self._owed.pop(entry.id, None)
        if entry.outcome is not None:
            self._going.pop(entry.id, None)
        try:
            self._journal.put(entry)
        except (OSError, ValueError) as error:  # ValueError: closed
            self._owed[entry.id] = entry
            log.error("the journal cannot be written (%s); the end of job %s waits for room", error, entry.id)

    def _write_owed(self) -> None:
        """Write what could not be written before."""
        for entry in list(self._owed.values()):
            try:
                self._journal.put(entry)
            except (OSError, ValueError):
                return
            self._owed.pop(entry.id, None)

    def trim(self) -> None:
        """Forget all but the last finished jobs."""
        too_many = len(self._jobs) - len(self._going) - KEPT_FINISHED
        if too_many > 0:
            for id in list(islice((id for id in self._jobs if id not in self._going), too_many)):
                del self._jobs[id]

    def sync(self) -> None:
        """Sync the journal to the disk, with what it owes."""
        self._write_owed()
        self._journal.sync()

    def close(self) -> None:
        """Close the journal."""
        self._write_owed()
        self._journal.close()
