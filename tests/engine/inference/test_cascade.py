"""Parts of a whole are taken out of the whole, and compete for it; stem and rest add up as ever."""

import json

import numpy as np
import pytest
import soundfile
import toyexperts
from toymask import SHORT

from engine.bundle.bundle import load_bundle, write_manifest
from engine.bundle.manifest import FORMAT
from engine.bundle.separation import PoolingSpec
from engine.errors import BundleError
from engine.inference.masker import MixWindows
from engine.inference.model import open_model
from engine.mask_pooling import competing_masks, exclusive, pooled_masks
from engine.runtime.select import open_backend

POOLING = PoolingSpec(components=4, confidence=2.0, sharpness=2.0, alone=["violin"], never=["drums", "everything"])
CASCADE = {"whole": "drums", "parts": ["violin", "bass"]}
FLOAT_NULL_DB = -170  # a sum of float samples is rounded once


def cascading(folder, **cascade):
    """A toy whose violin and bass are parts of its drums."""
    toyexperts.write_bundle_with_experts(folder, [], {})
    said = json.loads((folder / "manifest.json").read_text())
    pooling = {key: getattr(POOLING, key) for key in PoolingSpec.__slots__}
    write_manifest(folder, json.dumps(said | {"format": FORMAT, "pooling": pooling, "cascades": [CASCADE | cascade]}))
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return cascading(tmp_path_factory.mktemp("bundles") / "cascading")


@pytest.fixture(scope="module")
def model(bundle):
    return open_model(load_bundle(bundle), open_backend("cpu"))


@pytest.fixture
def excerpt():
    samples = (SHORT.frames - 1) * SHORT.hop_samples + SHORT.fft_samples
    audio_B2N = np.random.default_rng(3).standard_normal((2, 2, samples)).astype(np.float32) * 0.3
    return MixWindows(audio_B2N, SHORT)


def test_a_part_is_what_competes_for_the_whole_in_what_is_left_of_the_mix(model, excerpt):
    [cascade], decoder, terms = model.cascades, model.masker, model.terms
    answer = cascade.masks(excerpt, terms.rows(["bass", "violin"]))
    whole = decoder.masks(excerpt, terms.rows(["drums"]))
    inner = excerpt.filtered(whole.stem_PB2TF[0])
    parts = decoder.masks(inner, terms.rows(["violin", "bass"]))
    for window in range(2):
        both_P2TF = competing_masks(parts.stem_PB2TF[:, window], inner.mix[window].mean(axis=0), POOLING)
        for row, part in ((0, 1), (1, 0)):
            expected_2TF = both_P2TF[part] * whole.stem_PB2TF[0, window]
            np.testing.assert_allclose(answer.stem_PB2TF[row, window], expected_2TF, atol=1e-6)
    there = np.minimum(parts.presence_PBK[[1, 0]], whole.presence_PBK)
    np.testing.assert_allclose(answer.presence_PBK, there, rtol=1e-6)
    assert answer.stem_PB2TF[0].mean() > answer.stem_PB2TF[1].mean()


def test_whoever_is_wanted_all_compete(model, excerpt):
    decoder, terms = model.masker, model.terms
    parts_P2TF = decoder.masks(excerpt, terms.rows(["violin", "bass", "everything"])).stem_PB2TF[:, 0]
    magnitude_TF = excerpt.mix[0].mean(axis=0)
    every = competing_masks(parts_P2TF, magnitude_TF, POOLING)
    some = competing_masks(parts_P2TF, magnitude_TF, POOLING, [2, 0])
    np.testing.assert_array_equal(some, every[[2, 0]])
    alone = competing_masks(parts_P2TF[:1], magnitude_TF, POOLING)
    assert every[0].mean() < 0.9 * alone[0].mean()


def test_together_the_parts_are_no_more_than_the_whole(model, excerpt):
    [cascade] = model.cascades
    parts = cascade.masks(excerpt, model.terms.rows(["bass", "violin"])).stem_PB2TF.sum(axis=0)
    whole = model.masker.masks(excerpt, model.terms.rows(["drums"])).stem_PB2TF[0]
    assert (parts <= whole * 1.35 + 1e-6).all()  # means of odds are not quite exclusive
    assert parts.mean() > 0.6 * whole.mean()


