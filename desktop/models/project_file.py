"""A project on disk: a ``.fluxstem`` JSON file and a folder of audio beside it, each file under its own hash.

Audio goes first, the JSON is written beside its place and renamed, so a project that can be seen is whole. One window
at a time holds a project, by a lock that dies with its process.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLockFile

from desktop.audio.read import Check, keep_going
from desktop.audio.store import AudioRef, AudioStore
from desktop.models.project import FORMAT, Project, project_from_json, to_json
from engine import AudioError, OutputError, RequestError

SUFFIX = ".fluxstem"
LIMIT_BYTES = 16 << 20


def audio_folder(path: Path) -> Path:
    """The audio folder of a project file."""
    return path.with_name(path.stem + ".fluxstem-audio")


def project_text(project: Project) -> str:
    """Text of the project file."""
    return json.dumps({"fluxstem_project": FORMAT, **to_json(project)}, indent=1, allow_nan=False) + "\n"


def save_project(project: Project, path: Path, store: AudioStore, check: Check = keep_going) -> None:
    """Write the file and the audio it needs. Slow: for a worker.

    Raises:
        OutputError: the disk is full or may not be written to; an older project in that place is as it was.
    """
    try:
        folder = audio_folder(path)
        if project.audio:
            folder.mkdir(parents=True, exist_ok=True)
        for ref in sorted(project.audio, key=lambda ref: ref.file):
            check()
            put_file(store.path(ref), folder / ref.file)
        write_whole(path, project_text(project))
    except OSError as error:
        raise OutputError(
            "the project could not be saved to {path} ({reason}); the old file is unchanged; save to another folder",
            path=path,
            reason=error.strerror or error,
        ) from error


def load_project(
    path: Path, store: AudioStore, check: Check = keep_going, tell_damaged: Callable[[list[str]], None] | None = None
) -> Project:  # fmt: skip
    """Read a project and bring its audio into the store. Slow: for a worker.

    Every file is compared with its hash. One that differs, as bit rot leaves it, is taken as what it is now and told;
    it never stands for the sound it was.

    Args:
        store: takes the audio.
        check: called regularly; raises to cancel.
        tell_damaged: gets the names of the takes whose audio is not what was saved.

    Raises:
        RequestError: it is no project, or was written by a newer program.
        AudioError: its audio is gone, or cannot be read any more.
        OutputError: there is no room for its audio.
    """
    project = read_project(path)
    changed: dict[AudioRef, AudioRef] = {}
    try:
        store.folder.mkdir(parents=True, exist_ok=True)
        for ref in sorted(project.audio, key=lambda ref: ref.file):
            source, found = audio_folder(path) / ref.file, ref
            if not store.holds(ref, check):
                if not source.is_file():
                    raise AudioError(
                        "the audio of {file} is gone; put the folder {folder} back beside it",
                        file=path.name,
                        folder=audio_folder(path).name,
                    )
                found = store.adopt(source, ref, check)
                if found != ref:
                    changed[ref] = found
            store.prepare(found, check)
    except OSError as error:
        raise OutputError(
            "the audio of {file} could not be copied ({reason}); make room",
            file=path.name,
            reason=error.strerror or error,
        ) from error
    if changed and tell_damaged is not None:
        tell_damaged(_names_of(project, set(changed)))
    return _with_others(project, changed) if changed else project


def _names_of(project: Project, refs: set[AudioRef]) -> list[str]:
    """Names of the takes that sound like one of these, and of the mix."""
    names = [project.title] if project.source in refs else []
    for lane in project.lanes:
        for number, take in enumerate(lane.takes, 1):
            if any(ref in refs for ref in _refs_in(take)):
                names.append(lane.name if len(lane.takes) == 1 else f"{lane.name} {number}")
    return list(dict.fromkeys(names))


def _refs_in(value: Any) -> Iterator[AudioRef]:
    if isinstance(value, AudioRef):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            yield from _refs_in(getattr(value, one.name))
    elif isinstance(value, tuple):
        for inner in value:
            yield from _refs_in(inner)


def _with_others(value: Any, changed: dict[AudioRef, AudioRef]) -> Any:
    """The same value with other sounds in the place of some."""
    if isinstance(value, AudioRef):
        return changed.get(value, value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _with_others(getattr(value, one.name), changed) for one in fields(value)})
    return tuple(_with_others(inner, changed) for inner in value) if isinstance(value, tuple) else value


def read_project(path: Path) -> Project:
    """Read the JSON without its audio.

    Raises:
        RequestError: as in ``load_project``.
    """
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise RequestError(
                "{file} is too large to be a project; choose a {suffix} file", file=path.name, suffix=SUFFIX
            )
        data = json.loads(path.read_bytes())
        number = data.get("fluxstem_project") if isinstance(data, dict) else None
        if type(number) is not int or number < 1:
            raise RequestError(
                "{file} is not a Fluxstem project; choose a {suffix} file", file=path.name, suffix=SUFFIX
            )
        if number > FORMAT:
            raise RequestError(
                "{file} was written by a newer Fluxstem (format {format}); update this one",
                file=path.name,
                format=number,
            )
        return project_from_json(data)
    except OSError as error:
        raise RequestError(
            "{path} cannot be opened ({reason}); check that it is there", path=path, reason=error.strerror or error
        ) from error
    except (ValueError, RecursionError) as error:
        raise RequestError(
            "{file} is damaged ({reason}); an older copy of it may still be good", file=path.name, reason=error
        ) from error


def write_whole(path: Path, text: str) -> None:
    """Write a text file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with fresh.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def put_file(source: Path, target: Path) -> None:
    """Copy a file unless the target exists; on file systems that can, both share their bytes until one is changed."""
    if target.exists():
        return
    fresh = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        if not _shared_copy(source, fresh):
            shutil.copyfile(source, fresh)
        os.replace(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)


def _shared_copy(source: Path, target: Path) -> bool:
    """Let the system copy, which may do so without copying bytes; False where it cannot."""
    if not hasattr(os, "copy_file_range"):
        return False
    try:
        with source.open("rb") as given, target.open("wb") as taken:
            left = os.fstat(given.fileno()).st_size
            while left > 0 and (done := os.copy_file_range(given.fileno(), taken.fileno(), left)):
                left -= done
        return left == 0
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        return False


class ProjectLock:
    """The lock on a project file.

    Raises:
        RequestError: another window has it.
        OutputError: its folder may not be written to.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = QLockFile(str(path.with_name(f".{path.name}.lock")))
        self._lock.setStaleLockTime(0)  # a lock never grows old; it dies with its process
        if self._lock.tryLock(0):
            return
        if self._lock.error() == QLockFile.LockError.LockFailedError:
            raise RequestError(
                "{file} is open in another Fluxstem window (process {process}); close it there, or "
                "save yours under another name",
                file=path.name,
                process=self._lock.getLockInfo()[0],
            )
        raise OutputError("{folder} may not be written to; save the project in another folder", folder=path.parent)

    def release(self) -> None:
        """Release the lock."""
        with contextlib.suppress(RuntimeError):
            self._lock.unlock()
