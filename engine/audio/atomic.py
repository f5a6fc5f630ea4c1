"""Atomic files: invisible until complete, then put in place without ever overwriting.

Where the system allows it, the unfinished file has no name (Linux: ``O_TMPFILE``), so a killed process leaves nothing
behind; elsewhere it has a hidden name, see ``engine.audio.file_names``.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

from engine.audio.file_names import free_names, partial_path
from engine.errors import OutputError


class AtomicFile:
    """One unfinished file.

    Args:
        wanted: its final path; the folder exists.

    Raises:
        OutputError: nothing can be written there.
    """

    def __init__(self, wanted: Path) -> None:
        self.wanted = wanted
        self._partial: Path | None = None
        self._placed: Path | None = None
        try:
            self.stream: BinaryIO = self._open()
        except OSError as error:
            raise output_error(wanted.parent, error) from error

    def seal(self) -> None:
        """Flush everything to the disk.

        Raises:
            OSError: the disk is full or gone.
        """
        self.stream.flush()
        os.fsync(self.stream.fileno())

    def claim(self, final: Path) -> None:
        """Give the sealed file a name; a further one, if it has one already.

        Raises:
            FileExistsError: the name is taken; nothing was overwritten.
            OSError: the file system refused.
        """
        source = self._placed or self._partial
        if source is None:
            # src_dir_fd is not needed for an absolute path, but without it Python does not follow the link.
            number = self.stream.fileno()
            os.link(f"/proc/self/fd/{number}", final, src_dir_fd=number, follow_symlinks=True)
        else:
            self._link(source, final)
        self._placed = final

    def close(self) -> None:
        """Discard the file, unless it has a name by now."""
        with contextlib.suppress(OSError):  # a full disk refuses the last flush; the file is discarded anyway
            self.stream.close()
        if self._partial is not None:
            self._partial.unlink(missing_ok=True)

    def _link(self, source: Path, final: Path) -> None:
        try:
            os.link(source, final)
        except FileExistsError:
            raise
        except OSError:
            # No hard links here (FAT, some network shares): reserve the name, then move onto the reservation.
            os.close(os.open(final, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            try:
                self.stream.close()  # Windows moves no open file
                os.replace(source, final)
            except BaseException:
                final.unlink(missing_ok=True)
                raise

    def _open(self) -> BinaryIO:
        nameless = getattr(os, "O_TMPFILE", 0)
        if nameless and os.path.isdir("/proc/self/fd"):
            with contextlib.suppress(OSError):  # this file system cannot; the named way says what is wrong, if anything
                return os.fdopen(os.open(self.wanted.parent, nameless | os.O_RDWR, 0o666), "w+b")
        self._partial = partial_path(self.wanted)
        return self._partial.open("x+b")


def publish(groups: list[list[AtomicFile]], beside: str | None = None) -> list[list[Path]]:
    """Put files in place, all or none; those of one group get the same number where names are taken.

    Args:
        groups: sealed files that belong together.
        beside: suffix of a file that will follow each group under the name of its first file; it must be free too.

    Returns:
        The names they got, in the same order.

    Raises:
        OutputError: the file system refused; none is in place.
    """
    done: list[list[Path]] = []
    try:
        for drafts in groups:
            done.append(_publish_together(drafts, beside))
    except BaseException:
        withdraw(done)
        raise
    return done


def publish_bytes(path: Path, content: bytes) -> Path:
    """Write a small file and put it in place; a number follows its name where that is taken.

    Args:
        path: where to; the folder exists.

    Returns:
        The name it got.

    Raises:
        OutputError: the folder cannot be written to.
    """
    draft = AtomicFile(path)
    try:
        draft.stream.write(content)
        draft.seal()
        [[name]] = publish([[draft]])
    except OSError as error:
        raise output_error(path.parent, error) from error
    finally:
        draft.close()
    return name


def withdraw(groups: list[list[Path]]) -> None:
    """Remove published files again."""
    for names in groups:
        for name in names:
            name.unlink(missing_ok=True)


def output_error(folder: Path, error: OSError) -> OutputError:
    """The error for a failed write."""
    return OutputError(
        "cannot write to {folder} ({reason}); make room or choose another folder",
        folder=folder,
        reason=error.strerror or error,
    )


def _publish_together(drafts: list[AtomicFile], beside: str | None) -> list[Path]:
    passing: list[Path] = []  # a nameless file that lost its only name could not get another, so these go last
    for names in zip(*(free_names(draft.wanted) for draft in drafts), strict=True):
        follower = [names[0].with_suffix(beside)] if beside is not None else []
        if any(os.path.lexists(name) for name in (*names, *follower)):
            continue
        claimed: list[Path] = []
        try:
            for draft, name in zip(drafts, names, strict=True):
                draft.claim(name)
                claimed.append(name)
        except FileExistsError:
            passing += claimed
            continue
        except OSError as error:
            withdraw([passing, claimed])
            raise output_error(names[0].parent, error) from error
        withdraw([passing])
        return claimed
    raise AssertionError("free_names never ends")
