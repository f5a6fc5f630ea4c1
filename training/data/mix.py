"""Mixes on the fly from cached stems: pieces as written, strangers side by side, levels drawn anew every time.

Deterministic by generator. Knows nothing of models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from training.data.cache import StemCache
from training.data.sources import Audio

Rng = np.random.Generator
MIX_RMS = 0.1  # -20 dBFS, the level the engine brings its input to
PEAK = 0.99


@dataclass(frozen=True, slots=True)
class Mix:
    """A mix and what is in it.

    Attributes:
        stems: float32 ``(stems, N)``; their sum is the mix.
        labels: one per stem, as in the cache.
    """

    stems: Audio
    labels: list[dict[str, Any]]

    @property
    def mix(self) -> Audio:
        """Sum of the stems, ``(N,)``."""
        total: Audio = self.stems.sum(axis=0)
        return total


class Mixer:
    """Draws mixes from a cache."""

    def __init__(self, cache: StemCache) -> None:
        if not cache.count:
            raise ValueError(f"the stem cache {cache.folder} is empty; fill it with `python -m training render`")
        self.cache = cache
        self._pieces = list(cache.pieces.values())
        self._families: dict[str, list[int]] = {}
        for stem in range(cache.count):
            self._families.setdefault(cache.label(stem)["family"], []).append(stem)
        self.families = sorted(name for name in self._families if name != "other")

    def draw(self, rng: Rng, samples: int, count: int | None = None) -> Mix:
        """Draw one mix.

        Args:
            rng: decides everything.
            samples: length, at most the cache's.
            count: number of stems; None draws 1 to 6, mostly 2 to 4.
        """
        wanted = count or int(rng.choice([1, 2, 3, 4, 5, 6], p=[0.06, 0.34, 0.24, 0.2, 0.1, 0.06]))
        together = rng.random() < 0.5
        if together:
            piece = self._pieces[rng.integers(len(self._pieces))]
            chosen = [piece[k] for k in rng.permutation(len(piece))[:wanted]]
            first = int(rng.integers(0, max(1, self.cache.samples - samples + 1)))
            stems = [self._crop(rng, stem, samples, first) for stem in chosen]
        else:
            chosen = [self._any_stem(rng) for _ in range(wanted)]
            stems = [self._crop(rng, stem, samples, None) for stem in chosen]
        return balance(rng, np.stack(stems), [self.cache.label(stem) for stem in chosen])

    def single(self, rng: Rng, samples: int) -> Audio:
        """One stem at a level of its own, ``(N,)``."""
        stem = self._crop(rng, self._any_stem(rng), samples, None)
        gain = np.float32(10 ** (rng.uniform(-34, 4) / 20))
        return limit(stem * gain)

    def _any_stem(self, rng: Rng) -> int:
        if rng.random() < 0.6:  # every family equally often
            pool = self._families[self.families[rng.integers(len(self.families))]]
            return int(pool[rng.integers(len(pool))])
        return int(rng.integers(self.cache.count))

    def _crop(self, rng: Rng, stem: int, samples: int, first: int | None) -> Audio:
        whole = self.cache.audio(stem)
        for _ in range(3):
            start = int(rng.integers(0, max(1, len(whole) - samples + 1))) if first is None else first
            cut = whole[start : start + samples]
            if first is not None or float((cut**2).mean()) > 1e-5:
                break
        return np.pad(cut, (0, samples - len(cut)))


def balance(rng: Rng, stems: Audio, labels: list[dict[str, Any]]) -> Mix:
    """Draw a gain and a polarity per stem and bring the sum near ``MIX_RMS``."""
    gains = 10 ** (rng.normal(0, 4.0, size=len(stems)) / 20)
    signs = rng.choice([-1.0, 1.0], size=len(stems))
    stems = stems * (gains * signs)[:, None].astype(np.float32)
    rms = float(np.sqrt((stems.sum(axis=0) ** 2).mean()))
    gain = MIX_RMS * 10 ** (rng.normal(0, 2.0) / 20) / max(rms, 1e-4) if rms > 1e-6 else 1.0
    peak = float(np.abs(stems.sum(axis=0)).max()) * gain
    return Mix((stems * np.float32(gain if peak < 3 * PEAK else gain * 3 * PEAK / peak)).astype(np.float32), labels)


def limit(audio: Audio) -> Audio:
    """Scale down what would clip."""
    peak = float(np.abs(audio).max())
    return audio if peak < PEAK else audio * np.float32(PEAK / peak)
