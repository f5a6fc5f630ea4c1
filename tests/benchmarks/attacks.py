"""What single clients and broken neighbours can do to the bridge: one figure a row, over real sockets and processes.

    python tests/benchmarks/attacks.py                  # all rows; a minute
    python tests/benchmarks/attacks.py cancel leave     # some of them

Prints one JSON object; each row has its figures and ``ok``. The exit code is 1 when something did not hold. Bursts are
in ``osc.py patience``, damaged packets in ``osc.py fuzz``, kills in ``hardening.py``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "benchmarks")]
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from clihelp import write_music  # noqa: E402
from osc import MIB, bridge_process, drain, ping  # noqa: E402
from oschelp import Caller, packed  # noqa: E402

from engine import EngineError  # noqa: E402
from engine.osc import BridgeClient  # noqa: E402
from engine.osc.transfer import fetch, send_clip  # noqa: E402
from engine.osc.transport.framing import Framer  # noqa: E402

PING_LIMIT_S = 0.250
CANCEL_LIMIT_S = 2.0
LEAVE_LIMIT_S = 3.0
FLAT_BYTES = 16 * MIB


class Scene:
    """A bridge as a user starts it, and what is needed to attack it.

    Attributes:
        process: of the bridge.
        port: of it.
        clip: a short one it may read.
        folder: holds everything.
    """

    def __init__(self, process: psutil.Process, port: int, clip: Path, folder: Path) -> None:
        self.process, self.port, self.clip, self.folder = process, port, clip, folder

    def client(self) -> BridgeClient:
        """A new one, over TCP."""
        return BridgeClient(port=self.port, tcp=True)

    def connection(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def memory_bytes(self) -> int:
        """Of the bridge."""
        return int(self.process.memory_info().rss)

    def ping_s(self) -> float:
        """How long one takes."""
        caller = Caller(self.port)
        try:
            return ping(caller, time.monotonic_ns() % 10**9)
        finally:
            caller.socket.close()

    def engine_pid(self) -> int:
        """Of its engine's process, once there is one."""
        end_s = time.monotonic() + 60
        while not (children := self.process.children()):
            assert time.monotonic() < end_s, "no engine came up"
            time.sleep(0.01)
        return int(children[0].pid)

    def running(self, client: BridgeClient, name: str) -> None:
        """Start a job that takes minutes, and wait until it is at work."""
        long_clip = self.clip.with_name("long.wav")
        if not long_clip.exists():
            write_music(long_clip, seconds=20)
        client.start("isolate", str(long_clip), "bass", id=name, steps=1000)
        end_s = time.monotonic() + 60
        while time.monotonic() < end_s:
            told = client.ask("/fluxstem/result", name, answers=("/fluxstem/progress", "/fluxstem/done")).args
            if float(told[1]) > 0:
                return
            time.sleep(0.05)
        raise AssertionError("the job did not begin")


Row = dict[str, object]


def first(scene: Scene) -> Row:
    """The first job, which starts the engine, and later ones."""
    took_s = []
    with scene.client() as client:
        for number in range(4):
            began_s = time.monotonic()
            client.wait(client.start("isolate", str(scene.clip), "bass", id=f"first {number}"))
            took_s.append(time.monotonic() - began_s)
    return {"first_s": took_s[0], "later_s": min(took_s[1:]), "ok": True}


def slow_frames(scene: Scene) -> Row:
    """32 connections that each begin a packet and go on by a byte a second."""
    before = scene.memory_bytes()
    frame = Framer("length").frame(packed("/fluxstem/ping", "x" * 1000))
    lines, began_s, worst_s = [scene.connection() for _ in range(32)], time.monotonic(), 0.0
    for byte in range(60):
        for line in list(lines):
            try:
                line.sendall(frame[byte : byte + 1])
                line.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    if not line.recv(1000):
                        raise ConnectionResetError
                line.setblocking(True)
            except OSError:
                lines.remove(line)
                line.close()
        worst_s = max(worst_s, scene.ping_s())
        if not lines:
            break
        time.sleep(1.0)
    took_s = time.monotonic() - began_s
    for line in lines:
        line.close()
    return {
        "all_closed_after_s": took_s, "left_open": len(lines), "ping_worst_ms": 1000 * worst_s,
        "memory_grown_mib": (scene.memory_bytes() - before) / MIB, "ok": not lines and worst_s <= PING_LIMIT_S,
    }  # fmt: skip


