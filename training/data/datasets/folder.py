"""Folders of stems: every folder with two or more sounds is a piece, every file in it a stem named for what it holds.

A file called ``mix``, ``mixture`` or ``master`` is the mix; a folder called train, validation or test above names the
split.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.data.datasets.checks import open_sound, open_stems
from training.data.datasets.labels import term_of_words
from training.data.piece import Piece

SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
MIXES = ("mix", "mixture", "master", "fullmix", "full mix")
SPLITS = ("train", "validation", "test")


def read(root: Path) -> Iterator[Piece]:
    """All folders of stems, ``root`` itself included."""
    for folder in sorted({path.parent for path in root.rglob("*") if path.suffix.lower() in SOUNDS}):
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUNDS)
        mixes = [path for path in files if path.stem.lower() in MIXES]
        parts = [(path.stem, term_of_words(path.stem), path) for path in files if path not in mixes]
        if len(files) < 2 or not parts:
            continue
        stems, problems = open_stems(parts)
        mix = None
        if mixes:
            mix, missing = open_sound(mixes[0])
            problems += [missing] if mix is None else []
        inside = folder.relative_to(root)
        split = next((part for part in inside.parts if part in SPLITS), "")
        yield Piece(str(inside) if inside.parts else root.name, split, tuple(stems), mix, problems=tuple(problems))
