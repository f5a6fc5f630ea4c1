"""Engines on this machine: each does one file after the other, several at the same time.

What overlaps with the model's work on one file: all the work on the files that the other engines have; the next file of
each engine, which is fetched from its disk or the network into the system's file cache and decoded (see
``engine.host.read_ahead``); and putting finished results in their place.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import time
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue

from engine.batch.find import WorkItem
from engine.batch.stores import WORK, FolderStore
from engine.batch.work import BatchRequest, ItemOutcome, Watch, failed_outcome, outcome_of
from engine.errors import EngineError, HostError
from engine.events import CancelledJob, Done, Event, Failed, Progress
from engine.host.client import Engine
from engine.runtime.devices import pinned, usable_cards
from engine.serialization import error_of

log = logging.getLogger(__name__)

AHEAD = 2  # jobs of one engine: the one it does, and the next, so that it never waits
TRIES = 2  # of a file over which an engine process died
FETCH_LIMIT_BYTES = 512 << 20  # of one file, so that a long recording does not push everything else out of the cache
WAIT_S = 0.2
STOP_LIMIT_S = 25.0


@dataclass(eq=False)
class _EngineWorker:
    """One engine and the files that it has."""

    name: str
    engine: Engine
    jobs: dict[str, tuple[WorkItem, str, int]] = field(default_factory=dict)  # job -> file, stage, which try
    begun_s: dict[str, float] = field(default_factory=dict)  # job -> when the engine took it up


class LocalRunner:
    """See ``Runner``.

    Args:
        engines: how many at most.
        engine: the first of them, which stays open; None means that all are made here.
    """

    def __init__(
        self, asked: BatchRequest, store: FolderStore, engines: int, engine: Engine | None = None,
        make_engine: Callable[[], Engine] = Engine,
    ) -> None:  # fmt: skip
        self._asked = asked
        self._store = store
        self._most = engines
        self._given = engine
        self._make_engine = make_engine
        self._run = uuid.uuid4().hex[:8]
        self._numbers = itertools.count(1)
        self._events: SimpleQueue[tuple[_EngineWorker, Event]] = SimpleQueue()
        self._workers: list[_EngineWorker] = []
        self._cards = usable_cards()
        self._is_warm = False  # the bundle is open, so more engines find what the first one built

    def run(self, items: Sequence[WorkItem], watch: Watch) -> Generator[ItemOutcome, None, None]:
        """See ``Runner``."""
        todo = deque((item, 1) for item in items)
        with contextlib.ExitStack() as held, ThreadPoolExecutor(1, "fluxstem-fetch") as fetcher:
            held.callback(self._stop)
            while todo or any(worker.jobs for worker in self._workers):
                yield from self._submit(todo, held, fetcher)
                try:
                    worker, event = self._events.get(timeout=WAIT_S)  # in short waits, for a Ctrl-C on Windows
                except Empty:
                    continue
                outcome = self._heard(worker, event, todo, watch)
                if outcome is not None:
                    yield outcome

    def _submit(
        self, todo: deque[tuple[WorkItem, int]], held: contextlib.ExitStack, fetcher: ThreadPoolExecutor
    ) -> Iterator[ItemOutcome]:
        """Give every engine its next file; open one more engine where there is work for it."""
        if todo and len(self._workers) < (self._most if self._is_warm else 1):
            self._workers.append(self._start_worker(held))
        for depth in range(AHEAD):  # first every engine its first file
            for worker in self._workers:
                if not todo or len(worker.jobs) > depth:
                    continue
                item, attempt = todo.popleft()
                stage = f"{WORK}/{self._run}-{next(self._numbers)}"
                try:
                    with self._store.workspace(stage) as folder:
                        request = self._asked.of_file(item, folder)
                        if self._cards > 1:  # engines do not know of each other, and would all take the first card
                            card = self._workers.index(worker) % self._cards
                            request = replace(request, device=pinned(request.device, card))
                        job = worker.engine.submit(request)
                except EngineError as error:
                    yield failed_outcome(item, error, worker.name)
                    continue
                worker.jobs[job] = item, stage, attempt
                fetcher.submit(fetch, item.source)

    def _start_worker(self, held: contextlib.ExitStack) -> _EngineWorker:
        number = len(self._workers) + 1
        given = self._given if number == 1 else None
        engine = given or held.enter_context(self._make_engine())
        worker = _EngineWorker(f"engine {number}", engine)
        held.callback(engine.subscribe(lambda event: self._events.put((worker, event))))
        return worker

    def _heard(
        self, worker: _EngineWorker, event: Event, todo: deque[tuple[WorkItem, int]], watch: Watch
    ) -> ItemOutcome | None:
        if event.job not in worker.jobs:
            return None
        item, stage, attempt = worker.jobs[event.job]
        seconds = time.perf_counter() - worker.begun_s.setdefault(event.job, time.perf_counter())
        if not isinstance(event, Progress):
            del worker.begun_s[event.job]
        match event:
            case Progress():
                self._is_warm = self._is_warm or event.fraction > 0
                watch(item, event.fraction, event.stage)
                return None
            case Done():
                del worker.jobs[event.job]
                self._is_warm = True
                folder = Path(self._store.place) / stage
                out = str(Path(self._store.place) / item.folder)
                return outcome_of(item, stage, event, folder, out, worker.name)
            case Failed():
                del worker.jobs[event.job]
                self._is_warm = True
                error = error_of(event)
                if isinstance(error, HostError) and attempt < TRIES:
                    log.warning("%s: %s; tried once more", item.target, error)
                    todo.appendleft((item, attempt + 1))
                    return None
                return failed_outcome(item, error, worker.name, seconds)
            case CancelledJob():
                del worker.jobs[event.job]
                return failed_outcome(item, HostError("the engine was closed before this file was done"), worker.name)
        return None

    def _stop(self) -> None:
        """End what is under way on an engine that stays open; the others are closed by their owners."""
        for worker in self._workers:
            for job in list(worker.jobs) if worker.engine is self._given else ():
                worker.engine.cancel(job)
                with contextlib.suppress(EngineError, TimeoutError):
                    worker.engine.wait(job, STOP_LIMIT_S)


def fetch(path: str) -> None:
    """Have the system read a file into its cache, where it can be asked to; it reads on its own."""
    advise = getattr(os, "posix_fadvise", None)
    if advise is None:
        return
    with contextlib.suppress(OSError):
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # of a pipe, nobody may ever write into it
        try:
            advise(number, 0, FETCH_LIMIT_BYTES, os.POSIX_FADV_WILLNEED)
        finally:
            os.close(number)
