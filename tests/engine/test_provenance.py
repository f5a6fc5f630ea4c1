"""The JSON beside a result says everything that decided its samples, and makes it again."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from clihelp import everything_in, made, read, say, write_music
from toybundle import write_toy_bundle
from toymask import SHORT

from engine import OPTIONS


def test_it_says_what_was_asked_with_every_default_filled_in(engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav")
    answer = made(capsys, engine, toy_bundle, tmp_path, "isolate", mix, "violin", "--region", "0.25-0.75", "--seed", 7)
    data = json.loads(Path(answer["sidecar"]).read_text("utf-8"))
    assert set(OPTIONS) <= set(data) | {"prompts"}
    assert data["prompts"] == ["violin"]
    assert data["task"] == "isolate"
    assert data["prompt"] == "violin"
    assert (data["seed"], data["steps"], data["guidance"], data["start"]) == (7, 1, 1.0, "zeros")
    assert data["batch_windows"] >= 1
    assert data["region_s"] == [0.25, 0.75]
    assert data["device"] == "cpu"
    assert data["provider"] == "CPUExecutionProvider"
    assert data["null_db"] == answer["null_db"]
    assert data["input_sha256"] == hashlib.sha256(mix.read_bytes()).hexdigest()
    assert data["bundle_sha256"] == hashlib.sha256((toy_bundle / "manifest.json").read_bytes()).hexdigest()
    assert data["timings"]
    assert data["engine_version"]
    assert (data["start_samples"], data["length_samples"], data["rate_hz"]) == (4_000, 8_000, 16_000)
    assert (data["stem"], data["rest"]) == (Path(answer["stem"]).name, Path(answer["rest"]).name)


@pytest.mark.parametrize(
    "words",
    [
        ["isolate", "MIX", "bass", "--steps", 3, "--guidance", 2, "--start", "noise", "--seed", 11],
        ["isolate", "MIX", "violin", "--region", "0.3-0.9", "--format", "flac"],
        ["remove", "MIX", "drums", "--render", "decoded"],
        ["isolate", "MIX", "drums", "--render", "flow", "--sensitivity", 0.9],
        ["regenerate", "MIX", "bass", "--seed", 5],
        ["generate", "bass", "--seconds", 0.8, "--seed", 3],
        ["inpaint", "MIX", "bass", "--region", "0.2-0.6", "--rest", "REST"],
        ["extend", "MIX", "bass", "--seconds", 0.4, "--rest", "REST"],
        ["restyle", "MIX", "bass", "--strength", 0.4, "--region", "0.1-0.3", "--region", "0.5-0.7", "--candidates", 2],
        ["replace", "MIX", "drums", "--with", "bass", "--region", "0.2-0.6", "--rest-prompt", "piano"],
        ["arrange", "violin", "drums", "--rest", "REST", "--keep-order"],
    ],
    ids=lambda words: words[0],
)
def test_rerun_gives_identical_samples(words, engine, toy_bundle, tmp_path, capsys):
    files = {
        "MIX": write_music(tmp_path / "mix.wav", channels=2),
        "REST": write_music(tmp_path / "rest.wav", channels=2, seed=1),
    }
    first = made(capsys, engine, toy_bundle, tmp_path, *(files.get(str(word), word) for word in words))
    said = say(capsys, engine, ["rerun", first["sidecar"], "--out", tmp_path / "again", "--json"])
    assert said.code == 0, said.err
    for which in ("stem", "rest", "mix"):
        assert bool(said.json[which]) == bool(first[which])
        if first[which]:
            assert Path(said.json[which]).parent == tmp_path / "again"
            np.testing.assert_array_equal(read(said.json[which]), read(first[which]))


def test_what_masks_cut_is_cut_again(engine, tmp_path, capsys):
    bundle = write_toy_bundle(tmp_path / "masking", decoder=SHORT, soft=20.0)
    mix = write_music(tmp_path / "mix.wav", channels=2, seconds=3.0)
    first = made(capsys, engine, bundle, tmp_path, "remove", mix, "bass", "violin", "--sensitivity", 0.2)
    second = first["results"][1]
    again = say(capsys, engine, ["rerun", second["sidecar"], "--json"]).json
    assert json.loads(Path(again["sidecar"]).read_text("utf-8"))["sensitivity"] == 0.2
    np.testing.assert_array_equal(read(again["stem"]), read(second["stem"]))
    even = made(capsys, engine, bundle, tmp_path, "remove", mix, "violin")
    assert even["level_db"] > again["level_db"]


def test_one_of_several_prompts_is_rerun_alone_and_sounds_the_same(engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav")
    words = ["isolate", mix, "violin", "bass", "drums", "--start", "noise", "--steps", 2]
    first = made(capsys, engine, toy_bundle, tmp_path, *words)
    bass = first["results"][1]
    again = say(capsys, engine, ["rerun", bass["sidecar"], "--json"]).json
    assert [result["prompt"] for result in again["results"]] == ["bass"]
    assert Path(again["stem"]).parent == Path(bass["stem"]).parent
    assert again["stem"] != bass["stem"]
    np.testing.assert_array_equal(read(again["stem"]), read(bass["stem"]))


def test_one_of_several_regions_is_rerun_alone(engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav")
    first = made(
        capsys, engine, toy_bundle, tmp_path, "isolate", mix, "bass", "--region", "0.1-0.4", "--region", "0.6-0.9"
    )
    second = first["results"][1]
    again = say(capsys, engine, ["rerun", second["sidecar"], "--json"]).json
    assert [result["start_samples"] for result in again["results"]] == [second["start_samples"]]
    np.testing.assert_array_equal(read(again["stem"]), read(second["stem"]))


def test_any_stem_of_an_arrangement_makes_all_of_it_again(engine, toy_bundle, tmp_path, capsys):
    first = made(capsys, engine, toy_bundle, tmp_path, "arrange", "violin", "drums", "--seconds", 0.5)
    again = say(capsys, engine, ["rerun", first["results"][1]["sidecar"], "--json"]).json
    assert [result["prompt"] for result in again["results"]] == ["violin", "drums"]
    np.testing.assert_array_equal(read(again["mix"]), read(first["mix"]))


def test_the_temperature_is_kept_and_a_sidecar_without_one_means_the_bundles_own(engine, toy_bundle, tmp_path, capsys):
    rest = write_music(tmp_path / "rest.wav")
    first = made(capsys, engine, toy_bundle, tmp_path, "regenerate", rest, "bass", "--temperature", 0.4)
    sidecar = Path(first["sidecar"])
    data = json.loads(sidecar.read_text())
    assert data["temperature"] == 0.4
    again = say(capsys, engine, ["rerun", sidecar, "--json"]).json
    assert json.loads(Path(again["sidecar"]).read_text())["temperature"] == 0.4
    del data["temperature"]
    sidecar.write_text(json.dumps(data))
    again = say(capsys, engine, ["rerun", sidecar, "--json"]).json
    assert json.loads(Path(again["sidecar"]).read_text())["temperature"] == 1.0


def test_what_another_version_says_is_kept_told_of_and_changes_nothing(engine, toy_bundle, tmp_path, capsys):
    first = made(capsys, engine, toy_bundle, tmp_path, "isolate", write_music(tmp_path / "mix.wav"), "bass")
    sidecar = Path(first["sidecar"])
    sidecar.write_text(json.dumps({"warmth": 0.7, **json.loads(sidecar.read_text())}))
    said = say(capsys, engine, ["rerun", sidecar, "--json"])
    assert said.code == 0
    assert "also says warmth, which this version does not know" in said.err
    assert json.loads(Path(said.json["sidecar"]).read_text())["warmth"] == 0.7
    np.testing.assert_array_equal(read(said.json["stem"]), read(first["stem"]))


def refused(said, *words: str) -> None:
    assert said.code == 2
    assert len(said.err.splitlines()) == 1
    for word in words:
        assert word in said.err


def test_rerun_says_when_the_input_is_gone_and_takes_its_new_place(engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav")
    first = made(capsys, engine, toy_bundle, tmp_path, "isolate", mix, "violin")
    mix.rename(tmp_path / "moved.wav")
    before = everything_in(tmp_path)
    refused(say(capsys, engine, ["rerun", first["sidecar"]]), "mix.wav", "is gone", "--input")
    assert everything_in(tmp_path) == before
    said = say(capsys, engine, ["rerun", first["sidecar"], "--input", tmp_path / "moved.wav", "--json"])
    np.testing.assert_array_equal(read(said.json["stem"]), read(first["stem"]))


def test_rerun_takes_the_new_place_of_rest_and_bundle(engine, toy_bundle, tmp_path, capsys):
    bundle, rest = tmp_path / "bundle", write_music(tmp_path / "rest.wav", seed=1)
    shutil.copytree(toy_bundle, bundle)
    words = ["extend", write_music(tmp_path / "stem.wav"), "bass", "--seconds", 0.5, "--rest", rest]
    first = made(capsys, engine, bundle, tmp_path, *words)
    bundle.rename(tmp_path / "moved")
    rest.rename(tmp_path / "moved.wav")
    refused(say(capsys, engine, ["rerun", first["sidecar"]]), "rest.wav", "is gone", "--rest")
    argv = ["rerun", first["sidecar"], "--rest", tmp_path / "moved.wav"]
    refused(say(capsys, engine, argv), "no bundle")
    said = say(capsys, engine, [*argv, "--bundle", tmp_path / "moved", "--json"])
    assert said.code == 0, said.err
    np.testing.assert_array_equal(read(said.json["stem"]), read(first["stem"]))


def test_a_bundle_named_from_the_current_folder_is_found_from_another(
    engine, toy_bundle, tmp_path, capsys, monkeypatch
):
    mix = write_music(tmp_path / "mix.wav")
    monkeypatch.chdir(toy_bundle.parent)
    first = made(capsys, engine, toy_bundle.name, tmp_path, "isolate", mix, "violin")
    monkeypatch.chdir(tmp_path)
    assert say(capsys, engine, ["rerun", first["sidecar"]]).code == 0


def test_rerun_says_when_the_input_is_another(engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav")
    first = made(capsys, engine, toy_bundle, tmp_path, "isolate", mix, "violin")
    write_music(mix, seed=99)
    refused(say(capsys, engine, ["rerun", first["sidecar"]]), "mix.wav", "hash differs")


def test_rerun_says_when_the_bundle_is_another(engine, toy_bundle, tmp_path, capsys):
    bundle = tmp_path / "bundle"
    shutil.copytree(toy_bundle, bundle)
    first = made(capsys, engine, bundle, tmp_path, "isolate", write_music(tmp_path / "mix.wav"), "violin")
    manifest = bundle / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"version": "0.1"', '"version": "0.2"'), "utf-8")
    refused(say(capsys, engine, ["rerun", first["sidecar"]]), "toy 0.1", "toy 0.2")
    shutil.rmtree(bundle)
    refused(say(capsys, engine, ["rerun", first["sidecar"]]), "no bundle")


def test_a_sidecar_that_was_made_to_ask_for_the_impossible_is_refused(engine, toy_bundle, tmp_path, capsys):
    first = made(capsys, engine, toy_bundle, tmp_path, "isolate", write_music(tmp_path / "mix.wav"), "violin")
    sidecar = Path(first["sidecar"])
    data = json.loads(sidecar.read_text())
    for asked, words in (({"prompts": [""]}, "the prompt is empty"), ({"steps": 0}, "steps 0 is not allowed")):
        sidecar.write_text(json.dumps(data | asked))
        refused(say(capsys, engine, ["rerun", sidecar]), words)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{oh", "not JSON"),
        ('{"name": "something else"}', "not a Fluxstem sidecar"),
        ('{"fluxstem_sidecar": 99}', "format 99"),
        ('{"fluxstem_sidecar": true, "task": "isolate", "prompt": "bass"}', "not a Fluxstem sidecar"),
        ('{"fluxstem_sidecar": -5, "task": "isolate", "prompt": "bass"}', "not a Fluxstem sidecar"),
        ('{"fluxstem_sidecar": 1, "prompt": "violin"}', "cannot be run again"),
        ('{"fluxstem_sidecar": 1, "task": "isolate", "prompt": "bass", "input": 5}', "input is no text"),
        ('{"fluxstem_sidecar": 1, "task": "isolate", "prompt": 5, "input": "x.wav"}', "prompts are no list of texts"),
        ('{"fluxstem_sidecar": 1, "task": null, "prompt": "bass"}', "task is no text"),
        ('{"fluxstem_sidecar": 1, "task": "generate", "prompt": "bass", "region_s": [0, 1%s]}' % ("0" * 400), "region"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_sidecar_is_refused(content, says, tmp_path, capsys):
    path = tmp_path / "a.json"
    path.write_text(content)
    refused(say(capsys, None, ["rerun", path]), says)
    refused(say(capsys, None, ["rerun", tmp_path / "gone.json"]), "gone.json")
