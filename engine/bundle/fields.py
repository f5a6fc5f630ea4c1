"""Values of a manifest: dataclasses from plain tables, and checks of single values.

Each message says which value, what is allowed and what was found.
"""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, fields
from typing import Any

from engine.errors import BundleDamaged


def parse_json(raw: bytes, where: str) -> Any:
    """The JSON of a manifest.

    Args:
        raw: bytes of the file.
        where: the file, for messages.

    Raises:
        BundleDamaged: it is not JSON, or nested too deeply.
    """
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BundleDamaged(
            "{where} is not JSON ({reason}); get the bundle again", where=where, reason=error
        ) from error


def build(kind: Any, data: dict[str, Any]) -> Any:
    """Build a dataclass from a table of its fields.

    Raises:
        ValueError: keys are unknown or missing.
    """
    known = {f.name: f for f in fields(kind)}
    needed = {name for name, f in known.items() if f.default is MISSING and f.default_factory is MISSING}
    if unknown := set(data) - set(known):
        raise ValueError(f"unknown keys {sorted(unknown)}")
    if missing := needed - set(data):
        raise ValueError(f"missing keys {sorted(missing)}")
    return kind(**data)


def check_count(name: str, value: object) -> None:
    """Check that a value is a positive whole number.

    Raises:
        ValueError: it is not.
    """
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} must be a positive whole number, got {value!r}")


def check_number(name: str, value: object) -> None:
    """Check that a value is a finite number.

    Raises:
        ValueError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number, got {value!r}")


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Check that a value is a number from ``low`` to ``high``.

    Raises:
        ValueError: it is not.
    """
    check_number(name, value)
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low:g} to {high:g}, got {value!r}")


def check_text(name: str, value: object) -> None:
    """Check that a value is a non-empty text.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} must be a text, got {value!r}")


def check_texts(name: str, value: object) -> None:
    """Check that a value is a non-empty list of texts.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, list) or not value:
        raise ValueError(f"{name} must be a list of texts, got {value!r}")
    for item in value:
        check_text(name, item)
