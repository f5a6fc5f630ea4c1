"""Start processes that train together, found by plain variables, and one to each folder where they are to differ."""

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE_S = 1800  # a process that starts torch beside others may take minutes; only one that hangs may fail here


def surroundings() -> dict[str, str]:
    """Variables of a process that finds the repository and the tests' helpers, with one thread."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]), "OMP_NUM_THREADS": "1"}


def together(*calls: str) -> list[tuple[int, str]]:
    """Run ``MODULE.FUNCTION(...)`` of the tests' helpers, one process for each call; exit codes and error output."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = {**surroundings(), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(len(calls))}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", f"import pathlib, {call.partition('.')[0]}; {call}"],
            env={**base, "RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, call in enumerate(calls)
    ]
    try:
        said = [process.communicate(timeout=PATIENCE_S)[1] for process in started]
        return [(process.returncode, words) for process, words in zip(started, said, strict=True)]
    finally:
        for process in started:
            process.kill()
