"""What a run needs is arithmetic on one measured step."""

import json

import pytest

from training.config import load_preset
from training.plan import Data, Measured, data_lines, logged, main, stage_lines

HERE = Measured(0.5, 2_000_000, 3_000_000_000, "a device")


def test_hours_follow_from_the_step_the_devices_and_the_passes():
    preset = load_preset("mage-music")
    window_s = 64_640 / 11_025
    batch, parts = preset.flow.batch, preset.flow.parts
    data = Data(hours=100.0, stems=4)
    lines = "\n".join(stage_lines(preset, "flow", HERE, 4, 10.0, data))
    steps = round(10 * 100 * 3600 / window_s / (batch * parts))
    hours = steps * 0.5 * parts / 4 / 3600
    assert f"{steps:,} steps of {parts} x {batch} windows, 10.0 passes" in lines
    assert f"{hours:.1f} h on 4 such device(s), {hours * 4:.1f} device-hours" in lines
    assert "3.0 GB of GPU memory" in lines
    assert "checkpoint 0.03 GB" in lines


def test_disk_follows_from_the_grid():
    lines = "\n".join(data_lines(load_preset("mage-music"), Data(hours=100.0, stems=4)))
    assert f"{100 * 3600 * 11025 * 2 * 4 / 1e9:.1f} GB of stems" in lines
    mixes = round(100 * 3600 * 11025 / 64640)
    assert f"{mixes * 3 * 128 * 202 * 2 / 1e9:.1f} GB of latents ({mixes:,} mixes)" in lines


def test_a_runs_own_log_gives_the_time_of_a_step(tmp_path):
    preset = load_preset("tiny")
    rows = [{"step": 20, "loss": 1.0, "minutes": 1.0}, {"step": 140, "loss": 1.0, "minutes": 3.0}]
    (tmp_path / "log.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    one = logged(tmp_path, preset, "flow")
    assert (one.batch_s, one.step) == (1.0, True)
    lines = "\n".join(stage_lines(preset, "flow", one, 2, None, Data(1.0, 4)))
    assert f"{preset.flow.steps / 3600:.1f} h on 2 such device(s)" in lines
    with pytest.raises(ValueError, match="no log of a run in"):
        logged(tmp_path / "none", preset, "flow")


def test_the_command_measures_both_stages_here(capsys):
    assert main(["--preset", "tiny", "--hours", "2", "--gpus", "2", "--passes", "1", "--timed", "1"]) == 0
    said = capsys.readouterr().out
    assert "codec: 0." in said
    assert "flow: 0." in said
    assert "a batch of 8 took" in said
    assert "The time gradients take between devices is not in these hours" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--hours", "0"], "--hours and --passes must be above 0"),
        (["--hours", "1", "--gpus", "0"], "--stems, --gpus and --timed at least 1"),
        (["--hours", "1", "--run", "somewhere"], "--run is of one stage"),
    ],
)
def test_a_wrong_request_says_what_is_allowed(words, said):
    with pytest.raises(ValueError, match=said):
        main(words)
