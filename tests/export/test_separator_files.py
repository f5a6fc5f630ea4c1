"""A separator that is an ONNX file already gets the names of a bundle, and a bundle asks a separator for some terms."""

import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
import toyexperts
from onnx import helper, numpy_helper
from toybundle import write_toy_bundle
from toygraph import FLOAT, model

from engine.bundle.bundle import FORMAT, load_bundle
from engine.errors import BundleError
from export import guard
from export.__main__ import main as export


def answers(folder, **given):
    session = onnxruntime.InferenceSession(str(folder / "separator.onnx"), providers=["CPUExecutionProvider"])
    return session.run(None, given)


def scaled(path, shape, stems=2, one_output=True):
    """A graph whose stem k is (k + 1) / 10 of its input, stacked or one output each."""
    axes = ["B", *shape]
    names = [f"out{k}" for k in range(stems)]
    nodes = [helper.make_node("Mul", ["x", f"share{k}"], [name]) for k, name in enumerate(names)]
    constants = {f"share{k}": np.float32((k + 1) / 10) for k in range(stems)} | {"axis": np.array([1])}
    outputs = [(name, FLOAT, axes) for name in names]
    if one_output:
        nodes += [helper.make_node("Unsqueeze", [name, "axis"], [f"{name}.1"]) for name in names]
        nodes += [helper.make_node("Concat", [f"{name}.1" for name in names], ["all"], axis=1)]
        outputs = [("all", FLOAT, ["B", stems, *shape])]
    onnx.save(model(nodes, [("x", FLOAT, axes)], outputs, constants), str(path))
    return str(path)


SAID = ["--licence", "CC0-1.0", "--stems", "vocals,drums"]


@pytest.mark.parametrize("one_output", [True, False])
def test_a_waveform_file_gets_the_names_of_a_bundle(tmp_path, one_output):
    file = scaled(tmp_path / "a.onnx", (2, 4096), one_output=one_output)
    assert export(["separator", "onnx", file, str(tmp_path / "out"), *SAID, "--precision", "fp32"]) == 0
    assert load_bundle(tmp_path / "out").separator.stems == ["vocals", "drums"]
    audio = np.random.default_rng(0).normal(size=(3, 2, 4096)).astype(np.float32)
    for share, got in zip((0.1, 0.2), answers(tmp_path / "out", audio=audio), strict=True):
        np.testing.assert_allclose(got, share * audio, atol=1e-6)


@pytest.mark.parametrize("one_output", [True, False])
def test_a_file_of_spectra_gets_transforms_around_it(tmp_path, one_output):
    file = scaled(tmp_path / "a.onnx", (4, 129, 33), one_output=one_output)
    words = ["separator", "onnx", file, str(tmp_path / "out"), *SAID, "--spectrum", "256,64,129,33"]
    assert export([*words, "--precision", "fp32"]) == 0
    separator = load_bundle(tmp_path / "out").separator
    assert (separator.domain, separator.window_samples) == ("waveform", 2048)
    audio = np.random.default_rng(0).normal(size=(2, 2, 2048)).astype(np.float32)
    for share, got in zip((0.1, 0.2), answers(tmp_path / "out", audio=audio), strict=True):
        np.testing.assert_allclose(got, share * audio, atol=1e-5)


def test_a_file_of_masks_stays_spectral(tmp_path):
    file = scaled(tmp_path / "a.onnx", (2, 96, 1024))
    words = ["separator", "onnx", file, str(tmp_path / "out"), *SAID, "--spectrum", "4096,1024,1024,96", "--masks"]
    assert export(words) == 0
    assert load_bundle(tmp_path / "out").separator.domain == "spectral"


