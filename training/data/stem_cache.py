"""The stem cache: shards of rendered stems on disk, written by worker processes, read through memory maps.

A shard is ``shard-00012.npy``, int16 ``(stems, samples)`` with 32767 as full scale, and ``shard-00012.json``, written
last, with one label per stem. Where stems were filmed there is ``shard-00012.film.npy`` too, uint8 ``(films, F, H, W,
3)`` at 8 frames a second over the length of a stem; a label's ``film`` is its row.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from training.atomic import write_array, write_text
from training.typing import Audio, Frames

FILM = ".film.npy"
DATA_SET = "set-"  # begins the names of shards that were cut out of a data set


class StemCache:
    """Stems of all finished shards in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._shards: list[np.ndarray[Any, np.dtype[np.int16]]] = []
        self._labels: list[dict[str, Any]] = []
        self._where: list[tuple[int, int]] = []
        self._films: dict[int, Frames] = {}  # of the shards that have any
        self._seen: set[str] = set()
        self._pieces: dict[str, list[int]] = {}
        self.refresh()

    def refresh(self) -> int:
        """Add shards finished since the last call; returns the number of stems.

        Raises:
            ValueError: the films of a shard are gone.
        """
        for index in sorted(self.folder.glob("*.json")):
            if index.name in self._seen or not index.with_suffix(".npy").is_file():
                continue
            self._seen.add(index.name)
            self._shards.append(np.load(index.with_suffix(".npy"), mmap_mode="r"))
            for row, label in enumerate(json.loads(index.read_text("utf-8"))["stems"]):
                self._pieces.setdefault(label["piece"], []).append(len(self._labels))
                self._labels.append(label)
                self._where.append((len(self._shards) - 1, row))
                if "film" in label and len(self._shards) - 1 not in self._films:
                    self._films[len(self._shards) - 1] = _films(index.with_suffix(FILM))
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

    def film(self, stem: int) -> Frames | None:
        """Film of a stem's players, uint8 ``(F, H, W, 3)`` from its first sample on; None where there is none."""
        row = self._labels[stem].get("film")
        return None if row is None else self._films[self._where[stem][0]][row]

    @property
    def film_sizes(self) -> set[int]:
        """Height and width of the frames there are, in pixels."""
        return {films.shape[2] for films in self._films.values()}

    def shows_alone(self, stem: int) -> bool:
        """True where a picture can show this stem's player alone: drawn, or filmed without others."""
        label = self._labels[stem]
        return "part" in label or ("film" in label and len(self._pieces[label["piece"]]) == 1)


def _films(path: Path) -> Frames:
    if not path.is_file():
        raise ValueError(f"{path} is gone, so the films of its stems cannot be shown; index the data set again")
    films: Frames = np.load(path, mmap_mode="r")
    return films


def write_shard(
    folder: Path, name: str, stems: list[Audio], labels: list[dict[str, Any]], films: list[Frames] | None = None
) -> None:
    """Write a shard so that it is there whole or not at all; the label file comes last.

    Args:
        stems: float32, of one length.
        labels: one per stem; ``film`` in it is a place in ``films``.
        films: uint8 ``(F, H, W, 3)`` each, of one shape.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if films:
        write_array(folder / f"{name}{FILM}", np.stack(films))
    write_array(
        folder / f"{name}.npy", np.stack([np.clip(np.round(s * 32767), -32768, 32767).astype(np.int16) for s in stems])
    )
    write_text(folder / f"{name}.json", json.dumps({"stems": labels}, ensure_ascii=False))
