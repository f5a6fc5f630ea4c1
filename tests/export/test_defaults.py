"""Promises of ``python -m export defaults``: what is asked changes, nothing else does, and the bundle stays whole."""

from dataclasses import replace

import pytest
import toybundle
import toyexperts

from engine import Request
from engine.bundle.bundle import CHECKSUM, FORMAT, MANIFEST, load_bundle, manifest_to_json, write_manifest
from engine.bundle.separation import CascadeSpec, PanningSpec, PoolingSpec
from engine.inference.model import fill_defaults
from engine.tasks import TASKS
from export.__main__ import main
from export.guard import SHIPPED
from export.write import task_defaults
from training.config import load_preset
from training.mask.terms import CASCADES, POOLING, with_gain


@pytest.fixture
def bundle(tmp_path):
    folder = toybundle.write_toy_bundle(tmp_path / "toy")
    write_manifest(folder, manifest_to_json(load_bundle(folder).manifest))  # with its hash, as export leaves it
    return folder


def everything_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_tasks_that_make_sound_change_and_the_others_do_not(bundle, capsys):
    before, files = load_bundle(bundle).manifest, everything_in(bundle)
    assert main(["defaults", str(bundle), "--steps", "2", "--guidance", "2.5", "--version", "0.2"]) == 0
    after = load_bundle(bundle).manifest  # its hash fits
    for task, rule in TASKS.items():
        row = after.defaults[task]
        if rule.masked:
            assert row == before.defaults[task]
        else:
            assert (row.steps, row.guidance, row.start) == (2, 2.5, before.defaults[task].start)
    assert after.version == "0.2"
    assert {name for name, content in everything_in(bundle).items() if content != files[name]} == {MANIFEST, CHECKSUM}
    assert "regenerate  steps 2  guidance 2.5  start noise  temperature 1.0" in capsys.readouterr().out


def test_one_task_can_be_changed_alone_and_a_request_then_gets_its_default(bundle):
    words = ["--task", "restyle", "--strength", "0.4", "--steps", "3", "--temperature", "0.5"]
    assert main(["defaults", str(bundle), *words]) == 0
    manifest = load_bundle(bundle).manifest
    asked = {
        task: fill_defaults(Request(task=task, prompts=("violin",)), manifest) for task in ("restyle", "regenerate")
    }
    row = asked["restyle"]
    assert (row.strength, row.steps, row.temperature) == (0.4, 3, 0.5)
    row = asked["regenerate"]
    assert (row.strength, row.steps, row.temperature) == (None, 4, 1.0)


def test_a_strength_for_all_goes_to_those_that_begin_at_a_stem(bundle):
    assert main(["defaults", str(bundle), "--strength", "0.5"]) == 0
    rows = load_bundle(bundle).manifest.defaults
    assert {task for task, row in rows.items() if row.strength == 0.5} == {"restyle", "replace"}


def test_an_export_writes_the_strength_of_tasks_that_begin_at_a_stem():
    rows = {task: task_defaults(task, load_preset("tiny")) for task in TASKS}
    assert {task: row.strength for task, row in rows.items()} == {task: rule.strength for task, rule in TASKS.items()}
    assert rows["restyle"].strength == 0.6


def test_a_preset_may_give_a_task_defaults_of_its_own():
    preset = replace(load_preset("tiny"), defaults={"generate": {"steps": 2, "temperature": 0.5}})
    for task in TASKS:
        plain = task_defaults(task, load_preset("tiny"))
        wanted = replace(plain, steps=2, temperature=0.5) if task == "generate" else plain
        assert task_defaults(task, preset) == wanted


@pytest.mark.parametrize("wrong", [{"sing": {"steps": 2}}, {"generate": {"speed": 2}}])
def test_a_preset_cannot_give_defaults_that_a_bundle_does_not_have(wrong):
    with pytest.raises(ValueError, match="tasks are isolate"):
        replace(load_preset("tiny"), defaults=wrong)


def test_the_bundle_that_ships_pools_and_cascades_as_it_is_measured_in_training():
    manifest = load_bundle(SHIPPED / "small").manifest
    assert manifest.cascades == CASCADES
    assert manifest.pooling == POOLING


def test_the_bundle_that_ships_does_what_its_preset_says():
    rows = load_bundle(SHIPPED / "small").manifest.defaults
    assert rows == {task: task_defaults(task, load_preset("small")) for task in TASKS}


def test_a_version_can_be_given_alone(bundle):
    before = load_bundle(bundle).manifest
    assert main(["defaults", str(bundle), "--version", "0.3"]) == 0
    after = load_bundle(bundle).manifest
    assert (after.version, after.defaults) == ("0.3", before.defaults)


