"""Experts answer the prompts that are theirs, by the same filter and with the same sums as the mask decoder."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import toyexperts
from toymask import SHORT

from engine.bundle.bundle import load_bundle
from engine.errors import BundleError, NotHeard, RequestError
from engine.events import BIT_FOR_BIT_DB
from engine.inference.terms import as_term, read_terms
from engine.mask_pooling import mean_odds

RATE_HZ = SHORT.rate_hz
EXPERT_SHARE = 0.3
FLOAT_NULL_DB = -170  # a sum of float samples is rounded once


def read(path):
    return soundfile.read(path, dtype="float64", always_2d=True)[0]


@pytest.fixture(scope="module")
def guided(tmp_path_factory):
    """A toy whose violin is answered by a spectral expert and whose bass by a waveform expert."""
    shares = {"vocals": EXPERT_SHARE, "drums": 0.6}
    return str(
        toyexperts.write_bundle_with_experts(
            tmp_path_factory.mktemp("bundles") / "guided",
            [
                toyexperts.expert("shares", "spectral", ["violin"]),
                toyexperts.expert("sounds", "waveform", ["bass"], output="drums"),
            ],
            {
                "expert-shares": toyexperts.spectral_graph(shares),
                "expert-sounds": toyexperts.waveform_graph(shares),
            },
        )
    )


@pytest.fixture(scope="module")
def soft_spoken(tmp_path_factory):
    """A toy whose violin and kazoo are answered by an expert that takes out next to nothing."""
    return str(
        toyexperts.write_bundle_with_experts(
            tmp_path_factory.mktemp("bundles") / "soft-spoken",
            [toyexperts.expert("shares", "spectral", ["violin", "kazoo"])],
            {"expert-shares": toyexperts.spectral_graph({"vocals": 0.1, "drums": 0.6})},
        )
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Separator bundles of both domains, by domain."""
    root = tmp_path_factory.mktemp("separators")
    return {domain: str(toyexperts.write_separator(root / domain, domain)) for domain in ("spectral", "waveform")}


