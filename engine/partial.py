"""Files that are not finished yet: hidden names that tell who writes them, put in place without ever overwriting.

A file under construction is called ``.NAME.PID.partial``, so a folder shows what a killed run left behind and the next
run can take it away. Knows nothing of audio.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

_PARTIAL = re.compile(r"^\..*\.(\d+)\.partial$", re.DOTALL)


def partial_path(final: Path) -> Path:
    """Where to build ``final`` until it is complete: beside it, hidden, with this process's number in the name."""
    return final.with_name(f".{final.name}.{os.getpid()}.partial")


def put_in_place(partial: Path, wanted: Path) -> Path:
    """Give a finished file its name, or the next free one; nothing is ever overwritten.

    Returns:
        The name it got: ``wanted``, else ``wanted`` with `` (2)``, `` (3)`` ... before its extension.

    Raises:
        OSError: the file system refused; the partial file is still there.
    """
    candidates = free_names(wanted)
    while True:
        candidate = next(candidates)
        try:
            _claim(partial, candidate)
        except FileExistsError:
            continue
        return candidate


def free_names(wanted: Path) -> Iterator[Path]:
    """``wanted``, then the same name with a growing number; without end."""
    yield wanted
    number = 2
    while True:
        yield wanted.with_name(f"{wanted.stem} ({number}){wanted.suffix}")
        number += 1


def clean_stale(folder: Path) -> list[Path]:
    """Remove partial files in ``folder`` whose writer is no longer alive.

    Returns:
        What was removed; files of living processes stay.
    """
    removed = []
    for path in sorted(folder.glob(".*.partial")):
        match = _PARTIAL.match(path.name)
        if match and not _alive(int(match[1])):
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed


def clean_partials_of(folder: Path, pid: int) -> None:
    """Remove the partial files that process ``pid``, known to be dead, left in ``folder``."""
    for path in folder.glob(f".*.{pid}.partial"):
        path.unlink(missing_ok=True)


def _claim(partial: Path, final: Path) -> None:
    try:
        os.link(partial, final)
    except FileExistsError:
        raise
    except OSError:
        # No hard links here (FAT, some network shares): reserve the name, then move onto the reservation.
        os.close(os.open(final, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.replace(partial, final)
    else:
        partial.unlink()


def _alive(pid: int) -> bool:
    if os.name == "nt":
        return _alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _alive_on_windows(pid: int) -> bool:
    # os.kill(pid, 0) would end the process there.
    import ctypes

    query_limited_information, still_active = 0x1000, 259
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == still_active
