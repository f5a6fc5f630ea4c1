"""Keeps what was computed of a mix in a folder, so that the next prompt for it, in any process, costs less.

An entry is a file of rows whose name is the hash of everything that decides them: the sound itself (not its file),
bundle, engine, device, prompt. It is written under another name and renamed once it is whole, so that other processes
see all of it or nothing. Its last bytes are its own hash: a damaged one is thrown away and computed again. When the
folder holds too much, what was not used for longest goes first. A folder that cannot be written costs speed and nothing
else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np

from engine.audio.disk_array import DiskRows
from engine.audio.file_names import clean_stale, partial_path
from engine.request import Request
from engine.version import engine_version

log = logging.getLogger(__name__)

FORMAT = 2  # of entries and of what they hold; a change of either makes all older entries unknown
SUFFIX = ".rows"
BLOCK_BYTES = 1 << 22
HEADER_LIMIT_BYTES = 1 << 26
GB = 10**9

Rows = TypeVar("Rows", bound=DiskRows[Any])


class MixCache:
    """A folder of entries.

    Args:
        folder: made when it is first written to.
        limit_bytes: how much its entries may take.
        made_by: what decides every entry: bundle, device.
    """

    def __init__(self, folder: Path, limit_bytes: int, made_by: Sequence[str]) -> None:
        self._folder, self._limit = folder, limit_bytes
        self._made_by = [FORMAT, engine_version(), *made_by]

    def key(self, what: str, *parts: str) -> str:
        """Name of an entry.

        Args:
            parts: everything else that decides it.
        """
        return hashlib.sha256(json.dumps([*self._made_by, what, *parts]).encode()).hexdigest()

    def load(self, key: str, make: Callable[[], Rows]) -> tuple[Rows, list[float]] | None:
        """Read an entry.

        Args:
            make: an empty array of the rows' type and width.

        Returns:
            The array with its rows, and the numbers beside them; None where there is no such entry, or a damaged one.

        Raises:
            OutputError: the disk of the array is full or gone.
        """
        path = self._path(key)
        try:
            stream = path.open("rb")
        except OSError:
            return None
        rows = make()
        with stream:
            try:
                numbers = _read(stream, key, rows)
            except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
                log.warning("the entry %s of the cache is damaged (%s); it is computed again", path, error)
                rows.close()
                numbers = None
        with contextlib.suppress(OSError):  # another process may have taken it away, or the folder is read-only
            os.utime(path) if numbers is not None else path.unlink()
        return None if numbers is None else (rows, numbers)

    def store(self, key: str, rows: DiskRows[Any], numbers: Sequence[float] = ()) -> None:
        """Write an entry; one that takes more than the whole cache may is left out.

        Args:
            numbers: more of it, a few.
        """
        size = rows.rows * rows.width * np.dtype(rows.kind).itemsize
        partial = partial_path(self._path(key))
        if size > self._limit:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            clean_stale(self._folder)
            self._make_room(size)
            with partial.open("wb") as stream:
                _write(stream, key, rows, numbers)
            os.replace(partial, self._path(key))
            self._make_room(0)
        except OSError as error:
            log.warning("the cache %s cannot be written (%s); going on without", self._folder, error)
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{SUFFIX}"

    def _make_room(self, size: int) -> None:
        """Take away entries, the longest unused first, until ``size`` more bytes fit."""
        found = []
        for path in self._folder.glob(f"*{SUFFIX}"):
            with contextlib.suppress(OSError):  # another process was faster
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size, path))
        total = sum(held for _, held, _ in found) + size
        for _, held, path in sorted(found):
            if total <= self._limit:
                return
            with contextlib.suppress(OSError):  # another process was faster, or reads it on Windows
                path.unlink()
                total -= held


def open_cache(request: Request, bundle_sha256: str, device: str) -> MixCache | None:
    """The cache that a request names; None where it names none.

    Args:
        request: with every default filled in.
        bundle_sha256: of the bundle that runs.
        device: the execution provider that runs it.
    """
    if not request.cache:
        return None
    return MixCache(Path(request.cache), round(request.cache_gb * GB), (bundle_sha256, device))


def hash_rows(rows: DiskRows[Any]) -> str:
    """Hash of all rows of an array."""
    found = hashlib.sha256()
    for at, some in _blocks(rows):
        found.update(rows.read(at, at + some).data)
    return found.hexdigest()


def hash_array(values: np.ndarray[Any, Any]) -> str:
    """Hash of an array in memory."""
    return hashlib.sha256(np.ascontiguousarray(values).data).hexdigest()


def _blocks(rows: DiskRows[Any]) -> list[tuple[int, int]]:
    """First row and number of rows of each block."""
    at_once = max(1, BLOCK_BYTES // (rows.width * np.dtype(rows.kind).itemsize))
    return [(at, min(at_once, rows.rows - at)) for at in range(0, rows.rows, at_once)]


def _write(stream: BinaryIO, key: str, rows: DiskRows[Any], numbers: Sequence[float]) -> None:
    shape = {"key": key, "type": np.dtype(rows.kind).str, "width": rows.width, "rows": rows.rows}
    header = json.dumps({**shape, "numbers": list(numbers)}).encode() + b"\n"
    found = hashlib.sha256(header)
    stream.write(header)
    for at, some in _blocks(rows):
        data = rows.read(at, at + some).data.cast("B")
        found.update(data)
        stream.write(data)
    stream.write(found.digest())


def _read(stream: BinaryIO, key: str, rows: DiskRows[Any]) -> list[float]:
    header = stream.readline(HEADER_LIMIT_BYTES)
    said = json.loads(header)
    found, kind = hashlib.sha256(header), np.dtype(rows.kind)
    if (said["key"], said["type"], said["width"]) != (key, kind.str, rows.width):
        raise ValueError("it is another one")
    at_once = max(1, BLOCK_BYTES // (rows.width * kind.itemsize))
    for at in range(0, said["rows"], at_once):
        wanted = min(at_once, said["rows"] - at) * rows.width * kind.itemsize
        data = stream.read(wanted)
        if len(data) < wanted:
            raise ValueError("it ends too early")
        found.update(data)
        rows.append(np.frombuffer(data, kind).reshape(-1, rows.width))
    if stream.read() != found.digest():
        raise ValueError("its hash differs")
    return [float(number) for number in said["numbers"]]
