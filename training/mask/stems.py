"""Stems on disk for the mask decoder: shards of 44.1 kHz mono and stereo rows, read through memory maps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.mask.terms import terms_of
from training.typing import Audio


@dataclass(frozen=True, slots=True)
class Player:
    """What one player gives a mix: one stem, or a kit in its pieces.

    Attributes:
        stems: numbers of the stems.
        family: of all of them.
        recorded: played by a person, on recorded notes, or sung with a recorded voice.
        piece: stems of one piece are aligned and fit each other.
        balanced: the balance between the stems of the piece is the artists' own.
    """

    stems: tuple[int, ...]
    family: str
    recorded: bool
    piece: str
    balanced: bool


class StemPool:
    """All stems of some folders, and of the folders in them.

    Raises:
        ValueError: there are none.
    """

    def __init__(self, folders: list[Path]) -> None:
        self._shards: list[np.ndarray[Any, np.dtype[np.int16]]] = []
        self._where: list[tuple[int, int, int]] = []
        self.labels: list[dict[str, Any]] = []
        for folder in folders:
            for index in sorted([*folder.glob("*.json"), *folder.glob("*/*.json")]):
                self._read(index)
        if not self.labels:
            raise ValueError(
                f"no stems in {', '.join(map(str, folders))}; render them with `python -m training mask-stems`"
            )
        self.names = [terms_of(label) for label in self.labels]
        self.players = _players(self.labels)
        self.by_family: dict[str, list[Player]] = {}
        self.by_piece: dict[str, list[Player]] = {}
        for player in self.players:
            self.by_family.setdefault(player.family, []).append(player)
            self.by_piece.setdefault(player.piece, []).append(player)

    def _read(self, index: Path) -> None:
        self._shards.append(np.load(index.with_suffix(".npy"), mmap_mode="r"))
        for number, label in enumerate(json.loads(index.read_text("utf-8"))["stems"]):
            self._where.append((len(self._shards) - 1, label.get("row", number), label.get("channels", 1)))
            self.labels.append({**label, "piece": f"{index.parent.name}/{label['piece']}"})

    @property
    def samples(self) -> int:
        """Length of every stem."""
        return int(self._shards[0].shape[1])

    def audio(self, stem: int, first: int, count: int) -> Audio:
        """Samples of a stem, float32 ``(1 or 2, count)``; zeros where there are none."""
        shard, row, channels = self._where[stem]
        cut = self._shards[shard][row : row + channels, first : first + count].astype(np.float32) / np.float32(32767)
        return np.pad(cut, ((0, 0), (0, count - cut.shape[1])))


def _players(labels: list[dict[str, Any]]) -> list[Player]:
    kits: dict[tuple[str, str], list[int]] = {}
    for number, label in enumerate(labels):
        kits.setdefault((label["piece"], str(label.get("kit", number))), []).append(number)
    players = []
    for (piece, _), stems in kits.items():
        label = labels[stems[0]]
        source = str(label["source"])
        recorded = source.startswith(("bank:", "recorded:", "song:", "sung:"))
        players.append(Player(tuple(stems), label["family"], recorded, piece, bool(label.get("balanced"))))
    return players
