"""Where the results of a batch go: a folder, or a URL that fsspec knows (s3, gs, sftp ...).

Both hold a private folder ``.fluxstem-batch`` with the resume file and the results that are on their way. Names are
relative to the place, with forward slashes.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol, Self

from engine.audio.atomic import output_error
from engine.errors import OutputError, RequestError

PRIVATE = ".fluxstem-batch"
WORK = f"{PRIVATE}/work"
LEDGER = f"{PRIVATE}/state.jsonl"
LOG = f"{PRIVATE}/log"
LOCK = f"{PRIVATE}/lock"
AT_ONCE = 500  # objects that are read in one go


class ResultStore(Protocol):
    """A place for results."""

    place: str

    def __enter__(self) -> Self:
        """Take it: nobody else may write there meanwhile, where that can be had."""

    def __exit__(self, *error: object) -> None:
        """Give it back."""

    def workspace(self, stage: str) -> contextlib.AbstractContextManager[Path]:
        """A local folder whose files are below ``stage`` when the block ends well."""

    def lines(self) -> Iterator[bytes]:
        """See ``LineStore``."""

    def append(self, line: bytes) -> None:
        """See ``LineStore``."""

    def files(self, folder: str) -> list[str]:
        """All files below a folder; none where there is no such folder."""

    def exists(self, name: str) -> bool:
        """Whether there is something of that name."""

    def read(self, name: str) -> bytes:
        """A small file."""

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, whole or not at all; replaces what has its name."""

    def move(self, here: str, there: str) -> None:
        """Move a file; replaces what has its new name."""

    def remove(self, folder: str) -> None:
        """Remove a private folder with everything in it, if there is one; anything else stays."""


def open_store(out: str) -> ResultStore:
    """The place that ``--out`` names."""
    return UrlStore(out) if "://" in out else FolderStore(out)


class FolderStore:
    """A folder of this machine, or one that all machines of a cluster share.

    Args:
        place: the folder; made when missing.
    """

    def __init__(self, place: str) -> None:
        self.place = os.path.abspath(place)
        self._root = Path(self.place)
        self._held = contextlib.ExitStack()
        self._ledger: BinaryIO | None = None

    def __reduce__(self) -> tuple[type[FolderStore], tuple[str]]:
        return FolderStore, (self.place,)  # the lock does not travel

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as held:
            try:
                (self._root / PRIVATE).mkdir(parents=True, exist_ok=True)
                lock = held.enter_context((self._root / LOCK).open("a+b"))
                ledger = held.enter_context((self._root / LEDGER).open("a+b", buffering=0))
            except OSError as error:
                raise output_error(self._root, error) from error
            if not _locked(lock):
                raise OutputError("another batch is at work in {folder}; wait for it, or stop it", folder=self.place)
            if ledger.seek(0, os.SEEK_END):  # a torn last line must not swallow the next one
                ledger.seek(-1, os.SEEK_END)
                if ledger.read(1) != b"\n":
                    ledger.write(b"\n")
            self._ledger, self._held = ledger, held.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._ledger = None
        self._held.close()

    @contextlib.contextmanager
    def workspace(self, stage: str) -> Iterator[Path]:
        """See ``ResultStore``: the engine writes there directly."""
        yield self._root / stage

    def lines(self) -> Iterator[bytes]:
        """See ``LineStore``."""
        with (self._root / LEDGER).open("rb") as stream:
            yield from stream

    def append(self, line: bytes) -> None:
        """See ``LineStore``."""
        if self._ledger is None:
            raise RuntimeError("the folder is not held; enter it first")
        self._ledger.write(line)
        os.fsync(self._ledger.fileno())

    def files(self, folder: str) -> list[str]:
        """See ``ResultStore``."""
        found = (path for path in sorted((self._root / folder).rglob("*")) if path.is_file())
        return [path.relative_to(self._root).as_posix() for path in found]

    def exists(self, name: str) -> bool:
        """See ``ResultStore``."""
        return os.path.lexists(self._root / name)

    def read(self, name: str) -> bytes:
        """See ``ResultStore``."""
        return (self._root / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        """See ``ResultStore``."""
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
        with draft.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, path)

    def move(self, here: str, there: str) -> None:
        """See ``ResultStore``."""
        (self._root / there).parent.mkdir(parents=True, exist_ok=True)
        os.replace(self._root / here, self._root / there)

    def remove(self, folder: str) -> None:
        """See ``ResultStore``."""
        if _is_private(folder):
            shutil.rmtree(self._root / folder, ignore_errors=True)


