"""Promises of the manifest: old formats read as they were, the newest holds everything, nonsense is refused."""

import json
from dataclasses import replace

import pytest
import toybundle

from engine.bundle.bundle import (
    FORMAT,
    Attachment,
    EncoderSpec,
    ExpertSpec,
    GraphSpec,
    Manifest,
    MaskDecoderSpec,
    load_bundle,
    manifest_to_json,
    parse_manifest,
)
from engine.errors import BundleDamaged, BundleError, BundleTooNew

E = toybundle.EMBEDDING
ENCODERS = {
    "audio": EncoderSpec(graph="audio", kind="audio", dim=E, samples=4096, rate_hz=16_000),
    "story": EncoderSpec(graph="story", kind="story", dim=E, pieces=4),
    "scene": EncoderSpec(graph="scene", kind="scene", dim=E, picture_dim=3, frames=5, fps=8.0, size_px=32),
}
AXES = {
    "audio": ({"audio": ["B", 1, 4096]}, {"embedding": ["B", E]}),
    "story": ({"pieces": ["B", 4, E], "piece_mask": ["B", 4]}, {"embedding": ["B", E]}),
    "scene": ({"frames": ["B", 5, 32, 32, 3]}, {"picture": ["B", 5, 3], "embedding": ["B", E]}),
    "mask": (
        {"mix": ["B", 2, 12, 9], "prompt": ["P", E]},
        {"stem": ["P", "B", 2, 12, 9], "rest": ["P", "B", 2, 12, 9], "presence": ["P", "B", 3]},
    ),
    "singer": ({"mix": ["B", 2, 12, 9]}, {"vocals": ["B", 2, 12, 9], "music": ["B", 2, 12, 9]}),
    "kit": ({"audio": ["B", 2, 500]}, {"drums": ["B", 2, 500]}),
}
DECODER = MaskDecoderSpec(
    graph="mask", rate_hz=44_100, fft_samples=16, hop_samples=4, bins=9, frames=12, presence_frames=4,
    level_db=-18.4, gate_low=0.05, gate_high=0.3,
)  # fmt: skip
CREDIT = {"licence": "MIT", "attribution": ["somebody"]}
EXPERTS = [
    ExpertSpec(name="singers", graph="singer", kind="spectral", terms=["vocals"], output="vocals", **CREDIT),
    ExpertSpec(name="drummers", graph="kit", kind="waveform", terms=["drums", "kick"], output="drums", **CREDIT),
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Manifest:
    """A bundle's manifest with the text encoder alone."""
    return load_bundle(toybundle.write_toy_bundle(tmp_path_factory.mktemp("toy") / "toy")).manifest


def rich(plain: Manifest) -> Manifest:
    """The same with every encoder, wordings, and a step that takes pictures."""
    graphs = {
        name: GraphSpec(file=f"{name}.onnx", sha256="0" * 64, inputs=inputs, outputs=outputs, precision="fp32")
        for name, (inputs, outputs) in AXES.items()
    }
    step = plain.graphs["step"]
    graphs["step"] = replace(step, inputs={**step.inputs, "picture": ["B", 5, 3]})
    return replace(
        plain,
        format=FORMAT,
        graphs={**plain.graphs, **graphs},
        encoders={**plain.encoders, **ENCODERS},
        asks=Attachment(file="asks.json", sha256="0" * 64),
        decoder=DECODER,
        experts=EXPERTS,
        terms=Attachment(file="terms.json", sha256="0" * 64),
    )


def read(manifest: Manifest) -> Manifest:
    return parse_manifest(manifest_to_json(manifest).encode(), "m")


def changed(manifest: Manifest, *path: str, to: object) -> bytes:
    """The manifest's JSON with one value replaced."""
    data = json.loads(manifest_to_json(manifest))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return json.dumps(data).encode()


def test_a_manifest_comes_back_as_it_was_written(plain):
    assert read(plain) == plain
    assert read(rich(plain)) == rich(plain)


def test_a_manifest_without_temperatures_starts_from_plain_noise(plain):
    old = json.loads(manifest_to_json(replace(plain, format=2)))
    for row in old["defaults"].values():
        del row["temperature"]
    found = parse_manifest(json.dumps(old).encode(), "m")
    assert found == replace(plain, format=2)
    assert {row.temperature for row in found.defaults.values()} == {1.0}


def test_format_1_is_read_as_it_was(plain):
    old = json.loads(manifest_to_json(replace(plain, format=1)))
    assert set(old["encoders"]["text"]) == {"graph", "kind", "dim", "tokenizer", "tokenizer_sha256", "max_tokens"}
    assert not {"asks", "decoder", "experts", "terms"} & set(old)
    found = parse_manifest(json.dumps(old).encode(), "m")
    assert found.asks is None
    assert list(found.encoders) == ["text"]


def test_a_format_from_the_future_asks_for_a_newer_engine(plain):
    with pytest.raises(BundleTooNew, match=f"reads up to {FORMAT}; update the engine"):
        read(replace(plain, format=FORMAT + 1))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("encoders", "scene", "kind"), "smell", "of its own kind"),
        (("encoders", "scene", "kind"), "audio", "of its own kind"),
        (("encoders", "scene", "graph"), "nowhere", "not there"),
        (("encoders", "scene", "dim"), E + 1, "must have dim"),
        (("encoders", "scene", "frames"), 6, "must have the axes"),
        (("encoders", "scene", "frames"), 0, "positive whole number"),
        (("encoders", "scene", "fps"), 0, "must be above 0"),
        (("encoders", "scene", "fps"), float("inf"), "must be a number"),
        (("encoders", "scene", "size_px"), "32", "positive whole number"),
        (("encoders", "audio", "samples"), 4097, "must have the axes"),
        (("encoders", "audio", "rate_hz"), None, "positive whole number"),
        (("encoders", "story", "pieces"), 5, "must have the axes"),
        (("encoders", "text", "max_tokens"), 17, "must have the axes"),
        (("encoders", "text", "tokenizer"), "", "must be a text"),
        (("encoders", "text", "shoe_size"), 43, "unknown keys"),
        (("graphs", "step", "inputs", "picture"), ["B", 6, 3], "must have the axes"),
        (("asks", "file"), "../asks.json", "leaves the bundle folder"),
        (("asks",), {"file": "asks.json"}, "missing keys"),
        (("terms", "file"), "/terms.json", "leaves the bundle folder"),
        (("terms",), None, "experts need terms"),
        (("decoder",), None, "experts need a decoder"),
        (("decoder", "graph"), "nowhere", "not there"),
        (("decoder", "bins"), 10, "at most 9"),
        (("decoder", "bins"), 8, "must have the axes"),
        (("decoder", "hop_samples"), 17, "at most fft_samples"),
        (("decoder", "rate_hz"), 44_100.0, "positive whole number"),
        (("decoder", "frames"), 8, "3 or more times presence_frames"),
        (("decoder", "presence_frames"), 5, "3 or more times presence_frames"),
        (("decoder", "level_db"), 3, "from -80 to 0"),
        (("decoder", "gate_low"), 0.3, "must rise from 0 to 1"),
        (("decoder", "gate_high"), "open", "must be a number"),
        (("decoder", "shoe_size"), 43, "unknown keys"),
        (("graphs", "mask", "inputs", "estimate"), ["B", 2, 12, 8], "must have the axes"),
        (("graphs", "mask", "outputs", "rest"), ["B", 2, 12, 9], "must have the axes"),
        (("graphs", "mask", "outputs", "presence"), ["P", "B", 4], "must have the axes"),
        (("experts", 0, "name"), "drummers", "names of their own"),
        (("experts", 0, "graph"), "nowhere", "not there"),
        (("experts", 0, "kind"), "psychic", "must be one of spectral, waveform"),
        (("experts", 0, "kind"), "waveform", "must take audio alone"),
        (("experts", 0, "terms"), [], "list of texts"),
        (("experts", 0, "output"), "drums", "must answer drums"),
        (("experts", 0, "licence"), "", "must be a text"),
        (("experts", 0, "attribution"), "somebody", "list of texts"),
        (("experts", 0), {"name": "nobody"}, "missing keys"),
        (("graphs", "singer", "outputs", "vocals"), ["B", 2, 12, 8], "must have the axes"),
        (("graphs", "kit", "outputs", "drums"), ["B", 2, 499], "must have the axes"),
        (("graphs", "kit", "inputs", "audio"), ["B", 2, "N"], "must have the axes"),
    ],
)
def test_what_does_not_fit_together_is_refused(plain, path, value, said):
    with pytest.raises(BundleError, match=said):
        parse_manifest(changed(rich(plain), *path, to=value), "m")


def test_a_step_that_sees_needs_a_scene_encoder(plain):
    whole = rich(plain)
    blind = replace(whole, encoders={name: one for name, one in whole.encoders.items() if name != "scene"})
    with pytest.raises(BundleError, match="there must be a scene encoder"):
        read(blind)


def test_wordings_are_checked_against_their_hash(tmp_path):
    attached = Attachment(file="asks.json", sha256="0" * 64)
    folder = toybundle.write_toy_bundle(tmp_path / "toy")
    text = manifest_to_json(replace(load_bundle(folder).manifest, format=FORMAT, asks=attached))
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(BundleDamaged, match=r"asks\.json is missing"):
        load_bundle(folder)
    (folder / "asks.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BundleDamaged, match=r"asks\.json differs from its hash"):
        load_bundle(folder)
