"""``fluxstem plugins``: what is typed, what comes back, and with which exit code."""

import json

import numpy as np
import pytest
import soundfile
from pluginhelp import click

from engine.cli.parser import main
from engine.plugins.chain import ChainEffect, EffectChain, chain_text


@pytest.fixture
def stem(tmp_path):
    path = tmp_path / "stem.wav"
    soundfile.write(path, click(5_000).T, 44_100, subtype="PCM_24")
    return path


def last_json(capsys) -> dict:
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_a_file_goes_through_a_chain_and_says_what_it_went_through(stem, tmp_path, capsys):
    assert main(["plugins", "render", str(stem), "--chain", "master-safe", "--out", str(tmp_path), "--json"]) == 0
    said = last_json(capsys)
    made_NC, rate_hz = soundfile.read(said["output"])
    assert (made_NC.shape, rate_hz) == ((30_000, 2), 44_100)
    assert np.abs(made_NC).argmax(axis=0).tolist() == [5_000, 5_000]
    beside = json.loads(open(said["sidecar"], encoding="ascii").read())  # noqa: SIM115
    assert [one["name"] for one in beside["chain_effects"]] == ["limiter"]
    assert len(beside["input_sha256"]) == 64


def test_a_tail_is_as_long_as_asked(stem, tmp_path, capsys):
    words = ["plugins", "render", str(stem), "--chain", "lo-fi", "--tail", "0.5", "--out", str(tmp_path), "--json"]
    assert main(words) == 0
    assert last_json(capsys)["samples"] == 30_000 + 22_050


def test_nothing_is_overwritten(stem, tmp_path, capsys):
    words = ["plugins", "render", str(stem), "--chain", "de-ess", "--out", str(tmp_path), "--json"]
    outputs = [main(words) == 0 and last_json(capsys)["output"] for _ in range(2)]
    assert len(set(outputs)) == 2


def test_a_plug_in_that_breaks_is_said_and_the_exit_code_tells(trial, tmp_path, capsys):
    [path] = trial("Nan-work")
    assert main(["plugins", "scan", str(path)]) == 0
    audio_NC = np.zeros((20_000, 2))
    audio_NC[9_000] = 0.875
    soundfile.write(tmp_path / "bad.wav", audio_NC, 44_100, subtype="FLOAT")
    chain = chain_text(EffectChain((ChainEffect(plugin="Nan-work"),)))
    assert main(["plugins", "render", str(tmp_path / "bad.wav"), "--chain", chain, "--out", str(tmp_path)]) == 1
    assert "left out of the chain" in capsys.readouterr().err
    main(["plugins", "list", "--json"])
    said = last_json(capsys)
    assert [one["path"] for one in said["quarantine"]] == [str(path)]
    assert main(["plugins", "render", str(tmp_path / "bad.wav"), "--chain", chain, "--out", str(tmp_path)]) == 2
    assert main(["plugins", "scan", "--again", str(path)]) == 0
    main(["plugins", "list", "--json"])
    assert last_json(capsys)["quarantine"] == []


def test_settings_are_shown_and_saved(trial, tmp_path, capsys):
    [path] = trial("Fast-0-0")
    preset, chain = tmp_path / "mine.vstpreset", tmp_path / "mine.json"
    words = [
        "plugins",
        "show",
        str(path),
        "--set",
        "gain=0.75",
        "--save-preset",
        str(preset),
        "--save-chain",
        str(chain),
    ]
    assert main([*words, "--json"]) == 0
    assert [(row["name"], row["default"]) for row in last_json(capsys)["parameters"]] == [("gain", 0.75)]
    assert preset.read_bytes().startswith(b"VST3")
    assert main(["plugins", "show", "Fast-0-0", "--preset", str(preset), "--json"]) == 0
    assert last_json(capsys)["parameters"][0]["default"] == 0.75
    assert main(["plugins", "show", str(chain), "--json"]) == 0
    assert last_json(capsys)["effects"][0]["plugin"] == "Fast-0-0"
    assert main(words) == 2  # they are there already


@pytest.mark.parametrize("words", [
    ["show", "no-such-thing"], ["scan", "no/such/place"], ["render", "no.wav", "--chain", "lo-fi"],
    ["show", "highpass", "--nonsense"], ["render", "STEM", "--chain", "no-such-chain"],
    ["render", "STEM", "--chain", "lo-fi", "--tail", "-1"],
])  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(words, stem, capsys):
    assert main(["plugins", *(str(stem) if word == "STEM" else word for word in words)]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_builtins_and_chains_are_listed_without_a_scan(capsys):
    assert main(["plugins"]) == 0
    said = capsys.readouterr().out
    assert "vocal-clean-up" in said
    assert "highpass" in said
    assert main(["plugins", "show", "highpass"]) == 0
    assert "cutoff_frequency_hz = 50 Hz  (20 to 20000 Hz)" in capsys.readouterr().out
