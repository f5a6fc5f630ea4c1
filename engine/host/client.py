"""The engine for its users: submit a request, receive events; nothing here blocks unless asked to.

The work is done in a process of its own (``engine.host.main``). ``submit`` only puts the job on a list; a sender
thread owns the pipe, a reader thread delivers events. When the host dies, the job it was at fails and the others go on
in a new one. A third thread watches it: a host that hangs is killed (``engine.host.watch``), and so is one that does
not obey a cancel in time. Two jobs at most are in a host, the one at work and the next, which it reads ahead.

A machine with several NVIDIA cards has a host for each, made when there is work for it, and one queue for all of them.
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
from engine.errors import Cancelled, DeviceLost, EngineError, HostError, HostHung
from engine.events import Accepted, CancelledJob, Done, Event, Failed, Progress
from engine.host.folders import WritableFolders
from engine.host.process import GONE_LIMIT_S, HOST_COMMAND, HostProcess
from engine.host.watch import LOOK_S, WatchLimits
from engine.media.reference import with_path
from engine.plugins.chain import list_chains
from engine.plugins.plugin_library import quarantine_folder
from engine.request import Device, Request
from engine.runtime.device_notes import BROKE_DOWN
from engine.runtime.devices import NUMBERED, DeviceChoice, pinned, usable_cards
from engine.serialization import BUILDING, EVENTS, error_of, event_from_json, failed_of, request_to_json

log = logging.getLogger(__name__)

OnEvent = Callable[[Event], None]

STRIKES_LIMIT = 3  # hosts that may die with no job under way before the job that was next is given up
LEAVE_LIMIT_S = 2.0
WAIT_S = 0.2
JOBS_IN_HOST = 2


@dataclass(slots=True, eq=False)
class _Job:
    name: str
    request: Request
    receipt: str = ""
    host: HostProcess | None = None
    strikes: int = 0
    device_lost: bool = False  # its device broke down once
    accepted: bool = False
    begun: bool = False
    cancel_asked: bool = False
    cancel_sent: bool = False
    cancelled_s: float = math.inf  # when a cancel was asked for, by the clock of ``time.monotonic``
    last: Done | Failed | CancelledJob | None = None
    finished: threading.Event = field(default_factory=threading.Event)


class Engine:
    """Runs requests in a separate process, one at a time; with several NVIDIA cards in one process for each.

    Args:
        on_event: called with every event of every job, one at a time, on a thread of the engine. It must be quick and
            must not ``wait`` or ``close``. More listeners can ``subscribe``.
        kept_jobs: finished jobs that can still be asked for; an engine may run for weeks.
        writable: folders that jobs will write below; a job outside them gets a new process, which takes a second.
        limits: how long the process may hang before it is replaced.
        behind: True lets every other program go first, so that a window stays smooth while the engine computes.
        cards: NVIDIA cards to use, from number 0; None counts them when the first job comes.
    """

    def __init__(
        self, on_event: OnEvent | None = None, *, host_command: Sequence[str] = HOST_COMMAND, kept_jobs: int = 1_000,
        writable: Sequence[str | Path] = (), limits: WatchLimits | None = None, behind: bool = False,
        cards: int | None = None,
    ) -> None:  # fmt: skip
        self._host_command, self._kept_jobs = host_command, kept_jobs
        self._limits, self._behind = limits or WatchLimits(), behind
        self._writable = WritableFolders().with_these(map(str, writable))
        self._listeners: list[OnEvent] = [on_event] if on_event else []
        self._lock = threading.Lock()  # guards the jobs, the host and the listeners
        self._delivery = threading.RLock()  # one event at a time
        self._jobs: dict[str, _Job] = {}
        self._finished: deque[str] = deque()
        self._cards = cards
        self._hosts: dict[int, HostProcess] = {}  # by the number of the card; 0 without any
        self._stillborn = 0  # hosts in a row that died before they were ready
        self._closed = False
        self._to_warm: dict[str, Any] | None = None  # the message that asks a new host to
        self._wakes: SimpleQueue[bool] = SimpleQueue()  # True: look for something to send; False: leave
        self._sender: threading.Thread | None = None
        self._watcher: threading.Thread | None = None
        self._left = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def host_pid(self) -> int | None:
        """Process number of the host, of the first of several; None while there is none."""
        with self._lock:
            return self._hosts[min(self._hosts)].pid if self._hosts else None

    @property
    def host_pids(self) -> tuple[int, ...]:
        """Process numbers of all hosts."""
        with self._lock:
            return tuple(host.pid for host in self._hosts.values())

    @property
    def engines_being_built(self) -> tuple[int, int]:
        """TensorRT's engines that are there and all of them, while they are built beside the jobs; else zeros."""
        with self._lock:
            return max((host.engines for host in self._hosts.values()), key=lambda pair: pair[1], default=(0, 0))

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

    def submit(self, request: Request, receipt: str | Path = "") -> str:
        """Put a request at the end of the queue; returns at once.

        Its values are checked here and nowhere else. Its files are looked for when its turn comes; a missing one is
        told of by the ``Failed`` of the job.

        Args:
            receipt: file that will say which results are about to be named, and when they are (``engine.receipt``), for
                clients that have to know after a crash; "" for none.

        Returns:
            The name of the job, as it stands in its events.

        Raises:
            RequestError: the request cannot work, whatever is on the disk.
            EngineError: the engine is closed.
        """
        check_values(request)
        job = _Job(uuid.uuid4().hex, _with_absolute_paths(request), absolute(str(receipt)) if receipt else "")
        with self._lock:
            if self._closed:
                raise EngineError("this engine is closed; make a new one")
            self._jobs[job.name] = job
            self._start_threads()
        self._wakes.put(True)
        return job.name

    def _start_threads(self) -> None:
        """Start those that send and watch, once; the lock is held."""
        if self._sender is None:
            self._sender = threading.Thread(target=self._keep_sending, name="fluxstem-sender", daemon=True)
            self._sender.start()
            self._watcher = threading.Thread(target=self._keep_watching, name="fluxstem-watch", daemon=True)
            self._watcher.start()

    def warm(self, bundle: str = "small", device: Device = "auto", writable: Sequence[str | Path] = ()) -> None:
        """Start the process and open a bundle in it, so that the first job is as fast as the second; returns at once.

        What goes wrong is told when a job meets it. A process that has been started stays as it is.

        Args:
            bundle: that jobs will ask for.
            writable: folders that jobs will write below; a job elsewhere gets a new process, which is not warm.
        """
        with self._lock:
            if self._closed:
                return
            self._writable = self._writable.with_these(map(str, writable))
            self._to_warm = {"warm": {"bundle": bundle, "device": device}}
            self._start_threads()
        self._wakes.put(True)

    def cancel(self, job: str) -> None:
        """Ask for a job to be stopped; a ``CancelledJob`` follows within two seconds. Finished jobs stay finished.

        A job that does not reach its next step in time (``WatchLimits.cancel_s``) is ended with its process.

        Raises:
            EngineError: there is no such job.
        """
        cancelled = self._find(job)
        cancelled.cancelled_s = min(cancelled.cancelled_s, time.monotonic())
        cancelled.cancel_asked = True
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
        awaited = self._find(job)
        end_s = math.inf if limit_s is None else time.monotonic() + limit_s
        # In short waits, because Windows delivers a Ctrl-C only between them.
        while not awaited.finished.wait(min(max(end_s - time.monotonic(), 0.0), WAIT_S)):
            if time.monotonic() >= end_s:
                raise TimeoutError(f"job {job} is not finished after {limit_s:g} s")
        match awaited.last:
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
            hosts, sender = list(self._hosts.values()), self._sender
        if already:
            return
        self._wakes.put(False)
        self._left.set()
        for host in hosts:
            host.close(limit_s)
        for thread in (sender, self._watcher):
            if thread is not None and thread is not threading.current_thread():
                thread.join(limit_s + GONE_LIMIT_S)
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
        while self._woken():
            self._warm_up()
            unfinished = self._unfinished()
            for job in unfinished:
                if not job.accepted:
                    job.accepted = True
                    self._deliver(Accepted(job.name, job.request))
            in_order = True
            for job in reversed(unfinished):  # the one at work last, so that no other takes its place
                if job.last is not None:
                    continue
                if job.cancel_asked and job.host is None:
                    self._deliver(CancelledJob(job.name))
                elif job.cancel_asked and job.host is not None and not job.cancel_sent:
                    job.cancel_sent = True
                    self._write(job.host, {"cancel": job.name})
            for job in unfinished:
                if job.last is None and job.host is None and in_order:
                    in_order = self._sent_or_failed(job)

    def _warm_up(self) -> None:
        """Start a host and let it open a bundle, where that was asked for and there is no host."""
        with self._lock:
            message, self._to_warm = self._to_warm, None
            if message is None or self._hosts or self._closed or any(job.last is None for job in self._jobs.values()):
                return
            try:
                self._hosts[0] = host = self._new_host()
            except OSError as error:  # the first job tells
                log.info("the engine process is not started ahead: %s", error)
                return
        self._write(host, message)

    def _new_host(self) -> HostProcess:
        return HostProcess(
            self._on_message, self._on_death, self._host_command, self._writable, self._limits, self._behind
        )

    def _woken(self) -> bool:
        """Wait until there may be something to send; many wakes at once are one. False: leave."""
        going = self._wakes.get()
        while going and not self._wakes.empty():
            going = self._wakes.get()
        return going

    def _sent_or_failed(self, job: _Job) -> bool:
        """As ``_send``; whatever is wrong with a job ends that job and not this thread, which all jobs need."""
        try:
            return self._send(job)
        except Exception as error:
            log.exception("job %s could not be sent", job.name)
            failed = HostError("the engine process could not be given the job ({error})", error=error)
            self._deliver(failed_of(job.name, failed))
            return True

    def _send(self, job: _Job) -> bool:
        """Send a job to the host, or make one; False while it has to wait for the jobs before it."""
        folders = (job.request.out, job.request.cache, _folder_of(job.receipt), _quarantine_for(job.request))
        needed = [folder for folder in folders if folder]
        if self._cards is None:
            self._cards = usable_cards()
        with self._lock:
            card, busy = self._least_busy(job)
            host = self._hosts.get(card)
        if busy >= JOBS_IN_HOST or (host is not None and not host.writable.cover(needed) and busy):
            return False
        if host is not None and not host.writable.cover(needed):
            self._retire(host)
        try:
            with self._lock:
                if self._closed:
                    return False
                if card not in self._hosts:
                    self._writable = self._writable.with_these(needed)
                    self._hosts[card] = self._new_host()
                job.host = host = self._hosts[card]
        except OSError as error:
            failed = HostError("the engine process could not be started ({error})", error=error)
            self._deliver(failed_of(job.name, failed))
            return True
        request = job.request
        if self._cards > 1:
            request = replace(request, device=pinned(request.device, card))
        message = {"submit": job.name, "request": request_to_json(request)}
        self._write(host, message | ({"receipt": job.receipt} if job.receipt else {}))
        return True

    def _least_busy(self, job: _Job) -> tuple[int, int]:
        """The card that a job goes to, and how many jobs its host has; the first one where several have as few."""
        choice = DeviceChoice.of(job.request.device)
        cards = range(max(self._cards or 1, 1)) if choice.kind in NUMBERED else range(1)
        if choice.kind in NUMBERED and choice.index is not None and choice.index in cards:
            cards = range(choice.index, choice.index + 1)
        busy = dict.fromkeys(cards, 0)
        card_of = {id(host): card for card, host in self._hosts.items()}
        for other in self._jobs.values():  # quickly: who submits or cancels waits for the lock
            if other.host is not None and other.last is None and (card := card_of.get(id(other.host))) in busy:
                busy[card] += 1
        card = min(busy, key=lambda card: busy[card])
        return card, busy[card]

    def _leave(self, host: HostProcess) -> None:
        """Give a host no more jobs; the lock is held."""
        self._hosts = {card: other for card, other in self._hosts.items() if other is not host}

    def _retire(self, host: HostProcess) -> None:
        """End a host that may not write where the next job wants to."""
        with self._lock:
            self._leave(host)
        host.close(LEAVE_LIMIT_S)

    def _write(self, host: HostProcess, message: dict[str, Any]) -> None:
        try:
            host.send(message)
        except (OSError, ValueError):  # ValueError: closed meanwhile
            log.debug("the engine process is gone; its reader will tell")

    # The thread that watches.

    def _keep_watching(self) -> None:
        looked_s = time.monotonic()
        while not self._left.wait(LOOK_S):
            now_s = time.monotonic()
            passed_s, looked_s = now_s - looked_s, now_s
            with self._lock:
                hosts = list(self._hosts.values())
                jobs = [job for job in self._jobs.values() if job.last is None and (job.host or job.cancel_asked)]
            for job in jobs:
                if now_s - job.cancelled_s >= self._limits.cancel_s:
                    self._enforce_cancel(job, now_s)
            for host in hosts:
                if any(job.host is host for job in jobs):
                    self._look_at(host, passed_s)
                else:
                    host.watch.rest()

    def _enforce_cancel(self, job: _Job, now_s: float) -> None:
        host = job.host
        if host is not None and job.begun and now_s - job.cancelled_s < self._limits.cancel_s + GONE_LIMIT_S / 2:
            log.warning("job %s did not stop within %g s; its process is ended", job.name, self._limits.cancel_s)
            host.kill()  # its death is told by its reader, and the cancel then
            return
        self._deliver(CancelledJob(job.name))
        if host is not None and job.begun:  # even a kill did not end it
            self._on_death(host, "it could not be ended")

    def _look_at(self, host: HostProcess, passed_s: float) -> None:
        if host.hung:
            if time.monotonic() - host.hung_s > GONE_LIMIT_S:  # even a kill did not end it
                self._on_death(host, host.hung)
        elif why := host.watch.look(passed_s):
            log.warning("the engine process is replaced: %s", why)
            host.hung, host.hung_s = why, time.monotonic()
            host.kill()

    # The reader thread of the host.

    def _on_message(self, host: HostProcess, message: dict[str, Any]) -> None:
        if message.get("event") == BUILDING:
            host.engines = (int(message["done"]), int(message["count"]))
        if message.get("event") not in EVENTS or host.device_lost:
            return
        event = event_from_json(message)
        if isinstance(event, Failed) and event.kind == DeviceLost.__name__ and self._goes_on_without(host, event):
            return
        job = self._jobs.get(event.job)
        if isinstance(event, Done) and job is not None and not event.lies_in(Path(job.request.out)):
            log.error("the engine process named files that are none of its results; it is replaced")
            event = failed_of(job.name, _lost(host, "it named files that are none of its results"))
            host.kill()
        elif isinstance(event, Done) and job is not None and job.device_lost:
            results = tuple(replace(result, notes=(*result.notes, BROKE_DOWN)) for result in event.results)
            event = replace(event, results=results)
        self._deliver(event)

    def _goes_on_without(self, host: HostProcess, failed: Failed) -> bool:
        """Replace a host whose device broke down; False where its job failed so before, or is not wanted any more."""
        log.warning("the engine process is replaced: %s", failed.message)
        with self._lock:
            self._leave(host)
            host.device_lost = True
            job = self._jobs.get(failed.job)
            again = job is not None and not (job.device_lost or job.cancel_asked or self._closed)
        if job is not None and again:
            self._deliver(Progress(job.name, 0.0, "the device broke down; beginning anew"))
            job.device_lost, job.host, job.begun = True, None, False
        host.kill()  # its death is told by its reader, which then wakes the sender
        return again

    def _on_death(self, host: HostProcess, reason: str) -> None:
        with self._lock:
            if host.buried:
                return
            host.buried = True
            self._leave(host)
            orphans = [job for job in self._jobs.values() if job.host is host and job.last is None]
            guilty = self._guilty(host, orphans)
            closed = self._closed
        for job in orphans:
            with contextlib.suppress(OSError):
                clean_partials_of(Path(job.request.out), host.pid)
            if closed or job.cancel_asked:
                self._deliver(CancelledJob(job.name))
            elif job in guilty:
                self._deliver(failed_of(job.name, _lost(host, reason)))
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
        is_suspect = host.ready and not host.device_lost
        for job in orphans[:1] if is_suspect else ():  # nobody was at work, so the next one may be to blame
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
                self._wakes.put(not self._left.is_set())  # there is room in the host for another one

    def _keep(self, job: _Job) -> None:
        with self._lock:
            self._finished.append(job.name)
            if len(self._finished) > self._kept_jobs:
                del self._jobs[self._finished.popleft()]


