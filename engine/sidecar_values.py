"""Values of the JSON beside a result as whoever reads it needs them: of the right kind and harmless, or left out.

A sidecar may come from anybody. What is wrong in it counts as not being there.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TEXT_LIMIT_CHARACTERS = 1000
WHOLE_LIMIT = 1 << 40
NUMBER_LIMIT = 1e6
NAME_LIMIT_BYTES = 255

Record = Mapping[str, Any]


def printable(text: str) -> str:
    """A text that every file format and terminal can hold: no control characters, no halves of characters."""
    return "".join(c if c.isprintable() else " " for c in text)


def text_of(record: Record, name: str) -> str:
    """A text, printable; "" where there is none."""
    value = record.get(name)
    return printable(value[:TEXT_LIMIT_CHARACTERS]) if isinstance(value, str) else ""


def whole_of(record: Record, name: str) -> int:
    """A whole number from 0 up; 0 where there is none."""
    value = number_of(record, name, WHOLE_LIMIT)
    return int(value) if value >= 0 else 0


def number_of(record: Record, name: str, limit: float = NUMBER_LIMIT) -> float:
    """A finite number; 0 where there is none."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= limit:
        return 0.0
    return float(value) if math.isfinite(value) else 0.0


def beside(path: Path, name: object) -> Path | None:
    """The file of that bare name beside another; None for no name, one with a folder in it, or one that no file has."""
    if not isinstance(name, str) or name in ("", ".", "..") or set(name) & set("/\\\0"):
        return None
    with contextlib.suppress(UnicodeEncodeError):
        return path.with_name(name) if len(name.encode("utf-8")) <= NAME_LIMIT_BYTES else None
    return None


def file_of(record: Record, name: str) -> Path | None:
    """The file that a path in a sidecar means; None where there is no such file."""
    value = record.get(name)
    with contextlib.suppress(OSError, ValueError):  # ValueError: a text that no path can be
        return Path(value) if isinstance(value, str) and value and Path(value).is_file() else None
    return None
