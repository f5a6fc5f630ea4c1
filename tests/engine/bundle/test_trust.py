"""Bundles come from strangers: what could hang, bloat or read files is refused before it is used, with one sentence."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import minisign
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.bundle.bundle import file_sha256, load_bundle, write_manifest
from engine.bundle.graph_check import check_graph
from engine.bundle.signature import SHIPPED_KEY, check_signature, look_at_signature, sign_bundle
from engine.bundle.tokenizer_check import check_pattern, check_tokenizer
from engine.bundle.trust import check_bundle, check_contents
from engine.errors import BundleDamaged, BundleError, RequestError
from engine.text.intent import load_grammar

AXES = {"x": ["B", 4]}
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def graph_of(
    *nodes: onnx.NodeProto, initializers: tuple[onnx.TensorProto, ...] = (), shape=("B", 4)
) -> onnx.ModelProto:
    values = [helper.make_tensor_value_info(name, FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph(list(nodes), "g", values[:1], values[1:], list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def identity() -> onnx.NodeProto:
    return helper.make_node("Identity", ["x"], ["y"])


def check(model: onnx.ModelProto) -> None:
    check_graph(model.SerializeToString(), AXES, {"y": ["B", 4]})


def tensor(name: str, *numbers: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(numbers, np.int64), name)


def test_a_plain_graph_passes():
    check(graph_of(identity()))
    check(graph_of(helper.make_node("Expand", ["x", "shape"], ["y"]), initializers=(tensor("shape", 8, 4),)))


def loop() -> onnx.ModelProto:
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["c2"])], "body",
        [helper.make_tensor_value_info("i", INT64, []), helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("c2", TensorProto.BOOL, [])],
    )  # fmt: skip
    return graph_of(
        identity(), helper.make_node("Loop", ["n", ""], [], body=body), initializers=(tensor("n", 1 << 62),)
    )


def hidden_graph() -> onnx.ModelProto:
    inner = graph_of(helper.make_node("Loop", [], [])).graph
    return graph_of(helper.make_node("Identity", ["x"], ["y"], body=inner))


def external() -> onnx.ModelProto:
    weights = tensor("w", 1)
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../etc/passwd")
    return graph_of(identity(), initializers=(weights,))


def external_constant() -> onnx.ModelProto:
    weights = tensor("w", 1)
    weights.external_data.add(key="location", value="w.bin")
    return graph_of(identity(), helper.make_node("Constant", [], ["w"], value=weights))


def functions() -> onnx.ModelProto:
    model = graph_of(identity())
    opset = [helper.make_opsetid("", 17)]
    model.functions.append(
        helper.make_function("own", "f", ["a"], ["b"], [helper.make_node("Abs", ["a"], ["b"])], opset)
    )
    return model


def sparse() -> onnx.ModelProto:
    model = graph_of(identity())
    model.graph.sparse_initializer.add().dims.append(4)
    return model


def sized(operator: str, *takes: str, **more: object) -> Callable[[], onnx.ModelProto]:
    sizes = (tensor("huge", 1 << 20, 1 << 20), tensor("zero", 0), tensor("long", 1 << 40), tensor("one", 1))
    return lambda: graph_of(identity(), helper.make_node(operator, list(takes), ["z"], **more), initializers=sizes)


def constant_size() -> onnx.ModelProto:
    size = helper.make_node("Constant", [], ["size"], value_ints=[1 << 20, 1 << 20])
    return graph_of(identity(), size, helper.make_node("ConstantOfShape", ["size"], ["z"]))


HOSTILE: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "an endless loop": (loop, "operator Loop|graph inside"),
    "a graph hidden in an attribute": (hidden_graph, "graph inside"),
    "a branch": (lambda: graph_of(helper.make_node("If", ["x"], ["y"])), "operator If"),
    "a scan": (lambda: graph_of(helper.make_node("Scan", ["x"], ["y"])), "operator Scan"),
    "a damaged name": (lambda: graph_of(helper.make_node("Add\n\x04", ["x"], ["y"])), r"operator Add\\n\\x04$"),
    "a custom operator": (lambda: graph_of(helper.make_node("Run", ["x"], ["y"], domain="ai.own")), "ai.own.Run"),
    "a known name in another domain": (lambda: graph_of(helper.make_node("Abs", ["x"], ["y"], domain="o")), "o.Abs"),
    "weights in another file": (external, "outside of itself"),
    "a constant in another file": (external_constant, "outside of itself"),
    "functions": (functions, "functions"),
    "sparse weights": (sparse, "sparse"),
    "a constant of terabytes": (sized("ConstantOfShape", "huge"), "ConstantOfShape asks for"),
    "the same from a node": (constant_size, "ConstantOfShape asks for"),
    "a huge expansion": (sized("Expand", "x", "huge"), "Expand asks for"),
    "a huge tiling": (sized("Tile", "x", "huge"), "Tile asks for"),
    "a huge range": (sized("Range", "zero", "long", "one"), "Range asks for"),
    "a range without steps": (sized("Range", "zero", "long", "zero"), "Range asks for"),
    "another shape": (lambda: graph_of(identity(), shape=("B", 1 << 30)), "the manifest says"),
    "more axes": (lambda: graph_of(identity(), shape=("B", 4, 4)), "the manifest says 2"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_graph_is_refused(case):
    make, words = HOSTILE[case]
    with pytest.raises(ValueError, match=words):
        check(make())


def test_bytes_that_are_no_graph_are_refused_and_never_crash():
    dice, whole = np.random.default_rng(0), graph_of(identity()).SerializeToString()
    refused = 0
    for _ in range(3000):
        raw = bytearray(whole)
        for place in dice.integers(0, len(raw), dice.integers(1, 6)):
            raw[place] = dice.integers(256)
        try:
            check_graph(bytes(raw[: dice.integers(1, len(raw) + 1)]), AXES, {"y": ["B", 4]})
        except ValueError:
            refused += 1
    assert 1000 < refused < 3000, "most are refused, and changed names or versions pass"


GOOD_PATTERNS = (
    r"\s+",
    r"[-_‐-―]+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"<\|startoftext\|>|<\|endoftext\|>|'s|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    r"(?i:'s|'t)?[^\r\n]",
)
BAD_PATTERNS = (
    r"(a+)+$", r"(a|a)*b", r"(a|aa)+$", r"a*a*a*b", r"(?:a?){50}a{50}", r"(a{1,60}){60}", r"(x+x+)+y", r"(.*)\1",
    r"(?:(?:a*)b)*", "a" * 600, r"a)b", r"[a-z]+[a-z]+",
)  # fmt: skip


def test_patterns_that_may_take_for_ever_are_refused():
    for pattern in GOOD_PATTERNS:
        check_pattern(pattern)
    for pattern in BAD_PATTERNS:
        with pytest.raises(ValueError, match="pattern"):
            check_pattern(pattern)


def test_a_tokenizer_that_blows_texts_up_is_refused():
    swell = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 9}
    double = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    slow = {"type": "Split", "pattern": {"Regex": "(a+)+$"}}
    for rules in ([swell], [double] * 9, [slow]):
        with pytest.raises(ValueError, match=r"replaces|pattern"):
            check_tokenizer(json.dumps({"normalizer": {"type": "Sequence", "normalizers": rules}}).encode())
    with pytest.raises(ValueError, match="JSON"):
        check_tokenizer(b"[" * 100_000)


@pytest.fixture
def bundle(toy_bundle: Path, tmp_path: Path) -> Path:
    shutil.copytree(toy_bundle, tmp_path / "given")
    return tmp_path / "given"


def changed(folder: Path, file: str, raw: bytes) -> None:
    """Put other bytes into a file of a bundle, with the hash in the manifest right, as whoever makes bundles can."""
    before = file_sha256(folder / file)
    (folder / file).write_bytes(raw)
    write_manifest(folder, (folder / "manifest.json").read_text().replace(before, file_sha256(folder / file)))


def test_a_hostile_graph_or_tokenizer_in_a_bundle_is_one_sentence(bundle):
    check_bundle(load_bundle(bundle))
    changed(bundle, "step.onnx", loop().SerializeToString())
    with pytest.raises(BundleError, match=r"step\.onnx is not used, because"):
        check_contents(load_bundle(bundle))


def test_the_engine_itself_refuses_such_a_bundle(bundle, tmp_path, toy_bundle):
    from clihelp import write_music

    from engine import Engine, Request

    mix = write_music(tmp_path / "mix.wav", seconds=0.25)
    changed(bundle, "step.onnx", loop().SerializeToString())
    with Engine() as engine:
        asked = {"task": "isolate", "prompts": ("violin",), "input": str(mix), "out": str(tmp_path / "out")}
        with pytest.raises(BundleError, match="is not used, because"):
            engine.wait(engine.submit(Request(**asked, bundle=str(bundle))), 120)
        assert engine.wait(engine.submit(Request(**asked, bundle=str(toy_bundle))), 120).results


def test_the_wordings_are_hashed_before_they_are_read(small_bundle, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    for name in ("manifest.json", "manifest.sha256"):
        shutil.copy(small_bundle / name, folder)
    loaded = load_bundle(folder, check_hashes=False)
    asks = folder / loaded.manifest.asks.file
    asks.write_text('{"wordings": [], "nouns": {}, "articles": []}')
    with pytest.raises(BundleDamaged, match="differs from its hash"):
        load_grammar(loaded)
    asks.unlink()
    os.mkfifo(asks)
    with pytest.raises(BundleDamaged, match="is missing"):
        load_grammar(loaded)
    asks.unlink()
    asks.symlink_to("/dev/zero")
    with pytest.raises(BundleDamaged, match="is missing"):
        load_grammar(loaded)
    asks.unlink()
    with asks.open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(BundleError, match="too large"):
        load_grammar(loaded)


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, str]:
    """A secret key in a file, and its public key."""
    pair = minisign.KeyPair.generate()
    file = tmp_path / "secret.key"
    file.write_bytes(bytes(pair.secret_key) + b"\n")
    return file, bytes(pair.public_key).decode().splitlines()[1]


def test_a_signature_holds_until_the_manifest_changes(bundle, keys):
    secret, public = keys
    assert look_at_signature(bundle, public).state == "unsigned"
    check_signature(load_bundle(bundle))
    sign_bundle(bundle, secret)
    assert look_at_signature(bundle, public).state == "signed"
    assert look_at_signature(bundle).state == "unknown key"
    check_signature(load_bundle(bundle))  # others may sign with keys of their own
    manifest = bundle / "manifest.json"
    manifest.write_text(manifest.read_text() + " ")
    assert look_at_signature(bundle, public).state == "wrong"
    write_manifest(bundle, manifest.read_text())
    assert look_at_signature(bundle, public).state == "unsigned", "a new manifest takes the old signature away"


def test_a_shipped_bundle_that_was_changed_is_refused(small_bundle, tmp_path):
    folder = tmp_path / "small"
    shutil.copytree(small_bundle, folder)
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text() + "\n")
    (folder / "manifest.sha256").unlink()
    with pytest.raises(BundleDamaged, match="signature"):
        check_bundle(load_bundle(folder))


def test_the_shipped_bundle_is_signed_by_the_key_in_the_source(small_bundle):
    found = look_at_signature(small_bundle, SHIPPED_KEY)
    assert found.state == "signed", f"{found.words}; sign it: fluxstem bundles sign {small_bundle.name} --key FILE"


def test_bad_keys_are_sentences(bundle, tmp_path):
    with pytest.raises(RequestError, match="no public key"):
        look_at_signature(bundle, "RWQnonsense")
    with pytest.raises(RequestError, match="cannot be used"):
        sign_bundle(bundle, tmp_path / "missing.key")


def test_bundles_are_signed_and_verified_from_the_command_line(bundle, keys, fluxstem):
    secret, public = keys
    unsigned, said = fluxstem("bundles", "verify", bundle, "--json")
    assert (unsigned.returncode, said["signature"]) == (2, "unsigned")
    signed, _ = fluxstem("bundles", "sign", bundle, "--key", secret)
    assert signed.returncode == 0, signed.stderr
    verified, said = fluxstem("bundles", "verify", bundle, "--key", public, "--json")
    assert (verified.returncode, said["signature"]) == (0, "signed")
