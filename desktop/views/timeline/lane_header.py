"""The left end of a lane: name, solo, mute, gain, pan, takes, and the handle to drag the file out by."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QColor, QDrag, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QGridLayout,
    QInputDialog,
    QLabel,
    QSlider,
    QToolButton,
    QWidget,
)

from desktop.models.project import GAIN_LIMITS_DB, Lane, LaneTake
from desktop.views.layout import beside, under
from desktop.views.sliders import ResetSlider
from desktop.views.text import tr
from desktop.views.theme import Palette, drawn, icon, mark
from engine import BIT_FOR_BIT_DB

WIDTH = 252
LIKELY_THERE = 0.5
PAN_STEPS = 100


def file_mime(paths: list[Path]) -> QMimeData:
    """Drag data with real files, for DAWs and file managers."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    mime.setText("\n".join(str(path) for path in paths))
    return mime


class DragHandle(QLabel):
    """A grip.

    Signals:
        dragged: it was pulled.
    """

    dragged = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._pressed: QPoint | None = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setToolTip(tr("Drag this stem into your DAW or a folder, as a file (Ctrl+Shift+C copies its path)"))
        self.setAccessibleName(tr("Drag the file out"))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Remember where the drag starts."""
        self._pressed = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Start a drag once the mouse has moved far enough."""
        if self._pressed is None:
            return
        if (event.position().toPoint() - self._pressed).manhattanLength() >= QApplication.startDragDistance():
            self._pressed = None
            self.dragged.emit()


