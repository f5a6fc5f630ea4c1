"""A bridge that is killed at random moments, and an engine that is killed and stopped; then all jobs are counted."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import soundfile
from clihelp import write_music
from tally import Tally
from toybundle import write_toy_bundle

from engine import Cancelled, Engine, EngineError, HostError, Progress, Request
from engine.osc import BridgeClient

ROOT = Path(__file__).resolve().parents[1]
MIB = 1 << 20
FLAT_BYTES, FLAT_HANDLES = 32 * MIB, 8
CLIP_S = 0.05
STOP_LIMIT_S = 3.0  # of a bridge that is asked to leave
ENDS = (".wav", " rest.wav", ".json")


class KilledBridge:
    """A bridge in a process of its own, with what survives it.

    Args:
        folder: holds everything.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.inputs, self.out = folder, folder / "in", folder / "out"
        self.inputs.mkdir(parents=True)
        write_toy_bundle(folder / "bundles" / "toy")
        self.mix = write_music(folder / "mix.wav", seconds=CLIP_S)
        self.command = [sys.executable, "-m", "engine", "bridge", "--port", "0", "--json", "--bundle", "toy"]
        self.command += ["--root", str(self.inputs), "--out", str(self.out), "--home", str(folder / "home")]
        self.process: subprocess.Popen[str] | None = None
        self.accepted: set[str] = set()
        self._sent = 0

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | {"FLUXSTEM_BUNDLES": str(self.folder / "bundles")},
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the bridge did not start")
        self._port = json.loads(line)["tcp_port"]

    def kill(self, host_too: bool) -> None:
        """End it at once, and its engine with it or not."""
        assert self.process is not None
        hosts = psutil.Process(self.process.pid).children(recursive=True) if host_too else []
        self.process.kill()
        for host in hosts:
            with contextlib.suppress(psutil.Error):
                host.kill()
        self._gone()

    def stop(self) -> float:
        """Ask it to leave; gives how long that took in seconds."""
        assert self.process is not None
        began_s = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self._gone()
        return time.monotonic() - began_s

    def ask(self, jobs: int) -> list[str]:
        """Send jobs, each for an input of its own; gives the names of those that were accepted."""
        names = []
        with contextlib.suppress(EngineError, OSError), self.client() as client:
            for _ in range(jobs):
                name = f"job{self._sent}"
                self._sent += 1
                shutil.copyfile(self.mix, self.inputs / f"{name}.wav")
                client.start("isolate", str(self.inputs / f"{name}.wav"), "bass", id=name)
                self.accepted.add(name)
                names.append(name)
        return names

    @contextlib.contextmanager
    def client(self) -> Iterator[BridgeClient]:
        """A client over TCP."""
        with BridgeClient(port=self._port, tcp=True, home=self.folder / "home") as client:
            yield client

    def ends(self) -> list[str]:
        """How each accepted job ended; waits for all."""
        ends = []
        with self.client() as client:
            for name in sorted(self.accepted):
                try:
                    client.wait(name)
                    ends.append("done")
                except EngineError as error:
                    ends.append(f"{type(error).__name__}: {error}")
        return ends

    def compare(self) -> Iterator[str]:
        """What is wrong with the folder of results: a job that is lost, doubled, orphaned, or half there."""
        there = {file.name for file in self.out.iterdir()}
        # A job whose ack was lost in the kill may have been done: it was not promised, and is no double.
        known = {f"job{number} - bass{end}" for number in range(self._sent) for end in ENDS}
        yield from (f"doubled or orphaned: {name}" for name in sorted(there - known))
        mix_NC, _ = soundfile.read(self.mix, dtype="int32")
        for name in sorted(self.accepted):
            files = {f"{name} - bass{end}" for end in ENDS}
            if not files & there:
                yield f"lost: {name}"
                continue
            try:
                stem, rest = (soundfile.read(self.out / f"{name} - bass{end}", dtype="int32")[0] for end in ENDS[:2])
                json.loads((self.out / f"{name} - bass.json").read_text())
            except (OSError, ValueError, soundfile.LibsndfileError) as error:
                yield f"half there: {name} ({error})"
                continue
            if not np.array_equal(stem + rest, mix_NC):
                yield f"half there: {name} (stem + rest is not the mix)"

    def _gone(self) -> None:
        assert self.process is not None
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def kill_bridges(folder: Path, kills: int, seed: int, end_s: float) -> Tally:
    """Kill a bridge at random moments of a queue, half of the times with its engine; then count what became of it.

    The moments lie between the first job's acceptance and a little after the time that the queue takes undisturbed.

    Args:
        folder: of its own.
        kills: how many.
        seed: of the moments.
        end_s: by ``time.monotonic``; no further kill after it.
    """
    bridge, dice, tally = KilledBridge(folder), random.Random(seed), Tally()
    bridge.start()
    began_s = time.monotonic()
    bridge.ask(3)
    bridge.ends()
    queue_s = time.monotonic() - began_s
    for number in range(kills):
        if time.monotonic() > end_s:
            break
        if number:
            bridge.start()
        bridge.ask(dice.randrange(1, 5))
        time.sleep(dice.uniform(0.0, 1.2 * queue_s))
        bridge.kill(host_too=dice.random() < 0.5)
        tally.counts["kills"] += 1
    if tally.counts["kills"]:
        bridge.start()
    for end in bridge.ends():
        tally.counts["jobs"] += 1
        tally.counts["done"] += end == "done"
        if end != "done":
            tally.faults.append(end)
    stop_s = bridge.stop()
    tally.see("slowest_stop_s", stop_s)
    if stop_s > STOP_LIMIT_S:
        tally.faults.append(f"the bridge took {stop_s:.1f} s to stop")
    tally.faults += list(bridge.compare())
    return tally


