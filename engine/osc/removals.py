"""Private folders that nobody needs any more are removed on the disk's thread, and at the end if it had no time."""

from __future__ import annotations

import shutil
from concurrent.futures import Executor
from pathlib import Path


class Removals:
    """Removes folders.

    Args:
        disk: one thread that may wait for the disk; whatever waits there when it shuts down is dropped.
    """

    def __init__(self, disk: Executor) -> None:
        self._disk = disk
        self._waiting = set[Path]()

    def remove(self, folder: Path) -> None:
        """Remove a folder soon; at once when the disk's thread has ended."""
        self._waiting.add(folder)
        try:
            self._disk.submit(self._remove, folder)
        except RuntimeError:
            self._remove(folder)

    def close(self) -> None:
        """Remove what is left, after the disk's thread has ended."""
        for folder in tuple(self._waiting):
            self._remove(folder)

    def _remove(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self._waiting.discard(folder)
