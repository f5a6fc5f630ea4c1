"""Masks pooled over components: what is unsure follows what is sure of the same sound."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bundle.separation import PoolingSpec, check_pooling
from engine.inference.component_pooling import ComponentPooling
from engine.inference.terms import TermTable
from engine.mask_pooling import (
    Components,
    bands,
    competing_masks,
    factorise,
    gain_of_frames,
    mean_gain,
    mean_odds,
    pooled_masks,
    tilt_mask,
)

SPEC = PoolingSpec(components=4, confidence=2.0, sharpness=2.0, alone=["kick"], never=["vocals"])
TABLE = {"kick": [1.0, 0.0, 0.0], "vocals": [0.0, 2.0, 0.0], "piano": [0.0, 0.0, 1.0]}
TIMID = replace(SPEC, most_gain=10.0, gain_rank=1, gain_low=0.5, gain_high=0.8)
FRAMES, BINS = 64, 256
LOW, HIGH = slice(0, 12), slice(60, 120)


def level_db(mask, mix):
    return float(10 * np.log10(((mask * mix) ** 2).sum() / (mix**2).sum()))


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
    [(pooled_TF, _)] = pooled_masks(unsure[None], mix, SPEC)
    assert pooled_TF[::8, LOW].min() > 0.7
    assert pooled_TF[4::8, 132:196].max() < 0.1
    assert pooled_TF.shape == mix.shape
    assert pooled_TF.dtype == np.float32


def test_every_prompt_is_pooled_by_itself(mix, unsure):
    both = list(pooled_masks([unsure, 1 - unsure], mix, SPEC))
    for mask, (pooled, gain) in zip((unsure, 1 - unsure), both, strict=True):
        np.testing.assert_allclose(pooled, next(pooled_masks([mask], mix, SPEC))[0], atol=1e-5)
        assert gain == 1.0
    np.testing.assert_allclose(np.sum([pooled for pooled, _ in both], axis=0)[mix > 0.5], 1, atol=1e-3)


def test_terms_choose_between_pooled_mixed_and_untouched(mix, unsure):
    pooling = ComponentPooling(SPEC, TermTable.of(TABLE, 3))
    masks_PB2TF = np.tile(unsure, (4, 2, 2, 1, 1))
    mix_B2TF = np.broadcast_to(mix, (2, 2, FRAMES, BINS))
    prompts_PE = np.array([[0.9, 0.1, 0], [0, 5, 0.1], [0, 0.1, 2], [0, 0, 0]], np.float32)
    out = masks_PB2TF.copy()
    timid_PB = pooling.pool(out, mix_B2TF, prompts_PE)
    [(pooled_TF, _)] = pooled_masks(unsure[None], mix, SPEC)
    np.testing.assert_allclose(out[0, 1, 0], pooled_TF, atol=1e-6)
    np.testing.assert_array_equal(out[1], masks_PB2TF[1])
    for row in (2, 3):  # an instrument, and examples without words
        np.testing.assert_allclose(out[row, 0, 1], mean_odds(unsure, pooled_TF), atol=1e-6)
    np.testing.assert_array_equal(timid_PB, np.ones((4, 2)))  # a bundle that says nothing of it


def test_a_window_is_pooled_alike_in_any_company(mix, unsure):
    pooling = ComponentPooling(TIMID, TermTable.of(TABLE, 3))
    prompts_PE = np.array([[1, 0, 0]], np.float32)
    quiet = np.zeros_like(mix)
    together = np.tile(0.3 * unsure, (1, 2, 2, 1, 1))
    alone = together[:, :1].copy()
    both_PB = pooling.pool(together, np.stack([np.stack([mix] * 2), np.stack([quiet] * 2)]), prompts_PE)
    own_PB = pooling.pool(alone, np.stack([mix] * 2)[None], prompts_PE)
    np.testing.assert_array_equal(together[:, :1], alone)
    np.testing.assert_array_equal(both_PB[:, :1], own_PB)
    assert np.isfinite(together).all()
    assert np.isfinite(both_PB).all()
    assert together.min() >= 0
    assert together.max() <= 1


def test_nothing_is_done_where_only_voices_are_asked_for(unsure, mix):
    pooling = ComponentPooling(TIMID, TermTable(("vocals",), np.ones((1, 3), np.float32)))
    masks = np.broadcast_to(unsure, (1, 1, 2, FRAMES, BINS))  # read-only
    assert pooling.pool(masks, mix[None, None], np.ones((1, 3), np.float32)).tolist() == [[1.0]]


def test_the_gain_makes_the_odds_of_the_strongest_component_even(mix, unsure):
    timid = (0.3 * unsure).astype(np.float32)
    [(pooled_TF, gain)] = pooled_masks([timid], mix, TIMID)
    odds_K = Components(mix, TIMID).odds([timid])[0]
    assert gain == pytest.approx(float(odds_K.max()) ** -0.75, rel=1e-5)  # half its own odds, half the sharpened ones
    both_TF = mean_odds(timid, pooled_TF)
    [(sure_TF, _)] = pooled_masks([unsure], mix, SPEC)
    wanted_db, before_db, after_db = (
        level_db(mask, mix) for mask in (mean_odds(unsure, sure_TF), both_TF, tilt_mask(both_TF, gain))
    )
    assert abs(after_db - wanted_db) < abs(before_db - wanted_db) / 2


def test_the_gain_is_bounded_and_a_sure_mask_gets_none(mix, unsure):
    assert next(pooled_masks([0.01 * unsure], mix, TIMID))[1] == TIMID.most_gain
    assert next(pooled_masks([1 - 0.1 * unsure], mix, TIMID))[1] == 1.0
    assert next(pooled_masks([0.3 * unsure], mix, SPEC))[1] == 1.0  # a bundle without it
    first, second = (next(pooled_masks([0.3 * unsure], mix, replace(TIMID, gain_rank=rank)))[1] for rank in (1, 2))
    assert first < second


def test_a_section_has_one_gain_of_the_windows_where_the_stem_sounds():
    timid_W = np.array([2.0, 8.0, 15.0])
    assert mean_gain(timid_W, np.array([1.0, 1.0, 0.0])) == pytest.approx(4.0)
    assert mean_gain(timid_W, np.zeros(3)) == 1.0


def test_presence_decides_block_by_block_how_much_of_the_gain_there_is():
    gain_T = gain_of_frames(9.0, np.array([0.0, 0.5, 0.65, 0.8, 1.0]), 4, TIMID)
    assert gain_T.shape == (20,)
    assert np.all(gain_T[:6] == 1)
    assert gain_T[9:11].mean() == pytest.approx(3.0, rel=0.05)  # half of it, in decibels
    assert np.all(gain_T[-6:] == 9)
    assert np.all(np.diff(gain_T) >= 0)


@given(
    mask=st.floats(0, 1, width=32),
    steps=st.integers(0, 40),
    odds=st.floats(np.float32(0.1), 1000, width=32),
)
def test_tilted_masks_are_masks_up_to_their_ends(mask, steps, odds):
    near_one = np.float32(1) - np.float32(steps) * np.float32(2**-24)
    masks = np.array([0, mask, near_one, 1], np.float32)
    moved = tilt_mask(masks, odds)
    assert moved[0] == 0
    assert moved[-1] == 1
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert np.isfinite(mean_odds(moved, masks)).all()
    np.testing.assert_array_equal(moved, tilt_mask(masks, np.full(4, odds, np.float32)))


@pytest.mark.parametrize("spec", [{"sharpness": 10.0}, {"sharpness": 7.0, "most_gain": 1000.0, "gain_rank": 4}])
def test_the_sharpest_odds_are_numbers(mix, unsure, spec):
    for mask in (0 * unsure, 0.3 * unsure, unsure, 1 + 0 * unsure):
        [(pooled_TF, gain)] = pooled_masks([mask.astype(np.float32)], mix, replace(TIMID, **spec))
        assert np.isfinite(pooled_TF).all()
        assert 1 <= gain <= 1000
        assert np.isfinite(
            competing_masks(np.stack([[mask, mask]] * 2).astype(np.float32), mix, replace(TIMID, **spec))
        ).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"most_gain": 0.5}, "pooling.most_gain must be"),
        ({"gain_rank": 0}, "pooling.gain_rank must be"),
        ({"gain_rank": 5}, "pooling.gain_rank must be"),
        ({"gain_low": 0.8}, "gain_low must be below gain_high"),
        ({"gain_high": 1.5}, "pooling.gain_high must be"),
    ],
)
def test_impossible_gains_are_refused(change, said):
    check_pooling(TIMID)
    with pytest.raises(ValueError, match=said):
        check_pooling(replace(TIMID, **change))


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
