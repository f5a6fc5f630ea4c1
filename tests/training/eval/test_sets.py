"""The sets are what they say they are, repeat with their seed, and hold reserved recordings only."""

import numpy as np
import pytest

from training.data.instruments import families, groups, holdout
from training.data.sources import SoundLibrary
from training.eval import held_stems, recordings
from training.eval.example import digest
from training.eval.held_stems import refuse_unreserved
from training.eval.sets import MUSIC_SAMPLES, SETS, SOLO, SetResources, make_set
from training.mask.render import SAMPLES, Row, write_rows
from training.mask.stems import StemPool
from training.metrics import rms
from training.text.lexicon import Lexicon

pytestmark = pytest.mark.slow

SECONDS = 1.5
SONGS = ("song-vocals", "song-drums")  # decoding a whole song takes too long for a test of each rule
RENDERED = [name for name in SETS if name not in SONGS]
SPREAD = ("mage-duet", "composed-band")  # composed for the bench, stem by stem


@pytest.fixture(scope="module")
def resources(tmp_path_factory):
    """A studio with the stems of a few pieces, all the reserved phrases, and no song."""
    if SoundLibrary.find().banks is None:
        pytest.skip("needs the sounds folder with its note banks; Debian's SoundFont has no reserved recording")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held_stems, "PIECES", 6)
        patch.setattr(held_stems, "_songs", lambda sounds: [])
        made = SetResources(tmp_path_factory.mktemp("held"))
        assert made.material.able
    return made


@pytest.fixture(scope="module")
def made(resources):
    return {name: make_set(resources, name, 2, seed=3, seconds=SECONDS) for name in RENDERED}


@pytest.mark.parametrize("name", RENDERED)
def test_a_set_has_the_shape_of_its_row(made, name):
    row = SETS[name]
    for number, example in enumerate(made[name]):
        samples = MUSIC_SAMPLES if name == "mage-duet" else round(SECONDS * row.rate_hz)
        assert (example.set, example.number, example.rate_hz) == (name, number, row.rate_hz)
        assert example.mix_CN.shape == example.stem_CN.shape == (row.channels, samples)
        assert example.mix_CN.dtype == example.stem_CN.dtype == np.float32
        assert len(example.inside) == row.stems or row.stems == 0
        assert np.abs(example.mix_CN).max() <= 0.96
        assert rms(example.mix_CN) > 0.01
        assert example.prompt.strip()


@pytest.mark.parametrize("name", RENDERED)
def test_every_source_is_a_recording_that_training_may_not_hear(made, name):
    for example in made[name]:
        assert example.sources
        refuse_unreserved(example.sources)
        if name in SPREAD:
            assert set(example.sources) <= {f"bank:{bank}" for bank in holdout().banks}


@pytest.mark.parametrize(
    "source", ["recorded:bach-violin", "bank:recorded/ethan-winer:cello", "song:rubidium", "song:Saber-FinalStep"]
)
def test_a_reserved_recording_is_not_refused(source):
    refuse_unreserved((source,))


@pytest.mark.parametrize(
    "source",
    ["font:0:40", "bank:rhodes-electric-piano", "song:hydrogen", "synth:saw", "recorded:sectoid",
     "bank:recorded/philharmonia:cello"],
)  # fmt: skip
def test_a_recording_that_training_hears_is_refused(source):
    with pytest.raises(ValueError, match="not reserved"):
        refuse_unreserved((f"bank:{sorted(holdout().banks)[0]}", source))


def test_the_same_seed_makes_the_same_samples_and_another_seed_others(resources, made):
    for name in ("band", "composed-band"):
        again = make_set(resources, name, 2, seed=3, seconds=SECONDS)
        assert digest(again) == digest(made[name])
        assert digest(make_set(resources, name, 2, seed=4, seconds=SECONDS)) != digest(again)


def test_an_example_does_not_depend_on_how_many_there_are(resources, made):
    [first] = make_set(resources, "band", 1, seed=3, seconds=SECONDS)
    np.testing.assert_array_equal(first.mix_CN, made["band"][0].mix_CN)


