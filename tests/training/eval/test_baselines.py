"""Baselines do what their names say, on sounds whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from benchkit import RATE_HZ, example
from toybundle import write_toy_bundle

from training.eval import baselines
from training.eval.example import EvalExample
from training.metrics import mono, si_sdr

PLAIN = {one.name: one for one in baselines.PLAIN}


def answer(system, one):
    [made] = system.separate([one])
    assert made.stem_CN.shape == one.mix_CN.shape
    assert made.stem_CN.dtype == np.float32
    return made.stem_CN


def better_by(made_CN, one):
    true = mono(one.stem_CN)
    return si_sdr(mono(made_CN), true) - si_sdr(mono(one.mix_CN), true)


def in_turns(number):
    """The two tones in rhythms of their own; two that always sound together are one to NMF."""
    one = example(number)
    time_N = np.arange(one.mix_CN.shape[1])
    slow_N, fast_N = (np.float32(time_N // period % 2) for period in (1500, 2300))
    stem_CN = one.stem_CN * slow_N
    return replace(one, stem_CN=stem_CN, mix_CN=stem_CN + one.rest * fast_N)


def test_the_mixture_and_silence_are_what_they_say():
    one = example(0)
    np.testing.assert_array_equal(answer(PLAIN["mixture"], one), one.mix_CN)
    assert not answer(PLAIN["silence"], one).any()


def test_the_oracle_finds_the_stem():
    one = example(1)
    assert better_by(answer(PLAIN["oracle mask"], one), one) > 15


def test_nmf_tells_two_timbres_apart():
    pytest.importorskip("librosa", reason="the extra bench has it")
    one = in_turns(2)
    assert better_by(answer(PLAIN["NMF-MFCC"], one), one) > 10


def test_nmf_of_what_is_not_there_is_its_quietest_part():
    pytest.importorskip("librosa", reason="the extra bench has it")
    one = replace(in_turns(2), family="flute")
    made_CN = answer(PLAIN["NMF-MFCC"], one)
    assert 0 < (made_CN**2).sum() < 0.6 * (one.mix_CN**2).sum()


@pytest.mark.parametrize("family", ["drums", "piano"])
def test_hpss_gives_drums_the_clicks_and_all_else_the_tones(family):
    pytest.importorskip("librosa", reason="the extra bench has it")
    tone_CN = example(0).stem_CN
    clicks_CN = np.zeros_like(tone_CN)
    clicks_CN[:, 500::1600] = 0.9
    stem_CN = clicks_CN if family == "drums" else tone_CN
    one = EvalExample("band", 0, RATE_HZ, family, family, ("drums", "piano"), (), tone_CN + clicks_CN, stem_CN)
    assert better_by(answer(PLAIN["HPSS"], one), one) > 3


def test_a_perfect_codec_bounds_nothing(tmp_path):
    """The toy bundle's codec is a reshape, so both oracles meet the truth; clips longer than a window come whole."""
    bundle = write_toy_bundle(tmp_path / "toy", sample_rate_hz=RATE_HZ)
    one = example(3)
    assert one.mix_CN.shape[1] > 2 * 64 * 64  # a window of the toy bundle
    decoded = answer(baselines.CodecOracle("decoded", bundle, False), one)
    np.testing.assert_allclose(decoded, np.stack([mono(one.stem_CN)] * 2), atol=1e-5)
    assert better_by(answer(baselines.CodecOracle("masked", bundle, True), one), one) > 15
