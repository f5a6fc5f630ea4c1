"""The only place that holds an ``Engine``: its events become Qt signals in the window's thread."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from engine import Accepted, CancelledJob, Done, Engine, Event, Failed, Progress, Request

log = logging.getLogger(__name__)

LEAVE_LIMIT_S = 5.0
LOOK_MS = 500


class _Overheard(Engine):
    """An engine that tells of every request it gets, also of those a bridge submits.

    Args:
        on_event: see ``Engine``.
        on_submit: gets the name of the job and its request, on the thread that submitted.
    """

    def __init__(self, on_event: Callable[[Event], None], on_submit: Callable[[str, Request], None]) -> None:
        super().__init__(on_event)
        self._on_submit = on_submit

    def submit(self, request: Request, *, look: bool = False) -> str:
        """Submit as ``Engine`` does, and tell ``on_submit``."""
        job = super().submit(request, look=look)
        self._on_submit(job, request)
        return job


class EngineLink(QObject):
    """Engine events arrive on a reader thread; Qt carries the signals to the window's thread.

    Signals:
        submitted: job and its request, whoever asked.
        progressed: job, fraction 0 to 1, stage.
        finished: job and its ``Done``.
        failed: job and its ``Failed``.
        cancelled: job.
        host_changed: process number of the engine process, 0 while there is none.
    """

    submitted = Signal(str, object)
    progressed = Signal(str, float, str)
    finished = Signal(str, object)
    failed = Signal(str, object)
    cancelled = Signal(str)
    host_changed = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = _Overheard(self._relay, lambda job, request: self.submitted.emit(job, request))
        self._host_pid = 0
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
        """End the engine process; a job that does not stop within ``LEAVE_LIMIT_S`` is killed with it."""
        self._looking.stop()
        self._engine.close(LEAVE_LIMIT_S)

    def _look_at_host(self) -> None:
        pid = self.host_pid
        if pid != self._host_pid:
            self._host_pid = pid
            self.host_changed.emit(pid)

    def _relay(self, event: Event) -> None:
        match event:
            case Progress():
                self.progressed.emit(event.job, event.fraction, event.stage)
            case Done():
                self.finished.emit(event.job, event)
            case Failed():
                self.failed.emit(event.job, event)
            case CancelledJob():
                self.cancelled.emit(event.job)
            case Accepted():
                log.debug("the engine has job %s", event.job)
