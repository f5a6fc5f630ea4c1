"""The stem cache: shards of rendered stems on disk, written by worker processes, read through memory maps.

A shard is ``shard-00012.npy``, int16 ``(stems, samples)`` with 32767 as full scale, and ``shard-00012.json``, written
last, with one label per stem. Knows nothing of models.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from training.data.sources import Audio


class StemCache:
    """Stems of all finished shards in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._shards: list[np.ndarray[Any, np.dtype[np.int16]]] = []
        self._labels: list[dict[str, Any]] = []
        self._where: list[tuple[int, int]] = []
        self._seen: set[str] = set()
        self._pieces: dict[str, list[int]] = {}
        self.refresh()

    def refresh(self) -> int:
        """Take in shards finished since the last look; returns how many stems there are."""
        for index in sorted(self.folder.glob("*.json")):
            if index.name in self._seen or not index.with_suffix(".npy").is_file():
                continue
            self._seen.add(index.name)
            self._shards.append(np.load(index.with_suffix(".npy"), mmap_mode="r"))
            for row, label in enumerate(json.loads(index.read_text("utf-8"))["stems"]):
                self._pieces.setdefault(label["piece"], []).append(len(self._labels))
                self._labels.append(label)
                self._where.append((len(self._shards) - 1, row))
        return self.count

    @property
    def count(self) -> int:
        """Number of stems."""
        return len(self._labels)

    @property
    def samples(self) -> int:
        """Length of every stem."""
        return int(self._shards[0].shape[1]) if self._shards else 0

    @property
    def pieces(self) -> dict[str, list[int]]:
        """Stems that were written for each other, by piece."""
        return self._pieces

    def label(self, stem: int) -> dict[str, Any]:
        """Label of a stem: family, role, piece, register, source."""
        return self._labels[stem]

    def audio(self, stem: int, first: int = 0, count: int | None = None) -> Audio:
        """Samples of a stem, float32 ``(N,)``."""
        shard, row = self._where[stem]
        stop = None if count is None else first + count
        return self._shards[shard][row, first:stop].astype(np.float32) / np.float32(32767)


def write_shard(folder: Path, name: str, stems: list[Audio], labels: list[dict[str, Any]]) -> None:
    """Write a shard so that it is there whole or not at all; the label file comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    data = np.stack([np.clip(np.round(s * 32767), -32768, 32767).astype(np.int16) for s in stems])
    partial = folder / f".{name}.npy.partial"
    with partial.open("wb") as stream:
        np.save(stream, data)
    os.replace(partial, folder / f"{name}.npy")
    partial = folder / f".{name}.json.partial"
    partial.write_text(json.dumps({"stems": labels}, ensure_ascii=False), "utf-8")
    os.replace(partial, folder / f"{name}.json")
