"""Folders that a description of their own explains, as those of the sampler and of the network that hears notes.

They come from strangers as bundles do: only plain files are read, each bounded in size and compared with its hash
before anything looks into it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def read_plain(path: Path, limit_bytes: int) -> bytes:
    """The bytes of a plain file.

    Raises:
        ValueError: it is no plain file, or larger than is read.
        OSError: it cannot be read.
    """
    if not path.is_file():  # a pipe or a device may have no end
        raise ValueError(f"{path.name} is not there, or is no file")
    with path.open("rb") as stream:
        raw = stream.read(limit_bytes + 1)
    if len(raw) > limit_bytes:
        raise ValueError(f"{path.name} has more than {limit_bytes} bytes")
    return raw


def read_object(path: Path, limit_bytes: int) -> tuple[dict[str, Any], bytes]:
    """The JSON object in a file, and the bytes of the file.

    Raises:
        ValueError: it is no plain file, too large, or no JSON object.
        OSError: it cannot be read.
    """
    raw = read_plain(path, limit_bytes)
    try:
        said = json.loads(raw)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(said, dict):
        raise ValueError("it is no JSON object")
    return said, raw


def read_hashed(path: Path, sha256: str, limit_bytes: int) -> bytes:
    """The bytes of a file that has the hash it is said to have.

    Raises:
        ValueError: it is no plain file, too large, or another file.
        OSError: it cannot be read.
    """
    raw = read_plain(path, limit_bytes)
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise ValueError("its hash differs")
    return raw
