"""MUSDB18 and MUSDB18-HQ: 150 songs in ``train`` and ``test``, four stems each.

MUSDB18 has one ``NAME.stem.mp4`` a song with five stereo AAC streams; MUSDB18-HQ a folder of five WAV files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.data.datasets.checks import open_sound, open_stems
from training.data.datasets.labels import term_of
from training.data.piece import Piece, Stem, StreamSound

SPLITS = ("train", "test")
STREAMS = ("mixture", "drums", "bass", "other", "vocals")  # in the order of the streams
STEMS = STREAMS[1:]


def read(root: Path) -> Iterator[Piece]:
    """All songs below ``root``, or right inside it when it is the folder of one split."""
    inside = [split for split in SPLITS if (root / split).is_dir()]
    for split, folder in [(split, root / split) for split in inside] or [(_named(root), root)]:
        for entry in sorted(folder.glob("*")):
            if entry.is_dir() and any(entry.glob("*.wav")):
                yield _folder(entry, split)
            elif entry.name.endswith(".stem.mp4"):
                yield _stem_file(entry, split)


def _named(root: Path) -> str:
    return root.name if root.name in SPLITS else ""


def _folder(folder: Path, split: str) -> Piece:
    stems, problems = open_stems([(name, term_of("musdb", name), folder / f"{name}.wav") for name in STEMS])
    mix, missing = open_sound(folder / "mixture.wav")
    problems += [missing] if mix is None else []
    return Piece(folder.name, split, tuple(stems), mix, problems=tuple(problems))


def _stem_file(path: Path, split: str) -> Piece:
    name = path.name.removesuffix(".stem.mp4")
    try:
        streams = StreamSound.open_all(path)
    except ValueError as error:
        return Piece(name, split, (), problems=(str(error),))
    if len(streams) != len(STREAMS):
        return Piece(name, split, (), problems=(f"{path.name} has {len(streams)} streams instead of {len(STREAMS)}",))
    stems = tuple(Stem(label, term_of("musdb", label), streams[k]) for k, label in enumerate(STREAMS) if k)
    return Piece(name, split, stems, streams[0])
