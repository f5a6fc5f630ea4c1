"""Clips by wire arrive whole and unharmed in both directions over TCP; over UDP one sentence says what to do."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clihelp import music, read
from oschelp import LIMIT_S, packed, write_broadcast_wav

from engine import RequestError, read_extras, time_reference
from engine.osc import BridgeClient
from engine.osc.clip_store import CLIPS_LIMIT, ClipStore, safe_file_name
from engine.osc.home import Home
from engine.osc.protocol.requests import ROWS
from engine.osc.transfer import fetch, send_clip
from engine.osc.transport.framing import Framer

READY, OK, FAIL = "/fluxstem/clip/ready", "/fluxstem/clip/ok", "/fluxstem/fail"


class BadNetwork:
    """A UDP way to the bridge that loses, doubles and holds back packets in both directions; the same for each run."""

    def __init__(self, port: int, loss: float = 0.1, double: float = 0.1, swap: float = 0.2) -> None:
        self._dice = random.Random(5)
        self._chances = loss, double, swap
        self._outer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for sock in (self._outer, self._inner):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            sock.bind(("127.0.0.1", 0))
            sock.settimeout(0.2)
        self._bridge = ("127.0.0.1", port)
        self._client: tuple[str, int] | None = None
        self._leaving = False
        self.lost = self.doubled = self.swapped = 0
        self.largest = 0
        self._threads = [threading.Thread(target=run, args=way) for run, way in
                         ((self._carry, (self._outer, True)), (self._carry, (self._inner, False)))]  # fmt: skip
        for thread in self._threads:
            thread.start()

    @property
    def port(self) -> int:
        return self._outer.getsockname()[1]

    def close(self) -> None:
        self._leaving = True
        for thread in self._threads:
            thread.join()
        self._outer.close()
        self._inner.close()

    def _carry(self, ear: socket.socket, inwards: bool) -> None:
        held: bytes | None = None
        while not self._leaving:
            try:
                packet, sender = ear.recvfrom(65536)
            except TimeoutError:
                if held is not None:
                    self._pass(held, inwards)
                    held = None
                continue
            except OSError:
                continue
            if inwards:
                self._client = sender
            loss, double, swap = self._chances
            self.largest = max(self.largest, len(packet))
            if self._dice.random() < loss:
                self.lost += 1
                continue
            if held is None and self._dice.random() < swap:
                held = packet
                self.swapped += 1
                continue
            self._pass(packet, inwards)
            if self._dice.random() < double:
                self.doubled += 1
                self._pass(packet, inwards)
            if held is not None:
                self._pass(held, inwards)
                held = None

    def _pass(self, packet: bytes, inwards: bool) -> None:
        if inwards:
            self._inner.sendto(packet, self._bridge)
        elif self._client is not None:
            self._outer.sendto(packet, self._client)


@pytest.fixture
def bad_network(bridge) -> Iterator[BadNetwork]:
    network = BadNetwork(bridge.state.udp_port)
    yield network
    network.close()


@pytest.fixture
def far_clip(tmp_path: Path) -> Path:
    """A clip outside the bridge's folders, as on another machine; 24 bits, two channels, with a time reference."""
    return write_broadcast_wav(
        tmp_path / "far" / "take 3.wav", music(1.25, channels=2), 16_000, "PCM_24", 123_456_789
    )  # fmt: skip


@pytest.fixture
def tcp(bridge) -> Iterator[BridgeClient]:
    with BridgeClient(port=bridge.state.tcp_port, tcp=True) as client:
        yield client


def test_a_clip_goes_there_and_its_results_come_back_bit_for_bit(tcp, far_clip, tmp_path, settings):
    job = tcp.start("isolate", f"clip:{send_clip(tcp, far_clip)}", "bass")
    made = tcp.wait(job)
    assert (made.length_samples, made.rate_hz, made.null_db) == (20_000, 16_000, -300.0)
    files = []
    for part, path in zip(("stem", "rest"), made.paths, strict=True):
        file = tmp_path / f"{part}.wav"
        with file.open("xb") as stream:
            assert fetch(tcp, job, part, stream) == Path(path).name
        assert file.read_bytes() == Path(path).read_bytes()
        files.append(file)
    assert [Path(path).name for path in made.paths] == ["take 3 - bass.wav", "take 3 - bass rest.wav"]
    sum_NC = sum(soundfile.read(file, dtype="int32")[0].astype(np.int64) for file in files)
    np.testing.assert_array_equal(sum_NC, soundfile.read(far_clip, dtype="int32")[0])
    for file in files:
        assert soundfile.info(file).subtype == "PCM_24"
        assert time_reference(read_extras(file).bext) == 123_456_789


