"""Bundles of every older format are read, and take stems out as one of today's format that holds the same."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import toybundle
import toyexperts

from engine.bundle.bundle import FORMAT, MANIFEST, load_bundle, manifest_to_json, write_manifest
from engine.bundle.separation import PoolingSpec

# format -> the keys that it brought, of the manifest, of its rows for tasks and experts or of how masks are pooled
BROUGHT = {
    2: {"": ["asks"]},
    3: {"defaults": ["temperature"]},
    4: {"": ["decoder", "experts", "terms"]},
    5: {"": ["pooling"]},
    6: {"experts": ["share"]},
    7: {"defaults": ["voice"]},
    8: {"": ["cascades"]},
    9: {"pooling": ["most_gain", "gain_rank", "gain_low", "gain_high"]},
    10: {"": ["panning"]},
    11: {"panning": ["again", "again_low", "again_high"]},
}
POOLING = PoolingSpec(components=4, confidence=2.0, sharpness=2.0, alone=["violin"], never=["drums"])
ASKED = ("violin", "bass", "drums")


def write_what_was_new(folder, number):
    """A bundle of today's format with no more in it than the format ``number`` could hold."""
    if number < 4:
        toybundle.write_toy_bundle(folder, senses=toybundle.SENSES if number > 1 else ())
    else:
        expert = toyexperts.expert("shares", "spectral", ["violin"])
        graphs = {"expert-shares": toyexperts.spectral_graph({"vocals": 0.3, "drums": 0.6})}
        toyexperts.write_bundle_with_experts(folder, [expert], graphs)
    manifest = replace(load_bundle(folder).manifest, format=FORMAT, pooling=POOLING if number >= 5 else None)
    write_manifest(folder, manifest_to_json(manifest))
    return folder


def write_as_it_was(today, folder, number):
    """The same bundle with a manifest of that time, which has no key of a later format."""
    shutil.copytree(today, folder)
    said = json.loads((folder / MANIFEST).read_text())
    said["format"] = number
    for later, places in BROUGHT.items():
        if later <= number:
            continue
        for place, names in places.items():
            for row in rows(said, place):
                for name in names:
                    row.pop(name, None)
    write_manifest(folder, json.dumps(said))
    return folder


def rows(said, place):
    if not place:
        return [said]
    found = said.get(place) or []
    if place in ("pooling", "panning"):
        return [found] if found else []
    return list(found.values()) if isinstance(found, dict) else found


def stems(done):
    return [soundfile.read(path, dtype="float64")[0] for one in done.results for path in (one.stem, one.rest)]


def test_every_format_has_a_row():
    assert sorted(BROUGHT) == list(range(2, FORMAT + 1))


@pytest.mark.parametrize("task", ["isolate", "remove"])
@pytest.mark.parametrize("number", range(1, FORMAT))
def test_a_bundle_of_an_older_format_answers_as_before(run, noise, tmp_path, number, task):
    today = write_what_was_new(tmp_path / "today", number)
    older = write_as_it_was(today, tmp_path / "older", number)
    assert load_bundle(older).manifest.format == number
    mix = noise(seconds=3.0)
    asked = {"task": task, "input": mix, "prompts": ASKED}
    found, wanted = (stems(run(**asked, bundle=str(folder))) for folder in (older, today))
    assert len(found) >= 2
    for one, other in zip(found, wanted, strict=True):
        assert np.abs(one).max() > 0
        np.testing.assert_array_equal(one, other)
