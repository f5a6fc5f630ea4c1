"""Several files in one call: what exists is a file, anything else is a word, and one that fails stops no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from clihelp import Said, say, write_music


@pytest.fixture
def ask(engine, toy_bundle, tmp_path, capsys, monkeypatch):
    """``ask("isolate", "a.wav", ...)`` in a folder of its own, results in ``out``."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str, out: str = "out") -> Said:
        return say(capsys, engine, [*words, "--bundle", toy_bundle, "--out", out])

    return call


def made() -> set[str]:
    return {path.name for path in Path("out").glob("*.wav")}


def test_files_and_folders_are_done_one_after_the_other(ask):
    for name in ("one.wav", "two.wav", "songs/three.wav", "songs/deep/four.wav"):
        write_music(Path(name), seconds=0.3)
    said = ask("isolate", "one.wav", "two.wav", "songs", "bass", "violin", "--json")
    assert said.code == 0, said.err
    names = [Path(row["input"]).name for row in said.json["files"]]
    assert names[:2] == ["one.wav", "two.wav"]
    assert set(names[2:]) == {"three.wav", "four.wav"}
    assert all([result["prompt"] for result in row["results"]] == ["bass", "violin"] for row in said.json["files"])
    assert {"one - bass.wav", "four - violin rest.wav"} <= made()


def test_a_region_in_samples_is_counted_at_the_rate_of_each_file(ask):
    write_music(Path("slow.wav"), seconds=0.3, rate_hz=8_000)
    write_music(Path("fast.wav"), seconds=0.3, rate_hz=44_100)
    said = ask("isolate", "slow.wav", "fast.wav", "bass", "--region", "401smp-1202smp", "--json")
    assert said.code == 0, said.err
    assert [(row["start_samples"], row["length_samples"]) for row in said.json["files"]] == [(401, 801)] * 2


def test_one_that_fails_does_not_stop_the_others(ask):
    write_music(Path("a.wav"), seconds=0.3)
    Path("b.wav").write_bytes(b"no sound at all")
    write_music(Path("c.wav"), seconds=0.3)
    said = ask("isolate", "a.wav", "b.wav", "c.wav", "bass")
    assert said.code == 1
    assert "2 of 3 files done" in said.out
    assert [line for line in said.err.splitlines() if "b.wav" in line] == said.err.splitlines()
    assert {"a - bass.wav", "c - bass.wav"} <= made()
    told = ask("isolate", "a.wav", "b.wav", "bass", "--json").json
    assert told["failed"] == 1
    assert told["files"][1]["error"]


def test_where_all_fail_the_code_is_that_of_one(ask):
    for name in ("a.wav", "b.wav"):
        Path(name).write_bytes(b"no sound at all")
    assert ask("isolate", "a.wav", "b.wav", "bass").code == 2
    assert ask("isolate", "a.wav", "bass").code == 2


@pytest.mark.parametrize("word", ["gone.wav", "songs/gone", "./gone", "gone.MP3"])
def test_a_path_that_is_mistyped_is_no_prompt(ask, word):
    write_music(Path("a.wav"), seconds=0.3)
    said = ask("isolate", "a.wav", word, "bass")
    assert said.code == 2
    assert f"there is no file {word}" in said.err
    assert not Path("out").exists()


def test_a_folder_without_audio_is_a_word_and_words_may_come_first(ask):
    write_music(Path("a.wav"), seconds=0.3)
    Path("bass").mkdir()
    assert ask("isolate", "a.wav", "bass").code == 0
    assert ask("isolate", "violin", "a.wav").code == 0
    assert {"a - bass.wav", "a - violin.wav"} <= made()


def test_results_in_a_folder_are_not_taken_for_files(ask):
    write_music(Path("songs/a.wav"), seconds=0.3)
    for _ in range(2):
        said = ask("isolate", "songs", "bass", "--json", out="songs")
        assert said.code == 0, said.err
    assert {path.name for path in Path("songs").glob("*.wav")} == {
        *("a.wav", "a - bass.wav", "a - bass rest.wav", "a - bass (2).wav", "a - bass rest (2).wav"),
    }


def test_remove_shows_what_was_asked_for_first(ask):
    write_music(Path("a.wav"), seconds=0.3)
    said = ask("remove", "a.wav", "bass")
    files = [line.split()[0] for line in said.out.splitlines() if line.strip().startswith(("stem ", "rest "))]
    assert files == ["rest", "stem"]
