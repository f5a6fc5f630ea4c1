"""Stems that add up: several of them and their remainder are the mix, and no sound is in two of them."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import toyexperts
from toybundle import write_toy_bundle
from toymask import SHORT

from engine.audio.quantize import NullMeter, quantize_stems
from engine.audio.soft_mask import share_masks
from engine.checks import check_values
from engine.errors import Cancelled, RequestError
from engine.events import BIT_FOR_BIT_DB
from engine.provenance import rerun_request
from engine.request import Request
from engine.stem_sets import STEM_SETS, remainder_name, with_set_prompts

RATE_HZ = SHORT.rate_hz


def read(path):
    return soundfile.read(path, dtype="float64", always_2d=True)[0]


def total(results):
    return np.sum([read(result.stem) for result in results], axis=0)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """A mask decoder, one that reads the flow too, a flow alone, and experts for the violin and the bass."""
    root = tmp_path_factory.mktemp("bundles")
    shares = {"vocals": 0.9, "drums": 0.6}
    experts = [
        toyexperts.expert("shares", "spectral", ["violin"]),
        toyexperts.expert("sounds", "waveform", ["bass"], output="drums"),
    ]
    graphs = {
        "expert-shares": toyexperts.spectral_graph(shares),
        "expert-sounds": toyexperts.waveform_graph(shares),
    }
    return {
        "masks": str(write_toy_bundle(root / "masks", decoder=SHORT, soft=5.0)),
        "even": str(write_toy_bundle(root / "even", decoder=SHORT)),
        "estimates": str(write_toy_bundle(root / "estimates", decoder=SHORT, estimate=True)),
        "flow": str(write_toy_bundle(root / "flow")),
        "experts": str(toyexperts.write_bundle_with_experts(root / "experts", experts, graphs)),
        "separator": str(toyexperts.write_separator(root / "separator", "waveform")),
    }


FORMATS = (
    # rate, channels, subtype of the mix, format of the stems
    (44_100, 2, "PCM_16", "same"),
    (44_100, 1, "PCM_24", "flac"),
    (48_000, 2, "PCM_24", "same"),
    (22_050, 1, "PCM_16", "wav32f"),
    (96_000, 6, "PCM_16", "wav24"),
    (11_127, 2, "PCM_32", "same"),
)


@pytest.mark.parametrize(("rate_hz", "channels", "subtype", "form"), FORMATS)
@pytest.mark.parametrize("bundle", ["masks", "flow", "experts"])
def test_stems_and_remainder_are_the_mix_bit_for_bit(
    run, noise, bundles, bundle, rate_hz, channels, subtype, form
):  # fmt: skip
    mix = noise(rate_hz=rate_hz, channels=channels, seconds=1.2, subtype=subtype)
    prompts = ("violin", "bass", "drums")
    results = run(input=mix, bundle=bundles[bundle], prompts=prompts, other=True, format=form).results
    assert [result.prompt for result in results] == [*prompts, "other"]
    np.testing.assert_array_equal(total(results), read(mix))
    assert {result.null_db for result in results} == {BIT_FOR_BIT_DB}
    assert not any(result.rest for result in results)
    assert all(np.abs(read(result.stem)).max() > 1e-3 for result in results[:3])


def test_stems_of_a_float_mix_add_up_to_its_last_bits(run, noise, bundles):
    mix = noise(seconds=1.5, subtype="FLOAT")
    results = run(input=mix, bundle=bundles["masks"], prompts=("violin", "bass", "drums"), other=True).results
    assert results[0].null_db < -150
    np.testing.assert_allclose(total(results), read(mix), atol=1e-8)


@pytest.mark.parametrize("bundle", ["masks", "experts"])
def test_regions_add_up_to_their_part_of_the_mix(run, noise, bundles, bundle):
    mix = noise(seconds=4.0, subtype="PCM_24")
    regions = ((0.5, 1.25), (2.0, 3.5))
    asked = {"prompts": ("bass", "drums"), "other": True, "regions_s": regions}
    results = run(input=mix, bundle=bundles[bundle], **asked).results
    assert [result.prompt for result in results] == ["bass", "drums", "other"] * 2
    for (start_s, stop_s), of_one in zip(regions, (results[:3], results[3:]), strict=True):
        inside = slice(round(start_s * RATE_HZ), round(stop_s * RATE_HZ))
        np.testing.assert_array_equal(total(of_one), read(mix)[inside])
        assert {result.start_samples for result in of_one} == {inside.start}


@pytest.mark.parametrize("bundle", ["even", "flow"])
def test_nothing_is_counted_twice(run, noise, bundles, bundle):
    """Alone the stems take 1.75 of the mix; together each has its share of it."""
    mix = noise(seconds=3.0, subtype="PCM_24")
    prompts, inside = ("everything", "drums"), slice(RATE_HZ, 2 * RATE_HZ)
    asked = {"input": mix, "bundle": bundles[bundle], "prompts": prompts, "sensitivity": 0.5}
    alone = [read(result.stem)[inside] for result in run(**asked).results]
    shared = [read(result.stem)[inside] for result in run(**asked, other=True).results]
    low = slice(100, 1_500)  # Hz; there the toy's left mask of everything is 1 and of drums 0.75

    def level(audio):
        return np.abs(np.fft.rfft(audio[:, 0]))[low].sum()

    whole = level(read(mix)[inside])
    assert (level(alone[0]) + level(alone[1])) / whole == pytest.approx(1.75, abs=0.02)
    assert level(shared[0]) / whole == pytest.approx(1 / 1.75, abs=0.01)
    assert level(shared[1]) / whole == pytest.approx(0.75 / 1.75, abs=0.01)
    assert level(shared[2]) / whole < 0.01


def test_stems_that_leave_room_for_each_other_are_what_each_is_alone(run, noise, bundles):
    mix = noise(seconds=3.0, subtype="PCM_24")
    asked = {"input": mix, "bundle": bundles["masks"], "prompts": ("violin", "bass")}
    for alone, together in zip(run(**asked).results, run(**asked, other=True).results[:2], strict=True):
        np.testing.assert_allclose(read(alone.stem), read(together.stem), atol=2.0**-23)
        assert alone.presence_windows == together.presence_windows
        assert alone.level_db == pytest.approx(together.level_db, abs=1e-3)


def test_an_expert_and_the_mask_decoder_share_the_mix_whatever_their_order(run, noise, bundles):
    mix = noise(seconds=3.0, subtype="PCM_24")
    orders = list(itertools.permutations(("violin", "everything", "bass")))[:3]
    found = []
    for prompts in orders:
        results = run(input=mix, bundle=bundles["experts"], prompts=prompts, other=True).results
        np.testing.assert_array_equal(total(results), read(mix))
        found.append({result.prompt: read(result.stem) for result in results})
    for name in found[0]:
        for other in found[1:]:
            np.testing.assert_allclose(found[0][name], other[name], atol=2.0**-22)


def test_a_decoder_that_reads_the_flow_shares_too(run, noise, bundles):
    mix = noise(seconds=2.5, subtype="PCM_24")
    results = run(input=mix, bundle=bundles["estimates"], prompts=("drums", "bass", "violin"), other=True).results
    np.testing.assert_array_equal(total(results), read(mix))


def test_a_stem_that_is_not_there_leaves_everything_to_the_remainder(run, noise, bundles):
    mix = noise(seconds=3.0, subtype="PCM_24")
    kazoo, other = run(input=mix, bundle=bundles["even"], prompts=("kazoo",), other=True).results
    assert not read(kazoo.stem).any()
    np.testing.assert_array_equal(read(other.stem), read(mix))
    assert kazoo.presence < 0.02 < 0.98 < other.presence


def test_a_faint_remainder_is_there(run, noise, tmp_path):
    """Its level is the true one, however shy the flow's own estimates are."""
    graphs = {"expert-shares": toyexperts.spectral_graph({"vocals": 0.96, "drums": 0.6})}
    experts = [toyexperts.expert("shares", "spectral", ["violin"])]
    bundle = toyexperts.write_bundle_with_experts(tmp_path / "most", experts, graphs)
    mix = noise(seconds=3.0, subtype="PCM_24")
    _, other = run(input=mix, bundle=str(bundle), prompts=("violin",), other=True).results
    assert other.level_db == pytest.approx(-28, abs=0.5)
    assert other.presence > 0.5


