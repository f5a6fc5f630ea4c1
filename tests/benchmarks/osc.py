"""Fuzz, load, soak and latency of the OSC bridge, over real sockets, on a small bundle with known answers.

    python tests/benchmarks/osc.py fuzz --packets 1000000    # no crash, next ping within 250 ms, memory flat
    python tests/benchmarks/osc.py patience                  # the worst ping while another client does its worst
    python tests/benchmarks/osc.py load                      # 5,000 pings in a second, 200 jobs in order, 20 clients
    python tests/benchmarks/osc.py soak --jobs 1000          # memory and handles flat
    python tests/benchmarks/osc.py latency --jobs 50         # what the bridge adds to a direct engine call

Each prints one JSON object with what was measured and ``ok``; the exit code is 1 when something did not hold. The
bridge runs in a process of its own, so its memory, handles and pauses are its own.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from clihelp import write_music  # noqa: E402
from oscfuzz import bundle, killers, mutated, valid_packets  # noqa: E402
from oschelp import Caller, packed  # noqa: E402
from toybundle import write_toy_bundle  # noqa: E402

from engine import Done, Engine, Progress, Request  # noqa: E402
from engine.osc import Bridge, BridgeClient, BridgeSettings  # noqa: E402
from engine.osc.protocol.requests import ROWS  # noqa: E402
from engine.osc.transport.framing import Framer  # noqa: E402
from engine.osc.transport.packets import UDP_LIMIT_BYTES  # noqa: E402

PING_LIMIT_S = 0.250
FUZZ_LIMIT_S = 120.0
FLAT_BYTES = 16 << 20
FLAT_HANDLES = 8
LATENCY_GOAL_S = 0.005
MIB = 1 << 20
EACH = "four bundles of"


def main() -> int:
    """Run one of the checks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=sorted(CHECKS))
    parser.add_argument("--packets", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=25, help="packets between two pings")
    parser.add_argument("--pings", type=int, default=5000)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--waiting", type=int, default=950, help="of patience: jobs that wait meanwhile")
    parser.add_argument("--only", default="", metavar="TEXT", help="of patience: attacks with this in their names")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fluxstem-osc-") as folder:
        figures = CHECKS[arguments.check](Path(folder), arguments)
    print(json.dumps(figures, indent=1))
    return 0 if figures["ok"] else 1


@contextmanager
def bridge_process(folder: Path) -> Iterator[tuple[psutil.Process, int, Path]]:
    """A bridge as a user starts it; gives its process, its port and a clip it may read."""
    write_toy_bundle(folder / "bundles" / "toy")
    clip = write_music(folder / "in" / "clip.wav", seconds=0.05)
    os.environ["FLUXSTEM_BUNDLES"] = str(folder / "bundles")
    command = [
        sys.executable,
        "-m",
        "engine",
        "bridge",
        "--port",
        "0",
        "--no-token",
        "--json",
        "--bundle",
        "toy",
        "--root",
        clip.parent,
    ]
    command += ["--out", folder / "out", "--home", folder / "home"]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            port = json.loads(process.stdout.readline())["udp_port"]
            yield psutil.Process(process.pid), port, clip
        finally:
            process.terminate()


@contextmanager
def echo() -> Iterator[Callable[[], float]]:
    """A program that does nothing but send packets back: how long one takes shows what the machine itself adds."""
    code = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); "
    code += "print(s.getsockname()[1], flush=True)\nwhile True: s.sendto(*s.recvfrom(65536))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        caller = Caller(int(process.stdout.readline()))
        caller.socket.settimeout(60)

        def once() -> float:
            started_s = time.monotonic()
            caller.throw(b"echo")
            caller.socket.recv(65536)
            return time.monotonic() - started_s

        try:
            yield once
        finally:
            process.kill()
            caller.socket.close()


