"""The real thing from end to end: the bundle that ships, on the mix that ships, through the command line."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine import list_bundles
from engine.bundle.bundle import load_bundle, manifest_to_json, write_manifest
from engine.cli import demo
from training.metrics import sdr

ROOT = Path(__file__).parents[1]
BUNDLE_LIMIT_BYTES = 60_000_000
LEAST_GAIN_DB = 3.0  # in SDR over the untouched mix, on every prompt of the demo, where the bundle has a mask decoder
LEAST_GAIN_OF_FLOW_DB = 0.5  # where the mask comes out of the flow's latents


def read(path: Path | str) -> np.ndarray:
    """float32 (channels, samples)."""
    audio_NC, _ = soundfile.read(str(path), dtype="float32", always_2d=True)
    return audio_NC.T


@pytest.fixture(scope="module")
def demo_rows() -> list[dict[str, str]]:
    path = demo.DEMO / "demo.json"
    if not path.is_file():
        pytest.fail(f"the demo mix is missing: {path.relative_to(ROOT)}")
    return [row for row in json.loads(path.read_text("utf-8"))["stems"] if "reference" in row]


@pytest.fixture(scope="module")
def isolated(small_bundle, demo_rows, fluxstem, tmp_path_factory):
    """One call with all prompts of the demo; gives the JSON it printed."""
    out = tmp_path_factory.mktemp("isolated")
    prompts = [row["prompt"] for row in demo_rows]
    done, said = fluxstem(
        "isolate", demo.DEMO / "mix.flac", *prompts, "--out", out, "--format", "wav32f", "--device", "cpu", "--json"
    )
    assert done.returncode == 0, done.stderr
    return said


def test_the_shipped_bundle_is_whole_small_and_says_on_what_terms(small_bundle):
    manifest = load_bundle(small_bundle).manifest
    assert manifest.licence
    assert any("FluidR3" in line or "Frank Wen" in line for line in manifest.attribution)
    assert sum(path.stat().st_size for path in small_bundle.iterdir()) <= BUNDLE_LIMIT_BYTES
    assert "small" in list_bundles()


def test_stem_and_rest_are_the_input_bit_for_bit(isolated):
    mix_CN = read(demo.DEMO / "mix.flac")
    for result in isolated["results"]:
        stem_CN, rest_CN = read(result["stem"]), read(result["rest"])
        assert stem_CN.shape == mix_CN.shape
        np.testing.assert_array_equal(stem_CN + rest_CN, mix_CN)


def test_the_json_line_has_what_was_promised(isolated):
    assert {"stem", "rest", "null_db", "presence", "seconds", "device", "bundle"} <= isolated.keys()
    assert isolated["device"] == "CPUExecutionProvider"


def test_the_results_keep_rate_and_channels(isolated):
    given = soundfile.info(str(demo.DEMO / "mix.flac"))
    for result in isolated["results"]:
        got = soundfile.info(result["stem"])
        assert (got.samplerate, got.channels, got.frames) == (given.samplerate, given.channels, given.frames)


def test_isolating_comes_closer_to_the_true_stem_than_the_mix_is(isolated, demo_rows, small_bundle):
    mix_CN = read(demo.DEMO / "mix.flac")
    gains = {}
    for result, row in zip(isolated["results"], demo_rows, strict=True):
        scores = demo.measure(read(result["stem"]), mix_CN, read(demo.DEMO / row["reference"]))
        gains[row["prompt"]] = scores.sdr_db - scores.mix_sdr_db
    decoder = "mask" in load_bundle(small_bundle).manifest.graphs
    assert min(gains.values()) >= (LEAST_GAIN_DB if decoder else LEAST_GAIN_OF_FLOW_DB), gains


def test_the_json_beside_a_result_makes_it_again(isolated, fluxstem, tmp_path):
    first = isolated["results"][0]
    done, said = fluxstem("rerun", first["sidecar"], "--out", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(read(said["stem"]), read(first["stem"]))


@pytest.fixture(scope="module")
def without_places(small_bundle, tmp_path_factory) -> Path:
    """A copy of the bundle in which places in the stereo image decide nothing."""
    folder = tmp_path_factory.mktemp("flat") / "small"
    shutil.copytree(small_bundle, folder)
    write_manifest(folder, manifest_to_json(replace(load_bundle(folder).manifest, panning=None)))
    return folder


def taken_out(fluxstem, bundle: Path, mix_CN: np.ndarray, prompt: str, folder: Path) -> np.ndarray:
    folder.mkdir()
    soundfile.write(folder / "mix.wav", mix_CN.T, 44_100, subtype="FLOAT")
    asked = ("--bundle", bundle, "--out", folder, "--format", "wav32f", "--device", "cpu", "--json")
    done, said = fluxstem("isolate", folder / "mix.wav", prompt, *asked)
    assert done.returncode == 0, done.stderr
    return read(said["results"][0]["stem"])


def test_players_who_stand_apart_come_apart_further(small_bundle, without_places, fluxstem, tmp_path):
    bass_N, voice_N = (read(demo.DEMO / f"{name}.flac").mean(axis=0) for name in ("bass", "vocals"))
    bass_CN, voice_CN = bass_N * np.array([[1.0], [0.4]]), voice_N * np.array([[0.4], [1.0]])
    mix_CN = (bass_CN + voice_CN).astype(np.float32)
    gains = {
        name: sdr(taken_out(fluxstem, bundle, mix_CN, "bass", tmp_path / name), bass_CN)
        for name, bundle in (("places", small_bundle), ("flat", without_places))
    }
    print(f"SDR of a bass to the left of a voice, dB: {gains}")
    assert gains["places"] > gains["flat"] + 1.0


def test_a_mix_in_mono_is_answered_as_without_places(small_bundle, without_places, fluxstem, tmp_path):
    mono_CN = read(demo.DEMO / "mix.flac").mean(axis=0, keepdims=True)
    one, other = (
        taken_out(fluxstem, bundle, mono_CN, "bass", tmp_path / name)
        for name, bundle in (("places", small_bundle), ("flat", without_places))
    )
    np.testing.assert_array_equal(one, other)


def test_the_demo_prints_its_figures_and_draws(small_bundle, demo_rows, tmp_path, capsys):
    assert demo.main(["--out", str(tmp_path), "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    for promised in (
        "SDR",
        "bit for bit",
        "times real time on CPUExecutionProvider",
        *(r["prompt"] for r in demo_rows),
    ):
        assert promised in said
    assert (tmp_path / "mix.png").read_bytes().startswith(b"\x89PNG")
