"""A bundle trained further on a folder of stems: weights read back exactly, one command, nothing else changed."""

import json

import numpy as np
import onnx
import pytest
import soundfile as sf
import torch

from engine.bundle.bundle import load_bundle
from training.__main__ import main
from training.config import load_preset
from training.data.mixer import StemMixer
from training.data.stem_cache import StemCache
from training.finetune.bundle import preset_of, read_codec, read_flow
from training.finetune.graph_values import HALF, TRANSPOSED
from training.finetune.stems import BlendedMixer, questions, read_own
from training.finetune.unnamed_weights import match_weights
from training.finetune.weights import check_same, read_weights
from training.flow.networks import build_network
from training.flow.train import load_flow

RATE_HZ = 8000
NAMES = {"Bass DI": 55.0, "02_Flute": 880.0, "strange take": 300.0}
SECONDS = 21.0  # five spans of the tiny preset's four seconds, one of them held back


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two songs of three stems; one stem's name says nothing."""
    root = tmp_path_factory.mktemp("mine")
    time_s = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    for song, speed_hz in (("First", 2.0), ("Second", 3.0)):
        (root / song).mkdir()
        for name, hertz in NAMES.items():
            wave = np.sin(2 * np.pi * hertz * time_s) * (0.2 + 0.1 * np.sin(2 * np.pi * speed_hz * time_s))
            sf.write(root / song / f"{name}.wav", wave.astype(np.float32), RATE_HZ)
    return root


@pytest.fixture(scope="module")
def tuned(tiny_run, folder, tmp_path_factory):
    """The command, once: folder of the new bundle and of its run."""
    place = tmp_path_factory.mktemp("tuned")
    words = [
        "finetune",
        "--bundle",
        tiny_run.bundle,
        "--stems",
        folder,
        "--out",
        place / "mine",
        "--run",
        place / "run",
    ]
    words += ["--minutes", 0, "--steps", 5, "--questions", 2, "--workers", 0]
    words += ["--cache", tiny_run.cache.folder, "--heldout", tiny_run.cache.folder]
    assert main([str(word) for word in words]) == 0
    return place / "mine", place / "run"


def test_weights_come_back_from_the_graph_as_it_stores_them(tiny_run):
    trained = load_flow(tiny_run.preset, tiny_run.flow).state_dict()
    read = read_weights(tiny_run.bundle / "step.onnx", build_network(tiny_run.preset), "flow.")
    stored = {t.name for t in onnx.load(tiny_run.bundle / "step.onnx").graph.initializer}
    assert any(name.endswith(".half") for name in stored)
    assert set(read) == set(trained)
    for name, value in trained.items():
        halves = value.half().float()
        assert torch.equal(read[name], value) or torch.equal(read[name], halves), name


def test_a_graph_carries_the_names_of_torch_and_one_without_them_is_read_too(tiny_run):
    """Bundles from before names were kept are matched by the places of their weights; both ways read the same."""
    flow, path = build_network(tiny_run.preset), tiny_run.bundle / "step.onnx"
    stored = {t.name.removesuffix(HALF).removesuffix(TRANSPOSED) for t in onnx.load(path).graph.initializer}
    assert {f"flow.{name}" for name in flow.state_dict()} <= stored
    read, matched = read_weights(path, flow, "flow."), match_weights(path, flow, "flow.")
    assert all(torch.equal(read[name], matched[name]) for name in flow.state_dict())


def test_a_graph_and_the_weights_read_from_it_answer_alike(tiny_run):
    bundle = load_bundle(tiny_run.bundle)
    read_flow(bundle, tiny_run.preset)
    codec = read_codec(bundle, tiny_run.preset)
    assert not any(p.requires_grad for p in codec.parameters())


def test_weights_that_do_not_answer_as_the_graph_does_are_refused(tiny_run):
    class Other(torch.nn.Module):
        def forward(self, audio):
            return torch.ones(1, 16, 64)

    with pytest.raises(ValueError, match="do not answer as the graph does"):
        check_same(tiny_run.bundle / "encode.onnx", Other(), {"audio": torch.ones(1, 1, 64 * 160)})


def test_another_preset_is_refused_in_one_sentence(tiny_run):
    with pytest.raises(ValueError, match="give the preset that it was trained by with --preset"):
        preset_of(load_bundle(tiny_run.bundle), "small")
    small = build_network(load_preset("small"))
    with pytest.raises(ValueError, match="holds no weights for"):
        read_weights(tiny_run.bundle / "step.onnx", small, "flow.")