def fuzz(folder: Path, arguments: argparse.Namespace) -> dict:
    """Throw mutated packets, every tenth over TCP, and between batches see how long a ping takes."""
    with bridge_process(folder) as (process, port, _), echo() as echoed:
        caller, thrower, stream = Caller(port), Caller(port), Stream(port)  # a packet may send replies elsewhere
        pings_s: list[float] = []
        echoes_s: list[float] = []
        idle_s = [ping(caller, -number) for number in range(1, 201)]
        packets = chain(killers().values(), mutated(arguments.packets - len(killers()), arguments.seed))
        warm = arguments.packets // 4
        memory_bytes = number = 0
        started_s = time.monotonic()
        for number, packet in enumerate(packet for packet in packets if b"/fluxstem/dump" not in packet):
            if number % 10 == 9:
                stream.throw(packet)
            else:
                thrower.throw(packet[:UDP_LIMIT_BYTES])
            if number == warm:
                memory_bytes = process.memory_info().rss
            if number % arguments.batch == 0:
                pings_s.append(ping(caller, number))
                echoes_s.append(echoed())
                drain(thrower)
        took_s = time.monotonic() - started_s
        grown_bytes = process.memory_info().rss - memory_bytes
        alive = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        with BridgeClient(port=port, tcp=True) as client:
            status = client.ask("/fluxstem/status", answers=("/fluxstem/status.reply",)).args
        tracebacks = (folder / "log").read_text().count("Traceback")
        for one in (caller.socket, thrower.socket, stream):
            one.close()
    worst_s = max(pings_s)
    return {
        "packets": number + 1, "over_tcp": (number + 1) // 10, "connections": stream.opened,
        "pings": len(pings_s), "refused": status[4], "unanswered": status[6],
        "took_s": round(took_s, 1), "ping_worst_ms": round(1000 * worst_s, 2),
        "ping_median_ms": round(1000 * statistics.median(pings_s), 2),
        "ping_worst_before_ms": round(1000 * max(idle_s), 2), "echo_worst_ms": round(1000 * max(echoes_s), 2),
        "memory_grown_mib": round(grown_bytes / MIB, 2),
        "alive": alive, "tracebacks": tracebacks,
        "ok": alive and not tracebacks and worst_s <= PING_LIMIT_S and grown_bytes <= FLAT_BYTES
        and took_s <= FUZZ_LIMIT_S * arguments.packets / 200_000 + 5,
    }  # fmt: skip