def broken_frames(scene: Scene) -> Row:
    """A frame of 2 GB, HTTP, bytes that are neither framing, SLIP that never ends, frames of nothing."""
    worst_s, answered = 0.0, 0
    for data in (
        struct.pack(">I", (1 << 31) - 4) + b"/ping", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 4096,
        b"\xc0/fluxstem/ping\xdb\xdb\xdb\xc0", bytes(4) * 1000,
    ):  # fmt: skip
        with scene.connection() as line:
            line.settimeout(2.0)
            with contextlib.suppress(OSError):
                line.sendall(data)
                answered += b"/fluxstem/error" in line.recv(65536)
        worst_s = max(worst_s, scene.ping_s())
    return {"sent": 5, "answered_by_error": answered, "ping_worst_ms": 1000 * worst_s, "ok": worst_s <= PING_LIMIT_S}


def connects(scene: Scene) -> Row:
    """3,000 connections, each left open as long as it is let."""
    began_s, lines = time.monotonic(), []
    for _ in range(3000):
        lines.append(scene.connection())
        if len(lines) > 200:
            lines.pop(0).close()
    took_s, handles, ping_s = time.monotonic() - began_s, scene.process.num_fds(), scene.ping_s()
    with scene.client() as client:
        served = client.ask("/fluxstem/ping", "x", answers=("/fluxstem/pong",)).args == ("x",)
    for line in lines:
        line.close()
    return {"took_s": took_s, "handles": handles, "ping_ms": 1000 * ping_s, "another_served": served,
            "ok": served and handles < 120}  # fmt: skip


def ports(scene: Scene) -> Row:
    """2,000 UDP ports that each say ping once."""
    before, pongs = scene.memory_bytes(), 0
    for _ in range(2000):
        caller = Caller(scene.port)
        caller.say("/fluxstem/ping", "x")
        pongs += caller.next(10.0) is not None
        caller.socket.close()
    grown = scene.memory_bytes() - before
    return {"pongs": pongs, "memory_grown_mib": grown / MIB, "ok": pongs == 2000 and grown < FLAT_BYTES}


def giant_clip(scene: Scene) -> Row:
    """A clip of 4 GB is announced and a hundred thousand pieces of 64 bytes come; then others that must be refused."""
    before, worst_s = scene.memory_bytes(), 0.0
    with scene.client() as client:
        client.ask("/fluxstem/clip/begin", "giant", str(4_000_000_000), "g.wav", answers=("/fluxstem/clip/ready",))
        for _ in range(20):
            for _ in range(5000):
                client.send("/fluxstem/clip/data", "giant", bytes(64))
            worst_s = max(worst_s, scene.ping_s())
        grown = scene.memory_bytes() - before
        refused = []
        for address, args in (("clip/end", ("giant",)), ("clip/data", ("other", b"abcd")),
                              ("clip/begin", ("more", str(5 << 30), "m.wav"))):  # fmt: skip
            began_s = time.monotonic()
            message = client.ask(f"/fluxstem/{address}", *args, answers=("/fluxstem/fail", "/fluxstem/clip/ready"))
            refused.append(message.address == "/fluxstem/fail")
            end_s = time.monotonic() - began_s
        client.ask("/fluxstem/clip/begin", "path", "16", "../../x.wav", answers=("/fluxstem/clip/ready",))
    outside = (scene.folder.parent / "x.wav").exists() or (scene.folder / "x.wav").exists()
    return {
        "memory_grown_mib": grown / MIB, "ping_worst_ms": 1000 * worst_s, "refused": sum(refused),
        "refusal_ms": 1000 * end_s, "written_outside": outside,
        "ok": all(refused) and not outside and grown < FLAT_BYTES and worst_s <= PING_LIMIT_S,
    }  # fmt: skip


def by_wire(scene: Scene) -> Row:
    """A clip of 21 MB up, and its stem down."""
    clip = write_music(scene.folder / "wire.wav", rate_hz=48_000, channels=2, seconds=55)
    with scene.client() as client:
        began_s = time.monotonic()
        id = send_clip(client, clip)
        up_s = time.monotonic() - began_s
        job = client.start("isolate", f"clip:{id}", "bass", id="wired")
        client.wait(job)
        began_s = time.monotonic()
        with (scene.folder / "stem.wav").open("wb") as stream:
            fetch(client, job, "stem", stream)
        down_s = time.monotonic() - began_s
    return {"megabytes": clip.stat().st_size / 1e6, "up_s": up_s, "down_s": down_s, "ok": True}


