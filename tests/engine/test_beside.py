"""Each result has a JSON of its own beside it, and that one makes it again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from clihelp import made, read, say, write_music


def test_every_stem_of_two_arrangements_in_one_folder_lies_beside_its_own_json(engine, toy_bundle, tmp_path, capsys):
    for seed in (1, 2):
        words = ["arrange", "drums", "bass", "--seconds", 0.2, "--seed", seed]
        for result in made(capsys, engine, toy_bundle, tmp_path, *words)["results"]:
            assert Path(result["sidecar"]) == Path(result["stem"]).with_suffix(".json")
            data = json.loads(Path(result["sidecar"]).read_text())
            assert data["seed"] == seed
            assert (data["stem"], data["mix"]) == (Path(result["stem"]).name, Path(result["mix"]).name)


@pytest.mark.parametrize(
    "words",
    [
        ["isolate", "MIX", "bass", "--start", "noise"],
        ["regenerate", "MIX", "bass"],
        ["restyle", "MIX", "bass", "--region", "0.2-0.6"],
        ["replace", "MIX", "drums", "--with", "bass", "--region", "0.2-0.6"],
    ],
    ids=lambda words: words[0],
)
def test_the_json_of_a_candidate_makes_that_one_and_no_other(words, engine, toy_bundle, tmp_path, capsys):
    mix = write_music(tmp_path / "mix.wav", channels=2)
    words = [mix if word == "MIX" else word for word in words]
    first = made(capsys, engine, toy_bundle, tmp_path, *words, "--candidates", 3, "--seed", 5)
    for result in first["results"]:
        again = say(capsys, engine, ["rerun", result["sidecar"], "--json"]).json
        assert len(again["results"]) == 1
        np.testing.assert_array_equal(read(again["stem"]), read(result["stem"]))
        data = json.loads(Path(result["sidecar"]).read_text())
        assert (data["seed"] + data["candidate"], data["candidates"]) == (5 + result["candidate"], 1)


@pytest.mark.parametrize("hashes", [5, [], [5], None, ["a", "b"]])
def test_a_json_without_a_hash_for_each_example_is_refused(tmp_path, capsys, hashes):
    path = tmp_path / "a.json"
    sidecar = {"fluxstem_sidecar": 1, "task": "generate", "prompts": ["bass"], "examples": ["a.wav"]}
    path.write_text(json.dumps(sidecar | {"examples_sha256": hashes}))
    said = say(capsys, None, ["rerun", path])
    assert said.code == 2
    assert "one hash for each example" in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("words", [["isolate", "m.wav", "bass"], ["replace", "m.wav", "bass", "--with", "oud"]])
def test_a_rest_file_is_not_taken_for_words_about_the_rest(tmp_path, capsys, words):
    said = say(capsys, None, [*words, "--rest", "backing.wav"])
    assert said.code == 2
    assert "--rest" in said.err
    assert len(said.err.splitlines()) == 1
