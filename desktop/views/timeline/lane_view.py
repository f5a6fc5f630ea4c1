"""One lane: header, picture, and the border that is dragged to make it higher."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from desktop.views.text import tr
from desktop.views.theme import mark
from desktop.views.timeline.drag_out import DragHandle
from desktop.views.timeline.lane_header import LaneHeader
from desktop.views.timeline.waveform_view import WaveformView

LOW, HIGH = 28, 240  # pixels between which lanes fit themselves to the height; the lowest have one row
LOWEST, HIGHEST = 28, 600  # and between which they are dragged
FOLDED = 28
BORDER = 5
TAB_MARGIN = 4  # of the tab that drags the notes


class LaneBorder(QWidget):
    """The lower border.

    Signals:
        pulled: pixels since it was taken.
        let_go: that is over.
        reset: it was double-clicked.
    """

    pulled = Signal(int)
    let_go = Signal()
    reset = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setCursor(Qt.CursorShape.SplitVCursor)
        self.setToolTip(tr("Drag to make this lane higher, double-click to let it fit; Alt+wheel changes all"))
        self._pressed: QPointF | None = None

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take it."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed = event.globalPosition()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Pull it."""
        if self._pressed is not None:
            self.pulled.emit(round(event.globalPosition().y() - self._pressed.y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Let it go."""
        if self._pressed is not None:
            self._pressed = None
            self.let_go.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Let the lane fit again."""
        self._pressed = None
        self.reset.emit()


class LaneView(QFrame):
    """Header and waveform of one lane.

    Attributes:
        lane_id: of the lane that it shows, also while that is on its way; empty for the mix and for none yet.

    Signals:
        resized: the height that the user wants, in pixels; 0 means as it fits.
    """

    resized = Signal(int)

    def __init__(self, header: QWidget, wave: WaveformView) -> None:
        super().__init__()
        self.setObjectName("lane")
        self.lane_id = ""
        self.header, self.wave = header, wave
        row = self.row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 1)
        row.setSpacing(0)
        row.addWidget(header)
        row.addWidget(wave, 1)
        self.border = LaneBorder(self)
        self.midi: DragHandle | None = None
        self._before_pull = 0
        self.border.pulled.connect(self._on_pull)
        self.border.let_go.connect(self._on_let_go)
        self.border.reset.connect(lambda: self.resized.emit(0))

    def set_height(self, height: int) -> None:
        """Set the height in pixels; not while the user pulls it."""
        if not self._before_pull:
            self.setFixedHeight(height)

    def show_midi_tab(self, shown: bool, drag: Callable[[], None]) -> None:
        """Show the tab that drags the notes out, or no longer."""
        if shown and self.midi is None:
            self.midi = DragHandle(tr("Drag the notes into your DAW or a folder, as a MIDI file"), tr("Drag MIDI"))
            self.midi.setParent(self.wave)
            self.midi.setObjectName("caption")
            self.midi.setText("MIDI")
            self.midi.adjustSize()
            self.midi.dragged.connect(lambda with_ctrl: drag())
        if self.midi is not None:
            self.midi.setVisible(shown)
            self._place_tab()

    def _place_tab(self) -> None:
        if self.midi is not None:
            self.midi.move(self.wave.width() - self.midi.width() - TAB_MARGIN, TAB_MARGIN)
            self.midi.raise_()

    def set_current(self, current: bool, chosen: bool = False) -> None:
        """Mark the current lane, and those that are chosen with it."""
        mark(self, "current", current)
        mark(self, "chosen", chosen or current)
        if isinstance(self.header, LaneHeader):
            self.header.set_current(current)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep the border at the bottom."""
        self.border.setGeometry(0, self.height() - BORDER, self.width(), BORDER)
        self.border.raise_()
        self._place_tab()

    def _on_pull(self, pixels: int) -> None:
        self._before_pull = self._before_pull or self.height()
        self.setFixedHeight(min(max(self._before_pull + pixels, LOWEST), HIGHEST))

    def _on_let_go(self) -> None:
        pulled, self._before_pull = bool(self._before_pull), 0
        if pulled:
            self.resized.emit(self.height())


def fitted(total: int, wanted: list[int], every: int = 0) -> list[int]:
    """Heights of lanes.

    Args:
        wanted: of each lane, 0 for as it fits.
        every: height of those that fit, 0 for an equal part of what is left.

    Returns:
        A height for each; those that fit are between ``LOW`` and ``HIGH``.
    """
    free = wanted.count(0)
    if not free:
        return wanted
    left = total - sum(wanted)
    height = every or min(max(left // free, LOW), HIGH)
    return [one or height for one in wanted]
