"""Mask decoders of other kinds ship as the U-Net does: band-split, recurrent, and several that answer together."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from maskruns import BANDS, UNET, network

from engine.bundle.bundle import load_bundle
from engine.bundle.free_axes import free_axes
from engine.bundle.graph_check import check_graph
from export.mask import answer_spec, check_mask, cut_answer, decoder_entry, export_mask
from export.parity import TOLERANCE
from training.finetune.mask import read_mask
from training.mask.band_split import BLOCKS
from training.mask.ensemble import ensemble_of
from training.mask.network import RECURRENT_LEVELS
from training.mask.queries import QueryAdapter

pytestmark = pytest.mark.slow

FRAMES, SIZE, BIAS = 192, 16, -0.7
KINDS = {
    "band-split": ([BANDS], "int8"),
    "both": ([BANDS, {"recurrent": True, **UNET}], "fp16"),
    "low head": ([{"low": 24, **UNET}], "int8"),
}
LSTMS = {"band-split": 2 * BLOCKS, "both": 2 * BLOCKS + 2 * len(RECURRENT_LEVELS), "low head": 0}


@pytest.fixture(scope="module", params=KINDS)
def exported(request, tmp_path_factory):
    """Kind, network, adapter, graph with its end, and what the graph takes and gives."""
    settings, precision = KINDS[request.param]
    made = ensemble_of([network(seed, **one) for seed, one in enumerate(settings)])
    adapter, folder = QueryAdapter(made.queries.weight, SIZE).eval(), tmp_path_factory.mktemp("kind")
    decoder = decoder_entry(0.05, 0.3, FRAMES)
    spec = export_mask(made, adapter, decoder, BIAS, precision, folder / "mask.onnx")
    cut_answer(answer_spec(spec), folder / "mask.onnx", folder / "end.onnx")
    return request.param, made, adapter, folder, spec


def test_whole_and_short_windows_answer_as_the_network(exported):
    kind, made, adapter, folder, _ = exported
    path, end = folder / "mask.onnx", folder / "end.onnx"
    assert free_axes(path.read_bytes()) == {"frames=192": 192, "frames/2=96": 96, "frames/32=6": 6}
    precision = KINDS[kind][1]
    prompts = np.random.default_rng(3).standard_normal((5, SIZE)).astype(np.float32)
    assert check_mask(made, adapter, path, prompts, precision, BIAS, end) < TOLERANCE[precision]


def test_an_lstm_is_one_node_and_no_transposed_convolution_is_left(exported):
    kind, _, _, folder, _ = exported
    operators = [node.op_type for node in onnx.load(str(folder / "mask.onnx")).graph.node]
    assert operators.count("LSTM") == LSTMS[kind]
    assert "ConvTranspose" not in operators
    assert len(operators) < 1500


def test_benchmarks_count_the_work_of_an_lstm_and_of_bands(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    from roofline import node_flops

    cell = onnx.helper.make_node("LSTM", ["x", "w", "r"], ["y"])
    assert node_flops(cell, {"x": (7, 3, 5), "w": (2, 16, 5), "r": (2, 16, 4)}) == 2 * 7 * 3 * 2 * 16 * (5 + 4)
    bands = onnx.helper.make_node("Einsum", ["x", "w"], ["y"], equation="btni,nio->btno")
    assert node_flops(bands, {"x": (2, 3, 4, 5), "w": (4, 5, 6)}) == 2 * 2 * 3 * 4 * 5 * 6


def test_the_engine_opens_the_graph_and_finds_the_shapes_that_it_is_told(exported):
    _, made, _, folder, spec = exported
    check_graph((folder / "mask.onnx").read_bytes(), spec.inputs, spec.outputs)
    end = answer_spec(spec)
    check_graph((folder / "end.onnx").read_bytes(), end.inputs, end.outputs)
    assert spec.outputs["described"] == ["B", made.config.describe, FRAMES // 2, 512]
    assert spec.outputs["plane"] == ["B", 256, FRAMES // 32, made.plane_bins]


def test_what_is_read_back_answers_as_the_graph_also_from_8_bits(exported, small_bundle, tmp_path):
    _, made, _, folder, _ = exported
    copy = shutil.copytree(small_bundle, tmp_path / "copy")
    shutil.copy(folder / "mask.onnx", copy / "mask.onnx")
    again, adapter, bias = read_mask(load_bundle(copy, check_hashes=False))
    assert bias == pytest.approx(BIAS)
    assert list(again.state_dict()) == list(made.state_dict())
    prompts = np.random.default_rng(7).standard_normal((2, SIZE)).astype(np.float32)
    assert check_mask(again, adapter, folder / "mask.onnx", prompts, "fp32", bias) < TOLERANCE["fp32"]
