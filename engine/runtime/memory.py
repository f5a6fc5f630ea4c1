"""Memory: how many windows fit a card, estimated, corrected by what happens and remembered; and what is given back."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import logging
import math
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.bundle.bundle import Manifest
from engine.bundle.library import user_cache_folder
from engine.runtime.backend import PROVIDERS
from engine.runtime.settings import BATCH_SIZES

log = logging.getLogger(__name__)

WORKING_COPIES = 6.0  # memory of a run, in inputs and outputs of its largest graph; see DEVICES.md
RESERVE_BYTES = 512 << 20  # for the driver, the screen and everything that comes later
LIMIT_SHARE = 0.9  # of the free memory that the arena of one graph may take
FLOAT_BYTES = 4
MOST_USED = 8  # numbers of windows at once that are remembered


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
    """The number of windows at once that jobs had, by bundle and device.

    That fewer than usual fitted is remembered from job to job by one process, since the memory that other programs take
    comes and goes. Which numbers jobs ended with is kept in a folder, so that a later process prepares for them first.

    Args:
        folder: where they are kept; None takes the user's cache.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._sizes: dict[tuple[str, str], int] = {}
        self._folder = folder or user_cache_folder() / "batches"

    def begin(self, bundle_sha256: str, device: str, usual: int) -> int:
        """Windows to begin a job with: ``usual``, or fewer where a job before had to take fewer."""
        return min(usual, self._sizes.get((bundle_sha256, device), usual))

    def end(self, bundle_sha256: str, device: str, begun: int, size: int) -> None:
        """A job began with ``begun`` windows at once and ended with ``size``."""
        if size < begun:
            self._sizes[bundle_sha256, device] = size
        known = self.used(bundle_sha256, device)
        if device == PROVIDERS["cpu"] or known[:1] == [size]:
            return
        path = self._path(bundle_sha256, device)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f"{path.stem}.{uuid.uuid4().hex}.partial")
            draft.write_text(json.dumps([size, *(one for one in known if one != size)][:MOST_USED]), encoding="utf-8")
            draft.replace(path)
        except OSError as error:
            log.info("the windows at once of a job could not be kept: %s", error)

    def used(self, bundle_sha256: str, device: str) -> list[int]:
        """Windows at once that jobs of this and earlier processes ended with, the latest first."""
        try:
            told = json.loads(self._path(bundle_sha256, device).read_text(encoding="utf-8"))
            return [int(one) for one in told][:MOST_USED]
        except (OSError, ValueError, TypeError, RecursionError):
            return []

    def _path(self, bundle_sha256: str, device: str) -> Path:
        return self._folder / f"{hashlib.sha256(repr((bundle_sha256, device)).encode()).hexdigest()[:24]}.json"


def _elements(shapes: Iterable[Sequence[str | int]]) -> int:
    return sum(math.prod(axis for axis in axes if isinstance(axis, int)) for axes in shapes)
