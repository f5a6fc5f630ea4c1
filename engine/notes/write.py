"""Put a small file in its place, whole or not at all; nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

from engine.audio.atomic import output_error, publish_bytes


def write_new(path: Path, suffix: str, content: bytes) -> Path:
    """Write a file; a number follows its name where that is taken.

    Args:
        path: where to; the suffix is added where it is missing.
        suffix: as ``.mid``.

    Returns:
        The name it got.

    Raises:
        OutputError: the folder cannot be written to.
    """
    path = path.absolute()
    if path.suffix.lower() != suffix:
        path = path.with_name(path.name + suffix)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(path.parent, error) from error
    return publish_bytes(path, content)
