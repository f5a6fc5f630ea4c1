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


def test_alone_in_company_and_from_the_cache_a_stem_is_the_same(run, noise, bundles, tmp_path):
    mix = noise(seconds=6.0, subtype="FLOAT", level=0.3)
    asked = {"input": mix, "bundle": str(bundles["bold"])}
    alone = run(**asked, prompts=("violin",)).results[0].stem
    together = run(**asked, prompts=("kazoo", "drums", "violin")).results[-1].stem
    kept = [run(**asked, prompts=("violin",), cache=str(tmp_path / "cache")).results[0].stem for _ in range(2)]
    for other in (together, *kept):
        np.testing.assert_array_equal(*(soundfile.read(stem)[0] for stem in (alone, other)))


def test_what_presence_denies_gets_no_gain_whatever_else_is_asked(run, noise, bundles):
    mix = noise(seconds=6.0, subtype="FLOAT", level=0.3)
    levels = {
        name: energy(run(input=mix, bundle=str(bundles[name]), prompts=("violin", "kazoo")).results[1].stem)
        for name in ("timid", "bold")
    }
    assert levels["bold"] == pytest.approx(levels["timid"], abs=1e-12)


def test_a_stem_keeps_its_level_from_window_to_window(run, noise, bundles):
    """The toy's mask is the same everywhere, so the stem's share of the mix must be too, but at the ends."""
    mix = noise(seconds=12.0, subtype="FLOAT", level=0.3)
    [result] = run(input=mix, bundle=str(bundles["bold"]), prompts=("violin",)).results
    stem_NC, mix_NC = (soundfile.read(path, always_2d=True)[0] for path in (result.stem, mix))
    second = 44_100
    shares = [
        float((stem_NC[at : at + second] * mix_NC[at : at + second]).sum() / np.square(mix_NC[at : at + second]).sum())
        for at in range(2 * second, len(mix_NC) - 2 * second, second // 2)
    ]
    assert max(shares) < 1.1 * min(shares)
