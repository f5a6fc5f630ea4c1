"""Clips by wire arrive whole and unharmed in both directions, over TCP and over a UDP that loses, doubles and swaps."""

from __future__ import annotations

import os
import random
import socket
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clihelp import music, read

from engine import RequestError, read_extras, time_reference
from engine.osc import BridgeClient
from engine.osc.clip_pieces import Shape, wav_head
from engine.osc.transfer import fetch, send_clip
from engine.osc.transport.packets import read_packet


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
    shape = Shape(rate_hz=16_000, channels=2, frames=20_000, format="s24", chunk_bytes=1024, start_samples=123_456_789)
    audio_NC = np.rint(music(1.25, channels=2) * 2**23).astype("<i4")
    data = np.ascontiguousarray(audio_NC).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    (tmp_path / "far").mkdir()
    path = tmp_path / "far" / "take 3.wav"
    path.write_bytes(wav_head(shape) + data)
    assert soundfile.info(path).subtype == "PCM_24"
    return path


def there_and_back(client: BridgeClient, clip: Path, scratch: Path) -> tuple[Path, Path]:
    """Send a clip, isolate, fetch both results; gives their files."""
    name = send_clip(client, clip, scratch / "layout")
    job = client.start("isolate", f"clip:{name}", "bass")
    made = client.wait(job)
    assert (made.length_samples, made.rate_hz, made.null_db) == (20_000, 16_000, -300.0)
    files = []
    for part in ("stem", "rest"):
        file = scratch / f"{part}.wav"
        file.write_bytes(fetch(client, job, part))
        files.append(file)
    return files[0], files[1]


def assert_they_sum_to(clip: Path, stem: Path, rest: Path) -> None:
    sum_NC = soundfile.read(stem, dtype="int32")[0].astype(np.int64) + soundfile.read(rest, dtype="int32")[0]
    np.testing.assert_array_equal(sum_NC, soundfile.read(clip, dtype="int32")[0])
    assert soundfile.info(stem).subtype == "PCM_24"
    for path in (stem, rest):
        assert time_reference(read_extras(path).bext) == 123_456_789


def test_over_a_udp_that_loses_doubles_and_swaps(bad_network, far_clip, tmp_path):
    with BridgeClient(port=bad_network.port) as client:
        stem, rest = there_and_back(client, far_clip, tmp_path)
    assert_they_sum_to(far_clip, stem, rest)
    assert min(bad_network.lost, bad_network.doubled, bad_network.swapped) > 10
    assert bad_network.largest <= 1400


def test_over_tcp(bridge, far_clip, tmp_path):
    with BridgeClient(port=bridge.state.tcp_port, tcp=True) as client:
        stem, rest = there_and_back(client, far_clip, tmp_path)
    assert_they_sum_to(far_clip, stem, rest)


