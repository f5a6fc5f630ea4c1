"""Whose sounds the mask decoder was trained on: one line of licence and credit for each source of its stems."""

from __future__ import annotations

import json
from pathlib import Path

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
    wanted = sorted({place for source in sources if (place := _place(source)) is not None})
    root = SoundLibrary.find().font.parent if wanted else Path()
    return lines + [_credit(root, place) for place in wanted]


def _place(source: str) -> str | None:
    """Folder of a source among the sounds, such as ``recordings/philharmonia``; None for fonts and synthesisers."""
    kind, _, name = source.partition(":")
    if kind not in FOLDERS:
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
