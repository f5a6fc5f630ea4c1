"""Mask decoders that answer together ship in one bundle, and come out of it again."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from maskruns import BANDS, UNET, run_of

from engine.bundle.bundle import load_bundle, manifest_to_json, write_manifest
from engine.pipeline import Pipeline
from engine.request import Request
from export.__main__ import main
from export.mask import check_mask
from export.parity import TOLERANCE
from training.finetune.mask import unpack_mask
from training.mask.calibration import Calibration
from training.mask.calibration import save as save_calibration
from training.mask.judge import load_ensemble
from training.mask.queries import load as load_queries

pytestmark = pytest.mark.slow


def without_experts(bundle: Path, folder: Path) -> Path:
    """A copy of a bundle in which no separator that was trained elsewhere answers."""
    shutil.copytree(bundle, folder)
    manifest = load_bundle(folder).manifest
    theirs = {expert.graph for expert in manifest.experts}
    for name in theirs:
        (folder / manifest.graphs[name].file).unlink()
    graphs = {name: graph for name, graph in manifest.graphs.items() if name not in theirs}
    write_manifest(folder, manifest_to_json(replace(manifest, graphs=graphs, experts=[])))
    return folder


@pytest.fixture(scope="module")
def both(tmp_path_factory, small_bundle):
    """Two runs of different kinds and the bundle that holds both."""
    folder, embedding = tmp_path_factory.mktemp("both"), load_bundle(small_bundle).manifest.embedding
    runs = [run_of(folder / "bands", 5, embedding, **BANDS), run_of(folder / "unet", 6, embedding, **UNET)]
    room = without_experts(small_bundle, folder / "room")  # for two networks in 16 bits, within a bundle's size
    words = ["mask", str(runs[0]), str(room), str(folder / "bundle"), "--beside", str(runs[1])]
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
    again, trained = load_ensemble(paths), load_ensemble([run / "mask.pt" for run in runs])
    assert [one.config for one in again.networks()] == [one.config for one in trained.networks()]
    for name, weight in trained.state_dict().items():
        assert (again.state_dict()[name] - weight).abs().max() <= 2e-3 * weight.abs().max() + 1e-6, name
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
