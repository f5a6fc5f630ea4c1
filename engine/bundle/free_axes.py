"""Axes of a graph whose length a caller may choose, and what they are else.

Such an axis is named for the length that it usually has: ``frames=512``, or ``frames/32=16`` where a step of it is 32
frames. The processor runs any length; a device that prepares something for each shape is given the usual one alone.
"""

from __future__ import annotations

import re

_NAME = re.compile(r"frames(?:/[1-9]\d{0,3})?=([1-9]\d{0,6})")
_IN_FILE = re.compile(_NAME.pattern.encode())


def free_axes(graph: bytes) -> dict[str, int]:
    """The names of free axes in an ONNX file, and the lengths that they usually have.

    Args:
        graph: its bytes; they are searched, for the engine has no reader of ONNX.
    """
    return {found.group().decode(): int(found.group(1)) for found in _IN_FILE.finditer(graph)}


def usual_axes(axes: list[int | str | None]) -> tuple[int | str | None, ...]:
    """Axes of an input or output with the usual lengths in the place of free ones."""
    return tuple(
        int(found.group(1)) if isinstance(axis, str) and (found := _NAME.fullmatch(axis)) else axis for axis in axes
    )
