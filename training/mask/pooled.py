"""The pooling of ``engine.mask_pooling`` in torch, so that the decoder is trained on the masks that are shipped.

A decoder trained bin by bin spreads its effort over all bins; what decides a pooled mask is the mean over a component.
The factorisation itself has no gradient: it depends on the mix alone.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.bundle.separation import PoolingSpec
from engine.mask_pooling import SHARE_LIMIT, bands

ROUNDS = 20  # of the factorisation; the engine makes 30, of windows four times as long
EPSILON = 1e-8


@torch.no_grad()
def factorised(mix_BGT: Tensor, components: int) -> tuple[Tensor, Tensor]:
    """Spectra (B, G, components) and activations (B, components, T) whose products are near the mixes (B, G, T)."""
    batch, rows, frames = mix_BGT.shape
    spectra_BGK = torch.rand(batch, rows, components) + 0.1
    activations_BKT = torch.rand(batch, components, frames) + 0.1
    spectra_BGK *= (mix_BGT.mean((1, 2)) / (spectra_BGK @ activations_BKT).mean((1, 2)))[:, None, None]
    for _ in range(ROUNDS):
        ratio_BGT = mix_BGT / (spectra_BGK @ activations_BKT + EPSILON)
        activations_BKT *= (spectra_BGK.mT @ ratio_BGT) / (spectra_BGK.sum(1)[..., None] + EPSILON)
        ratio_BGT = mix_BGT / (spectra_BGK @ activations_BKT + EPSILON)
        spectra_BGK *= (ratio_BGT @ activations_BKT.mT) / (activations_BKT.sum(2)[:, None] + EPSILON)
    return spectra_BGK, activations_BKT


def pooled_masks(masks_BPTF: Tensor, mix_BTF: Tensor, spec: PoolingSpec) -> Tensor:
    """Pooled masks, with a gradient by the masks.

    Args:
        masks_BPTF: (mixes, prompts, frames, bins), 0 to 1.
        mix_BTF: magnitudes of the mixes, (mixes, frames, bins).
        spec: how many components, and how shares are made.

    Returns:
        (mixes, prompts, frames, bins), 0 to 1.
    """
    band, starts = bands(mix_BTF.shape[-1])
    sums_FG = torch.nn.functional.one_hot(torch.from_numpy(np.asarray(band)), len(starts)).float()
    mix_BGT = (mix_BTF @ sums_FG).mT
    mask_BPGT = ((masks_BPTF * mix_BTF[:, None]) @ sums_FG).mT / (mix_BGT[:, None] + EPSILON)
    spectra_BGK, activations_BKT = factorised(mix_BGT, spec.components)
    model_BGT = spectra_BGK @ activations_BKT + EPSILON
    sure_BPGT = (2 * mask_BPGT.detach() - 1).abs() ** spec.confidence * (mix_BGT / model_BGT)[:, None]
    owned_BPK = ((sure_BPGT * mask_BPGT) @ activations_BKT.mT[:, None] * spectra_BGK[:, None]).sum(2)
    whole_BPK = (sure_BPGT @ activations_BKT.mT[:, None] * spectra_BGK[:, None]).sum(2)
    share_BPK = (owned_BPK / (whole_BPK + 1e-9)).clamp(SHARE_LIMIT, 1 - SHARE_LIMIT)
    sharp_BPK = (spec.sharpness * torch.logit(share_BPK)).sigmoid()
    pooled_BPGT = (spectra_BGK[:, None] * sharp_BPK[:, :, None]) @ activations_BKT[:, None] / model_BGT[:, None]
    return (pooled_BPGT.mT @ sums_FG.T).clamp(0, 1)
