"""``fluxstem bundles``: what is added is whole and lies where it is found; nothing else that was given is touched."""

import json
import os
import random
import stat
import zipfile

import pytest
import toyexperts
from toybundle import write_toy_bundle

from engine.bundle.bundle import load_bundle
from engine.bundle.install import add_bundle, remove_bundle, user_bundles
from engine.bundle.library import find_bundle
from engine.cli.parser import main
from engine.errors import BundleError, EngineError


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.bundle.install.user_data_folder", lambda: tmp_path / "user")
    monkeypatch.setattr("engine.bundle.library.user_data_folder", lambda: tmp_path / "user")


@pytest.fixture
def given(tmp_path):
    return toyexperts.write_separator(tmp_path / "given" / "toysep")


def zipped(folder, path, below="", **others):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"{below}{file.name}")
        for name, data in others.items():
            archive.writestr(name, data)
    return path


def test_a_folder_is_added_and_found_by_its_name(given):
    (given / "secret.txt").write_text("not part of the bundle")
    name, bundle = add_bundle(given)
    assert name == "toysep"
    assert find_bundle("toysep") == bundle.folder == user_bundles() / "toysep"
    assert bundle.sha256 == load_bundle(given).sha256
    assert sorted(path.name for path in bundle.folder.iterdir()) == [
        "manifest.json",
        "manifest.sha256",
        "separator.onnx",
    ]


def test_a_whole_model_can_be_added_too(tmp_path):
    _, bundle = add_bundle(write_toy_bundle(tmp_path / "given" / "whole"), name="mine")
    assert load_bundle(find_bundle("mine")).sha256 == bundle.sha256


@pytest.mark.parametrize("below", ["", "toysep/"])
def test_a_zip_file_is_added(given, tmp_path, below):
    name, bundle = add_bundle(zipped(given, tmp_path / "toysep.zip", below))
    assert name == "toysep"
    load_bundle(bundle.folder)


def test_only_what_the_manifest_names_leaves_a_zip_file(given, tmp_path):
    outside = tmp_path / "escaped.txt"
    others = {
        "../escaped.txt": "x",
        str(outside): "x",
        "..\\escaped.txt": "x",
        "more/deep.txt": "x",
        "big.bin": "0" * 10**6,
    }
    _, bundle = add_bundle(zipped(given, tmp_path / "odd.zip", **others))
    assert not outside.exists()
    assert {path.name for path in bundle.folder.iterdir()} == {"manifest.json", "manifest.sha256", "separator.onnx"}
    assert {path.name for path in user_bundles().iterdir()} == {"toysep"}


def test_a_zip_file_that_unpacks_to_too_much_is_refused(given, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.bundle.install.BUNDLE_LIMIT_BYTES", 100)
    with pytest.raises(BundleError, match="unpacks to over"):
        add_bundle(zipped(given, tmp_path / "bomb.zip"))
    assert not list(user_bundles().iterdir())


def test_a_damaged_zip_file_is_one_sentence(given, tmp_path):
    whole, dice, path, refused = (
        zipped(given, tmp_path / "whole.zip").read_bytes(),
        random.Random(1),
        tmp_path / "x.zip",
        0,
    )
    for _ in range(400):
        raw = bytearray(whole)
        for _ in range(dice.randint(1, 5)):
            raw[dice.randrange(len(raw))] = dice.choice((0, 255, dice.randrange(256)))
        path.write_bytes(raw[: dice.choice((len(raw), dice.randrange(len(raw))))])
        try:
            add_bundle(path, replace=True)
        except EngineError:
            refused += 1
    assert refused > 300


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_file_is_stored_or_deflated_and_nothing_else(given, tmp_path, kind):
    with zipfile.ZipFile(tmp_path / "odd.zip", "w", kind) as archive:
        for file in given.iterdir():
            archive.write(file, file.name)
    with pytest.raises(BundleError, match="is no plain file"):
        add_bundle(tmp_path / "odd.zip")


def test_a_manifest_in_a_zip_file_that_is_too_large_is_refused(given, tmp_path):
    (given / "manifest.json").write_bytes((given / "manifest.json").read_bytes() + b" " * (1 << 20))
    with pytest.raises(BundleError, match="which no manifest is"):
        add_bundle(zipped(given, tmp_path / "big.zip"))


def test_a_link_in_a_zip_file_is_refused(given, tmp_path):
    path = tmp_path / "link.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("manifest.json", "manifest.sha256"):
            archive.write(given / name, name)
        link = zipfile.ZipInfo("separator.onnx")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(BundleError, match="no plain file"):
        add_bundle(path)


def test_a_wrong_hash_leaves_nothing_behind(given):
    with (given / "separator.onnx").open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(BundleError, match="differs from its hash"):
        add_bundle(given)
    assert not list(user_bundles().iterdir())


def test_a_missing_file_is_named(given):
    (given / "separator.onnx").unlink()
    with pytest.raises(BundleError, match=r"separator\.onnx is missing"):
        add_bundle(given)


@pytest.mark.parametrize("name", ["../out", "a/b", ".hidden", "", "x" * 200, "a\0b"])
def test_names_stay_in_the_folder(given, name):
    said = json.loads((given / "manifest.json").read_text()) | {"name": name}
    (given / "manifest.sha256").unlink()
    (given / "manifest.json").write_text(json.dumps(said))
    with pytest.raises(BundleError):
        add_bundle(given)
    with pytest.raises(BundleError):
        remove_bundle(name)


def test_what_is_no_bundle_is_refused(tmp_path):
    text, empty = tmp_path / "notes.txt", tmp_path / "empty"
    text.write_text("hello")
    empty.mkdir()
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("readme", "nothing here")
    for path in (text, empty, tmp_path / "none.zip", tmp_path / "missing"):
        with pytest.raises(BundleError):
            add_bundle(path)


def test_a_name_that_is_taken_is_not_taken_again(given, tmp_path, monkeypatch):
    add_bundle(given)
    add_bundle(given)  # the same once more is no quarrel
    other = toyexperts.write_separator(tmp_path / "other" / "toysep", shares={"vocals": 0.9})
    with pytest.raises(BundleError, match="--replace"):
        add_bundle(other)
    _, bundle = add_bundle(other, replace=True)
    assert bundle.sha256 == load_bundle(other).sha256
    monkeypatch.setenv("FLUXSTEM_BUNDLES", str(given.parent))
    with pytest.raises(BundleError, match="would be found first"):
        add_bundle(other, replace=True)


def test_only_what_was_added_is_removed(given, monkeypatch):
    add_bundle(given, name="mine")
    assert not os.path.exists(remove_bundle("mine"))
    monkeypatch.setenv("FLUXSTEM_BUNDLES", str(given.parent))
    with pytest.raises(BundleError, match="was not added"):
        remove_bundle("toysep")
    assert given.is_dir()


def test_the_command_line_adds_lists_and_removes(given, capsys):
    assert main(["bundles", "add", str(given)]) == 0
    assert "every hash is right" in capsys.readouterr().out
    assert main(["bundles"]) == 0
    assert "toysep  0.1  44100 Hz  CC0-1.0  separates vocals, drums" in capsys.readouterr().out
    assert main(["bundles", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["bundles"]
    assert next(row for row in rows if row["name"] == "toysep")["stems"] == ["vocals", "drums"]
    assert main(["bundles", "remove", "toysep"]) == 0
    assert main(["bundles", "remove", "toysep"]) == 2
    assert "no bundle 'toysep'" in capsys.readouterr().err