def share_of(result, mix):
    """Of the mix, in the middle of a result."""
    stem_NC, mix_NC = read(result.stem), read(mix)
    middle = slice(len(mix_NC) // 4, -len(mix_NC) // 4)
    stem_NC, mix_NC = stem_NC[middle], mix_NC[middle]
    return float((stem_NC * mix_NC).sum() / np.square(mix_NC).sum())


@pytest.mark.parametrize(
    ("prompt", "share"),
    [
        ("violin", EXPERT_SHARE),  # its own term
        ("a lady who sings", EXPERT_SHARE),  # the nearest term is the violin: the toy hears any other word as that
        ("bass", 0.6),
        ("The Bass", 0.6),
    ],
)
def test_the_nearest_term_decides_which_expert_answers(run, noise, guided, prompt, share):
    mix = noise(seconds=6.0, subtype="FLOAT")
    [result] = run(input=mix, bundle=guided, prompts=(prompt,)).results
    assert share_of(result, mix) == pytest.approx(share, abs=0.01)


def test_prompts_of_no_expert_are_answered_by_the_mask_decoder(run, noise, guided):
    mix = noise(seconds=6.0, subtype="FLOAT")
    asked = {"input": mix, "bundle": guided, "prompts": ("drums",)}
    plain, without = (run(**asked, expert=name).results[0] for name in ("", "none"))
    np.testing.assert_array_equal(read(plain.stem), read(without.stem))
    assert abs(share_of(plain, mix) - EXPERT_SHARE) > 0.02


def test_an_expert_can_be_named_and_done_without(run, noise, guided):
    mix = noise(seconds=6.0, subtype="FLOAT")
    by_name = run(input=mix, bundle=guided, prompts=("drums",), expert="shares").results[0]
    assert share_of(by_name, mix) == pytest.approx(EXPERT_SHARE, abs=0.01)
    without = run(input=mix, bundle=guided, prompts=("violin",), expert="none").results[0]
    assert share_of(without, mix) < 0.26  # of the toy's mask decoder: at most a quarter
    with pytest.raises(RequestError, match="its experts are shares, sounds"):
        run(input=mix, bundle=guided, prompts=("violin",), expert="nobody")


def test_an_expert_with_a_share_answers_beside_the_mask_decoder(run, noise, tmp_path):
    """Two answers become one whose log-odds are their mean, by the share of each."""
    graphs = {"expert-shares": toyexperts.spectral_graph({"vocals": 0.9, "drums": 0.9})}
    mix, found = noise(seconds=6.0, subtype="FLOAT"), {}
    for share in (1.0, 0.75, 0.5):
        expert = replace(toyexperts.expert("shares", "spectral", ["violin"]), share=share)
        bundle = toyexperts.write_bundle_with_experts(tmp_path / str(share), [expert], graphs)
        asked = {"input": mix, "bundle": str(bundle), "prompts": ("violin",)}
        found[share] = share_of(run(**asked).results[0], mix)
        found[0.0] = share_of(run(**asked, expert="none").results[0], mix)
    assert found[1.0] == pytest.approx(0.9, abs=0.01)
    assert found[0.0] < found[0.5] < found[0.75] < found[1.0]
    [result] = run(**asked).results
    assert result.null_db < FLOAT_NULL_DB


def test_beside_the_mask_decoder_it_says_what_is_there_and_shuts_nothing(run, noise, tmp_path):
    """A stem may be faint in its mix and be there; what is not there keeps what the expert takes out."""
    beside = replace(toyexperts.expert("shares", "spectral", ["violin", "kazoo"]), share=0.5)
    mix, cache = noise(seconds=6.0, subtype="FLOAT"), str(tmp_path / "cache")

    def taken(prompt, expert_share):
        graph = toyexperts.spectral_graph({"vocals": expert_share, "drums": 0.6})
        folder = tmp_path / f"{prompt} {expert_share}"
        bundle = toyexperts.write_bundle_with_experts(folder, [beside], {"expert-shares": graph})
        [result] = run(input=mix, bundle=str(bundle), prompts=(prompt,), literal=True, cache=cache).results
        return result

    faint = taken("violin", 0.01)
    assert -29 < faint.level_db < -27, "by the flow's curve it would not be there"
    assert faint.presence > 0.5
    assert min(there for *_, there in faint.presence_windows[1:-1]) > 0.5
    assert taken("violin", 0.0).presence < 0.5, "nothing came out"
    for _ in range(2):  # the second time from the cache
        absent = taken("kazoo kazoo kazoo kazoo kazoo violin", 0.9)
        assert absent.presence < 0.5
        assert absent.level_db > -15


def test_what_comes_out_beside_the_mask_decoder_as_good_as_silent_is_not_replaced(run, noise, tmp_path):
    beside = replace(toyexperts.expert("shares", "spectral", ["violin"]), share=0.5)
    graph = toyexperts.spectral_graph({"vocals": 0.0, "drums": 0.6})
    bundle = toyexperts.write_bundle_with_experts(tmp_path / "silent", [beside], {"expert-shares": graph})
    asked = {"bundle": str(bundle), "prompts": ("violin",), "literal": True}
    mix = noise(seconds=6.0, subtype="FLOAT")
    assert run(input=mix, **asked).results[0].presence < 0.5
    with pytest.raises(NotHeard, match="violin is not heard"):
        run(task="replace", input=mix, replacement="trumpet", region_s=(1.0, 5.0), **asked)


def test_what_an_expert_alone_takes_out_is_there_by_its_level_as_of_a_separator(run, noise, tmp_path):
    shares = {"vocals": 0.04, "drums": 0.6}
    bundle = toyexperts.write_bundle_with_experts(
        tmp_path / "guided",
        [toyexperts.expert("shares", "spectral", ["violin"])],
        {"expert-shares": toyexperts.spectral_graph(shares)},
    )
    mix = noise(seconds=6.0, subtype="FLOAT")
    expert = run(input=mix, bundle=str(bundle), prompts=("violin",)).results[0]
    separator = toyexperts.write_separator(tmp_path / "alone", shares=shares)
    alone = run(input=mix, bundle=str(separator), prompts=("vocals",)).results[0]
    assert expert.presence == alone.presence > 0.5


def test_the_mean_of_odds_is_between_two_masks_and_weighs_them():
    one, other = np.float32([0.0, 0.2, 0.5, 1.0]), np.float32([0.0, 0.8, 0.9, 1.0])
    np.testing.assert_allclose(mean_odds(one, other), [0, 0.5, 0.75, 1], atol=1e-4)
    np.testing.assert_allclose(mean_odds(one, other, 0.500001), mean_odds(one, other), atol=1e-4)
    np.testing.assert_allclose(mean_odds(one, other, 0.999), one, atol=1e-2)


def test_an_expert_without_any_share_is_refused(tmp_path):
    expert = replace(toyexperts.expert("shares", "spectral", ["violin"]), share=0.0)
    with pytest.raises(BundleError, match="share must be"):
        load_bundle(
            toyexperts.write_bundle_with_experts(
                tmp_path / "none", [expert], {"expert-shares": toyexperts.spectral_graph({"vocals": 0.9})}
            )
        )


def test_a_bundle_without_experts_says_so(run, noise, toy_bundle):
    with pytest.raises(RequestError, match="has no experts"):
        run(input=noise(), bundle=str(toy_bundle), expert="spleeter")


@pytest.mark.parametrize("task", ["isolate", "remove"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_what_experts_take_out_adds_up_exactly(run, tmp_path, guided, task, subtype):
    mix = tmp_path / "mix.wav"
    audio = np.round(np.random.default_rng(0).uniform(-0.5, 0.5, (3 * RATE_HZ + 1, 2)) * 2**15) / 2**15
    soundfile.write(mix, audio, RATE_HZ, subtype=subtype)
    for result in run(task=task, input=mix, prompts=("violin", "bass", "drums"), bundle=guided).results:
        np.testing.assert_array_equal(read(result.stem) + read(result.rest), read(mix))
        assert result.null_db == BIT_FOR_BIT_DB


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
@pytest.mark.parametrize("prompt", ["violin", "bass"])
def test_experts_answer_at_every_rate(run, noise, guided, rate_hz, prompt):
    mix = noise(seconds=4.0, rate_hz=rate_hz, subtype="FLOAT")
    [result] = run(input=mix, bundle=guided, prompts=(prompt,)).results
    assert share_of(result, mix) == pytest.approx({"violin": EXPERT_SHARE, "bass": 0.6}[prompt], abs=0.02)


@pytest.mark.parametrize("domain", ["spectral", "waveform"])
def test_a_separator_is_a_bundle_of_its_own(run, noise, alone, domain):
    mix = noise(seconds=6.0, subtype="FLOAT")
    outcome = run(input=mix, bundle=alone[domain], prompts=("vocals", "the Drums"))
    assert [share_of(one, mix) for one in outcome.results] == pytest.approx([0.3, 0.6], abs=0.01)
    removed = run(task="remove", input=mix, bundle=alone[domain], prompts=("drums",)).results[0]
    np.testing.assert_allclose(read(removed.stem) + read(removed.rest), read(mix), atol=1e-7)


def test_windows_of_a_waveform_separator_cannot_be_heard(run, tmp_path, alone):
    """Its windows are wrong at their ends, and a steady tone stays steady."""
    mix = tmp_path / "mix.wav"
    time_s = np.arange(8 * RATE_HZ) / RATE_HZ
    soundfile.write(mix, np.repeat(0.2 * np.sin(2 * np.pi * 440 * time_s)[:, None], 2, 1), RATE_HZ, subtype="FLOAT")
    [result] = run(input=mix, bundle=alone["waveform"], prompts=("drums",)).results
    middle = slice(RATE_HZ, -RATE_HZ)
    gain = np.abs(read(result.stem)[middle, 0]).reshape(-1, 441).max(axis=1) / 0.2
    np.testing.assert_allclose(gain, 0.6, atol=0.01)


def test_whether_what_an_expert_takes_out_is_there_is_said_by_the_mask_decoder(run, noise, soft_spoken):
    asked = {"task": "replace", "input": noise(seconds=4.0), "bundle": soft_spoken, "replacement": "bass"}
    [result] = run(**asked, prompts=("violin",), region_s=(1.0, 3.0)).results
    assert result.presence > 0.9
    with pytest.raises(NotHeard, match=r"^kazoo is not heard"):
        run(**asked, prompts=("kazoo",), region_s=(1.0, 3.0))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"prompts": ("violin",)}, "knows vocals, drums, not 'violin'"),
        ({"render": "flow"}, "has no flow"),
        ({"render": "decoded"}, "has no flow"),
        ({"task": "generate", "input": None}, "choose isolate or remove"),
        ({"task": "replace", "replacement": "trumpet"}, "choose isolate or remove"),
    ],
)
def test_what_a_separator_cannot_do_is_refused_in_a_sentence(run, noise, alone, asked, said):
    with pytest.raises(RequestError, match=said):
        run(**{"input": noise(), "bundle": alone["spectral"], "prompts": ("vocals",)} | asked)


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("graph", {"file": "../separator.onnx", "sha256": "0" * 64, "inputs": {}, "outputs": {}, "precision": "fp32"}),
        ("stems", []),
        ("stems", ["Vocals!"]),
        ("stems", ["vocals", "vocals"]),
        ("stems", ["vocals", "piano"]),  # the graph has drums
        ("domain", "cepstral"),
        ("rate_hz", 44_100.5),
        ("rate_hz", True),
        ("level_db", float("nan")),
        ("spectrum", {"fft_samples": 4096, "hop_samples": 0, "bins": 1024, "frames": 96}),
        ("licence", ""),
        ("surprise", 1),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(tmp_path, entry, value):
    folder = toyexperts.write_separator(tmp_path / "odd", **{entry: value})
    with pytest.raises(BundleError, match="not a usable manifest"):
        load_bundle(folder)


def test_a_damaged_graph_is_refused(tmp_path):
    folder = toyexperts.write_separator(tmp_path / "damaged")
    (folder / "separator.onnx").write_bytes(b"x")
    with pytest.raises(BundleError, match="differs from its hash"):
        load_bundle(folder)


def test_terms_that_are_none_are_refused(tmp_path):
    path = tmp_path / "terms.json"
    for text in ("[]", '{"a": [1]}', '{"a": [1, "x"]}', "{", '{"a": [1, NaN]}'):
        path.write_text(text)
        with pytest.raises(BundleError, match="holds no terms"):
            read_terms(path, 2)


def test_words_are_compared_as_terms_are_written():
    assert as_term("  The Lead Vocals. ") == as_term("lead-vocals") == as_term("LEAD_VOCALS") == "lead-vocals"
