"""The page about scale says what its command prints."""

from __future__ import annotations

import subprocess
import sys

from batchhelp import ROOT

COMMAND = ROOT / "tests" / "benchmarks" / "scale_cost.py"


def cost(*words: str) -> str:
    return subprocess.run([sys.executable, COMMAND, *words], capture_output=True, text=True, check=True).stdout


def test_the_table_of_costs_is_what_the_command_prints():
    page = (ROOT / "resources" / "docs" / "SCALE.md").read_text(encoding="utf-8")
    assert cost() in page


def test_the_slowest_place_decides_and_waiting_gpus_are_paid_for():
    words = ("--gpu-s", "1", "--cpu-s", "1", "--gpu-price", "3.6", "--song-mib", "1", "--results-mib", "1")
    rows = [line.strip("| ").split(" | ") for line in cost(*words, "--storage-mib-s", "20").splitlines() if "|" in line]
    assert rows[2] == ["1", "3,600", "1.00", "GPU"]
    assert rows[-1] == ["1,000", "36,000", "100.00", "storage"]