def test_tcp_forgives_lost_doubled_and_swapped_chunks_too(bridge):
    """A sender that itself loses track: the bridge asks for what is missing, whatever the order."""
    data = bytes(range(256)) * 40
    with BridgeClient(port=bridge.state.tcp_port, tcp=True) as client:
        ready = client.ask(
            "/fluxstem/clip/begin", "c", 16_000, 1, len(data) // 2, "s16", 1000, answers=("/fluxstem/clip/ready",)
        )
        assert ready.args == ("c", 11)
        for index in (7, 3, 3, 10, 0, 7):
            client.send("/fluxstem/clip/data", "c", index, data[index * 1000 : index * 1000 + 1000])
        ends = ("/fluxstem/clip/missing", "/fluxstem/clip/ok")
        crc32 = zlib.crc32(data)
        missing = client.ask("/fluxstem/clip/end", "c", crc32, answers=ends)
        assert missing.args == ("c", 1, 2, 4, 3, 8, 2)
        for index in (9, 8, 6, 5, 4, 2, 1):
            client.send("/fluxstem/clip/data", "c", index, data[index * 1000 : index * 1000 + 1000])
        for _ in range(2):
            assert client.ask("/fluxstem/clip/end", "c", crc32, answers=ends).args == ("c", len(data) // 2)


@pytest.mark.parametrize("attempt", range(5))
def test_an_end_that_is_said_many_times_at_once_ends_once(caller, attempt):
    data = bytes(range(256)) * 4
    caller.ask("/fluxstem/clip/begin", "c", 16_000, 1, len(data) // 2, "s16", 1024)
    caller.say("/fluxstem/clip/data", "c", 0, data)
    for _ in range(40):
        caller.say("/fluxstem/clip/end", "c", zlib.crc32(data))
    assert caller.ask("/fluxstem/clip/end", "c", zlib.crc32(data)) == ("/fluxstem/clip/ok", "c", len(data) // 2)
    assert caller.ask("/fluxstem/clip/end", "c", 1)[0] == "/fluxstem/clip/ok"  # it is there and stays there


def test_a_wrong_checksum_throws_the_clip_away(caller):
    caller.ask("/fluxstem/clip/begin", "c", 16_000, 1, 100, "s16")
    caller.say("/fluxstem/clip/data", "c", 0, bytes(200))
    assert caller.ask("/fluxstem/clip/end", "c", 1)[:3] == ("/fluxstem/fail", "c", "clip")
    assert caller.ask("/fluxstem/clip/end", "c", 1)[:3] == ("/fluxstem/fail", "c", "clip")


def test_a_signed_checksum_is_the_same_checksum(caller):
    data = bytes(200)
    while zlib.crc32(data) < 2**31:
        data = bytes([data[0] + 1]) + data[1:]
    caller.ask("/fluxstem/clip/begin", "c", 16_000, 1, 100, "s16")
    caller.say("/fluxstem/clip/data", "c", 0, data)
    assert caller.ask("/fluxstem/clip/end", "c", zlib.crc32(data) - 2**32)[0] == "/fluxstem/clip/ok"


@pytest.mark.parametrize(
    "args",
    [
        ("c", 16_000, 1, 0, "s16"),
        ("c", 16_000, 33, 10, "s16"),
        ("c", 100, 1, 10, "s16"),
        ("c", 16_000, 1, 10, "mp3"),
        ("c", 16_000, 1, 10, "s16", 10),
        ("c", 16_000, 1, 10, "s16", 1024, "-5"),
        ("c", 16_000, 1, 10, "s16", 1024, "soon"),
        ("c", 384_000, 32, 2**31 - 1, "f32"),
        ("../../c", 384_000, 32, 2**31 - 1, "f32"),
    ],
)
def test_impossible_clips_are_refused(caller, args):
    assert caller.ask("/fluxstem/clip/begin", *args)[0] == "/fluxstem/fail"


def test_a_clip_cannot_be_named_out_of_its_folder(caller, tmp_path, settings):
    data = bytes(2000)
    caller.ask("/fluxstem/clip/begin", "../../../evil\\x", 16_000, 1, 1000, "s16", 2000)
    caller.say("/fluxstem/clip/data", "../../../evil\\x", 0, data)
    assert caller.ask("/fluxstem/clip/end", "../../../evil\\x", zlib.crc32(data))[0] == "/fluxstem/clip/ok"
    caller.say("/fluxstem/isolate", "a", "clip:../../../evil\\x", "bass")
    done = caller.until("/fluxstem/done", "/fluxstem/fail")
    assert Path(done[3]).parent == settings.out.resolve()
    named = [Path(folder, name) for folder, folders, files in os.walk(tmp_path) for name in folders + files]
    assert not [path for path in named if "evil" in path.name and not path.is_relative_to(settings.out)
                and not path.is_relative_to(settings.home)]  # fmt: skip


def test_chunks_that_do_not_fit_are_refused_and_change_nothing(caller):
    caller.ask("/fluxstem/clip/begin", "c", 16_000, 1, 1000, "s16")
    for index, size in ((0, 1000), (1, 1024), (2, 1), (2**31 - 1, 1024), (0, 4096)):
        assert caller.ask("/fluxstem/clip/data", "c", index, bytes(size))[:3] == ("/fluxstem/fail", "c", "clip")
    assert caller.ask("/fluxstem/clip/end", "c", 0) == ("/fluxstem/clip/missing", "c", 0, 2)


def test_a_half_clip_cannot_be_worked_on_and_a_dropped_one_is_gone(caller):
    caller.ask("/fluxstem/clip/begin", "c", 16_000, 1, 1000, "s16")
    assert caller.ask("/fluxstem/isolate", "a", "clip:c", "bass")[:3] == ("/fluxstem/fail", "a", "clip")
    assert caller.ask("/fluxstem/clip/drop", "c") == ("/fluxstem/clip/dropped", "c")
    assert caller.ask("/fluxstem/clip/end", "c", 0)[:3] == ("/fluxstem/fail", "c", "clip")


def test_results_of_no_job_cannot_be_fetched(bridge, caller, mix):
    with BridgeClient(port=bridge.state.udp_port) as client, pytest.raises(RequestError, match="there is no job"):
        fetch(client, "never asked", "stem")
    caller.say("/fluxstem/remove", "a", str(mix), "bass")
    done = caller.until("/fluxstem/done")
    assert done[0] == "/fluxstem/done"
    with BridgeClient(port=bridge.state.udp_port) as client:
        wav = fetch(client, "a", "rest")
    path = mix.parent / "fetched.wav"  # what remove hands back is the rest, and stands first
    path.write_bytes(wav)
    np.testing.assert_array_equal(read(path), read(done[3]))


def test_a_part_that_a_job_has_not_cannot_be_fetched(caller):
    caller.say("/fluxstem/generate", "a", "bass", 0.1)
    caller.until("/fluxstem/done")
    assert caller.ask("/fluxstem/clip/get", "a", "rest")[:3] == ("/fluxstem/fail", "a", "id")


def test_every_udp_packet_of_a_result_fits_into_one_ethernet_frame(caller, mix):
    caller.say("/fluxstem/isolate", "a", str(mix), "bass")
    caller.until("/fluxstem/done")
    caller.say("/fluxstem/clip/get", "a", "stem")
    while True:
        packet = caller.socket.recv(65536)
        assert len(packet) <= 1400
        if read_packet(packet)[0].address == "/fluxstem/clip/end":
            break
