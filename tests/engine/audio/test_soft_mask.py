"""Masked isolation is the user's own mix: nothing is lost, wherever the model hears nothing the bins below decide."""

import itertools

import numpy as np
import pytest

from engine.audio.soft_mask import MaskRule, SoftMaskFilter, odds_gain, presence
from engine.audio.stft import window_samples
from engine.mask_pooling import tilt_mask

RATE_HZ, MODEL_HZ = 44_100, 16_000


def filtered(mix_CN, stem_N, rest_N, rule=MaskRule(1.0), block=10_000, rate_hz=RATE_HZ, model_hz=MODEL_HZ):  # noqa: B008
    mask = SoftMaskFilter(rate_hz, model_hz, len(mix_CN), rule)
    parts = [
        mask.push(mix_CN[:, at : at + block], stem_N[at : at + block], rest_N[at : at + block])
        for at in range(0, mix_CN.shape[1], block)
    ]
    done = sum(part.shape[1] for part in parts)
    return np.concatenate([*parts, mask.flush(mix_CN.shape[1] - done)], axis=1)


def noise(samples, channels=1, seed=0):
    return np.random.default_rng(seed).standard_normal((channels, samples)).astype(np.float32) * 0.1


@pytest.mark.parametrize("samples", [1, 500, 4_096, 30_011])
@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 96_000])
def test_a_mask_of_ones_gives_the_mix_back(samples, rate_hz):
    mix_CN = noise(samples, 2)
    out_CN = filtered(mix_CN, noise(samples)[0], np.zeros(samples, np.float32), rate_hz=rate_hz)
    np.testing.assert_allclose(out_CN, mix_CN, atol=1e-6)


def test_silent_estimates_give_silence():
    silence = np.zeros(20_000, np.float32)
    assert not filtered(noise(20_000), silence, silence).any()


def test_equal_estimates_give_half_of_the_mix():
    mix_CN = noise(20_000, 2)
    np.testing.assert_allclose(filtered(mix_CN, mix_CN[0], mix_CN[0]), mix_CN / 2, atol=1e-6)


@pytest.mark.parametrize(("power", "share"), [(1.0, 0.75), (2.0, 0.9)])
def test_the_power_decides_how_hard_the_mask_is(power, share):
    mix_CN = noise(20_000)
    out_CN = filtered(mix_CN, 3 * mix_CN[0], mix_CN[0], MaskRule(power))
    np.testing.assert_allclose(out_CN, share * mix_CN, atol=1e-5)


def test_the_floor_is_the_lowest_gain():
    mix_CN = noise(20_000)
    out_CN = filtered(
        mix_CN, np.zeros(20_000, np.float32), mix_CN[0], MaskRule.of_manifest({"power": 1, "floor_db": -20})
    )
    np.testing.assert_allclose(out_CN, 0.1 * mix_CN, atol=1e-5)


def test_a_bias_lifts_the_stem_before_the_ratio():
    mix_CN = noise(20_000)
    rule = MaskRule.of_manifest({"power": 1, "bias_db": 20 * np.log10(3)})
    np.testing.assert_allclose(filtered(mix_CN, mix_CN[0], mix_CN[0], rule), 0.75 * mix_CN, atol=1e-5)


def test_above_the_models_bandwidth_the_bins_just_below_decide():
    time_s = np.arange(RATE_HZ) / RATE_HZ
    mix_CN = np.sin(2 * np.pi * 15_000 * time_s)[None].astype(np.float32)
    just_below = np.sin(2 * np.pi * 7_200 * time_s).astype(np.float32)
    out_CN = filtered(mix_CN, 0.6 * just_below, 0.4 * just_below)
    middle = slice(10_000, -10_000)
    np.testing.assert_allclose(out_CN[:, middle], 0.6 * mix_CN[:, middle], atol=1e-3)


def test_blocks_cannot_be_heard():
    mix_CN, other_N = noise(30_000, 2), noise(30_000, seed=1)[0]
    whole = filtered(mix_CN, mix_CN[0], other_N, block=30_000)
    for block in (777, 4_096):
        np.testing.assert_allclose(filtered(mix_CN, mix_CN[0], other_N, block=block), whole, atol=1e-6)


@pytest.mark.parametrize(("rate_hz", "samples"), [(44_100, 4_096), (48_000, 4_096), (96_000, 8_192), (22_050, 2_048)])
def test_the_window_is_about_93_ms(rate_hz, samples):
    assert window_samples(rate_hz) == samples


def test_presence_rises_with_level():
    curve = {"midpoint_db": -25.0, "slope_db": 3.0}
    assert presence(-25.0, curve) == pytest.approx(0.5)
    assert presence(-300.0, curve) < 1e-6
    assert presence(0.0, curve) > 0.99


def test_sensitivity_moves_the_odds_and_leaves_what_is_certain():
    gain = np.array([0, 0.2, 0.5, 0.9, 1], np.float32)
    assert tilt_mask(gain, odds_gain(0.5)) is gain
    rising = [tilt_mask(gain, odds_gain(s)) for s in (0, 0.25, 0.5, 0.75, 1)]
    for less, more in itertools.pairwise(rising):
        assert (more[1:-1] > less[1:-1]).all()
    for moved in rising:
        np.testing.assert_array_equal(moved[[0, -1]], [0, 1])
    np.testing.assert_allclose(tilt_mask(1 - gain, odds_gain(0.2)), 1 - tilt_mask(gain, odds_gain(0.8)), atol=1e-6)
    doubtful, full = gain[1:-1], rising[-1][1:-1]
    np.testing.assert_allclose(full / (1 - full), doubtful / (1 - doubtful) * 10**0.9, rtol=1e-4)
