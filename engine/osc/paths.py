"""Which files a message may name, and how one is taken without a gap between the check and the use.

A path is resolved, held against the allowed folders, then opened folder by folder without following any link; what was
opened is put under a private name (a hard link, else a copy), and only that name is handed on. So it does not matter
what the path points to a moment later. Every refusal has one and the same text: a sender learns nothing about what is
where.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

PATH_LIMIT_CHARACTERS = 1024
REFUSED = "this path cannot be used; give the absolute path of a readable file inside the bridge's folders"

_NEVER = ("/proc", "/sys", "/dev")
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}  # of Windows
_CHUNK_BYTES = 1 << 20
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FLAGS = (
    os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)
_STEPWISE = os.open in os.supports_dir_fd and os.stat in os.supports_dir_fd and bool(_NO_FOLLOW)


class PathRefused(Exception):
    """A path that may not be used. Its text is the same whatever the reason."""

    def __init__(self) -> None:
        super().__init__(REFUSED)


class Roots:
    """The folders that files may be read from.

    Args:
        folders: made absolute and resolved here, once.
        resolve: a message's text to the path it means, see ``resolve_path``.

    Raises:
        OSError: one of them is not there.
    """

    def __init__(self, folders: list[Path], resolve: Callable[[str], Path] | None = None) -> None:
        self.folders = [folder.resolve(strict=True) for folder in folders]
        self._resolve = resolve or resolve_path

    def open(self, text: str) -> tuple[int, str]:
        """Open a file for reading.

        Args:
            text: what the message said.

        Returns:
            The open file's number, which the caller closes, and the file's name.

        Raises:
            PathRefused: for whatever reason.
        """
        try:
            path = self._resolve(text)
            root = next(folder for folder in self.folders if folder in path.parents)
            return _opened(root, path), path.name
        except (OSError, ValueError, RuntimeError, StopIteration):
            raise PathRefused from None

    def mark(self, text: str) -> str:
        """What a file looks like from outside: another mark means that it was changed or replaced.

        Raises:
            PathRefused: for whatever reason.
        """
        number, _ = self.open(text)
        try:
            return mark_of(os.fstat(number))
        finally:
            os.close(number)


def mark_of(found: os.stat_result) -> str:
    """Identity, size and time of a file, as one text."""
    return f"{found.st_ino} {found.st_size} {found.st_mtime_ns}"


def pin(roots: Roots, text: str, folder: Path, check: Callable[[], None] = lambda: None) -> Path:
    """Put a file a message named under a name of our own.

    Args:
        roots: where it may lie.
        text: what the message said.
        folder: a new private folder; made here.
        check: called now and then where a file has to be copied; raises to stop.

    Returns:
        The private path, with the file's own name.

    Raises:
        PathRefused: it may not be used.
        OSError: the private name could not be made, for example because the disk is full.
    """
    number, name = roots.open(text)
    try:
        folder.mkdir(mode=0o700, parents=True)
        private = folder / name
        try:
            _link(number, private)
        except (OSError, NotImplementedError):  # another disk, or a system without such links
            _copy(number, private, check)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        os.close(number)
    return private


def plain_file(path: str, flags: int) -> int:
    """Opens a file to read it, and neither a link nor a pipe; for ``open``.

    Raises:
        OSError: it is none.
    """
    number = os.open(path, flags | _FLAGS)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(f"{path} is no plain file")
    return number


def resolve_path(text: str) -> Path:
    """The absolute path that a text means, all links followed.

    Raises:
        OSError, ValueError: there is no such file, or none that may be named.
    """
    if not text or len(text) > PATH_LIMIT_CHARACTERS or not text.isprintable():
        raise ValueError("not a path")
    if text.endswith(("/", "\\")) or text.startswith(("//", "\\\\", "/\\", "\\/")) or not os.path.isabs(text):
        raise ValueError("a share, a device or a relative path")
    parts = text.replace("\\", "/").split("/")
    if ".." in parts:
        raise ValueError("a way up")
    if os.name == "nt":
        _check_windows(text, parts)
    path = Path(os.path.realpath(text, strict=True))
    if any(path.is_relative_to(never) for never in _NEVER):
        raise ValueError("not a place of files")
    return path


def _check_windows(text: str, parts: list[str]) -> None:
    """Refuse names that mean no file on Windows; elsewhere ``aux.wav`` is a file like any other.

    Raises:
        ValueError: it names a device, or a stream of a file.
    """
    if any(part.split(".")[0].rstrip().lower() in _DEVICES for part in parts):
        raise ValueError("a device")
    if ":" in os.path.splitdrive(text)[1]:
        raise ValueError("an alternate stream")


def _opened(root: Path, path: Path) -> int:
    number = _walked(root, path) if _STEPWISE else os.open(path, _FLAGS)
    try:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or not _may_read(found):
            raise ValueError("not a plain file of ours")
        if not _STEPWISE and not (os.path.samestat(found, os.stat(path)) and os.path.realpath(path) == str(path)):
            raise ValueError("it was swapped")
    except BaseException:
        os.close(number)
        raise
    return number


def _walked(root: Path, path: Path) -> int:
    """Open ``path`` from ``root`` on, one folder after the other; a link anywhere is an error."""
    *folders, name = path.relative_to(root).parts
    here = os.open(root, _FLAGS | os.O_DIRECTORY)
    try:
        for folder in folders:
            inner = os.open(folder, _FLAGS | os.O_DIRECTORY, dir_fd=here)
            os.close(here)
            here = inner
        before = os.stat(name, dir_fd=here, follow_symlinks=False)
        if not stat.S_ISREG(before.st_mode):  # opening a device or a pipe can itself do something
            raise ValueError("not a plain file")
        return os.open(name, _FLAGS, dir_fd=here)
    finally:
        os.close(here)


def _may_read(found: os.stat_result) -> bool:
    """False for a file that only another user may read, also when we run as root and could."""
    if not hasattr(os, "geteuid") or found.st_uid in (os.geteuid(), os.getuid()):
        return True
    in_group = found.st_gid in (os.getegid(), *os.getgroups()) and bool(found.st_mode & stat.S_IRGRP)
    return in_group or bool(found.st_mode & stat.S_IROTH)


def _link(number: int, private: Path) -> None:
    """A second name for an open file. Python follows the link only when a folder is given with it."""
    os.link(f"/proc/self/fd/{number}", private, src_dir_fd=number, follow_symlinks=True)


def _copy(number: int, private: Path, check: Callable[[], None]) -> None:
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(os.fdopen(os.dup(number), "rb"))
        target = stack.enter_context(open(private, "xb"))
        source.seek(0)
        while chunk := source.read(_CHUNK_BYTES):
            check()
            target.write(chunk)
