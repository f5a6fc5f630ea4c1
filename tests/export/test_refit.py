"""Promises of ``python -m export refit``: what stands in the manifest of the copy is of the format that it names."""

import json
import shutil
from types import SimpleNamespace

import pytest
import toybundle

from engine.bundle.bundle import FORMAT, load_bundle
from export import refit


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
