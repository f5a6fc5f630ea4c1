"""The only place that holds an ``Engine``: its events become Qt signals in the window's thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from engine import Accepted, CancelledJob, Done, Engine, Event, Failed, Progress, Request

LEAVE_LIMIT_S = 5.0
LOOK_MS = 500


class EngineLink(QObject):
    """Engine events arrive on threads of the engine; Qt carries the signals to the window's thread.

    Args:
        engine: one that others use too, which its owner closes; None makes one that is closed with the link.

    Signals:
        accepted: job and its request, whoever asked.
        progressed: job, fraction 0 to 1, stage: the latest of each job, since a window that was busy needs no others.
        finished: job and its ``Done``.
        failed: job and its ``Failed``.
        cancelled: job.
        host_changed: process number of the engine process, 0 while there is none.
        engines_changed: TensorRT's engines that are built already, and all of them; 0 of 0 while none are being built.
    """

    accepted = Signal(str, object)
    progressed = Signal(str, float, str)
    finished = Signal(str, object)
    failed = Signal(str, object)
    cancelled = Signal(str)
    host_changed = Signal(int)
    engines_changed = Signal(int, int)
    _went_on = Signal(str)  # a job of which there is news

    def __init__(self, engine: Engine | None = None) -> None:
        super().__init__()
        self._news: dict[str, Progress] = {}  # by job; what the window has not been told yet
        self._news_lock = threading.Lock()
        self._went_on.connect(self._tell_progress, Qt.ConnectionType.QueuedConnection)
        self._is_own = engine is None
        self._engine = engine or Engine(behind=True)
        self._stop_hearing = self._engine.subscribe(self._relay)
        self._host_pid, self._engines = 0, (0, 0)
        self._looking = QTimer(self)
        self._looking.timeout.connect(self._look_at_host)
        self._looking.start(LOOK_MS)

    @property
    def host_pid(self) -> int:
        """Process number of the engine process, 0 while there is none."""
        return self._engine.host_pid or 0

    @property
    def engine(self) -> Engine:
        """The engine, which a bridge shares."""
        return self._engine

    def warm(self, bundle: str, device: str, writable: Sequence[Path]) -> None:
        """Open a bundle ahead of the first job; see ``engine.Engine.warm``."""
        self._engine.warm(bundle, device, writable)

    def submit(self, request: Request) -> str:
        """Hand a request over; returns at once.

        Raises:
            RequestError: it cannot work.
        """
        return self._engine.submit(request)

    def cancel(self, job: str) -> None:
        """Cancel a job."""
        self._engine.cancel(job)

    def close(self) -> None:
        """End the engine's process, if it is the link's own; a job is killed with it after ``LEAVE_LIMIT_S``."""
        self._looking.stop()
        if self._is_own:
            self._engine.close(LEAVE_LIMIT_S)
        self._stop_hearing()

    def _look_at_host(self) -> None:
        pid = self.host_pid
        if pid != self._host_pid:
            self._host_pid = pid
            self.host_changed.emit(pid)
        if (engines := self._engine.engines_being_built) != self._engines:
            self._engines = engines
            self.engines_changed.emit(*engines)

    def _relay(self, event: Event) -> None:
        match event:
            case Progress():
                self._note(event)
            case Done():
                self.finished.emit(event.job, event)
            case Failed():
                self.failed.emit(event.job, event)
            case CancelledJob():
                self.cancelled.emit(event.job)
            case Accepted():
                self.accepted.emit(event.job, event.request)

    def _note(self, event: Progress) -> None:
        """Have the window told, unless it is about to be told of this job anyway."""
        with self._news_lock:
            is_first = event.job not in self._news
            self._news[event.job] = event
        if is_first:
            self._went_on.emit(event.job)

    @Slot(str)
    def _tell_progress(self, job: str) -> None:
        with self._news_lock:
            event = self._news.pop(job)
        self.progressed.emit(job, event.fraction, event.stage)
