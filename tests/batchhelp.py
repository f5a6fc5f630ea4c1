"""What the tests of batches share: a tree of songs, the resume file, the results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clihelp import write_music

ROOT = Path(__file__).parents[1]
LIMIT_S = 90.0


def write_songs(folder: Path, count: int, seconds: float = 0.5) -> Path:
    """``count`` songs in two folders; gives the folder back."""
    for number in range(count):
        write_music(folder / "ab"[number % 2] / f"song {number}.wav", seconds, seed=number)
    return folder


def lines(out: Path) -> list[dict[str, Any]]:
    """The whole lines of the resume file."""
    path = out / ".fluxstem-batch" / "state.jsonl"
    whole = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
    return [json.loads(line) for line in whole if line]


def results(out: Path) -> dict[str, bytes]:
    """Sounds below a folder -> what is in them."""
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*.wav"))}


def started(*words: object) -> subprocess.Popen[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "engine", "batch", *map(str, words)]
    surroundings = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=ROOT, env=surroundings, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Look until something is so; the process must still be at it."""
    end_s = time.monotonic() + LIMIT_S
    while not is_so():
        if process.poll() is not None:
            raise AssertionError(f"it ended with {process.returncode} before: {process.communicate()}")
        if time.monotonic() > end_s:
            process.kill()
            raise AssertionError(f"not so within {LIMIT_S:g} s")
        time.sleep(0.005)