def _lost(host: HostProcess, reason: str) -> HostError:
    if host.hung:
        return HostHung(
            "the engine process hung ({reason}) and was ended; this job is given up, the next one gets a new process",
            reason=host.hung,
        )
    return HostError(
        "the engine process ended ({reason}); this job is lost, the next one gets a new process; "
        "set FLUXSTEM_DEBUG=1 to see its log",
        reason=reason,
    )


def _folder_of(receipt: str) -> str:
    """The folder of the folder of a receipt: each receipt has a folder of its own there."""
    return str(Path(receipt).parent.parent) if receipt else ""


def _quarantine_for(request: Request) -> str:
    """Where the host notes which plug-in of a chain broke; "" for a request without one."""
    if not request.chain and not request.chain_before:
        return ""
    with contextlib.suppress(OSError):
        quarantine_folder().mkdir(parents=True, exist_ok=True)
    return str(quarantine_folder())


def _chain_from_here(asked: str) -> str:
    """A chain's file seen from the root; names and JSON as they are."""
    is_file = bool(asked) and not asked.lstrip().startswith("{") and "\0" not in asked and os.path.isfile(asked)
    return absolute(asked) if is_file and asked not in list_chains() else asked


def _with_absolute_paths(request: Request) -> Request:
    """The host may have been started in another folder than the one the caller means."""
    is_folder_of_the_caller = os.path.isdir(request.bundle) and request.bundle not in list_bundles()
    return replace(
        request,
        input=absolute(request.input) if request.input else request.input,
        rest=absolute(request.rest) if request.rest else request.rest,
        notes_file=absolute(request.notes_file) if request.notes_file else request.notes_file,
        examples=tuple(with_path(example, absolute) for example in request.examples),
        out=absolute(request.out),
        cache=absolute(request.cache) if request.cache else request.cache,
        chain=_chain_from_here(request.chain),
        chain_before=_chain_from_here(request.chain_before),
        bundle=absolute(request.bundle) if is_folder_of_the_caller else request.bundle,
    )
