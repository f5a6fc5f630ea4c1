"""Readers of data sets; all of them give ``Piece``. The table ``KINDS`` names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from training.data.datasets import folder, moisesdb, musdb, music, slakh
from training.data.piece import Piece

# kind: (reader, what it reads)
KINDS: dict[str, tuple[Callable[[Path], Iterator[Piece]], str]] = {
    "musdb": (musdb.read, "MUSDB18 (.stem.mp4) or MUSDB18-HQ (folders of WAV)"),
    "moisesdb": (moisesdb.read, "MoisesDB (data.json and stems of every track)"),
    "slakh": (slakh.read, "Slakh2100 or a version of it (metadata.yaml, stems/*.flac)"),
    "music": (music.read, "MUSIC as Sound of Pixels lays it out (audio/, frames/, train.csv, val.csv)"),
    "folder": (folder.read, "folders of stems, named for what they hold"),
}


def read_dataset(kind: str, root: Path) -> Iterator[Piece]:
    """All pieces of a data set, in order of their names.

    Raises:
        ValueError: no such kind, no such folder, or nothing of that kind in it.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of data set {kind!r}; choose one of {', '.join(KINDS)}")
    if not root.is_dir():
        raise ValueError(f"no folder {root}; give the folder that the data set was unpacked into")
    count = 0
    for piece in KINDS[kind][0](root):
        count += 1
        yield piece
    if not count:
        raise ValueError(f"nothing of kind {kind} in {root.name}: expected {KINDS[kind][1]}")
