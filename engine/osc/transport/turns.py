"""Who is served next: the work of all senders on one thread, in short slices, so that none keeps the others waiting."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator

log = logging.getLogger(__name__)

SLICE_S = 0.002  # one line at a time
ROUND_S = 0.010  # then the sockets are read again

Work = Iterator[bool]  # gives True after a step to be set aside until ``wake``


class Turns:
    """Runs work line by line: in order within a line, in turns between lines.

    A line that had nothing to do is served before those that are still at it, so a ping from a quiet client overtakes
    the burst of another. Source: RFC 8290 (the new and old flows of FQ-CoDel).

    Args:
        loop: runs it; everything is called on its thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lines: dict[Hashable, deque[Work]] = {}
        self._fresh: deque[Hashable] = deque()
        self._busy: deque[Hashable] = deque()
        self._aside: set[Hashable] = set()
        self._scheduled = False

    def add(self, key: Hashable, work: Work) -> None:
        """Put work at the end of a line; every ``next`` on it has to be short by itself."""
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = deque()
            self._fresh.append(key)
        line.append(work)
        self._schedule()

    def call(self, key: Hashable, function: Callable[[], None]) -> None:
        """Put one short call at the end of a line."""
        self.add(key, _once(function))

    def waiting(self, key: Hashable) -> int:
        """Pieces of work in a line."""
        return len(self._lines.get(key, ()))

    def wake(self, key: Hashable) -> None:
        """Go on with a line that was set aside."""
        if key in self._aside:
            self._aside.discard(key)
            self._busy.append(key)
            self._schedule()

    def drop(self, key: Hashable) -> None:
        """Forget what a line still has to do."""
        if key in self._lines:
            self._lines[key].clear()
            self.wake(key)

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._round)

    def _round(self) -> None:
        self._scheduled = False
        end_s = time.monotonic() + ROUND_S
        fresh = True
        while (self._fresh or self._busy) and time.monotonic() < end_s:
            queue = self._fresh if self._fresh and (fresh or not self._busy) else self._busy
            fresh = not fresh
            self._serve(queue.popleft())
        if self._fresh or self._busy:
            self._schedule()

    def _serve(self, key: Hashable) -> None:
        line = self._lines[key]
        end_s = time.monotonic() + SLICE_S
        while line and time.monotonic() < end_s:
            work = line[0]
            try:
                if next(work) and line:
                    self._aside.add(key)
                    return
            except StopIteration:
                _finished(line, work)
            except Exception:  # one bad piece of work must not end the others
                log.exception("a fault of the bridge")
                _finished(line, work)
        if line:
            self._busy.append(key)
        else:
            del self._lines[key]


def _finished(line: deque[Work], work: Work) -> None:
    if line and line[0] is work:  # its line may have been dropped by the work itself
        line.popleft()


def _once(function: Callable[[], None]) -> Work:
    function()
    yield from ()
