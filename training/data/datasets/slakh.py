"""Slakh2100: folders ``Track00001`` to ``Track02100`` with ``metadata.yaml``, ``mix.flac`` and ``stems/S00.flac``.

Reads the layouts with and without folders for the splits, and copies converted to WAV.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from training.data.datasets.checks import open_sound, open_stems
from training.data.datasets.labels import term_of_program
from training.data.piece import Piece

SPLIT_FOLDERS = {"train": "train", "validation": "validation", "test": "test", "omitted": "omitted"}
LAST_TRAIN, LAST_VALIDATION = 1500, 1875  # numbers of the original release's splits


def read(root: Path) -> Iterator[Piece]:
    """All tracks below ``root``."""
    for index in sorted(root.rglob("metadata.yaml")):
        yield _track(index)


def _track(index: Path) -> Piece:
    folder, split = index.parent, _split(index.parent)
    try:
        rows: dict[str, dict[str, Any]] = yaml.safe_load(index.read_text("utf-8"))["stems"]
        files = [
            (
                str(row["midi_program_name"]),
                term_of_program(int(row["program_num"]), str(row["inst_class"]), bool(row["is_drum"])),
                _audio(folder / "stems" / str(name)),
            )
            for name, row in sorted(rows.items())
            if row.get("audio_rendered", True)  # some sources were never rendered
        ]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        return Piece(
            folder.name, split, (), problems=(f"metadata.yaml cannot be used: {type(error).__name__} {error}",)
        )
    stems, problems = open_stems(files)
    mix, missing = open_sound(_audio(folder / "mix"))
    problems += [missing] if mix is None else []
    return Piece(folder.name, split, tuple(stems), mix, problems=tuple(problems))


def _audio(stem: Path) -> Path:
    wav = stem.with_suffix(".wav")
    return wav if wav.is_file() else stem.with_suffix(".flac")


def _split(folder: Path) -> str:
    if folder.parent.name in SPLIT_FOLDERS:
        return SPLIT_FOLDERS[folder.parent.name]
    number = folder.name.removeprefix("Track")
    if not number.isdigit():
        return ""
    return "train" if int(number) <= LAST_TRAIN else "validation" if int(number) <= LAST_VALIDATION else "test"
