"""Candidates are the seeds that follow, all kept, the best first; presence and similarity say which that is."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dreaming import DreamingBackend, dream
from toybundle import write_toy_bundle

from engine.bundle.bundle import SamplerDefaults, load_bundle
from engine.errors import RequestError
from engine.inference.model import resolve_sampling
from engine.inference.rerank import PresenceMeter, fit_score
from engine.request import Request
from engine.tasks import TASKS

ASKED = {
    "generate": {"seconds": 1.0},
    "inpaint": {"region_s": (0.4, 0.9)},
    "extend": {"seconds": 0.5},
    "replace": {"replacement": "violin"},
    "restyle": {"strength": 0.7},
    "arrange": {"seconds": 1.0},
}


def read(path):
    return soundfile.read(path, dtype="float64", always_2d=True)[0]


@pytest.fixture(scope="module")
def listening_bundle(tmp_path_factory):
    """A toy that hears how bright a sound is and sees how red a picture is."""
    return write_toy_bundle(tmp_path_factory.mktemp("bundles") / "listening", senses=("audio", "scene"))


@pytest.mark.parametrize("task", [task for task, rule in TASKS.items() if not rule.masked])
def test_every_candidate_is_what_its_seed_alone_gives(toy_bundle, noise, tmp_path, task):
    asked = {"task": task, **ASKED.get(task, {}), "format": "wav32f"}
    if TASKS[task].input_slot is not None:
        asked["input"] = noise(seconds=1.2)
    results = dream(toy_bundle, tmp_path, candidates=3, seed=4, **asked).results
    assert sorted(result.candidate for result in results) == [0, 1, 2]
    assert len({result.stem for result in results}) == 3
    if task == "arrange":  # later stems follow the best of those before
        return
    for result in results:
        [alone] = dream(toy_bundle, tmp_path, seed=4 + result.candidate, **asked).results
        np.testing.assert_allclose(read(alone.stem), read(result.stem), atol=1e-6)
        assert Path(result.stem).exists()


def test_isolating_from_noise_has_candidates_too(toy_bundle, noise, tmp_path):
    mix = noise(seconds=5.0)
    results = dream(toy_bundle, tmp_path, task="isolate", input=mix, candidates=2, steps=4).results
    assert [result.candidate for result in results] == [0, 1]
    for result in results:
        np.testing.assert_allclose(read(result.stem) + read(result.rest), read(mix), atol=1e-4)


def test_several_candidates_start_from_noise_when_nothing_was_said(run, noise):
    mix = noise(seconds=2.0)
    results = *run(input=mix, candidates=2).results, *run(input=mix).results
    starts = [json.loads(Path(result.sidecar).read_text("ascii"))["start"] for result in results]
    assert starts == ["noise", "noise", "zeros"]


def test_several_candidates_are_made_from_all_of_the_noise(tmp_path, toy_bundle):
    bundle = load_bundle(toy_bundle, check_hashes=False)
    cool = replace(
        bundle.manifest, defaults={"generate": SamplerDefaults(steps=2, guidance=1.0, start="noise", temperature=0.3)}
    )
    asked = Request(task="generate", prompts=("violin",), out=str(tmp_path))
    assert resolve_sampling(asked, cool).temperature == 0.3
    assert resolve_sampling(replace(asked, candidates=3), cool).temperature == 1.0
    assert resolve_sampling(replace(asked, candidates=3, temperature=0.5), cool).temperature == 0.5


def test_candidates_from_zeros_are_refused_because_all_would_be_the_same(run, noise, tmp_path):
    with pytest.raises(RequestError, match="give --start noise too"):
        run(input=noise(), candidates=2, start="zeros")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("asked", [{"candidates": 0}, {"candidates": 33}, {"candidates": 32, "prompts": ("a",) * 9}])
def test_too_many_answers_are_refused(run, asked):
    with pytest.raises(RequestError, match=r"at most 256 fit|whole number from 1 to 32"):
        run(task="generate", **asked)


def test_the_files_are_named_best_first(toy_bundle, tmp_path):
    results = dream(toy_bundle, tmp_path, task="generate", seconds=0.5, candidates=3).results
    assert [Path(result.stem).name for result in results] == ["violin.wav", "violin (2).wav", "violin (3).wav"]
    fits = [fit_score(result.presence, result.similarity) for result in results]
    assert fits == sorted(fits, reverse=True)


def test_similarity_is_how_the_bundle_hears_it(run, noise, listening_bundle):
    """The toy hears brightness and takes it for a share: white noise is near "everything", a hum near "kazoo"."""
    rate_hz, seconds = 16_000, 1.0
    hum, hiss = noise("hum.wav", rate_hz, 1, seconds), noise("hiss.wav", rate_hz, 1, seconds)
    soundfile.write(hum, 0.1 * np.sin(2 * np.pi * 60 * np.arange(rate_hz) / rate_hz), rate_hz)
    soundfile.write(hiss, 0.1 * np.random.default_rng(0).standard_normal(rate_hz), rate_hz)
    heard = {
        (mix.stem, prompt): run(input=mix, prompts=(prompt,), bundle=str(listening_bundle)).results[0].similarity
        for mix in (hum, hiss)
        for prompt in ("everything", "violin")
    }
    assert heard["hum", "violin"] > heard["hum", "everything"]
    assert heard["hiss", "everything"] > heard["hiss", "violin"]
    assert all(-1 <= similarity <= 1 for similarity in heard.values())
    assert run(input=hum).results[0].similarity is None  # this bundle has no ears


def test_nothing_there_comes_last_however_alike():
    assert fit_score(0.0, 1.0) < fit_score(0.9, -0.5) < fit_score(0.9, None)
    assert fit_score(0.5, 0.9) > fit_score(0.5, 0.1)


def test_presence_is_told_window_by_window(run, tmp_path):
    rate_hz, silence = 16_000, np.zeros(64_000)
    there = 0.1 * np.random.default_rng(0).standard_normal(64_000)
    mix = tmp_path / "mix.wav"
    soundfile.write(mix, np.concatenate([there, silence, there]), rate_hz, subtype="PCM_24")
    [result] = run(input=mix, prompts=("bass",)).results
    windows = result.presence_windows
    assert windows[0][0] == 0
    assert windows[-1][1] == 12.0
    assert all(end_s == start_s for (_, end_s, _), (start_s, _, _) in itertools.pairwise(windows))
    middle = [there for start_s, end_s, there in windows if start_s > 4.1 and end_s < 7.9]
    sides = [there for start_s, end_s, there in windows if end_s < 3.9 or start_s > 8.1]
    assert middle
    assert sides
    assert max(middle) < 0.01
    assert min(sides) > 0.9


def test_presence_windows_of_a_region_tell_the_time_of_the_input(run, noise):
    [result] = run(input=noise(seconds=9.0), region_s=(4.5, 8.0)).results
    assert (result.presence_windows[0][0], result.presence_windows[-1][1]) == (4.5, 8.0)


@pytest.mark.parametrize("task", ["inpaint", "restyle", "generate", "extend", "arrange"])
def test_presence_of_what_is_made_is_told_window_by_window(toy_bundle, noise, tmp_path, task):
    asked = {"task": task, **ASKED[task]}
    if TASKS[task].input_slot is not None:
        asked["input"] = noise(seconds=1.2)
    [result] = dream(toy_bundle, tmp_path, **asked).results
    begin_s, end_s = asked.get("region_s") or ((1.2, 1.7) if task == "extend" else (0.0, asked.get("seconds", 1.2)))
    windows = result.presence_windows
    assert (windows[0][0], windows[-1][1]) == pytest.approx((begin_s, end_s))
    assert all(end_s == start_s for (_, end_s, _), (start_s, _, _) in itertools.pairwise(windows))
    assert all(0 < there < 1 for *_, there in windows)


def test_similarity_is_that_of_what_was_made_alone(run, noise, listening_bundle):
    rate_hz, hum = 16_000, noise("hum.wav", 16_000, 1, 3.0)
    soundfile.write(hum, 0.1 * np.sin(2 * np.pi * 60 * np.arange(3 * rate_hz) / rate_hz), rate_hz)
    asked = {"task": "inpaint", "region_s": (0.9, 2.1), "seed": 2, "bundle": str(listening_bundle)}
    beside_hiss = run(**asked, input=noise("hiss.wav", rate_hz, 1, 3.0)).results[0]
    beside_hum = run(**asked, input=hum).results[0]
    assert beside_hiss.similarity == pytest.approx(beside_hum.similarity, abs=0.02)


def test_window_levels_do_not_depend_on_the_blocks_they_come_in():
    audio_CN = np.random.default_rng(0).standard_normal((2, 1000))
    answers = []
    for block in (7, 100, 1000):
        levels = PresenceMeter([0, 300, 301, 1000])
        for at in range(0, 1000, block):
            levels.add(0.5 * audio_CN[:, at : at + block], audio_CN[:, at : at + block])
        answers.append(levels.presence({"midpoint_db": -6.0, "slope_db": 3.0}, 1000, 500))
    assert [row[:2] for row in answers[0]] == [(0.5, 0.8), (0.8, 0.801), (0.801, 1.5)]
    assert all(row[2] == pytest.approx(0.5, abs=0.01) for row in answers[0])
    for other in answers[1:]:
        np.testing.assert_allclose(other, answers[0])


def test_isolating_several_regions_gives_one_result_for_each_region_and_prompt(run, noise):
    mix = noise(seconds=3.0, subtype="PCM_24")
    regions_s = ((2.0, 2.5), (0.5, 1.0))
    results = run(input=mix, prompts=("bass", "violin"), regions_s=regions_s).results
    assert [(result.start_samples, result.prompt) for result in results] == [
        (88_200, "bass"), (88_200, "violin"), (22_050, "bass"), (22_050, "violin"),
    ]  # fmt: skip
    for result in results:
        start = result.start_samples
        [alone] = run(input=mix, prompts=(result.prompt,), region_s=(start / 44_100, start / 44_100 + 0.5)).results
        np.testing.assert_array_equal(read(alone.stem), read(result.stem))


def test_words_for_the_mix_and_the_rest_go_to_their_own_slots(toy_bundle, noise, tmp_path):
    backend = DreamingBackend()
    asked = {"task": "regenerate", "input": noise(seconds=0.2), "steps": 1}
    dream(toy_bundle, tmp_path, backend, mix_prompt="slow song", rest_prompt="drums", **asked)
    dream(toy_bundle, tmp_path, backend, **asked)
    assert (backend.told[0]["prompt"][0, :, 0] == 0.5).all()
    np.testing.assert_array_equal(backend.told[1]["prompt"][0, :, 0], [0, 0.5, 0])
