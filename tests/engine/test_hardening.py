"""Short runs of the benchmark that kills, hangs and feeds hostile files; its long runs are for releases."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tally import Tally, TallyFile, in_lanes

ROOT = Path(__file__).parents[2]
needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="it forks")


def run(*arguments: str) -> tuple[int, dict]:
    command = [sys.executable, "tests/benchmarks/hardening.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
@needs_fork
@pytest.mark.parametrize(
    ("arguments", "counted"),
    [
        (("media", "--files", "300", "--real", "100"), {"files": 300}),
        (("bundles", "--bundles", "60"), {"bundles": 60}),
        (("kills", "--moments", "4", "--lanes", "2", "--seed", "3"), {"kills": 4}),
        (("soak", "--jobs", "24", "--every", "4", "--lanes", "2"), {"jobs": 24, "struck: SIGSTOP": 2}),
    ],
    ids=lambda arguments: arguments[0] if isinstance(arguments, tuple) else "",
)
def test_nothing_hangs_and_nothing_is_lost(arguments, counted):
    code, found = run(*arguments)
    assert code == 0, found
    assert found["ok"]
    assert found["complete"]
    assert {name: found[arguments[0]][name] for name in counted} == counted
    assert found[arguments[0]]["faults"] == []


@pytest.mark.slow
def test_single_clients_and_broken_neighbours_are_measured():
    command = [sys.executable, "tests/benchmarks/attacks.py", "first", "ports", "by_wire", "ten_thousand"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["ports"]["pongs"] == 2000
    assert (found["ten_thousand"]["waiting"], found["ten_thousand"]["running"]) == (0, 0)


@needs_fork
def test_figures_add_up_over_runs_and_a_finished_check_only_prints_them(tmp_path):
    state = str(tmp_path / "state.json")
    assert run("bundles", "--bundles", "2", "--lanes", "1", "--state", state)[1]["bundles"]["bundles"] == 2
    again = run("bundles", "--bundles", "3", "--lanes", "1", "--state", state)[1]
    assert again["bundles"]["bundles"] == 3
    assert run("bundles", "--bundles", "3", "--lanes", "1", "--state", state) == (0, again)


def test_a_fault_of_an_earlier_run_is_not_forgotten(tmp_path):
    state = tmp_path / "state.json"
    TallyFile(state).add("soak", Tally(faults=["a job was lost"]))
    TallyFile(state).add("soak", Tally())
    assert not TallyFile(state).get("soak").printed()["ok"]


@needs_fork
def test_a_lane_that_breaks_is_a_fault(capfd):
    def work(lane: int) -> Tally:
        if lane:
            raise ValueError("broken")
        return Tally()

    assert len(in_lanes(2, work).faults) == 1
    assert "broken" in capfd.readouterr().err


@needs_fork
def test_a_host_that_dies_at_a_file_is_a_fault_and_a_decoder_is_not(tmp_path):
    import os
    import signal

    from hostilefiles import MediaLane, Role

    def dying() -> object:
        return lambda word: os.kill(os.getpid(), signal.SIGKILL)

    lane = MediaLane(tmp_path / "lane", {"a.wav": bytes(100)})
    lane._host = Role(dying)
    lane.try_one(1, "1.0", really=False)
    assert lane.tally.faults == ["file 1 of seed 1.0 (a.wav, as a mix), by the host itself: died SIGKILL"]
    lane._host, lane._decoder = Role(lambda: lambda word: "for the decoder"), Role(dying)
    lane.try_one(3, "1.0", really=False)
    assert lane.tally.counts["by a decoder: died SIGKILL"] == 1
    assert len(lane.tally.faults) == 1
    lane.close()