@pytest.mark.parametrize("sensitivity", [0.0, 0.2, 1.0])
def test_sums_hold_at_every_sensitivity(run, noise, bundles, sensitivity):
    mix = noise(seconds=2.5, subtype="PCM_24")
    asked = {"prompts": ("drums", "bass", "everything"), "sensitivity": sensitivity, "other": True}
    for bundle in ("masks", "flow"):
        np.testing.assert_array_equal(total(run(input=mix, bundle=bundles[bundle], **asked).results), read(mix))


@pytest.mark.parametrize("name", STEM_SETS)
def test_a_set_of_stems_is_its_prompts_and_its_remainder(run, noise, bundles, name):
    mix = noise(seconds=1.2, subtype="PCM_16")
    results = run(input=mix, bundle=bundles["masks"], prompts=(), stems=name).results
    assert tuple(result.prompt for result in results) == STEM_SETS[name].names
    assert [Path(result.stem).name for result in results] == [f"mix - {one}.wav" for one in STEM_SETS[name].names]
    np.testing.assert_array_equal(total(results), read(mix))


def test_prompts_join_a_set(run, noise, bundles):
    mix = noise(seconds=1.2)
    results = run(input=mix, bundle=bundles["masks"], prompts=("violin", "drums"), stems="4").results
    assert [result.prompt for result in results] == ["vocals", "drums", "bass", "violin", "other"]
    np.testing.assert_array_equal(total(results), read(mix))
    assert with_set_prompts("4", with_set_prompts("4", ("violin",))) == with_set_prompts("4", ("violin",))