def share_of(result, mix):
    """Of the mix, in the middle of a result."""
    stem_NC, mix_NC = (soundfile.read(path, always_2d=True)[0] for path in (result.stem, mix))
    middle = slice(len(mix_NC) // 4, -len(mix_NC) // 4)
    return float((stem_NC[middle] * mix_NC[middle]).sum() / np.square(mix_NC[middle]).sum())


@pytest.mark.parametrize("task", ["isolate", "remove"])
def test_stem_and_rest_add_up_alone_and_in_company(run, noise, bundle, task):
    mix = noise(seconds=6.0, subtype="FLOAT", level=0.3)
    asked = {"input": mix, "bundle": str(bundle), "task": task}
    [alone] = run(**asked, prompts=("bass",)).results
    first, second, whole = run(**asked, prompts=("violin", "bass", "drums")).results
    for result in (alone, first, second, whole):
        assert result.null_db < FLOAT_NULL_DB
    for side in ("stem", "rest"):
        again, once = (soundfile.read(getattr(result, side))[0] for result in (second, alone))
        np.testing.assert_array_equal(again, once)


def test_a_part_that_its_own_mask_is_unsure_of_keeps_its_level(run, noise, bundle):
    """A quarter of every bin by its own mask, which pooling alone sharpens towards nothing."""
    mix = noise(seconds=6.0, subtype="FLOAT", level=0.3)
    violin, bass, drums = run(input=mix, bundle=str(bundle), prompts=("violin", "bass", "drums")).results
    assert share_of(drums, mix) > 0.4
    assert share_of(violin, mix) + share_of(bass, mix) > 0.8 * share_of(drums, mix)
    magnitude_TF = np.abs(np.random.default_rng(0).standard_normal((64, 256))).astype(np.float32)
    quarter_TF = np.full_like(magnitude_TF, 0.25)
    [(own_TF, _)] = pooled_masks([quarter_TF], magnitude_TF, POOLING)
    rivals = np.stack([np.stack([quarter_TF] * 2), np.stack([quarter_TF / 5] * 2)])
    assert competing_masks(rivals, magnitude_TF, POOLING)[0].mean() > 4 * own_TF.mean()


def test_the_answer_is_the_same_from_the_cache(run, noise, bundle, tmp_path):
    mix = noise(seconds=6.0, subtype="FLOAT", level=0.3)
    asked = {"input": mix, "bundle": str(bundle), "prompts": ("bass",)}
    stems = [soundfile.read(run(**asked, cache=cache).results[0].stem)[0] for cache in ("", *[str(tmp_path / "c")] * 2)]
    np.testing.assert_array_equal(stems[0], stems[1])
    np.testing.assert_array_equal(stems[0], stems[2])


def test_exclusive_odds_leave_room_for_nothing():
    odds = np.array([[9.0, 0.0], [1.0, 0.0]], np.float32)
    np.testing.assert_allclose(exclusive(odds), [[0.898, 0], [0.0998, 0]], atol=1e-3)


def test_terms_that_the_bundle_does_not_know_are_refused(tmp_path):
    folder = cascading(tmp_path / "odd", parts=["violin", "tuba"])
    with pytest.raises(BundleError, match="terms lack tuba"):
        open_model(load_bundle(folder), open_backend("cpu"))


@pytest.mark.parametrize(
    ("cascades", "said"),
    [
        ([CASCADE | {"parts": []}], "list of texts"),
        ([CASCADE, CASCADE | {"whole": "everything"}], "belong to one whole"),
        ([CASCADE | {"parts": ["drums"]}], "belong to one whole"),
        ([{"whole": "drums"}], "missing keys"),
    ],
)
def test_cascades_that_cannot_be_are_refused(bundle, tmp_path, cascades, said):
    folder = cascading(tmp_path / "odd")
    manifest = json.loads((folder / "manifest.json").read_text())
    write_manifest(folder, json.dumps(manifest | {"cascades": cascades}))
    with pytest.raises(BundleError, match=said):
        load_bundle(folder)
    write_manifest(folder, json.dumps({key: value for key, value in manifest.items() if key != "pooling"}))
    with pytest.raises(BundleError, match="cascades need pooling"):
        load_bundle(folder)
