"""Pool a mask over the NMF components of a mix, so that a sound that recurs gets the same mask each time.

A mask decoder answers bin by bin, and is unsure where a single bin says little: below 130 Hz the boom of a kick drum
looks like a bass. Non-negative matrix factorisation splits the magnitudes of a window into components, each a spectrum
with an activation over time (Lee and Seung 2001, Kullback-Leibler divergence). The share of a component that the stem
owns is the mean of the decoder's mask over the component's bins, weighted by its magnitude there and by how sure the
mask is; so the click of a kick decides about its boom. Shares are sharpened away from one half, and the pooled mask is
the sum of the components weighted by their shares, over their plain sum. A bundle says which terms are not pooled:
voices, which never sound twice the same, and whole drum kits, which have a part in every component.

Axes of names here: P prompts, T frames, F bins, G bands, K components.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from engine.bundle.separation import PoolingSpec

FloatArray = npt.NDArray[np.float32]
FINE_BINS, MIDDLE_BINS = 128, 512  # bands of one bin below the first, of four up to the second, of eight above
ITERATIONS = 30
SEED = 0  # of the factorisation's initial values: the same mix has the same components
EPSILON = np.float32(1e-8)
SHARE_LIMIT = 1e-4  # least distance of a share from 0 and 1 before it is sharpened


def pooled_masks(masks: Iterable[FloatArray], magnitude_TF: FloatArray, spec: PoolingSpec) -> Iterator[FloatArray]:
    """Pooled masks of one window, yielded one prompt at a time to save memory.

    Args:
        masks: of each prompt, float32 (frames, bins), 0 to 1; all are read before the first pooled one is made.
        magnitude_TF: of the mix, float32 (frames, bins).
        spec: number of components, and exponents of confidence and sharpening.

    Yields:
        the pooled mask of each prompt, float32 (frames, bins), 0 to 1.
    """
    band_F, starts_G = bands(magnitude_TF.shape[1])
    mix_GT = np.add.reduceat(magnitude_TF, starts_G, axis=1).T
    sums_PTG = np.stack([np.add.reduceat(mask_TF * magnitude_TF, starts_G, axis=1) for mask_TF in masks])
    mask_PGT = sums_PTG.transpose(0, 2, 1) / (mix_GT + EPSILON)
    spectra_GK, activations_KT = factorise(mix_GT, spec.components)
    model_GT = spectra_GK @ activations_KT + EPSILON
    sure_PGT = np.abs(2 * mask_PGT - 1) ** np.float32(spec.confidence) * (mix_GT / model_GT)
    owned_PK = ((sure_PGT * mask_PGT) @ activations_KT.T * spectra_GK).sum(axis=1)
    whole_PK = (sure_PGT @ activations_KT.T * spectra_GK).sum(axis=1)
    share_PK = np.clip(owned_PK / (whole_PK + np.float32(1e-9)), SHARE_LIMIT, 1 - SHARE_LIMIT)
    sharp_PK = share_PK**spec.sharpness / (share_PK**spec.sharpness + (1 - share_PK) ** spec.sharpness)
    pooled_PGT = (spectra_GK * sharp_PK[:, None].astype(np.float32)) @ activations_KT / model_GT
    for pooled_GT in pooled_PGT:
        yield np.clip(np.ascontiguousarray(pooled_GT[band_F].T), 0, 1)


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