def test_cascades_are_added_to_a_bundle_and_stay(tmp_path, capsys):
    bundle = toyexperts.write_bundle_with_experts(tmp_path / "toy", [], {})
    pooling = PoolingSpec(components=4, confidence=2.0, sharpness=2.0, alone=["violin"], never=["drums"])
    write_manifest(bundle, manifest_to_json(replace(load_bundle(bundle).manifest, format=FORMAT, pooling=pooling)))
    assert main(["defaults", str(bundle), "--cascade", "drums=violin,bass"]) == 0
    assert "drums       violin, bass" in capsys.readouterr().out
    assert main(["defaults", str(bundle), "--steps", "3"]) == 0
    assert load_bundle(bundle).manifest.cascades == [CascadeSpec(whole="drums", parts=["violin", "bass"])]


def test_timid_stems_get_a_gain_and_lose_it_again(tmp_path, capsys):
    bundle = toyexperts.write_bundle_with_experts(tmp_path / "toy", [], {})
    pooling = PoolingSpec(components=4, confidence=2.0, sharpness=2.0, alone=["violin"], never=["drums"])
    write_manifest(bundle, manifest_to_json(replace(load_bundle(bundle).manifest, format=FORMAT, pooling=pooling)))
    assert main(["defaults", str(bundle), "--timid-gain", "6"]) == 0
    found = load_bundle(bundle).manifest.pooling
    assert found == with_gain(pooling, 6.0) != pooling
    assert main(["defaults", str(bundle), "--timid-gain", "0.5"]) == 2
    assert "pooling.most_gain must be" in capsys.readouterr().err
    assert load_bundle(bundle).manifest.pooling == found
    assert main(["defaults", str(bundle), "--timid-gain", "1"]) == 0
    assert load_bundle(bundle).manifest.pooling.most_gain == 1.0


def test_panning_comes_and_goes_and_must_be_a_strength(tmp_path, capsys):
    bundle = toyexperts.write_bundle_with_experts(tmp_path / "toy", [], {})
    assert main(["defaults", str(bundle), "--panning", "1.5"]) == 0
    found = load_bundle(bundle).manifest
    assert found.panning == PanningSpec(strength=1.5)
    assert found.format == FORMAT
    assert main(["defaults", str(bundle), "--panning", "-1"]) == 2
    assert "panning.strength must be from 0 to 10" in capsys.readouterr().err
    assert load_bundle(bundle).manifest == found
    assert main(["defaults", str(bundle), "--panning", "0"]) == 0
    assert load_bundle(bundle).manifest.panning is None


def test_panning_needs_a_mask_decoder(tmp_path, capsys):
    bundle = toybundle.write_toy_bundle(tmp_path / "flow alone")
    assert main(["defaults", str(bundle), "--panning", "1"]) == 2
    assert "panning needs a decoder" in capsys.readouterr().err


def test_what_is_so_already_leaves_every_byte(tmp_path):
    bundle = toybundle.write_toy_bundle(tmp_path / "older", format=2)
    before = everything_in(bundle)
    assert main(["defaults", str(bundle), "--task", "restyle", "--steps", "4"]) == 0
    assert everything_in(bundle) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--steps", "0"], "steps must be a positive whole number"),
        (["--steps", "1001"], "steps must be from 1 to 1000"),
        (["--guidance", "nan"], "guidance must be a number"),
        (["--guidance", "-1"], "guidance must be from 0 to 20"),
        (["--guidance", "21"], "guidance must be from 0 to 20"),
        (["--temperature", "2.5"], "temperature must be from 0 to 2"),
        (["--strength", "1.5"], "strength must be from 0 to 1"),
        (["--start", "middle"], "start must be zeros or noise"),
        ([], "nothing to change"),
        (["--cascade", "drums"], "a cascade is written WHOLE=PART,PART"),
        (["--cascade", "drums=violin"], "cascades need pooling"),
        (["--timid-gain", "6"], "a gain of timid stems needs pooling"),
        (["--task", "isolate", "--strength", "0.5"], "isolate cannot have a strength; those that can are re"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence_and_nothing_changes(bundle, capsys, words, said):
    before = everything_in(bundle)
    assert main(["defaults", str(bundle), *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert everything_in(bundle) == before


def test_a_folder_without_a_bundle_is_refused(tmp_path, capsys):
    assert main(["defaults", str(tmp_path), "--steps", "2"]) == 2
    assert "no bundle at" in capsys.readouterr().err
