"""Promises of the mask graph: it answers as the network, for any number of prompts and sections, or is refused."""

from __future__ import annotations

import functools
import json
import shutil
from copy import deepcopy
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from engine.bundle.bundle import FORMAT, load_bundle, manifest_to_json, write_manifest
from engine.bundle.separation import decoder_axes
from export import mask as exporting
from export.__main__ import main
from export.mask import (
    ANSWER,
    MaskExportConfig,
    MaskGraph,
    answer_spec,
    check_mask,
    cut_answer,
    decoder_entry,
    mask_spec,
    real_mixes,
    write,
)
from export.parity import TOLERANCE, Disagreement
from export.storage import store
from export.to_onnx import export_graph
from training.mask.network import BINS, NetworkConfig, PromptedUNet
from training.mask.queries import AdapterAccuracy, QueryAdapter, save
from training.mask.terms import POOLING, TERMS

pytestmark = pytest.mark.slow

FRAMES, SIZE = 64, 16


def network(**changes) -> PromptedUNet:
    """A random network whose every layer counts: nothing is zero, and norms have statistics of their own."""
    torch.manual_seed(0)
    made = PromptedUNet(NetworkConfig(terms=len(TERMS), **changes))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in [*made.named_parameters(), *made.named_buffers()]:
            if name.endswith("running_var"):
                value.uniform_(0.5, 2.0, generator=generator)
            elif value.dtype == torch.float32 and "queries" not in name and "norm" not in name:
                value.add_(torch.randn(value.shape, generator=generator) * 0.02)
            elif value.dtype == torch.float32 and "queries" not in name:
                value.add_(torch.randn(value.shape, generator=generator) * 0.2)
    return made.eval().requires_grad_(False)


def adapter(embedding: int = SIZE) -> QueryAdapter:
    torch.manual_seed(2)
    return QueryAdapter(torch.randn(len(TERMS), 96), embedding).eval().requires_grad_(False)


BIAS, GATE = -0.7, (0.05, 0.3)
KINDS = {
    "whole": ({}, "fp16"),
    "in 8 bits": ({}, "int8"),
    "plain, with estimates": ({"estimate": True, "dense": False, "attention": 0}, "fp32"),
}


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """``traced(changes)`` -> a network and its graph; one that was traced before is not traced again."""

    @functools.cache
    def trace(changes):
        made, path = network(**dict(changes)), tmp_path_factory.mktemp("traced") / "mask.onnx"
        export_graph(mask_spec(made, adapter(), FRAMES, BIAS), path, half=False)
        return made, path

    return trace


@pytest.fixture(scope="module", params=KINDS)
def exported(request, traced, tmp_path_factory):
    """A network, its graph, and how its weights are stored."""
    changes, precision = KINDS[request.param]
    made, plain = traced(tuple(changes.items()))
    path = Path(shutil.copy(plain, tmp_path_factory.mktemp("mask")))
    store(path, precision)
    return made, path, precision


def test_the_graph_answers_as_the_network_for_any_number_of_prompts_and_sections(exported):
    made, path, precision = exported
    prompts = np.random.default_rng(3).standard_normal((5, SIZE)).astype(np.float32)
    assert check_mask(made, adapter(), path, prompts, precision, BIAS) < TOLERANCE[precision]


