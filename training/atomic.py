"""Write a file so that it is there whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A hidden path beside ``path`` to write to; it takes the place of ``path`` when the block ends without error."""
    partial = path.with_name(f".{path.name}.partial")
    yield partial
    os.replace(partial, path)


def write_text(path: Path, text: str) -> None:
    """A text as a UTF-8 file."""
    with replacing(path) as partial:
        partial.write_text(text, "utf-8")


def write_array(path: Path, array: npt.NDArray[Any]) -> None:
    """An array as a ``.npy`` file."""
    with replacing(path) as partial, partial.open("wb") as stream:
        np.save(stream, array)
