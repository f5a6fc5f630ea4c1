"""A stem's place in the stereo image decides about bins that its mask is unsure of, where places can be believed."""

import numpy as np
import pytest
from toymask import SHORT

from engine.bundle.separation import PanningSpec, check_panning
from engine.inference.masker import MaskOutput, MixWindows
from engine.mask_panning import StereoPlaces, believed, pan_mask, second_share
from engine.mask_pooling import tilt_mask
from engine.separation.mask_store import panned as panned_answer

FRAMES, BINS = 128, 1024
SPEC = PanningSpec(strength=2.0)
TWICE = PanningSpec(strength=2.0, again=2.0, again_low=0.6, again_high=0.8)
LOW = slice(0, 128)  # where the mask knows nothing
TIMID, DOUBT, QUIET = 0.3, 0.15, 0.05


def players(rng, angles):
    """Whose bin each is, (frames, bins), and the magnitudes of both channels; angles from 0 (left) to 1 (right)."""
    owner_TF = rng.integers(0, len(angles), (FRAMES, BINS))
    angle_TF = np.asarray(angles)[owner_TF] * np.pi / 2
    loud_TF = rng.gamma(1.0, 1.0, (FRAMES, BINS))
    return owner_TF, (loud_TF * np.stack([np.cos(angle_TF), np.sin(angle_TF)])).astype(np.float32)


def unsure(owner_TF):
    """A mask of player 0: timid but right above, and without an idea below."""
    mask_TF = np.where(owner_TF == 0, TIMID, QUIET).astype(np.float32)
    mask_TF[:, LOW] = DOUBT
    return np.stack([mask_TF, mask_TF])


def panned(mask_2TF, mix_2TF, spec=SPEC, again=0.0):
    out_2TF = mask_2TF.copy()
    pan_mask(out_2TF, StereoPlaces(mix_2TF), spec, again)
    assert np.isfinite(out_2TF).all()
    assert out_2TF.min() >= 0
    assert out_2TF.max() <= 1
    return out_2TF


@pytest.mark.parametrize("angles", [(0.3, 0.6), (0.8, 0.45), (0.5, 0.2, 0.9), (0.0, 1.0)])
def test_a_place_is_learnt_where_the_mask_is_right_and_used_where_it_knows_nothing(angles):
    owner_TF, mix_2TF = players(np.random.default_rng(1), angles)
    before_2TF = unsure(owner_TF)
    after_2TF = panned(before_2TF, mix_2TF)
    mine_TF = owner_TF[:, LOW] == 0
    assert after_2TF[:, :, LOW][:, mine_TF].min() > 2 * DOUBT
    assert after_2TF[:, :, LOW][:, ~mine_TF].max() < DOUBT / 2
    assert after_2TF[:, owner_TF == 0].mean() > 1.5 * before_2TF[:, owner_TF == 0].mean()


def test_two_channels_that_are_the_same_leave_every_bit():
    owner_TF, mix_2TF = players(np.random.default_rng(2), (0.5, 0.5))
    mix_2TF[1] = mix_2TF[0]
    mask_2TF = unsure(owner_TF)
    places = StereoPlaces(mix_2TF)
    assert places.are_one
    np.testing.assert_array_equal(panned(mask_2TF, mix_2TF), mask_2TF)


def test_players_at_one_place_are_left_alone():
    owner_TF, mix_2TF = players(np.random.default_rng(3), (0.4, 0.4))
    np.testing.assert_allclose(panned(unsure(owner_TF), mix_2TF), unsure(owner_TF), atol=0.01)


def test_places_that_other_bands_contradict_are_not_believed():
    """A player who is left below and right above, and another who is the other way round."""
    rng = np.random.default_rng(4)
    owner_TF, mix_2TF = players(rng, (0.3, 0.7))
    turned = np.arange(BINS) % 2 == 0  # in every band one half is the other way round
    mix_2TF[:, :, turned] = mix_2TF[::-1, :, turned]
    mask_TF = np.where(owner_TF == 0, 0.9, 0.1).astype(np.float32)
    mask_2TF = np.stack([mask_TF, mask_TF])
    np.testing.assert_allclose(panned(mask_2TF, mix_2TF), mask_2TF, atol=0.02)


def test_a_place_that_foretells_the_opposite_in_every_other_band_counts_for_nothing():
    places = 200
    stem_GP, mix_GP = np.zeros((2, places)), np.zeros((2, places))
    mix_GP[:, [60, 140]] = 10.0
    stem_GP[0, 60], stem_GP[1, 140] = 9.0, 9.0
    assert believed(stem_GP, mix_GP) == 0
    stem_GP[1] = stem_GP[0]
    assert believed(stem_GP, mix_GP) > 0.2


def test_a_second_round_tells_players_further_apart_and_half_of_it_half_as_far():
    owner_TF, mix_2TF = players(np.random.default_rng(8), (0.4, 0.55))
    apart = []
    for again in (0.0, 0.5, 1.0):
        low_TF = panned(unsure(owner_TF), mix_2TF, TWICE, again)[:, :, LOW].mean(axis=0)
        apart.append(np.median(low_TF[owner_TF[:, LOW] == 0]) / np.median(low_TF[owner_TF[:, LOW] == 1]))
    assert apart[0] > 2
    assert apart[1] > 1.5 * apart[0]
    assert apart[2] > 1.5 * apart[1]


