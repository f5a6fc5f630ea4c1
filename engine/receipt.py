"""A receipt tells a client, after a crash, what became of the results of one job: none, these, or a part to be removed.

It is a file of JSON lines that only grows, locked by the process that does the job, and the one place that is believed
about results whose ``Done`` nobody heard:

* no line ``files``: nothing was named yet;
* ``files`` without ``done``: naming had begun; what is in the folder with one of these identities is removed;
* ``done``: all results and their JSON are in place, and this is the event that tells of them.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from engine.errors import HostError
from engine.events import Done, Event
from engine.serialization import event_from_json, event_to_json

log = logging.getLogger(__name__)

LEAVE_LIMIT_S = 5.0  # that the process of a client that is gone gets to leave before it is killed
LOOK_S = 0.05
SIDECAR_KEY = "fluxstem_sidecar"
SIZE_LIMIT_BYTES = 1 << 24

Identity = tuple[int, int, int, int]


class Receipt:
    """The receipt of a job that is being done, locked until ``close``.

    Args:
        path: made, with its folder.

    Raises:
        HostError: another process is at this job.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115  # held until close
        try:
            _lock(self._file)
        except OSError:
            self._file.close()
            raise HostError("another process is at this job; wait for it") from None
        self._write({"pid": os.getpid()})

    def naming(self, folder: Path, files: Iterable[IO[bytes]]) -> None:
        """Say which finished, still nameless files are named next in a folder."""
        self._write({"folder": str(folder), "files": [_identity(os.fstat(file.fileno())) for file in files]})

    def done(self, event: Done) -> None:
        """Say that all results are in place."""
        self._write({"done": event_to_json(event)})

    def close(self) -> None:
        """Let go of it."""
        self._file.close()

    def _write(self, values: dict[str, Any]) -> None:
        line = json.dumps(values, separators=(",", ":")).encode("ascii") + b"\n"
        if self._file.write(line) != len(line):
            raise OSError("the disk is full")


def settle_receipt(path: Path, out: Path) -> Done | None:
    """Find out what became of a job whose client is gone, and remove what was named of it in part.

    A process that is still at it is waited for, and killed when it takes too long. The receipt was written by a process
    that runs strangers' bundles: it is believed about one folder, and about processes that have it open.

    Args:
        path: the receipt; none may be there.
        out: folder of the job's results; nothing is removed elsewhere.

    Returns:
        The event that nobody heard; None where the job has to be done again.
    """
    if not path.is_file() or path.stat().st_size > SIZE_LIMIT_BYTES:
        return None
    with path.open("ab") as stream:
        _wait_for(stream, path)
        lines = list(_lines(path))
    event: Event | None = None
    for line in lines:
        if isinstance(line.get("done"), dict):
            with contextlib.suppress(KeyError, TypeError, ValueError):
                event = event_from_json(line["done"])
    if isinstance(event, Done):
        return event
    for line in lines:
        if isinstance(line.get("files"), list) and line.get("folder") == str(out):
            _remove_files(out, {tuple(one) for one in line["files"] if isinstance(one, list)})
    return None


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    for line in path.read_bytes().splitlines():
        with contextlib.suppress(ValueError, RecursionError):  # half a line, as a kill leaves it
            values = json.loads(line)
            if isinstance(values, dict):
                yield values


def _wait_for(stream: IO[bytes], path: Path) -> None:
    end_s = time.monotonic() + LEAVE_LIMIT_S
    killed = False
    while True:
        try:
            _lock(stream)
            return
        except OSError:
            if time.monotonic() > end_s:
                if killed:
                    log.error("the process that is at %s cannot be ended", path)
                    return
                killed, end_s = True, time.monotonic() + LEAVE_LIMIT_S
                for pid in [line["pid"] for line in _lines(path) if type(line.get("pid")) is int][-1:]:
                    with contextlib.suppress(OSError):
                        if _has_open(pid, path):
                            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            time.sleep(LOOK_S)


def _has_open(pid: int, path: Path) -> bool:
    """Whether a process has a file open; True on systems that do not tell."""
    if not os.path.isdir("/proc/self/fd"):
        return True
    wanted = path.stat()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if os.path.samestat(handle.stat(), wanted):
                return True
    return False


def _remove_files(folder: Path, identities: set[tuple[Any, ...]]) -> None:
    """Remove the files of these identities, and the sidecars beside them."""
    try:
        there = sorted(folder.iterdir())
    except OSError:
        return
    for file in there:
        with contextlib.suppress(OSError):
            if _identity(file.lstat()) in identities:
                log.warning("%s was named by a job that did not end; it is removed and made again", file)
                file.unlink()
                sidecar = file.with_suffix(".json")
                if sidecar.is_file() and f'"{SIDECAR_KEY}"'.encode() in sidecar.read_bytes():
                    sidecar.unlink()


def _identity(status: os.stat_result) -> Identity:
    """What a file keeps when it is named: device, inode, size in bytes, time of its last change."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


if os.name == "nt":
    import msvcrt

    def _lock(stream: IO[bytes]) -> None:
        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]

else:
    import fcntl

    def _lock(stream: IO[bytes]) -> None:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
