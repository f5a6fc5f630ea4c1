"""Restyle keeps as much of a stem as it is told to, and nothing outside its regions moves."""

import numpy as np
import pytest
import soundfile
from dreaming import DreamingBackend, alike, dream

from engine.errors import RequestError

RATE_HZ = 44_100


def read(path):
    return soundfile.read(path, dtype="float64", always_2d=True)[0]


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_strength_0_gives_the_stem_back_bit_for_bit(run, noise, subtype):
    stem = noise(seconds=1.5, subtype=subtype)
    [result] = run(task="restyle", input=stem, strength=0.0).results
    np.testing.assert_array_equal(read(result.stem), read(stem))
    assert soundfile.info(result.stem).subtype == subtype


@pytest.mark.parametrize("with_rest", [True, False])
def test_strength_1_is_regenerating_with_the_same_seed(toy_bundle, noise, tmp_path, with_rest):
    stem, rest = noise("stem.wav", seconds=6.0), noise("rest.wav", seconds=6.0, seed=5)
    more = {"rest": str(rest)} if with_rest else {}
    restyled = dream(toy_bundle, tmp_path, task="restyle", input=stem, strength=1.0, seed=7, **more)
    if with_rest:
        made = dream(toy_bundle, tmp_path, task="regenerate", input=rest, seed=7)
    else:
        made = dream(toy_bundle, tmp_path, task="generate", seconds=6.0, seed=7)
    one, other = (read(outcome.results[0].stem).mean(axis=1) for outcome in (restyled, made))
    np.testing.assert_allclose(one / one.std(), other / other.std(), atol=1e-3)  # the levels follow what is given


def test_in_between_it_moves_away_step_by_step(toy_bundle, noise, tmp_path):
    stem = noise(seconds=3.0, subtype="PCM_24")
    kept = []
    for strength in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        [result] = dream(toy_bundle, tmp_path, task="restyle", input=stem, strength=strength).results
        kept.append(alike(read(result.stem), read(stem)))
    assert kept == sorted(kept, reverse=True)
    assert kept[0] == pytest.approx(1)
    assert abs(kept[-1]) < 0.1


def test_the_model_is_told_how_far_it_is_and_where_it_starts(toy_bundle, noise, tmp_path):
    backend = DreamingBackend()
    dream(toy_bundle, tmp_path, backend, task="restyle", input=noise(seconds=0.2), strength=0.5, steps=4)
    assert [float(told["t"].min()) for told in backend.told] == [0.5, 0.75]
    assert [float(told["dt"][0]) for told in backend.told] == [0.25, 0.25]


def test_a_restyled_stem_is_as_loud_as_the_stem_on_every_channel(run, noise, tmp_path):
    stem = noise(seconds=2.0, subtype="PCM_24")
    audio_NC = read(stem) * [1.0, 0.25]
    soundfile.write(stem, audio_NC, RATE_HZ, subtype="PCM_24")
    [result] = run(task="restyle", input=stem, strength=1.0).results
    for made_N, given_N in zip(read(result.stem).T, audio_NC.T, strict=True):
        assert 20 * np.log10(made_N.std() / given_N.std()) == pytest.approx(0, abs=0.2)


def test_only_the_regions_change(run, noise):
    stem = noise(seconds=3.0, subtype="PCM_24")
    regions_s = ((2.0, 2.5), (0.4, 0.9))
    [result] = run(task="restyle", input=stem, strength=1.0, regions_s=regions_s).results
    before, after = read(stem), read(result.stem)
    changed = np.zeros(len(before), bool)
    for start_s, end_s in regions_s:
        inside = slice(round(start_s * RATE_HZ), round(end_s * RATE_HZ))
        changed[inside] = True
        assert (after[inside] != before[inside]).any(axis=1).mean() > 0.95
    np.testing.assert_array_equal(after[~changed], before[~changed])


def test_inpainting_fills_several_regions_in_one_call(run, noise):
    stem = noise(seconds=9.0, subtype="PCM_24")
    [result] = run(task="inpaint", input=stem, regions_s=((0.5, 1.0), (7.0, 7.5))).results
    before, after = read(stem), read(result.stem)
    times_s = np.arange(len(before)) / RATE_HZ
    changed = ((times_s >= 0.5) & (times_s < 1.0)) | ((times_s >= 7.0) & (times_s < 7.5))
    np.testing.assert_array_equal(after[~changed], before[~changed])
    assert (after[changed] != before[changed]).any(axis=1).mean() > 0.95


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"strength": 1.5}, "strength 1.5 is not allowed; give a number from 0 to 1"),
        ({"task": "inpaint", "region_s": (0.1, 0.2), "strength": 0.5}, "inpaint takes no strength"),
        ({"regions_s": ((0.1, 0.4), (0.3, 0.5))}, "overlap"),
        ({"regions_s": ((0.1, 0.4),), "region_s": (0.3, 0.5)}, "given twice"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(run, noise, tmp_path, asked, words):
    with pytest.raises(RequestError, match=words):
        run(**({"task": "restyle", "input": noise()} | asked))
    assert not (tmp_path / "out").exists()
