import numpy as np
import pytest
from tinyrun import tiny_cache

from training.data.instruments import families, holdout
from training.data.mixer import StemMixer
from training.data.sources import SoundLibrary
from training.synthesis import grooves
from training.synthesis.compose import compose


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tiny_cache(tmp_path_factory.mktemp("one"), pieces=3, shards=2)


def test_the_same_seed_composes_the_same_piece():
    assert compose(np.random.default_rng(5), 8.0) == compose(np.random.default_rng(5), 8.0)
    assert compose(np.random.default_rng(5), 8.0) != compose(np.random.default_rng(6), 8.0)


@pytest.mark.parametrize("name", [name for name, family in families().items() if name != "vocals"])
def test_every_family_gets_a_part_within_its_range(name):
    family = families()[name]
    for seed in range(5):
        [part] = compose(np.random.default_rng(seed), 8.0, [family]).parts
        assert part.notes
        if not family.drums:
            assert all(family.low - 13 <= note.midi <= family.high + 13 for note in part.notes)


def test_there_are_enough_families_and_grooves():
    assert len(families()) >= 40
    assert len(grooves.GROOVES) >= 20
    assert {metre for metre, _ in grooves.GROOVES.values()} >= {3, 4, 6, 7}


@pytest.mark.slow
def test_the_number_of_workers_changes_no_sample(cache, tmp_path):
    again = tiny_cache(tmp_path, pieces=3, shards=2, workers=2)
    assert again.count == cache.count
    for stem in range(cache.count):
        assert again.label(stem) == cache.label(stem)
        np.testing.assert_array_equal(again.audio(stem), cache.audio(stem))


def test_a_mix_is_the_sum_of_its_stems_and_repeats_with_its_seed(cache):
    mixer = StemMixer(cache)
    for seed in range(20):
        mix = mixer.draw(np.random.default_rng(seed), 16_000)
        np.testing.assert_array_equal(mix.mix, mix.stems.sum(axis=0))
        np.testing.assert_array_equal(mixer.draw(np.random.default_rng(seed), 16_000).stems, mix.stems)
        assert np.isfinite(mix.stems).all()


def test_no_training_voice_is_a_held_out_recording():
    sounds = SoundLibrary.find()
    kept = holdout().banks
    for family in families().values():
        assert not {voice.name for voice in sounds.voices(family, held_out=False)} & kept
        assert {voice.name for voice in sounds.voices(family, held_out=True)} <= kept
