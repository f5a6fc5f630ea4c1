"""What presets promise and refuse: the papers' batches on any number of devices, names that can be folders."""

from dataclasses import asdict, replace

import pytest

from engine.bundle import load_bundle
from training.config import load_preset
from training.finetune.bundle import preset_of
from training.flow.train import plan_of
from training.world import World


@pytest.mark.parametrize(("name", "paper"), [("mage-music", 32), ("mge", 64)])
@pytest.mark.parametrize("devices", [1, 2, 4, 8])
def test_a_step_has_the_papers_batch_on_any_number_of_devices(name, paper, devices):
    preset, world = load_preset(name), World()
    world.size = devices
    own = world.share(plan_of(preset).parts)
    assert own * devices * preset.flow.batch == paper


def test_a_pool_smaller_than_a_batch_is_refused():
    flow = load_preset("tiny").flow
    with pytest.raises(ValueError, match="flow batch must be at least 1 and at most pool, 4, got 8"):
        replace(flow, pool=4)
    with pytest.raises(ValueError, match="flow batch must be at least 1"):
        replace(flow, batch=0)


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
