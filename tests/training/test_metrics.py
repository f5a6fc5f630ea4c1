"""The ruler itself: known answers, and the same as the well-known implementation."""

import numpy as np
import pytest

from training import metrics

RATE_HZ = 8000


def noise(seed, samples=RATE_HZ * 2, channels=None):
    shape = samples if channels is None else (channels, samples)
    return 0.1 * np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("leak", [0.05, 0.3, 1.0])
def test_sdr_sir_and_sar_are_those_of_mir_eval(leak):
    pytest.importorskip("mir_eval")
    stem, rest, dirt = noise(1), np.cumsum(noise(2)).astype(np.float32) * 0.05, noise(3)
    made = stem + np.float32(leak) * rest + np.float32(0.1) * dirt
    assert metrics.against_mir_eval(stem, rest, made, stem + rest - made) < 0.01


def test_nothing_is_said_of_silence():
    figures = metrics.bss(noise(1), noise(2), np.zeros_like(noise(1)), noise(2))
    assert set(figures) == {"SDR", "SIR", "SAR", "SI-SDR"}
    assert all(np.isnan(value) for value in figures.values())


def test_a_louder_or_softer_copy_has_no_error_but_for_museval():
    stem_CN = noise(1, channels=2)
    assert metrics.si_sdr(2 * stem_CN[0], stem_CN[0]) > 100
    assert metrics.museval_sdr(0.5 * stem_CN, stem_CN, RATE_HZ) == pytest.approx(10 * np.log10(4), abs=1e-3)


def test_plain_figures_are_over_all_channels():
    stem_CN, dirt_CN = noise(1, channels=2), noise(2, channels=2)
    one = stem_CN.copy()
    one[1] += dirt_CN[1]  # the other channel is right
    assert metrics.sdr(one, stem_CN) == pytest.approx(10 * np.log10(2), abs=0.1)
    assert metrics.sdr(0.5 * stem_CN, stem_CN) == pytest.approx(10 * np.log10(4), abs=1e-3)
    assert metrics.si_sdr(0.5 * one, stem_CN) == pytest.approx(10 * np.log10(2), abs=0.2)


def test_museval_sdr_is_the_median_of_the_seconds_that_sound():
    true_CN = noise(1, RATE_HZ * 4, channels=2)
    made_CN = true_CN.copy()
    for second, share in enumerate((0.1, 0.2, 0.4)):
        made_CN[:, second * RATE_HZ : (second + 1) * RATE_HZ] *= 1 + share
    true_CN[:, 3 * RATE_HZ :] = 0
    assert metrics.museval_sdr(made_CN, true_CN, RATE_HZ) == pytest.approx(-20 * np.log10(0.2), abs=1e-3)
    assert np.isnan(metrics.museval_sdr(np.zeros_like(true_CN), true_CN, RATE_HZ))


def test_log_mel_l1_is_zero_for_a_copy_and_log_two_for_twice_the_level():
    stem_CN = noise(1, channels=2)
    assert metrics.log_mel_l1(stem_CN, stem_CN, RATE_HZ * 2) == 0
    assert metrics.log_mel_l1(2 * stem_CN, stem_CN, RATE_HZ * 2) == pytest.approx(np.log(2), rel=1e-4)


def test_the_null_is_nothing_only_when_it_is_nothing():
    stem_CN, rest_CN = noise(1, channels=2), noise(2, channels=2)
    mix_CN = stem_CN + rest_CN
    assert metrics.null_db(stem_CN, rest_CN, mix_CN) == -300
    assert metrics.null_db(stem_CN + np.float32(1e-4), rest_CN, mix_CN) == pytest.approx(-63, abs=2)


def test_the_oracle_mask_takes_a_tone_out_of_a_chord_in_every_channel():
    time_N = np.arange(RATE_HZ) / RATE_HZ
    low, high = (np.sin(2 * np.pi * hz * time_N).astype(np.float32) for hz in (300, 1500))
    stem_CN, rest_CN = np.stack([low, 0.5 * low]), np.stack([high, high])
    for stem, rest in ((stem_CN, rest_CN), (low, high)):
        made_CN = metrics.ratio_mask(stem_CN + rest_CN, stem, rest, RATE_HZ)
        assert made_CN.shape == stem_CN.shape
        assert metrics.museval_sdr(made_CN, stem_CN, RATE_HZ) > 15


def test_above_the_top_the_mask_follows_what_is_below():
    mix = noise(1)
    made = metrics.ratio_mask(mix, 3 * noise(2), noise(3), RATE_HZ, top_hz=2000)
    zeros = metrics.ratio_mask(mix, np.zeros_like(mix), mix, RATE_HZ, top_hz=2000)
    upper = np.abs(np.fft.rfft(made))[5000:].mean() / np.abs(np.fft.rfft(mix))[5000:].mean()
    assert 0.65 < upper < 0.85  # three quarters of the level is the stem's
    assert not zeros.any()


def test_an_interval_holds_its_median_and_leaves_out_what_is_no_number():
    middle, low, high = metrics.median_interval([1.0, float("nan"), 3.0, 2.0, 10.0, 4.0])
    assert middle == 3.0
    assert 1.0 <= low <= middle <= high <= 10.0
    assert all(np.isnan(metrics.median_interval([float("nan")])))


def test_figures_stay_what_they_were():
    """Reports of other days are compared with these, so another bootstrap or filter bank would be another ruler."""
    values = [*np.random.default_rng(0).normal(3, 2, 37), float("nan")]
    assert metrics.median_interval(values) == pytest.approx((2.735790273, 1.928661254, 3.251460442), abs=1e-6)
    assert metrics.mean_interval(values) == pytest.approx((2.753212705, 2.264274236, 3.248360068), abs=1e-6)
    assert metrics.log_mel_l1(noise(1), noise(2), RATE_HZ) == pytest.approx(0.251023668, abs=1e-6)
    assert metrics.si_sdr(noise(1) + noise(2), noise(1)) == pytest.approx(-0.067114839, abs=1e-6)
