"""Trainings of a table that are kept: what was interrupted is not taken for what was finished; all parts count."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from training.config import load_preset
from training.papers.ablations import trials
from training.trainer.trainer import CHECKPOINT, TrainConfig

PRESET = load_preset("tiny")


class Slope:
    """A stage of one weight, which is pushed one way; it may be stopped in the middle."""

    def __init__(self, preset=PRESET, stop_at=10**9):
        torch.manual_seed(0)
        self.preset, self.config, self.model = preset, preset.flow, nn.Linear(1, 1)
        self.stop_at, self.met = stop_at, []

    def batch(self, step):
        if step == self.stop_at:
            raise KeyboardInterrupt
        self.met.append(step)
        return torch.ones(1, 1)

    def loss(self, batch, generator, progress):
        return self.model(batch).sum(), {}


@pytest.fixture
def context(tmp_path):
    said = []
    return SimpleNamespace(
        preset=PRESET, cache=SimpleNamespace(folder=Path("stems"), count=1), codec=tmp_path, prompt=tmp_path,
        scene=None, out=tmp_path, workers=0, say=said.append, said=said,
    )  # fmt: skip


def test_a_longer_training_that_was_stopped_is_not_taken_for_the_finished_one(context, tmp_path, monkeypatch):
    folder = tmp_path / "0a"
    first = trials._train(Slope(), 6, folder, context, None)
    kept = trials._train(Slope(), 6, folder, context, None)
    assert context.said[-1].endswith("taken from an earlier table")
    assert torch.equal(kept.model.weight, first.model.weight)
    monkeypatch.setattr(
        trials, "TrainConfig", lambda **values: TrainConfig(**values, save_every_s=-1.0)
    )  # saved at every step
    with pytest.raises(KeyboardInterrupt):
        trials._train(Slope(stop_at=9), 20, folder, context, None)
    monkeypatch.undo()
    assert torch.load(folder / CHECKPOINT, weights_only=True)["step"] > 6
    again = trials._train(Slope(), 6, folder, context, None)
    assert torch.equal(again.model.weight, first.model.weight)
    assert json.loads((folder / trials.KEPT).read_text())["loss"] == pytest.approx(first.loss)


def test_a_step_has_the_parts_of_the_preset_and_is_timed_with_them(context, tmp_path, monkeypatch):
    preset = replace(PRESET, flow=replace(PRESET.flow, parts=4))
    stage = Slope(preset)
    trials._train(stage, 3, tmp_path / "0b", context, None)
    assert stage.met == list(range(3 * 4))
    clock = iter([0.0, 6.0])
    monkeypatch.setattr(trials.time, "perf_counter", lambda: next(clock))
    assert trials._step_s(Slope(preset)) == 4 * 6.0 / trials.TIMED_STEPS