class UrlStore:
    """A place that fsspec reaches. An object store cannot append, so each line of the resume file is an object there.

    Nothing keeps two batches out of one place at the same time.

    Args:
        place: for example ``s3://bucket/stems``; credentials are the file system's own business.

    Raises:
        RequestError: fsspec, or its part for this kind of URL, is not installed.
    """

    def __init__(self, place: str) -> None:
        self.place = place.rstrip("/")
        self._numbers = itertools.count()
        try:
            import fsspec

            with _as_os_error(ImportError, ValueError):
                self._fs, self._root = fsspec.core.url_to_fs(self.place)
        except (ImportError, ValueError) as error:
            raise RequestError(
                "{place} cannot be reached ({error}); install the extra cluster and fsspec's package for it, for "
                "example s3fs, gcsfs or paramiko", place=place, error=error,
            ) from error  # fmt: skip
        except OSError as error:
            raise _url_error(self.place, error) from error

    def __reduce__(self) -> tuple[type[UrlStore], tuple[str]]:
        return UrlStore, (self.place,)  # open files and connections do not travel

    def __enter__(self) -> Self:
        try:
            with _as_os_error():
                self._fs.makedirs(self._at(PRIVATE), exist_ok=True)
                self.write(LOCK, b"")  # rights are known before any work is done
        except OSError as error:
            raise _url_error(self.place, error) from error
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError):
            self._gather()

    @contextlib.contextmanager
    def workspace(self, stage: str) -> Iterator[Path]:
        """See ``ResultStore``: a folder of this machine, which is sent when the block ends well."""
        with tempfile.TemporaryDirectory(prefix="fluxstem-batch-") as folder:
            yield Path(folder)
            try:
                with _as_os_error():
                    for path in sorted(Path(folder).rglob("*")):
                        if path.is_file():
                            there = self._at(f"{stage}/{path.relative_to(folder).as_posix()}")
                            self._fs.makedirs(there.rpartition("/")[0], exist_ok=True)
                            self._fs.put_file(str(path), there)
            except OSError as error:
                raise _url_error(self.place, error) from error

    def lines(self) -> Iterator[bytes]:
        """See ``LineStore``."""
        names = self._parts()
        for at in range(0, len(names), AT_ONCE):
            with _as_os_error():
                found = self._fs.cat(names[at : at + AT_ONCE])  # object stores read many at the same time
            for name in names[at : at + AT_ONCE]:
                yield from found[name].splitlines(keepends=True)

    def append(self, line: bytes) -> None:
        """See ``LineStore``."""
        name = self._at(f"{LOG}/{time.time_ns():020d}-{os.getpid()}-{next(self._numbers)}.jsonl")
        with _as_os_error():
            self._fs.makedirs(self._at(LOG), exist_ok=True)
            self._fs.pipe_file(name, line)

    def files(self, folder: str) -> list[str]:
        """See ``ResultStore``."""
        return sorted(name[len(self._root) :].lstrip("/") for name in self._find(folder))

    def exists(self, name: str) -> bool:
        """See ``ResultStore``."""
        with _as_os_error():
            self._fs.invalidate_cache()  # other machines write there too
            return bool(self._fs.exists(self._at(name)))

    def read(self, name: str) -> bytes:
        """See ``ResultStore``."""
        with _as_os_error():
            return bytes(self._fs.cat_file(self._at(name)))

    def write(self, name: str, content: bytes) -> None:
        """See ``ResultStore``."""
        with _as_os_error():
            self._fs.pipe_file(self._at(name), content)

    def move(self, here: str, there: str) -> None:
        """See ``ResultStore``."""
        with _as_os_error():
            self._fs.makedirs(self._at(there).rpartition("/")[0], exist_ok=True)
            if self._fs.exists(self._at(there)):  # a move cut short by a kill; not every system moves onto a file
                self._fs.rm_file(self._at(there))
            self._fs.mv(self._at(here), self._at(there))

    def remove(self, folder: str) -> None:
        """See ``ResultStore``."""
        if _is_private(folder):
            with contextlib.suppress(FileNotFoundError), _as_os_error():
                self._fs.invalidate_cache()
                self._fs.rm(self._at(folder), recursive=True)

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _parts(self) -> list[str]:
        """The objects that hold lines, oldest first."""
        gathered = [self._at(LEDGER)] if self.exists(LEDGER) else []
        return gathered + sorted(self._find(LOG))

    def _find(self, folder: str) -> list[str]:
        with contextlib.suppress(FileNotFoundError), _as_os_error():
            self._fs.invalidate_cache()
            return list(self._fs.find(self._at(folder)))
        return []

    def _gather(self) -> None:
        """Make one object of the many; a kill between the two steps leaves lines twice, which changes nothing."""
        parts = self._parts()
        if len(parts) > 1:
            self.write(LEDGER, b"".join(self.lines()))
            with _as_os_error():
                self._fs.rm(parts[1:] if parts[0] == self._at(LEDGER) else parts)


def _is_private(folder: str) -> bool:
    """Whether a folder holds nothing but results on their way; a damaged resume file must not name another."""
    return PurePosixPath(folder).is_relative_to(WORK) and ".." not in PurePosixPath(folder).parts


def _locked(stream: BinaryIO) -> bool:
    """Hold a file against other processes until it is closed; False when another one has it."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        try:
            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a share without locks
        return True
    return True


@contextlib.contextmanager
def _as_os_error(*but: type[Exception]) -> Iterator[None]:
    """The packages behind fsspec raise errors of their own: of rights, of networks; ``but`` these pass."""
    try:
        yield
    except (OSError, *but):  # type: ignore[misc]  # a tuple made on the spot
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


def _url_error(place: str, error: Any) -> OutputError:
    return OutputError("cannot write to {place} ({error}); check the address and your rights", place=place, error=error)
