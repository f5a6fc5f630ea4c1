"""Examples for the flow: a mix, the stem a prompt names, the rest, and their latents, kept in a pool on disk.

An example depends on its number alone; its latents are encoded once, by the loader's worker, and read back in later
rounds. Knows nothing of the flow's network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engine.shapes import SLOTS
from training.codec.model import MixWavCodec
from training.config import Preset
from training.data.instruments import families, groups
from training.data.mix import Mixer
from training.data.sources import Audio

Rng = np.random.Generator
GROUP_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Example:
    """One example.

    Attributes:
        audio: float32 ``(S, N)``: mix, stem, rest; the mix is their exact sum.
        term: family or group that names the stem; one that is not in the mix when ``absent``.
        absent: True means the stem is silence.
    """

    audio: Audio
    term: str
    absent: bool


def families_of(term: str) -> frozenset[str]:
    """Families a term names: itself, or all of a group."""
    return groups().get(term, frozenset([term]))


def make_example(mixer: Mixer, rng: Rng, samples: int, absent_share: float) -> Example:
    """Draw a mix and something to ask of it."""
    mix = mixer.draw(rng, samples)
    inside = [label["family"] for label in mix.labels]
    named = sorted({name for name in inside if name in families()})
    absent = bool(rng.random() < absent_share) or not named
    term = absent_term(rng, inside) if absent else present_term(rng, named)
    wanted = families_of(term)
    picked = np.array([name in wanted for name in inside])
    stem = mix.stems[picked].sum(axis=0) if picked.any() else np.zeros(samples, dtype=np.float32)
    total = mix.mix
    return Example(np.stack([total, stem, total - stem]).astype(np.float32), term, absent)


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
    terms = [*families(), *groups()]
    while True:
        term = terms[rng.integers(len(terms))]
        wanted = families_of(term)
        if wanted & set(inside) or (far and (term in near or near & set(families()[next(iter(wanted))].groups))):
            continue
        return term


class LatentPool:
    """Latents of a fixed number of examples, float16 ``(examples, S, D, L)`` on disk, filled on first use."""

    def __init__(self, folder: Path, preset: Preset, mixer: Mixer, codec: MixWavCodec, size: int) -> None:
        self.preset, self.mixer, self.codec, self.size = preset, mixer, codec, size
        grid = preset.grid
        folder.mkdir(parents=True, exist_ok=True)
        shape = (size, SLOTS, grid.latent_channels, grid.window_frames)
        self._latents: npt.NDArray[np.float16] = _memory(folder / "latents.npy", np.float16, shape)
        self._filled: npt.NDArray[np.uint8] = _memory(folder / "filled.npy", np.uint8, (size,))

    def example(self, number: int) -> Example:
        """The example with this number."""
        rng = np.random.default_rng([self.preset.flow.seed, number])
        samples = self.preset.grid.grid.window_samples
        return make_example(self.mixer, rng, samples, self.preset.flow.absent_share)

    def latents(self, numbers: list[int]) -> tuple[npt.NDArray[np.float32], list[Example]]:
        """Latents ``(B, S, D, L)`` of unit scale, and the examples themselves."""
        examples = [self.example(number) for number in numbers]
        missing = [k for k, number in enumerate(numbers) if not self._filled[number]]
        if missing:
            audio = np.concatenate([examples[k].audio for k in missing])[:, None]
            with torch.no_grad():
                found = self.codec.encode(torch.from_numpy(audio)).numpy()
            for k, rows in zip(missing, found.reshape(len(missing), SLOTS, *found.shape[1:]), strict=True):
                self._latents[numbers[k]] = rows
                self._filled[numbers[k]] = 1
        return self._latents[numbers].astype(np.float32), examples


def _memory(path: Path, dtype: Any, shape: tuple[int, ...]) -> Any:
    if path.is_file():
        held = np.lib.format.open_memmap(path, mode="r+")
        if held.shape == shape:
            return held
        del held
        path.unlink()
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