class Stream:
    """A TCP connection that throws frames and reads nothing it is told; opened anew whenever it was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._thrown = self.opened = 0

    def throw(self, packet: bytes) -> None:
        """Send a packet in one of both framings, now and then in neither."""
        framing = ("length", "slip", None)[self.opened % 3]
        self._thrown += 1
        if self._thrown % 200 == 0:
            self.close()
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port))
                self.opened += 1
            self._socket.setblocking(True)
            self._socket.sendall(Framer(framing).frame(packet) if framing else packet)
            self._socket.setblocking(False)
            while self._socket.recv(1 << 20):
                pass
            self.close()
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def patience(folder: Path, arguments: argparse.Namespace) -> dict:
    """While one client does its worst, another one pings: the longest wait in each attack."""
    with bridge_process(folder) as (_, port, clip), echo() as echoed:
        long_clip = write_music(clip.with_name("long.wav"), seconds=20)
        with BridgeClient(port=port, tcp=True) as client:
            for number in range(arguments.waiting):
                client.start("isolate", str(long_clip), "bass", id=f"waiting {number}", steps=1000)
        figures, echo_s = {}, 0.0
        chosen = {name: attack for name, attack in attacks(port, clip).items() if arguments.only in name}
        for name, attack in chosen.items():
            ping_s, machine_s = worst_ping(port, attack, echoed)
            figures[name], echo_s = round(1000 * ping_s, 1), max(echo_s, machine_s)
            print(f"{name}: {figures[name]} ms, echo {1000 * machine_s:.1f} ms", file=sys.stderr, flush=True)
        with BridgeClient(port=port, tcp=True) as client:
            status = client.ask("/fluxstem/status", answers=("/fluxstem/status.reply",)).args
    each = {name: value for name, value in figures.items() if name.startswith(EACH)}
    worst = sorted(each, key=lambda name: each[name])[-1:]
    return {
        "worst_ping_ms": {name: value for name, value in figures.items() if name not in each},
        "worst_ping_of_any_message_ms": {name: each[name] for name in worst}, "messages": len(each),
        "attacks": len(figures), "jobs_waiting": arguments.waiting,
        "echo_worst_ms": round(1000 * echo_s, 1), "refused": status[4],
        "unanswered": status[6], "ok": bool(figures) and max(figures.values()) <= 1000 * PING_LIMIT_S,
    }  # fmt: skip


def attacks(port: int, clip: Path) -> dict[str, Callable[[], None]]:
    """What a client can do to the others, by name: each returns once its last message was answered."""
    help_, jobs, ping_ = packed("/fluxstem/help"), packed("/fluxstem/jobs"), packed("/fluxstem/ping")
    more = [packed("/fluxstem/isolate", f"more {number}", str(clip), "bass") for number in range(10_000)]
    cancels = [packed("/fluxstem/cancel", f"waiting {number % 950}") for number in range(10_000)]
    frame = Framer("length").frame
    # Every message of the table, 255 times in a packet; but dump, which is there to print all that comes.
    each = {f"{EACH} {row.address}": packet for row, packet in zip(ROWS.values(), valid_packets(), strict=False)}
    del each[f"{EACH} /fluxstem/dump"]
    return {
        "a bundle of 255 jobs": lambda: burst(port, [bundle(*[jobs] * 255)]),
        "a bundle of 255 help": lambda: burst(port, [bundle(*[help_] * 255)]),
        "200 bundles of 255 pings": lambda: burst(port, [bundle(*[ping_] * 255)] * 200),
        "8,000 help in a stream": lambda: stream_of(port, [frame(help_)] * 8000),
        "20 frames of a mebibyte": lambda: stream_of(port, [frame(packed("/fluxstem/ping", "x" * 1_000_000))] * 20),
        "3,000 connections": lambda: connections(port, 3000),
        **{name: lambda packet=packet: burst(port, [full(packet)] * 4) for name, packet in each.items()},
        "10,000 jobs": lambda: burst(port, more),
        "10,000 cancels": lambda: burst(port, cancels),
    }


def full(packet: bytes) -> bytes:
    """A bundle of as many as are taken, or as fit into a datagram."""
    return bundle(*[packet] * min(255, (UDP_LIMIT_BYTES - 16) // (len(packet) + 4)))


def burst(port: int, packets: list[bytes]) -> None:
    """Throw packets over UDP."""
    caller = Caller(port)
    for packet in packets:
        caller.throw(packet)
        drain(caller)
    while True:  # the answer may be lost in the flood of answers
        caller.say("/fluxstem/sync", "the end")
        caller.socket.settimeout(1.0)
        with suppress(TimeoutError):
            while b"synced" not in caller.socket.recv(65536):
                pass
            break
    caller.socket.close()


def stream_of(port: int, frames: list[bytes]) -> None:
    """Send frames over one connection, and read the answers."""
    with socket.create_connection(("127.0.0.1", port)) as line:
        reader = threading.Thread(target=read_on, args=(line,))
        reader.start()
        line.sendall(b"".join(frames) + Framer("length").frame(packed("/fluxstem/sync", "the end")))
        reader.join()


def connections(port: int, count: int) -> None:
    """Open connections one after the other, and leave them open as long as the bridge does."""
    lines = []
    for _ in range(count):
        lines.append(socket.create_connection(("127.0.0.1", port)))
        if len(lines) > 200:
            lines.pop(0).close()
    for line in lines:
        line.close()


def worst_ping(port: int, attack: Callable[[], None], echoed: Callable[[], float]) -> tuple[float, float]:
    """The longest wait for a pong in seconds, from before an attack until it is over, and that for an echo."""
    over, faults = threading.Event(), []

    def work() -> None:
        try:
            attack()
        except Exception as error:
            faults.append(error)
        finally:
            over.set()

    thread = threading.Thread(target=work)
    quiet, worst_s, echo_s, number = Caller(port), 0.0, 0.0, 0
    thread.start()
    while not over.is_set():
        number += 1
        worst_s, echo_s = max(worst_s, ping(quiet, number)), max(echo_s, echoed())
        time.sleep(0.002)
    thread.join()
    quiet.socket.close()
    if faults:
        raise faults[0]
    return worst_s, echo_s


def read_on(line: socket.socket) -> None:
    """Read answers until the last one has come."""
    tail = b""
    while b"the end" not in tail:
        tail = (tail + line.recv(1 << 20))[-(1 << 20) :]


def ping(caller: Caller, number: int) -> float:
    """Send a ping that cannot be mistaken and wait for its answer, past whatever else is answered; seconds it took."""
    wanted = packed("/fluxstem/pong", f"fuzz {number}")
    drain(caller)
    started_s = time.monotonic()
    caller.say("/fluxstem/ping", f"fuzz {number}")
    caller.socket.settimeout(60)
    while caller.socket.recv(65536) != wanted:
        pass
    return time.monotonic() - started_s


def drain(caller: Caller) -> None:
    """Throw away what has come."""
    caller.socket.setblocking(False)
    try:
        while True:
            caller.socket.recv(65536)
    except BlockingIOError:
        pass


def load(folder: Path, arguments: argparse.Namespace) -> dict:
    """Pings at a pace, jobs in order, and many clients at once."""
    with bridge_process(folder) as (_, port, clip):
        caller = Caller(port)
        answered = paced_pings(caller, arguments.pings)
        names = [f"job {number}" for number in range(arguments.jobs)]
        started_s = time.monotonic()
        for name in names:
            caller.say("/fluxstem/isolate", name, str(clip), "bass")
        done = [caller.until("/fluxstem/done", "/fluxstem/fail") for _ in names]
        jobs_s = time.monotonic() - started_s
        in_order = [message[1] for message in done] == names and all(m[0] == "/fluxstem/done" for m in done)
        each = max(arguments.jobs // arguments.clients, 1)
        right: list[bool] = []
        threads = [
            threading.Thread(target=lambda n=n: right.append(one_client(port, clip, n, each)))
            for n in range(arguments.clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        caller.socket.close()
    return {
        "pings": arguments.pings, "answered": answered, "jobs": arguments.jobs, "jobs_s": round(jobs_s, 2),
        "in_order": in_order, "clients": arguments.clients, "clients_right": sum(right),
        "ok": answered == arguments.pings and in_order and sum(right) == arguments.clients,
    }  # fmt: skip


def paced_pings(caller: Caller, count: int, per_s: float = 5000.0) -> int:
    """How many of so many paced pings are answered."""
    answers: set[bytes] = set()

    def listen() -> None:
        caller.socket.settimeout(20)
        try:
            while len(answers) < count:
                answers.add(caller.socket.recv(65536))
        except TimeoutError:
            pass

    ear = threading.Thread(target=listen)
    ear.start()
    started_s = time.monotonic()
    for number in range(count):
        time.sleep(max(started_s + number / per_s - time.monotonic(), 0.0))
        caller.say("/fluxstem/ping", str(number))
    ear.join()
    return len(answers)


def one_client(port: int, clip: Path, number: int, jobs: int) -> bool:
    """Whether a client gets its own answers, all of them, and nobody else's."""
    caller = Caller(port)
    names = [f"client {number} job {job}" for job in range(jobs)]
    for name in names:
        caller.say("/fluxstem/isolate", name, str(clip), "bass")
    done = [caller.until("/fluxstem/done", "/fluxstem/fail")[:2] for _ in names]
    caller.socket.close()
    mine = all(message[1] in names for message in caller.heard)
    return mine and done == [("/fluxstem/done", name) for name in names]


