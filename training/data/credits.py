"""Credits of the sounds in a cache: one line of licence and credit per source, for the bundle that learns from it."""

from __future__ import annotations

import json

from training.data.sources import SoundLibrary
from training.data.stem_cache import StemCache

OWN = "Fluxstem's own synthesiser voices and drum machines: Apache-2.0"
FONT = "FluidR3 GM SoundFont: MIT, Copyright 2000-2002, 2008 Frank Wen; 2008 Toby Smithe"


def credits(cache: StemCache) -> list[str]:
    """Credits of every font, bank and song that a cache holds."""
    sources = sorted({cache.label(stem)["source"] for stem in range(cache.count)})
    lines = [FONT] if any(source.startswith("font:") for source in sources) else []
    lines += [OWN] if any(source.startswith("synth:") for source in sources) else []
    kept = [source.split(":", 1) for source in sources if source.startswith(("bank:", "song:"))]
    if not kept:  # a data set can be trained on where there are no sounds
        return lines
    sounds = SoundLibrary.find()
    folders = {"bank": sounds.banks, "song": sounds.songs}
    return lines + [credit(kind, name, sounds) for kind, name in kept if folders[kind] is not None]


def credit(kind: str, name: str, sounds: SoundLibrary) -> str:
    """Licence and credit of one bank or song."""
    folder = {"bank": sounds.banks, "song": sounds.songs}[kind]
    assert folder is not None  # where a bank or song was heard, its folder is
    index = json.loads((folder / name / "index.json").read_text("utf-8"))
    return f"{kind} {name}: {index['licence']}, {index['attribution']}; {index['source']}"
