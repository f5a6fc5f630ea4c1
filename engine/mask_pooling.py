"""Pool a mask over the NMF components of a mix, so that a sound that recurs gets the same mask each time.

A mask decoder answers bin by bin, and is unsure where a single bin says little: below 130 Hz the boom of a kick drum
looks like a bass. Non-negative matrix factorisation splits the magnitudes of a window into components, each a spectrum
with an activation over time (Lee and Seung 2001, Kullback-Leibler divergence). The share of a component that the stem
owns is the mean of the decoder's mask over the component's bins, weighted by its magnitude there and by how sure the
mask is; so the click of a kick decides about its boom. Shares are sharpened away from one half, and the pooled mask is
the sum of the components weighted by their shares, over their plain sum. A bundle says which terms are not pooled:
voices, which never sound twice the same, and whole drum kits, which have a part in every component.

A decoder that does not know a player is unsure of all it plays, and sharpened shares leave little of it. But where the
stem sounds, as its presence says, some component must be its own. So the odds of its mask are multiplied by a gain that
makes those of the component it owns most, or of a lower rank, even: one gain for a whole section, for a level that hung
on the window could be heard, and as much of it in every block as presence is sure there.

Sounds that make up a whole, as the pieces of a drum kit do, compete: each gets its odds over the sum of all odds, in
every bin and of every component. A piece that is a small part of everything keeps its level that way, where its own
mask alone would be sharpened towards nothing.

Axes of names here: P prompts, T frames, F bins, G bands, K components.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from engine.bundle.separation import PoolingSpec

FloatArray = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
FINE_BINS, MIDDLE_BINS = 128, 512  # bands of one bin below the first, of four up to the second, of eight above
ITERATIONS = 30
SEED = 0  # of the factorisation's initial values: the same mix has the same components
EPSILON = np.float32(1e-8)
SHARE_LIMIT = 1e-4  # least distance of a share from 0 and 1 before it is sharpened
MOST_ODDS = np.float32(1e30)  # of a component, so that their sums are numbers
LIFT = 4.0  # 12 dB: networks know mixes of one level, and a part of one is softer
NONE_ODDS = np.float32(0.02)  # of what is none of the sounds that compete


def pooled_masks(
    masks: Iterable[FloatArray], magnitude_TF: FloatArray, spec: PoolingSpec
) -> Iterator[tuple[FloatArray, float]]:
    """Pooled masks of one window, yielded one prompt at a time to save memory.

    Args:
        masks: of each prompt, float32 (frames, bins), 0 to 1; all are read before the first pooled one is made.
        magnitude_TF: of the mix, float32 (frames, bins).
        spec: number of components, exponents of confidence and sharpening, and the bounds of ``timidity``.

    Yields:
        the pooled mask of each prompt, float32 (frames, bins), 0 to 1, and how timid it is, see ``timidity``.
    """
    components = Components(magnitude_TF, spec)
    odds_PK = components.odds(masks)
    timid = [timidity(odds_K, spec) for odds_K in odds_PK]
    yield from zip(components.masks(odds_PK / (1 + odds_PK)), timid, strict=True)


def timidity(odds_K: FloatArray, spec: PoolingSpec) -> float:
    """Gain that makes a component's odds in the mean of pooled and own mask even, from 1 (sure) to ``spec.most_gain``.

    Args:
        odds_K: sharpened odds that the stem owns each component, float32 (components,).
        spec: its ``gain_rank`` says which component.
    """
    ranked = float(np.sort(odds_K)[-spec.gain_rank])
    gain: float = ranked ** (-(1 + 1 / spec.sharpness) / 2)
    return min(max(gain, 1.0), spec.most_gain)


def sureness(presence_K: Doubles, spec: PoolingSpec) -> Doubles:
    """How much of the gain of a timid stem each block gets, 0 to 1, by its presence, 0 to 1."""
    return np.clip((presence_K - spec.gain_low) / (spec.gain_high - spec.gain_low), 0, 1)


def mean_gain(timid_W: Doubles, sure_W: Doubles) -> float:
    """The one gain of a section: the geometric mean of its windows' timidity, weighted by how sure each is."""
    whole = float(sure_W.sum())
    return float(np.exp((np.log(timid_W) * sure_W).sum() / whole)) if whole > 0 else 1.0


