"""The shipped bundle is replaced only by the very bundle that was compared with it and was not worse."""

import hashlib
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import toyexperts
from toybundle import write_toy_bundle

from engine.bundle.bundle import FORMAT, load_bundle, manifest_to_json, write_manifest
from engine.bundle.separation import CascadeSpec, PanningSpec, PoolingSpec
from export import guard
from export.__main__ import main
from export.to_onnx import export_graph
from export.write import write_bundle
from training.eval.regression import SETTINGS, fingerprint, identity

MEASURED = {"compared_with": "small 1.0.0", "bench": {"duet": {"SDR": [5.12, 1.0, 9.0], "examples": 8}}}


@pytest.fixture
def shipped(tmp_path, monkeypatch) -> Path:
    """A folder of shipped bundles with one in it."""
    monkeypatch.setattr(guard, "SHIPPED", tmp_path / "bundles")
    return write_toy_bundle(tmp_path / "bundles" / "small")


def comparison(folder: Path, old: str, new: str, passed: bool = True, teacher: tuple[str, ...] = ("song-vocals",)):
    path = folder / "comparison.json"
    bundles = {"old": {"name": "small", "version": "1.0.0", "fingerprint": old}, "new": {"fingerprint": new}}
    rows = {"duet": {"figure": "SDR", "examples": 8, "new": [5.1234, 1.0, 9.0]}}
    judged = {"rows": rows, "teacher": {name: {"worse": False} for name in teacher}, "passed": passed}
    path.write_text(json.dumps({**bundles, **judged}))
    return path


def hashes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_name_does_not_change_a_fingerprint_and_a_graph_does(tmp_path):
    one, named, other = (
        fingerprint(load_bundle(folder).manifest)
        for folder in (
            write_toy_bundle(tmp_path / "one"),
            write_toy_bundle(tmp_path / "two", name="another", version="9.9.9"),
            write_toy_bundle(tmp_path / "three", tone=0.2),
        )
    )
    assert one == named != other
    assert identity(tmp_path / "two")["name"] == "another"


def test_settings_of_separation_change_a_fingerprint(tmp_path):
    """The same graphs pool and cascade otherwise, so it is another bundle to compare."""
    plain = load_bundle(write_toy_bundle(tmp_path / "one")).manifest
    pooling = PoolingSpec(components=4, confidence=2.0, sharpness=2.0, alone=["violin"], never=["drums"])
    cascades = [CascadeSpec(whole="drums", parts=["violin"])]
    changed = [replace(plain, pooling=pooling), replace(plain, pooling=replace(pooling, never=["bass"]))]
    changed.append(replace(plain, pooling=pooling, cascades=cascades))
    changed += [replace(plain, panning=PanningSpec(strength=strength)) for strength in (1.0, 2.0)]
    assert len({fingerprint(manifest) for manifest in (plain, *changed)}) == 6


def test_a_setting_that_came_later_and_does_nothing_leaves_a_fingerprint_as_it_was(tmp_path):
    plain = load_bundle(write_toy_bundle(tmp_path / "one")).manifest
    then = {"components": 4, "confidence": 2.0, "sharpness": 2.0, "alone": ["violin"], "never": ["drums"]}
    manifest = replace(plain, pooling=PoolingSpec(**then))
    settings = {name: asdict(manifest)[name] for name in SETTINGS} | {"pooling": then}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    assert fingerprint(manifest).endswith(f"settings:{digest}")
    louder = replace(manifest, pooling=PoolingSpec(**then, most_gain=4.0))
    assert fingerprint(louder) != fingerprint(manifest)


def test_without_a_comparison_the_shipped_bundle_stays(shipped, tmp_path, capsys):
    before = hashes(shipped)
    assert main([str(tmp_path / "run"), str(shipped), "--replace"]) == 2
    said = capsys.readouterr().err
    assert "training bench --compare" in said
    assert len(said.strip().splitlines()) == 1
    assert hashes(shipped) == before


@pytest.mark.parametrize(
    ("old", "passed", "why"),
    [(None, False, "is worse"), ("other", True, "another bundle"), (None, None, "no comparison")],
)
def test_a_comparison_that_was_lost_or_is_of_others_does_not_help(shipped, tmp_path, old, passed, why):
    mine = fingerprint(load_bundle(shipped).manifest)
    path = comparison(tmp_path, old or mine, "new", bool(passed))
    if passed is None:
        path.write_text("{}")
    with pytest.raises(ValueError, match=why):
        guard.wanted_fingerprint(shipped, path)


def test_only_the_compared_bundle_may_come(shipped, tmp_path):
    mine = load_bundle(shipped).manifest
    path = comparison(tmp_path, fingerprint(mine), "of another one")
    wanted = guard.wanted_fingerprint(shipped, path)
    assert wanted == "of another one"
    with pytest.raises(ValueError, match="another bundle than the one"):
        guard.check(mine, wanted, path)
    guard.check(mine, fingerprint(mine), path)


