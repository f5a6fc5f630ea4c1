"""Draw mixes from cached stems: pieces as written, or stems of several pieces; levels are random in every mix.

Deterministic by generator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from training.data.augment import AS_IT_IS, PlaybackSpeed, draw_speed, vary_timbre
from training.data.stem_cache import StemCache
from training.typing import Audio, Rng

MIX_RMS = 0.1  # -20 dBFS, the level the engine brings its input to
PEAK = 0.99
SOURCE_GAINS = (0.5, 1.5)  # of sources that are averaged: Sound of Pixels, whose protocol MAGE follows


@dataclass(frozen=True, slots=True)
class StemCrop:
    """The part of a cached stem that is used.

    Attributes:
        stem: number in the cache.
        first: its first sample.
        speed: how fast it is played.
    """

    stem: int
    first: int
    speed: float


@dataclass(frozen=True, slots=True)
class Mix:
    """A mix as its stems.

    Attributes:
        stems: float32 ``(stems, N)``; their sum is the mix.
        labels: one per stem, as in the cache.
        takes: where each stem was taken from.
    """

    stems: Audio
    labels: list[dict[str, Any]]
    takes: tuple[StemCrop, ...] = ()

    @property
    def mix(self) -> Audio:
        """Sum of the stems, ``(N,)``."""
        total: Audio = self.stems.sum(axis=0)
        return total


class StemMixer:
    """Draws mixes from a cache.

    Args:
        cache: where the stems are.
        vary: share of mixes whose stems get another speed, equaliser, room and drive; 0 plays them as they are.
        rate_hz: of the cache; needed when ``vary`` is above 0.
        sources: of every mix that is drawn, all of different families, averaged; 0 draws mixes of all kinds.
        together: share of those whose stems are of one piece, played at one time and speed.

    Raises:
        ValueError: an empty cache, or one with too few families.
    """

    drawn = "as the preset says"  # part of the fingerprint of encoded latents

    def __init__(
        self, cache: StemCache, vary: float = 0.0, rate_hz: int = 16_000, sources: int = 0, together: float = 0.5
    ) -> None:
        if not cache.count:
            raise ValueError(f"the stem cache {cache.folder} is empty; fill it with `python -m training render`")
        self.cache, self.vary, self.rate_hz, self.sources, self.together = cache, vary, rate_hz, sources, together
        self._pieces = list(cache.pieces.values())
        self._families: dict[str, list[int]] = {}
        for stem in range(cache.count):
            self._families.setdefault(cache.label(stem)["family"], []).append(stem)
        self.families = sorted(name for name in self._families if name != "other")
        self._parts: dict[str, list[int]] | None = None  # found when first asked for
        if len(self.families) < sources:
            raise ValueError(
                f"mixes of {sources} different instruments need stems of as many; {cache.folder} holds "
                f"{', '.join(self.families) or 'none that has a name'}"
            )

    def draw(self, rng: Rng, samples: int, count: int | None = None) -> Mix:
        """Draw one mix.

        Args:
            samples: length, at most the cache's.
            count: number of stems; None draws 1 to 6, mostly 2 to 4. A mixer of ``sources`` has its own.
        """
        if self.sources:
            return self._averaged(rng, samples)
        wanted = count or int(rng.choice([1, 2, 3, 4, 5, 6], p=[0.06, 0.34, 0.24, 0.2, 0.1, 0.06]))
        together = rng.random() < self.together
        varied = self.vary > 0 and rng.random() < self.vary
        if together:
            piece = self._pieces[rng.integers(len(self._pieces))]
            chosen = [piece[k] for k in rng.permutation(len(piece))[:wanted]]
            speed = draw_speed(rng) if varied else AS_IT_IS
            first = int(rng.integers(0, max(1, self.cache.samples - speed.needs(samples) + 1)))
            cuts = [self._crop(rng, stem, samples, first, speed) for stem in chosen]
        else:
            chosen = [self._any_stem(rng) for _ in range(wanted)]
            cuts = [self._crop(rng, k, samples, None, draw_speed(rng) if varied else AS_IT_IS) for k in chosen]
        return self._mixed(rng, cuts, varied)

    def _averaged(self, rng: Rng, samples: int) -> Mix:
        """Stems of different families, each at a gain of its own and clipped to full scale; the mix is their mean.

        Source: MAGE (arXiv 2604.09803) appendix A, "Optimization and Data Construction". As everywhere here the mix is
        then brought near the level that the engine brings its input to.
        """
        names = [self.families[k] for k in rng.permutation(len(self.families))[: self.sources]]
        chosen = [self._families[name][rng.integers(len(self._families[name]))] for name in names]
        varied = self.vary > 0 and rng.random() < self.vary
        cuts = [self._crop(rng, k, samples, None, draw_speed(rng) if varied else AS_IT_IS) for k in chosen]
        stems = np.stack([vary_timbre(rng, stem, self.rate_hz) if varied else stem for stem, _ in cuts])
        gains = rng.uniform(*SOURCE_GAINS, size=(self.sources, 1)).astype(np.float32)
        mean = np.clip(stems * gains, -1, 1) / np.float32(self.sources)
        labels = [self.cache.label(take.stem) for _, take in cuts]
        return Mix(near_level(rng, mean), labels, tuple(take for _, take in cuts))

    def twins(self, rng: Rng, samples: int) -> Mix | None:
        """A mix whose first two stems are of one family but of two pieces, so that the name alone is ambiguous.

        Both have players of whom there are pictures. Half the mixes hold nothing else, a third two
        stems from one recording of the instrument where there are such. None when no family has two.
        """
        kin = [stems for stems in self._seen().values() if len({self._piece(k) for k in stems}) > 1]
        if not kin:
            return None
        stems = kin[rng.integers(len(kin))]
        one = stems[rng.integers(len(stems))]
        others = [k for k in stems if self._piece(k) != self._piece(one)]
        alike = [k for k in others if self.cache.label(k)["source"] == self.cache.label(one)["source"]]
        pool = alike if alike and rng.random() < 1 / 3 else others
        chosen = [one, pool[rng.integers(len(pool))]]
        if rng.random() < 0.5:
            family = self.cache.label(one)["family"]
            strangers = [self._any_stem(rng) for _ in range(int(rng.integers(1, 3)))]
            chosen += [k for k in strangers if self.cache.label(k)["family"] != family]
        varied = self.vary > 0 and rng.random() < self.vary
        cuts = [self._crop(rng, k, samples, None, draw_speed(rng) if varied else AS_IT_IS) for k in chosen]
        return self._mixed(rng, cuts, varied)

    def _seen(self) -> dict[str, list[int]]:
        """Stems of each family whose players can be shown."""
        if self._parts is None:
            self._parts = {
                name: found
                for name in self.families
                if (found := [k for k in self._families[name] if self.cache.shows_alone(k)])
            }
        return self._parts

    def _piece(self, stem: int) -> str:
        return str(self.cache.label(stem)["piece"])

    def _mixed(self, rng: Rng, cuts: list[tuple[Audio, StemCrop]], varied: bool) -> Mix:
        stems = [vary_timbre(rng, stem, self.rate_hz) if varied else stem for stem, _ in cuts]
        mix = balance(rng, np.stack(stems), [self.cache.label(take.stem) for _, take in cuts])
        return replace(mix, takes=tuple(take for _, take in cuts))

    def single(self, rng: Rng, samples: int) -> Audio:
        """One stem at a level of its own, ``(N,)``."""
        stem, _ = self._crop(rng, self._any_stem(rng), samples, None)
        gain = np.float32(10 ** (rng.uniform(-34, 4) / 20))
        return limit(stem * gain)

    def _any_stem(self, rng: Rng) -> int:
        if rng.random() < 0.6:  # every family equally often
            pool = self._families[self.families[rng.integers(len(self.families))]]
            return int(pool[rng.integers(len(pool))])
        return int(rng.integers(self.cache.count))

    def _crop(
        self, rng: Rng, stem: int, samples: int, first: int | None, speed: PlaybackSpeed = AS_IT_IS
    ) -> tuple[Audio, StemCrop]:
        whole, needed = self.cache.audio(stem), speed.needs(samples)
        for _ in range(3):
            start = int(rng.integers(0, max(1, len(whole) - needed + 1))) if first is None else first
            cut = whole[start : start + needed]
            if first is not None or float((cut**2).mean()) > 1e-5:
                break
        return speed.apply(cut, samples), StemCrop(stem, start, speed.ratio)


def balance(rng: Rng, stems: Audio, labels: list[dict[str, Any]]) -> Mix:
    """Draw a gain and a polarity per stem and bring the sum near ``MIX_RMS``."""
    gains = 10 ** (rng.normal(0, 4.0, size=len(stems)) / 20)
    signs = rng.choice([-1.0, 1.0], size=len(stems))
    return Mix(near_level(rng, stems * (gains * signs)[:, None].astype(np.float32)), labels)


def near_level(rng: Rng, stems: Audio) -> Audio:
    """Stems ``(stems, N)`` whose sum is brought near ``MIX_RMS``."""
    rms = float(np.sqrt((stems.sum(axis=0) ** 2).mean()))
    gain = MIX_RMS * 10 ** (rng.normal(0, 2.0) / 20) / max(rms, 1e-4) if rms > 1e-6 else 1.0
    peak = float(np.abs(stems.sum(axis=0)).max()) * gain
    return (stems * np.float32(gain if peak < 3 * PEAK else gain * 3 * PEAK / peak)).astype(np.float32)


def limit(audio: Audio) -> Audio:
    """Scale down what would clip."""
    peak = float(np.abs(audio).max())
    return audio if peak < PEAK else audio * np.float32(PEAK / peak)
