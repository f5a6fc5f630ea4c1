"""The classifier tells what it learnt apart, whatever the level, and refuses to learn from nothing."""

import numpy as np
import pytest

from training.eval import classifier

pytest.importorskip("sklearn", reason="the extra bench has it")
RATE_HZ = 16_000


def sound(kind, number):
    """A hum with harmonics or a hiss, each a little different."""
    rng = np.random.default_rng([number, len(kind)])
    time_N = np.arange(2 * RATE_HZ) / RATE_HZ
    if kind == "hum":
        hz = rng.uniform(80, 160)
        return (0.1 * sum(np.sin(2 * np.pi * k * hz * time_N) / k for k in range(1, 6))).astype(np.float32)
    return (0.05 * rng.standard_normal(len(time_N))).astype(np.float32)


@pytest.fixture(scope="module")
def trained():
    return classifier.train([(sound(kind, k), RATE_HZ, kind) for kind in ("hum", "hiss") for k in range(10)])


@pytest.mark.parametrize("gain", [1.0, 0.03])
@pytest.mark.parametrize("kind", ["hum", "hiss"])
def test_it_names_what_it_has_not_heard_before(trained, kind, gain):
    assert [trained.name(sound(kind, k) * np.float32(gain), RATE_HZ) for k in range(20, 24)] == [kind] * 4


def test_it_hears_nothing_in_silence(trained):
    assert trained.name(np.zeros(RATE_HZ, dtype=np.float32), RATE_HZ) == ""


def test_it_says_what_it_knows(trained):
    assert trained.names == ("hiss", "hum")
    assert trained.stems == 20


def test_one_family_or_silence_is_nothing_to_learn_from():
    with pytest.raises(ValueError, match="two families at least"):
        classifier.train([(sound("hum", k), RATE_HZ, "hum") for k in range(3)])
    with pytest.raises(ValueError, match="two families at least"):
        classifier.train([(np.zeros(RATE_HZ, dtype=np.float32), RATE_HZ, kind) for kind in ("hum", "hiss")])


def test_the_loudest_part_is_found():
    audio = np.zeros(1000, dtype=np.float32)
    audio[600:700] = 1
    np.testing.assert_array_equal(classifier.loudest(audio, 100), np.ones(100))
    assert len(classifier.loudest(audio, 5000)) == 1000
