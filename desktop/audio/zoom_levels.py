"""Precomputed drawing data at every zoom level, side by side in one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

FACTOR = 4  # from one level to the next
Entry = TypeVar("Entry", np.float32, np.uint8)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ZoomLevels(Generic[Entry]):
    """Levels of zoom, each (ROWS, entries) and a quarter as long as the one before.

    Attributes:
        levels: the finest first.
    """

    ROWS: ClassVar[int]
    ENTRY_SAMPLES: ClassVar[int]  # of the finest level
    SHORTEST: ClassVar[int]  # a level this short is the last

    levels: tuple[npt.NDArray[Entry], ...]

    def level_for(self, samples_per_pixel: float) -> tuple[int, npt.NDArray[Entry]]:
        """The coarsest level that still has an entry for every pixel.

        Returns:
            Samples per entry, and the level.
        """
        index = 0
        while index + 1 < len(self.levels) and self.ENTRY_SAMPLES * FACTOR ** (index + 1) <= samples_per_pixel:
            index += 1
        return self.ENTRY_SAMPLES * FACTOR**index, self.levels[index]

    def save(self, path: Path) -> None:
        """Write all levels side by side, so that one memory map holds them."""
        with path.open("wb") as stream:
            np.save(stream, np.concatenate(self.levels, axis=1))

    @classmethod
    def load(cls, path: Path, samples: int) -> Self:
        """Map what ``save`` wrote, without reading it.

        Args:
            samples: per channel, of the sound.

        Raises:
            ValueError: the file is not whole.
        """
        lengths = [max(-(-samples // cls.ENTRY_SAMPLES), 1)]
        while lengths[-1] > cls.SHORTEST:
            lengths.append(-(-lengths[-1] // FACTOR))
        joined = np.load(path, mmap_mode="r")
        if joined.shape != (cls.ROWS, sum(lengths)):
            raise ValueError(f"{path} is not whole")
        return cls(tuple(np.asarray(part) for part in np.split(joined, np.cumsum(lengths)[:-1], axis=1)))
