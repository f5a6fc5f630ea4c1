"""The job under way in one line of the status line, always in sight; a click opens the list of jobs."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QWidget

from desktop.models.job_list import ENDED, JobList, JobRow, JobState
from desktop.views.progress_line import ProgressLine
from desktop.views.queue_panel import row_words, state_words
from desktop.views.text import tr
from desktop.views.theme import Palette, icon

WORDS_PIXELS, LEAST_PIXELS = 520, 120  # for title and state, and for a title beside a long state
TICK_MS = 1000


class JobStrip(QWidget):
    """Title, state and progress of the running job, and how many wait.

    Signals:
        cancelled: id of a row.
        opened: the list is wanted.
    """

    cancelled = Signal(str)
    opened = Signal()

    def __init__(self, jobs: JobList, palette: Palette) -> None:
        super().__init__()
        self._jobs = jobs
        self.words = QPushButton()
        self.words.setObjectName("strip")
        self.words.setToolTip(tr("Show all jobs (Ctrl+J)"))
        self.words.clicked.connect(self.opened)
        self.bar = ProgressLine()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(140)
        self.bar.setAccessibleName(tr("Progress"))
        self.stop = QToolButton()
        self.stop.setObjectName("small")
        self.stop.setIconSize(QSize(14, 14))
        self.stop.setFixedSize(22, 22)
        self.stop.setAccessibleName(tr("Cancel"))
        self.stop.setToolTip(tr("Cancel"))
        self.stop.clicked.connect(self._cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self.words, self.bar, self.stop):
            row.addWidget(widget)
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self._show)
        for news in (jobs.rowsInserted, jobs.rowsRemoved, jobs.dataChanged, jobs.summary_changed):
            news.connect(self._show)
        self.dress(palette)
        self._show()

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self.stop.setIcon(icon("close", palette.quiet))

    @property
    def row(self) -> JobRow | None:
        """The job that is shown: the running one, else the first that waits, else the last one."""
        rows = self._jobs.rows
        for state in (JobState.RUNNING, JobState.WAITING):
            if found := next((row for row in rows if row.state is state), None):
                return found
        return rows[-1] if rows else None

    def _show(self) -> None:
        row = self.row
        live = row is not None and row.state not in ENDED
        self.bar.setVisible(live)
        self.stop.setVisible(live)
        if live != self._tick.isActive():
            self._tick.start() if live else self._tick.stop()
        if row is None:
            self.words.setText(tr("No jobs"))
            return
        self.bar.setValue(round(row.fraction * 1000))
        waiting = sum(one.state is JobState.WAITING for one in self._jobs.rows if one.id != row.id)
        more = f"  ·  +{waiting}" if waiting else ""
        title, state = row_words(row), f"  ·  {state_words(row, self._jobs.now_s())}{more}"
        metrics = self.words.fontMetrics()
        room = min(WORDS_PIXELS, max(self.window().width() // 2, 160)) - metrics.horizontalAdvance(state)
        self.words.setText(metrics.elidedText(title, Qt.TextElideMode.ElideRight, max(room, LEAST_PIXELS)) + state)
        self.words.setAccessibleName(title + state)

    def _cancel(self) -> None:
        if (row := self.row) is not None:
            self.cancelled.emit(row.id)
