"""Runs slow work on worker threads and delivers the results on the window's thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot
from shiboken6 import isValid

from engine import Cancelled, EngineError

log = logging.getLogger(__name__)

T = TypeVar("T")
THREADS = 2


class Background(QObject):
    """A small pool of worker threads.

    Args:
        parent: owns it.
        threads: how many: each that computes takes turns with the window's.

    Signals:
        busy_changed: how many pieces of work are under way or waiting.
    """

    busy_changed = Signal(int)
    _finished = Signal(object, object)  # a function and its argument

    def __init__(self, parent: QObject | None = None, threads: int = THREADS) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="fluxstem-desktop")
        self._leaving = threading.Event()
        self._busy = 0
        self._finished.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> int:
        """Number of tasks running or waiting."""
        return self._busy

    def run(self, work: Callable[[], T], then: Callable[[T], None], failed: Callable[[EngineError], None]) -> None:
        """Do ``work`` on a worker thread, then call one of the others on the window's thread.

        Args:
            work: must not touch anything of Qt.
            then: gets its answer; the method of a dialog that is gone by then is not called.
            failed: gets what it raised, always with a sentence for the user; not called either then.
        """
        if self._leaving.is_set():
            return
        self._busy += 1
        self.busy_changed.emit(self._busy)

        def do() -> None:
            try:
                answer = work()
            except Cancelled:
                self._hand_over(_nothing, None)
            except EngineError as error:
                self._hand_over(failed, error)
            except Exception as error:
                log.exception("unexpected error in background work")
                words = f"{type(error).__name__}: {' '.join(str(error).split())}"
                self._hand_over(
                    failed, EngineError("internal error ({words}); please report it with the log", words=words)
                )
            else:
                self._hand_over(then, answer)

        self._pool.submit(do)

    def check(self) -> None:
        """Called by work regularly.

        Raises:
            Cancelled: the window closes.
        """
        if self._leaving.is_set():
            raise Cancelled("the window closes")

    def close(self) -> None:
        """Cancel what waits and wait for what runs."""
        self._leaving.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _hand_over(self, receiver: Callable[[Any], None], answer: object) -> None:
        if not self._leaving.is_set():
            self._finished.emit(receiver, answer)

    @Slot(object, object)
    def _deliver(self, receiver: Callable[[Any], None], answer: object) -> None:
        self._busy -= 1
        self.busy_changed.emit(self._busy)
        owner = getattr(receiver, "__self__", None)
        is_gone = isinstance(owner, QObject) and not isValid(owner)
        if not self._leaving.is_set() and not is_gone:
            receiver(answer)


def _nothing(answer: object) -> None:
    """Receiver of cancelled work."""
