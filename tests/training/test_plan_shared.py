"""A run's log is taken for a plan only where its steps were those that are planned."""

import json

import pytest
import torch

from training.config import load_preset
from training.plan import Data, check_shared, data_lines, main


@pytest.fixture
def run(tmp_path):
    """The log and checkpoint of a run of two processes, one part each."""
    rows = [{"step": 20, "loss": 1.0, "minutes": 1.0}, {"step": 140, "loss": 1.0, "minutes": 3.0}]
    (tmp_path / "log.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    torch.save({"parts": 2, "processes": 2, "step": 140}, tmp_path / "checkpoint.pt")
    return tmp_path


def asked(run, *more):
    return main(["--preset", "tiny", "--hours", "1", "--stage", "flow", "--run", str(run), *more])


def test_as_many_devices_are_planned_for(run, capsys):
    assert asked(run, "--gpus", "2") == 0
    assert "a step of 2 x 8 took 1 s" in capsys.readouterr().out


def test_another_number_of_parts_or_devices_is_refused(run):
    with pytest.raises(ValueError, match=r"had 2 parts, one of preset tiny on 8 device\(s\) has 8"):
        asked(run, "--gpus", "8")
    torch.save({"parts": 8, "processes": 2}, run / "checkpoint.pt")
    with pytest.raises(ValueError, match=r"was trained on 2 device\(s\), not 8; give --gpus 2"):
        asked(run, "--gpus", "8")
    with pytest.raises(ValueError, match="leave out one of --run and --batch"):
        asked(run, "--gpus", "2", "--batch", "4")


def test_a_checkpoint_that_tells_nothing_is_refused(run):
    torch.save({"step": 140}, run / "checkpoint.pt")
    with pytest.raises(ValueError, match="had an unknown number of parts"):
        check_shared(run, load_preset("tiny"), "flow", 2)
    (run / "checkpoint.pt").unlink()
    with pytest.raises(ValueError, match="nothing tells how many parts its steps had"):
        check_shared(run, load_preset("tiny"), "flow", 2)


def test_what_lies_beside_the_latents_is_in_the_disk_figure():
    preset = load_preset("small")
    assert "GB of what is known of them" in "\n".join(data_lines(preset, Data(100, 4)))
