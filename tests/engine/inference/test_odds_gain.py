"""A bundle that says so brings timid stems to their level; the sum stays the mix, and only presence opens it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
import toyexperts

from engine.bundle.bundle import write_manifest
from engine.bundle.manifest import FORMAT

POOLING = {"components": 4, "confidence": 2.0, "sharpness": 2.0, "alone": ["bass"], "never": ["drums"]}
FLOAT_NULL_DB = -170  # a sum of float samples is rounded once


def written(folder, **gain):
    toyexperts.write_bundle_with_experts(folder, [], {})
    said = json.loads((folder / "manifest.json").read_text())
    write_manifest(folder, json.dumps(said | {"format": FORMAT, "pooling": POOLING | gain}))
    return folder


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    bold = {"most_gain": 10.0, "gain_rank": 1}
    return {
        "timid": written(folder / "timid"),
        "bold": written(folder / "bold", **bold, gain_low=0.5, gain_high=0.7),
        "wary": written(folder / "wary", **bold, gain_low=1 - 2e-9, gain_high=1 - 1e-9),
    }


def energy(path):
    return float(np.square(soundfile.read(path)[0]).mean())


@pytest.mark.parametrize("task", ["isolate", "remove"])
def test_a_timid_stem_is_louder_where_it_sounds_and_the_sum_is_the_mix(run, noise, bundles, task):
    mix = noise(seconds=6.0, subtype="FLOAT", level=0.3)
    found = {}
    for name, folder in bundles.items():
        [result] = run(input=mix, bundle=str(folder), task=task, prompts=("violin",)).results
        assert result.null_db < FLOAT_NULL_DB
        found[name] = energy(result.stem)
    assert found["bold"] > 4 * found["timid"]
    assert found["wary"] == pytest.approx(found["timid"], rel=1e-6)


def test_terms_whose_masks_stay_get_no_gain(run, noise, bundles):
    mix = noise(seconds=6.0, subtype="FLOAT", level=0.3)
    stems = [
        run(input=mix, bundle=str(bundles[name]), prompts=("drums",)).results[0].stem for name in ("timid", "bold")
    ]
    one, other = (soundfile.read(stem)[0] for stem in stems)
    np.testing.assert_array_equal(one, other)


def test_alone_and_in_company_a_stem_is_the_same(run, noise, bundles):
    mix = noise(seconds=6.0, subtype="FLOAT", level=0.3)
    asked = {"input": mix, "bundle": str(bundles["bold"])}
    alone = run(**asked, prompts=("violin",)).results[0].stem
    together = run(**asked, prompts=("violin", "drums")).results[0].stem
    np.testing.assert_allclose(*(soundfile.read(stem)[0] for stem in (alone, together)), atol=1e-6)
