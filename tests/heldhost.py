"""An engine's process that does real jobs and holds each in its middle while a file is there.

For tests that kill, stop or cancel a job at work: however busy the machine is, the job cannot end before.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

HOST = f"""
import os, sys, time
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from engine.host.main import _take_pipes, serve
from engine.host.worker import Worker
commands, events = _take_pipes()
held, receipts = Path(sys.argv[1]), {{}}
worker = Worker(receipts=receipts)
def work(job, request, report, check):
    def report_and_hold(fraction, stage):
        report(fraction, stage)
        while fraction > 0 and held.exists():
            check()
            time.sleep(0.01)
            report(fraction, stage)  # again, for of many reports in a short time few are passed on
    return worker(job, request, report_and_hold, check)
serve(commands, events, work, receipts=receipts)
os._exit(0)
"""


def host_held_by(file: Path) -> tuple[str, ...]:
    """The command of such a process, for ``Engine(host_command=...)``; it holds jobs while ``file`` is there."""
    return (sys.executable, "-P", "-c", HOST, str(file))
