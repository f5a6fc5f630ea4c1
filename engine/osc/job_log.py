"""One line for each job, when it is over: for the terminal of ``fluxstem bridge`` and for the log of the window."""

from __future__ import annotations

import logging

from engine.osc.protocol.arguments import printable

JOB_LOG = "engine.osc.jobs"  # the logger's name; its lines have level INFO
LINE_LIMIT_CHARACTERS = 400


def log_job(id: str, task: str, *words: str) -> None:
    """Log how a job ended: ``take-1 isolate: fail, audio, the file is empty; give another``."""
    line = f"{id or 'a job without id'} {task}: {', '.join(words)}"
    logging.getLogger(JOB_LOG).info("%s", printable(line)[:LINE_LIMIT_CHARACTERS])
