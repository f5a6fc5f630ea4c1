"""A level meter: peaks left and right that fall back slowly, and a lamp that stays lit after clipping."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QLinearGradient, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.views.text import tr
from desktop.views.theme import Palette

FLOOR_DB = -60.0
FALL_DB = 1.2  # a tick
LAMP = 5  # pixels
THICKNESS = 9
WARN_DB = -6.0


def meter_place(peak: float) -> float:
    """Where a linear peak lies on the scale, 0 to 1; 1 is full scale."""
    level_db = 20 * math.log10(peak) if peak > 0 else FLOOR_DB
    return min(max(1 - level_db / FLOOR_DB, 0.0), 1.0)


class LevelMeter(QWidget):
    """Two bars and a lamp.

    Args:
        wide: True means it lies on its side.

    Signals:
        cleared: the lamp was clicked.
    """

    cleared = Signal()

    def __init__(self, palette: Palette, wide: bool = False) -> None:
        super().__init__()
        self._palette, self._wide = palette, wide
        self._places = (0.0, 0.0)
        self.clipped = False
        if wide:
            self.setFixedHeight(THICKNESS)
            self.setMinimumWidth(40)
        else:
            self.setFixedWidth(THICKNESS)
        self.setAccessibleName(tr("Level"))
        self.setToolTip(tr("Peak level; the red lamp stays lit after clipping until you click it"))

    @property
    def places(self) -> tuple[float, float]:
        """What is drawn left and right, 0 to 1."""
        return self._places

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        self.update()

    def show_level(self, left: float, right: float) -> None:
        """Show linear peaks; higher ones at once, lower ones by and by."""
        fall = -FALL_DB / FLOOR_DB
        old_left, old_right = self._places
        places = (max(meter_place(left), old_left - fall, 0.0), max(meter_place(right), old_right - fall, 0.0))
        clipped = self.clipped or max(left, right) > 1.0
        if (places, clipped) != (self._places, self.clipped):
            self._places, self.clipped = places, clipped
            self.update()

    def set_clipped(self, clipped: bool) -> None:
        """Light the lamp or put it out."""
        if clipped != self.clipped:
            self.clipped = clipped
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw lamp and bars."""
        painter = QPainter(self)
        across, along = (self.height(), self.width()) if self._wide else (self.width(), self.height())
        if not self._wide:  # drawn lying, from left to right; a standing one is turned
            painter.translate(0, self.height())
            painter.rotate(-90)
        length = along - LAMP - 1
        colours = QLinearGradient(0, 0, length, 0)
        warn = 1 - WARN_DB / FLOOR_DB
        good, loud = self._palette.good, self._palette.warn
        for place, colour in ((0, good), (warn, good), (min(warn + 0.06, 1), loud)):
            colours.setColorAt(place, QColor(colour))
        thick = (across - 1) / 2
        for number, place in enumerate(self._places):
            top = number * (thick + 1)
            painter.fillRect(QRectF(0, top, length, thick), QColor(self._palette.line))
            painter.fillRect(QRectF(0, top, length * place, thick), colours)
        lamp = QColor(self._palette.danger if self.clipped else self._palette.line)
        painter.fillRect(QRectF(length + 1, 0, LAMP, across), lamp)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Put the lamp out."""
        if event.button() is Qt.MouseButton.LeftButton:
            self.set_clipped(False)
            self.cleared.emit()
