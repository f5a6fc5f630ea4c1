"""Replace edits a mix in place: the rest stays to the last bit, the new stem is as loud as the old one."""

import numpy as np
import pytest
import soundfile
from dreaming import DreamingBackend, alike, dream

from engine.errors import NotHeard, RequestError
from engine.latents import Slot

RATE_HZ = 44_100
REGION_S = (0.5, 1.1)
INSIDE = slice(round(REGION_S[0] * RATE_HZ), round(REGION_S[1] * RATE_HZ))


def read(path):
    return soundfile.read(path, dtype="float64", always_2d=True)[0]


def swap(run, mix, **more):
    asked = {"task": "replace", "prompts": ("drums",), "replacement": "violin", "input": mix, "region_s": REGION_S}
    [result] = run(**(asked | more)).results
    return result


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT"])
@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_outside_nothing_changes_and_inside_the_rest_stays_exactly(run, noise, subtype, strength):
    mix = noise(seconds=1.6, subtype=subtype)
    result = swap(run, mix, strength=strength)
    before, after, stem, rest = (read(path) for path in (mix, result.mix, result.stem, result.rest))
    outside = np.ones(len(before), bool)
    outside[INSIDE] = False
    assert soundfile.info(result.mix).subtype == subtype
    np.testing.assert_array_equal(after[outside], before[outside])
    np.testing.assert_array_equal(rest[outside], before[outside])
    assert not stem[outside].any()
    np.testing.assert_array_equal(after - stem, rest)
    assert result.null_db == -300
    assert (after[INSIDE] != before[INSIDE]).any(axis=1).mean() > 0.95


def test_the_rest_is_what_isolating_leaves(run, noise):
    mix = noise(seconds=1.6, subtype="PCM_24")
    result = swap(run, mix)
    [apart] = run(input=mix, prompts=("drums",), region_s=REGION_S).results
    middle = slice(INSIDE.start + 1000, INSIDE.stop - 1000)  # past the cross-fade
    np.testing.assert_array_equal(read(result.rest)[middle], read(apart.rest)[1000:-1000])


def test_the_new_stem_is_as_loud_as_the_old_one_and_where_it_was(run, noise):
    mix = noise(seconds=1.6, subtype="PCM_24")
    audio_NC = read(mix) * [1.0, 0.3]
    soundfile.write(mix, audio_NC, RATE_HZ, subtype="PCM_24")
    result = swap(run, mix)
    [old] = run(input=mix, prompts=("drums",), region_s=REGION_S).results
    for new_N, old_N in zip(read(result.stem)[INSIDE].T, read(old.stem).T, strict=True):
        assert 20 * np.log10(new_N.std() / old_N.std()) == pytest.approx(0, abs=0.3)


def test_the_edges_of_a_region_are_faded(run, noise):
    mix = noise(seconds=1.6, subtype="PCM_24")
    before, after = read(mix), read(swap(run, mix).mix)
    largest = np.abs(np.diff(before, axis=0)).max()
    for edge in (INSIDE.start, INSIDE.stop):
        assert np.abs(np.diff(after[edge - 2 : edge + 2], axis=0)).max() <= largest


def test_without_a_region_the_whole_is_edited(run, noise):
    mix = noise(seconds=1.0, subtype="PCM_24")
    result = swap(run, mix, region_s=None)
    np.testing.assert_array_equal(read(result.mix) - read(result.stem), read(result.rest))
    assert (read(result.mix) != read(mix)).any(axis=1).mean() > 0.99


def test_several_regions_change_in_one_file(run, noise):
    mix = noise(seconds=2.5, subtype="PCM_24")
    result = swap(run, mix, region_s=None, regions_s=((1.8, 2.2), (0.3, 0.6)))
    before, after = read(mix), read(result.mix)
    times_s = np.arange(len(before)) / RATE_HZ
    inside = ((times_s >= 0.3) & (times_s < 0.6)) | ((times_s >= 1.8) & (times_s < 2.2))
    np.testing.assert_array_equal(after[~inside], before[~inside])
    assert (after[inside] != before[inside]).any(axis=1).mean() > 0.95


def test_strength_0_is_the_mix_again(run, noise):
    mix = noise(seconds=1.6, subtype="PCM_24")
    result = swap(run, mix, strength=0.0)
    np.testing.assert_array_equal(read(result.mix), read(mix))


