"""Promises of ``python -m export refit``: what stands in the manifest of the copy is of the format that it names."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
import toybundle

from engine.bundle.bundle import FORMAT, load_bundle
from export import refit
from training.codec.train import train_codec


@pytest.fixture
def as_it_was(monkeypatch):
    """Put the bundle's own step graph in again: what is promised here is in the manifest alone."""

    def use(base):
        step = base.manifest.graphs["step"]
        spec = SimpleNamespace(name="step", inputs=step.inputs, outputs=step.outputs)
        monkeypatch.setattr(refit, "read_preset", lambda run: None)
        monkeypatch.setattr(refit, "load_flow", lambda preset, run: None)
        monkeypatch.setattr(refit, "step_spec", lambda preset, flow: spec)
        monkeypatch.setattr(refit, "export_graph", lambda spec, path, half: shutil.copyfile(base.path(step.file), path))
        monkeypatch.setattr(refit, "check_step", lambda spec, folder, manifest: manifest.parity)

    return use


@pytest.mark.parametrize("before", [1, 2, FORMAT])
def test_a_copy_of_an_older_bundle_names_the_format_of_what_it_holds(tmp_path, as_it_was, before):
    base = load_bundle(toybundle.write_toy_bundle(tmp_path / "toy", format=before))
    as_it_was(base)
    (tmp_path / "credits.json").write_text("[]")
    refit.refit(tmp_path, base, tmp_path / "copy")
    said = json.loads((tmp_path / "copy" / "manifest.json").read_text())
    assert said["format"] == FORMAT
    assert all("temperature" in row for row in said["defaults"].values())  # which older formats have not
    assert load_bundle(tmp_path / "copy").manifest.name == "copy"


@pytest.fixture(scope="module")
def sharper(tiny_run, tmp_path_factory):
    """A run that trained the decoder of the tiny codec alone."""
    codec = replace(
        tiny_run.preset.codec, decoder_only=True, adversarial_weight=0.1, discriminator_width=4, batch=2, steps=2,
        minutes=0.0, crop_frames=2,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("sharper")
    train_codec(replace(tiny_run.preset, codec=codec), tiny_run.cache, folder, workers=0, start=tiny_run.codec)
    return folder


def test_a_decoder_that_was_trained_alone_takes_the_place_of_a_bundles_own(tiny_run, sharper, tmp_path):
    base = load_bundle(tiny_run.bundle)
    refit.refit(sharper, base, tmp_path / "copy")
    copy = load_bundle(tmp_path / "copy")
    changed = {name for name, graph in copy.manifest.graphs.items() if graph != base.manifest.graphs[name]}
    assert changed == {"decode"}
    by_graph = {name: apart for name, apart in base.manifest.parity.items() if name in base.manifest.graphs}
    assert by_graph
    assert by_graph.items() <= copy.manifest.parity.items(), "what was compared before and is copied stays compared"
    assert copy.manifest.notes.startswith("The codec's decoder was trained further from")


def test_a_codec_with_an_encoder_of_its_own_is_refused(tiny_run, sharper, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(sharper, other)
    state = torch.load(other / "codec.pt", weights_only=True)
    state["latent_mean"] += 0.5
    torch.save(state, other / "codec.pt")
    with pytest.raises(ValueError, match=r"gives other latents than that of .*decoder_only"):
        refit.refit(other, load_bundle(tiny_run.bundle), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_run_of_a_stage_without_a_part_in_bundles_is_refused(tmp_path):
    (tmp_path / "settings.json").write_text('{"stage": "scene"}')
    with pytest.raises(ValueError, match="is a run of scene; a bundle can be refitted with a run of flow or codec"):
        refit.refit(tmp_path, None, tmp_path / "copy")
