"""The flow that is read out of a bundle must answer as its graph, on whatever path it moves."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from export.graphs import step_spec
from export.to_onnx import export_graph
from training.config import load_preset
from training.finetune.bundle import read_flow
from training.finetune.weights import AGREE
from training.flow.networks import build_network


def bundled(folder, **changes):
    """A small network of MGE-LDM's kind as the step of a bundle; its preset and its flow."""
    preset = load_preset("mge")
    flow = replace(preset.flow, slot_width=16, heads=4, middle=2, **changes)
    grid = replace(preset.grid, latent_channels=4, window_frames=16)
    preset = replace(preset, flow=flow, grid=grid, prompt=replace(preset.prompt, embedding=8))
    torch.manual_seed(0)
    network = build_network(preset).eval().requires_grad_(False)
    for weights in network.parameters():
        torch.nn.init.normal_(weights, std=0.1)
    export_graph(step_spec(preset, network), folder / "step.onnx", half=False)
    manifest = SimpleNamespace(graphs={"step": SimpleNamespace(file="step.onnx")})
    return SimpleNamespace(manifest=manifest, path=lambda name: folder / name), preset, network


@pytest.mark.slow
def test_a_flow_on_the_cosine_path_is_read_and_compared_too(tmp_path, monkeypatch):
    bundle, preset, network = bundled(tmp_path)
    assert preset.flow.path == "cosine"
    read = read_flow(bundle, preset)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(read.state_dict()[name], value, rtol=0, atol=AGREE)
    wrong = network.state_dict()
    name = max(wrong, key=lambda key: wrong[key].numel())
    monkeypatch.setattr(
        "training.finetune.bundle.read_weights", lambda *_: {**wrong, name: wrong[name] + 0.5 * wrong[name].std()}
    )
    with pytest.raises(ValueError, match="do not answer as the graph does"):
        read_flow(bundle, preset)
