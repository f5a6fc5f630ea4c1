"""The list of jobs over the window: one card per job."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.models.job_list import ENDED, JobList, JobRow, JobState, details_of
from desktop.views.layout import beside, under
from desktop.views.progress_line import ProgressLine
from desktop.views.sentences import said, title_words
from desktop.views.text import clock, number, tr
from desktop.views.theme import Palette, drawn, icon, mark

WIDTH, HEIGHT, LEAST_HEIGHT, HEADING_HEIGHT = 380, 420, 110, 70
TICK_MS = 1000
REGIONS_SHOWN = 2
STAGES = {  # what the engine calls them, and what they are; the others say it themselves
    "read": "reading the audio",
    "encode": "analysing",
    "step": "making the sound",
    "step and decode": "making the sound",
    "decode": "making the sound",
    "separate": "separating",
    "mask": "separating",
    "write": "writing the files",
    "notes": "hearing the notes",
    "play": "playing the notes",
    "opening the bundle": "opening the bundle",
    "looking at the examples": "reading the examples",
    "opening the bundle; building the TensorRT engine takes minutes the first time": (
        "building the TensorRT engine; this takes minutes the first time"
    ),
}


class JobCard(QFrame):
    """One job.

    Signals:
        cancelled, retried, removed, opened: what is wanted.
        moved: -1 up, 1 down.
    """

    cancelled = Signal()
    retried = Signal()
    removed = Signal()
    opened = Signal()
    moved = Signal(int)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.setObjectName("row")
        self._palette = palette
        self.daw, self.title, self.state = QLabel(), QLabel(), QLabel()
        self.title.setWordWrap(True)
        self.state.setObjectName("caption")
        self.state.setWordWrap(True)
        self.bar = ProgressLine()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress"))
        self.details = QLabel()
        self.details.setObjectName("caption")
        self.details.setWordWrap(True)
        self.details.hide()
        self.fold = QPushButton(tr("Details"))
        self.fold.setObjectName("link")
        self.fold.setCheckable(True)
        self.fold.toggled.connect(self.details.setVisible)
        self.up = self._button("up", tr("Move up"), lambda: self.moved.emit(-1))
        self.down = self._button("down", tr("Move down"), lambda: self.moved.emit(1))
        self.retry = self._button("retry", tr("Try again"), self.retried.emit)
        self.open = self._button("open", tr("Open this clip here"), self.opened.emit)
        self.stop = self._button("close", tr("Cancel"), self.cancelled.emit)
        self.remove = self._button("close", tr("Remove from the list"), self.removed.emit)
        buttons = (self.up, self.down, self.open, self.retry, self.stop, self.remove)
        head = beside(self.daw, (self.title, 1), *buttons, spacing=3)
        under(self, (11, 8, 7, 8), head, self.bar, beside((self.state, 1), self.fold), self.details)

    def _button(self, name: str, words: str, do: object) -> QToolButton:
        button = QToolButton()
        button.setObjectName("small")
        button.setIconSize(QSize(16, 16))
        button.setIcon(icon(name, self._palette.quiet))
        button.setToolTip(words)
        button.setAccessibleName(words)
        button.setFixedSize(24, 24)
        button.clicked.connect(do)
        return button

    def show_row(self, row: JobRow, now_s: float) -> None:
        """Show a job's state."""
        self.daw.setVisible(row.from_daw)
        if row.from_daw and self.daw.pixmap().isNull():
            self.daw.setPixmap(drawn("daw", self._palette.accent, 16))
            self.daw.setToolTip(tr("Sent by a DAW over OSC"))
            self.daw.setAccessibleName(tr("Sent by a DAW over OSC"))
        self.title.setText(row_words(row))
        running, waiting = row.state is JobState.RUNNING, row.state is JobState.WAITING
        self.bar.setVisible(running)
        self.bar.setValue(round(row.fraction * 1000))
        self.state.setText(state_words(row, now_s))
        mark(self.state, "failed", row.state is JobState.FAILED)
        again = tr("Replace it anyway") if row.was_not_heard else tr("Try again")
        self.retry.setToolTip(again)
        self.retry.setAccessibleName(again)
        self.fold.setVisible(row.state is JobState.FAILED)
        self.details.setText(details_of(row))
        if row.state is not JobState.FAILED:
            self.details.hide()
        ours = not row.from_daw
        for button, wanted in (
            (self.up, waiting and ours),
            (self.down, waiting and ours),
            (self.stop, running or waiting),
            (
                self.retry,
                row.state in (JobState.FAILED, JobState.CANCELLED) and (row.for_file or row.context is not None),
            ),
            (self.open, row.from_daw and row.state is JobState.DONE),
            (self.remove, row.state in ENDED),
        ):
            button.setVisible(wanted)
        self.setAccessibleName(f"{self.title.text()}, {tr(row.state.value)}")


