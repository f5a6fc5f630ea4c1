"""Rivals learn from the flow's cache, stop when their time is up, and answer through the adapter's door."""

import importlib.util
import sys

import numpy as np
import pytest
from benchkit import example

from training.data.mixer import Mixer
from training.data.stem_cache import StemCache, write_shard
from training.eval import trained_baselines as rivals
from training.eval.adapter import Adapter

PACKAGES = {"htdemucs": "demucs", "openunmix": "openunmix"}
RATE_HZ = 8000


@pytest.fixture
def cache(tmp_path):
    """A few seconds of tones under real family names."""
    rng = np.random.default_rng(0)
    time_N = np.arange(4 * RATE_HZ) / RATE_HZ
    for shard in range(2):
        labels = [
            {"family": name, "role": "", "register": "", "source": f"font:{name}", "piece": f"{shard}"}
            for name in ("piano", "drums", "banjo")
        ]
        stems = [0.1 * np.sin(2 * np.pi * rng.uniform(200, 900) * time_N).astype(np.float32) for _ in labels]
        write_shard(tmp_path / "cache", f"shard-{shard:05d}", stems, labels)
    return StemCache(tmp_path / "cache")


def test_outputs_are_the_reserved_families_and_all_else():
    names = rivals.outputs()
    assert {"piano", "drums", "cello", "saxophone", "vocals", "other"} <= set(names)
    assert "banjo" not in names


def test_a_batch_is_the_sum_of_its_outputs_and_repeats(cache):
    names = rivals.outputs()
    mix_BN, stems_BSN = rivals.draw(Mixer(cache), names, 3, 8000)
    np.testing.assert_allclose(mix_BN, stems_BSN.sum(dim=1), atol=1e-6)
    np.testing.assert_array_equal(mix_BN, rivals.draw(Mixer(cache), names, 3, 8000)[0])
    assert stems_BSN.shape == (rivals.BATCH, len(names), 8000)


@pytest.mark.parametrize("kind", PACKAGES)
def test_a_rival_trains_for_its_time_and_answers(cache, tmp_path, kind):
    if importlib.util.find_spec(PACKAGES[kind]) is None:
        pytest.skip(f"needs {PACKAGES[kind]}, which has an environment of its own (make quality)")
    path = tmp_path / f"{kind}.pt"
    facts = rivals.train(kind, cache, RATE_HZ, path, minutes=0.0)
    assert facts["steps"] == 2
    one = example(0)
    system = Adapter(kind, (sys.executable, "-m", "training.eval.trained_baselines", "answer", str(path)))
    [made] = system.separate([one])
    assert made.stem_CN.shape == one.mix_CN.shape
    assert np.isfinite(made.stem_CN).all()
    assert made.stem_CN.any()
