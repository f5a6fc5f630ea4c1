"""One queue, one worker: jobs run in the order they came, can be cancelled between steps, and report progress."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol

from engine.errors import Cancelled, DeviceLost, EngineError
from engine.events import CancelledJob, Check, Done, Event, Failed, Progress, Report
from engine.request import Device, Request
from engine.serialization import failed_of

log = logging.getLogger(__name__)

PROGRESS_INTERVAL_S = 1 / 30


class RequestRunner(Protocol):
    """Runs one request from file to file."""

    def __call__(self, job: str, request: Request, report: Report, check: Check) -> Done:
        """Publish the results and return what they are, or raise an ``EngineError`` and leave no file."""


class RequestPrefetcher(Protocol):
    """Prepares the request that comes next, while another one is done."""

    def begin(self, request: Request) -> None:
        """Prepare it, if that is not done yet; does not wait."""

    def forget(self, request: Request) -> None:
        """It has ended."""

    def close(self) -> None:
        """Give up everything."""


class HostQueue:
    """The queue of the engine process and its one worker thread.

    Attributes:
        steps: how often jobs have reported or asked whether to stop; it stands still when a job hangs.
    """

    def __init__(
        self, work: RequestRunner, send: Callable[[Event], None], ahead: RequestPrefetcher | None = None
    ) -> None:
        self._work = work
        self._send = send
        self._ahead = ahead
        self._waiting: deque[tuple[str, Request]] = deque()
        self._is_busy = False
        self._lock = threading.Lock()
        self._queue: SimpleQueue[tuple[str, Request] | Callable[[], None] | None] = SimpleQueue()
        self._cancelled: set[str] = set()
        self._told: set[str] = set()  # of those that still wait: whose cancel has been told
        self.steps = 0
        self._leaving = False
        self._thread = threading.Thread(target=self._run, name="fluxstem-jobs", daemon=True)
        self._thread.start()

    def submit(self, job: str, request: Request) -> None:
        """Put a job at the end of the queue."""
        with self._lock:
            self._waiting.append((job, request))
            self._queue.put((job, request))
        self._look_ahead()

    def warm(self, bundle: str, device: Device) -> None:
        """Prepare for jobs that ask for a bundle, before those that come after this."""
        warm = getattr(self._work, "warm", None)
        if warm is not None:
            self._queue.put(functools.partial(warm, bundle, device))

    def cancel(self, job: str) -> None:
        """Stop a job at its next step; one that waits has ended at once, and one that is finished stays finished."""
        self._cancelled.add(job)
        with self._lock:
            waits = job not in self._told and any(name == job for name, _ in self._waiting)
            if waits:
                self._told.add(job)
        if waits:
            self._send(CancelledJob(job))

    def close(self, limit_s: float) -> bool:
        """Cancel everything and wait for the worker.

        Returns:
            False when the worker was still busy after ``limit_s`` seconds.
        """
        self._leaving = True
        self._queue.put(None)
        self._thread.join(limit_s)
        if self._ahead is not None:
            self._ahead.close()
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (item := self._next()) is not None:
            if not isinstance(item, tuple):
                self._quietly(item, "the engine is not warm")
                continue
            job, request = item
            with self._lock:
                self._waiting.popleft()
                self._is_busy = job not in self._told
            outcome: Event | None = None  # of a job that was cancelled while it waited: that has been told
            if self._is_busy:
                self._look_ahead()
                outcome = self._outcome(job, request)
                self._send(outcome)
            if isinstance(outcome, Failed) and outcome.kind == DeviceLost.__name__:
                return  # no other job would fare better here; the client replaces this process
            self._cancelled.discard(job)
            self._told.discard(job)
            with self._lock:
                self._is_busy = False
                is_idle = not self._waiting
            if is_idle:
                self._rest()
            if self._ahead is not None:
                self._ahead.forget(request)

    def _next(self) -> tuple[str, Request] | Callable[[], None] | None:
        """What comes next; while nothing does, the device is warmed on, so that no job waits for more than one step."""
        while self._queue.empty() and self._warms_on():
            pass
        return self._queue.get()

    def _warms_on(self) -> bool:
        """Run one step ahead of the jobs; False where none is left."""
        warm_on: Callable[[], bool] | None = getattr(self._work, "warm_on", None)
        if warm_on is None or self._leaving:
            return False
        more: list[bool] = []
        self._quietly(lambda: more.append(warm_on()), "the engine is not warm for every batch")
        return any(more)

    def _rest(self) -> None:
        rest = getattr(self._work, "rest", None)
        if rest is not None:
            self._quietly(rest, "memory could not be given back")

    def _quietly(self, work: Callable[[], None], failure: str) -> None:
        try:
            work()
        except EngineError as error:  # a job that meets it tells
            log.info("%s: %s", failure, error)
        except Exception:  # nobody waits for it
            log.exception("%s", failure)

    def _look_ahead(self) -> None:
        with self._lock:
            if self._ahead is not None and self._is_busy and self._waiting:
                self._ahead.begin(self._waiting[0][1])

    def _outcome(self, job: str, request: Request) -> Event:
        def check() -> None:
            self.steps += 1
            if self._leaving or job in self._cancelled:
                raise Cancelled(f"job {job} was cancelled")

        try:
            check()
            thinned = _thinned(job, self._send)

            def report(fraction: float, stage: str) -> None:
                self.steps += 1
                thinned(fraction, stage)

            log.info("job %s starts: %s", job, request)
            return self._work(job, request, report, check)
        except Cancelled:
            log.info("job %s was cancelled", job)
            return CancelledJob(job)
        except EngineError as error:
            log.debug("job %s failed", job, exc_info=True)
            return failed_of(job, error)
        except Exception as error:
            log.exception("job %s met an error nobody expected", job)
            return failed_of(job, EngineError(
                "internal error ({kind}: {error}); please report it with the log of --debug",
                kind=type(error).__name__, error=error,
            ))  # fmt: skip


def _thinned(job: str, send: Callable[[Event], None]) -> Report:
    """A report function that sends every change of stage, but numbers at most 30 times a second, and never falling."""
    last_stage: str | None = None
    last_s = furthest = 0.0

    def report(fraction: float, stage: str) -> None:
        nonlocal last_stage, last_s, furthest
        now_s = time.monotonic()
        if stage == last_stage and now_s - last_s < PROGRESS_INTERVAL_S:
            return
        last_stage, last_s = stage, now_s
        furthest = max(furthest, min(float(fraction), 1.0))  # a stage may be done twice, as when a clip guard is needed
        send(Progress(job, furthest, stage))

    report(0.0, "starting")
    return report
