"""The files of a folder of encoded latents: their names, types and shapes.

``encode.py`` writes them and ``latent_dataset.py`` reads them. One row of every file is one entry, a mix split into a
stem and a rest; ``silence.npy`` alone is not by entry.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.latents import SLOTS
from training.config import Preset
from training.scene.config import frames_of

WORDS_BYTES = 1600  # of a caption or a story kept with an entry
# Terms are numbered as in ``examples.terms()``, -1 means none; ``inside`` has a bit for each family.
FACTS = np.dtype([("filled", "u1"), ("term", "i2"), ("rest", "i2"), ("inside", "u8")])
MORE = np.dtype([("twins", "u1"), ("together", "u1"), ("caption", f"S{WORDS_BYTES}"), ("story", f"S{WORDS_BYTES}")])
SOUND, SIGHT = 0, 1  # rows of an entry's embeddings
SILENCE = "silence.npy"
Layout = dict[str, tuple[npt.DTypeLike, tuple[int, ...]]]  # name of a file -> type and shape


def layout_of(preset: Preset) -> Layout:
    """Files of a preset's latents: name -> type and shape, the first axis being entries."""
    grid, entries = preset.grid, preset.flow.pool
    layout: Layout = {
        "facts": (FACTS, (entries,)),
        "more": (MORE, (entries,)),
        "latents": (np.float16, (entries, SLOTS, grid.latent_channels, grid.window_frames)),
        "embeddings": (np.float16, (entries, 2, 2, preset.prompt.embedding)),  # of stem and rest
    }
    if preset.flow.picture_dim:
        layout["pictures"] = (np.float16, (entries, 2, frames_of(grid.grid), preset.flow.picture_dim))
    return layout


def open_files(folder: Path, layout: Layout, mode: str = "r") -> dict[str, npt.NDArray[Any]]:
    """Memory maps of all files.

    Raises:
        FileNotFoundError: one is missing.
    """
    return {name: np.load(folder / f"{name}.npy", mmap_mode=mode) for name in layout}  # type: ignore[arg-type]


def create_files(folder: Path, layout: Layout) -> None:
    """Make the files that are missing, full of zeros; a file of another type or shape is replaced.

    Raises:
        ValueError: entries are encoded already, and a file that belongs to them is of another type or shape.
    """
    _check_layout(folder, layout)
    for name, (dtype, shape) in layout.items():
        path = folder / f"{name}.npy"
        if not _fits(path, dtype, shape):
            path.unlink(missing_ok=True)
            np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)


def words_bytes(words: str) -> bytes:
    """Words as UTF-8, cut to ``WORDS_BYTES`` at the end of a sentence."""
    if len(raw := words.encode()) <= WORDS_BYTES:
        return raw
    kept = raw[:WORDS_BYTES].decode(errors="ignore")
    return kept[: kept.rfind(".") + 1].encode()


def _check_layout(folder: Path, layout: Layout) -> None:
    """Refuse to empty a file of encoded entries; files that older folders lack are added."""
    if not _fits(folder / "facts.npy", *layout["facts"]):
        return  # then no entry counts as encoded
    if not np.load(folder / "facts.npy", mmap_mode="r")["filled"].any():
        return
    for name, wanted in layout.items():
        path = folder / f"{name}.npy"
        if (path.is_file() or name == "latents") and not _fits(path, *wanted):
            raise ValueError(
                f"{path.name} in {folder} is gone or of another make; "
                "remove that folder to encode it again, or give another run's folder"
            )


def _fits(path: Path, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> bool:
    """True for a file of just this type and shape."""
    if not path.is_file():
        return False
    held = np.load(path, mmap_mode="r")
    return bool(held.dtype == dtype) and held.shape == shape
