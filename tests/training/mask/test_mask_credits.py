"""Whoever was heard on the way to some weights is named, however many runs lie between."""

import json

import numpy as np
import pytest
import torch

from training.__main__ import main
from training.mask import train
from training.mask.credits import FILE, START, Heard, heard_in
from training.mask.network import NetworkConfig, PromptedUNet
from training.mask.render import SAMPLES, Row, write_rows
from training.mask.terms import TERMS
from training.mask.train import MaskConfig, Training, heard_by

FIRST, SECOND, THIRD = "synth:saw", "font:0:40", "synth:square"


def shard(folder, source):
    folder.mkdir()
    noise = np.random.default_rng(0).standard_normal((1, SAMPLES)).astype(np.float32) * np.float32(0.1)
    write_rows(folder, "a", [Row(noise, {"family": "violin", "source": source, "piece": source})])
    return folder


def run(folder, heard=None):
    training = Training(PromptedUNet(NetworkConfig(terms=len(TERMS))), MaskConfig(), folder)
    training.heard = heard or Heard()
    training.save()
    return folder / "mask.pt"


def test_a_checkpoint_names_its_stems_and_those_of_its_start_and_teachers(tmp_path):
    start = run(tmp_path / "start", Heard(frozenset({FIRST}), ("a bundle: CC0, somebody",)))
    teacher = run(tmp_path / "teacher", Heard(frozenset({SECOND}), (START,)))
    heard = heard_by(start, [teacher], [shard(tmp_path / "stems", THIRD)])
    assert heard == Heard(frozenset({FIRST, SECOND, THIRD}), ("a bundle: CC0, somebody", START))
    assert Heard.read(run(tmp_path / "on", heard)) == heard


def test_training_begins_with_spleeters_weights_or_with_none(tmp_path):
    stems = [shard(tmp_path / "stems", FIRST)]
    assert heard_by(tmp_path / "net.ckpt", [], stems).credits == (START,)
    assert heard_by(None, [], stems) == heard_in(stems) == Heard(frozenset({FIRST}))


@pytest.mark.parametrize(("beside", "expected"), [(None, (START,)), (["a", "b"], ("a", "b"))])
def test_a_checkpoint_that_says_nothing_has_what_lies_beside_it(tmp_path, beside, expected):
    checkpoint = run(tmp_path)
    state = torch.load(checkpoint, weights_only=True)
    torch.save({name: value for name, value in state.items() if name not in ("sources", "credits")}, checkpoint)
    if beside is not None:
        (tmp_path / FILE).write_text(json.dumps(beside), "utf-8")
    assert Heard.read(checkpoint) == Heard(credits=expected)


def test_a_mean_has_heard_what_each_of_its_runs_has(tmp_path):
    one = run(tmp_path / "a", Heard(frozenset({FIRST}), (START,)))
    other = run(tmp_path / "b", Heard(frozenset({SECOND}), (START,)))
    head = run(tmp_path / "c", Heard(frozenset({THIRD})))
    runs = [str(path.parent) for path in (one, other)]
    assert main(["mask-mean", *runs, "--presence", str(head.parent), "--out", str(tmp_path / "d")]) == 0
    assert Heard.read(tmp_path / "d" / "mask.pt") == Heard(frozenset({FIRST, SECOND, THIRD}), (START,))


def test_the_command_keeps_what_its_run_heard(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "run", lambda training, _: training.save())
    start = run(tmp_path / "start", Heard(frozenset({FIRST}), (START,)))
    stems = shard(tmp_path / "stems", SECOND)
    words = ["--stems", str(stems), "--start", str(start), "--precision", "fp32"]
    assert main(["mask", "--out", str(tmp_path / "on"), *words]) == 0
    assert Heard.read(tmp_path / "on" / "mask.pt") == Heard(frozenset({FIRST, SECOND}), (START,))
