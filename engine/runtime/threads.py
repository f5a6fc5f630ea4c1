"""Number of threads, and a parallel loop over items."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
MOST_WORKERS = 4  # more would wait for memory


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
