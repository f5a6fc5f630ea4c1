"""What presets promise and refuse: the papers' batches on any number of devices, names that can be folders."""

import re
from dataclasses import asdict, replace

import pytest

from engine.bundle.bundle import load_bundle, manifest_to_json, parse_manifest
from training.config import load_preset
from training.finetune.bundle import preset_of
from training.flow.train import train_config
from training.trainer.distributed import Distributed


@pytest.mark.parametrize(("name", "paper"), [("mage-music", 32), ("mge", 64)])
@pytest.mark.parametrize("devices", [1, 2, 4, 8])
def test_a_step_has_the_papers_batch_on_any_number_of_devices(name, paper, devices):
    preset, distributed = load_preset(name), Distributed()
    distributed.size = devices
    own = distributed.share(train_config(preset).parts)
    assert own * devices * preset.flow.batch == paper


def test_a_pool_smaller_than_a_batch_is_refused():
    flow = load_preset("tiny").flow
    with pytest.raises(ValueError, match="flow batch must be at least 1 and at most pool, 4, got 8"):
        replace(flow, pool=4)
    with pytest.raises(ValueError, match="flow batch must be at least 1"):
        replace(flow, batch=0)


@pytest.mark.parametrize(
    ("defaults", "said"),
    [
        (4, "defaults must be tables of a task's defaults, got 4"),
        ({"generate": 4}, "defaults generate must be a table, got 4"),
        ({"generate": {"guidance": 40}}, "defaults generate guidance must be from 0 to 20, got 40"),
        ({"generate": {"guidance": float("nan")}}, "defaults generate guidance must be from 0 to 20"),
        ({"generate": {"steps": "4"}}, "defaults generate steps must be a whole number from 1 to 1000, got '4'"),
        ({"generate": {"steps": 2.0}}, "defaults generate steps must be a whole number from 1 to 1000"),
        ({"generate": {"steps": True}}, "defaults generate steps must be a whole number from 1 to 1000"),
        ({"generate": {"temperature": 3}}, "defaults generate temperature must be from 0 to 2, got 3"),
        ({"restyle": {"strength": -0.1}}, "defaults restyle strength must be from 0 to 1"),
        ({"generate": {"start": "nose"}}, "defaults generate start must be zeros or noise, got 'nose'"),
        ({"generate": {"voice": "sung"}}, "defaults generate voice must be flow or sampled, got 'sung'"),
    ],
)
def test_defaults_that_no_bundle_may_have_are_refused_before_any_training(defaults, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        replace(load_preset("tiny"), defaults=defaults)


def test_every_default_at_its_ends_is_taken_by_preset_and_bundle_alike(small_bundle):
    manifest = load_bundle(small_bundle).manifest
    for row in (
        {"steps": 1, "guidance": 0, "start": "zeros", "strength": 0, "temperature": 0},
        {"steps": 1000, "guidance": 20.0, "start": "noise", "strength": 1.0, "temperature": 2.0, "voice": "sampled"},
        {"strength": None},
    ):
        replace(load_preset("tiny"), defaults={"restyle": row})
        new = replace(manifest, defaults={**manifest.defaults, "restyle": replace(manifest.defaults["restyle"], **row)})
        parse_manifest(manifest_to_json(new).encode(), "it")


@pytest.mark.parametrize("name", ["a/b", "..", "", ".hidden", "-x", "a b", 3])
def test_a_name_that_cannot_be_part_of_a_folders_is_refused(name):
    with pytest.raises(ValueError, match="a preset's name may hold letters, digits"):
        replace(load_preset("tiny"), name=name)


def test_a_bundles_recipe_with_such_a_name_is_refused_in_one_sentence(small_bundle):
    bundle = load_bundle(small_bundle)
    recipe = asdict(preset_of(bundle, None))
    recipe["name"] = "../../elsewhere"
    wrong = replace(bundle, manifest=replace(bundle.manifest, recipe=recipe))
    with pytest.raises(ValueError, match="a preset's name may hold letters"):
        preset_of(wrong, None)
