"""Which folders a host may write below: those of the jobs it is sent.

A confined process can never be given more, so a job whose folder is not among them gets a new host.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

FOLDERS_LIMIT = 32  # of the jobs that were sent last


class WritableFolders:
    """The folders that one host was given.

    Args:
        folders: real paths that are there.
    """

    def __init__(self, folders: Iterable[str] = ()) -> None:
        self._identity = {folder: found for folder in folders if (found := _identity(folder)) is not None}

    @property
    def paths(self) -> list[str]:
        """Their paths."""
        return list(self._identity)

    def cover(self, needed: Iterable[str]) -> bool:
        """Whether all of these lie in or below them; a folder that was made anew is another one."""
        return all(self._covers(existing_part(folder)) for folder in needed)

    def with_these(self, needed: Iterable[str]) -> Self:
        """These and others; neighbours are taken as one with the folder that holds them."""
        folders = list(dict.fromkeys([*self._identity, *(existing_part(folder) for folder in needed)]))
        parents = [os.path.dirname(folder) for folder in folders]
        joined = {parent for parent in parents if parents.count(parent) > 1 and not _is_too_much(parent)}
        folders = [os.path.dirname(folder) if os.path.dirname(folder) in joined else folder for folder in folders]
        return type(self)(list(dict.fromkeys(folders))[-FOLDERS_LIMIT:])

    def _covers(self, folder: str) -> bool:
        return any(
            _is_below(folder, known) and _identity(known) == identity for known, identity in self._identity.items()
        )


def existing_part(folder: str) -> str:
    """The folder itself, or the nearest one above it that is there, as a real path."""
    path = Path(os.path.realpath(folder))
    # os.path.isdir: Path.is_dir raises for a name that is too long.
    return str(next((place for place in (path, *path.parents) if os.path.isdir(place)), path.anchor))


def _is_below(folder: str, known: str) -> bool:
    return folder == known or folder.startswith(known.rstrip(os.sep) + os.sep)


def _is_too_much(folder: str) -> bool:
    """True for the home folder and what holds it."""
    home = os.path.realpath(os.path.expanduser("~"))
    return _is_below(home, folder)


def _identity(folder: str) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        found = os.stat(folder)
        return found.st_dev, found.st_ino
    return None