def test_less_strength_keeps_more_of_the_old_stem(toy_bundle, noise, tmp_path):
    mix = noise(seconds=1.6, subtype="PCM_24")
    asked = {"task": "replace", "replacement": "bass", "input": mix, "region_s": REGION_S}
    [old] = dream(toy_bundle, tmp_path, task="isolate", input=mix, region_s=REGION_S, start="zeros").results
    kept = []
    for strength in (0.0, 0.3, 0.6, 1.0):
        [result] = dream(toy_bundle, tmp_path, strength=strength, **asked).results
        kept.append(alike(read(result.stem)[INSIDE], read(old.stem)))
    assert kept == sorted(kept, reverse=True)
    assert kept[0] > 0.99
    assert abs(kept[-1]) < 0.15


def test_where_it_would_clip_only_the_new_stem_gives_way(toy_bundle, noise, tmp_path):
    mix = noise(seconds=1.6, subtype="PCM_16", level=0.24)
    audio_NC = np.clip(read(mix) * 1.6, -0.999, 0.999)
    soundfile.write(mix, audio_NC, RATE_HZ, subtype="PCM_16")
    [result] = dream(toy_bundle, tmp_path, task="replace", replacement="bass", input=mix, region_s=REGION_S).results
    before, after, rest = read(mix), read(result.mix), read(result.rest)
    assert -6.1 < result.gain_db < 0
    np.testing.assert_array_equal(after - read(result.stem), rest)
    np.testing.assert_array_equal(after[: INSIDE.start], before[: INSIDE.start])
    np.testing.assert_array_equal(after[INSIDE.stop :], before[INSIDE.stop :])


def test_what_is_not_heard_is_not_replaced(run, noise, tmp_path):
    mix = noise(seconds=1.6, subtype="PCM_24")
    with pytest.raises(NotHeard, match=r"^kazoo is not heard in mix.*, 0.5-1.1 s \(presence 0.00.*add --anyway"):
        swap(run, mix, prompts=("kazoo",))
    assert not list((tmp_path / "out").glob("*"))


def test_what_is_not_heard_is_replaced_anyway_where_that_is_asked_for(run, noise):
    mix = noise(seconds=1.6, subtype="PCM_24")
    result = swap(run, mix, prompts=("kazoo",), anyway=True)
    assert result.presence < 0.01
    assert np.abs(read(result.mix) - read(mix)).max() < 1e-3


def test_each_prompt_gives_a_mix_of_its_own(run, noise):
    outcome = run(
        task="replace", prompts=("drums", "bass"), replacement="violin", input=noise(seconds=1.2), region_s=(0.2, 0.6)
    )
    assert [result.prompt for result in outcome.results] == ["drums", "bass"]
    assert len({result.mix for result in outcome.results}) == 2


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"task": "replace"}, "needs to know what to put in the place"),
        ({"task": "isolate", "replacement": "bass"}, "isolate puts nothing in the place"),
        ({"task": "replace", "replacement": "bass", "region_s": (0.5, 9.0)}, "both between 0 and 0.700 s"),
        ({"task": "replace", "replacement": "bass", "seconds": 2.0}, "keeps the length of its file"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(run, noise, tmp_path, asked, words):
    with pytest.raises(RequestError, match=words):
        run(input=noise(), **asked)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("region_s", [(0.9, 1.3), (0.5, 1.1)])
def test_the_new_stem_knows_nothing_of_the_old_one(toy_bundle, noise, tmp_path, region_s):
    backend, mix = DreamingBackend(), noise(seconds=1.6)
    asked = {"task": "replace", "replacement": "bass", "strength": 1.0, "input": mix, "region_s": region_s}
    dream(toy_bundle, tmp_path, backend, **asked)
    made = [told["known"] for told in backend.told if not told["known"][:, Slot.MIX].all()]
    assert made
    assert all(known[:, Slot.REST].all() for known in made)
    assert not made[0][:, Slot.STEM].any()


def test_candidates_of_the_new_stem_come_with_one_and_the_same_rest(run, noise):
    mix = noise(seconds=1.6, subtype="PCM_24")
    asked = {"task": "replace", "prompts": ("drums",), "replacement": "violin", "input": mix, "region_s": REGION_S}
    results = run(**asked, candidates=2).results
    plain = swap(run, mix)
    middle = slice(INSIDE.start + 1000, INSIDE.stop - 1000)
    for result in results:
        np.testing.assert_array_equal(read(result.rest)[middle], read(plain.rest)[middle])


def test_presence_is_told_region_by_region(run, noise):
    regions = ((1.8, 2.2), (0.3, 0.6))
    result = swap(run, noise(seconds=2.5), region_s=None, regions_s=regions)
    assert [window[:2] for window in result.presence_windows] == [(0.3, 0.6), (1.8, 2.2)]
    assert all(0 <= window[2] <= 1 for window in result.presence_windows)
