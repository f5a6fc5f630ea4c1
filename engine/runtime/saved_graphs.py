"""Graphs as ONNX Runtime has optimised them for this processor, kept in the cache folder so that they open faster.

An entry is named by a hash of the graph, the version of ONNX Runtime and the processor. It is written under another
name and renamed once it is whole, so that any number of processes may make it at once. What cannot be read is thrown
away and made again; a folder that cannot be written costs speed and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import platform
import time
import uuid
from pathlib import Path

from engine.bundle.library import user_cache_folder

log = logging.getLogger(__name__)

LEAST_BYTES = 1 << 20  # a smaller graph opens in the time that it takes to find it
OLD_S = 30 * 24 * 3600.0  # what was not opened for as long is thrown away
SUFFIX = ".onnx"


class SavedGraph:
    """Where the optimised form of a graph is, or is to be.

    Args:
        graph: the file of the bundle.
    """

    def __init__(self, graph: Path, version: str) -> None:
        with graph.open("rb") as stream:
            said = (version, _processor(), hashlib.file_digest(stream, "sha256").hexdigest())
        name = f"{graph.stem}-{hashlib.sha256(repr(said).encode()).hexdigest()[:32]}"
        self.folder = user_cache_folder() / "graphs"
        self.path = self.folder / f"{name}{SUFFIX}"
        self._partial = self.folder / f"{name}.{uuid.uuid4().hex}.partial"

    def is_there(self) -> bool:
        """True where it has been made; it counts as used now."""
        try:
            os.utime(self.path)
        except OSError:
            return False
        return True

    def begin(self) -> Path | None:
        """Where ONNX Runtime is to write it, for ``finish``; None where nothing can be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._partial.touch()
        except OSError as error:
            log.info("optimised graphs are not kept: %s", error)
            return None
        return self._partial

    def finish(self) -> None:
        """Give it its name, and throw away what was not used for long."""
        try:
            if self._partial.stat().st_size:
                os.replace(self._partial, self.path)
            for other in self.folder.iterdir():
                if time.time() - other.stat().st_mtime > OLD_S:
                    other.unlink()
        except OSError as error:  # another process was faster, or reads it on Windows
            log.debug("the optimised graph is not kept: %s", error)
        self._discard(self._partial)

    def throw_away(self) -> None:
        """It cannot be used."""
        self._discard(self.path)

    @staticmethod
    def _discard(path: Path) -> None:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def is_worth_saving(graph: Path) -> bool:
    """True for a graph so large that optimising it takes a while."""
    try:
        return graph.stat().st_size >= LEAST_BYTES
    except OSError:
        return False  # whoever opens it tells


def _processor() -> str:
    """What the choice of kernels depends on."""
    flags = ""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="ascii", errors="replace") as stream:
        flags = next((line for line in stream if line.startswith(("flags", "Features"))), "")
    return f"{platform.machine()} {platform.processor()} {flags}"
