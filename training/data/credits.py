"""Whose sounds something was trained on: one line of licence and credit for each source, for the bundle made of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from training.data import hydrogen, lmms
from training.data.sources import SoundLibrary
from training.data.stem_cache import StemCache

OWN = "Fluxstem's own synthesiser voices and drum machines: Apache-2.0"
FONT = "FluidR3 GM SoundFont: MIT, Copyright 2000-2002, 2008 Frank Wen; 2008 Toby Smithe"
FOLDERS = {
    "bank": "banks",
    "song": "songs",
    "recorded": "recordings",
    "sung": "recordings",
}  # kind of a source -> folder among the sounds


def credits(cache: StemCache) -> list[str]:
    """Credits of all stems in a cache; see ``credits_of``."""
    return credits_of(cache.label(stem)["source"] for stem in range(cache.count))


def credits_of(sources: Iterable[str]) -> list[str]:
    """Credits of fonts, banks, recordings and songs.

    Args:
        sources: as labels of stems name them, such as ``bank:kalimba``; data sets, which nobody here passes on, are
            left out.

    Raises:
        FileNotFoundError: a source is not among the sounds any more.
    """
    named = set(sources)
    kinds = {source.split(":", 1)[0] for source in named}
    lines = [*([FONT] if "font" in kinds else []), *([OWN] if "synth" in kinds else [])]
    lines += sorted({line for source in named if (line := _tabled(source)) is not None})
    wanted = sorted({place for source in named if (place := _place(source)) is not None})
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