def test_a_separator_answers_a_set_that_it_knows(run, noise, bundles):
    mix = noise(seconds=3.0, subtype="PCM_24")
    results = run(input=mix, bundle=bundles["separator"], prompts=("vocals", "drums"), other=True).results
    np.testing.assert_array_equal(total(results), read(mix))
    with pytest.raises(RequestError, match="knows vocals, drums, not 'bass'"):
        run(input=mix, bundle=bundles["separator"], prompts=(), stems="4")


def test_a_remainder_has_a_name_of_its_own():
    assert remainder_name("karaoke", ("vocals",)) == "instrumental"
    assert remainder_name(None, ("vocals", "other")) == "remainder"


def test_a_clip_guard_lowers_all_stems_alike(run, noise, bundles):
    mix = noise(seconds=2.0, subtype="FLOAT", level=0.6)
    asked = {"prompts": ("everything", "kazoo"), "other": True, "format": "wav24"}
    results = run(input=mix, bundle=bundles["even"], **asked).results
    [gain_db] = {result.gain_db for result in results}
    assert gain_db < 0
    np.testing.assert_allclose(total(results), 10 ** (gain_db / 20) * read(mix), atol=2 * 2.0**-23)


def test_a_stem_is_made_again_with_those_it_shares_the_mix_with(run, noise, bundles, tmp_path):
    mix = noise(seconds=2.0, subtype="PCM_24")
    results = run(input=mix, bundle=bundles["even"], prompts=("drums",), stems="2").results
    for result in results:
        request = rerun_request(result.sidecar, out=str(tmp_path / "again"))
        assert (request.prompts, request.stems) == (("vocals", "drums"), "2")
        said = json.loads(Path(result.sidecar).read_text())
        assert (said["prompt"], said["null_db"]) == (result.prompt, BIT_FOR_BIT_DB)
    again = run(**{name: getattr(request, name) for name in ("input", "out", "bundle", "prompts", "stems")}).results
    for old, new in zip(results, again, strict=True):
        np.testing.assert_array_equal(read(old.stem), read(new.stem))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"task": "remove", "other": True}, "remove takes no other"),
        ({"task": "remove", "stems": "4"}, "remove takes no set of stems"),
        ({"stems": "5"}, "choose one of 2, 4, 6, karaoke, drums"),
        ({"other": True, "render": "decoded"}, "does not add up"),
        ({"other": True, "render": "flow", "candidates": 2}, "one answer, not 2 candidates"),
        ({"stems": "4", "prompts": (), "examples": ("image:a.png",)}, "takes no examples"),
        ({"prompts": ()}, "no prompt given"),
    ],
)
def test_what_cannot_add_up_is_refused(asked, said):
    with pytest.raises(RequestError, match=said):
        check_values(Request(**{"task": "isolate", "input": "mix.wav", "prompts": ("bass",)} | asked))


