"""A pool of worker processes for numbered jobs; one that dies is reported and replaced, and its job is repeated."""

from __future__ import annotations

import logging
import multiprocessing as mp
import os
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

log = logging.getLogger(__name__)
TRIES = 3  # a job that kills this many workers is not tried again
PARENT_CHECK_S = 5.0


@dataclass(frozen=True, slots=True)
class WorkerCrash:
    """A worker that died.

    Attributes:
        worker: its name, for example ``worker 2``.
        pid: process number.
        exit_code: of the process; minus the signal's number when a signal ended it.
        job: what it was doing.
    """

    worker: str
    pid: int
    exit_code: int
    job: int

    def __str__(self) -> str:
        how = f"exit code {self.exit_code}"
        if self.exit_code < 0:
            how = f"signal {-self.exit_code} ({signal.Signals(-self.exit_code).name})"
        return f"{self.worker} (process {self.pid}) died with {how} during job {self.job}"


class JobFailed(RuntimeError):
    """A job raised an exception, or killed every worker that tried it."""


def log_crash(crash: WorkerCrash) -> None:
    """Log which worker died and that it is replaced."""
    log.warning("%s; starting it again", crash)


class WorkerPool:
    """Worker processes that do numbered jobs.

    Args:
        work: called in a worker with a job's number; its answer comes back.
        workers: how many processes.
        begin: called once in every new worker.
        on_crash: called for every worker that died.
    """

    def __init__(
        self,
        work: Callable[[int], Any],
        workers: int,
        begin: Callable[[], None] | None = None,
        on_crash: Callable[[WorkerCrash], None] = log_crash,
    ) -> None:
        if workers < 1:
            raise ValueError(f"a pool needs at least 1 worker, got {workers}")
        self._work, self._begin, self._on_crash = work, begin, on_crash
        self._count = workers
        self._processes: dict[str, Any] = {}
        self._lines: dict[str, Connection] = {}
        self._busy: dict[str, int] = {}

    @property
    def pids(self) -> dict[str, int]:
        """Process numbers by worker."""
        return {name: process.pid for name, process in self._processes.items()}

    def run(self, jobs: Iterable[int]) -> Iterator[tuple[int, Any]]:
        """Do all jobs; yields ``(job, answer)`` as they are done.

        Raises:
            JobFailed: a job raised, or crashed ``TRIES`` workers.
        """
        waiting = list(jobs)[::-1]
        crashes: dict[int, int] = {}
        try:
            for k in range(min(self._count, len(waiting))):
                self._hire(f"worker {k + 1}")
            while waiting or self._busy:
                for name in self._processes:
                    if name not in self._busy and waiting:
                        self._give(name, waiting.pop())
                for name in self._ready():
                    job = self._busy.pop(name)
                    answer = self._hear(name)
                    if answer is None:
                        crashes[job] = crashes.get(job, 0) + 1
                        self._replace(name, job, crashes[job])
                        waiting.append(job)
                        continue
                    ok, value = answer
                    if not ok:
                        raise JobFailed(f"{name} could not do job {job}: {value}")
                    yield job, value
        finally:
            self._dismiss()

    def _give(self, name: str, job: int) -> None:
        self._busy[name] = job
        try:
            self._lines[name].send(job)
        except (BrokenPipeError, ConnectionResetError):
            log.debug("%s is gone already; its silence will be noticed", name)

    def _ready(self) -> list[str]:
        handles: dict[Any, str] = {}
        for name in self._busy:
            handles[self._lines[name]] = name
            handles[self._processes[name].sentinel] = name
        return sorted({handles[handle] for handle in wait(list(handles))})

    def _hear(self, name: str) -> tuple[bool, Any] | None:
        """Answer of a worker; None when it is dead."""
        try:
            heard: tuple[bool, Any] | None = self._lines[name].recv() if self._lines[name].poll() else None
        except (EOFError, ConnectionResetError):
            return None
        return heard

    def _replace(self, name: str, job: int, times: int) -> None:
        process = self._processes[name]
        process.join()
        crash = WorkerCrash(name, process.pid, process.exitcode, job)
        if times >= TRIES:
            raise JobFailed(f"{crash}; {TRIES} workers died of this job, so it is given up")
        self._on_crash(crash)
        self._lines[name].close()
        self._hire(name)

    def _hire(self, name: str) -> None:
        context = mp.get_context("fork")  # a loaded SoundFont is shared between parent and workers
        ours, theirs = context.Pipe()
        process = context.Process(target=_live, args=(self._work, self._begin, theirs, os.getpid()), daemon=True)
        process.start()
        theirs.close()
        self._processes[name], self._lines[name] = process, ours

    def _dismiss(self) -> None:
        for name, process in self._processes.items():
            self._lines[name].close()
            process.terminate()
            process.join()
        self._processes.clear()
        self._lines.clear()
        self._busy.clear()


def _live(work: Callable[[int], Any], begin: Callable[[], None] | None, line: Connection, parent: int) -> None:
    """Main loop of a worker: jobs one after the other, until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if begin is not None:
        begin()
    while True:
        while not line.poll(PARENT_CHECK_S):
            if os.getppid() != parent:
                return
        try:
            job = line.recv()
        except EOFError:
            return
        try:
            answer = (True, work(job))
        except Exception as error:
            traceback.print_exc()
            answer = (False, f"{type(error).__name__}: {error}")
        line.send(answer)