def test_every_prompt_is_asked_of_every_section(exported):
    made, path, _ = exported
    session = onnxruntime.InferenceSession(str(path))
    mix, prompt = real_mixes(3, FRAMES), np.random.default_rng(4).standard_normal((2, SIZE)).astype(np.float32)

    def ask(sections: slice, prompts: slice) -> list[np.ndarray]:
        given = {"mix": mix[sections], "prompt": prompt[prompts]}
        if made.config.estimate:
            given["estimate"] = mix[sections] / 2
        return session.run(["stem", "rest", "presence"], given)

    stem, rest, presence = ask(slice(None), slice(None))
    assert stem.shape == rest.shape == (2, 3, 2, FRAMES, BINS)
    assert presence.shape == (2, 3, FRAMES // 32)
    assert 0 <= min(stem.min(), rest.min()) <= max(stem.max(), rest.max()) <= 1
    alone, _, there = ask(slice(1, 2), slice(1, 2))
    np.testing.assert_allclose(stem[1, 1], alone[0, 0], atol=1e-4)
    np.testing.assert_allclose(presence[1, 1], there[0, 0], atol=1e-3)
    assert np.abs(stem[0] - stem[1]).max() > 1e-3, "prompts differ"


def test_the_end_of_the_graph_goes_on_from_what_was_heard(exported, tmp_path):
    """Bit for bit, also in 16 bits, in which it is kept, and for some of the sections and prompts."""
    made, path, _ = exported
    end = answer_spec(mask_spec(made, adapter(), FRAMES, BIAS))
    if made.config.estimate:
        assert end is None, "what it hears depends on the prompt"
        return
    cut_answer(end, path, tmp_path / "end.onnx")
    assert (tmp_path / "end.onnx").stat().st_size < 0.1 * path.stat().st_size
    whole, rest = (onnxruntime.InferenceSession(str(one)) for one in (path, tmp_path / "end.onnx"))
    mix, prompt = real_mixes(2, FRAMES), np.random.default_rng(5).standard_normal((3, SIZE)).astype(np.float32)
    found = dict(
        zip(mask_spec(made, adapter(), FRAMES).outputs, whole.run(None, {"mix": mix, "prompt": prompt}), strict=True)
    )
    heard = {name: found[name].astype(np.float16).astype(np.float32) for name in ("described", "plane")}
    for name, values in heard.items():
        np.testing.assert_array_equal(values, found[name])
    given = {"mix": mix[1:], "prompt": prompt[:2]} | {name: values[1:] for name, values in heard.items()}
    for name, values in zip(end.outputs, rest.run(list(end.outputs), given), strict=True):
        np.testing.assert_allclose(values, found[name][:2, 1:], atol=1e-5)


def test_a_graph_of_another_network_is_refused(exported):
    made, path, precision = exported
    other = deepcopy(made)
    other.choose.bias.add_(2.0)
    with pytest.raises(Disagreement, match="mask graph"):
        check_mask(other, adapter(), path, np.ones((1, SIZE), np.float32), precision, BIAS)


def test_a_network_that_takes_the_flows_estimate_has_a_third_input():
    assert list(mask_spec(network(estimate=True), adapter(), FRAMES).inputs) == ["mix", "prompt", "estimate"]


def test_the_axes_are_those_that_the_manifest_wants():
    spec = mask_spec(network(), adapter())
    inputs, outputs = decoder_axes(decoder_entry(*GATE), SIZE, list(spec.inputs))
    assert spec.inputs == inputs
    assert outputs.items() <= spec.outputs.items()
    assert answer_spec(spec).outputs == outputs
    assert set(spec.outputs) - set(outputs) == set(answer_spec(spec).inputs) - set(inputs) == {"described", "plane"}


def test_real_sound_is_at_the_level_of_training_and_ends_in_silence():
    mixes = real_mixes(3, FRAMES)
    assert mixes.shape == (3, 2, FRAMES, BINS)
    power = (mixes[0] ** 2).sum(-1).mean() * 2 / (0.375 * 4096**2)  # of a Hann frame, against the sample's
    assert 10 * np.log10(power) == pytest.approx(exporting.LEVEL_DB, abs=2.5)
    assert mixes[-1][:, -8:].max() < 1e-3 < mixes[-1][:, :8].max()


@pytest.fixture(scope="module")
def plain(tmp_path_factory, small_bundle):
    """The bundle that ships, without its mask decoder and its expert."""
    folder = tmp_path_factory.mktemp("plain") / "plain"
    old = load_bundle(small_bundle).manifest
    extra = {old.decoder.graph, ANSWER, *(expert.graph for expert in old.experts)}
    gone = {old.terms.file, *(old.graphs[name].file for name in extra)}
    shutil.copytree(small_bundle, folder, ignore=lambda _, names: gone & set(names))
    graphs = {name: graph for name, graph in old.graphs.items() if name not in extra}
    manifest = replace(
        old, name="plain", decoder=None, terms=None, pooling=None, panning=None, cascades=[], experts=[], graphs=graphs
    )
    write_manifest(folder, manifest_to_json(manifest))
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory, small_bundle):
    """A run of a random decoder with everything that an export needs."""
    run = tmp_path_factory.mktemp("run")
    made = network(dense=False, attention=0)
    state = {"network": asdict(made.config), "terms": list(TERMS), "average": made.state_dict()}
    torch.save(state, run / "mask.pt")
    embedding = load_bundle(small_bundle).manifest.embedding
    rows = np.random.default_rng(0).standard_normal((len(TERMS), embedding)).round(4)
    terms = {term: row.tolist() for term, row in zip(TERMS, rows, strict=True)}
    save(run, adapter(embedding), {"all": AdapterAccuracy(1, 1.0, 1.0, 0.0)}, terms)
    (run / "credits.json").write_text(json.dumps(["song moon: CC0-1.0, Nobody; nowhere"]))
    return run