def gain_of_frames(gain: float, presence_K: Doubles, frames: int, spec: PoolingSpec) -> FloatArray:
    """Gain on the odds of a stem in every frame, float32 (blocks x frames,): moves evenly from block to block.

    Args:
        gain: of the section.
        presence_K: of each block, 0 to 1.
        frames: of a block.
        spec: from which presence on there is a gain, and when it is all there.
    """
    middles_K = (np.arange(len(presence_K)) + 0.5) * frames - 0.5
    sure_T = np.interp(np.arange(len(presence_K) * frames), middles_K, sureness(presence_K, spec))
    return (gain**sure_T).astype(np.float32)


def tilt_mask(mask: FloatArray, odds: FloatArray | float) -> FloatArray:
    """Multiply the odds of a mask: ``g m / (g m + 1 - m)``.

    Args:
        mask: float32 of any shape, 0 to 1.
        odds: the factor, or factors that broadcast to the mask's shape; 1 changes nothing.
    """
    if np.ndim(odds) == 0 and odds == 1:
        return mask
    more = mask * np.asarray(odds, dtype=np.float32)
    moved: FloatArray = np.divide(more, more + (np.float32(1) - mask), dtype=np.float32)
    return moved


def competing_masks(
    stem_P2TF: FloatArray, magnitude_TF: FloatArray, spec: PoolingSpec, wanted: Sequence[int] | None = None
) -> FloatArray:
    """Masks of sounds that make up the mix between them, in one window.

    Args:
        stem_P2TF: of each sound by itself, float32 (prompts, 2, frames, bins), 0 to 1.
        magnitude_TF: of the mix, float32 (frames, bins).
        spec: as for ``pooled_masks``.
        wanted: rows of the sounds whose masks are made, W of them; all compete, whoever is wanted. None for all.

    Returns:
        float32 (W, 2, frames, bins), 0 to 1: the mean of the odds by bin and by component, both exclusive.
    """
    rows = range(len(stem_P2TF)) if wanted is None else wanted
    components = Components(magnitude_TF, spec)
    share_PK = exclusive(components.odds(mask_2TF.mean(axis=0) for mask_2TF in stem_P2TF))
    limit = np.float32(SHARE_LIMIT)
    odds_P2TF = np.clip(stem_P2TF, limit, 1 - limit)
    odds_P2TF /= 1 - odds_P2TF
    all_2TF = odds_P2TF.sum(axis=0) + NONE_ODDS
    by_component = components.masks(share_PK[list(rows)])
    return np.stack(
        [mean_odds(odds_P2TF[row] / all_2TF, own_TF) for row, own_TF in zip(rows, by_component, strict=True)]
    )


def exclusive(odds: FloatArray) -> FloatArray:
    """Odds of sounds that exclude one another, along the first axis, as shares that add up to 1 at most."""
    shares: FloatArray = odds / (odds.sum(axis=0, keepdims=True) + NONE_ODDS)
    return shares


