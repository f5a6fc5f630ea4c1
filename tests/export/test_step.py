"""The step graph: one that sees, and a blind one without a place for a picture."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.bundle.bundle import load_bundle
from engine.latents import SLOTS
from export.graphs import step_spec
from export.parity import OnnxGraph, TorchGraph, difference, pictures
from export.to_onnx import export_graph
from training.config import load_preset
from training.finetune.bundle import read_flow
from training.flow.networks import build_network
from training.scene.config import frames_of

pytestmark = pytest.mark.slow

PRESET = load_preset("tiny")
BLIND = ["x", "t", "known", "prompt", "dt"]


def spec_of(**changes: object):
    preset = replace(PRESET, flow=replace(PRESET.flow, **changes))
    torch.manual_seed(2)
    flow = build_network(preset).eval().requires_grad_(False)
    for weights in flow.parameters():
        torch.nn.init.normal_(weights, std=0.15)
    return step_spec(preset, flow)


def test_a_preset_without_a_picture_exports_the_graph_it_always_did():
    spec = spec_of(picture_dim=0)
    assert list(spec.inputs) == BLIND
    assert pictures(spec, 2) == [None]


def agree(spec, path):
    """Torch and the file give the same answer at batches that were not traced; what is seen changes it."""
    by_torch, by_onnx = TorchGraph(spec), OnnxGraph(path)
    rng = np.random.default_rng(0)
    for rows in (1, 3):
        known = np.zeros((rows, SLOTS, PRESET.grid.window_frames), dtype=np.bool_)
        known[:, 0] = True
        inputs = {
            "x": rng.standard_normal((rows, *spec.inputs["x"][1:]), dtype=np.float32),
            "t": np.where(known, 1.0, 0.25).astype(np.float32),
            "known": known,
            "prompt": rng.standard_normal((rows, *spec.inputs["prompt"][1:]), dtype=np.float32),
            "dt": np.full(rows, 0.5, dtype=np.float32),
        }
        answers = []
        for picture in pictures(spec, rows):
            wanted, got = (run(**inputs, picture=picture) for run in (by_torch, by_onnx))
            assert difference(wanted, got) < 1e-4
            answers.append(got)
        assert difference(*answers) > 1e-3


def test_a_step_that_sees_agrees_with_torch_at_any_batch(tiny_run):
    flow = read_flow(load_bundle(tiny_run.bundle), tiny_run.preset)  # the weights in 16 bits, as the graph holds them
    spec = step_spec(tiny_run.preset, flow)
    assert list(spec.inputs) == [*BLIND, "picture"]
    assert spec.inputs["picture"] == ["B", frames_of(PRESET.grid.grid), PRESET.flow.picture_dim]
    agree(spec, tiny_run.bundle / "step.onnx")


def test_a_step_that_sees_in_other_ways_agrees_too(tmp_path):
    spec = spec_of(fusion="self-attention", avna="embedding", picture_time="still")
    export_graph(spec, tmp_path / "step.onnx", half=False)
    agree(spec, tmp_path / "step.onnx")
