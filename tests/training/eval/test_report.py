"""What is written down: tables with intervals, JSON that reads back, pictures, and sounds to listen to."""

import json
import re

import numpy as np
import pytest
import soundfile as sf
from benchkit import a_run, example

from training.eval import audio_examples, plots, report
from training.eval.run import KeptAudio


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    run, bench = a_run()
    run["sweeps"] = {"toy": {"toy, steps 2": {"steps": 2}}}
    run["systems"]["toy, steps 2"] = {"kind": "sweep", "doc": "two steps"}
    run["values"]["band"]["toy, steps 2"] = run["values"]["band"]["toy"]
    drawn = plots.draw_all(run, folder)
    lines = audio_examples.write_examples(run, list(bench.kept.values()), folder)
    report.write(run, drawn, lines, folder)
    return folder, run, drawn


def test_the_json_reads_back_with_every_value(written):
    folder, run, _ = written
    again = report.read(folder / "report.json")
    for name, systems in run["values"].items():
        for system, columns in systems.items():
            for figure, column in columns.items():
                np.testing.assert_array_equal(again["values"][name][system][figure], column)


def test_a_report_of_an_earlier_version_is_read_in_todays_words(written, tmp_path):
    run = json.loads((written[0] / "report.json").read_text("utf-8"))
    run["systems"]["toy"]["kind"] = "ours"
    run["collections"] = [{"ears": "toy ears", "vectors": 3}, {}]
    path = tmp_path / "report.json"
    path.write_text(json.dumps(run), "utf-8")
    again = report.read(path)
    assert again["systems"]["toy"]["kind"] == "bundle"
    assert again["collections"] == [{"embedding": "toy ears", "vectors": 3}, {}]


def test_the_tables_have_a_row_for_every_system_and_an_interval(written):
    text = (written[0] / "report.md").read_text("utf-8")
    band, absent = text.split("## band")[1].split("## absent")
    for system in ("toy", "mixture", "silence", "half"):
        assert re.search(rf"^\| {system} \|", band, re.M)
        assert re.search(rf"^\| {system} \| -?\d", absent, re.M)
    [row] = re.findall(r"^\| toy \|.*$", band, re.M)
    assert re.search(r"\| -?\d+\.\d\d \(-?\d+\.\d\d to -?\d+\.\d\d\) \|", row)
    assert re.search(r"^\| mixture \|.*\| 0\.00 \(0\.00 to 0\.00\) \|", band, re.M)
    assert "| silence | - | - | - | - | -30.00 |" in band
    assert re.search(r"^\| piano \| 3 \| -?\d", text.split("## By family")[1], re.M)
    assert "steps 2" in text
    assert "![bars](bars.png)" in text


def test_the_ruler_is_checked_on_an_answer_with_real_artefacts():
    """The toy leaks a share of the mix, without artefacts: only the third system's answer can be compared."""
    pytest.importorskip("mir_eval", reason="the extra bench has it")
    kept = KeptAudio(example(0))
    mix_CN, dirt_CN = kept.example.mix_CN, np.random.default_rng(0).standard_normal(kept.example.mix_CN.shape)
    assert report.checked_by_mir_eval([kept]) == {}
    kept.stems = {"mixture": mix_CN, "silence": np.zeros_like(mix_CN)}
    assert report.checked_by_mir_eval([kept]) == {}
    kept.stems["real"] = (kept.example.stem_CN + 0.3 * kept.example.rest + 0.01 * dirt_CN).astype(np.float32)
    found = report.checked_by_mir_eval([kept])
    assert found["answers"] == 1
    assert found["largest_db"] < 0.05


def test_the_pictures_are_drawn(written):
    _, _, drawn = written
    assert {path.name for path in drawn} == {"bars.png", "steps.png", "stems.png"}  # no guidance was asked for
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)


def test_every_example_is_heard_and_seen_beside_the_report(written):
    folder, run, _ = written
    text = (folder / "report.md").read_text("utf-8")
    files = re.findall(r"\((examples/[^)]+)\)", text)
    assert len([file for file in files if file.endswith(".png")]) == 4
    sounds = [file for file in files if file.endswith(".flac")]
    assert len(set(sounds)) == 4 * 4  # the mix, the true stem, and two systems that are no bounds
    for file in files:
        assert (folder / file).is_file()
    audio_NC, rate_hz = sf.read(folder / next(file for file in sounds if "mix" in file))
    assert audio_NC.shape == (run["sets"]["band"]["samples"], 2)
    assert rate_hz == run["sets"]["band"]["rate_hz"]
    assert re.search(r"\[toy\]\(examples/band-1-2-toy.flac\) \| SDR -?\d+\.\d\d dB, SDRi", text)
    assert re.search(r"\[toy\]\(examples/absent-1-2-toy.flac\) \| level -\d+\.\d\d dB", text)
