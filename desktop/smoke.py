"""An unattended trial of the whole program: open the demo, isolate a stem, quit.

``FLUXSTEM_SMOKE=1 fluxstem desktop`` exits with 0 when a stem came out that sums to the mix with its rest.
"""

from __future__ import annotations

import logging

from PySide6.QtWidgets import QApplication

from desktop.models.job_list import JobState
from desktop.views.main_window import MainWindow

log = logging.getLogger(__name__)

PROMPT = "drum kit"
EXACT_DB = -300.0


def begin(window: MainWindow, application: QApplication) -> None:
    """Start the trial; the application ends with its verdict."""
    workspace = window.workspace

    def ask() -> None:
        window.prompt.set_task("isolate")
        window.prompt.text.setText(PROMPT)
        window.ask(window.prompt.form())

    def judge(sum_db: float | None) -> None:
        if sum_db is None or not workspace.document.project.lanes:
            return
        done = all(row.state is JobState.DONE for row in workspace.jobs.queue.rows)
        good = done and sum_db <= EXACT_DB
        log.info("trial: %s", "a stem came out and sums to the mix exactly" if good else "no stem came out")
        window.leave()
        application.exit(0 if good else 1)

    def give_up(words: str, details: str) -> None:
        log.error("trial: %s (%s)", words, details)
        window.leave()
        application.exit(1)

    workspace.opened.connect(ask)
    workspace.sum_changed.connect(judge)
    workspace.troubled.connect(give_up)
    window.open_demo()