@pytest.mark.parametrize("calls", [2, 5, 9])
def test_a_cancelled_set_leaves_nothing(pipeline, noise, tmp_path, bundles, calls):
    asked = []

    def check():
        asked.append(None)
        if len(asked) >= calls:
            raise Cancelled("stopped")

    values = {"input": str(noise(seconds=6.0)), "out": str(tmp_path / "out"), "bundle": bundles["experts"]}
    with pytest.raises(Cancelled):
        pipeline.run(Request(task="isolate", prompts=("bass",), stems="6", **values), lambda f, s: None, check)
    assert [path.name for path in tmp_path.iterdir()] == ["mix.wav"]


def test_shared_masks_add_up_to_at_most_one():
    gain_S = np.random.default_rng(0).uniform(0, 1, (4, 3, 5)).astype(np.float32)
    shared_S = share_masks(gain_S)
    assert shared_S.sum(axis=0).max() <= 1 + 1e-6
    fits = gain_S.sum(axis=0) <= 1
    np.testing.assert_array_equal(shared_S[:, fits], gain_S[:, fits])
    np.testing.assert_allclose(shared_S[:, ~fits].sum(axis=0), 1, rtol=1e-6)
    np.testing.assert_array_equal(share_masks(gain_S[:1]), gain_S[:1])


@pytest.mark.parametrize("bits", [16, 24, 32, None])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_quantized_stems_add_up(bits, count):
    rng = np.random.default_rng(count)
    steps = 2.0 ** (min(bits or 24, 24) - 1)
    mix_CN = np.rint(rng.uniform(-0.9, 0.9, (2, 3_000)) * steps) / steps
    stems = [mix_CN * rng.uniform(0, 1, mix_CN.shape) + rng.normal(0, 0.1, mix_CN.shape) for _ in range(count)]
    tracks = quantize_stems(mix_CN, stems, bits, 1.0)
    assert len(tracks) == count + 1
    np.testing.assert_array_equal(np.sum(tracks, axis=0), mix_CN)
    if bits is None:
        np.testing.assert_array_equal(np.stack(tracks), np.stack(tracks).astype(np.float32))
    for track_CN, stem_CN in zip(tracks, stems, strict=False):
        np.testing.assert_allclose(track_CN, stem_CN, atol=2.0 ** -((bits or 24) - 3))
    meter = NullMeter(bits)
    meter.add(mix_CN, *tracks)
    assert meter.null_db == BIT_FOR_BIT_DB


def test_quantized_stems_of_next_to_nothing_add_up():
    mix_CN = np.array([[0.0, 1e-40, 2.0**-149, -3e-30]]).astype(np.float32).astype(np.float64)
    tracks = quantize_stems(mix_CN, [0.3 * mix_CN, 0.5 * mix_CN], None, 1.0)
    np.testing.assert_array_equal(np.stack(tracks), np.stack(tracks).astype(np.float32))
    np.testing.assert_array_equal(np.sum(tracks, axis=0), mix_CN)
