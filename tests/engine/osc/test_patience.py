"""Nobody keeps another client waiting, every message is answered or counted, and nothing is forgotten too early."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from clihelp import read, write_music
from oscfuzz import bundle
from oschelp import LIMIT_S, Caller, packed

from engine import OutputError, RequestError, load_plugin_library
from engine.osc import JOB_LOG, BridgeClient, plugin_handlers
from engine.osc.bridge import for_user
from engine.osc.clip_store import ClipStore
from engine.osc.home import Home
from engine.osc.transport import sockets
from engine.osc.transport.framing import Framer
from engine.osc.transport.sessions import SESSIONS_LIMIT, SILENCE_LIMIT_S, SessionTable
from engine.osc.transport.turns import Turns


class Nowhere:
    """A wire that leads nowhere."""

    reliable = crowded = False

    def send(self, packet: bytes, to: tuple[str, int] | None = None) -> None:
        pass

    async def room(self) -> None:
        pass

    def close(self) -> None:
        pass


# Turns.


def run_turns(*lines: tuple[str, Iterator[bool]]) -> None:
    async def work() -> None:
        turns = Turns(asyncio.get_running_loop())
        for key, one in lines:
            turns.add(key, one)
        while any(turns.waiting(key) for key, _ in lines):
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(work(), LIMIT_S))


def test_endless_work_of_one_sender_does_not_keep_another_from_its_turn():
    served: list[str] = []

    def endless() -> Iterator[bool]:
        while "ping" not in served:
            yield False
        served.append("endless")

    def ping() -> Iterator[bool]:
        served.append("ping")
        yield False

    run_turns(("a", endless()), ("b", endless()), ("c", ping()))
    assert served == ["ping", "endless", "endless"]


def test_the_work_of_one_sender_is_done_in_order_and_a_fault_ends_only_itself(caplog):
    done: list[int] = []

    def step(number: int) -> Iterator[bool]:
        yield False
        if number == 2:
            raise ValueError("a fault")
        done.append(number)

    run_turns(*(("a", step(number)) for number in range(5)))
    assert done == [0, 1, 3, 4]
    assert "a fault of the bridge" in caplog.text


def test_a_line_that_is_set_aside_goes_on_when_it_is_woken_and_can_be_dropped():
    async def work() -> list[str]:
        done: list[str] = []
        turns = Turns(asyncio.get_running_loop())

        def slow(name: str) -> Iterator[bool]:
            yield True
            done.append(name)

        turns.add("a", slow("a"))
        turns.add("b", slow("b"))
        await asyncio.sleep(0.05)
        assert not done
        turns.drop("b")
        turns.wake("a")
        await asyncio.sleep(0.05)
        assert not turns.waiting("a") + turns.waiting("b")
        return done

    assert asyncio.run(work()) == ["a"]


@pytest.mark.parametrize("tcp", [False, True])
def test_a_ping_overtakes_the_burst_of_another_client(bridge, new_caller, tcp):
    busy, quiet = new_caller(), new_caller()
    burst = bundle(*[packed("/fluxstem/help")] * 200)
    many = 25  # the ping is on its way while they are worked on, however busy the machine is
    with socket.create_connection(("127.0.0.1", bridge.state.tcp_port), timeout=LIMIT_S) as line:
        if tcp:
            line.sendall(Framer("length").frame(burst) * many)
        else:
            for _ in range(many):
                busy.throw(burst)
        busy_key = ("tcp", *line.getsockname()) if tcp else ("udp", "127.0.0.1", busy.port)
        while not (router := bridge._router).turns.waiting(busy_key):
            pass
        assert quiet.ask("/fluxstem/ping", "now") == ("/fluxstem/pong", "now")
        assert router.turns.waiting(busy_key), "the burst was over before the ping was answered"


# Every message is answered, or counted.


def test_a_burst_of_questions_about_plug_ins_reads_what_is_known_once(caller, monkeypatch):
    reads = []

    def counted():
        reads.append(1)
        return load_plugin_library()

    monkeypatch.setattr(plugin_handlers, "load_plugin_library", counted)
    monkeypatch.setattr(plugin_handlers, "KNOWN_FOR_S", 60.0)
    caller.throw(bundle(*[packed("/fluxstem/plugins/show", "highpass")] * 200))
    for _ in range(200):
        assert caller.until("/fluxstem/plugins/show.end", "/fluxstem/error")[0] == "/fluxstem/plugins/show.end"
    assert len(reads) == 1
    caller.say("/fluxstem/plugins/scan")
    caller.until("/fluxstem/plugins/scanned", "/fluxstem/error")
    caller.say("/fluxstem/plugins/list")
    caller.until("/fluxstem/plugins/list.end")
    assert len(reads) == 2, "after a scan it is read anew"


def test_every_one_of_a_thousand_refused_jobs_is_answered(bridge, mix, monkeypatch):
    monkeypatch.setattr("engine.osc.job_queue.QUEUE_LIMIT", 2)
    framer = Framer("length")
    with socket.create_connection(("127.0.0.1", bridge.state.tcp_port), timeout=LIMIT_S) as line:
        asked = {f"job {number}" for number in range(1000)}
        line.sendall(
            b"".join(framer.frame(packed("/fluxstem/isolate", name, str(mix), "bass")) for name in sorted(asked))
        )
        answered: set[str] = set()
        while answered < asked:
            for packet in framer.feed(line.recv(65536)):
                address, name = packet.split(b"\0")[0], packet[packet.index(b",") :].split(b"\0")
                if address in (b"/fluxstem/ack", b"/fluxstem/fail"):
                    answered.add(next(part.decode() for part in name[1:] if part))
    assert answered == asked


def test_what_could_not_be_read_is_counted_in_the_status(bridge, caller, monkeypatch):
    before = caller.ask("/fluxstem/status")[-1]
    monkeypatch.setattr(sockets, "LINE_LIMIT_PACKETS", 0)
    for _ in range(7):
        caller.say("/fluxstem/ping")
    with BridgeClient(port=bridge.state.tcp_port, tcp=True) as client:
        while (unanswered := client.ask("/fluxstem/status", answers=("/fluxstem/status.reply",)).args[-1]) < before + 7:
            pass
    assert unanswered == before + 7


def test_a_job_refused_at_intake_can_be_asked_for_like_any_other(caller, mix):
    fail = caller.ask("/fluxstem/isolate", "a", "/nowhere.wav", "bass")
    assert fail[2] == "path"
    assert caller.ask("/fluxstem/result", "a") == fail
    assert caller.ask("/fluxstem/isolate", "b", str(mix))[2] == "arguments"
    assert caller.ask("/fluxstem/result", "b")[2] == "arguments"
    caller.say("/fluxstem/isolate", "a", str(mix), "bass")
    caller.until("/fluxstem/done")
    assert caller.ask("/fluxstem/result", "a")[0] == "/fluxstem/done"


def test_the_log_has_one_line_for_each_job(caller, mix, caplog):
    caplog.set_level(logging.INFO, JOB_LOG)
    caller.say("/fluxstem/isolate", "good", str(mix), "bass")
    caller.until("/fluxstem/done")
    caller.say("/fluxstem/isolate", "late", str(mix), "bass", 5.0, 6.0)
    caller.until("/fluxstem/fail")
    lines = [record.getMessage() for record in caplog.records if record.name == JOB_LOG]
    assert lines[0] == "good isolate: done, mix - bass.wav, mix - bass rest.wav"
    assert lines[1].startswith("late isolate: fail, request, ")
    assert len(lines) == 2


def test_a_full_disk_at_the_start_is_not_called_a_taken_port(settings):
    full = OSError(errno.ENOSPC, "No space left on device")
    told = for_user(full, settings)
    assert isinstance(told, OutputError)
    assert "make room" in str(told)
    assert str(settings.home) in str(told)
    assert isinstance(for_user(OSError(errno.EADDRINUSE, "Address already in use"), settings), RequestError)


# An id, asked for again.


def test_the_id_of_a_failed_job_is_free_again(caller, tmp_path, settings):
    clip = tmp_path / "in" / "clip.wav"
    clip.write_bytes(b"not a sound")
    caller.say("/fluxstem/isolate", "again", str(clip), "bass")
    assert caller.until("/fluxstem/fail")[2] == "audio"
    write_music(clip, seconds=0.1)
    caller.say("/fluxstem/isolate", "again", str(clip), "bass")
    assert caller.until("/fluxstem/done", "/fluxstem/fail")[0] == "/fluxstem/done"


def test_the_id_of_a_cancelled_job_is_free_again(caller, mix, long_mix):
    caller.say("/fluxstem/isolate", "again", str(long_mix), "bass", 0.0, 0.0, 0, 1000)
    caller.until("/fluxstem/progress")
    caller.say("/fluxstem/cancel", "again")
    caller.until("/fluxstem/cancelled")
    caller.say("/fluxstem/isolate", "again", str(mix), "bass")
    assert caller.until("/fluxstem/done", "/fluxstem/fail")[0] == "/fluxstem/done"


def test_a_finished_job_is_done_again_only_when_its_input_has_changed(caller, mix):
    def ask() -> tuple[object, ...]:
        caller.say("/fluxstem/isolate", "again", str(mix), "bass")
        return caller.until("/fluxstem/done", "/fluxstem/fail")

    first = ask()
    assert ask() == first
    new = write_music(mix.with_name("new.wav"), seconds=0.5)
    new.replace(mix)
    second = ask()
    assert second[3] != first[3]
    assert len(read(second[3])) == len(read(mix))
    mix.unlink()
    assert ask() == second


# Connections and sessions.


class FakeTransport:
    """Enough of a transport for a connection without a socket."""

    def __init__(self) -> None:
        self.closed = False

    def get_extra_info(self, name: str) -> tuple[str, int]:
        return ("127.0.0.1", 9000)

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def connection(clock: list[float], rank: int = 1) -> tuple[sockets.TcpWire, FakeTransport, Turns]:
    callbacks = sockets.TransportCallbacks(
        admits=lambda host: True, packet=lambda key, wire, packet: iter(()), broken=lambda *args: None,
        gone=lambda key: None, ranks=lambda keys: dict.fromkeys(keys, (rank, 0.0)), lost=lambda count: None,
    )  # fmt: skip
    turns = Turns(asyncio.get_running_loop())
    wire = sockets.TcpWire(sockets.Sockets(0, 0, 0), callbacks, turns, lambda: clock[0])
    transport = FakeTransport()
    wire.connection_made(transport)
    return wire, transport, turns


def fed(pieces: list[bytes], step_s: float, rank: int = 1) -> bool:
    """Whether a connection is still open after it was given pieces at a pace, and was looked at in between."""

    async def feed() -> bool:
        clock = [100.0]
        wire, transport, turns = connection(clock, rank)
        for piece in pieces:
            clock[0] += step_s
            wire.check(clock[0])
            wire.data_received(piece)
            while turns.waiting(wire._key):
                await asyncio.sleep(0)
        clock[0] += step_s
        wire.check(clock[0])
        return not transport.closed

    return asyncio.run(feed())


def test_an_upload_may_last_as_long_as_it_goes_on():
    stream = Framer("length").frame(bytes(1000)) * 300
    pieces = [stream[at : at + 1500] for at in range(0, len(stream), 1500)]  # no piece ends where a packet does
    assert fed(pieces, step_s=1.0)
    huge = Framer("length").frame(bytes(1_000_000))
    assert fed([huge[at : at + 5000] for at in range(0, len(huge), 5000)], step_s=5.0)


def test_a_packet_that_does_not_go_on_ends_its_connection():
    drops = [Framer("length").frame(bytes(1000))[at : at + 1] for at in range(40)]
    assert not fed(drops, step_s=1.0)
    assert not fed([b"\0\0"], step_s=sockets.PENDING_LIMIT_S + 1)


def test_a_silent_connection_is_kept_with_proof_and_closed_without():
    ping = Framer("length").frame(packed("/fluxstem/ping"))
    assert fed([ping], step_s=10_000.0)
    assert not fed([ping], step_s=sockets.UNPROVEN_IDLE_LIMIT_S + 1, rank=0)


@pytest.mark.parametrize("framing", ["length", "slip"])
def test_after_every_packet_of_a_connection_others_have_their_turn(framing):
    async def steps() -> int:
        wire, _, _ = connection([100.0])
        frames = Framer(framing).frame(b"bad!") * 500
        return sum(1 for _ in wire._work(wire._key, frames))

    assert asyncio.run(steps()) == 500


def test_marks_with_nothing_between_them_are_passed_over_at_once():
    framer = Framer()
    assert list(framer.feed(b"\xc0" * 100_000 + b"/a\0\0\xc0\xc0\xc0/b\0\0")) == [b"/a\0\0"]
    assert len(framer._buffer) == 4
    assert list(framer.feed(b"\xc0")) == [b"/b\0\0"]


def test_nobody_waits_until_a_dropped_clip_is_removed(tmp_path):
    removed: list[Path] = []
    home = Home(tmp_path / "home")
    clips = ClipStore(home, removed.append)
    for id in ("one", "two"):
        clips.begin(id, 4, "clip.wav", self_sent := object(), 0.0)
        clips.append(id, b"clip", self_sent, 0.0)
    clips.drop("one")
    [folder] = removed
    assert folder.exists()
    clips.close()
    assert [folder] == list(home.spool.iterdir()) == removed, "at the end the others are removed at once"
    home.close()


def test_a_redirect_outlives_silence_and_thousands_of_other_senders():
    sessions, key = SessionTable(trusting=True, lan=False), ("udp", "127.0.0.1", 9000)
    sessions.redirect(sessions.of(key, Nowhere(), 20, 0.0), 9001)
    for port in range(10_000, 10_000 + 3 * SESSIONS_LIMIT):
        sessions.of(("udp", "127.0.0.1", port), Nowhere(), 20, 1.0)
    assert len(sessions.all()) == SESSIONS_LIMIT
    assert sessions.of(key, Nowhere(), 20, 2.0).redirect == 9001
    sessions.expire(10 * SILENCE_LIMIT_S)
    assert sessions.of(key, Nowhere(), 20, 11 * SILENCE_LIMIT_S).redirect == 9001
    sessions.leave(sessions.of(key, Nowhere(), 20, 11 * SILENCE_LIMIT_S))
    assert sessions.of(key, Nowhere(), 20, 11 * SILENCE_LIMIT_S).redirect is None


def test_who_asked_to_hear_everything_is_not_pushed_out_by_others(new_caller, mix):
    watcher, others = new_caller(), new_caller()
    watcher.ask("/fluxstem/notify", 1)
    sessions = SessionTable(trusting=True, lan=False)
    listening = sessions.of(("udp", "127.0.0.1", 9000), Nowhere(), 20, 0.0)
    listening.hears_all = True
    for port in range(10_000, 10_000 + 2 * SESSIONS_LIMIT):
        sessions.of(("udp", "127.0.0.1", port), Nowhere(), 20, 1.0)
    assert listening in sessions.all()
    others.say("/fluxstem/isolate", "a", str(mix), "bass")
    assert watcher.until("/fluxstem/done")[1] == "a"


def test_a_number_is_taken_for_a_text_where_a_text_is_wanted(caller, mix):
    caller.say("/fluxstem/isolate", "a", str(mix), 808)
    done = caller.until("/fluxstem/done", "/fluxstem/fail")
    assert done[0] == "/fluxstem/done"
    assert Path(done[3]).name == "mix - 808.wav"


def test_over_udp_two_thousand_senders_leave_a_redirect_where_it_was(new_caller, bridge):
    asker, ear = new_caller(), new_caller()
    asker.say("/fluxstem/connect", "", ear.port)
    assert ear.next()[0] == "/fluxstem/connect.reply"
    for _ in range(SESSIONS_LIMIT + 100):
        other = Caller(bridge.state.udp_port)
        other.say("/fluxstem/ping")
        other.socket.close()
    last = new_caller()  # its port may have been one of theirs, so their late answers may come here first
    heard = None
    while heard != ("/fluxstem/pong", "all"):
        if heard is None:  # said again, for so many packets at once may be more than a buffer holds
            last.say("/fluxstem/ping", "all")
        heard = last.next(limit_s=1.0)
    asker.say("/fluxstem/ping", "still")
    assert ear.next() == ("/fluxstem/pong", "still")
