"""The journal of jobs: one line for each change of state, so that the bridge can go on after it was killed.

A line is written before its ``ack`` leaves. A half-written last line, which a kill can leave, is skipped. Keys
that only another version knows are kept and reported in the log.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

KEPT_FINISHED = 1000
REWRITE_AFTER_LINES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One job.

    Attributes:
        id: the client's own name for it.
        number: ours.
        task: what was asked.
        asked: the values of the message, by name, as they came; two messages with equal ones are the same.
        request: what the engine is asked, as JSON values; None until the input is in safety.
        spool: private folder with its inputs, "" for none.
        outcome: None until it is finished; then ``done``, ``fail`` or ``cancelled``.
        reply: arguments of the message that told so, after the id.
        parts: files of a finished job, by part.
        edited: arguments of the message that gave back an edited version, after the id; none while nobody did.
        attempts: times an engine process died over it.
        inputs: what the files looked like that the message names, by what it calls them.
        unknown: what another version of the program wrote beside this.
    """

    id: str
    number: int
    task: str
    asked: dict[str, Any]
    request: dict[str, Any] | None = None
    spool: str = ""
    outcome: str | None = None
    reply: tuple[Any, ...] = ()
    parts: dict[str, str] = field(default_factory=dict)
    edited: tuple[Any, ...] = ()
    attempts: int = 0
    inputs: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict)


class Journal:
    """Append-only file of entries; the last line of a job is its current state.

    Args:
        path: made when missing; what it holds is in ``entries`` afterwards.

    Raises:
        OSError: it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()  # jobs are written down by two threads
        self.entries = _read(path)
        self._lines = self._synced_lines = 0
        self._file = self._rewritten(self.entries.values())

    def put(self, entry: JournalEntry) -> None:
        """Append the current state of a job.

        Raises:
            OSError: the disk is full or gone; the job is as it was before.
        """
        with self._guard:
            self._append(_line(entry))
            self._lines += 1
            self.entries[entry.id] = entry
            if self._lines > REWRITE_AFTER_LINES:
                self._trim()

    def sync(self) -> None:
        """Sync it to the disk, against power failures."""
        with self._guard, contextlib.suppress(OSError, ValueError):
            if self._lines != self._synced_lines:
                os.fsync(self._file.fileno())
                self._synced_lines = self._lines

    def close(self) -> None:
        """Close the file."""
        self.sync()
        self._file.close()

    def _append(self, line: bytes) -> None:
        before = self._file.seek(0, os.SEEK_END)
        try:
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(before)
            raise

    def _trim(self) -> None:
        finished = [entry for entry in self.entries.values() if entry.outcome is not None]
        for entry in finished[: max(len(finished) - KEPT_FINISHED, 0)]:
            del self.entries[entry.id]
        self._file.close()
        self._file = self._rewritten(self.entries.values())

    def _rewritten(self, entries: Iterable[JournalEntry]) -> Any:
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as stream:
            for entry in entries:
                stream.write(_line(entry))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(fresh, self._path)
        self._lines = self._synced_lines = 0
        return self._path.open("ab", buffering=0)


def again(entry: JournalEntry) -> JournalEntry:
    """The entry of a job that is retried."""
    return replace(entry, attempts=entry.attempts + 1)


def _read(path: Path) -> dict[str, JournalEntry]:
    entries: dict[str, JournalEntry] = {}
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return entries
    for line in lines:
        try:
            entry = _entry_of(json.loads(line))
        except (ValueError, TypeError, KeyError):
            log.warning("a line of the journal cannot be read and is skipped")
            continue
        entries[entry.id] = entry
    finished = [entry.id for entry in entries.values() if entry.outcome is not None]
    for name in finished[: max(len(finished) - KEPT_FINISHED, 0)]:
        del entries[name]
    return entries


def _entry_of(values: Any) -> JournalEntry:
    """Parse a line.

    Raises:
        TypeError, KeyError: it holds none.
    """
    if not isinstance(values, dict):
        raise TypeError("a line is an object")
    names = [one.name for one in fields(JournalEntry) if one.name != "unknown"]
    known = {name: value for name, value in values.items() if name in names}
    if unknown := {name: value for name, value in values.items() if name not in names}:
        log.warning("a line of the journal has %s, which this version does not know; kept", ", ".join(unknown))
    lists = {"reply": tuple(values["reply"]), "edited": tuple(values.get("edited", ()))}
    return JournalEntry(**{**known, **lists}, unknown=unknown)


def _line(entry: JournalEntry) -> bytes:
    values = {one.name: getattr(entry, one.name) for one in fields(entry) if one.name != "unknown"}
    return json.dumps(entry.unknown | values, separators=(",", ":")).encode("ascii") + b"\n"