def test_one_command_makes_a_bundle_that_differs_in_its_flow_alone(tiny_run, tuned):
    old, new = load_bundle(tiny_run.bundle).manifest, load_bundle(tuned[0]).manifest
    assert {name for name in new.graphs if new.graphs[name].sha256 != old.graphs[name].sha256} == {"step"}
    assert new.encoders == old.encoders
    assert (new.name, new.quality) == ("mine", {})
    assert new.notes.startswith("The flow was trained further from tiny 0.0.1.")
    assert "the user's own stems" in new.attribution
    assert set(old.attribution) <= set(new.attribution)
    assert new.parity["measured"] <= new.parity["tolerance"]


def test_the_report_compares_both_bundles_on_what_was_held_back(tuned):
    report = json.loads((tuned[1] / "finetune.json").read_text("utf-8"))
    assert len(report) == 3  # in words, by sound, and what the model knew before
    for row in report.values():
        assert row["mixes"] == 2
        assert all(np.isfinite(row[key]).all() for key in ("before", "after", "gain"))


def test_a_fifth_of_every_piece_is_held_back_and_never_learnt_from(tuned):
    train, held = (StemCache(tuned[1] / "stems" / name) for name in ("train", "held"))
    assert (train.count, held.count) == (2 * 4 * 3, 2 * 1 * 3)
    assert not set(train.pieces) & set(held.pieces)
    assert {held.label(k)["piece"] for k in range(held.count)} == {"folder-First-16", "folder-Second-16"}


def test_the_tuned_bundle_answers_as_a_bundle_does(tuned, folder, fluxstem, tmp_path):
    given = folder / "First" / "Bass DI.wav"
    done, said = fluxstem("isolate", given, "bass", "--bundle", tuned[0], "--out", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    assert said["null_db"] == -300


def test_mixes_hold_own_stems_rendered_ones_and_both(tiny_run, tuned):
    own = StemCache(tuned[1] / "stems" / "train")
    blend = BlendedMixer(StemMixer(own), StemMixer(tiny_run.cache), 0.4)
    kinds = set()
    for seed in range(60):
        mix = blend.draw(np.random.default_rng(seed), 8000)
        kinds.add(frozenset(label["source"].startswith("set:folder") for label in mix.labels))
    assert kinds == {frozenset({True}), frozenset({False}), frozenset({True, False})}
    alone = BlendedMixer(StemMixer(own), None, 0.4)
    assert all(label["source"].startswith("set:folder") for label in alone.draw(np.random.default_rng(0), 8000).labels)


def test_only_stems_with_a_name_and_company_are_asked_for(tuned):
    held = StemCache(tuned[1] / "stems" / "held")
    asked = list(questions(held, 6, 8000, RATE_HZ))
    assert len(asked) == 6
    for one in asked:
        assert one.family != "other"
        assert one.inside.count(one.family) == 1
        assert len(one.inside) > 1


@pytest.mark.parametrize(
    ("names", "seconds", "said"),
    [
        (["take one", "take two"], 21.0, "is named for an instrument"),
        (["bass", "flute"], 3.0, "nothing can be held back"),
    ],
)
def test_stems_that_cannot_be_learnt_from_are_refused(tmp_path, names, seconds, said):
    for name in names:
        sf.write(tmp_path / f"{name}.wav", np.full(round(seconds * RATE_HZ), 0.1, np.float32), RATE_HZ)
    with pytest.raises(ValueError, match=said):
        read_own(tmp_path, tmp_path / "cut", RATE_HZ, 4.0)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--out", "TAKEN"], "is there already"),
        (["--bundle", "no-such-bundle"], "no bundle 'no-such-bundle'"),
        (["--rendered-share", "1"], "must be at least 0 and below 1"),
        (["--steps", "0"], "must be at least 1"),
    ],
)
def test_a_wrong_request_ends_with_one_sentence_and_no_file(tiny_run, folder, tmp_path, capsys, more, said):
    words = ["finetune", "--bundle", str(tiny_run.bundle), "--stems", str(folder), "--run", str(tmp_path / "run")]
    words += ["--out", str(tmp_path / "new")] + [str(tiny_run.bundle) if word == "TAKEN" else word for word in more]
    assert main(words) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
