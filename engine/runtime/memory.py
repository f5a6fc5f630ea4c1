"""Memory: how many windows fit a card, estimated, corrected by what happens and remembered; and what is given back."""

from __future__ import annotations

import contextlib
import ctypes
import math
from collections.abc import Iterable, Sequence

from engine.bundle.bundle import Manifest
from engine.runtime.settings import BATCH_SIZES

WORKING_COPIES = 6.0  # memory of a run, in inputs and outputs of its largest graph; see DEVICES.md
RESERVE_BYTES = 512 << 20  # for the driver, the screen and everything that comes later
LIMIT_SHARE = 0.9  # of the free memory that the arena of one graph may take
FLOAT_BYTES = 4


def window_bytes(manifest: Manifest) -> int:
    """Memory that one more window takes, in bytes, estimated from the shapes of the bundle's largest graph."""
    graphs = manifest.graphs.values()
    sizes = [_elements((*graph.inputs.values(), *graph.outputs.values())) for graph in graphs]
    return int(WORKING_COPIES * FLOAT_BYTES * max(sizes, default=0))


def fitting_windows(free_bytes: int, each_bytes: int, sizes: Sequence[int] = BATCH_SIZES) -> int:
    """The greatest of the fixed batches that fits; 0 where even one window does not.

    Args:
        free_bytes: what the card has free, after the graphs were opened.
        each_bytes: what one window takes.
    """
    room = max(free_bytes - RESERVE_BYTES, 0)
    return max((size for size in sizes if size * max(each_bytes, 1) <= room), default=0)


def arena_limit(free_bytes: int) -> int | None:
    """Bytes that the arena of a graph may grow to; None where the card does not tell what is free."""
    return int(LIMIT_SHARE * max(free_bytes - RESERVE_BYTES, 0)) or None


def give_back_freed() -> None:
    """Give the system back what was freed, where the C library keeps it (glibc); elsewhere it is given back at once.

    Checking and opening the graphs of a bundle takes a multiple of what stays.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):  # not glibc; Windows has no library of no name
        ctypes.CDLL(None).malloc_trim(0)


class BatchMemory:
    """The number of windows at once that worked, by bundle and device; one process remembers it from job to job."""

    def __init__(self) -> None:
        self._sizes: dict[tuple[str, str], int] = {}

    def begin(self, bundle_sha256: str, device: str, usual: int) -> int:
        """Windows to begin a job with: ``usual``, or fewer where a job before had to take fewer."""
        return min(usual, self._sizes.get((bundle_sha256, device), usual))

    def end(self, bundle_sha256: str, device: str, begun: int, size: int) -> None:
        """A job began with ``begun`` windows at once and ended with ``size``."""
        if size < begun:
            self._sizes[bundle_sha256, device] = size


def _elements(shapes: Iterable[Sequence[str | int]]) -> int:
    return sum(math.prod(axis for axis in axes if isinstance(axis, int)) for axes in shapes)
