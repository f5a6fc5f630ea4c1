"""A knob from one value to another: dragged up and down, typed by arrow keys, reset by a double click."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QDial, QToolTip

from desktop.views.theme import Palette

SIDE = 24  # pixels
TRAVEL = 160  # pixels from one end to the other; with Shift ten times as many
FINE = 10
STEPS = 200
ARC_BEGIN, ARC_SPAN = 225, 270  # degrees, clockwise from the left end


class Knob(QDial):
    """A rotary control that never changes its size.

    Args:
        limits: values at its left and right end.
        usual: after a double click.
        start: where its arc begins.
        words: says a value, for the tooltip while it is turned.

    Signals:
        turned: the value, by the user's hand only.
    """

    turned = Signal(float)

    def __init__(
        self,
        palette: Palette,
        limits: tuple[float, float],
        usual: float,
        start: float,
        words: Callable[[float], str],
    ) -> None:
        super().__init__()
        self._palette, self._limits, self._usual, self._words = palette, limits, usual, words
        self._start = (start - limits[0]) / (limits[1] - limits[0])
        self._colour = palette.text
        self._pressed: tuple[QPointF, int] | None = None
        self._silent = False
        self.setRange(0, STEPS)
        self.setFixedSize(SIDE, SIDE)
        self.setSingleStep(2)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.set_amount(usual)
        self.valueChanged.connect(self._on_value)

    @property
    def amount(self) -> float:
        """Where it stands."""
        low, high = self._limits
        return low + (high - low) * self.value() / STEPS

    def set_amount(self, amount: float) -> None:
        """Turn it there without telling anybody."""
        low, high = self._limits
        self._silent = True
        self.setValue(round((amount - low) / (high - low) * STEPS))
        self._silent = False

    def dress(self, palette: Palette, colour: str) -> None:
        """Apply a palette and the lane's colour."""
        self._palette, self._colour = palette, colour
        self.update()

    def _on_value(self, value: int) -> None:
        self.update()
        if not self._silent:
            self.turned.emit(self.amount)

    # Qt's events.

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the track, the arc from the usual place, and the pointer."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ring = QRectF((self.width() - SIDE) / 2, 0, SIDE, SIDE).adjusted(3.5, 3.5, -3.5, -3.5)
        start, place = self._start, self.value() / STEPS
        if not self.isEnabled():
            painter.setPen(QPen(QColor(self._palette.line), 2.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            painter.drawArc(ring, 16 * ARC_BEGIN, -16 * ARC_SPAN)
            painter.end()
            return
        track = QColor(self._palette.accent if self.hasFocus() else self._palette.faint)
        for colour, first, last in ((track, 0.0, 1.0), (QColor(self._colour), min(start, place), max(start, place))):
            painter.setPen(QPen(colour, 2.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            painter.drawArc(ring, round(16 * (ARC_BEGIN - ARC_SPAN * first)), round(-16 * ARC_SPAN * (last - first)))
        painter.translate(ring.center())
        painter.rotate(ARC_SPAN * (place - 0.5))
        painter.setPen(QPen(QColor(self._palette.text), 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(0, -ring.height() / 2 + 3.5), QPointF(0, -1.5))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take hold of it."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed = (event.position(), self.value())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Up is more, down is less; sideways counts as well."""
        if self._pressed is None:
            return
        moved = event.position() - self._pressed[0]
        pixels = moved.x() - moved.y()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            pixels /= FINE
        self.setValue(round(self._pressed[1] + STEPS * pixels / TRAVEL))
        self._say(event.globalPosition().toPoint())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Let go."""
        self._pressed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Back to the usual place."""
        low, high = self._limits
        self.setValue(round((self._usual - low) / (high - low) * STEPS))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Leave the wheel to the area around it."""
        event.ignore()

    def _say(self, place: QPoint) -> None:
        QToolTip.showText(place, self._words(self.amount), self)
