"""Examples for the flow: a mix, the stem that is asked for, the rest, and their latents, kept in a pool on disk.

An entry of the pool depends on its number alone; it is mixed and encoded once, by the loader's worker, and read back in
later rounds, turned each time: stem and rest may change places, or the question be for something that is not there.
With each entry go a picture and a sound example of either side, and words about the whole, where there are such. What
a pool is filled by is written beside it, and nothing else may fill or read it. Knows nothing of the flow's network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from engine.latents import SLOTS, Slot
from training.codec.model import MixWavCodec
from training.config import Preset
from training.data.instruments import families, groups
from training.data.mixer import Mix, Take
from training.data.sources import Audio
from training.data.stem_cache import StemCache
from training.flow.fingerprint import check_filled_by, filled_by
from training.flow.modalities import Floats, Senses, by_kind
from training.scene.config import frames_of

Rng = np.random.Generator
Latents = npt.NDArray[np.float32]
GROUP_SHARE = 0.15
SWAP_SHARE = 0.5  # of the entries whose rest has a name of its own
WORDS_BYTES = 1600  # of a caption or a story kept with an entry

# what is known of a pool entry besides its latents; terms are numbered as in ``terms()``, -1 means none
FACTS = np.dtype([("filled", "u1"), ("term", "i2"), ("rest", "i2"), ("inside", "u8")])
MORE = np.dtype([("twins", "u1"), ("together", "u1"), ("caption", f"S{WORDS_BYTES}"), ("story", f"S{WORDS_BYTES}")])
Layout = dict[str, tuple[npt.DTypeLike, tuple[int, ...]]]  # name of a file -> type and shape
SOUND, SIGHT = 0, 1  # rows of an entry's embeddings


@dataclass(frozen=True, slots=True)
class Example:
    """One example.

    Attributes:
        audio: float32 ``(S, N)``: mix, stem, rest; the mix is their exact sum.
        term: family or group that names the stem; None when nothing in the mix has a name.
        rest: the family that names the rest, when it is a single one.
        inside: families in the mix.
        takes: where the stems of each side come from: those of the stem, those of the rest.
        twins: True means that the term names something in the rest as well.
        together: True means that everything is of one piece, played at one time and speed, so that it fits.
    """

    audio: Audio
    term: str | None
    rest: str | None
    inside: frozenset[str]
    takes: tuple[tuple[Take, ...], tuple[Take, ...]] = ((), ())
    twins: bool = False
    together: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What can be said of a drawn entry, as it is turned.

    Attributes:
        term: names its stem; None when nothing in it has a name.
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
    picture: Floats | None = None
    sight: Floats | None = None
    sound: Floats | None = None
    caption: str = ""
    story: str = ""


def terms() -> list[str]:
    """Everything a text prompt can name: families, then groups."""
    return [*families(), *groups()]


def families_of(term: str) -> frozenset[str]:
    """Families a term names: itself, or all of a group."""
    return groups().get(term, frozenset([term]))


def make_example(mix: Mix, rng: Rng) -> Example:
    """Draw something in the mix to ask for."""
    labels = [label["family"] for label in mix.labels]
    inside = frozenset(labels)
    named = sorted(inside & set(families()))
    term = present_term(rng, named) if named else None
    wanted = families_of(term) if term else frozenset[str]()
    left = inside - wanted
    rest = next(iter(left)) if len(left) == 1 and left <= set(families()) else None
    return _split(mix, [name in wanted for name in labels], term, rest)


def make_twins(mix: Mix) -> Example:
    """Ask for the first stem of a mix whose second is of the same family (``Mixer.twins``)."""
    family = str(mix.labels[0]["family"])
    rest = family if len(mix.labels) == 2 else None
    return _split(mix, [place == 0 for place in range(len(mix.labels))], family, rest, twins=True)


def _split(mix: Mix, chosen: list[bool], term: str | None, rest: str | None, twins: bool = False) -> Example:
    stem, total = mix.stems[chosen].sum(axis=0), mix.mix
    sides = tuple(tuple(t for t, c in zip(mix.takes, chosen, strict=False) if c == side) for side in (True, False))
    inside = frozenset(label["family"] for label in mix.labels)
    audio = np.stack([total, stem, total - stem]).astype(np.float32)
    return Example(audio, term, rest, inside, (sides[0], sides[1]), twins, is_one_piece(mix))


def is_one_piece(mix: Mix) -> bool:
    """True where all stems of a mix are of one piece, taken at one time and speed: each fits what the others play.

    A mix of one stem is of one piece; a mix that does not say where its stems were taken from is not.
    """
    moments = {(label["piece"], take.first, take.speed) for label, take in zip(mix.labels, mix.takes, strict=False)}
    return len(moments) == 1


def present_term(rng: Rng, named: list[str]) -> str:
    """A family in the mix, or a group that one of them belongs to."""
    family = families()[named[rng.integers(len(named))]]
    if family.groups and rng.random() < GROUP_SHARE:
        return family.groups[rng.integers(len(family.groups))]
    return family.name


def absent_term(rng: Rng, inside: list[str]) -> str:
    """A term that names nothing in the mix; usually not even a relative of anything in it."""
    near = {group for name in inside if name in families() for group in families()[name].groups}
    far = rng.random() < 0.6
    every = terms()
    while True:
        term = every[rng.integers(len(every))]
        wanted = families_of(term)
        if wanted & set(inside) or (far and (term in near or near & set(families()[next(iter(wanted))].groups))):
            continue
        return term


class Mixing(Protocol):
    """What draws a pool's mixes.

    Attributes:
        cache: their takes are of it.
        drawn: how, in words, where the preset does not say.
    """

    cache: StemCache
    drawn: str

    def draw(self, rng: Rng, samples: int) -> Mix:
        """As ``Mixer.draw``."""

    def twins(self, rng: Rng, samples: int) -> Mix | None:
        """As ``Mixer.twins``."""


class LatentPool:
    """Latents of a fixed number of entries, float16 ``(entries, S, D, L)`` on disk, filled on first use.

    Beside them lie facts, words, and where the preset has a picture the features ``(entries, 2, F, P)`` and embeddings
    ``(entries, 2, 2, E)`` of stem and rest; entries filled before there were such have none.

    Raises:
        ValueError: the folder's pool was filled by something else, or is laid out in another way.
    """

    def __init__(self, folder: Path, preset: Preset, mixer: Mixing, codec: MixWavCodec, senses: Senses | None = None):
        self.preset, self.mixer, self.codec = preset, mixer, codec
        self.senses = senses or Senses(preset, mixer.cache)
        grid, entries = preset.grid, preset.flow.pool
        self._terms, self._families = terms(), list(families())
        self._kinds = by_kind(mixer.cache) if self.senses.ear is not None else {}
        check_filled_by(folder, filled_by(preset, mixer.cache, codec, self.senses, mixer.drawn))
        layout: Layout = {
            "facts": (FACTS, (entries,)),
            "more": (MORE, (entries,)),
            "latents": (np.float16, (entries, SLOTS, grid.latent_channels, grid.window_frames)),
            "embeddings": (np.float16, (entries, 2, 2, preset.prompt.embedding)),
        }
        if preset.flow.picture_dim:
            layout["pictures"] = (np.float16, (entries, 2, frames_of(grid.grid), preset.flow.picture_dim))
        _check_layout(folder, layout)
        files = {name: _memory(folder / f"{name}.npy", dtype, shape) for name, (dtype, shape) in layout.items()}
        self._facts: npt.NDArray[Any] = files["facts"]
        self._more: npt.NDArray[Any] = files["more"]
        self._latents: npt.NDArray[np.float16] = files["latents"]
        self._embeddings: npt.NDArray[np.float16] = files["embeddings"]
        self._pictures: npt.NDArray[np.float16] | None = files.get("pictures")
        self._silence: Latents | None = None

    def draw(self, numbers: list[int], rng: Rng, absent: Sequence[bool] | None = None) -> tuple[Latents, list[Wanted]]:
        """Latents ``(B, S, D, L)`` of unit scale, and what to ask of each; ``absent``: which may be asked in vain."""
        self._filled(numbers)
        latents = self._latents[numbers].astype(np.float32)
        return latents, [
            self._turn(rng, latents[k], number, absent is None or absent[k]) for k, number in enumerate(numbers)
        ]

    def together(self, numbers: Sequence[int]) -> list[bool]:
        """Of which entries all stems fit each other, being of one piece."""
        self._filled(numbers)
        return [bool(self._more[number]["together"]) for number in numbers]

    def _filled(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            if not self._facts[number]["filled"]:
                self.fill(number)

    def fill(self, number: int) -> None:
        """Mix and encode an entry, and see and hear its stems."""
        rng = np.random.default_rng([self.preset.flow.seed, number])
        chance = np.random.default_rng([self.preset.flow.seed, number, 1])  # what came later has dice of its own
        example = self._twins(chance) or self._plain(rng)
        self._latents[number] = self._encode(example.audio)
        inside = sum(1 << self._families.index(name) for name in example.inside if name in families())
        caption, story = self.senses.words(chance, [take for side in example.takes for take in side])
        self._more[number] = (example.twins, example.together, _bytes(caption), _bytes(story))
        shown = example.twins or chance.random() < self.preset.masking.clip_share
        for side in (0, 1) if example.rest else (0,):  # an unnamed rest is never asked for
            self._sense(chance, number, side, example.takes[side], shown)
        self._facts[number] = (1, self._number(example.term), self._number(example.rest), inside)

    def _plain(self, rng: Rng) -> Example:
        return make_example(self.mixer.draw(rng, self.preset.grid.grid.window_samples), rng)

    def _twins(self, chance: Rng) -> Example | None:
        """Twins, where somebody can see which is which."""
        if self.senses.scene is None or chance.random() >= self.preset.masking.twin_share:
            return None
        mix = self.mixer.twins(chance, self.preset.grid.grid.window_samples)
        return make_twins(mix) if mix else None

    def _sense(self, chance: Rng, number: int, side: int, takes: tuple[Take, ...], shown: bool) -> None:
        if len(takes) == 1:
            sound = self.senses.sound(chance, takes[0].stem, self._kinds)
            if sound is not None:
                self._embeddings[number, side, SOUND] = sound
        if shown and self._pictures is not None and (seen := self.senses.picture(chance, takes)):
            self._pictures[number, side], self._embeddings[number, side, SIGHT] = seen

    def _turn(self, rng: Rng, latents: Latents, number: int, absent: bool) -> Wanted:
        """Turn ``latents (S, D, L)`` in place; returns what can be said of its stem now."""
        facts, more = self._facts[number], self._more[number]
        inside = tuple(name for k, name in enumerate(self._families) if int(facts["inside"]) >> k & 1)
        told = {"caption": bytes(more["caption"]).decode(), "story": bytes(more["story"]).decode()}
        if absent and rng.random() < self.preset.flow.absent_share:
            latents[Slot.STEM], latents[Slot.REST] = self._silent(), latents[Slot.MIX]
            return Wanted(absent_term(rng, list(inside)), inside, absent=True, **told)
        side, term = 0, facts["term"]
        if facts["rest"] >= 0 and rng.random() < SWAP_SHARE:
            latents[[Slot.STEM, Slot.REST]] = latents[[Slot.REST, Slot.STEM]]
            side, term = 1, facts["rest"]
        picture = None if self._pictures is None else _or_none(self._pictures[number, side])
        sound, sight = (_or_none(self._embeddings[number, side, row]) for row in (SOUND, SIGHT))
        name = self._terms[term] if term >= 0 else None
        return Wanted(name, inside, False, bool(more["twins"]), picture, sight, sound, **told)

    def _silent(self) -> Latents:
        if self._silence is None:
            self._silence = self._encode(np.zeros((1, self.preset.grid.grid.window_samples), dtype=np.float32))[0]
        return self._silence

    def _encode(self, audio: Audio) -> Latents:
        with torch.no_grad():
            latents: Latents = self.codec.encode(torch.from_numpy(audio[:, None])).numpy()
        return latents

    def _number(self, term: str | None) -> int:
        return self._terms.index(term) if term else -1


def _or_none(row: npt.NDArray[np.float16]) -> Floats | None:
    """A row of the pool as float32; None when it was never written."""
    return row.astype(np.float32) if row.any() else None


def _bytes(words: str) -> bytes:
    """Words cut to what an entry keeps, at the end of a sentence."""
    if len(raw := words.encode()) <= WORDS_BYTES:
        return raw
    kept = raw[:WORDS_BYTES].decode(errors="ignore")
    return kept[: kept.rfind(".") + 1].encode()


def _check_layout(folder: Path, layout: Layout) -> None:
    """Refuse a pool with filled entries, part of which would be made anew and empty; files of older pools are fewer.

    Raises:
        ValueError: a file is of another shape or has other fields.
    """
    if not _fits(folder / "facts.npy", *layout["facts"]):
        return  # then no entry counts as filled
    if not np.load(folder / "facts.npy", mmap_mode="r")["filled"].any():
        return
    for name, wanted in layout.items():
        path = folder / f"{name}.npy"
        if (path.is_file() or name == "latents") and not _fits(path, *wanted):
            raise ValueError(
                f"{path.name} in {folder} is gone or of another make; "
                "remove that folder to have it made anew, or give another run's folder"
            )


def _fits(path: Path, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> bool:
    """True for a file of just this type and shape."""
    if not path.is_file():
        return False
    held = np.load(path, mmap_mode="r")
    return bool(held.dtype == dtype) and held.shape == shape


def _memory(path: Path, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Any:
    """A file of zeros that is kept where it is there already; one of another type or shape is made anew."""
    if _fits(path, dtype, shape):
        return np.lib.format.open_memmap(path, mode="r+")
    path.unlink(missing_ok=True)
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
