"""``fluxstem bridge`` and ``fluxstem send``: what a shell, or a DAW that can run a command, sees."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from clihelp import read, say, write_music
from oschelp import LIMIT_S, TOKEN, Caller

from engine.osc import Bridge

ROOT = Path(__file__).parents[3]


@pytest.fixture
def send(bridge, settings, capsys):
    """``send("isolate", path, "bass", "--wait")`` -> what was said; the bridge is found by its state file."""
    return lambda *words: say(capsys, None, ["send", *words, "--home", settings.home])


def test_send_waits_and_prints_the_paths_first(send, mix, tmp_path):
    said = send("isolate", mix, "bass", "--wait")
    assert said.code == 0, said.err
    stem, rest, null, presence = said.out.splitlines()
    np.testing.assert_array_equal(read(stem) + read(rest), read(mix))
    assert null == "null: stem + rest is the input, bit for bit"
    assert presence.startswith("presence: ")


@pytest.mark.parametrize("options", [(), ("--tcp",), ("--by-wire",), ("--by-wire", "--tcp")])
def test_send_gives_one_json_object_over_every_way(send, mix, tmp_path, options):
    said = send("isolate", mix, "bass", "--wait", "--json", "--out", tmp_path / "fetched", *options)
    assert said.code == 0, said.err
    made = said.json
    assert (made["null_db"], made["length_samples"], made["rate_hz"]) == (-300.0, 4000, 16_000)
    where = tmp_path / ("fetched" if "--by-wire" in options else "out")
    assert [Path(path).parent for path in made["paths"]] == [where] * 2
    np.testing.assert_array_equal(read(made["paths"][0]) + read(made["paths"][1]), read(mix))


def test_fetched_files_never_replace_others(send, mix, tmp_path):
    names = set()
    for number in range(3):
        said = send(
            "remove", mix, "bass", "--by-wire", "--json", "--out", tmp_path / "fetched", "--id", f"job {number}"
        )
        names.update(said.json["paths"])
    assert len(names) == len(list((tmp_path / "fetched").iterdir())) == 6


def test_send_without_waiting_prints_the_id_and_result_waits_for_it(send, mix):
    said = send("isolate", mix, "bass", "--id", "mine")
    assert (said.code, said.out) == (0, "mine\n")
    said = send("isolate", mix, "bass", "--id", "mine", "--wait")
    assert said.code == 0
    said = send("result", "mine")
    assert said.out.startswith("/fluxstem/done mine 2 ")


def test_send_takes_every_argument_of_the_table(send, tmp_path, settings):
    mix = write_music(tmp_path / "in" / "mix.wav", seconds=1.0)
    said = send("isolate", mix, "bass", "--wait", "--json", "--set", "start=0.25", "--set", "end=0.5")
    assert (said.json["start_samples"], said.json["length_samples"]) == (4000, 4000)
    said = send("generate", "bass", "--wait", "--json", "--set", "seconds=0.5", "--set", "format=wav16")
    assert said.code == 0


@pytest.mark.parametrize("what", ["ping", "version", "status", "bundles", "jobs", "help"])
def test_send_asks_questions_too(send, what):
    said = send(what)
    assert said.code == 0
    assert said.out.startswith("/fluxstem/")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("isolate", "x.wav"), "takes an audio file and a prompt, got 1 words"),
        (("generate", "a", "b"), "takes a prompt, got 2 words"),
        (("dance",), "there is nothing called dance"),
        (("isolate", "/nowhere.wav", "bass", "--wait"), "this path cannot be used"),
        (("isolate", "/nowhere.wav", "bass", "--by-wire"), "there is no file"),
        (("isolate", "/nowhere.wav", "bass", "--set", "volume"), "give NAME=VALUE"),
        (("isolate", "/nowhere.wav", "bass", "--token-file", "/nowhere"), "token file"),
    ],
)
def test_send_complains_in_one_sentence(send, words, why):
    said = send(*words)
    assert (said.code, said.out) == (2, "")
    assert why in said.err
    assert said.err.count("\n") == 1


def test_send_says_when_no_bridge_is_there(capsys, tmp_path):
    said = say(capsys, None, ["send", "ping", "--tcp", "--port", "1", "--home", tmp_path])
    assert said.code == 3
    assert "start one with: fluxstem bridge" in said.err


def test_send_over_the_network_proves_the_token(toy_engine, settings, mix, tmp_path, capsys):
    token = tmp_path / "token"
    token.write_bytes(TOKEN + b"\n")
    token.chmod(0o644)
    by_wire = ["--by-wire", "--json", "--token-file", token, "--home", settings.home, "--out", tmp_path / "fetched"]
    with Bridge(toy_engine, replace(settings, lan=True, token=TOKEN, no_token=False)):
        said = say(capsys, None, ["send", "isolate", mix, "bass", *by_wire])
        assert said.code == 2
        assert f"chmod 600 {token}" in said.err
        token.chmod(0o600)
        said = say(capsys, None, ["send", "isolate", mix, "bass", *by_wire])
        assert said.code == 0, said.err
        assert {Path(path).name for path in said.json["paths"]} == {
            path.name for path in (tmp_path / "fetched").iterdir()
        }
        (settings.home / "token").rename(tmp_path / "away")
        said = say(capsys, None, ["send", "status", "--home", settings.home])
        assert said.code == 2
        assert said.out.startswith("/fluxstem/error /fluxstem/status token")


def bridge_process(settings, toy_bundle, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "engine", "bridge", "--bundle", "toy", "--root", str(settings.roots[0])]
    command += ["--out", str(settings.out), "--home", str(settings.home), *words]
    environment = {**os.environ, "FLUXSTEM_BUNDLES": str(toy_bundle.parent)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_bridge_says_where_it_listens_and_leaves_when_told(settings, toy_bundle, number):
    with bridge_process(settings, toy_bundle, "--port", "0") as process:
        first = process.stdout.readline()
        assert first.startswith("listening on 127.0.0.1, UDP port ")
        assert "for this machine only" in first
        assert str(settings.home / "token") in process.stdout.readline()
        caller = Caller(int(first.split("UDP port ")[1].split()[0]))
        assert caller.ask("/fluxstem/ping") == ("/fluxstem/pong", "")
        caller.socket.close()
        process.send_signal(number)
        assert process.wait(LIMIT_S) == 0
        assert process.stderr.read() == ""
    assert not (settings.home / "state.json").exists()


def test_the_terminal_says_one_line_for_each_job_that_ends_or_is_refused(settings, toy_bundle, mix):
    with bridge_process(settings, toy_bundle, "--port", "0", "--no-token", "--json") as process:
        caller = Caller(json.loads(process.stdout.readline())["udp_port"])
        caller.say("/fluxstem/isolate", "good", str(mix), "bass")
        caller.until("/fluxstem/done")
        caller.say("/fluxstem/isolate", "bad", "/nowhere.wav", "bass")
        caller.until("/fluxstem/fail")
        caller.say("/fluxstem/isolate", "wrong", str(mix), "bass", "soon")
        caller.until("/fluxstem/fail")
        caller.socket.close()
        process.send_signal(signal.SIGTERM)
        said = [line for line in process.stdout.read().splitlines() if " isolate: " in line]
    assert [line.split(", ")[0] for line in said] == [
        "good isolate: done",
        "bad isolate: refused",
        "wrong isolate: refused",
    ]
    assert "mix - bass.wav, mix - bass rest.wav" in said[0]
    assert "this path cannot be used" in said[1]


def test_the_first_job_is_done_by_the_process_that_was_started_with_the_bridge(settings, toy_bundle, mix):
    with bridge_process(settings, toy_bundle, "--port", "0", "--no-token", "--json") as process:
        caller = Caller(json.loads(process.stdout.readline())["udp_port"])
        end_s = time.monotonic() + LIMIT_S
        while not (first := psutil.Process(process.pid).children()) and time.monotonic() < end_s:
            time.sleep(0.01)
        caller.say("/fluxstem/isolate", "first", str(mix), "bass")
        assert caller.until("/fluxstem/done", "/fluxstem/fail")[0] == "/fluxstem/done"
        assert psutil.Process(process.pid).children() == first
        caller.socket.close()
        process.send_signal(signal.SIGTERM)


def test_warnings_that_nobody_reads_do_not_stop_the_bridge(settings, toy_bundle):
    with bridge_process(settings, toy_bundle, "--port", "0", "--no-token", "--json") as process:
        caller = Caller(json.loads(process.stdout.readline())["udp_port"])
        for number in range(3000):  # 200 kB of warnings, and a pipe holds 64
            assert caller.ask("/fluxstem/ping", str(number), "one argument too many")[1] == str(number)
        caller.socket.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0


def test_a_second_bridge_ends_with_a_sentence_that_names_the_first(settings, toy_bundle, bridge):
    with bridge_process(settings, toy_bundle, "--port", str(bridge.state.udp_port)) as process:
        said = process.stderr.read()
        assert process.wait(LIMIT_S) == 2
    assert f"process {os.getpid()}" in said
    assert f"UDP port {bridge.state.udp_port}" in said


def test_a_bridge_of_another_folder_is_named_as_the_one_that_has_the_port(settings, toy_bundle, bridge, tmp_path):
    other = replace(settings, home=tmp_path / "other home")
    with bridge_process(other, toy_bundle, "--port", str(bridge.state.udp_port)) as process:
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.wait(LIMIT_S)
    assert f"port {bridge.state.udp_port} is taken by another Fluxstem" in first
    assert f"(process {os.getpid()}, bridge)" in first


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--lan"], "needs a token"),
        (["--lan", "--token-file", "/nowhere"], "cannot be read"),
        (["--allow", "10.0.0.0/8"], "LAN mode"),
        (["--port", "70000"], "give a number from 0"),
        (["--root", "/nowhere"], "there is no folder /nowhere"),
    ],
)
def test_a_bridge_that_cannot_work_does_not_start(capsys, tmp_path, words, why):
    said = say(capsys, None, ["bridge", "--home", tmp_path / "home", "--out", tmp_path / "out", *words])
    assert said.code == 2
    assert why in said.err
    assert not (tmp_path / "out").exists()


def test_without_python_osc_one_sentence_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['pythonosc'] = None; "
        "from engine.cli.parser import main; sys.exit(main(['send', 'ping']))"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert "pip install 'fluxstem[osc]'" in said.stderr
    assert said.stderr.count("\n") == 1