class Components:
    """The components of the mix of one window.

    Args:
        magnitude_TF: of the mix, float32 (frames, bins).
        spec: number of components, and exponents of confidence and sharpening.
    """

    def __init__(self, magnitude_TF: FloatArray, spec: PoolingSpec) -> None:
        self._spec, self._magnitude_TF = spec, magnitude_TF
        self._band_F, self._starts_G = bands(magnitude_TF.shape[1])
        self._mix_GT = np.add.reduceat(magnitude_TF, self._starts_G, axis=1).T
        self._spectra_GK, self._activations_KT = factorise(self._mix_GT, spec.components)
        self._model_GT = self._spectra_GK @ self._activations_KT + EPSILON

    def odds(self, masks: Iterable[FloatArray]) -> FloatArray:
        """Sharpened odds that each stem owns each component, float32 (prompts, components).

        Args:
            masks: of each prompt, float32 (frames, bins), 0 to 1.
        """
        magnitude_TF, activations_TK = self._magnitude_TF, self._activations_KT.T
        sums_PTG = np.stack([np.add.reduceat(mask_TF * magnitude_TF, self._starts_G, axis=1) for mask_TF in masks])
        mask_PGT = sums_PTG.transpose(0, 2, 1) / (self._mix_GT + EPSILON)
        sure_PGT = np.abs(2 * mask_PGT - 1) ** np.float32(self._spec.confidence) * (self._mix_GT / self._model_GT)
        owned_PK = ((sure_PGT * mask_PGT) @ activations_TK * self._spectra_GK).sum(axis=1)
        whole_PK = (sure_PGT @ activations_TK * self._spectra_GK).sum(axis=1)
        share_PK = np.clip(owned_PK / (whole_PK + np.float32(1e-9)), SHARE_LIMIT, 1 - SHARE_LIMIT)
        with np.errstate(over="ignore"):
            odds_PK = ((share_PK / (1 - share_PK)) ** self._spec.sharpness).astype(np.float32)
        bounded_PK: FloatArray = np.minimum(odds_PK, MOST_ODDS)
        return bounded_PK

    def masks(self, share_PK: FloatArray) -> Iterator[FloatArray]:
        """Masks of stems that own such shares of the components: float32 (frames, bins) for each, 0 to 1."""
        for share_K in share_PK.astype(np.float32):
            mask_GT = (self._spectra_GK * share_K) @ self._activations_KT / self._model_GT
            yield np.clip(np.ascontiguousarray(mask_GT[self._band_F].T), 0, 1)


def factorise(mix_GT: FloatArray, components: int) -> tuple[FloatArray, FloatArray]:
    """NMF by multiplicative updates for the Kullback-Leibler divergence.

    Args:
        mix_GT: magnitudes (bands, frames).
        components: how many.

    Returns:
        spectra (bands, components) and activations (components, frames), float32, whose product approximates the mix.
    """
    rng = np.random.default_rng(SEED)
    spectra_GK = rng.random((len(mix_GT), components), np.float32) + np.float32(0.1)
    activations_KT = rng.random((components, mix_GT.shape[1]), np.float32) + np.float32(0.1)
    spectra_GK *= mix_GT.mean() / (spectra_GK @ activations_KT).mean()
    mix_GT = np.ascontiguousarray(mix_GT)  # in the layout of the product, which makes dividing six times as fast
    for _ in range(ITERATIONS):
        ratio_GT = mix_GT / (spectra_GK @ activations_KT + EPSILON)
        activations_KT *= (spectra_GK.T @ ratio_GT) / (spectra_GK.sum(axis=0)[:, None] + EPSILON)
        ratio_GT = mix_GT / (spectra_GK @ activations_KT + EPSILON)
        spectra_GK *= (ratio_GT @ activations_KT.T) / (activations_KT.sum(axis=1) + EPSILON)
    return spectra_GK, activations_KT


def lift(power: float, left: float) -> np.float32:
    """Gain that brings what is left of some power to it again, at most ``LIFT``; 1 for silence."""
    return np.float32(min(math.sqrt(power / left), LIFT) if left > 0 else 1.0)


def bands(bins: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Band of every bin (F,), and first bin of every band (G,); bands are narrow at low frequencies, where pitch is."""
    edges = [*range(FINE_BINS), *range(FINE_BINS, MIDDLE_BINS, 4), *range(MIDDLE_BINS, bins, 8)]
    starts_G = np.array([edge for edge in edges if edge < bins])
    return np.searchsorted(starts_G, np.arange(bins), side="right") - 1, starts_G


def mean_odds(one: FloatArray, other: FloatArray, share: float = 0.5) -> FloatArray:
    """Mask whose odds are the weighted geometric mean of those of two masks; ``share`` is the weight of the first."""
    if share == 0.5:
        stem, rest = np.sqrt(one * other), np.sqrt((1 - one) * (1 - other))
    else:
        mine, its = np.float32(share), np.float32(1 - share)
        stem, rest = one**mine * other**its, (1 - one) ** mine * (1 - other) ** its
    both: FloatArray = stem / (stem + rest + EPSILON)
    return both
