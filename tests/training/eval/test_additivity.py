"""Additivity: what is left of the decoded mix when the decoded stem and rest are taken off."""

import numpy as np
import pytest
from benchkit import RATE_HZ, example
from toybundle import write_toy_bundle

from training.eval import additivity, baselines, bundle_system


def test_what_adds_up_leaves_nothing_and_a_missing_stem_its_level():
    one = example(0)
    stem, rest = one.truth
    assert additivity.additivity(stem + rest, one.stem_CN, one.rest) < -120
    assert additivity.additivity(stem + rest, np.zeros_like(one.stem_CN), one.rest) == pytest.approx(
        20 * np.log10(np.std(stem) / np.std(stem + rest)), abs=0.1
    )


def test_the_toy_bundle_adds_up_and_its_codec_too(tmp_path):
    """Its rest is the mix without the stem, and its codec a reshape."""
    bundle = write_toy_bundle(tmp_path / "toy", sample_rate_hz=RATE_HZ)
    examples = [example(k) for k in range(2)]
    with bundle_system.Engine() as engine:
        answers = list(additivity.UnmaskedBundle("toy decoded", bundle, engine).separate(examples))
    codec = list(baselines.CodecOracle("codec", bundle, False).separate(examples))
    for one, answer, bound in zip(examples, answers, codec, strict=True):
        assert answer.stem_CN.shape == one.mix_CN.shape
        assert answer.extra["additivity"] < -80
        assert bound.extra["additivity"] < -100
    masked = list(baselines.CodecOracle("codec", bundle, True).separate(examples))
    assert not masked[0].extra
