"""MUSIC as Sound of Pixels lays it out: ``audio/CLASS/ID.mp3``, ``frames/CLASS/ID.mp4/000001.jpg``, ``train.csv``.

Every video is a piece of one stem; videos of several instruments have a folder name with a space and are ``other``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from training.data.datasets.checks import open_stems
from training.data.datasets.labels import term_of
from training.data.piece import FrameFolder, Piece

FPS = 8
LISTS = {"train.csv": "train", "val.csv": "validation", "test.csv": "test"}
SOUNDS = (".mp3", ".wav", ".flac")
PICTURES = (".jpg", ".jpeg", ".png")


def read(root: Path) -> Iterator[Piece]:
    """All videos below ``root``, and those that a list names and that are not there."""
    splits = _splits(root)
    found = {(p.parent.name, p.stem): p for p in (root / "audio").glob("*/*") if p.suffix.lower() in SOUNDS}
    for kind, name in sorted({*found, *splits}):
        path = found.get((kind, name), root / "audio" / kind / f"{name}.mp3")
        yield _video(root, path, kind, name, splits.get((kind, name), ""))


def _splits(root: Path) -> dict[tuple[str, str], str]:
    """(class, id) -> split, from the lists; their paths may start anywhere."""
    splits = {}
    for file, split in LISTS.items():
        if (root / file).is_file():
            with (root / file).open(newline="", encoding="utf-8") as stream:
                rows = [row for row in csv.reader(stream) if len(row) >= 2]
            splits.update({(Path(row[0]).parent.name, Path(row[0]).stem): split for row in rows})
    return splits


def _video(root: Path, path: Path, kind: str, name: str, split: str) -> Piece:
    stems, problems = open_stems([(kind, term_of("music", kind), path)])
    folder = root / "frames" / kind / f"{name}.mp4"
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in PICTURES)
    if not files:
        problems.append(f"no pictures in frames/{kind}/{name}.mp4")
    frames = FrameFolder(tuple(files), FPS) if files else None
    return Piece(f"{kind}/{name}", split, tuple(stems), stems[0].sound if stems else None, frames, tuple(problems))