@pytest.mark.parametrize(
    ("shape", "words", "said"),
    [
        ((2, 4096), ["--stems", "vocals,drums"], "--licence"),
        ((2, 4096), ["--licence", "MIT"], "name the stems"),
        ((2, 4096), ["--licence", "MIT", "--stems", "Vocals!,drums"], "lower case"),
        ((2, 4096), [*SAID, "--input", "y"], "must take one input"),
        ((2, 4096), [*SAID, "--window", "5000"], "--window says"),
        ((1, 4096), SAID, "has the axes"),
        ((2, 4096), ["--licence", "MIT", "--stems", "a,b,c"], "holds 2 stems, 3 are named"),
    ],
)
def test_what_was_said_must_fit_the_file(tmp_path, capsys, shape, words, said):
    file = scaled(tmp_path / "a.onnx", shape)
    assert export(["separator", "onnx", file, str(tmp_path / "out"), *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_separator_never_takes_the_place_of_a_bundle_that_ships(tmp_path, capsys, monkeypatch):
    file = scaled(tmp_path / "a.onnx", (2, 4096))
    monkeypatch.setattr(guard, "SHIPPED", tmp_path / "bundles")
    shipped = write_toy_bundle(tmp_path / "bundles" / "small")
    before = load_bundle(shipped).manifest
    assert export(["separator", "onnx", file, str(shipped), *SAID, "--replace"]) == 2
    assert "give a separator a folder of its own" in capsys.readouterr().err
    assert load_bundle(shipped).manifest == before


def test_a_file_that_is_no_graph_is_refused(tmp_path):
    (tmp_path / "a.onnx").write_text("hello")
    assert export(["separator", "onnx", str(tmp_path / "a.onnx"), str(tmp_path / "out"), *SAID]) == 2
    outside = model(
        [helper.make_node("Identity", ["x"], ["y"])], [("x", FLOAT, ["B", 2, 4096])], [("y", FLOAT, ["B", 2, 4096])], {}
    )
    tensor = numpy_helper.from_array(np.zeros(2000, np.float32), "far")
    outside.graph.initializer.append(tensor)
    onnx.external_data_helper.convert_model_to_external_data(outside, location="far.bin", size_threshold=0)
    onnx.save(outside, str(tmp_path / "b.onnx"))
    assert export(["separator", "onnx", str(tmp_path / "b.onnx"), str(tmp_path / "out"), *SAID]) == 2


def test_a_file_with_its_weights_beside_it_is_refused_with_what_to_do_which_helps(tmp_path, capsys):
    """So torch's exporter writes files unless it is told otherwise."""
    file = scaled(tmp_path / "a.onnx", (2, 4096))
    onnx.save(onnx.load(file), file, save_as_external_data=True, location="a.onnx.data", size_threshold=0)
    assert export(["separator", "onnx", file, str(tmp_path / "out"), *SAID]) == 2
    assert "onnx.save(onnx.load('a.onnx'), 'whole.onnx')" in capsys.readouterr().err
    onnx.save(onnx.load(file), str(tmp_path / "whole.onnx"))
    assert export(["separator", "onnx", str(tmp_path / "whole.onnx"), str(tmp_path / "out"), *SAID]) == 0


# --- attaching


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A toy bundle with a mask decoder and terms."""
    return toyexperts.write_bundle_with_experts(tmp_path_factory.mktemp("base") / "base", [], {})


@pytest.fixture(scope="module")
def separator(tmp_path_factory):
    return toyexperts.write_separator(tmp_path_factory.mktemp("given") / "toysep")


def attach(base, separator, out, *terms):
    words = ["attach", base, separator, out, *(word for term in terms for word in ("--terms", term))]
    return export([str(word) for word in words])


def test_a_separator_is_attached_for_some_terms(base, separator, tmp_path):
    assert attach(base, separator, tmp_path / "both", "vocals=violin,kazoo", "drums=drums") == 0
    manifest = load_bundle(tmp_path / "both").manifest
    rows = {row.name: row for row in manifest.experts}
    assert {name: row.terms for name, row in rows.items()} == {
        "toysep-vocals": ["violin", "kazoo"],
        "toysep-drums": ["drums"],
    }
    assert {row.graph for row in rows.values()} == {"expert-toysep"}
    assert "nobody" in manifest.attribution
    assert load_bundle(base).manifest.experts == []


def test_a_separator_is_attached_beside_the_mask_decoder(base, separator, tmp_path):
    words = ["attach", base, separator, tmp_path / "both", "--terms", "vocals=violin", "--share", "0.5"]
    assert export([str(word) for word in words]) == 0
    manifest = load_bundle(tmp_path / "both").manifest
    assert [row.share for row in manifest.experts] == [0.5]
    assert manifest.format == FORMAT, "engines that know no shares must refuse it"


def test_terms_are_taken_from_the_expert_that_had_them(base, separator, tmp_path, capsys):
    """So another separator can answer for voices in a bundle that has one; what nobody asks any more is gone."""
    first = tmp_path / "first"
    assert attach(base, separator, first, "vocals=violin,kazoo", "drums=drums") == 0
    other = toyexperts.write_separator(tmp_path / "other", "waveform")
    assert attach(first, other, tmp_path / "some", "vocals=violin") == 0
    some = load_bundle(tmp_path / "some").manifest
    assert {row.name: row.terms for row in some.experts} == {
        "toysep-vocals": ["kazoo"], "toysep-drums": ["drums"], "other-vocals": ["violin"],
    }  # fmt: skip
    assert attach(first, other, tmp_path / "all", "vocals=violin,kazoo,drums") == 0
    bundle = load_bundle(tmp_path / "all")
    assert [row.name for row in bundle.manifest.experts] == ["other-vocals"]
    assert "expert-toysep" not in bundle.manifest.graphs | bundle.manifest.parity
    assert not (tmp_path / "all" / "expert-toysep.onnx").exists()
    assert attach(first, separator, tmp_path / "again", "vocals=violin") == 2
    assert "has the expert toysep already" in capsys.readouterr().err
    assert attach(first, separator, tmp_path / "anew", "vocals=violin,kazoo,drums") == 0
    assert [row.name for row in load_bundle(tmp_path / "anew").manifest.experts] == ["toysep-vocals"]


def test_only_the_bundle_that_ships_is_bounded_in_size(base, separator, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("export.separators.attach.LIMIT_BYTES", 1)
    first = tmp_path / "first" / "small"
    shutil.copytree(base, first)
    assert attach(first, separator, tmp_path / "mine", "vocals=violin") == 0
    assert attach(first, separator, tmp_path / "new" / "small", "vocals=violin") == 2
    assert "store the expert in 8 bits" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (["violin"], "say which stem answers"),
        (["vocals=trombone"], "has no term 'trombone'"),
        (["guitar=violin"], "has no stem 'guitar'"),
        (["vocals=violin", "drums=violin"], "is answered by"),
    ],
)
def test_terms_and_stems_must_be_known(base, separator, tmp_path, capsys, terms, said):
    assert attach(base, separator, tmp_path / "both", *terms) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "both").exists()


def test_only_a_separator_on_the_same_grid_is_attached(base, separator, tmp_path, capsys):
    assert attach(base, base, tmp_path / "both", "vocals=violin") == 2
    assert "is no separator" in capsys.readouterr().err
    assert attach(separator, separator, tmp_path / "both", "vocals=violin") == 2
    assert "has no mask decoder" in capsys.readouterr().err


def test_a_separator_made_for_another_level_gets_a_gain_at_its_input(base, tmp_path):
    other = toyexperts.write_separator(tmp_path / "other", level_db=-3.0)
    assert attach(base, other, tmp_path / "both", "vocals=violin") == 0
    both, alone = load_bundle(tmp_path / "both"), load_bundle(other)
    [expert] = both.manifest.experts
    mix = np.random.default_rng(1).random(shape_of(alone.path(alone.manifest.graphs["separator"].file)), np.float32)
    gain = np.float32(10 ** ((-3.0 - both.manifest.decoder.level_db) / 20))
    assert gain > 2
    wanted = run(alone.path(alone.manifest.graphs["separator"].file), mix * gain, expert.output)
    np.testing.assert_allclose(
        run(both.path(both.manifest.graphs[expert.graph].file), mix, expert.output), wanted, rtol=1e-5
    )


def shape_of(path):
    return [
        1 if isinstance(size, str) else size for size in onnxruntime.InferenceSession(str(path)).get_inputs()[0].shape
    ]


def run(path, mix, output):
    return onnxruntime.InferenceSession(str(path)).run([output], {"mix": mix})[0]


def test_a_bundle_that_was_changed_is_not_attached(base, tmp_path):
    changed = toyexperts.write_separator(tmp_path / "changed")
    (changed / "separator.onnx").write_bytes(b"other")
    with pytest.raises(BundleError):
        load_bundle(changed)
    assert attach(base, changed, tmp_path / "both", "vocals=violin") == 2
