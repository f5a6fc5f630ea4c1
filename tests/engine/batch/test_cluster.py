"""``fluxstem batch --cluster`` on a real Ray cluster of two nodes on this machine, of which one is lost on the way."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from batchhelp import lines, results, started, wait_until, write_songs
from clihelp import say
from raynodes import RayNodes

from engine.batch.cluster import NO_STATISTICS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="signals of Unix"),
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="Ray is not installed; pip install 'fluxstem[cpu,cluster]'"
    ),
]
SONGS = 16


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[RayNodes]:
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # everything stays on the loopback address
    running = RayNodes()
    yield running
    running.close()


def test_with_an_engine_and_a_machine_lost_nothing_is_lost_and_nothing_done_twice(nodes, toy_bundle, tmp_path):
    songs, out = write_songs(tmp_path / "songs", SONGS, seconds=12.0), tmp_path / "out"
    words = (songs, "violin", "--out", out, "--bundle", toy_bundle)
    process = started(*words, "--cluster", nodes.address, "--json")
    wait_until(lambda: len(done_by(out)) == 2, process)
    victim = next(iter(done_by(out)))
    reports_nothing(int(victim.rpartition(":")[2]))
    os.kill(int(victim.rpartition(":")[2]), signal.SIGKILL)
    wait_until(lambda: len(done(out)) >= SONGS // 3, process)
    assert len(done(out)) < SONGS
    nodes.end_a_node()
    told, complaint = process.communicate(timeout=120)
    assert process.returncode == 0, complaint
    assert (json.loads(told)["done"], json.loads(told)["failed"]) == (SONGS, 0)
    assert len(done(out)) == len(set(done(out))) == SONGS
    stems = [
        f"{'ab'[number % 2]}/song {number} - violin{part}.wav" for number in range(SONGS) for part in ("", " rest")
    ]
    assert list(results(out)) == sorted(stems)
    assert not (out / ".fluxstem-batch" / "work").exists()
    check_same_resume_file_and_urls(nodes, words, tmp_path)


def check_same_resume_file_and_urls(nodes: RayNodes, words: tuple[object, ...], tmp_path: Path) -> None:
    """On what is left of the cluster: an engine here finds all done, and a URL gets the same bytes."""
    process = started(*words, "--json")
    assert json.loads(process.communicate(timeout=60)[0])["skipped"] == SONGS
    songs, prompt, _, _, *bundle = words
    url = (tmp_path / "far").as_uri()
    some = (songs / "a", prompt, "--out", url, *bundle, "--cluster", nodes.address, "--region", "0-1", "--json")
    told = [json.loads(started(*some).communicate(timeout=120)[0]) for _ in range(2)]
    assert [(one["done"], one["skipped"]) for one in told] == [(SONGS // 2, 0), (0, SONGS // 2)]
    assert len(results(tmp_path / "far")) == SONGS
    assert [line["state"] for line in lines(tmp_path / "far")].count("done") == SONGS // 2


def reports_nothing(process: int) -> None:
    """Ray's statistics are off in the process of an engine since its very start."""
    if sys.platform == "linux":
        surroundings = Path(f"/proc/{process}/environ").read_bytes().decode().split("\0")
        assert {f"{name}={value}" for name, value in NO_STATISTICS.items()} <= set(surroundings)


def done(out: Path) -> list[str]:
    """Files that are done, in order."""
    return [line["target"] for line in lines(out) if line["state"] == "done"]


def done_by(out: Path) -> set[str]:
    """Engines that have done a file, with their process numbers."""
    return {line["worker"] for line in lines(out) if line["state"] == "done"}


@pytest.mark.parametrize(("address", "says"), [
    ("127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1"), ("here", "host:port"),
])  # fmt: skip
def test_without_a_cluster_the_request_is_refused(address, says, toy_bundle, tmp_path, capsys):
    songs = write_songs(tmp_path / "songs", 1)
    said = say(capsys, None, [
        "batch", songs, "violin", "--out", tmp_path / "out", "--bundle", toy_bundle, "--cluster", address,
    ])  # fmt: skip
    assert said.code == 2
    assert says in said.err
