"""Chains around the model: what they are on, what they leave alone, and what the figures say of it."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine import rerun_request
from engine.audio.reader import blocks, probe
from engine.errors import EngineError, RequestError
from engine.plugins.chain import ChainEffect, EffectChain, chain_text
from engine.plugins.plugin_library import scan_plugins

SOFTER = chain_text(EffectChain((ChainEffect(builtin="gain", parameters={"gain_db": -6.0}),), "softer"))
DULL = chain_text(EffectChain((ChainEffect(builtin="lowpass", parameters={"cutoff_frequency_hz": 300.0}),) * 3))
ECHO = EffectChain((ChainEffect(builtin="delay", parameters={"delay_seconds": 0.1, "mix": 0.5}),), "echo", 0.25)
HALF = 10 ** (-6 / 20)


def heard(path: str) -> np.ndarray:
    return np.concatenate(list(blocks(probe(path))), axis=1)


def test_a_chain_is_on_the_stem_alone_and_null_says_what_the_sum_lacks(run, noise):
    mix = noise(subtype="PCM_24")
    [dry] = run(input=mix).results
    [wet] = run(input=mix, chain=SOFTER).results
    np.testing.assert_allclose(heard(wet.stem), heard(dry.stem) * HALF, atol=2**-22)
    assert np.array_equal(heard(wet.rest), heard(dry.rest))
    left = heard(wet.stem) + heard(wet.rest) - heard(str(mix))
    off_db = 10 * math.log10(np.square(left).sum() / np.square(heard(str(mix))).sum())
    assert dry.null_db == -300.0
    assert wet.null_db == pytest.approx(off_db, abs=0.01)
    assert wet.level_db == pytest.approx(dry.level_db - 6.0, abs=0.01)
    assert any("no longer the input" in note for note in wet.notes)
    told = json.loads(Path(wet.sidecar).read_text())
    assert [one["name"] for one in told["chain_effects"]] == ["gain"]


def test_a_chain_that_changes_nothing_leaves_the_sum_exact(run, noise):
    nothing = chain_text(EffectChain((ChainEffect(builtin="gain", parameters={"gain_db": 0.0}),)))
    [result] = run(input=noise(subtype="PCM_16"), chain=nothing).results
    assert result.null_db == -300.0
    assert not any("no longer" in note for note in result.notes)


def test_what_the_model_hears_is_not_what_is_filtered(run, noise):
    mix = noise(subtype="PCM_16")
    [plain] = run(input=mix).results
    [dull] = run(input=mix, chain_before=DULL).results
    assert dull.null_db == -300.0
    assert np.array_equal(heard(dull.stem) + heard(dull.rest), heard(str(mix)))
    assert not np.array_equal(heard(dull.stem), heard(plain.stem))
    told = json.loads(Path(dull.sidecar).read_text())
    assert [one["name"] for one in told["chain_before_effects"]] == ["lowpass"] * 3


def test_remove_has_its_chain_on_the_rest_unless_told_otherwise(run, noise):
    mix = noise(subtype="PCM_24")
    [dry] = run(task="remove", input=mix).results
    [rest] = run(task="remove", input=mix, chain=SOFTER).results
    [stem] = run(task="remove", input=mix, chain=SOFTER, chain_on="stem").results
    np.testing.assert_allclose(heard(rest.rest), heard(dry.rest) * HALF, atol=2**-22)
    assert np.array_equal(heard(rest.stem), heard(dry.stem))
    assert np.array_equal(heard(stem.rest), heard(dry.rest))


@pytest.mark.parametrize("asked", [
    {"task": "replace", "replacement": "bass"},
    {"task": "arrange", "prompts": ("bass", "drums"), "seconds": 0.5},
], ids=["replace", "arrange"])  # fmt: skip
def test_the_mix_that_a_task_makes_holds_the_stem_as_the_chain_left_it(asked, run, noise):
    asked = asked | ({"input": noise(subtype="PCM_16")} if asked["task"] == "replace" else {})
    done = run(**asked, format="wav16", chain=SOFTER)
    whole = sum(heard(one.stem) for one in done.results)
    if done.results[0].rest:
        whole = whole + heard(done.results[0].rest)
    assert np.array_equal(heard(done.results[0].mix), whole)
    assert done.results[0].null_db in (None, -300.0)


def test_of_stems_that_add_up_the_remainder_stays_as_it_is(run, noise):
    mix = noise(subtype="PCM_16")
    dry = run(input=mix, prompts=("violin", "bass"), other=True).results
    wet = run(input=mix, prompts=("violin", "bass"), other=True, chain=SOFTER).results
    assert len(wet) == 3
    np.testing.assert_allclose(heard(wet[0].stem), heard(dry[0].stem) * HALF, atol=2**-14)
    assert np.array_equal(heard(wet[2].stem), heard(dry[2].stem))
    assert wet[0].null_db > -60


def test_a_tail_makes_the_file_of_the_stem_longer_and_no_other(run, noise):
    mix = noise(seconds=0.7)
    [result] = run(input=mix, chain=chain_text(ECHO)).results
    samples = probe(mix).samples
    assert probe(result.rest).samples == samples
    assert probe(result.stem).samples == samples + round(0.25 * 44_100)


def test_a_lossy_result_is_encoded_once_from_what_the_chain_made(run, noise):
    [result] = run(input=noise(), chain=SOFTER, format="ogg").results
    assert result.file_format.startswith("Ogg Vorbis")
    assert result.null_db is None
    assert soundfile.info(result.stem).format == "OGG"


def test_a_chain_too_loud_for_the_format_is_lowered_and_said(run, noise):
    loud = chain_text(EffectChain((ChainEffect(builtin="gain", parameters={"gain_db": 40.0}),)))
    [result] = run(input=noise(subtype="PCM_16"), chain=loud).results
    assert 0.9 < np.abs(heard(result.stem)).max() < 1.0
    assert any("too loud" in note for note in result.notes)


def test_a_sidecar_makes_the_same_again_with_the_chain_inside_it(run, noise, tmp_path, toy_bundle):
    path = tmp_path / "mine.json"
    path.write_text(SOFTER)
    [first] = run(input=noise(), chain=str(path)).results
    path.unlink()
    request = dataclasses.replace(rerun_request(first.sidecar, bundle=str(toy_bundle)), out=str(tmp_path / "again"))
    asked = {field.name: getattr(request, field.name) for field in dataclasses.fields(request)}
    [again] = run(**asked).results
    assert np.array_equal(heard(again.stem), heard(first.stem))


def test_a_plug_in_that_breaks_costs_its_effect_and_no_job(run, noise, trial):
    trial("Nan-work")
    scan_plugins()
    mix = noise(subtype="FLOAT")
    audio_NC, rate_hz = soundfile.read(mix)
    audio_NC[500] = 0.875  # at which it turns bad
    soundfile.write(mix, audio_NC, rate_hz, subtype="FLOAT")
    chain = EffectChain((ChainEffect(plugin="Nan-work"), ChainEffect(builtin="gain")))
    [result] = run(input=mix, chain_before=chain_text(chain)).results
    assert any("Nan-work" in note and "left out" in note for note in result.notes)
    told = json.loads(Path(result.sidecar).read_text())
    assert [one["name"] for one in told["chain_before_effects"]] == ["gain"]


@pytest.mark.parametrize("asked", [
    {"task": "generate", "seconds": 0.3, "chain_before": "lo-fi"},
    {"chain_on": "stem"},
    {"chain": "no-such-chain"},
    {"chain": "{}"},
    {"chain": chain_text(EffectChain((ChainEffect(plugin="Not There"),)))},
    {"chain": "lo-fi", "chain_on": "rest", "other": True},
])  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_is_done(asked, run, noise, tmp_path):
    asked = asked if asked.get("task") == "generate" else asked | {"input": noise()}
    with pytest.raises(RequestError):
        run(**asked)
    assert not list((tmp_path / "out").glob("*"))


def test_the_error_is_one_sentence(run, noise):
    with pytest.raises(EngineError, match="name a file or one of bass-tighten"):
        run(input=noise(), chain="no-such-chain")
