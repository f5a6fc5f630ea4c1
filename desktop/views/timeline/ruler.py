"""The time ruler above the tracks, with the selected regions."""

from __future__ import annotations

import math

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QWidget

from desktop.models.project import Regions
from desktop.models.viewport import Viewport
from desktop.views.text import clock, tr
from desktop.views.theme import Palette, faded, number_font

HEIGHT = 26
LABEL_PIXELS = 90
STEPS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
ZOOM_STEP = 1.25


class Ruler(QWidget):
    """Shows seconds.

    Signals:
        sought: sample that was clicked.
    """

    sought = Signal(int)

    def __init__(self, viewport: Viewport, palette: Palette) -> None:
        super().__init__()
        self._viewport, self._palette = viewport, palette
        self._rate_hz = 44_100
        self._regions: Regions = ()
        self.setFixedHeight(HEIGHT)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(tr("Time"))
        self.setToolTip(tr("Click to play from here; the wheel zooms"))
        viewport.changed.connect(self.update)

    def set_rate(self, rate_hz: int) -> None:
        """Set the sample rate."""
        self._rate_hz = max(rate_hz, 1)
        self.update()

    def set_selection(self, selection: tuple[int, int] | None, kept: Regions = ()) -> None:
        """Show the selection and the kept regions."""
        self._regions = (*kept, *((selection,) if selection else ()))
        self.update()

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw regions, ticks and times."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._palette.panel))
        for region in self._regions:
            first, last = (self._viewport.x(edge) for edge in region)
            painter.fillRect(QRectF(first, 0, max(last - first, 1), HEIGHT), faded(self._palette.accent, 0.35))
        second = self._rate_hz / self._viewport.samples_per_pixel  # pixels
        step_s = next((step for step in STEPS_S if step * second >= LABEL_PIXELS), STEPS_S[-1])
        digits = 0 if step_s >= 1 else min(3, math.ceil(-math.log10(step_s)))
        painter.setFont(number_font(8.5))
        painter.setPen(QColor(self._palette.quiet))
        number = math.floor(self._viewport.start / self._rate_hz / step_s)
        long: list[QLineF] = []
        short: list[QLineF] = []
        while (x := self._viewport.x(number * step_s * self._rate_hz)) < self.width():
            painter.drawText(QPointF(x + 4, HEIGHT - 9), clock(number * step_s, digits))
            long.append(QLineF(x, HEIGHT - 9, x, HEIGHT))
            places = (x + step_s * second * part / 5 for part in range(1, 5))
            short += [QLineF(small, HEIGHT - 5, small, HEIGHT) for small in places]
            number += 1
        for lines, colour in ((long, self._palette.faint), (short, self._palette.line)):
            painter.setPen(QPen(QColor(colour), 1))
            painter.drawLines(lines)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Play from here."""
        if event.button() is Qt.MouseButton.LeftButton:
            self.sought.emit(self._viewport.sample(event.position().x()))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Zoom."""
        if event.angleDelta().x():
            self._viewport.scroll(-event.angleDelta().x())
        else:
            self._viewport.zoom(ZOOM_STEP ** (-event.angleDelta().y() / 120), event.position().x())
        event.accept()