def test_voices_that_were_not_held_against_spleeters_let_nothing_pass(shipped, tmp_path):
    mine = fingerprint(load_bundle(shipped).manifest)
    path = comparison(tmp_path, mine, "new", teacher=())
    with pytest.raises(ValueError, match=r"does not hold the voices against those of Spleeter.*song-vocals"):
        guard.wanted_fingerprint(shipped, path)


@pytest.mark.parametrize(
    "words",
    [
        ["RUN", "SHIPPED", "--replace"],
        ["mask", "RUN", "TOY", "SHIPPED", "--replace"],
        ["refit", "RUN", "TOY", "SHIPPED", "--replace"],
        ["frames", "TOY", "SHIPPED", "--replace"],
        ["upsampling", "TOY", "SHIPPED", "--replace"],
        ["attach", "TOY", "TOY", "SHIPPED", "--terms", "vocals=violin", "--replace"],
        ["defaults", "SHIPPED", "--cascade", "drums=violin"],
        ["defaults", "SHIPPED", "--panning", "1"],
    ],
    ids=lambda words: words[-2] if words[0] == "defaults" else words[0],
)
def test_no_command_changes_the_stems_of_the_shipped_bundle_without_a_comparison(shipped, tmp_path, capsys, words):
    toy = toyexperts.write_bundle_with_experts(tmp_path / "toy", [], {})
    cascading(toy, shipped)
    places = {"RUN": tmp_path / "run", "TOY": toy, "SHIPPED": shipped}
    before = hashes(shipped)
    assert main([str(places.get(word, word)) for word in words]) == 2
    assert "training bench --compare" in capsys.readouterr().err
    assert hashes(shipped) == before


def test_other_cascades_come_with_their_comparison_and_other_defaults_without(shipped, tmp_path):
    cascading(toyexperts.write_bundle_with_experts(tmp_path / "toy", [], {}), shipped)
    assert main(["defaults", str(shipped), "--steps", "3"]) == 0
    old = load_bundle(shipped).manifest
    new = replace(old, cascades=[CascadeSpec(whole="drums", parts=["violin"])])
    path = comparison(tmp_path, fingerprint(old), fingerprint(new))
    words = ["defaults", str(shipped), "--comparison", str(path), "--cascade"]
    assert main([*words, "drums=violin,bass"]) == 2, "another one was compared"
    assert main([*words, "drums=violin"]) == 0
    assert load_bundle(shipped).manifest.cascades == new.cascades
    assert load_bundle(shipped).manifest.quality == MEASURED


def test_figures_of_a_bundle_go_when_its_stems_change_and_stay_while_they_do_not(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    cascading(toyexperts.write_bundle_with_experts(tmp_path / "toy", [], {}), folder)
    old = load_bundle(folder).manifest
    path = comparison(tmp_path, "whatever", fingerprint(old))
    assert guard.approve(folder, old, None, path).quality == load_bundle(folder).manifest.quality == MEASURED
    assert main(["defaults", str(folder), "--steps", "3"]) == 0
    assert load_bundle(folder).manifest.quality == MEASURED
    assert main(["defaults", str(folder), "--cascade", "drums=violin"]) == 0
    assert load_bundle(folder).manifest.quality == {}


def cascading(toy: Path, folder: Path) -> None:
    """Put a toy that may have cascades into a folder."""
    shutil.rmtree(folder)
    shutil.copytree(toy, folder)
    pooling = PoolingSpec(components=4, confidence=2.0, sharpness=2.0, alone=["violin"], never=["drums"])
    write_manifest(folder, manifest_to_json(replace(load_bundle(folder).manifest, format=FORMAT, pooling=pooling)))


def test_bundles_elsewhere_are_replaced_freely(shipped, tmp_path):
    elsewhere = write_toy_bundle(tmp_path / "mine" / "small")
    assert guard.wanted_fingerprint(elsewhere, None) is None
    assert guard.wanted_fingerprint(tmp_path / "bundles" / "new", None) is None


def test_an_export_takes_the_place_of_the_shipped_bundle_after_a_passed_comparison(
    tiny_run, exported_before, shipped, tmp_path, monkeypatch
):
    """The same run exports to the same graphs, so what was compared is what comes; the step is traced anew."""

    def again(spec, path, half):
        (export_graph if spec.name == "step" else exported_before)(spec, path, half)

    monkeypatch.setattr("export.write.export_graph", again)
    new = fingerprint(load_bundle(tiny_run.bundle).manifest)
    path = comparison(tmp_path, fingerprint(load_bundle(shipped).manifest), new)
    write_bundle(tiny_run.flow, shipped, "small", "2.0.0", half=True, replace=True, comparison=path)
    assert fingerprint(load_bundle(shipped).manifest) == new
    assert load_bundle(shipped).manifest.version == "2.0.0"
