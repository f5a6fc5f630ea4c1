"""Whatever dies, jobs that were acknowledged are finished, and finished ones still answer."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clihelp import everything_in, read, write_music
from heldhost import host_held_by
from oschelp import LIMIT_S, Caller

from engine import Engine, RequestError, check_values, request_from_json, request_to_json
from engine.osc import Bridge, BridgeClient
from engine.osc.journal import KEPT_FINISHED, Journal, JournalEntry, again
from engine.osc.transfer import send_clip

ROOT = Path(__file__).parents[3]


def entry(number: int, **changes: object) -> JournalEntry:
    values = {"id": f"job {number}", "number": number, "task": "isolate", "asked": {"prompt": "bass"}}
    return JournalEntry(**{**values, **changes})


def test_the_engine_host_is_killed_amid_five_jobs_and_all_five_are_done(settings, toy_engine, mix, tmp_path):
    (held := tmp_path / "held").touch()
    with Engine(host_command=host_held_by(held)) as engine, Bridge(engine, settings) as bridge:
        caller = Caller(bridge.state.udp_port)
        for number in range(5):
            caller.say("/fluxstem/isolate", f"job {number}", str(mix), "bass")
        while caller.until("/fluxstem/progress")[2] == 0:
            pass
        os.kill(engine.host_pid, signal.SIGKILL)
        held.unlink()
        finished = {caller.until("/fluxstem/done", "/fluxstem/fail")[:2] for _ in range(5)}
        assert finished == {("/fluxstem/done", f"job {number}") for number in range(5)}
        reported = [message for message in caller.heard if message[0] == "/fluxstem/progress"]
        assert any("died" in message[3] for message in reported)
        caller.heard.clear()
        status = caller.ask("/fluxstem/status")
        assert status[1:5] == (0, 0, 5, 1)
        caller.socket.close()


def test_a_job_that_kills_every_host_is_given_up_and_the_next_one_is_done(settings, toy_engine, long_mix, mix):
    with Engine() as engine, Bridge(engine, settings) as bridge:
        caller = Caller(bridge.state.udp_port)
        caller.say("/fluxstem/isolate", "poison", str(long_mix), "bass", 0.0, 0.0, 0, 1000)
        killed = set()
        while len(killed) < 3:
            message = caller.until("/fluxstem/progress", "/fluxstem/fail")
            assert message[0] == "/fluxstem/progress", message
            pid = engine.host_pid
            if pid is not None and pid not in killed and "died" not in message[3]:
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)
        assert caller.until("/fluxstem/fail")[:3] == ("/fluxstem/fail", "poison", "engine")
        caller.say("/fluxstem/isolate", "fine", str(mix), "bass")
        assert caller.until("/fluxstem/done")[1] == "fine"
        caller.socket.close()


@pytest.fixture
def start(settings, toy_bundle) -> Iterator[Callable[[], tuple[subprocess.Popen[str], Caller]]]:
    """Start a bridge in a process of its own, as a user does; gives the process and a caller."""
    running: list[tuple[subprocess.Popen[str], Caller]] = []
    command = [sys.executable, "-m", "engine", "bridge", "--port", "0", "--no-token", "--json", "--bundle", "toy"]
    command += ["--root", str(settings.roots[0]), "--out", str(settings.out), "--home", str(settings.home)]

    def run() -> tuple[subprocess.Popen[str], Caller]:
        environment = {**os.environ, "FLUXSTEM_BUNDLES": str(toy_bundle.parent)}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        state = json.loads(process.stdout.readline())
        running.append((process, Caller(state["udp_port"])))
        return running[-1]

    yield run
    for process, caller in running:
        process.kill()
        process.wait()
        process.stdout.close()
        caller.socket.close()


def test_the_bridge_is_killed_and_the_next_one_answers_for_it(start, long_mix, mix):
    process, caller = start()
    caller.say("/fluxstem/isolate", "done before", str(mix), "bass")
    done = caller.until("/fluxstem/done")
    caller.say("/fluxstem/isolate", "failed before", str(mix), "bass", 7.0, 8.0)
    fail = caller.until("/fluxstem/fail")
    caller.say("/fluxstem/isolate", "under way", str(long_mix), "bass", 0.0, 0.0, 0, 20)
    for number in range(3):
        caller.say("/fluxstem/isolate", f"waiting {number}", str(mix), "bass")
    caller.until("/fluxstem/progress")
    caller.say("/fluxstem/sync", "all in")
    caller.until("/fluxstem/synced")
    process.kill()
    process.wait()
    long_mix.unlink()  # what was acknowledged is in safety
    mix.unlink()

    process, caller = start()
    caller.say("/fluxstem/notify", 1)
    assert caller.ask("/fluxstem/result", "done before")[:1] != ("/fluxstem/fail",)
    caller.say("/fluxstem/result", "done before")
    assert caller.until("/fluxstem/done") == done
    caller.say("/fluxstem/result", "failed before")
    assert caller.until("/fluxstem/fail") == fail
    for name in ("under way", "waiting 0", "waiting 1", "waiting 2"):
        while True:
            caller.say("/fluxstem/result", name)
            message = caller.until("/fluxstem/done", "/fluxstem/fail", "/fluxstem/progress")
            if message[0] != "/fluxstem/progress" and message[1] == name:
                break
        assert message[0] == "/fluxstem/done", message
        assert all(Path(path).is_file() for path in message[3:5])
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT_S) == 0


def test_a_bridge_that_is_closed_and_opened_again_goes_on(settings, toy_engine, long_mix):
    with Bridge(toy_engine, settings) as bridge:
        caller = Caller(bridge.state.udp_port)
        caller.say("/fluxstem/isolate", "long", str(long_mix), "bass", 0.0, 0.0, 0, 1000)
        caller.until("/fluxstem/progress")
        caller.socket.close()
    with Bridge(toy_engine, settings) as bridge:
        assert bridge.taken_up == 1
        caller = Caller(bridge.state.udp_port)
        assert caller.ask("/fluxstem/jobs")[:3] == ("/fluxstem/jobs.reply", "long", "isolate")
        caller.say("/fluxstem/cancel", "long")
        caller.until("/fluxstem/cancelled")
        caller.socket.close()


def test_the_last_line_of_a_job_is_what_holds_and_a_cut_line_is_skipped(tmp_path):
    journal = Journal(tmp_path / "journal")
    journal.put(entry(1))
    journal.put(entry(2))
    journal.put(entry(1, outcome="done", reply=(1, ["a.wav"], -300.0), parts={"stem": "a.wav"}))
    journal.close()
    with (tmp_path / "journal").open("ab") as stream:
        stream.write(b'{"id":"job 3","numb')
    reopened = Journal(tmp_path / "journal")
    assert set(reopened.entries) == {"job 1", "job 2"}
    assert reopened.entries["job 1"].reply == (1, ["a.wav"], -300.0)
    assert reopened.entries["job 2"].outcome is None
    reopened.close()


def test_what_only_a_newer_bridge_knows_is_kept_in_the_journal(tmp_path):
    path = tmp_path / "journal"
    line = {"id": "a", "number": 1, "task": "isolate", "asked": {}, "reply": [], "priority": 3}
    path.write_text(f"{json.dumps(line)}\n[]\n7\n")
    journal = Journal(path)
    journal.put(again(journal.entries["a"]))
    journal.close()
    [first, second] = map(json.loads, path.read_text().splitlines())
    assert (first["priority"], second["priority"], second["attempts"]) == (3, 3, 1)


def test_the_journal_keeps_the_last_thousand_finished_jobs_and_all_others(tmp_path):
    journal = Journal(tmp_path / "journal")
    for number in range(KEPT_FINISHED + 50):
        journal.put(entry(number, outcome=None if number in (3, 7) else "cancelled"))
    journal.close()
    reopened = Journal(tmp_path / "journal")
    assert len(reopened.entries) == KEPT_FINISHED + 2
    assert {"job 3", "job 7", f"job {KEPT_FINISHED + 49}"} <= set(reopened.entries)
    assert "job 4" not in reopened.entries
    reopened.close()


def test_a_journal_of_an_older_bridge_is_taken_up(settings, toy_engine, mix):
    """Its lines were written before there was an options table; the arguments that came later have their defaults."""
    spool = settings.home / "spool" / "one"
    (spool / "input").mkdir(parents=True)
    shutil.copy(mix, spool / "input" / "mix.wav")
    lines = (Path(__file__).parent / "journal_before_options.jsonl").read_text().replace("/spool/one", str(spool))
    (settings.home / "journal.jsonl").write_text(lines.replace("/results", str(settings.out)))
    with Bridge(toy_engine, settings) as bridge:
        assert bridge.taken_up == 2
        caller = Caller(bridge.state.udp_port)
        caller.say("/fluxstem/result", "finished")
        done = caller.until("/fluxstem/done")
        assert done[1:3] == ("finished", 2)
        assert done[3].endswith("mix - bass.wav")
        caller.say("/fluxstem/isolate", "finished", "/music/mix.wav", "bass", 0.25, 0.5)
        assert caller.until("/fluxstem/ack", "/fluxstem/fail") == ("/fluxstem/ack", "finished", 3), "still the same job"
        assert caller.next() == done
        caller.say("/fluxstem/result", "later")
        assert caller.until("/fluxstem/done", "/fluxstem/fail")[:2] == ("/fluxstem/done", "later")
        caller.socket.close()


@pytest.mark.parametrize("number", [0, 1])
def test_a_request_of_an_older_journal_is_the_one_it_was(number):
    entry = json.loads((Path(__file__).parent / "journal_before_options.jsonl").read_text().splitlines()[number])
    request = request_from_json(entry["request"])
    check_values(request)
    written = json.loads(json.dumps(request_to_json(request)))
    assert {name: written[name] for name in entry["request"]} == entry["request"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with very little room."""
    place = tmp_path / "small disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not let the test mount a small file system")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_fails_the_job_and_leaves_no_part_of_it(settings, toy_engine, small_disk, tmp_path):
    mix = write_music(tmp_path / "in" / "mix.wav", seconds=10.0)
    with Bridge(toy_engine, replace(settings, out=small_disk / "out")) as bridge:
        caller = Caller(bridge.state.udp_port)
        caller.say("/fluxstem/isolate", "a", str(mix), "bass")
        fail = caller.until("/fluxstem/fail", "/fluxstem/done")
        assert fail[:3] == ("/fluxstem/fail", "a", "output")
        assert not everything_in(small_disk / "out")
        short = write_music(tmp_path / "in" / "short.wav", seconds=0.1)
        caller.say("/fluxstem/isolate", "b", str(short), "bass")
        done = caller.until("/fluxstem/done", "/fluxstem/fail")
        np.testing.assert_array_equal(read(done[3]) + read(done[4]), read(short))
        caller.socket.close()


def test_a_full_disk_under_the_journal_refuses_new_jobs_and_keeps_the_old(settings, toy_engine, small_disk, mix):
    with Bridge(toy_engine, replace(settings, home=small_disk / "home")) as bridge:
        caller = Caller(bridge.state.udp_port)
        caller.say("/fluxstem/isolate", "before", str(mix), "bass")
        done = caller.until("/fluxstem/done")
        caller.say("/fluxstem/sync", "tidied")
        caller.until("/fluxstem/synced")
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
            while stream.write(bytes(512)):
                pass
        caller.say("/fluxstem/isolate", "full", str(mix), "bass")
        assert caller.until("/fluxstem/fail", "/fluxstem/done")[:3] == ("/fluxstem/fail", "full", "output")
        with BridgeClient(port=bridge.state.tcp_port, tcp=True) as client, pytest.raises(RequestError, match="no room"):
            send_clip(client, mix)
        filler.unlink()
        caller.say("/fluxstem/isolate", "after", str(mix), "bass")
        assert caller.until("/fluxstem/fail", "/fluxstem/done")[:2] == ("/fluxstem/done", "after")
        assert caller.ask("/fluxstem/result", "before") == done
        caller.socket.close()
