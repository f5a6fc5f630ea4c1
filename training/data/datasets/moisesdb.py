"""MoisesDB: 240 songs, each a folder ``PROVIDER/TRACK`` with ``data.json`` and ``STEM/ID.EXTENSION``.

Tracks of one kind within a song are one stem here, their sum.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.data.datasets.checks import open_sound
from training.data.datasets.labels import term_of
from training.data.piece import Piece, SoundSource, Stem, SumSound


def read(root: Path) -> Iterator[Piece]:
    """All songs below ``root``."""
    for index in sorted(root.rglob("data.json")):
        yield _song(index)


def _song(index: Path) -> Piece:
    folder = index.parent
    try:
        table: dict[str, Any] = json.loads(index.read_text("utf-8"))
        tracks = [
            (stem["stemName"], track["trackType"], f"{track['id']}.{track['extension']}", track.get("has_bleed", False))
            for stem in table["stems"]
            for track in stem["tracks"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        return Piece(folder.name, "", (), problems=(f"data.json cannot be used: {type(error).__name__} {error}",))
    problems: list[str] = []
    sounds: dict[str, list[SoundSource]] = {}
    for stem_name, kind, file, has_bleed in tracks:
        sound, problem = open_sound(folder / stem_name / file)
        if sound is None:
            problems.append(f"{stem_name}/{problem}")
            continue
        if has_bleed:
            problems.append(f"{stem_name}/{file} is marked as bleeding")
        sounds.setdefault(kind, []).append(sound)
    stems = tuple(Stem(kind, term_of("moisesdb", kind), _together(found)) for kind, found in sounds.items())
    title = " - ".join(str(table[key]) for key in ("artist", "song") if table.get(key))
    return Piece(f"{folder.name} {title}".strip(), "", stems, problems=tuple(problems))


def _together(sounds: list[SoundSource]) -> SoundSource:
    return sounds[0] if len(sounds) == 1 else SumSound(tuple(sounds))
