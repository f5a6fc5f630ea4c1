"""Masks pooled over components: what is unsure follows what is sure of the same sound."""

from dataclasses import replace

import numpy as np
import pytest

from engine.bundle.separation import PoolingSpec, check_pooling
from engine.inference.component_pooling import ComponentPooling
from engine.inference.terms import TermTable
from engine.mask_pooling import Components, amplified, bands, factorise, mean_odds, odds_gain, pooled_masks

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
    out = pooling.pool(masks_PB2TF.copy(), mix_B2TF, prompts_PE)
    [(pooled_TF, _)] = pooled_masks(unsure[None], mix, SPEC)
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


TIMID = replace(SPEC, most_gain=10.0, gain_rank=1, gain_low=0.5, gain_high=0.8)


def level_db(mask, mix):
    return float(10 * np.log10(((mask * mix) ** 2).sum() / (mix**2).sum()))


def test_a_timid_mask_of_what_is_there_is_brought_to_its_level(mix, unsure):
    timid = 0.3 * unsure
    levels = []
    for presence in (0.0, 0.5, 0.65, 0.8, 1.0):
        [(pooled_TF, gain)] = pooled_masks([timid], mix, TIMID, [presence])
        levels.append(level_db(pooled_TF, mix))
        assert (gain == 1.0) == (presence <= 0.5)
    assert levels[0] == levels[1] < levels[2] < levels[3] == levels[4]
    odds_K = Components(mix, TIMID).odds([timid])[0]
    assert odds_gain(odds_K, 1.0, TIMID) == pytest.approx(float(odds_K.max()) ** -0.5, rel=1e-5)
    [(sure_TF, _)] = pooled_masks([unsure], mix, SPEC)
    assert abs(levels[4] - level_db(sure_TF, mix)) < abs(levels[0] - level_db(sure_TF, mix)) / 3


def test_the_gain_is_bounded_and_a_sure_mask_gets_none(mix, unsure):
    [(_, gain)] = pooled_masks([0.01 * unsure], mix, TIMID, [1.0])
    assert gain == 10.0
    assert [gain for _, gain in pooled_masks([1 - 0.1 * unsure], mix, TIMID, [1.0])] == [1.0]
    assert [gain for _, gain in pooled_masks([0.3 * unsure], mix, SPEC, [1.0])] == [1.0]  # a bundle without it
    lower = replace(TIMID, gain_rank=2)
    first, second = (next(pooled_masks([0.3 * unsure], mix, spec, [1.0]))[1] for spec in (TIMID, lower))
    assert first < second


def test_amplified_odds_keep_their_order_and_their_ends():
    mask = np.linspace(0, 1, 101, dtype=np.float32)
    more = amplified(mask, 4.0)
    assert more[0] == 0
    assert more[-1] == 1
    assert np.all(np.diff(more) > 0)
    np.testing.assert_allclose(more[1:-1] / (1 - more[1:-1]), 4 * mask[1:-1] / (1 - mask[1:-1]), rtol=1e-4)
    assert amplified(mask, 1.0) is mask


def test_presence_decides_window_by_window_and_only_where_masks_are_mixed(mix, unsure):
    pooling = ComponentPooling(TIMID, TermTable.of(TABLE, 3))
    masks_PB2TF = np.tile(0.3 * unsure, (3, 2, 2, 1, 1)).astype(np.float32)
    mix_B2TF = np.broadcast_to(mix, (2, 2, FRAMES, BINS))
    prompts_PE = np.eye(3, dtype=np.float32)  # kick alone, vocals never, piano mixed
    presence_PBK = np.full((3, 2, 2), -5.0, np.float32)
    presence_PBK[:, 1, 1] = 5.0
    plain = pooling.pool(masks_PB2TF.copy(), mix_B2TF, prompts_PE)
    out = pooling.pool(masks_PB2TF.copy(), mix_B2TF, prompts_PE, presence_PBK)
    np.testing.assert_array_equal(out[:, 0], plain[:, 0])
    np.testing.assert_array_equal(out[1], plain[1])
    assert out[2, 1].sum() > 1.5 * plain[2, 1].sum()


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
