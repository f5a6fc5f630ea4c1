"""Recordings of real players: single notes as note banks, phrases, loops and stems as clips, with our families' names.

The folder is ``recordings`` in the sounds folder; each source has an ``index.json``. ``recordings.toml`` says which
family a label belongs to and which sources are reserved for validation.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import soxr

from training.data.sources import RATE, BankNote, NoteBank
from training.typing import Audio

OTHER = "other"
PREFIX = "recorded/"  # begins the bank name of a set of recorded notes: recorded/SOURCE:FAMILY
DYNAMICS = {
    "pianissimo": (0, 50), "piano": (0, 70), "mezzo-piano": (40, 90), "mezzo-forte": (60, 105), "forte": (85, 127),
    "fortissimo": (100, 127), "p": (0, 60), "mf": (50, 100), "f": (90, 127),
}  # fmt: skip
FEWEST_NOTES = 5  # of a set that can play a tune


@dataclass(frozen=True, slots=True)
class RecordedClip:
    """One recorded phrase, loop or stem.

    Attributes:
        source: folder it comes from.
        path: the file.
        family: ours; "other" where we have no name for it.
        label: the recordist's word.
        group: clips of one song and segment share it and are aligned; "" for a clip that stands alone.
        voice: who plays, sings or speaks, where that is known.
    """

    source: str
    path: Path
    family: str
    label: str
    group: str
    voice: str

    def read(self) -> Audio:
        """Float32 ``(C, N)`` at 44.1 kHz."""
        return read_audio(self.path)


@cache
def tables() -> dict[str, Any]:
    """``recordings.toml``."""
    return tomllib.loads(Path(__file__).with_name("recordings.toml").read_text("utf-8"))


def read_audio(path: Path) -> Audio:
    """A file as float32 ``(C, N)`` at 44.1 kHz."""
    audio_NC, rate = sf.read(path, dtype="float32", always_2d=True)
    if rate != RATE:
        audio_NC = soxr.resample(audio_NC, rate, RATE).astype(np.float32)
    return np.ascontiguousarray(audio_NC.T)


def is_reserved(source: str, file: str) -> bool:
    """True for a file that no training mix may hold."""
    beginning = tables()["reserved"].get(source)
    return beginning is not None and Path(file).name.startswith(beginning)


def note_sets(folder: Path, held_out: bool) -> dict[str, list[str]]:
    """Bank names of recorded notes by family; those reserved when ``held_out``, else all others."""
    found: dict[str, list[str]] = {}
    for source, rows in _indexes(folder):
        if rows["kind"] != "notes":
            continue
        kept = [row for row in rows["files"] if is_reserved(source, row["file"]) == held_out]
        families = [family_of_note(row) for row in kept]
        for family in sorted(set(families) - {OTHER}):
            mine = [row for row, name in zip(kept, families, strict=True) if name == family]
            tuned = len({row.get("midi_note") for row in mine} - {None})
            pieces = len({row["label"] for row in mine})
            enough = pieces >= 4 if family == "drums" else len(mine) >= 6 if family == "percussion" else False
            if enough or (family not in ("drums", "percussion") and tuned >= FEWEST_NOTES):
                found.setdefault(family, []).append(f"{PREFIX}{source}:{family}")
    return found


def family_of_note(row: dict[str, Any]) -> str:
    """Our family of a recorded note."""
    label = row["label"]
    if label in tables()["kit"]:
        return "drums"
    if label in tables()["percussion"]["labels"]:
        return "percussion"
    return str(tables()["families"].get(label, OTHER))


class RecordedBank(NoteBank):
    """The notes of one family in one source of recordings.

    Args:
        name: ``recorded/SOURCE:FAMILY``.
        held_out: the reserved files of the source, or all others.
    """

    def __init__(self, folder: Path, name: str, held_out: bool = False) -> None:
        source, family = name.removeprefix(PREFIX).split(":")
        rows = json.loads((folder / source / "index.json").read_text("utf-8"))["files"]
        self.levelled = False
        self.drums = family in ("drums", "percussion")
        self.notes = [
            _note(folder / source, row, family)
            for row in rows
            if family_of_note(row) == family
            and is_reserved(source, row["file"]) == held_out
            and (self.drums or row.get("midi_note") is not None)
        ]
        self.articulations = sorted({note.articulation for note in self.notes})


def clips(folder: Path, held_out: bool) -> list[RecordedClip]:
    """Phrases, loops and stems: those reserved when ``held_out``, else all others."""
    found = []
    for source, rows in _indexes(folder):
        if rows["kind"] == "notes":
            continue
        for row in rows["files"]:
            if is_reserved(source, row["file"]) != held_out:
                continue
            family = tables()["families"].get(row["label"], OTHER)
            group = f"{source}/{row['song']}/{row.get('segment', '')}" if rows["kind"] == "stems" else ""
            voice = str(row.get("speaker") or row.get("player") or "")
            found.append(RecordedClip(source, folder / source / row["file"], family, row["label"], group, voice))
    return found


def _indexes(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    return [(p.parent.name, json.loads(p.read_text("utf-8"))) for p in sorted(folder.glob("*/index.json"))]


def _note(folder: Path, row: dict[str, Any], family: str) -> BankNote:
    audio = read_audio(folder / row["file"]).mean(axis=0)
    peak = float(np.abs(audio).max())
    level = audio / max(peak, 1e-4) * 0.7 if family not in ("drums", "percussion") else audio
    cents = -27 if "saxophone" in row["file"] and folder.name == "philharmonia" else 0  # it was recorded flat
    return BankNote(
        midi=float(row.get("midi_note") or 60) + cents / 100,
        velocity=DYNAMICS.get(row.get("dynamic", ""), (0, 127)),
        articulation=row.get("articulation") or "",
        piece=tables()["kit"].get(row["label"], row["label"]),
        audio=_trimmed(level.astype(np.float32)),
    )


def _trimmed(audio: Audio) -> Audio:
    """Without the silence before the note."""
    peak = float(np.abs(audio).max())
    if peak < 1e-5:
        return audio
    return audio[max(0, int(np.argmax(np.abs(audio) > 0.02 * peak)) - 256) :]