def test_a_flac_stays_a_flac(tcp, tmp_path):
    clip = tmp_path / "far.flac"
    soundfile.write(clip, music(0.25), 16_000, subtype="PCM_16")
    made = tcp.wait(tcp.start("isolate", f"clip:{send_clip(tcp, clip)}", "bass"))
    file = BytesIO()
    assert fetch(tcp, made.id, "1", file) == "far - bass.flac"
    assert file.getvalue().startswith(b"fLaC")


def test_over_a_udp_that_loses_doubles_and_swaps_a_job_by_path_is_done_once(bad_network, mix, tmp_path):
    with BridgeClient(port=bad_network.port, token=b"") as client:
        made = [client.run("isolate", str(mix), "bass") for _ in range(12)]
    assert all(one.null_db == -300.0 for one in made)
    assert min(bad_network.lost, bad_network.doubled, bad_network.swapped) > 0
    assert len(list((tmp_path / "out").glob("*.wav"))) == 2 * len(made)


@pytest.mark.parametrize("address", [address for address, row in ROWS.items() if row.tcp_only])
def test_over_udp_a_clip_is_refused_in_one_sentence_that_says_what_to_do(caller, bridge, tmp_path, address):
    for args in (("c", 16_000, 1, 1000, "s16"), ("c", 0, bytes(1024)), ("c",)):
        message = caller.ask(address, *args)
        assert message[:3] == (FAIL, "c", "clip")
        assert message[3].startswith(f"{address} came over UDP, but clips travel over TCP only")
        assert f"connect to TCP port {bridge.state.tcp_port}, or name a file" in message[3]
    assert not list((tmp_path / "home" / "spool").iterdir())


def test_a_client_on_udp_is_told_before_it_sends_anything(bridge, far_clip):
    with BridgeClient(port=bridge.state.udp_port) as client:
        with pytest.raises(RequestError, match="clips travel over TCP only; open it with tcp=True"):
            send_clip(client, far_clip)
        with pytest.raises(RequestError, match="clips travel over TCP only"):
            fetch(client, "a", "stem", BytesIO())


def test_pieces_of_any_size_make_the_file_they_were_cut_from(tcp, bridge, far_clip, tmp_path):
    data = far_clip.read_bytes()
    tcp.ask("/fluxstem/clip/begin", "c", len(data), answers=(READY,))
    for first, end in itertools.pairwise((0, 1, 2, 100, 65_000, len(data))):
        tcp.send("/fluxstem/clip/data", "c", data[first:end])
    assert tcp.ask("/fluxstem/clip/end", "c", answers=(OK,)).args == ("c", str(len(data)))
    [kept] = (tmp_path / "home" / "spool").rglob("c.wav")
    assert kept.read_bytes() == data


@pytest.mark.parametrize(
    ("sent", "why"), [(999, "ended after 999 of 1000 bytes"), (1001, "longer than the 1000 bytes")]
)
def test_a_clip_of_another_size_than_announced_is_thrown_away(tcp, tmp_path, sent, why):
    tcp.ask("/fluxstem/clip/begin", "c", 1000, answers=(READY,))
    tcp.send("/fluxstem/clip/data", "c", bytes(sent))
    with pytest.raises(RequestError, match=why):
        tcp.ask("/fluxstem/clip/end", "c", answers=(OK,))
    with pytest.raises(RequestError, match="there is no whole clip c"):
        tcp.start("isolate", "clip:c", "bass")
    assert not list((tmp_path / "home" / "spool").iterdir())


@pytest.mark.parametrize("args", [("c",), ("c", 0), ("c", -5), ("c", "soon"), ("c", 2**40), ("../../c", 2**31, "../x")])
def test_impossible_clips_are_refused(tcp, args, monkeypatch):
    monkeypatch.setattr("engine.osc.clip_store.SPARE_BYTES", 2**60)
    with pytest.raises(RequestError, match=r"takes id:s, bytes:i, \[name:s\]|no room on the bridge's disk"):
        tcp.ask("/fluxstem/clip/begin", *args, answers=(READY,))


def test_a_clip_cannot_be_named_out_of_its_folder(tcp, far_clip, tmp_path, settings):
    data = far_clip.read_bytes()
    for id, name in (("../../../evil\\x", ""), ("c", "../../../evil.wav"), ("d", "C:\\evil.wav"), ("e", "..")):
        tcp.ask("/fluxstem/clip/begin", id, len(data), name, answers=(READY,))
        tcp.send("/fluxstem/clip/data", id, data)
        tcp.ask("/fluxstem/clip/end", id, answers=(OK,))
        made = tcp.wait(tcp.start("isolate", f"clip:{id}", "bass"))
        assert Path(made.paths[0]).parent == settings.out.resolve()
    named = [Path(folder, name) for folder, folders, files in os.walk(tmp_path) for name in folders + files]
    assert not [path for path in named if "evil" in path.name and not path.is_relative_to(settings.out)
                and not path.is_relative_to(settings.home)]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "safe"),
    [("take 3.wav", "take 3.wav"), ("a/b\\c.flac", "a_b_c.flac"), ("..", "_.wav"), ("", "clip.wav"), ("x", "x.wav"),
     (".wav", "clip.wav"), ("a.b.wav", "a_b.wav"), ("a" * 300 + ".wav", "a" * 100 + ".wav"), ("né.wav", "n_.wav")],
)  # fmt: skip
def test_a_name_becomes_one_that_every_file_system_takes(text, safe):
    assert safe_file_name(text) == safe


