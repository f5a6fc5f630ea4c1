"""Who was at work while a thread waited: a process beside it looks at all threads when that one is not heard for long.

A sampler inside the process is no help: it needs the lock of Python itself (the GIL), which is just what may be held.
So the thread that must not wait only writes the time into a shared page, and a process of its own watches that page.
When the time grows old, it reads from /proc what each thread does, which call into the system it is in, how long it
ran and how long it waited for a core, and has ``faulthandler`` write down the Python stacks, for which no lock is
needed. Linux only; elsewhere, and where /proc may not be read, it reports less.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import json
import mmap
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOOK_S = 0.005
LATE_S = 0.04  # without a beat: a first look at all threads
DEEP_LATE_S, AGAIN_S = 0.06, 0.04  # stacks and system calls as well, and again after so long
BEATS = struct.Struct("<dd")  # the last beat, and the wish to go on; by the monotonic clock
FRAMES = 6  # of a stack
CALLS = {  # of x86-64, those that may take long
    0: "read", 1: "write", 3: "close", 7: "poll", 9: "mmap", 10: "mprotect", 11: "munmap", 12: "brk", 16: "ioctl",
    17: "pread", 18: "pwrite", 23: "select", 25: "mremap", 26: "msync", 28: "madvise", 35: "nanosleep", 47: "recvmsg",
    56: "clone", 58: "vfork", 59: "execve", 61: "wait4", 73: "flock", 74: "fsync", 75: "fdatasync", 77: "ftruncate",
    82: "rename", 84: "rmdir", 87: "unlink", 202: "futex", 230: "clock_nanosleep", 232: "epoll_wait", 247: "waitid",
    257: "openat", 263: "unlinkat", 271: "ppoll", 281: "epoll_wait", 285: "fallocate", 326: "copy_file_range",
    435: "clone",
}  # fmt: skip
TGKILL = 234  # of x86-64


@dataclass(frozen=True, slots=True)
class ThreadAtWork:
    """What a thread did while another waited.

    Attributes:
        name: of the thread.
        doing: ``R`` runs or wants to, ``D`` waits for a disk, ``S`` sleeps; and the call into the system it is in.
        ran_ms, queued_ms: how long it had a core, and how long it wanted one, from before the wait until its end.
        stacks: one after the other; each has Python functions, the innermost first.
    """

    name: str
    doing: str
    ran_ms: float
    queued_ms: float
    stacks: tuple[tuple[str, ...], ...]

    @property
    def works(self) -> bool:
        """True unless it slept all the while."""
        return self.ran_ms >= 1.0 or self.queued_ms >= 5.0 or self.doing[:1] in ("R", "D")

    def __str__(self) -> str:
        first, *others = self.stacks or ((),)
        then = dict.fromkeys(stack[0] for stack in others if stack and stack[0] not in first[:1])
        where = "; then ".join((" < ".join(first[:FRAMES]) or "no Python", *then))
        return f"{self.name} [{self.doing}] ran {self.ran_ms:.0f} ms, queued {self.queued_ms:.0f} ms: {where}"


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait and who was at work meanwhile.

    Attributes:
        began_s: by the monotonic clock.
        wait_ms: how long no beat came.
        late_ms: how late the watching process itself was at most: what the machine, and not this program, made wait.
        states: of the thread that waited: how often it was found so.
        threads: those that did not only sleep; the first is the one that waited.
    """

    began_s: float
    wait_ms: float
    late_ms: float
    states: tuple[tuple[str, int], ...]
    threads: tuple[ThreadAtWork, ...]

    @property
    def held_ms(self) -> float:
        """How long it neither ran nor wanted a core: it waited for a lock, a disk or another process."""
        one = self.threads[0]
        return max(self.wait_ms - one.ran_ms - one.queued_ms, 0.0)

    def __str__(self) -> str:
        one, found = self.threads[0], ", ".join(f"{state} {count}" for state, count in self.states)
        parts = f"{one.ran_ms:.0f} ran, {one.queued_ms:.0f} wanted a core, {self.held_ms:.0f} held up"
        head = f"{self.wait_ms:.0f} ms: {parts} ({found}; an idle process was {self.late_ms:.0f} late)"
        return "\n  ".join((head, *map(str, self.threads)))