class QueuePanel(QWidget):
    """Shows a ``JobList``.

    Signals:
        cancelled, retried, opened: id of a row.
    """

    cancelled = Signal(str)
    retried = Signal(str)
    opened = Signal(str)

    def __init__(self, jobs: JobList, palette: Palette) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._jobs, self._palette = jobs, palette
        self._corner = (WIDTH, HEIGHT)
        self.cards: dict[str, JobCard] = {}
        heading = QLabel(tr("Jobs"))
        heading.setObjectName("heading")
        self.clear = QPushButton(tr("Clear"))
        self.clear.setObjectName("link")
        self.clear.setToolTip(tr("Remove finished jobs from the list"))
        self.clear.clicked.connect(jobs.clear_ended)
        self.empty = QLabel(tr("Your jobs appear here, and so do those your DAW sends over OSC."))
        self.empty.setObjectName("quiet")
        self.empty.setWordWrap(True)
        self._column = QVBoxLayout()
        self._column.setContentsMargins(0, 0, 4, 0)
        self._column.setSpacing(7)
        self._column.addStretch(1)
        inside = QWidget()
        inside.setLayout(self._column)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inside)
        under(self, (14, 10, 8, 8), beside((heading, 1), self.clear), self.empty, (area, 1), spacing=6)
        jobs.rowsInserted.connect(self._show)
        jobs.rowsRemoved.connect(self._show)
        jobs.dataChanged.connect(self._on_data)
        self._tick = QTimer(self)
        self._tick.timeout.connect(self._show)
        jobs.summary_changed.connect(self._on_summary)
        self._show()

    def _on_summary(self, count: int) -> None:
        """Count the seconds while a job runs."""
        if count:
            self._tick.start(TICK_MS)
        else:
            self._tick.stop()

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        for name in list(self.cards):
            self._drop(name)
        self._show()

    def place(self, right: int, bottom: int) -> None:
        """Stand over the status line, in pixels of the window."""
        self._corner = (right, bottom)
        wanted = HEADING_HEIGHT + (self._column.sizeHint().height() if self.cards else self.empty.sizeHint().height())
        height = min(max(wanted, LEAST_HEIGHT), HEIGHT, bottom - 8)
        self.setGeometry(max(right - WIDTH, 0), bottom - height, min(WIDTH, right), height)
        self.raise_()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Make the cards."""
        super().showEvent(event)
        self._show()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Cards that nobody sees take memory for nothing, and time whenever a job goes on."""
        super().hideEvent(event)
        for name in list(self.cards):
            self._drop(name)

    def _show(self) -> None:
        rows = self._jobs.rows if self.isVisible() else ()
        names = {row.id for row in rows}
        for gone in [name for name in self.cards if name not in names]:
            self._drop(gone)
        now_s = self._jobs.now_s()
        for place, row in enumerate(rows):
            card = self.cards.get(row.id)
            if card is None:
                card = self.cards[row.id] = self._card(row.id)
            if self._column.indexOf(card) != place:
                self._column.insertWidget(place, card)
                card.show()  # now, so that the panel's height counts it
            card.show_row(row, now_s)
        self.empty.setVisible(not rows)
        self.clear.setEnabled(any(row.state in ENDED for row in rows))
        if self.isVisible():
            self.place(*self._corner)

    def _on_data(self, first: QModelIndex, last: QModelIndex) -> None:
        """Update one card on progress, which comes often; all of them if rows moved."""
        if not self.isVisible():
            return
        rows = self._jobs.rows[first.row() : last.row() + 1]
        if len(rows) == 1 and rows[0].id in self.cards and rows[0].state is JobState.RUNNING:
            self.cards[rows[0].id].show_row(rows[0], self._jobs.now_s())
        else:
            self._show()

    def _drop(self, name: str) -> None:
        card = self.cards.pop(name)
        self._column.removeWidget(card)
        card.hide()
        card.deleteLater()

    def _card(self, row_id: str) -> JobCard:
        card = JobCard(self._palette)
        card.cancelled.connect(lambda: self.cancelled.emit(row_id))
        card.retried.connect(lambda: self.retried.emit(row_id))
        card.opened.connect(lambda: self.opened.emit(row_id))
        card.removed.connect(lambda: self._jobs.remove(row_id))
        card.moved.connect(lambda by: self._jobs.move(row_id, by))
        return card


def row_words(row: JobRow) -> str:
    """Title of a job in the user's language, and where in the song it works unless that is everywhere."""
    places = [f"{clock(first_s, 1)} – {clock(last_s, 1)}" for first_s, last_s in row.regions_s]
    return "  ·  ".join((title_words(row.title), *places[:REGIONS_SHOWN], *(["…"] if places[REGIONS_SHOWN:] else [])))


def state_words(row: JobRow, now_s: float) -> str:
    """The state of a job in one line."""
    if row.state is JobState.RUNNING:
        eta_s = row.eta_s(now_s)
        left = f"  ·  {clock(eta_s + 0.5, 0)} {tr('left')}" if eta_s is not None else ""
        return f"{tr(STAGES.get(row.stage, row.stage) or 'running')}{left}"
    if row.state is JobState.DONE and row.done is not None:
        device = row.done.device.removesuffix("ExecutionProvider")
        return f"{tr('done')}  ·  {number(row.done.seconds, 1)} s  ·  {device}"
    if row.state is JobState.FAILED:
        return said(row.message) if row.message is not None else tr(row.state.value)
    return tr(row.state.value)
