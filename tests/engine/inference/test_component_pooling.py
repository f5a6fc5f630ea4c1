"""Masks pooled over components: what is unsure follows what is sure of the same sound."""

import numpy as np
import pytest

from engine.bundle.separation import PoolingSpec
from engine.inference.component_pooling import ComponentPooling
from engine.inference.terms import TermTable
from engine.mask_pooling import bands, factorise, mean_odds, pooled_masks

SPEC = PoolingSpec(components=4, confidence=2.0, sharpness=2.0, alone=["kick"], never=["vocals"])
TABLE = {"kick": [1.0, 0.0, 0.0], "vocals": [0.0, 2.0, 0.0], "piano": [0.0, 0.0, 1.0]}
FRAMES, BINS = 64, 256
LOW, HIGH = slice(0, 12), slice(60, 120)


@pytest.fixture
def mix():
    """A kick with a boom and a click on every eighth frame, and an organ above and after it."""
    mix = np.full((FRAMES, BINS), 1e-4, np.float32)
    for beat in range(0, FRAMES, 8):
        mix[beat : beat + 2, LOW] += 3
        mix[beat : beat + 2, HIGH] += 1
        mix[beat + 3 : beat + 7, 130:200] += 1
    return mix


@pytest.fixture
def unsure():
    """Sure of the click, and undecided about the boom."""
    mask = np.zeros((FRAMES, BINS), np.float32)
    mask[:, LOW] = 0.4
    mask[::8, HIGH] = mask[1::8, HIGH] = 0.97
    return mask


def test_the_click_of_a_kick_decides_about_its_boom(mix, unsure):
    [pooled_TF] = pooled_masks(unsure[None], mix, SPEC)
    assert pooled_TF[::8, LOW].min() > 0.7
    assert pooled_TF[4::8, 132:196].max() < 0.1
    assert pooled_TF.shape == mix.shape
    assert pooled_TF.dtype == np.float32


def test_every_prompt_is_pooled_by_itself(mix, unsure):
    both = list(pooled_masks([unsure, 1 - unsure], mix, SPEC))
    for mask, pooled in zip((unsure, 1 - unsure), both, strict=True):
        np.testing.assert_allclose(pooled, next(pooled_masks([mask], mix, SPEC)), atol=1e-5)
    np.testing.assert_allclose(np.sum(both, axis=0)[mix > 0.5], 1, atol=1e-3)


def test_terms_choose_between_pooled_mixed_and_untouched(mix, unsure):
    pooling = ComponentPooling(SPEC, TermTable.of(TABLE, 3))
    masks_PB2TF = np.tile(unsure, (4, 2, 2, 1, 1))
    mix_B2TF = np.broadcast_to(mix, (2, 2, FRAMES, BINS))
    prompts_PE = np.array([[0.9, 0.1, 0], [0, 5, 0.1], [0, 0.1, 2], [0, 0, 0]], np.float32)
    out = pooling.pool(masks_PB2TF.copy(), mix_B2TF, prompts_PE)
    [pooled_TF] = pooled_masks(unsure[None], mix, SPEC)
    np.testing.assert_allclose(out[0, 1, 0], pooled_TF, atol=1e-6)
    np.testing.assert_array_equal(out[1], masks_PB2TF[1])
    for row in (2, 3):  # an instrument, and examples without words
        np.testing.assert_allclose(out[row, 0, 1], mean_odds(unsure, pooled_TF), atol=1e-6)


def test_a_window_is_pooled_alike_in_any_company(mix, unsure):
    pooling = ComponentPooling(SPEC, TermTable.of(TABLE, 3))
    prompts_PE = np.array([[1, 0, 0]], np.float32)
    quiet = np.zeros_like(mix)
    masks = np.tile(unsure, (1, 2, 2, 1, 1))
    together = pooling.pool(masks.copy(), np.stack([np.stack([mix] * 2), np.stack([quiet] * 2)]), prompts_PE)
    alone = pooling.pool(masks[:, :1], np.stack([mix] * 2)[None], prompts_PE)
    np.testing.assert_array_equal(together[:, :1], alone)
    assert np.isfinite(together).all()
    assert together.min() >= 0
    assert together.max() <= 1


def test_nothing_is_done_where_only_voices_are_asked_for(unsure, mix):
    pooling = ComponentPooling(SPEC, TermTable(("vocals",), np.ones((1, 3), np.float32)))
    masks = np.broadcast_to(unsure, (1, 1, 2, FRAMES, BINS))
    assert pooling.pool(masks, mix[None, None], np.ones((1, 3), np.float32)) is masks


@pytest.mark.parametrize("bins", [1, 100, 128, 300, 1024, 2049])
def test_bands_cover_every_bin_once(bins):
    band_F, starts_G = bands(bins)
    assert len(band_F) == bins
    assert sorted(set(band_F)) == list(range(len(starts_G)))
    assert np.all(np.diff(band_F) >= 0)


def test_the_factors_come_near_the_mix(mix):
    spectra_GK, activations_KT = factorise(mix.T, 4)
    error = np.abs(spectra_GK @ activations_KT - mix.T).sum() / mix.sum()
    assert error < 0.05
