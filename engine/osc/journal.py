"""The journal of jobs: one line for each change of state, so that the bridge can go on after it was killed.

What is believed about a job, in this order:

1. its last whole line here. It is written before the client's ``ack`` leaves and before the engine is asked; a line
   with an ``outcome`` is the end of the job, for good;
2. for a job without an outcome, the receipt beside the spool (``engine.receipt``): with the results in place the
   job is done, though nobody heard so; results that were named in part are removed;
3. else the job is done again, from the inputs in its spool folder.

Nothing is believed of the folder of results. A half-written line, which a kill or a full disk can leave, is skipped,
and the next one begins on a line of its own. Keys that only another version knows are kept and reported in the log. The
file is rewritten from time to time, beside its place; while there is no room for that, it goes on growing.

``put`` writes into the system's cache and never waits for the disk itself, because the thread that serves the clients
calls it; ``sync`` does, and may be long.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import threading
from collections.abc import Iterable, Iterator
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
        self._rewrite_at = REWRITE_AFTER_LINES
        self._meanwhile: list[bytes] | None = None  # lines that come while the file is rewritten
        self._is_torn = True  # whether the file may end in half a line
        self._file: Any = None
        self._open()

    def put(self, entry: JournalEntry) -> None:
        """Append the current state of a job.

        Raises:
            OSError: the disk is full or gone; the job is as it was before.
        """
        line = _line(entry)
        with self._guard:
            self._append(line)
            self._lines += 1
            self.entries[entry.id] = entry
            if self._meanwhile is not None:
                self._meanwhile.append(line)

    def sync(self) -> None:
        """Sync it to the disk, against power failures, and rewrite it when it has grown long."""
        if self._lines > self._rewrite_at:
            self._rewrite()
        with contextlib.suppress(OSError, ValueError):  # ValueError: closed
            with self._guard:
                lines, number = self._lines, os.dup(self._file.fileno())
            try:
                if lines != self._synced_lines:
                    os.fsync(number)
                    self._synced_lines = lines
            finally:
                os.close(number)

    def close(self) -> None:
        """Close the file."""
        self.sync()
        with self._guard:
            self._file.close()

    def _append(self, line: bytes) -> None:
        before = self._file.seek(0, os.SEEK_END)
        if self._is_torn:
            line = b"\n" + line
        try:
            _write_whole(self._file, line)
            self._is_torn = False
        except OSError:
            self._is_torn = True
            with contextlib.suppress(OSError):
                self._file.truncate(before)
            raise

    def _rewrite(self) -> None:
        """Rewrite the file without what is forgotten; without room for that, go on with it as it is."""
        with self._guard:
            finished = [entry for entry in self.entries.values() if entry.outcome is not None]
            for entry in finished[: max(len(finished) - KEPT_FINISHED, 0)]:
                del self.entries[entry.id]
            kept = list(self.entries.values())
            self._meanwhile = []
        try:
            fresh = self._written(kept)
            with self._guard, self._gone_after_errors(fresh):
                _write_whole(fresh, b"".join(self._meanwhile))
                self._replace(fresh)
                self._lines = len(self._meanwhile)
        except OSError as error:
            log.warning("the journal cannot be rewritten (%s); it goes on growing", error)
            self._rewrite_at = self._lines + REWRITE_AFTER_LINES
        finally:
            self._meanwhile = None

    def _open(self) -> None:
        """Open the file, rewritten where there is room."""
        try:
            fresh = self._written(self.entries.values())
            with self._gone_after_errors(fresh):
                self._replace(fresh)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            log.warning("the journal cannot be rewritten (%s); it goes on growing", error)
            self._file = self._path.open("ab", buffering=0)

    def _written(self, entries: Iterable[JournalEntry]) -> Any:
        """A new file beside the old one, on the disk and open; none is left when there is no room.

        Raises:
            OSError: there is no room.
        """
        fresh = self._path.with_suffix(".new")
        try:
            with fresh.open("wb") as stream:
                for entry in entries:
                    stream.write(_line(entry))
                stream.flush()
                os.fsync(stream.fileno())
            return fresh.open("ab", buffering=0)
        except OSError:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise

    def _replace(self, fresh: Any) -> None:
        """Put a new file in the place of the old one and go on with it.

        Raises:
            OSError: the system does not let us; the old one stays.
        """
        old, windows = self._file, os.name == "nt"  # where no open file is moved, nor moved onto
        if windows:
            fresh.close()
            if old is not None:
                old.close()
        try:
            os.replace(self._path.with_suffix(".new"), self._path)
        except OSError:
            if windows and old is not None:
                self._file = self._path.open("ab", buffering=0)
            raise
        self._file = self._path.open("ab", buffering=0) if windows else fresh
        self._synced_lines, self._rewrite_at, self._is_torn = 0, REWRITE_AFTER_LINES, False
        if old is not None:
            with contextlib.suppress(OSError):
                old.close()

    @contextlib.contextmanager
    def _gone_after_errors(self, fresh: Any) -> Iterator[None]:
        """Leave nothing of a new file that did not take its place."""
        try:
            yield
        except OSError:
            fresh.close()
            with contextlib.suppress(OSError):
                self._path.with_suffix(".new").unlink()
            raise


def _write_whole(file: Any, data: bytes) -> None:
    if file.write(data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def again(entry: JournalEntry) -> JournalEntry:
    """The entry of a job that is retried."""
    return replace(entry, attempts=entry.attempts + 1)


def _read(path: Path) -> dict[str, JournalEntry]:
    entries: dict[str, JournalEntry] = {}
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return entries
    for line in filter(None, lines):
        try:
            entry = _entry_of(json.loads(line))
        except (ValueError, TypeError, KeyError, RecursionError):
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
    if not (isinstance(values["id"], str) and type(values["number"]) is int and isinstance(values["asked"], dict)):
        raise TypeError("a job has an id, a number and what was asked")
    lists = {"reply": tuple(values["reply"]), "edited": tuple(values.get("edited", ()))}
    return JournalEntry(**{**known, **lists}, unknown=unknown)


def _line(entry: JournalEntry) -> bytes:
    values = {one.name: getattr(entry, one.name) for one in fields(entry) if one.name != "unknown"}
    return json.dumps(entry.unknown | values, separators=(",", ":")).encode("ascii") + b"\n"
