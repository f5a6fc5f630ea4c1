"""Crash recovery: each window autosaves into its own folder until it is closed properly.

The folder is held by a lock that dies with its process; one without an owner is work to be offered again.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLockFile

from desktop.models.project import Project
from desktop.models.project_file import project_text, read_project, write_whole
from engine import EngineError, OutputError

STATE, LOCK, HOME, JOBS = "session.fluxstem", "lock", "saved-as", "jobs.json"


@dataclass(frozen=True, slots=True)
class RecoverableProject:
    """A project left by a window that ended without closing.

    Attributes:
        folder: where it lies.
        project: as it was last autosaved.
        saved_as: path of its project file, empty when it had none.
        jobs: that were not done, as JSON values; see ``JobController.resume``.
    """

    folder: Path
    project: Project
    saved_as: str
    jobs: tuple[dict[str, Any], ...] = ()


class Recovery:
    """This window's recovery folder.

    Args:
        root: holds one folder per window.

    Raises:
        OutputError: it cannot be made.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / uuid.uuid4().hex
        try:
            self.folder.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise OutputError(
                "{folder} may not be written to ({reason}); autosave needs it", folder=root, reason=error.strerror
            ) from error
        self._lock = _lock(self.folder)
        self._lock.tryLock(0)

    def keep(self, project: Project, saved_as: str, jobs: Sequence[dict[str, Any]] = ()) -> None:
        """Autosave, with the jobs that are not done. For a worker.

        Raises:
            OutputError: the disk is full.
        """
        try:
            write_whole(self.folder / HOME, saved_as)
            write_whole(self.folder / JOBS, json.dumps(list(jobs)))
            write_whole(self.folder / STATE, project_text(project))
        except OSError as error:
            raise OutputError(
                "autosave failed ({reason}); make room in {folder}, or save often",
                reason=error.strerror or error,
                folder=self.root,
            ) from error

    def left_behind(self) -> list[RecoverableProject]:
        """Projects of windows that did not close, the latest first."""
        found: list[tuple[float, RecoverableProject]] = []
        for folder in self.root.iterdir() if self.root.is_dir() else ():
            state = folder / STATE
            if folder == self.folder or not folder.is_dir() or not self._is_ownerless(folder):
                continue
            if not state.is_file():
                shutil.rmtree(folder, ignore_errors=True)
                continue
            with contextlib.suppress(EngineError, OSError):
                saved_as = (folder / HOME).read_text(encoding="utf-8") if (folder / HOME).is_file() else ""
                left = RecoverableProject(folder, read_project(state), saved_as, _jobs(folder / JOBS))
                found.append((state.stat().st_mtime, left))
        return [left for _, left in sorted(found, key=lambda item: -item[0])]

    def forget(self, left: RecoverableProject) -> None:
        """Delete a recovered project."""
        shutil.rmtree(left.folder, ignore_errors=True)

    def audio_in_use(self) -> set[str]:
        """Hashes of audio that other windows and unrecovered projects need."""
        hashes: set[str] = set()
        for state in self.root.glob(f"*/{STATE}"):
            with contextlib.suppress(EngineError):
                hashes |= {ref.sha256 for ref in read_project(state).audio}
        return hashes

    def sweep(self, scratch: Path) -> None:
        """Delete the scratch folders of windows that are gone."""
        for folder in scratch.iterdir() if scratch.is_dir() else ():
            if not (self.root / folder.name).is_dir():
                shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Delete this window's folder: it was closed properly."""
        self._lock.unlock()
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def _is_ownerless(folder: Path) -> bool:
        lock = _lock(folder)
        free = lock.tryLock(0)
        if free:
            lock.unlock()
        return free


def _jobs(path: Path) -> tuple[dict[str, Any], ...]:
    """The jobs that were not done; none where the file is missing or damaged."""
    try:
        jobs = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return ()
    return tuple(job for job in jobs if isinstance(job, dict)) if isinstance(jobs, list) else ()


def _lock(folder: Path) -> QLockFile:
    lock = QLockFile(str(folder / LOCK))
    lock.setStaleLockTime(0)
    return lock
