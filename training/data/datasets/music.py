"""MUSIC as Sound of Pixels lays it out: ``audio/CLASS/ID.mp3``, ``frames/CLASS/ID.mp4/000001.jpg``, ``train.csv``.

``frames/CLASS/ID.mp4`` may also be the film itself. Its pictures are taken to be 8 a second, as they are there.

Every video is a piece of one stem; videos of several instruments have a folder name with a space and are ``other``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from training.data.datasets.checks import open_stems
from training.data.datasets.labels import term_of
from training.data.piece import Piece
from training.data.video import FilmSource, FrameFolder, VideoFile

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
    frames, problem = _film(root / "frames" / kind / f"{name}.mp4")
    problems += [problem] if problem else []
    return Piece(f"{kind}/{name}", split, tuple(stems), stems[0].sound if stems else None, frames, tuple(problems))


def _film(place: Path) -> tuple[FilmSource | None, str]:
    """A film, or why there is none."""
    if place.is_file():
        try:
            return VideoFile.open(place), ""
        except ValueError as error:
            return None, str(error)
    files = sorted(path for path in place.glob("*") if path.suffix.lower() in PICTURES)
    if not files:
        return None, f"no pictures in frames/{place.parent.name}/{place.name}"
    return FrameFolder(tuple(files)), ""
