"""Mask decoders of other kinds ship as the U-Net does: band-split, recurrent, and several that answer together."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile
import torch

from engine.bundle.bundle import load_bundle
from engine.bundle.free_axes import free_axes
from engine.bundle.graph_check import check_graph
from engine.pipeline import Pipeline
from engine.request import Request
from export.__main__ import main
from export.mask import answer_spec, check_mask, cut_answer, decoder_entry, export_mask
from export.parity import TOLERANCE
from training.finetune.mask import read_mask, unpack_mask
from training.mask.band_split import BLOCKS, build_network
from training.mask.calibrate import Calibration
from training.mask.calibrate import save as save_calibration
from training.mask.ensemble import together
from training.mask.judge import load_together
from training.mask.network import RECURRENT_LEVELS, NetworkConfig
from training.mask.queries import Figures, QueryAdapter, save
from training.mask.queries import load as load_queries
from training.mask.terms import TERMS
from training.mask.train import MaskConfig, Training

pytestmark = pytest.mark.slow

FRAMES, SIZE, BIAS = 192, 16, -0.7
BANDS = {"bands": 16, "query": 24, "describe": 8}
UNET = {"dense": False, "attention": 1}
KINDS = {"band-split": ([BANDS], "int8"), "both": ([BANDS, {"recurrent": True, **UNET}], "fp16")}
LSTMS = {"band-split": 2 * BLOCKS, "both": 2 * BLOCKS + 2 * len(RECURRENT_LEVELS)}


def network(seed, **settings):
    """A random network whose every layer counts: nothing is zero, and norms have statistics of their own."""
    torch.manual_seed(seed)
    made = build_network(NetworkConfig(terms=len(TERMS), **settings))
    with torch.no_grad():
        for name, value in [*made.named_parameters(), *made.named_buffers()]:
            if name.endswith("running_var"):
                value.uniform_(0.5, 2.0)
            elif value.dtype == torch.float32:
                value.add_(torch.randn_like(value) * (0.2 if "norm" in name else 0.02))
    return made.eval().requires_grad_(False)


@pytest.fixture(scope="module", params=KINDS)
def exported(request, tmp_path_factory):
    """Kind, network, adapter, graph with its end, and what the graph takes and gives."""
    settings, precision = KINDS[request.param]
    made = together([network(seed, **one) for seed, one in enumerate(settings)])
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


def run_of(folder, seed, embedding, **settings):
    """A run of a random decoder with everything that an export needs."""
    made = network(seed, **settings)
    Training(made, MaskConfig(), folder).save()
    rows = np.random.default_rng(seed).standard_normal((len(TERMS), embedding)).round(4)
    terms = {term: row.tolist() for term, row in zip(TERMS, rows, strict=True)}
    torch.manual_seed(seed)
    save(folder, QueryAdapter(made.queries.weight, embedding), {"all": Figures(1, 1.0, 1.0, 0.0)}, terms)
    (folder / "credits.json").write_text(json.dumps([f"song {seed}: CC0-1.0, Nobody; nowhere"]))
    return folder


@pytest.fixture(scope="module")
def both(tmp_path_factory, small_bundle):
    """Two runs of different kinds and the bundle that holds both."""
    folder, embedding = tmp_path_factory.mktemp("both"), load_bundle(small_bundle).manifest.embedding
    runs = [run_of(folder / "bands", 5, embedding, **BANDS), run_of(folder / "unet", 6, embedding, **UNET)]
    words = ["mask", str(runs[0]), str(small_bundle), str(folder / "bundle"), "--beside", str(runs[1])]
    words += ["--precision", "int8"]  # two networks in 16 bits would be too large for one bundle
    assert main(words) == 0
    return runs, folder / "bundle"


def test_a_bundle_holds_two_networks_in_one_graph(both):
    runs, folder = both
    manifest = load_bundle(folder).manifest
    assert manifest.graphs["mask"].outputs["described"] == ["B", 8 + 48, 256, 512]
    assert manifest.graphs["mask"].outputs["plane"] == ["B", 256, 16, 44 + 32]
    assert {"song 5", "song 6"} <= set(manifest.trained_on)
    assert manifest.parity["mask"] < TOLERANCE["fp16"]
    del runs


def test_the_engine_takes_stems_out_with_both_with_and_without_what_it_keeps(both, tmp_path):
    _, folder = both
    audio, rate_hz = soundfile.read("resources/demo/mix.flac")
    mix, stems = tmp_path / "mix.wav", []
    soundfile.write(mix, audio[: 3 * rate_hz], rate_hz, subtype="FLOAT")
    for cache in ("", str(tmp_path / "cache"), str(tmp_path / "cache")):
        request = Request(
            task="isolate",
            prompts=("bass",),
            input=str(mix),
            out=str(tmp_path),
            bundle="any",
            device="cpu",
            cache=cache,
        )
        done = Pipeline(lambda name: folder).run(request, lambda *told: None, lambda: None)
        stem, rest = (soundfile.read(path)[0] for path in (done.results[0].stem, done.results[0].rest))
        np.testing.assert_array_equal((stem + rest).astype(np.float32), soundfile.read(mix)[0].astype(np.float32))
        stems.append(stem)
    assert np.square(stems[0]).mean() > 0
    for kept in stems[1:]:
        assert np.square(kept - stems[0]).mean() < 1e-5 * np.square(stems[0]).mean()


def test_both_come_out_of_the_bundle_and_go_into_one_again(both, tmp_path):
    runs, folder = both
    bundle = load_bundle(folder)
    unpack_mask(bundle, tmp_path / "mask")
    paths = [tmp_path / "mask" / "mask.pt", tmp_path / "mask" / "beside-1" / "mask.pt"]
    again, trained = load_together(paths), load_together([run / "mask.pt" for run in runs])
    assert [one.config for one in again.networks()] == [one.config for one in trained.networks()]
    for name, weight in trained.state_dict().items():
        step = weight.abs().max() / 127  # of 8 bits, the coarsest that it can be rounded to
        assert (again.state_dict()[name] - weight).abs().max() <= 0.51 * step + 1e-6, name
    adapter = load_queries(tmp_path / "mask", again.queries.weight)
    prompts = np.random.default_rng(3).standard_normal((2, bundle.manifest.embedding)).astype(np.float32)
    assert check_mask(again, adapter, bundle.path("mask.onnx"), prompts, "fp16") < 2e-3
    words = ["mask", str(tmp_path / "mask"), str(folder), str(tmp_path / "new")]
    assert main(words) == 2, "what both were calibrated for is not that of one"
    assert not (tmp_path / "new").exists()


def test_presence_that_was_calibrated_for_another_number_of_networks_is_refused(both, small_bundle, tmp_path, capsys):
    runs, _ = both
    run = shutil.copytree(runs[0], tmp_path / "run")
    save_calibration(run, Calibration(bias=0.5, cases=9))
    assert asdict(Calibration())["networks"] == 1
    assert main(["mask", str(run), str(small_bundle), str(tmp_path / "new"), "--beside", str(runs[1])]) == 2
    assert f"mask-calibrate {run} --beside {runs[1]}" in capsys.readouterr().err
