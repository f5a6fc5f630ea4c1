"""Examples for the flow: a mix, the stem a term names, the rest, and their latents, kept in a pool on disk.

An entry of the pool depends on its number alone; it is mixed and encoded once, by the loader's worker, and read back in
later rounds, turned each time: stem and rest may change places, or the question be for something that is not there.
Knows nothing of the flow's network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engine.shapes import SLOTS, Slot
from training.codec.model import MixWavCodec
from training.config import Preset
from training.data.instruments import families, groups
from training.data.mix import Mix, Mixer
from training.data.sources import Audio

Rng = np.random.Generator
Latents = npt.NDArray[np.float32]
GROUP_SHARE = 0.15
SWAP_SHARE = 0.5  # of the entries whose rest has a name of its own

# what is known of a pool entry besides its latents; terms are numbered as in ``terms()``, -1 means none
FACTS = np.dtype([("filled", "u1"), ("term", "i2"), ("rest", "i2"), ("inside", "u8")])


@dataclass(frozen=True, slots=True)
class Example:
    """One example.

    Attributes:
        audio: float32 ``(S, N)``: mix, stem, rest; the mix is their exact sum.
        term: family or group that names the stem; None when nothing in the mix has a name.
        rest: the family that names the rest, when it is a single one.
        inside: families in the mix.
    """

    audio: Audio
    term: str | None
    rest: str | None
    inside: frozenset[str]


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
    stem = mix.stems[[name in wanted for name in labels]].sum(axis=0)
    total = mix.mix
    left = inside - wanted
    rest = next(iter(left)) if len(left) == 1 and left <= set(families()) else None
    return Example(np.stack([total, stem, total - stem]).astype(np.float32), term, rest, inside)


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


class LatentPool:
    """Latents of a fixed number of entries, float16 ``(entries, S, D, L)`` on disk, filled on first use."""

    def __init__(self, folder: Path, preset: Preset, mixer: Mixer, codec: MixWavCodec) -> None:
        self.preset, self.mixer, self.codec = preset, mixer, codec
        grid, entries = preset.grid, preset.flow.pool
        self._terms, self._families = terms(), list(families())
        folder.mkdir(parents=True, exist_ok=True)
        shape = (entries, SLOTS, grid.latent_channels, grid.window_frames)
        self._latents: npt.NDArray[np.float16] = _memory(folder / "latents.npy", np.float16, shape)
        self._facts: npt.NDArray[Any] = _memory(folder / "facts.npy", FACTS, (entries,))
        self._silence: Latents | None = None

    def draw(self, numbers: list[int], rng: Rng) -> tuple[Latents, list[str | None]]:
        """Latents ``(B, S, D, L)`` of unit scale, and what to ask of each (None: nothing in it has a name)."""
        for number in numbers:
            if not self._facts[number]["filled"]:
                self.fill(number)
        latents = self._latents[numbers].astype(np.float32)
        return latents, [self._turn(rng, latents[k], self._facts[number]) for k, number in enumerate(numbers)]

    def fill(self, number: int) -> None:
        """Mix and encode an entry."""
        rng = np.random.default_rng([self.preset.flow.seed, number])
        sources = self.preset.flow.mix_sources or None
        example = make_example(self.mixer.draw(rng, self.preset.grid.grid.window_samples, sources), rng)
        self._latents[number] = self._encode(example.audio)
        inside = sum(1 << self._families.index(name) for name in example.inside if name in families())
        self._facts[number] = (1, self._number(example.term), self._number(example.rest), inside)

    def _turn(self, rng: Rng, latents: Latents, facts: Any) -> str | None:
        """Turn ``latents (S, D, L)`` in place; returns the term that names its stem now."""
        if rng.random() < self.preset.flow.absent_share:
            inside = [name for k, name in enumerate(self._families) if int(facts["inside"]) >> k & 1]
            latents[Slot.STEM], latents[Slot.REST] = self._silent(), latents[Slot.MIX]
            return absent_term(rng, inside)
        if facts["rest"] >= 0 and rng.random() < SWAP_SHARE:
            latents[[Slot.STEM, Slot.REST]] = latents[[Slot.REST, Slot.STEM]]
            return self._terms[facts["rest"]]
        return self._terms[facts["term"]] if facts["term"] >= 0 else None

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


def _memory(path: Path, dtype: Any, shape: tuple[int, ...]) -> Any:
    if path.is_file():
        held = np.lib.format.open_memmap(path, mode="r+")
        if held.shape == shape:
            return held
        del held
        path.unlink()
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
