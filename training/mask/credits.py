"""Whose sounds the mask decoder was trained on: one line of licence and credit for each source of its stems."""

from __future__ import annotations

import json
from pathlib import Path

from training.data import hydrogen, lmms
from training.data.credits import FONT, OWN
from training.data.sources import SoundLibrary

FILE = "credits.json"
START = "Spleeter's pretrained 2-stem networks, where training began: MIT, Copyright 2019-present Deezer SA"
FOLDERS = {"bank": "banks", "song": "songs", "recorded": "recordings"}


def credits(folders: list[Path]) -> list[str]:
    """Credit lines of all stems in some folders, and of the weights that training began with.

    Raises:
        FileNotFoundError: a source is not among the sounds any more.
    """
    sources = {
        stem["source"]
        for folder in folders
        for index in [*folder.glob("*.json"), *folder.glob("*/*.json")]
        for stem in json.loads(index.read_text("utf-8"))["stems"]
    }
    kinds = {source.split(":", 1)[0] for source in sources}
    lines = [START, *([FONT] if "font" in kinds else []), *([OWN] if "synth" in kinds else [])]
    lines += sorted({line for source in sources if (line := _tabled(source)) is not None})
    wanted = sorted({place for source in sources if (place := _place(source)) is not None})
    root = SoundLibrary.find().font.parent if wanted else Path()
    return lines + [_credit(root, place) for place in wanted]


def _tabled(source: str) -> str | None:
    """Credit of a song or kit that a table of ours names: those of LMMS and Hydrogen; None for all others."""
    kind, _, name = source.partition(":")
    if kind == "song" and name in lmms.tables()["projects"]:
        return lmms.credit(name)
    if kind == "bank" and name.startswith(hydrogen.PREFIX):
        return hydrogen.credit(name.removeprefix(hydrogen.PREFIX))
    return None


def _place(source: str) -> str | None:
    """Folder of a source among the sounds, such as ``recordings/philharmonia``; None for what is not there."""
    kind, _, name = source.partition(":")
    if kind not in FOLDERS or _tabled(source) is not None:
        return None
    if name.startswith("recorded/"):  # a bank made of recorded notes, one for each family
        kind, name = "recorded", name.removeprefix("recorded/").split(":", 1)[0]
    return f"{FOLDERS[kind]}/{name}"


def _credit(root: Path, place: str) -> str:
    path = root / place / "index.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"no {path}, which says whose {place} is; set FLUXSTEM_SOUNDS to where the stems came from"
        )
    index = json.loads(path.read_text("utf-8"))
    kind, _, name = place.partition("/")
    return f"{kind.removesuffix('s')} {name}: {index['licence']}, {index['attribution']}; {index['source']}"
