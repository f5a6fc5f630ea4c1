"""File names: hidden ones for unfinished files, free ones for results, so that nothing is overwritten.

An unfinished file is called ``.NAME.PID.partial``, so the next run can remove what a killed one left behind.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

_PARTIAL = re.compile(r"^\..*\.(\d+)\.partial$", re.DOTALL)


def partial_path(final: Path) -> Path:
    """Path for ``final`` until it is complete: beside it, hidden, with the process id in its name."""
    return final.with_name(f".{final.name}.{os.getpid()}.partial")


def free_names(wanted: Path) -> Iterator[Path]:
    """``wanted``, then the same name with a growing number, endlessly."""
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
        if match and path.is_file() and not _alive(int(match[1])):
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed


def clean_partials_of(folder: Path, pid: int) -> None:
    """Remove the partial files that process ``pid``, known to be dead, left in ``folder``."""
    for path in folder.glob(f".*.{pid}.partial"):
        path.unlink(missing_ok=True)


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
