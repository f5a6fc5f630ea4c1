"""Number of threads, a parallel loop over items, and stages of one stream that work at the same time.

Threads pay where NumPy, ONNX Runtime, libsndfile or the disk do the work, since these let go of Python's lock.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
MOST_WORKERS = 4  # more would wait for memory
AHEAD = 2  # items that wait between two stages
STOP_CHECK_S = 0.1


def threads() -> int:
    """Threads per graph: ``FLUXSTEM_THREADS``, else ``OMP_NUM_THREADS``, else 0, which lets the runtime choose."""
    for name in ("FLUXSTEM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "")
        if value.isdigit() and int(value) > 0:
            return int(value)
    return 0


def parallel_for(work: Callable[[Item], None], items: Sequence[Item]) -> None:
    """Process all items, several at once; worth it where NumPy does the work.

    Args:
        work: processes one item; what it raises is raised here.
        items: independent of each other.
    """
    workers = min(threads() or os.cpu_count() or 1, MOST_WORKERS, len(items))
    if workers < 2:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, items):
            pass


def ahead(source: Iterator[Item], depth: int = AHEAD) -> Generator[Item, None, None]:
    """The same items in the same order, made by a thread of their own before they are asked for.

    Args:
        source: runs in the thread from the first item to its end; what it raises is raised here. It is closed there
            when nobody takes its items any more.
        depth: how many items may wait.
    """
    made: queue.Queue[tuple[bool, Item | BaseException | None]] = queue.Queue(depth)
    left = threading.Event()

    def put(is_item: bool, value: Item | BaseException | None) -> None:
        while not left.is_set():
            with contextlib.suppress(queue.Full):
                made.put((is_item, value), timeout=STOP_CHECK_S)
                return

    def work() -> None:
        try:
            for item in source:
                put(True, item)
                if left.is_set():
                    break
            put(False, None)
        except BaseException as error:  # raised again where the items are taken
            put(False, error)
        finally:
            close = getattr(source, "close", None)  # a generator holds files open
            if close is not None:
                close()

    worker = threading.Thread(target=work, name="fluxstem-ahead", daemon=True)
    worker.start()
    try:
        while True:
            is_item, value = made.get()
            if is_item:
                yield value  # type: ignore[misc]
            elif isinstance(value, BaseException):
                raise value
            else:
                return
    finally:
        left.set()
        worker.join()


def overlapped(
    items: Iterator[Item], work: Callable[[Item], Result], at_once: int
) -> Generator[tuple[Item, Result], None, None]:
    """Each item and what becomes of it, in order, while as many are in work as ``at_once`` says.

    Args:
        items: taken one after the other by the caller's thread.
        work: called in threads; what it raises is raised here, at the turn of its item.
        at_once: how many calls there are at most at any time.
    """
    with ThreadPoolExecutor(at_once, thread_name_prefix="fluxstem-overlapped") as pool:
        waiting: deque[tuple[Item, Future[Result]]] = deque()
        try:
            for item in items:
                waiting.append((item, pool.submit(work, item)))
                if len(waiting) == at_once:
                    yield _next_of(waiting)
            while waiting:
                yield _next_of(waiting)
        finally:
            for _, future in waiting:
                future.cancel()


def _next_of(waiting: deque[tuple[Item, Future[Result]]]) -> tuple[Item, Result]:
    item, future = waiting.popleft()
    return item, future.result()


class Lookahead(Generic[Item]):
    """Results of a function for the numbers 0, 1, 2, ..., made by a thread before they are asked for.

    Args:
        make: the function; what it raises is raised where its result is asked for.
        count: how many numbers there are.
        depth: how many results beyond the last one asked for are made.
    """

    def __init__(self, make: Callable[[int], Item], count: int, depth: int = 1) -> None:
        self._make, self._count, self._depth = make, count, depth
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="fluxstem-lookahead")
        self._made: dict[int, Future[Item]] = {}

    def of(self, numbers: Sequence[int]) -> list[Item]:
        """Results for consecutive numbers; those before the first are forgotten, so a later call may repeat it."""
        for number in [number for number in self._made if number < numbers[0]]:
            del self._made[number]
        for number in range(numbers[0], min(numbers[-1] + 1 + self._depth, self._count)):
            if number not in self._made:
                self._made[number] = self._pool.submit(self._make, number)
        return [self._made[number].result() for number in numbers]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(cancel_futures=True)


class Behind:
    """Does one thing at a time in a thread, in order, while the caller goes on; at most one waits."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="fluxstem-behind")
        self._last: Future[None] | None = None

    def do(self, work: Callable[[], None]) -> None:
        """Start ``work`` once what was started before is done; what that raised is raised here."""
        self.wait()
        self._last = self._pool.submit(work)

    def wait(self) -> None:
        """Wait until all is done; raises what it raised."""
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.wait()
        finally:
            self._pool.shutdown(cancel_futures=True)
