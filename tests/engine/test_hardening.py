"""Short runs of the benchmark that kills, hangs and feeds hostile files; its long runs are for releases."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ZEROS = ("hangs", "decoders_that_died", "processes_that_died", "lost", "doubled_or_orphaned", "half_files")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="it forks")
@pytest.mark.parametrize(
    "arguments",
    [
        ("media", "--files", "60", "--real", "30"),
        ("bundles", "--files", "8"),
        ("kills", "--moments", "3", "--seed", "3"),
        ("soak", "--jobs", "12", "--every", "4"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_nothing_hangs_and_nothing_is_lost(arguments):
    command = [sys.executable, "tests/benchmarks/hardening.py", *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["ok"]
    assert not [name for name in ZEROS if found.get(name)]