class WaitWatch:
    """Watches the thread that makes it and calls ``beat``.

    Args:
        folder: for two small files.
    """

    def __init__(self, folder: Path) -> None:
        page, self._stacks, self._log = folder / "beats", folder / "stacks", folder / "waits.jsonl"
        page.write_bytes(bytes(BEATS.size))
        with page.open("r+b") as stream:
            self._page = mmap.mmap(stream.fileno(), BEATS.size)
        self._main = threading.get_native_id()
        self._stop, known = threading.Event(), threading.Event()
        self._dumper = 0
        threading.Thread(target=self._wait_for_signals, args=(known,), name="stack dumper", daemon=True).start()
        known.wait()
        self._file = self._stacks.open("w")
        faulthandler.register(signal.SIGUSR1, self._file, all_threads=True)
        self._known: dict[int, tuple[str, int]] = {}  # name and number in Python, by the number in the system
        self._counted = 0
        self.beat()
        command = [sys.executable, __file__, str(os.getpid()), str(self._main), str(self._dumper), str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def beat(self) -> None:
        """Say that the thread goes on."""
        if threading.active_count() != self._counted:
            self._learn_names()
        BEATS.pack_into(self._page, 0, time.monotonic(), 1.0)

    def _learn_names(self) -> None:
        """Note the names of the threads there are, because some will be gone when somebody asks."""
        threads = threading.enumerate()
        self._counted = len(threads)
        self._known |= {one.native_id: (one.name, one.ident) for one in threads if one.native_id and one.ident}

    def waits(self, since_s: float) -> list[Wait]:
        """What was seen since a time of the monotonic clock, the longest first."""
        lines = self._log.read_text().splitlines() if self._log.is_file() else []
        found = [self._read(json.loads(line)) for line in lines]
        return sorted((one for one in found if one.began_s >= since_s), key=lambda one: -one.wait_ms)

    def close(self) -> None:
        """Watch no more."""
        BEATS.pack_into(self._page, 0, time.monotonic(), 0.0)
        self._process.wait()
        faulthandler.unregister(signal.SIGUSR1)
        self._stop.set()

    def _wait_for_signals(self, known: threading.Event) -> None:
        """A thread that does nothing, so that a signal finds it ready to write down what all others do."""
        self._dumper = threading.get_native_id()
        known.set()
        self._stop.wait()

    def _read(self, row: dict[str, Any]) -> Wait:
        stacks = _stacks(row["stacks"])
        idents = {ident for _, ident in self._known.values()}
        stacks[0] = [stack for ident, found in stacks.items() if ident not in idents for stack in found]  # of the gone
        rows = []
        for key, values in row["threads"].items():
            number = int(key)
            name, ident = self._known.get(number, (values["comm"] or "a thread that is gone", 0))
            found = tuple(stacks.get(ident, ()))
            one = ThreadAtWork(name, values["doing"], values["ran_ms"], values["queued_ms"], found)
            if number == self._main or (number != self._dumper and one.works):
                rows.append((number != self._main, -one.ran_ms, one))
        rows.sort(key=lambda row: row[:2])
        states = tuple(Counter(row["states"]).most_common())
        return Wait(row["began_s"], row["wait_ms"], row["late_ms"], states, tuple(one for _, _, one in rows))


def _stacks(text: str) -> dict[int, list[tuple[str, ...]]]:
    """What ``faulthandler`` wrote, by the number of the thread: functions and places, the innermost first."""
    found: dict[int, list[tuple[str, ...]]] = {}
    number = 0
    for line in text.splitlines():
        if "hread 0x" in line:
            number = int(line.split("0x")[1].split()[0].strip(":"), 16)
            found.setdefault(number, []).append(())
        elif line.startswith("  File ") and number:
            file, _, rest = line.partition(", line ")
            at, _, function = rest.partition(" in ")
            found[number][-1] += (f"{function} ({Path(file.split(chr(34))[1]).name}:{at})",)
    return found


# The process that watches.


class _Watcher:
    def __init__(self, process: int, main: int, dumper: int, folder: Path) -> None:
        self._tasks, self._process, self._main, self._dumper = Path(f"/proc/{process}/task"), process, main, dumper
        self._stacks, self._log = folder / "stacks", folder / "waits.jsonl"
        with (folder / "beats").open("r+b") as stream:
            self._page = mmap.mmap(stream.fileno(), BEATS.size)

    def run(self) -> None:
        """Look until told to leave, or the process is gone."""
        before, last_s, late_s = self._times(), 0.0, 0.0
        while True:
            began_s = time.monotonic()
            time.sleep(LOOK_S)
            now_s = time.monotonic()
            late_s = max(late_s, now_s - began_s - LOOK_S)
            beat_s, goes_on = BEATS.unpack_from(self._page)
            if not goes_on or not self._tasks.is_dir():
                return
            if beat_s != last_s:
                before, last_s, late_s = self._times(), beat_s, 0.0
            elif now_s - beat_s > LATE_S:
                self._look_closely(beat_s, before, late_s)

    def _look_closely(self, beat_s: float, before: dict[int, tuple[float, float]], late_s: float) -> None:
        """Follow one wait to its end and write it down."""
        doing: dict[int, str] = {}
        states: list[str] = []
        begin, dump_s = self._stacks.stat().st_size, beat_s + DEEP_LATE_S
        while (beat := BEATS.unpack_from(self._page))[0] == beat_s and beat[1] and self._tasks.is_dir():
            looked_s = time.monotonic()
            states.append(self._state(self._main))
            if looked_s > dump_s:
                dump_s = looked_s + AGAIN_S
                doing = doing or {number: self._state(number) for number in self._numbers()}
                with contextlib.suppress(AttributeError, OSError):
                    ctypes.CDLL(None).syscall(TGKILL, self._process, self._dumper, int(signal.SIGUSR1))
            slept_s = time.monotonic()
            time.sleep(LOOK_S)
            late_s = max(late_s, time.monotonic() - slept_s - LOOK_S)
        if not doing:
            return
        after = self._times()
        threads = {
            number: {
                "comm": self._text(number, "comm"),
                "doing": doing.get(number, "?"),
                "ran_ms": _grown_ms(before, after, number, 0),
                "queued_ms": _grown_ms(before, after, number, 1),
            }
            for number in {*after, *doing}
        }
        with self._stacks.open() as stream:
            stream.seek(begin)
            stacks = stream.read()
        row = {
            "began_s": beat_s, "wait_ms": 1000 * (max(beat[0], beat_s) - beat_s), "late_ms": 1000 * late_s,
            "states": states, "threads": threads, "stacks": stacks,
        }  # fmt: skip
        with self._log.open("a") as log:
            log.write(json.dumps(row) + "\n")

    def _numbers(self) -> list[int]:
        with contextlib.suppress(OSError):
            return [int(name) for name in os.listdir(self._tasks)]
        return []

    def _text(self, number: int, name: str) -> str:
        with contextlib.suppress(OSError):
            return (self._tasks / str(number) / name).read_text().strip()
        return ""

    def _times(self) -> dict[int, tuple[float, float]]:
        """Seconds that each thread ran and wanted to run."""
        found = {}
        for number in self._numbers():
            parts = self._text(number, "schedstat").split()
            if len(parts) >= 2:
                found[number] = int(parts[0]) / 1e9, int(parts[1]) / 1e9
        return found

    def _state(self, number: int) -> str:
        """State of a thread, and the call that it is in."""
        state = self._text(number, "stat").rpartition(")")[2].split()[:1]
        call = self._text(number, "syscall").split()[:1]
        name = CALLS.get(int(call[0]), f"call {call[0]}") if call and call[0].isdigit() else ""
        return f"{state[0] if state else '?'} {name}".strip()


def _grown_ms(
    before: dict[int, tuple[float, float]], after: dict[int, tuple[float, float]], number: int, which: int
) -> float:
    """How much one of the times of a thread grew; 0 for one that was not there before or is gone."""
    if number not in before or number not in after:
        return 0.0
    return 1000 * (after[number][which] - before[number][which])


if __name__ == "__main__":
    _Watcher(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])).run()