def test_the_asked_stem_sounds_and_the_rest_is_what_is_left(made):
    for name in RENDERED:
        for example in made[name]:
            np.testing.assert_array_equal(example.rest, example.mix_CN - example.stem_CN)
            assert (rms(example.stem_CN) > 0.002) == example.present
            assert rms(example.rest) > 0.002


def test_the_duet_of_mage_is_two_of_eleven_solo_instruments_averaged(made):
    assert len(SOLO) == len(set(SOLO)) == 11
    for example in made["mage-duet"]:
        assert len(set(example.inside)) == 2
        assert set(example.inside) <= set(SOLO)
        assert rms(example.mix_CN) < 0.1  # half of what two stems of -20 dBFS sum to


def test_relatives_share_a_group(made):
    for example in made["same-family"]:
        assert any(set(example.inside) <= members for members in groups().values())


def test_what_is_asked_takes_turns(resources):
    asked = [make_set(resources, "duet", 1, seed=1, seconds=SECONDS)[0].family]
    asked += [
        recordings.MIX_RECIPES["duet"](resources.material, k, np.random.default_rng(k)).asked for k in range(1, 40)
    ]
    able = resources.material.able
    assert asked == [able[k % len(able)] for k in range(40)]


def test_a_kit_is_heard_in_its_pieces(made):
    for number, example in enumerate(made["kit"]):
        assert example.family == ("kick", "hi-hat")[number % 2]
        assert example.inside == ("kick", "hi-hat")
        left, right = rms(example.stem_CN), rms(example.rest)
        assert 0.2 < left / right < 5
    for example in made["kit-piece"]:
        assert example.family in example.inside


def test_what_is_absent_is_no_relative_of_anything_in_the_mix(made):
    for example in made["absent"]:
        assert not example.present
        assert not example.stem_CN.any()
        near = {group for name in example.inside for group in families()[name].groups}
        assert not near & set(families()[example.family].groups)


def test_songs_are_refused_in_one_sentence_where_there_is_none(resources):
    for name in SONGS:
        with pytest.raises(ValueError, match="needs a reserved song"):
            make_set(resources, name, 1, seed=1)


def test_stems_are_rendered_once(resources, tmp_path, monkeypatch):
    monkeypatch.setattr(held_stems, "PIECES", 6)
    monkeypatch.setattr(held_stems, "_render", lambda place: pytest.fail("rendered again"))
    assert len(held_stems.held_pool(resources._stems).labels) == len(resources.material.pool.labels)


@pytest.fixture
def songs(tmp_path):
    """A folder of two of LMMS's songs, one of which has three spans."""
    noise = np.random.default_rng(0).standard_normal((1, SAMPLES)).astype(np.float32) * np.float32(0.05)
    for name, spans in (("Saber-FinalStep", 1), ("Crunk", 3)):
        label = {"source": f"song:{name}", "balanced": True}
        write_rows(tmp_path, f"song-{name}", [
            Row(noise, {**label, "family": family, "piece": f"{name}-{span}", "part": part})
            for span in range(spans) for part, family in enumerate(("drums", "synth-bass"))
        ])  # fmt: skip
    return tmp_path


def test_songs_take_turns_however_long_they_are(songs):
    material = recordings.HeldOutStems(StemPool([songs]), Lexicon.load())
    rng = np.random.default_rng(0)
    recipes = [recordings.MIX_RECIPES["song-drums"](material, number, rng) for number in range(4)]
    assert [material.source(recipe.players[0]) for recipe in recipes] == ["song:Crunk", "song:Saber-FinalStep"] * 2
    assert all(recipe.balanced and len(recipe.players) == 2 for recipe in recipes)


def test_songs_of_lmms_are_measured_by_where_they_are_given(resources, songs, monkeypatch):
    monkeypatch.setattr(held_stems, "PIECES", 6)
    more = SetResources(resources._stems, songs=songs)
    [example] = make_set(more, "song-drums", 1, seed=1, seconds=SECONDS)
    assert example.sources == ("song:Crunk",) * len(example.sources)


def test_an_unknown_set_is_refused_in_one_sentence(resources):
    with pytest.raises(ValueError, match="choose one of duet, band"):
        make_set(resources, "trio", 1, seed=1)
