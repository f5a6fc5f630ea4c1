"""Read encoded latents: entries of a folder that ``encode.py`` filled, and questions about them.

Nothing here renders, encodes or writes, so it is safe in any number of DataLoader workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from engine.latents import Slot
from training.config import Preset
from training.data.instruments import families
from training.flow.examples import absent_term, terms
from training.flow.latent_files import SIGHT, SILENCE, SOUND, layout_of, open_files
from training.typing import FloatArray, Latents, Rng

SWAP_SHARE = 0.5  # of the entries whose rest has a name of its own


@dataclass(frozen=True, slots=True)
class LatentExample:
    """One entry as it was encoded. Pairs are of stem and rest; None where there is none.

    Attributes:
        latents: float32 ``(S, D, L)``, of unit scale.
        names: family or group that names the stem, family that names the rest.
        inside: families in the mix.
        twins: True means that the stem's name fits something in the rest as well.
        together: True means that all stems are of one piece, played at one time and speed.
        pictures: features of the players, ``(F, P)`` each.
        sights: their embeddings ``(E,)``.
        sounds: embeddings of a sound example, ``(E,)`` each.
        caption, story: of the whole; may be empty.
    """

    latents: Latents
    names: tuple[str | None, str | None]
    inside: tuple[str, ...]
    twins: bool
    together: bool
    pictures: tuple[FloatArray | None, FloatArray | None]
    sights: tuple[FloatArray | None, FloatArray | None]
    sounds: tuple[FloatArray | None, FloatArray | None]
    caption: str = ""
    story: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of an entry, and everything that can be said, shown or played for it.

    Attributes:
        term: names the stem; None when nothing in it has a name.
        inside: families in the mix.
        absent: True means the term names nothing in the mix.
        twins: True means that only a picture says which of two is meant.
        picture: of the stem's players, ``(F,P)``; None when there is none.
        sight: the picture's embedding ``(E,)``.
        sound: embedding of a sound example of the stem, ``(E,)``; None when there is none.
        caption, story: of the whole; may be empty.
    """

    term: str | None
    inside: tuple[str, ...]
    absent: bool = False
    twins: bool = False
    picture: FloatArray | None = None
    sight: FloatArray | None = None
    sound: FloatArray | None = None
    caption: str = ""
    story: str = ""


class LatentDataset(Dataset[LatentExample]):
    """Encoded entries by number.

    Args:
        folder: that ``encode.encode_latents`` filled.
        preset: that it was filled by.

    Raises:
        ValueError: the folder holds no encoded latents.
    """

    def __init__(self, folder: Path, preset: Preset) -> None:
        self.folder, self._preset = folder, preset
        self._terms, self._families = terms(), list(families())
        try:
            files = open_files(folder, layout_of(preset))
            self.silence: Latents = np.load(folder / SILENCE)
        except FileNotFoundError as error:
            raise ValueError(f"no latents in {folder}; encode them with `python -m training encode`") from error
        self._facts, self._more, self._latents = files["facts"], files["more"], files["latents"]
        self._embeddings, self._pictures = files["embeddings"], files.get("pictures")

    def __reduce__(self) -> tuple[Any, ...]:
        return LatentDataset, (self.folder, self._preset)  # a spawned worker opens the files itself

    def __len__(self) -> int:
        return len(self._facts)

    def __getitem__(self, number: int) -> LatentExample:
        """One entry.

        Raises:
            ValueError: it is not encoded.
        """
        facts, more = self._facts[number], self._more[number]
        if not facts["filled"]:
            raise ValueError(f"mix {number} in {self.folder} is not encoded; run `python -m training encode`")
        named = tuple(self._terms[k] if k >= 0 else None for k in (facts["term"], facts["rest"]))
        sounds, sights = (_pair(self._embeddings[number, :, row]) for row in (SOUND, SIGHT))
        return LatentExample(
            latents=self._latents[number].astype(np.float32),
            names=(named[0], named[1]),
            inside=tuple(name for k, name in enumerate(self._families) if int(facts["inside"]) >> k & 1),
            twins=bool(more["twins"]),
            together=bool(more["together"]),
            pictures=(None, None) if self._pictures is None else _pair(self._pictures[number]),
            sights=sights,
            sounds=sounds,
            caption=bytes(more["caption"]).decode(),
            story=bytes(more["story"]).decode(),
        )

    def together(self, numbers: Sequence[int]) -> list[bool]:
        """For each entry, whether all its stems are of one piece and so fit each other."""
        return [bool(self._more[number]["together"]) for number in numbers]

    def draw(
        self, numbers: Sequence[int], rng: Rng, absent: Sequence[bool] | None = None
    ) -> tuple[Latents, list[Query]]:
        """Entries turned by chance: stem and rest may change places, or the question be for what is not there.

        Args:
            absent: which of them may be asked for something absent; None means all.

        Returns:
            latents ``(B, S, D, L)``, and a query for each.
        """
        drawn = [self._turned(rng, self[n], absent is None or absent[k]) for k, n in enumerate(numbers)]
        return np.stack([latents for latents, _ in drawn]), [query for _, query in drawn]

    def _turned(self, rng: Rng, entry: LatentExample, absent: bool) -> tuple[Latents, Query]:
        latents, words = entry.latents, {"caption": entry.caption, "story": entry.story}
        if absent and rng.random() < self._preset.flow.absent_share:
            latents[Slot.STEM], latents[Slot.REST] = self.silence, latents[Slot.MIX]
            return latents, Query(absent_term(rng, list(entry.inside)), entry.inside, absent=True, **words)
        side = 0
        if entry.names[1] is not None and rng.random() < SWAP_SHARE:
            latents[[Slot.STEM, Slot.REST]] = latents[[Slot.REST, Slot.STEM]]
            side = 1
        return latents, Query(
            term=entry.names[side],
            inside=entry.inside,
            twins=entry.twins,
            picture=entry.pictures[side],
            sight=entry.sights[side],
            sound=entry.sounds[side],
            **words,
        )


def _pair(rows: npt.NDArray[np.float16]) -> tuple[FloatArray | None, FloatArray | None]:
    """Rows of stem and rest as float32; None for one that was never written."""
    stem, rest = (row.astype(np.float32) if row.any() else None for row in rows)
    return stem, rest
