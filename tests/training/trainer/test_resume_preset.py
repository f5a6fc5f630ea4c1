"""``--resume`` goes on with what the run began with, whatever the presets say today."""

import json
from dataclasses import asdict, replace

import pytest

from training.config import load_preset
from training.trainer.arguments import parse


@pytest.fixture
def run(tmp_path):
    """What ``Run.save`` leaves of a flow of the tiny preset, one value changed."""
    preset = load_preset("tiny")
    preset = replace(preset, flow=replace(preset.flow, steps=7))
    (tmp_path / "checkpoint.pt").write_bytes(b"weights")
    (tmp_path / "settings.json").write_text(json.dumps({"stage": "flow", **asdict(preset)}))
    return tmp_path, preset


def test_a_resumed_run_keeps_its_own_preset(run):
    folder, preset = run
    asked = parse("flow", "", ["--resume", str(folder)], needs=("codec",))
    assert asked.preset == preset
    assert (asked.out, asked.resume) == (folder, True)
    assert asked.runs["codec"].name == "codec-tiny"


def test_another_preset_is_refused_by_what_differs(run):
    with pytest.raises(ValueError, match=r"other values than preset tiny has: flow\.steps; leave out --preset"):
        parse("flow", "", ["--resume", str(run[0]), "--preset", "tiny"])
    settings = run[0] / "settings.json"
    settings.write_text(json.dumps({"stage": "flow", **asdict(load_preset("tiny"))}))
    assert parse("flow", "", ["--resume", str(run[0]), "--preset", "tiny"]).preset == load_preset("tiny")


def test_a_run_of_another_stage_or_without_settings_is_refused(run):
    with pytest.raises(ValueError, match="is a run of flow; go on with: python -m training flow --resume"):
        parse("codec", "", ["--resume", str(run[0])])
    (run[0] / "settings.json").unlink()
    with pytest.raises(ValueError, match="name the preset that it began with by --preset"):
        parse("flow", "", ["--resume", str(run[0])])
    (run[0] / "checkpoint.pt").unlink()
    with pytest.raises(ValueError, match="leave out --resume to start a new run"):
        parse("flow", "", ["--resume", str(run[0])])


def test_a_new_run_takes_small_when_nothing_is_named():
    assert parse("codec", "", []).preset == load_preset("small")
