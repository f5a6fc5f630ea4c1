"""What a client of the bridge can rely on: every message is answered, every id is one job, replies go to who asked."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clihelp import read, write_music
from oscfuzz import bundle, killers
from oschelp import LIMIT_S, Caller, packed, write_broadcast_wav

from engine import Engine, RequestError, read_extras, time_reference
from engine.osc import Bridge, BridgeClient, read_state
from engine.osc.transport.framing import Framer
from engine.osc.transport.sockets import CONNECTIONS_LIMIT

ROOT = Path(__file__).parents[3]


def test_ping_version_and_status_answer_at_once(caller):
    assert caller.ask("/fluxstem/ping") == ("/fluxstem/pong", "")
    assert caller.ask("/fluxstem/ping", "hi") == ("/fluxstem/pong", "hi")
    assert caller.ask("/fluxstem/version")[:2] == ("/fluxstem/version.reply", "fluxstem")
    assert caller.ask("/fluxstem/status")[:4] == ("/fluxstem/status.reply", 0, 0, 0)


def test_lists_end_with_a_message_that_says_how_many_there_were(caller):
    for address in ("help", "bundles", "jobs"):
        caller.heard.clear()
        caller.say(f"/fluxstem/{address}")
        end = caller.until(f"/fluxstem/{address}.end")
        assert end[1] == len(caller.heard) - 1


def test_a_clip_by_path_becomes_two_files_that_sum_to_it(caller, mix):
    caller.say("/fluxstem/isolate", "one", str(mix), "bass")
    ack = caller.next()
    assert ack == ("/fluxstem/ack", "one", 1)
    done = caller.until("/fluxstem/done")
    _, name, n, stem, rest, null_db, presence, start, length, rate, _ = done
    assert (name, n, null_db, start, length, rate) == ("one", 2, -300.0, "0", "4000", 16_000)
    assert 0 <= presence <= 1
    np.testing.assert_array_equal(read(stem) + read(rest), read(mix))


def test_a_region_says_where_it_was(caller, tmp_path, settings):
    mix = write_music(tmp_path / "in" / "mix.wav", seconds=1.0)
    caller.say("/fluxstem/isolate", 7, str(mix), "bass", 0.25, 0.0)
    done = caller.until("/fluxstem/done", "/fluxstem/fail")
    assert done[1] == "7"
    start, length = int(done[7]), int(done[8])
    assert (start, length) == (4000, 12_000)
    whole = read(mix)
    np.testing.assert_array_equal(read(done[3]) + read(done[4]), whole[start : start + length])


@pytest.mark.parametrize(
    ("seconds", "types"),
    [(1, "i"), (1.0, "f"), (1.0, "d"), (1, "h"), ("1", "s"), ("1.0", "s"), (True, "T")],
)
def test_any_number_is_taken_for_a_number(caller, seconds, types):
    caller.say("/fluxstem/generate", "a", "bass", seconds, types="ss" + types)
    done = caller.until("/fluxstem/done", "/fluxstem/fail")
    assert done[0] == "/fluxstem/done", done
    assert int(done[-3]) == done[-2]


@pytest.mark.parametrize(
    "args", [(), ("a",), ("a", "/x.wav"), ("a", "/x.wav", b"\1\2"), ("a", "/x.wav", "bass", "soon")]
)
def test_wrong_arguments_get_a_fail_that_names_the_right_ones(caller, args):
    message = caller.ask("/fluxstem/isolate", *args)
    assert message[:3] == ("/fluxstem/fail", "a" if args else "", "arguments")
    assert "id:s, input:s, prompt:s, [start:f s]" in message[3]


@pytest.mark.parametrize(
    "address", ["/fluxstem/nonsense", "/fluxstem", "/", "/1/fader1", "/fluxstem/isolate/", "/live/test"]
)
def test_an_unknown_address_is_answered(caller, address):
    assert caller.ask(address, 0.5)[:3] == ("/fluxstem/error", address, "unknown")


def test_surplus_arguments_are_ignored(caller):
    assert caller.ask("/fluxstem/ping", "x", 1.0, "more") == ("/fluxstem/pong", "x")


def test_answers_of_other_bridges_are_not_answered(caller):
    caller.say("/fluxstem/error", "/x", "unknown", "text")
    caller.say("/fluxstem/pong", "x")
    caller.silence()


@pytest.mark.parametrize("name", killers())
def test_after_a_killer_the_next_ping_is_answered(caller, name):
    caller.throw(killers()[name])
    if (first := caller.ask("/fluxstem/ping", "after"))[0] == "/fluxstem/error":
        assert first[2] == "packet"
        first = caller.next()
    assert first == ("/fluxstem/pong", "after")


def test_a_future_time_tag_is_not_waited_for(caller):
    for seconds in (2**32 - 1, int(time.time()) + 2_208_988_800 + 3600, 1):
        caller.throw(bundle(packed("/fluxstem/ping", "a"), bundle(packed("/fluxstem/ping", "b")), seconds=seconds))
        assert [caller.next(), caller.next()] == [("/fluxstem/pong", "a"), ("/fluxstem/pong", "b")]


def test_the_same_id_twice_is_the_same_job(caller, mix, tmp_path):
    for _ in range(3):
        caller.say("/fluxstem/isolate", "twice", str(mix), "bass")
    caller.until("/fluxstem/done")
    caller.say("/fluxstem/isolate", "twice", str(mix), "bass")
    assert caller.until("/fluxstem/ack")[2] == 1
    assert caller.next()[:2] == ("/fluxstem/done", "twice")
    assert len(list((tmp_path / "out").glob("*.wav"))) == 2
    assert caller.ask("/fluxstem/isolate", "twice", str(mix), "drums")[:3] == ("/fluxstem/fail", "twice", "id")


def test_a_refused_id_can_be_used_again(caller, mix):
    assert caller.ask("/fluxstem/isolate", "a", "/nowhere.wav", "bass")[:3] == ("/fluxstem/fail", "a", "path")
    caller.say("/fluxstem/isolate", "a", str(mix), "bass")
    assert caller.until("/fluxstem/done", "/fluxstem/fail")[0] == "/fluxstem/done"


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("bass", 0.0, 0.0, 0, 0, -1.0, "masked", "tape"), "arguments"),
        (("bass", 0.0, 0.0, 0, 1001), "arguments"),
        (("bass", 5.0, 6.0), "request"),
        (("bass", 0.2, 0.1), "request"),
        (("bass", 0.0, 0.0, 0, 0, -1.0, "masked", "same", "no such bundle"), "bundle"),
        (("bass", 0.0, 0.0, 0, 0, -1.0, "masked", "same", "/etc"), "bundle"),
        (("",), "request"),
    ],
)
def test_what_cannot_be_done_fails_with_a_code_and_one_sentence(caller, mix, args, code):
    caller.say("/fluxstem/isolate", "a", str(mix), *args)
    fail = caller.until("/fluxstem/fail")
    assert fail[:3] == ("/fluxstem/fail", "a", code)
    assert "\n" not in fail[3]


def test_a_file_that_is_no_audio_fails_without_naming_private_folders(caller, tmp_path, settings):
    (tmp_path / "in" / "text.wav").write_text("not a sound")
    caller.say("/fluxstem/isolate", "a", str(tmp_path / "in" / "text.wav"), "bass")
    fail = caller.until("/fluxstem/fail")
    assert fail[2] == "audio"
    assert "text.wav" in fail[3]
    assert str(settings.home) not in fail[3]


def test_replies_go_to_who_asked_and_to_who_asks_later(new_caller, mix):
    asker, other, late = new_caller(), new_caller(), new_caller()
    asker.say("/fluxstem/isolate", "a", str(mix), "bass")
    done = asker.until("/fluxstem/done")
    other.silence()
    assert late.ask("/fluxstem/result", "a") == done
    assert late.ask("/fluxstem/result", "never asked")[:3] == ("/fluxstem/fail", "never asked", "id")


def test_who_wants_to_hears_the_events_of_all_jobs(new_caller, mix):
    asker, watcher = new_caller(), new_caller()
    assert watcher.ask("/fluxstem/notify", 1) == ("/fluxstem/notify.reply", 1)
    asker.say("/fluxstem/isolate", "a", str(mix), "bass")
    assert watcher.until("/fluxstem/done")[1] == "a"
    assert watcher.ask("/fluxstem/notify", 0) == ("/fluxstem/notify.reply", 0)
    asker.say("/fluxstem/isolate", "b", str(mix), "bass")
    asker.until("/fluxstem/done")
    watcher.silence()


def test_replies_can_go_to_another_port_of_the_same_machine_only(new_caller):
    asker, ear = new_caller(), new_caller()
    asker.say("/fluxstem/connect", "", ear.port)
    assert ear.next() == ("/fluxstem/connect.reply", "127.0.0.1", ear.port)
    asker.say("/fluxstem/ping", "over there")
    assert ear.next() == ("/fluxstem/pong", "over there")
    stranger = new_caller()
    assert stranger.ask("/fluxstem/connect", "192.0.2.1", 9000)[:3] == (
        "/fluxstem/error", "/fluxstem/connect", "arguments",
    )  # fmt: skip


def test_cancel_stops_the_running_job_and_the_waiting_one(caller, long_mix, mix, tmp_path):
    for name in ("running", "waiting"):
        caller.say("/fluxstem/isolate", name, str(long_mix), "bass", 0.0, 0.0, 0, 1000)
    caller.say("/fluxstem/isolate", "last", str(mix), "bass")
    caller.until("/fluxstem/progress")
    caller.say("/fluxstem/cancel", "waiting")
    caller.say("/fluxstem/cancel", "running")
    assert {caller.until("/fluxstem/cancelled")[1] for _ in range(2)} == {"running", "waiting"}
    assert caller.until("/fluxstem/done")[1] == "last"
    assert caller.ask("/fluxstem/cancel", "last")[:2] == ("/fluxstem/done", "last")
    assert caller.ask("/fluxstem/cancel", "never asked")[:3] == ("/fluxstem/fail", "never asked", "id")
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_jobs_are_done_in_order_and_listed_while_they_wait(caller, mix):
    names = [f"job {number}" for number in range(12)]
    for name in names:
        caller.say("/fluxstem/isolate", name, str(mix), "bass")
    caller.say("/fluxstem/sync", "all in")
    caller.until("/fluxstem/synced")
    acked = [message[1] for message in caller.heard if message[0] == "/fluxstem/ack"]
    assert acked == names
    for _ in range(len(names) - sum(message[0] == "/fluxstem/done" for message in caller.heard)):
        caller.until("/fluxstem/done")
    assert [message[1] for message in caller.heard if message[0] == "/fluxstem/done"] == names


def test_progress_comes_at_most_ten_times_a_second(caller, long_mix):
    started_s = time.monotonic()
    caller.say("/fluxstem/isolate", "long", str(long_mix), "bass", 0.0, 0.0, 0, 1000)
    for _ in range(8):
        assert 0 <= caller.until("/fluxstem/progress")[2] <= 1
    caller.say("/fluxstem/cancel", "long")
    caller.until("/fluxstem/cancelled")
    took_s = time.monotonic() - started_s
    assert sum(message[0] == "/fluxstem/progress" for message in caller.heard) <= 10 * took_s + 1


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_ipv4_and_ipv6_are_answered(new_caller, host):
    try:
        caller = new_caller(host)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    assert caller.ask("/fluxstem/ping", host) == ("/fluxstem/pong", host)


@pytest.mark.parametrize("framing", ["length", "slip"])
def test_both_framings_of_tcp_are_answered_in_kind(bridge, framing):
    with socket.create_connection(("127.0.0.1", bridge.state.tcp_port), timeout=LIMIT_S) as line:
        framer = Framer(framing)
        line.sendall(framer.frame(packed("/fluxstem/ping", "a")) + framer.frame(packed("/fluxstem/ping", "b")))
        heard: list[bytes] = []
        while len(heard) < 2:
            heard.extend(framer.feed(line.recv(4096)))
    assert heard == [packed("/fluxstem/pong", "a"), packed("/fluxstem/pong", "b")]


def test_a_frame_of_four_gibibytes_ends_that_connection_only(bridge, caller):
    with socket.create_connection(("127.0.0.1", bridge.state.tcp_port), timeout=LIMIT_S) as line:
        line.sendall(b"\xff\xff\xff\xff" + bytes(100))
        with contextlib.suppress(ConnectionResetError):
            while line.recv(4096):
                pass
    assert caller.ask("/fluxstem/ping") == ("/fluxstem/pong", "")


def test_one_connection_more_is_served_and_the_longest_silent_one_makes_room_and_is_told(bridge, caller):
    framer, ping = Framer("length"), packed("/fluxstem/ping")
    with contextlib.ExitStack() as stack:
        lines = []
        for _ in range(CONNECTIONS_LIMIT + 1):
            lines.append(
                stack.enter_context(socket.create_connection(("127.0.0.1", bridge.state.tcp_port), timeout=LIMIT_S))
            )
            lines[-1].sendall(framer.frame(ping))
            assert list(Framer("length").feed(lines[-1].recv(4096))) == [packed("/fluxstem/pong", "")]
        told = b""
        while more := lines[0].recv(4096):
            told += more
        assert b"make room" in told
        lines[1].sendall(framer.frame(ping))
        assert list(Framer("length").feed(lines[1].recv(4096))) == [packed("/fluxstem/pong", "")]


def test_connections_that_wait_for_a_job_are_not_closed_for_others(bridge, caller, long_mix, monkeypatch):
    monkeypatch.setattr("engine.osc.transport.sockets.CONNECTIONS_LIMIT", 1)
    with BridgeClient(port=bridge.state.tcp_port, tcp=True) as client:
        client.start("isolate", str(long_mix), "bass", id="long", steps=1000)
        with socket.create_connection(("127.0.0.1", bridge.state.tcp_port), timeout=LIMIT_S) as line:
            assert b"are open and in use" in line.recv(4096)
        client.ask("/fluxstem/cancel", "long", answers=("/fluxstem/cancelled",))


def test_a_taken_port_means_the_next_free_one_and_the_state_file_says_so(toy_engine, settings):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = other.getsockname()[1]
        with Bridge(toy_engine, replace(settings, port=taken)) as bridge:
            assert taken < bridge.state.udp_port <= taken + 9
            assert read_state(settings.home) == bridge.state
            caller = Caller(bridge.state.udp_port)
            assert caller.ask("/fluxstem/ping")[0] == "/fluxstem/pong"
            caller.socket.close()
    assert read_state(settings.home) is None


def test_a_second_bridge_is_told_who_is_there(toy_engine, settings, bridge):
    with pytest.raises(RequestError, match=f"process {os.getpid()} .bridge. on UDP port {bridge.state.udp_port}"):
        Bridge(toy_engine, settings).start()


def test_the_receive_buffer_is_a_mebibyte_where_the_system_gives_it(bridge):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        given = probe.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    assert bridge.receive_buffer_bytes >= (1 << 20 if given >= 1 << 20 else given // 2)


def test_bwf_time_references_are_kept(caller, tmp_path, settings):
    ramp = np.arange(4000, dtype="int16")
    clip = write_broadcast_wav(tmp_path / "in" / "bwf.wav", ramp, 16_000, "PCM_16", 5_000_000_000)
    assert soundfile.info(clip).frames == 4000
    caller.say("/fluxstem/isolate", "a", str(clip), "bass")
    done = caller.until("/fluxstem/done", "/fluxstem/fail")
    assert [time_reference(read_extras(Path(path)).bext) for path in done[3:5]] == [5_000_000_000] * 2
    caller.say("/fluxstem/isolate", "b", str(clip), "bass", 0.125)
    done = caller.until("/fluxstem/done", "/fluxstem/fail")
    assert done[7] == "2000"
    assert time_reference(read_extras(Path(done[3])).bext) == 5_000_002_000


def test_one_client_after_the_other_gets_its_own_file(toy_engine, settings, mix):
    """The Python client, over UDP and TCP."""
    with Bridge(toy_engine, settings) as bridge:
        for tcp in (False, True):
            port = bridge.state.tcp_port if tcp else bridge.state.udp_port
            with BridgeClient(port=port, tcp=tcp) as client:
                made = client.run("isolate", str(mix), "bass", start=0.0)
                assert all(Path(path).is_file() for path in made.paths)
                with pytest.raises(RequestError, match="this path cannot be used"):
                    client.run("isolate", "/etc/passwd", "bass")


def test_importing_the_bridge_loads_nothing_heavy():
    code = "import sys, engine.osc; print(' '.join(sorted(m.split('.')[0] for m in sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"torch", "PySide6", "onnxruntime", "zeroconf"} & set(loaded.split())


def test_an_engine_that_is_closed_fails_jobs_with_a_code(settings, mix, toy_engine):
    engine = Engine()
    engine.close()
    with Bridge(engine, settings) as bridge:
        caller = Caller(bridge.state.udp_port)
        caller.say("/fluxstem/isolate", "a", str(mix), "bass")
        assert caller.until("/fluxstem/fail")[2] == "internal"
        caller.socket.close()


def test_random_bytes_on_a_stream_do_not_hurt_the_others(bridge, caller):
    for number in range(20):
        with socket.create_connection(("127.0.0.1", bridge.state.tcp_port), timeout=LIMIT_S) as line:
            noise = np.random.default_rng(number).integers(0, 256, 2000, np.uint8).tobytes()
            with contextlib.suppress(OSError):
                line.sendall(struct.pack(">I", len(noise)) + noise)
    assert caller.ask("/fluxstem/ping") == ("/fluxstem/pong", "")