@pytest.fixture
def short(monkeypatch):
    """Sections of 3 s, so that a test takes no longer."""
    monkeypatch.setattr(exporting, "MaskExportConfig", partial(MaskExportConfig, frames=128))


@pytest.fixture(scope="module")
def written(finished, plain, tmp_path_factory):
    """A bundle with that decoder."""
    folder = tmp_path_factory.mktemp("bundles") / "new"
    write(MaskExportConfig(run=finished, frames=128, version="2.0.0"), load_bundle(plain), folder)
    return folder


def test_a_bundle_gets_a_decoder_and_all_else_stays(written, plain):
    old, new = load_bundle(plain), load_bundle(written)
    assert (new.manifest.format, new.manifest.name, new.manifest.version) == (FORMAT, "new", "2.0.0")
    assert new.manifest.decoder == decoder_entry(*GATE, frames=128)
    assert new.manifest.pooling == POOLING
    assert {name: new.manifest.graphs[name] for name in old.manifest.graphs} == old.manifest.graphs
    assert (new.manifest.asks, new.manifest.defaults) == (old.manifest.asks, old.manifest.defaults)
    assert new.manifest.attribution[-1].startswith("song moon")
    assert "song moon" in new.manifest.trained_on
    assert new.manifest.terms is not None
    assert set(json.loads(new.path(new.manifest.terms.file).read_text())) == set(TERMS)
    assert new.manifest.parity["mask"] < 2e-2


def test_what_does_not_fit_is_refused_before_anything_is_written(short, finished, plain, tmp_path, capsys):
    words = ["mask", str(finished), str(plain)]
    assert main([*words[:1], str(tmp_path), *words[2:], str(tmp_path / "new")]) == 2
    assert "training mask-queries" in capsys.readouterr().err
    taken = tmp_path / "taken"
    taken.mkdir()
    assert main([*words, str(taken)]) == 2
    assert main([*words, str(tmp_path / "new"), "--gate-low", "0.9"]) == 2
    assert "gate_low" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["taken"], "no draft is left"


def test_a_graph_that_answers_otherwise_is_not_written(short, finished, written, plain, tmp_path, monkeypatch, capsys):
    run = shutil.copytree(finished, tmp_path / "run")
    state = torch.load(run / "mask.pt", weights_only=True)
    state["average"]["choose.bias"] += 3.0
    torch.save(state, run / "mask.pt")
    monkeypatch.setattr(exporting, "export_graph", lambda spec, path, half: shutil.copy(written / "mask.onnx", path))
    assert main(["mask", str(run), str(plain), str(tmp_path / "new")]) == 3
    assert "nothing was written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_the_module_takes_prompts_and_sections_apart():
    graph = MaskGraph(network(dense=False, attention=0), adapter())
    with torch.no_grad():
        stem, rest, presence, *_ = graph(torch.rand(3, 2, FRAMES, BINS), torch.randn(2, SIZE))
    assert stem.shape == rest.shape == (2, 3, 2, FRAMES, BINS)
    assert presence.shape == (2, 3, FRAMES // 32)
