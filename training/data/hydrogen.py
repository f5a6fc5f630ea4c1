"""Electronic drum kits in Hydrogen's format (``drumkit.xml`` beside its samples) as note banks."""

from __future__ import annotations

import tomllib
import xml.etree.ElementTree as ET
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from training.data.recordings import read_audio
from training.data.sources import BankNote, NoteBank
from training.typing import Rng

PREFIX = "hydrogen/"  # begins the bank name of a kit: hydrogen/KIT


@cache
def tables() -> dict[str, Any]:
    """``hydrogen.toml``."""
    return tomllib.loads(Path(__file__).with_name("hydrogen.toml").read_text("utf-8"))


def kits(folder: Path) -> list[str]:
    """Names of the allowed kits in a folder."""
    return [name for name in tables()["kits"] if (folder / name / "drumkit.xml").is_file()]


def credit(name: str) -> str:
    """Licence and maker of a kit of the table."""
    row = tables()["kits"][name]
    return f"drum kit {name}: {row['licence']}, {row['author']}; Debian package hydrogen-drumkits"


class HydrogenKit(NoteBank):
    """The pieces of a kit that have a name of ours, at the kit's own balance."""

    def __init__(self, folder: Path) -> None:
        self.levelled, self.drums, self.articulations = True, True, [""]
        self.notes = []
        for instrument in ET.parse(folder / "drumkit.xml").iterfind(".//{*}instrument"):
            piece = piece_of(instrument.findtext("{*}name") or "")
            file = folder / (instrument.findtext(".//{*}filename") or "")
            if piece and file.is_file():
                audio = read_audio(file).mean(axis=0)
                gain = np.float32(float(instrument.findtext("{*}volume") or 1.0) / max(float(abs(audio).max()), 1e-4))
                self.notes.append(BankNote(60.0, (0, 127), "", piece, audio * gain))

    def narrowed(self, rng: Rng) -> HydrogenKit:
        """The kit with one sound for each piece, as one song has it."""
        narrow = copy(self)
        pools = [[n for n in self.notes if n.piece == piece] for piece in sorted({n.piece for n in self.notes})]
        narrow.notes = [pool[int(rng.integers(len(pool)))] for pool in pools]
        return narrow


def piece_of(name: str) -> str:
    """Our word for an instrument of a kit; "" when there is none."""
    return next((piece for part, piece in tables()["pieces"].items() if part in name.lower()), "")