def test_a_half_clip_cannot_be_worked_on_and_a_dropped_one_is_gone(tcp):
    tcp.ask("/fluxstem/clip/begin", "c", 1000, answers=(READY,))
    with pytest.raises(RequestError, match="there is no whole clip c"):
        tcp.start("isolate", "clip:c", "bass")
    with pytest.raises(RequestError, match="there is a clip c already"):
        tcp.ask("/fluxstem/clip/begin", "c", 1000, answers=(READY,))
    assert tcp.ask("/fluxstem/clip/drop", "c", answers=("/fluxstem/clip/dropped",)).args == ("c",)
    with pytest.raises(RequestError, match="no clip c was announced on this connection"):
        tcp.ask("/fluxstem/clip/end", "c", answers=(OK,))


def test_a_clip_belongs_to_the_connection_that_sends_it_until_it_is_whole(bridge, tcp, mix, tmp_path):
    spool = tmp_path / "home" / "spool"
    with BridgeClient(port=bridge.state.tcp_port, tcp=True) as other:
        clip = send_clip(other, mix)
        other.ask("/fluxstem/clip/begin", "half", 1000, answers=(READY,))
        with pytest.raises(RequestError, match="no clip half was announced on this connection"):
            tcp.ask("/fluxstem/clip/end", "half", answers=(OK,))
        assert len(list(spool.iterdir())) == 2
    end_s = time.monotonic() + LIMIT_S
    while len(list(spool.iterdir())) > 1 and time.monotonic() < end_s:
        time.sleep(0.01)
    assert tcp.wait(tcp.start("isolate", f"clip:{clip}", "bass")).null_db == -300.0, "a whole clip stays"
    tcp.ask("/fluxstem/clip/begin", "half", 1000, answers=(READY,))


def test_so_many_clips_are_kept_and_the_idle_ones_are_forgotten(tmp_path):
    clips = ClipStore(home := Home(tmp_path / "home"), shutil.rmtree)
    for number in range(CLIPS_LIMIT):
        clips.begin(f"{number}", 10, "", self := object(), float(number))
        clips.append(f"{number}", bytes(10), self, float(number))
        clips.end(f"{number}", self, float(number))
    with pytest.raises(Exception, match="at most 64 clips of together 4 GB"):
        clips.begin("one more", 10, "", None, 64.0)
    clips.expire(3600.0 + 32.5)
    assert len(list(home.spool.iterdir())) == CLIPS_LIMIT - 33
    clips.close()
    assert not list(home.spool.iterdir())
    home.close()


def test_results_of_no_job_cannot_be_fetched(tcp, mix):
    with pytest.raises(RequestError, match="there is no job"):
        fetch(tcp, "never asked", "stem", BytesIO())
    made = tcp.run("remove", str(mix), "bass")
    path = mix.parent / "fetched.wav"  # what remove hands back is the rest, and stands first
    with path.open("xb") as stream:
        fetch(tcp, made.id, "rest", stream)
    np.testing.assert_array_equal(read(path), read(made.paths[0]))


def test_a_part_that_a_job_has_not_or_has_no_more_cannot_be_fetched(tcp):
    made = tcp.run("generate", None, "bass", seconds=0.1)
    with pytest.raises(RequestError, match=f"the job {made.id} has no rest to give"):
        fetch(tcp, made.id, "rest", BytesIO())
    Path(made.paths[0]).unlink()
    with pytest.raises(RequestError, match="the result's file is gone"):
        fetch(tcp, made.id, "stem", BytesIO())


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")
def test_a_client_that_hangs_up_amid_a_result_leaves_nothing_open(bridge, caller, tcp, mix):
    made = tcp.run("isolate", str(mix), "bass")
    Path(made.paths[0]).write_bytes(bytes(64 << 20))  # more than any buffer on the way holds
    before = len(os.listdir("/proc/self/fd"))
    with socket.create_connection(("127.0.0.1", bridge.state.tcp_port), timeout=LIMIT_S) as line:
        framer = Framer("length")
        line.sendall(framer.frame(packed("/fluxstem/clip/get", made.id, "stem")))
        assert b"clip/begin" in line.recv(1000)
        assert caller.ask("/fluxstem/ping") == ("/fluxstem/pong", "")
    end_s = time.monotonic() + LIMIT_S
    while len(os.listdir("/proc/self/fd")) > before and time.monotonic() < end_s:
        time.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) <= before