# An engine that is killed and stopped.


class StruckEngine:
    """An engine that does tiny jobs, one after the other, and is struck while it does some of them.

    Args:
        folder: of its own.
        every: every so many jobs its process is killed or stopped, in turns.
    """

    def __init__(self, folder: Path, every: int) -> None:
        self._folder, self._every = folder, every
        self._out = folder / "out"
        write_toy_bundle(folder / "toy")
        self._mix = write_music(folder / "mix.wav", seconds=CLIP_S)
        self._strike: list[signal.Signals] = []
        self.tally = Tally()

    def work(self, jobs: int, end_s: float) -> Tally:
        """Do jobs, and account for all of them.

        Args:
            jobs: how many.
            end_s: by ``time.monotonic``; none begins after it.
        """
        us, first = psutil.Process(), (0, 0)
        with Engine(self._on_event) as self._engine:
            for number in range(1, jobs + 1):
                if time.monotonic() > end_s:
                    break
                if number % self._every == 0:
                    self._strike.append(signal.SIGKILL if number // self._every % 2 else signal.SIGSTOP)
                self._do(number)
                self._strike.clear()
                if number == 2 * self._every:
                    first = usage(us)
                if number % 200 == 0:
                    self._clear()
            self._clear()
            last, children = usage(us), len(us.children())
        if first[0]:
            self.tally.see("memory_grown_mib", (last[0] - first[0]) / MIB)
            self.tally.see("handles_grown", last[1] - first[1])
            if last[0] - first[0] > FLAT_BYTES or last[1] - first[1] > FLAT_HANDLES:
                self.tally.faults.append("memory or handles are not flat")
        if children > 1:
            self.tally.faults.append(f"{children} engines at the end")
        return self.tally

    def _on_event(self, event: object) -> None:
        if self._strike and isinstance(event, Progress) and self._engine.host_pid is not None:
            number = self._strike.pop()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._engine.host_pid, number)
                self.tally.counts["struck: " + number.name] += 1

    def _do(self, number: int) -> None:
        request = Request(
            task="isolate", prompts=("bass",), input=str(self._mix), out=str(self._out),
            bundle=str(self._folder / "toy"), name=f"{number}",
        )  # fmt: skip
        began_s = time.monotonic()
        job = self._engine.submit(request)
        self.tally.counts["jobs"] += 1
        try:
            self._engine.wait(job, 300)
            end = "done"
        except (HostError, Cancelled) as error:
            end = type(error).__name__
        except Exception as error:
            end = "unaccounted"
            self.tally.faults.append(f"job {number}: {type(error).__name__}: {error}")
        self.tally.counts["end: " + end] += 1
        self.tally.see("slowest_job_s", time.monotonic() - began_s)
        made = list(self._out.glob(f"{number}*")) if self._out.exists() else []
        if (end == "done") != bool(made):
            self.tally.faults.append(f"job {number} ended as {end}, and left {len(made)} files")

    def _clear(self) -> None:
        """Remove the results, and see that nothing else was left beside them."""
        for file in self._out.iterdir():
            if file.name.startswith("."):
                self.tally.faults.append(f"left behind: {file.name}")
            file.unlink()


def usage(process: psutil.Process) -> tuple[int, int]:
    """Bytes and open handles of a process."""
    gc.collect()
    return process.memory_info().rss, process.num_fds()
