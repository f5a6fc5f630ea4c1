"""The engine for its users: submit a request, receive events; nothing here blocks unless asked to.

The work is done in a process of its own (``engine.host.main``). ``submit`` only puts the job on a list; a sender
thread owns the pipe, a reader thread delivers events. When the host dies, the job it was at fails and the others go on
in a new one.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

from engine.audio.file_names import clean_partials_of
from engine.bundle.library import list_bundles
from engine.checks import absolute, check_values
from engine.errors import Cancelled, EngineError, HostError
from engine.events import Accepted, CancelledJob, Done, Event, Failed, Progress
from engine.host.process import HOST_COMMAND, HostProcess
from engine.media.reference import with_path
from engine.request import Request
from engine.serialization import EVENTS, error_of, event_from_json, failed_of, request_to_json

log = logging.getLogger(__name__)

OnEvent = Callable[[Event], None]

STRIKES_LIMIT = 3  # hosts that may die with no job under way before the job that was next is given up
LEAVE_LIMIT_S = 25.0
WAIT_S = 0.2


@dataclass(slots=True, eq=False)
class _Job:
    name: str
    request: Request
    host: HostProcess | None = None
    strikes: int = 0
    accepted: bool = False
    begun: bool = False
    cancel_asked: bool = False
    cancel_sent: bool = False
    last: Done | Failed | CancelledJob | None = None
    finished: threading.Event = field(default_factory=threading.Event)


class Engine:
    """Runs requests in a separate process, one at a time.

    Args:
        on_event: called with every event of every job, one at a time, on a thread of the engine. It must be quick and
            must not ``wait`` or ``close``. More listeners can ``subscribe``.
        host_command: starts the process.
        kept_jobs: finished jobs that can still be asked for; an engine may run for weeks.
    """

    def __init__(
        self, on_event: OnEvent | None = None, *, host_command: Sequence[str] = HOST_COMMAND, kept_jobs: int = 1_000
    ) -> None:
        self._host_command, self._kept_jobs = host_command, kept_jobs
        self._listeners: list[OnEvent] = [on_event] if on_event else []
        self._lock = threading.Lock()  # guards the jobs, the host and the listeners
        self._delivery = threading.RLock()  # one event at a time
        self._jobs: dict[str, _Job] = {}
        self._finished: deque[str] = deque()
        self._host: HostProcess | None = None
        self._stillborn = 0  # hosts in a row that died before they were ready
        self._closed = False
        self._wakes: SimpleQueue[bool] = SimpleQueue()  # True: look for something to send; False: leave
        self._sender: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def host_pid(self) -> int | None:
        """Process number of the host, None while there is none."""
        with self._lock:
            return self._host.pid if self._host else None

    def subscribe(self, on_event: OnEvent) -> Callable[[], None]:
        """Receive every event from now on.

        Returns:
            A function that ends the subscription.
        """
        with self._lock:
            self._listeners.append(on_event)

        def unsubscribe() -> None:
            with self._lock:
                if on_event in self._listeners:
                    self._listeners.remove(on_event)

        return unsubscribe

    def submit(self, request: Request) -> str:
        """Put a request at the end of the queue; returns at once.

        Its values are checked here and nowhere else. Its files are looked for when its turn comes; a missing one is
        told of by the ``Failed`` of the job.

        Returns:
            The name of the job, as it stands in its events.

        Raises:
            RequestError: the request cannot work, whatever is on the disk.
            EngineError: the engine is closed.
        """
        check_values(request)
        job = _Job(uuid.uuid4().hex, _with_absolute_paths(request))
        with self._lock:
            if self._closed:
                raise EngineError("this engine is closed; make a new one")
            self._jobs[job.name] = job
            if self._sender is None:
                self._sender = threading.Thread(target=self._keep_sending, name="fluxstem-sender", daemon=True)
                self._sender.start()
        self._wakes.put(True)
        return job.name

    def cancel(self, job: str) -> None:
        """Ask for a job to be stopped at its next step; a ``CancelledJob`` follows. Finished jobs stay finished.

        Raises:
            EngineError: there is no such job.
        """
        self._find(job).cancel_asked = True
        self._wakes.put(True)

    def wait(self, job: str, limit_s: float | None = None) -> Done:
        """Wait for the end of a job. Not for listeners: they run on the thread that would bring the end.

        The last ``kept_jobs`` that finished can be waited for; older ones are forgotten.

        Returns:
            What was made.

        Raises:
            EngineError: the job failed; the class says how.
            Cancelled: it was cancelled.
            TimeoutError: it is not finished after ``limit_s`` seconds; it goes on.
        """
        found = self._find(job)
        end_s = math.inf if limit_s is None else time.monotonic() + limit_s
        # In short waits, because Windows delivers a Ctrl-C only between them.
        while not found.finished.wait(min(max(end_s - time.monotonic(), 0.0), WAIT_S)):
            if time.monotonic() >= end_s:
                raise TimeoutError(f"job {job} is not finished after {limit_s:g} s")
        match found.last:
            case Done() as done:
                return done
            case Failed() as failed:
                raise error_of(failed)
            case _:
                raise Cancelled(f"job {job} was cancelled")

    def close(self, limit_s: float = LEAVE_LIMIT_S) -> None:
        """Cancel what is left, end the host and wait for it, at most ``limit_s`` seconds before it is killed."""
        with self._lock:
            already, self._closed = self._closed, True
            host, sender = self._host, self._sender
        if already:
            return
        self._wakes.put(False)
        if host is not None:
            host.close(limit_s)
        if sender is not None and sender is not threading.current_thread():
            sender.join()
        for job in self._unfinished():
            self._deliver(CancelledJob(job.name))

    def _find(self, job: str) -> _Job:
        with self._lock:
            try:
                return self._jobs[job]
            except KeyError:
                raise EngineError("there is no job {job!r}; use the name that submit returned", job=job) from None

    def _unfinished(self) -> list[_Job]:
        with self._lock:
            return [job for job in self._jobs.values() if job.last is None]

    # The sender thread.

    def _keep_sending(self) -> None:
        while self._wakes.get():
            for job in self._unfinished():
                if not job.accepted:
                    job.accepted = True
                    self._deliver(Accepted(job.name, job.request))
                if job.cancel_asked and job.host is None:
                    self._deliver(CancelledJob(job.name))
                elif job.host is None:
                    self._send(job)
                if job.cancel_asked and job.host is not None and not job.cancel_sent:
                    job.cancel_sent = True
                    self._write(job.host, {"cancel": job.name})

    def _send(self, job: _Job) -> None:
        try:
            with self._lock:
                if self._closed:
                    return
                if self._host is None:
                    self._host = HostProcess(self._on_message, self._on_death, self._host_command)
                job.host = self._host
                host = self._host
        except OSError as error:
            failed = HostError("the engine process could not be started ({error})", error=error)
            self._deliver(failed_of(job.name, failed))
            return
        self._write(host, {"submit": job.name, "request": request_to_json(job.request)})

    def _write(self, host: HostProcess, message: dict[str, Any]) -> None:
        try:
            host.send(message)
        except (OSError, ValueError):  # ValueError: closed meanwhile
            log.debug("the engine process is gone; its reader will tell")

    # The reader thread of the host.

    def _on_message(self, host: HostProcess, message: dict[str, Any]) -> None:
        if message.get("event") in EVENTS:
            self._deliver(event_from_json(message))

    def _on_death(self, host: HostProcess, reason: str) -> None:
        with self._lock:
            if self._host is host:
                self._host = None
            orphans = [job for job in self._jobs.values() if job.host is host and job.last is None]
            guilty = self._guilty(host, orphans)
            closed = self._closed
        for job in orphans:
            with contextlib.suppress(OSError):
                clean_partials_of(Path(job.request.out), host.pid)
            if closed or job.cancel_asked:
                self._deliver(CancelledJob(job.name))
            elif job in guilty:
                lost = HostError(
                    "the engine process ended ({reason}); this job is lost, the next one gets a new process; "
                    "set FLUXSTEM_DEBUG=1 to see its log",
                    reason=reason,
                )
                self._deliver(failed_of(job.name, lost))
            else:
                job.host, job.cancel_sent = None, False
        self._wakes.put(True)

    def _guilty(self, host: HostProcess, orphans: list[_Job]) -> list[_Job]:
        """The jobs that end with a host; the others are sent to the next one."""
        self._stillborn = 0 if host.ready else self._stillborn + 1
        if self._stillborn >= STRIKES_LIMIT:  # no host comes up on this machine
            return orphans
        if begun := [job for job in orphans if job.begun]:
            return begun
        for job in orphans[:1] if host.ready else ():  # nobody was at work, so the next one may be to blame
            job.strikes += 1
        return [job for job in orphans if job.strikes >= STRIKES_LIMIT]

    def _deliver(self, event: Event) -> None:
        with self._delivery:
            with self._lock:
                job = self._jobs.get(event.job)
                listeners = list(self._listeners)
            if job is None or job.last is not None:
                return
            if isinstance(event, Progress):
                job.begun = True
            elif not isinstance(event, Accepted):
                job.last = event
            for listener in listeners:
                try:
                    listener(event)
                except Exception:
                    log.exception("a listener failed on %s", event)
            if job.last is not None:
                job.finished.set()
                self._keep(job)

    def _keep(self, job: _Job) -> None:
        with self._lock:
            self._finished.append(job.name)
            if len(self._finished) > self._kept_jobs:
                del self._jobs[self._finished.popleft()]


def _with_absolute_paths(request: Request) -> Request:
    """The host may have been started in another folder than the one the caller means."""
    is_folder_of_the_caller = os.path.isdir(request.bundle) and request.bundle not in list_bundles()
    return replace(
        request,
        input=absolute(request.input) if request.input else request.input,
        rest=absolute(request.rest) if request.rest else request.rest,
        examples=tuple(with_path(example, absolute) for example in request.examples),
        out=absolute(request.out),
        cache=absolute(request.cache) if request.cache else request.cache,
        bundle=absolute(request.bundle) if is_folder_of_the_caller else request.bundle,
    )
