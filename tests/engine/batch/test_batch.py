"""``fluxstem batch`` on this machine: what it makes, what it leaves out, what it tells, and what a kill changes."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from batchhelp import lines, results, started, wait_until, write_songs
from clihelp import Said, everything_in, say, write_music

from engine.batch import local, run
from engine.errors import AudioError, HostError
from engine.host.client import Engine

Do = Callable[..., Said]


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    return write_songs(tmp_path / "songs", 3)


@pytest.fixture
def do(engine: Engine, toy_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Do:
    """A batch on one engine that is there already; results in ``tmp_path / "out"`` unless the words say otherwise."""

    def run(*words: object) -> Said:
        usual = ("--jobs", 1, "--out", tmp_path / "out", "--bundle", toy_bundle)
        return say(capsys, engine, ["batch", *usual, *words])

    return run


def test_a_tree_is_mirrored_and_one_bad_file_keeps_no_other_from_being_done(do, songs, tmp_path):
    (songs / "a" / "bad.wav").write_bytes(b"no sound at all " * 20)
    said = do(songs, "violin", "bass", "--json")
    assert said.code == 1
    assert {name: said.json[name] for name in ("files", "done", "skipped", "failed", "left")} == {
        "files": 4, "done": 3, "skipped": 0, "failed": 1, "left": 0,
    }  # fmt: skip
    stems = [f"{song} - {stem}.wav" for song in ("a/song 0", "a/song 2", "b/song 1")
             for stem in ("bass", "bass rest", "violin", "violin rest")]  # fmt: skip
    assert list(results(tmp_path / "out")) == sorted(stems)
    assert not list((tmp_path / "out").rglob("*.partial"))
    assert not (tmp_path / "out" / ".fluxstem-batch" / "work").exists()


def test_the_report_has_a_line_for_each_stem_and_for_each_failure(do, songs, tmp_path):
    (songs / "a" / "bad.wav").write_bytes(b"no sound at all " * 20)
    do(songs, "violin", "bass")
    with (tmp_path / "out" / "fluxstem-report.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["file"], row["status"], row["stem"]) for row in rows[:3]] == [
        ("a/bad.wav", "failed", ""), ("a/song 0.wav", "done", "violin"), ("a/song 0.wav", "done", "bass"),
    ]  # fmt: skip
    assert "bad.wav" in rows[0]["error"]
    assert len(rows) == 1 + 3 * 2
    assert all((tmp_path / "out" / row["rest_file"]).is_file() for row in rows[1:])
    assert float(rows[1]["level_db"]) == pytest.approx(-12.04, abs=0.1)  # the toy bundle's violin is a quarter
    assert all(float(row["presence"]) > 0.9 and float(row["seconds"]) > 0 for row in rows[1:])
    whole = json.loads((tmp_path / "out" / "fluxstem-report.json").read_bytes())
    assert whole["totals"]["failed"] == 1
    assert [one["status"] for one in whole["files"]] == ["failed", "done", "done", "done"]
    assert whole["files"][1]["results"][0]["files"]["stem"] == "a/song 0 - violin.wav"
    assert whole["request"]["prompts"] == ["violin", "bass"]


def test_the_json_beside_a_result_makes_it_again(do, engine, songs, tmp_path, capsys):
    do(songs / "a" / "song 0.wav", "violin")
    beside = tmp_path / "out" / "song 0 - violin.json"
    assert json.loads(beside.read_bytes())["out"] == str(tmp_path / "out")
    again = say(capsys, engine, ["rerun", beside, "--out", tmp_path / "again", "--json"])
    assert Path(again.json["stem"]).read_bytes() == (tmp_path / "out" / "song 0 - violin.wav").read_bytes()


def test_what_is_done_is_left_out_and_what_has_changed_is_done_again(do, songs, tmp_path):
    do(songs, "violin")
    before = everything_in(tmp_path / "out")
    again = do(songs, "violin", "--json")
    assert (again.code, again.json["done"], again.json["skipped"]) == (0, 0, 3)
    assert set(everything_in(tmp_path / "out")) == set(before)
    os.utime(songs / "a" / "song 0.wav")  # touched, the same bytes
    assert do(songs, "violin", "--json").json["skipped"] == 3
    write_music(songs / "a" / "song 0.wav", 0.5, seed=99)
    write_music(songs / "c" / "new.wav", 0.5)
    (tmp_path / "out" / "b" / "song 1 - violin rest.wav").unlink()  # a user may need the stems alone
    changed = do(songs, "violin", "--json")
    assert (changed.json["done"], changed.json["skipped"]) == (2, 2)
    assert "a/song 0 - violin (2).wav" in results(tmp_path / "out")
    assert "c/new - violin.wav" in results(tmp_path / "out")
    assert "b/song 1 - violin rest.wav" not in results(tmp_path / "out")


@pytest.mark.skipif(os.name == "nt", reason="Windows does not say when a file changed")
def test_other_bytes_are_done_again_though_size_and_time_are_the_same(do, songs, tmp_path):
    do(songs, "violin")
    song = songs / "a" / "song 0.wav"
    before = song.stat()
    write_music(song, 0.5, seed=99)
    os.utime(song, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert do(songs, "violin", "--json").json["done"] == 1


def test_a_library_that_was_copied_is_read_once_more_and_not_done_again(do, songs, tmp_path, monkeypatch):
    do(songs, "violin")
    copy = shutil.copytree(songs, tmp_path / "copy", copy_function=shutil.copyfile)
    assert do(copy, "violin", "--json").json["skipped"] == 3
    monkeypatch.setattr(run, "content_sha256", lambda path: pytest.fail("it was read again"))
    assert do(copy, "violin", "--json").json["skipped"] == 3


def test_a_recording_of_more_than_a_gigabyte_is_known_again(do, tmp_path):
    long = write_music(tmp_path / "songs" / "long.wav", 1.0)
    whole = bytearray(long.read_bytes())
    at = whole.index(b"data") + 4
    whole[4:8], whole[at : at + 4] = (((1 << 30) + more).to_bytes(4, "little") for more in (at - 4, 0))
    long.write_bytes(whole)
    os.truncate(long, (1 << 30) + at + 4)  # the rest is a hole
    said = do(long, "violin", "--region", "0-0.5", "--json")
    assert (said.code, said.json["done"]) == (0, 1), said.err
    os.utime(long)
    assert do(long, "violin", "--region", "0-0.5", "--json").json["skipped"] == 1


def test_another_request_is_other_work_and_a_new_device_is_not(do, songs, tmp_path):
    do(songs, "violin")
    assert do(songs, "violin", "--device", "cpu", "--json").json["skipped"] == 3
    assert do(songs, "violin", "--sensitivity", 0.7, "--json").json["done"] == 3
    assert do(songs, "bass", "--json").json["done"] == 3
    shutil.rmtree(tmp_path / "out" / "a")
    assert do(songs, "bass", "--json").json["done"] == 2  # results that are gone are made again


def test_results_beside_the_songs_are_no_songs(do, songs):
    do(songs, "violin", "--out", songs)
    assert len(list(songs.rglob("*.wav"))) == 3 * 3
    assert do(songs, "violin", "--json", "--out", songs).json["files"] == 3


def test_a_file_that_failed_is_tried_again(do, songs, tmp_path):
    bad = songs / "a" / "bad.wav"
    bad.write_bytes(b"no sound at all " * 20)
    assert do(songs, "violin").code == 1
    write_music(bad, 0.5)
    said = do(songs, "violin", "--json")
    assert (said.code, said.json["done"], said.json["skipped"]) == (0, 1, 3)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["{songs}"], "no prompt"),
        (["violin"], "no file, folder or glob"),
        (["{songs}/gone.wav", "violin"], "there is no file"),
        (["{songs}/*.flac", "violin"], "no audio"),
        (["{songs}", "violin", "--jobs", "0"], "--jobs 0"),
        (["{songs}", "violin", "--engines-per-gpu", "0"], "--engines-per-gpu 0"),
        (["{songs}", "violin", "--cores-per-engine", "2"], "--cluster"),
        (["{songs}", "violin", "--steps", "0"], "steps 0"),
        (["{songs}", "violin", "--task", "inpaint"], "region"),
        (["{songs}", "violin", "--strength", "0.5"], "strength"),
        (["{songs}", "violin", "--bundle", "nowhere"], "nowhere"),
        (["{songs}", "violin", "--out", "s3://bucket/stems"], "--cluster"),
        (["{songs}", "violin", "--loud"], "--loud"),
        (["{songs}", "asdfgh", "--bundle", "small"], "asdfgh"),
    ],
)
def test_what_cannot_work_for_any_file_is_refused_before_anything_is_made(words, says, do, songs, tmp_path):
    said = do(*(word.format(songs=songs) for word in words))
    assert said.code == 2
    assert says in said.err
    [sentence] = said.err.splitlines()
    assert sentence.startswith("fluxstem: ")
    assert not list(tmp_path.rglob("*violin*"))


def test_other_tasks_and_their_options_work_too(do, songs, tmp_path):
    said = do(songs, "violin", "--task", "restyle", "--strength", 0.5, "--region", "0.1-0.3", "--json")
    assert said.code == 0, said.err
    assert len(results(tmp_path / "out")) == 3
    assert {line["results"][0]["task"] for line in lines(tmp_path / "out")} == {"restyle"}


def test_a_region_in_samples_is_counted_at_the_rate_of_each_file(do, tmp_path):
    for rate_hz in (8_000, 44_100):
        write_music(tmp_path / "songs" / f"{rate_hz}.wav", 0.3, rate_hz)
    for end, skipped in (("1202smp", 0), ("1202smp", 2), ("1203smp", 0)):
        said = do(tmp_path / "songs", "violin", "--task", "inpaint", "--region", f"401smp-{end}", "--json")
        assert (said.code, said.json["skipped"]) == (0, skipped), said.err
    records = [json.loads(path.read_bytes()) for path in (tmp_path / "out").glob("* - violin*.json")]
    places = [[round(end_s * one["rate_hz"]) for end_s in one["region_s"]] for one in records]
    assert sorted(places) == [[401, 1202]] * 2 + [[401, 1203]] * 2


def test_when_no_file_at_all_can_be_done_the_request_is_refused(do, songs):
    said = do(songs, "violin", "--region", "2-3", "--json")  # longer than any of them
    assert (said.code, said.json["failed"]) == (2, 3)
    assert "2-3" in said.err


def test_one_file_that_cannot_be_done_is_some_failed_also_when_the_others_were_done_before(do, songs):
    assert do(songs, "violin", "--region", "0.1-0.3").code == 0
    write_music(songs / "a" / "short.wav", 0.2)
    again = do(songs, "violin", "--region", "0.1-0.3", "--json")
    assert (again.code, again.json["skipped"], again.json["failed"]) == (1, 3, 1)


def test_every_file_has_a_line_with_the_time_left_for_all(do, songs):
    write_music(songs / "a" / "short.wav", 0.2)
    told = do(songs, "violin", "--region", "0.1-0.3").out.splitlines()
    assert [line.split("  ")[0] for line in told[:4]] == ["1/4", "2/4", "3/4", "4/4"]
    assert all(re.search(r"s; \d+:\d\d left for all$", line) for line in told[:3] if "failed" not in line)
    assert "left for all" not in told[3]
    assert told[4].startswith("4 files: 3 done, 0 done before, 1 failed, 0 left; ")


class BrokenEngine:
    """An engine whose device cannot be used; it counts what it is asked."""

    def __init__(self, error: Exception) -> None:
        self.asked = 0
        self._error = error
        self._listeners: list[Callable[[Any], None]] = []

    def subscribe(self, listener: Callable[[Any], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def submit(self, request: Any) -> str:
        from engine.serialization import failed_of

        self.asked += 1
        job = f"job {self.asked}"
        for listener in self._listeners:
            listener(failed_of(job, self._error))
        return job

    def cancel(self, job: str) -> None:
        pass

    def wait(self, job: str, limit_s: float) -> None:
        pass


def test_a_device_that_refuses_everything_stops_the_batch_with_exit_code_3(toy_bundle, tmp_path, capsys):
    songs, broken = write_songs(tmp_path / "songs", 9), BrokenEngine(HostError("the driver is gone"))
    said = say(
        capsys, broken, ["batch", songs, "violin", "--bundle", toy_bundle, "--out", tmp_path / "out", "--jobs", 1]
    )
    assert said.code == 3
    assert "the driver is gone" in said.err
    assert broken.asked < 9 * local.TRIES  # not all of them had to fail


def test_files_that_cannot_be_read_do_not_stop_the_batch(toy_bundle, tmp_path, capsys):
    songs, broken = write_songs(tmp_path / "songs", 9), BrokenEngine(AudioError("it is damaged"))
    said = say(
        capsys, broken, ["batch", songs, "violin", "--bundle", toy_bundle, "--out", tmp_path / "out", "--jobs", 1]
    )
    assert (said.code, broken.asked) == (1, 9)


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_a_batch_that_is_killed_again_and_again_ends_as_if_it_never_was(toy_bundle, tmp_path, do):
    """Kills right after any kind of line: results made, results in their place, a failure."""
    songs = write_songs(tmp_path / "songs", 8)
    (songs / "a" / "bad.wav").write_bytes(b"no sound at all " * 20)
    whole, out = tmp_path / "whole", tmp_path / "out"
    do(songs, "violin", "--out", whole)
    words = (songs, "violin", "--out", out, "--bundle", toy_bundle)
    for more in (1, 2, 4):
        count = len(lines(out)) + more
        process = started(*words)
        wait_until(lambda count=count, process=process: len(lines(out)) >= count or process.poll() is not None, process)
        process.send_signal(signal.SIGKILL)  # on a busy machine it may be at its end, which changes nothing
        process.communicate()
    process = started(*words, "--json")
    told, complaint = process.communicate()
    assert process.returncode == 1, complaint
    assert json.loads(told)["failed"] == 1
    assert results(out) == results(whole)
    assert not (out / ".fluxstem-batch" / "work").exists()
    done = [line["target"] for line in lines(out) if line["state"] == "done"]
    assert len(done) == len(set(done)) == 8  # nothing was done twice


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_ctrl_c_leaves_whole_files_only_and_says_how_to_go_on(toy_bundle, tmp_path):
    songs, out = write_songs(tmp_path / "songs", 4, seconds=2.0), tmp_path / "out"
    write_music(songs / "c" / "long.wav", seconds=600.0)  # the last, which cannot be done before the signal comes
    words = (songs, "violin", "--out", out, "--bundle", toy_bundle)
    process = started(*words)
    wait_until(lambda: any(line["state"] == "done" for line in lines(out)), process)
    process.send_signal(signal.SIGINT)
    told, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on" in complaint
    assert "left" in told
    named = {name for line in lines(out) if line["state"] == "done" for _, name in line["moves"]}
    assert set(results(out)) == {name for name in named if name.endswith(".wav")}
    assert not (out / ".fluxstem-batch" / "work").exists()
    assert json.loads((out / "fluxstem-report.json").read_bytes())["totals"]["left"] > 0
