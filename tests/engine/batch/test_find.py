"""Which files a batch takes, where their results go, and which words are files at all."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from engine.batch.find import find_items
from engine.batch.local import fetch
from engine.cli.positionals import told_apart
from engine.errors import AudioError

TREE = ("lib/one.wav", "lib/deep/two.FLAC", "lib/deep/er/three.mp3", "lib/notes.txt", "lib/.hidden.wav",
        "lib/.trash/four.wav", "more/five.m4a", "lib/deep/noise")  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in TREE:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    monkeypatch.chdir(tmp_path)
    return tmp_path


WHAT = [
    ("a folder", ["lib"], ["deep/er/three.mp3", "deep/two.FLAC", "one.wav"]),
    ("a folder, by its whole path", ["{root}/lib/"], ["deep/er/three.mp3", "deep/two.FLAC", "one.wav"]),
    ("this folder", ["."], ["lib/deep/er/three.mp3", "lib/deep/two.FLAC", "lib/one.wav", "more/five.m4a"]),
    ("two folders", ["more", "lib/deep"], ["lib/deep/er/three.mp3", "lib/deep/two.FLAC", "more/five.m4a"]),
    ("a file", ["lib/deep/two.FLAC"], ["two.FLAC"]),
    ("a file of any name", ["lib/deep/noise"], ["noise"]),
    ("files of a folder", ["lib/one.wav", "lib/notes.txt"], ["notes.txt", "one.wav"]),
    ("a file and its folder", ["lib/one.wav", "lib"], ["deep/er/three.mp3", "deep/two.FLAC", "one.wav"]),
    ("a glob", ["lib/*/*.FLAC"], ["deep/two.FLAC"]),
    ("a glob of any depth", ["lib/**/*.[mw]*"], ["deep/er/three.mp3", "one.wav"]),
    ("a glob of folders", ["l*"], ["lib/deep/er/three.mp3", "lib/deep/two.FLAC", "lib/one.wav"]),
]


@pytest.mark.parametrize(("paths", "targets"), [case[1:] for case in WHAT], ids=[case[0] for case in WHAT])
def test_the_tree_that_was_named_is_mirrored(paths, targets, tree):
    items = find_items([path.format(root=tree) for path in paths], "stems")
    assert [item.target for item in items] == targets
    assert all(Path(item.source).read_bytes().decode().endswith(item.target) for item in items)


def test_results_are_no_inputs_wherever_they_lie(tree):
    made = tree / "lib" / "one - drums.wav"
    made.write_bytes(b"made")
    (tree / "lib" / "stems").mkdir()
    (tree / "lib" / "stems" / "one - bass.wav").write_bytes(b"made")
    below = [item.target for item in find_items(["lib"], "lib/stems")]
    assert below == ["deep/er/three.mp3", "deep/two.FLAC", "one - drums.wav", "one.wav"]
    beside = [item.target for item in find_items(["lib"], "lib", frozenset({str(made.resolve())}))]
    assert beside == ["deep/er/three.mp3", "deep/two.FLAC", "one.wav", "stems/one - bass.wav"]


def test_results_of_other_batches_and_of_single_calls_are_no_inputs_but_by_name(tree):
    stems = tree / "lib" / "stems"
    stems.mkdir()
    for part in ("violin", "violin rest"):
        (stems / f"one - {part}.wav").write_bytes(b"made")
    beside = {"fluxstem_sidecar": 1, "stem": "one - violin.wav", "rest": "one - violin rest.wav"}
    (stems / "one - violin.json").write_text(json.dumps(beside), "utf-8")
    found = [item.target for item in find_items(["lib"], "elsewhere")]
    assert found == ["deep/er/three.mp3", "deep/two.FLAC", "one.wav"]
    assert [item.target for item in find_items(["lib/stems/one - violin.wav"], "elsewhere")] == ["one - violin.wav"]


@pytest.mark.skipif(os.name == "nt", reason="no file may be called so on Windows")
def test_a_folder_may_be_called_like_a_pattern(tree, monkeypatch):
    album = tree / "[2020] what?"
    (album / "cd*").mkdir(parents=True)
    (album / "cd*" / "one.wav").write_bytes(b"cd*/one.wav")
    assert [item.target for item in find_items([f"{album}/*/*.wav"], "out")] == ["cd*/one.wav"]
    monkeypatch.chdir(album)
    assert [item.target for item in find_items(["cd*/o*.wav"], "out")] == ["one.wav"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_are_followed_once(tree):
    (tree / "lib" / "deep" / "round").symlink_to(tree / "lib")
    (tree / "lib" / "again.wav").symlink_to(tree / "lib" / "one.wav")
    (tree / "lib" / "beyond").symlink_to(tree / "more")
    assert [item.target for item in find_items(["lib"], "out")] == [
        "again.wav", "beyond/five.m4a", "deep/er/three.mp3", "deep/two.FLAC",
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["gone.wav", "lib/.trash/none", "more/*.wav", "nothing"])
def test_a_path_without_audio_is_refused(path, tree):
    (tree / "nothing").mkdir()
    with pytest.raises(AudioError, match=r"no (file|audio)"):
        find_items(["lib", path], "out")


WORDS = [
    (["lib", "vocals", "lib/one.wav", "the drums"], ["lib", "lib/one.wav"], ["vocals", "the drums"]),
    (["*.wav", "lib/**", "drums?"], ["*.wav", "lib/**"], ["drums?"]),
    (["*", "l?b", "¿bajo?"], ["*", "l?b"], ["¿bajo?"]),
    (["bass", "[heavy] guitar"], [], ["bass", "[heavy] guitar"]),
    (["more", "", "a\0b"], ["more"], ["", "a\0b"]),
]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such pipes here")
def test_nobody_waits_for_a_pipe_that_is_called_like_a_song_or_a_json(tree):
    found: list[str] = []
    for name in ("one.json", "pipe.wav"):
        os.mkfifo(tree / "lib" / name)

    def work() -> None:
        found.extend(item.target for item in find_items(["lib"], "out"))
        fetch(str(tree / "lib" / "pipe.wav"))
        found.append("fetched")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(60)
    assert found == ["deep/er/three.mp3", "deep/two.FLAC", "one.wav", "fetched"]


@pytest.mark.parametrize(("words", "paths", "prompts"), WORDS)
def test_what_exists_is_a_file_and_what_does_not_is_a_word(words, paths, prompts, tree):
    assert told_apart(words) == (paths, prompts)


@pytest.mark.parametrize("word", ["lib/two.wav", "mix.FLAC", "drums/bass", "voilin.mp3"])
def test_a_mistyped_path_is_never_a_prompt(word, tree):
    with pytest.raises(AudioError, match="there is no file"):
        told_apart(["lib", word])


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 5000, "..", "/etc/passwd", "deep/song.wav"])
def test_what_a_strangers_json_calls_its_stem_costs_nothing(tmp_path, name):
    (tmp_path / "song.wav").write_bytes(b"sound")
    (tmp_path / "song.json").write_text(json.dumps({"fluxstem_sidecar": 1, "stem": name}))
    [item] = find_items([str(tmp_path)], str(tmp_path / "out"))
    assert item.target == "song.wav"