def test_a_second_round_believes_places_as_far_as_the_first():
    owner_TF, mix_2TF = players(np.random.default_rng(9), (0.4, 0.55))
    places, before_2TF = StereoPlaces(mix_2TF), unsure(owner_TF)
    trust = places.trust(places.of_stem(before_2TF))
    first_2TF = panned(before_2TF, mix_2TF, TWICE)
    after_GP = places.of_stem(first_2TF)
    assert abs(places.trust(after_GP) - trust) > 0.05
    wanted_2TF = tilt_mask(first_2TF, places.odds(after_GP, TWICE.again * trust))
    np.testing.assert_array_equal(panned(before_2TF, mix_2TF, TWICE, 1.0), wanted_2TF)


@pytest.mark.parametrize(("presence", "share"), [(0.0, 0.0), (0.6, 0.0), (0.7, 0.5), (0.8, 1.0), (1.0, 1.0)])
def test_what_is_surely_there_gets_the_second_round(presence, share):
    assert second_share(presence, TWICE) == pytest.approx(share)


def test_the_bounds_of_the_second_round_are_in_order():
    with pytest.raises(ValueError, match="again_low must be below again_high"):
        check_panning(PanningSpec(strength=1.0, again=1.0, again_low=0.8, again_high=0.8))


def test_silence_and_one_channel_alone_are_numbers():
    mask_2TF = np.full((2, FRAMES, BINS), 0.5, np.float32)
    np.testing.assert_array_equal(panned(mask_2TF, np.zeros_like(mask_2TF)), mask_2TF)
    left_2TF = np.stack([np.ones((FRAMES, BINS), np.float32), np.zeros((FRAMES, BINS), np.float32)])
    np.testing.assert_allclose(panned(mask_2TF, left_2TF), mask_2TF, atol=1e-3)


def test_the_greatest_strength_gives_numbers():
    owner_TF, mix_2TF = players(np.random.default_rng(7), (0.1, 0.9))
    for mask_TF in (owner_TF == 0, np.where(owner_TF == 0, 0.9, 1e-7), np.where(owner_TF == 0, 1, 0.1)):
        panned(np.stack([mask_TF, mask_TF]).astype(np.float32), mix_2TF, PanningSpec(strength=10.0))


def test_masks_that_are_sure_stay_so_and_no_strength_changes_nothing():
    owner_TF, mix_2TF = players(np.random.default_rng(5), (0.3, 0.6))
    mask_TF = (owner_TF == 0).astype(np.float32)
    mask_2TF = np.stack([mask_TF, mask_TF])
    np.testing.assert_array_equal(panned(mask_2TF, mix_2TF), mask_2TF)
    doubt_2TF = unsure(owner_TF)
    np.testing.assert_allclose(panned(doubt_2TF, mix_2TF, PanningSpec(strength=0.0)), doubt_2TF, atol=1e-6)


def test_every_prompt_and_window_of_an_answer_is_panned_by_itself():
    rng = np.random.default_rng(6)
    samples = (SHORT.frames - 1) * SHORT.hop_samples + SHORT.fft_samples
    audio_B2N = rng.standard_normal((2, 2, samples)).astype(np.float32)
    audio_B2N[1, 1] = audio_B2N[1, 0]  # the second window is mono
    excerpt = MixWindows(audio_B2N, SHORT)
    places = [StereoPlaces(mix_2TF) for mix_2TF in excerpt.mix]
    left_2TF = (excerpt.mix[0, :1] > excerpt.mix[0, 1:]).astype(np.float32).repeat(2, axis=0)
    stem_PB2TF = np.stack([[0.2 + 0.5 * left_2TF] * 2, [0.8 - 0.5 * left_2TF] * 2])
    presence_PBK = np.array([[[0.9, 0.1], [0.9, 0.1]]] * 2, np.float32)
    wanted_PB2TF = stem_PB2TF.copy()
    for prompt_B2TF, again in zip(wanted_PB2TF, (1.0, 0.0), strict=True):
        for mask_2TF, where in zip(prompt_B2TF, places, strict=True):
            pan_mask(mask_2TF, where, TWICE, again)
    output = MaskOutput(stem_PB2TF.copy(), stem_PB2TF, presence_PBK)
    answer = panned_answer(output, excerpt, TWICE, [True, False])
    np.testing.assert_array_equal(answer.stem_PB2TF, wanted_PB2TF)
    np.testing.assert_array_equal(answer.stem_PB2TF[:, 1], stem_PB2TF[:, 1])
    assert np.abs(answer.stem_PB2TF[:, 0] - stem_PB2TF[:, 0]).max() > 0.1
    once = panned_answer(MaskOutput(stem_PB2TF.copy(), stem_PB2TF, presence_PBK), excerpt, TWICE, [False, False])
    assert np.abs(answer.stem_PB2TF[0, 0] - once.stem_PB2TF[0, 0]).max() > 0.02
    absent = panned_answer(MaskOutput(stem_PB2TF.copy(), stem_PB2TF, 0 * presence_PBK), excerpt, TWICE, [True, True])
    np.testing.assert_array_equal(absent.stem_PB2TF, once.stem_PB2TF)
    assert answer.rest_PB2TF is None
    assert answer.presence_PBK is presence_PBK