class LaneHeader(QWidget):
    """Shows one lane and tells what is done to it.

    Signals:
        field_changed: words for the history, field and value.
        drag_wanted: the file is to be dragged out.
        menu_wanted: place on the screen.
        chosen: the lane is to be worked on.
    """

    field_changed = Signal(str, str, object)
    drag_wanted = Signal()
    menu_wanted = Signal(QPoint)
    chosen = Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.setFixedWidth(WIDTH)
        self._palette = palette
        self._lane: Lane | None = None
        self._colour = palette.lanes[0]
        self.name, self.caption = QLabel(), QLabel()
        self.name.setObjectName("heading")
        self.caption.setObjectName("caption")
        self.grip = DragHandle()
        self.grip.dragged.connect(self.drag_wanted)
        self.mute = self._switch("M", "mute", tr("Mute"), tr("Mute this lane (M)"))
        self.solo = self._switch("S", "solo", tr("Solo"), tr("Hear this lane alone (S)"))
        self.more = QToolButton()
        self.more.setObjectName("flat")
        self.more.setAccessibleName(tr("More actions for this lane"))
        self.more.setToolTip(tr("Copy path, open in folder, export, colour, remove"))
        self.more.clicked.connect(lambda: self.menu_wanted.emit(self.more.mapToGlobal(QPoint(0, self.more.height()))))
        self.takes = QComboBox()
        self.takes.setAccessibleName(tr("Take"))
        self.takes.setToolTip(
            tr("The take to play; all takes are kept. The number says how well it fits, from -1 to 1")
        )
        self.takes.activated.connect(self._on_take)
        self.gain = self._slider(
            tr("Gain"), tr("Gain in dB; double-click for 0"), *(int(g * 10) for g in GAIN_LIMITS_DB)
        )
        self.pan = self._slider(tr("Pan"), tr("Left or right; double-click for the middle"), -PAN_STEPS, PAN_STEPS)
        self.gain.valueChanged.connect(lambda value: self._tell(tr("gain of"), "gain_db", value / 10))
        self.pan.valueChanged.connect(lambda value: self._tell(tr("pan of"), "pan", value / PAN_STEPS))
        self.gain_text, self.pan_text = QLabel(), QLabel()
        for label in (self.gain_text, self.pan_text):
            label.setObjectName("caption")
        self.gain_text.setMinimumWidth(52)
        self._lay_out()

    def _lay_out(self) -> None:
        knobs = QGridLayout()
        knobs.setHorizontalSpacing(8)
        knobs.setVerticalSpacing(1)
        knobs.addWidget(self.gain, 0, 0)
        knobs.addWidget(self.gain_text, 0, 1)
        knobs.addWidget(self.pan, 0, 2)
        knobs.addWidget(self.pan_text, 0, 3)
        knobs.setColumnStretch(0, 3)
        knobs.setColumnStretch(2, 2)
        top = beside(self.grip, (self.name, 1), self.mute, self.solo, self.more, spacing=4)
        under(self, (14, 7, 8, 6), top, beside((self.caption, 1), self.takes), 1, knobs, spacing=3)

    def _switch(self, letter: str, kind: str, name: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(kind)
        button.setText(letter)
        button.setCheckable(True)
        button.setFixedSize(24, 22)
        button.setAccessibleName(name)
        button.setToolTip(tip)
        button.clicked.connect(lambda on: self._tell(name.lower(), kind, on))
        return button

    def _slider(self, name: str, tip: str, low: int, high: int) -> QSlider:
        slider = ResetSlider(Qt.Orientation.Horizontal)
        slider.setRange(low, high)
        slider.setAccessibleName(name)
        slider.setToolTip(tip)
        return slider

    def show_lane(self, lane: Lane, palette: Palette, heard: bool) -> None:
        """Show a lane's state."""
        self._lane = None  # what is set below is not what the user does
        self._palette = palette
        self._colour = palette.lanes[lane.colour]
        self.grip.setPixmap(drawn("drag", palette.faint, 16))
        self.more.setIcon(icon("more", palette.quiet))
        metrics = self.name.fontMetrics()
        self.name.setText(metrics.elidedText(lane.name, Qt.TextElideMode.ElideRight, 112))
        self.name.setToolTip(lane.name)
        mark(self.name, "heard", heard)
        self.caption.setText(caption(lane))
        self.mute.setChecked(lane.mute)
        self.solo.setChecked(lane.solo)
        self.gain.setValue(round(lane.gain_db * 10))
        self.pan.setValue(round(lane.pan * PAN_STEPS))
        self.gain_text.setText(gain_words(lane))
        self.pan_text.setText(pan_words(lane.pan))
        self.takes.clear()
        self.takes.addItems([take_words(number, take) for number, take in enumerate(lane.takes, 1)])
        self.takes.setCurrentIndex(lane.active)
        self.takes.setVisible(len(lane.takes) > 1)
        self.setAccessibleName(f"{tr('Lane')} {lane.name}")
        self._lane = lane
        self.update()

    def rename(self) -> None:
        """Ask for a new name."""
        if self._lane is None:
            return
        name, fine = QInputDialog.getText(self, tr("Rename"), tr("Name of the lane"), text=self._lane.name)
        if fine and name.strip():
            self._tell(tr("rename"), "name", name.strip())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the lane's colour along the edge."""
        painter = QPainter(self)
        painter.fillRect(0, 0, 4, self.height(), QColor(self._colour))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Make this the current lane."""
        self.chosen.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Rename."""
        self.rename()

    def _on_take(self, index: int) -> None:
        self._tell(tr("choose a take of"), "active", index)

    def _tell(self, words: str, field: str, value: object) -> None:
        if self._lane is not None:
            self.field_changed.emit(f"{words} {self._lane.name}", field, value)


def caption(lane: Lane) -> str:
    """One line about the active take."""
    made = lane.take.made
    parts = []
    if made.presence is not None and lane.role == "stem" and made.task in ("isolate", "remove"):
        if made.presence >= LIKELY_THERE:
            parts.append(f"{tr('present')} {made.presence:.0%}")
        else:
            parts.append(tr("probably not present"))
    if made.null_db is not None:
        exact = made.null_db <= BIT_FOR_BIT_DB
        parts.append(tr("sums to the mix exactly") if exact else f"{tr('null')} {made.null_db:.0f} dB")
    if not parts:
        parts.append(tr(made.task.capitalize()) if made.task != "import" else tr("added file"))
    return ", ".join(parts)


def take_words(number: int, take: LaneTake) -> str:
    """Number of the take, and its similarity to the prompt if known."""
    similarity = take.made.similarity
    return f"{tr('Take')} {number}" + (f" · {similarity:.2f}" if similarity is not None else "")


def gain_words(lane: Lane) -> str:
    """The gain in dB; 0.0 dB without a sign."""
    if lane.gain == 0:
        return "−∞ dB"
    return f"{lane.gain_db:+.1f} dB" if abs(lane.gain_db) >= 0.05 else "0.0 dB"


def pan_words(pan: float) -> str:
    """The pan as L50, C or R50."""
    if abs(pan) < 0.005:
        return "C"
    return f"{'L' if pan < 0 else 'R'}{abs(pan) * 100:.0f}"


def start_drag(source: QWidget, paths: list[Path], picture: str, palette: Palette) -> None:
    """Drag files out of the window; returns after the drop."""
    drag = QDrag(source)
    drag.setMimeData(file_mime(paths))
    drag.setPixmap(drawn(picture, palette.accent, 40))
    drag.exec(Qt.DropAction.CopyAction)