def cancel(scene: Scene) -> Row:
    """A cancel while a job waits, while it is at work, and while the engine's process is stopped."""
    took: dict[str, float] = {}
    with scene.client() as client:
        for state in ("waiting", "at work", "stopped"):
            scene.running(client, f"{state} 1")
            wanted = f"{state} 1"
            if state == "waiting":
                wanted = client.start("isolate", str(scene.clip), "bass", id=f"{state} 2")
            if state == "stopped":
                os.kill(scene.engine_pid(), signal.SIGSTOP)
            began_s = time.monotonic()
            client.ask("/fluxstem/cancel", wanted, answers=("/fluxstem/cancelled", "/fluxstem/done", "/fluxstem/fail"))
            took[f"{state}_s"] = time.monotonic() - began_s
            if state == "waiting":
                client.ask("/fluxstem/cancel", f"{state} 1", answers=("/fluxstem/cancelled",))
    return {**took, "ok": max(took.values()) <= CANCEL_LIMIT_S}


def ten_thousand(scene: Scene) -> Row:
    """10,000 cancels of 200 jobs; 3 s later none is left."""
    with scene.client() as client:
        scene.running(client, "first of many")
        for number in range(200):
            client.start("isolate", str(scene.clip.with_name("long.wav")), "bass", id=f"many {number}", steps=1000)
        caller = Caller(scene.port)
        for number in range(10_000):
            caller.say("/fluxstem/cancel", f"many {number % 200}")
            drain(caller)
        client.ask("/fluxstem/cancel", "first of many", answers=("/fluxstem/cancelled",))
        time.sleep(3.0)
        waiting, running = client.ask("/fluxstem/status", answers=("/fluxstem/status.reply",)).args[:2]
        caller.socket.close()
    return {"waiting": waiting, "running": running, "memory_mib": scene.memory_bytes() / MIB,
            "ok": not waiting and not running}  # fmt: skip


def leave(scene: Scene) -> Row:
    """The bridge is asked to end while its engine is at work; another one while its engine is stopped."""
    took: dict[str, float] = {}
    for state in ("at work", "stopped"):
        with tempfile.TemporaryDirectory(prefix="fluxstem-leave-") as folder, scene_in(Path(folder)) as other:
            with contextlib.suppress(EngineError, OSError), other.client() as client:
                other.running(client, "long")
            if state == "stopped":
                os.kill(other.engine_pid(), signal.SIGSTOP)
            began_s = time.monotonic()
            other.process.terminate()
            gone = threading.Event()
            threading.Thread(target=lambda p=other.process, g=gone: (p.wait(), g.set()), daemon=True).start()
            gone.wait(60)
            took[f"{state}_s"] = time.monotonic() - began_s
    return {**took, "ok": max(took.values()) < LEAVE_LIMIT_S}


ROWS: dict[str, Callable[[Scene], Row]] = {
    "first": first, "slow_frames": slow_frames, "broken_frames": broken_frames, "connects": connects, "ports": ports,
    "giant_clip": giant_clip, "by_wire": by_wire, "cancel": cancel, "ten_thousand": ten_thousand, "leave": leave,
}  # fmt: skip


@contextlib.contextmanager
def scene_in(folder: Path):
    """A bridge that keeps everything in a folder."""
    with bridge_process(folder) as (process, port, clip):
        yield Scene(process, port, clip, folder)


def main() -> int:
    """Run the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], metavar="ROW", help=", ".join(ROWS))
    names = parser.parse_args().rows or list(ROWS)
    found: dict[str, Row] = {}
    with tempfile.TemporaryDirectory(prefix="fluxstem-attacks-") as folder, scene_in(Path(folder)) as scene:
        for name in names:
            row = ROWS[name](scene)
            found[name] = {k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}
            print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
        tracebacks = (Path(folder) / "log").read_text().count("Traceback")
    ok = not tracebacks and all(row["ok"] for row in found.values())
    print(json.dumps({**found, "tracebacks": tracebacks, "ok": ok}, indent=1))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
