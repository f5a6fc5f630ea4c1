"""A pool of latents is known by what filled it; what anything else would find in it is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from training.codec.model import MixWavCodec
from training.config import load_preset
from training.data.mixer import Mixer
from training.data.stem_cache import StemCache, write_shard
from training.flow.examples import MORE, LatentPool
from training.flow.fingerprint import FILLED_BY

PRESET = load_preset("tiny")
PRESET = replace(PRESET, flow=replace(PRESET.flow, pool=4, batch=4))


def stems(folder, hertz):
    time_s = np.arange(4 * PRESET.grid.rate_hz) / PRESET.grid.rate_hz
    tones = [(0.2 * np.sin(2 * np.pi * hertz * k * time_s)).astype(np.float32) for k in (1, 2)]
    labels = [{"family": name, "source": "x", "piece": "1-0"} for name in ("piano", "violin")]
    write_shard(folder, "shard-00000", tones, labels)
    return StemCache(folder)


def codec(seed):
    torch.manual_seed(seed)
    return MixWavCodec(PRESET.grid, PRESET.codec).eval().requires_grad_(False)


@pytest.fixture
def filled(tmp_path):
    """A pool with two entries, and what it was made of."""
    cache = stems(tmp_path / "stems", 100)
    pool = LatentPool(tmp_path / "pool", PRESET, Mixer(cache), codec(0))
    latents, _ = pool.draw([0, 1], np.random.default_rng(0))
    return tmp_path, cache, latents


def test_the_same_codec_and_stems_find_their_latents_again(filled):
    folder, cache, latents = filled
    again = LatentPool(folder / "pool", PRESET, Mixer(cache), codec(0))
    assert again._facts[:2]["filled"].all()
    np.testing.assert_array_equal(again.draw([0, 1], np.random.default_rng(0))[0], latents)


def test_another_codec_other_stems_or_another_seed_are_refused_by_name(filled):
    folder, cache, _ = filled
    before = {path.name: path.read_bytes() for path in (folder / "pool").iterdir()}
    other = replace(PRESET, flow=replace(PRESET.flow, seed=99))
    sounding_else = stems(folder / "else", 300)  # the same labels
    for said, preset, mixer, weights in (
        ("another codec; remove that folder", PRESET, Mixer(cache), codec(1)),
        ("another stems; remove that folder", PRESET, Mixer(sounding_else), codec(0)),
        ("another pool; remove that folder", other, Mixer(cache), codec(0)),
    ):
        with pytest.raises(ValueError, match=said):
            LatentPool(folder / "pool", preset, mixer, weights)
    assert {path.name: path.read_bytes() for path in (folder / "pool").iterdir()} == before


def test_a_pool_from_before_this_was_noted_is_taken_with_a_warning(filled, caplog):
    folder, cache, latents = filled
    (folder / "pool" / FILLED_BY).unlink()
    again = LatentPool(folder / "pool", PRESET, Mixer(cache), codec(0))
    np.testing.assert_array_equal(again.draw([0, 1], np.random.default_rng(0))[0], latents)
    assert "nothing says what the latents in" in caplog.text
    assert not (folder / "pool" / FILLED_BY).exists()


def test_a_pool_whose_facts_would_outlive_what_goes_with_them_is_refused_whole(filled):
    folder, cache, _ = filled
    (folder / "pool" / FILLED_BY).unlink()
    older = [field for field in MORE.descr if field[0] != "together"]
    np.save(folder / "pool" / "more.npy", np.zeros(4, np.dtype(older)))
    before = {path.name: path.read_bytes() for path in (folder / "pool").iterdir()}
    with pytest.raises(ValueError, match=r"more\.npy in .* is gone or of another make; remove that folder"):
        LatentPool(folder / "pool", PRESET, Mixer(cache), codec(0))
    assert {path.name: path.read_bytes() for path in (folder / "pool").iterdir()} == before


def test_what_an_older_pool_has_not_is_added_and_empty(filled):
    folder, cache, latents = filled
    for name in ("more.npy", "embeddings.npy"):
        (folder / "pool" / name).unlink()
    again = LatentPool(folder / "pool", PRESET, Mixer(cache), codec(0))
    np.testing.assert_array_equal(again.draw([0, 1], np.random.default_rng(0))[0], latents)
    assert not any(again.together([0, 1]))


def test_the_note_names_all_that_decides(filled):
    note = json.loads((filled[0] / "pool" / FILLED_BY).read_text())
    assert note["scene encoder"] == note["audio encoder"] == "none"
    assert {"codec", "stems", "masking", "mixer", "pool", "grid", "widths"} <= set(note)