def soak(folder: Path, arguments: argparse.Namespace) -> dict:
    """Many tiny jobs one after the other; memory and handles of the bridge and of the engine process."""
    with bridge_process(folder) as (process, port, clip):
        caller = Caller(port)
        warm = max(arguments.jobs // 5, 10)
        before: dict[str, tuple[int, int]] = {}
        started_s = time.monotonic()
        for number in range(arguments.jobs):
            if number == warm:
                before = usage(process)
            caller.say("/fluxstem/isolate", f"soak {number}", str(clip), "bass")
            done = caller.until("/fluxstem/done", "/fluxstem/fail")
            assert done[:2] == ("/fluxstem/done", f"soak {number}"), done
            for path in done[3:5]:
                Path(path).unlink()
            caller.heard.clear()
        after = usage(process)
        took_s = time.monotonic() - started_s
        left = sum(1 for _ in (folder / "home" / "spool").iterdir())
        caller.socket.close()
    grown = {name: (after[name][0] - before[name][0], after[name][1] - before[name][1]) for name in after}
    return {
        "jobs": arguments.jobs, "took_s": round(took_s, 1), "spool_left": left,
        **{f"{name}_grown_mib": round(memory / MIB, 2) for name, (memory, _) in grown.items()},
        **{f"{name}_handles_grown": handles for name, (_, handles) in grown.items()},
        "ok": left <= 1 and all(m <= FLAT_BYTES and h <= FLAT_HANDLES for m, h in grown.values()),
    }  # fmt: skip


def usage(process: psutil.Process) -> dict[str, tuple[int, int]]:
    """Bytes and open handles of the bridge and of its engine process."""
    found = {"bridge": process, "engine": process.children()[0]}
    return {name: (one.memory_info().rss, one.num_fds()) for name, one in found.items()}


def latency(folder: Path, arguments: argparse.Namespace) -> dict:
    """A job through the bridge against the same job asked of the engine directly, in turns, both on one engine."""
    write_toy_bundle(folder / "bundles" / "toy")
    clip = write_music(folder / "in" / "clip.wav", seconds=0.05)
    os.environ["FLUXSTEM_BUNDLES"] = str(folder / "bundles")
    request = Request(task="isolate", prompts=("bass",), input=str(clip), out=str(folder / "direct"), bundle="toy")
    settings = BridgeSettings(port=0, roots=(clip.parent,), out=folder / "out", bundle="toy", home=folder / "home",
                              no_token=True)  # fmt: skip
    direct_s: list[float] = []
    bridged_s: list[float] = []
    asked_s: list[float] = []
    told_s: list[float] = []
    moments: dict[str, float] = {}

    def note(event: object) -> None:
        if isinstance(event, Progress) and event.stage == "starting":
            moments["began"] = time.monotonic()
        elif isinstance(event, Done):
            moments["done"] = time.monotonic()

    with Engine(on_event=note) as engine, Bridge(engine, settings) as bridge:
        caller = Caller(bridge.state.udp_port)
        engine.wait(engine.submit(request))
        for number in range(arguments.jobs):
            started_s = time.monotonic()
            engine.wait(engine.submit(request))
            direct_s.append(time.monotonic() - started_s)
            direct_began_s = moments["began"] - started_s
            started_s = time.monotonic()
            caller.say("/fluxstem/isolate", f"latency {number}", str(clip), "bass")
            caller.until("/fluxstem/done")
            bridged_s.append(time.monotonic() - started_s)
            asked_s.append(moments["began"] - started_s - direct_began_s)
            told_s.append(time.monotonic() - moments["done"])
        caller.socket.close()
    added_s = statistics.median(a + t for a, t in zip(asked_s, told_s, strict=True))
    return {
        "jobs": arguments.jobs, "direct_median_ms": ms(direct_s), "bridged_median_ms": ms(bridged_s),
        "added_before_median_ms": ms(asked_s), "added_after_median_ms": ms(told_s),
        "added_median_ms": round(1000 * added_s, 2),
        "difference_of_medians_ms": round(ms(bridged_s) - ms(direct_s), 2),
        "ok": added_s < LATENCY_GOAL_S,
    }  # fmt: skip


def ms(times_s: list[float]) -> float:
    """Median in milliseconds."""
    return round(1000 * statistics.median(times_s), 2)


CHECKS = {"fuzz": fuzz, "patience": patience, "load": load, "soak": soak, "latency": latency}

if __name__ == "__main__":
    socket.setdefaulttimeout(60)
    sys.exit(main())
