"""Where a frequency lies on a spectrogram, its axis, and the shapes that are drawn over it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from desktop.audio.spectrogram import LOWEST_HZ
from desktop.models.project import BrushEdit
from desktop.models.viewport import Viewport
from desktop.views.theme import Palette, faded, number_font
from desktop.views.timeline.waveform_painter import SHADE_PIXELS

MARKS_HZ = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
LABEL_HEIGHT = 13  # pixels; labels that are nearer to each other are left out
TICK = 6


@dataclass(frozen=True, slots=True)
class FrequencyScale:
    """Pixels of frequencies.

    Attributes:
        rate_hz: of the sound.
        height: pixels of the picture.
    """

    rate_hz: int
    height: float

    @property
    def _octaves(self) -> float:
        return math.log2(self.highest_hz / LOWEST_HZ)

    @property
    def highest_hz(self) -> float:
        """What lies at the top."""
        return max(self.rate_hz / 2, 2 * LOWEST_HZ)

    @property
    def drawn(self) -> float:
        """Pixels without the strip at the bottom."""
        return max(self.height - SHADE_PIXELS, 1.0)

    def y(self, hz: float) -> float:
        """Pixel of a frequency, from the top."""
        return self.drawn * (1 - math.log2(max(hz, 1e-3) / LOWEST_HZ) / self._octaves)

    def hz(self, y: float) -> float:
        """Frequency at a pixel, within what is shown."""
        share = min(max(1 - y / self.drawn, 0.0), 1.0)
        return float(LOWEST_HZ * 2 ** (share * self._octaves))

    def octaves(self, pixels: float) -> float:
        """Octaves in so many pixels."""
        return float(pixels / self.drawn * self._octaves)

    def labels(self) -> list[tuple[float, str]]:
        """Pixels and words of the axis, from the bottom up, none over another."""
        found: list[tuple[float, str]] = []
        for hz in MARKS_HZ:
            y = self.y(hz)
            if y < LABEL_HEIGHT / 2 or y > self.drawn - LABEL_HEIGHT / 2:
                continue
            if not found or found[-1][0] - y >= LABEL_HEIGHT:
                found.append((y, f"{hz // 1000}k" if hz >= 1000 else str(hz)))
        return found


def paint_axis(painter: QPainter, scale: FrequencyScale, palette: Palette) -> None:
    """Ticks and frequencies at the left edge."""
    painter.setFont(number_font(8))
    for y, words in scale.labels():
        painter.setPen(QPen(faded(palette.text, 0.8), 1))
        painter.drawLine(QLineF(0, y, TICK, y))
        where = QRectF(TICK + 2, y - LABEL_HEIGHT / 2, painter.fontMetrics().horizontalAdvance(words) + 6, LABEL_HEIGHT)
        painter.fillRect(where, faded(palette.base, 0.7))
        painter.setPen(QColor(palette.text))
        painter.drawText(where, Qt.AlignmentFlag.AlignCenter, words)


def paint_edit(painter: QPainter, edit: BrushEdit, scale: FrequencyScale, viewport: Viewport, palette: Palette) -> None:
    """The outline of what was moved to another lane."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if edit.shape == "stroke":
        thick = 2 * edit.radius[1] / max(scale.octaves(1.0), 1e-9)
        points = [QPointF(viewport.x(at), scale.y(hz)) for at, hz in edit.points]
        paint_stroke(painter, points, thick, palette)
    else:
        left, right = viewport.x(edit.first), viewport.x(edit.last)
        top, bottom = scale.y(edit.high_hz), scale.y(edit.low_hz)
        paint_rectangle(painter, QRectF(QPointF(left, top), QPointF(right, bottom)), palette)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def paint_rectangle(painter: QPainter, where: QRectF, palette: Palette) -> None:
    """A part of the spectrum that is chosen or was moved."""
    painter.fillRect(where, faded(palette.base, 0.35))
    for colour, style in ((palette.base, Qt.PenStyle.SolidLine), (palette.text, Qt.PenStyle.DashLine)):
        painter.setPen(QPen(QColor(colour), 1.4, style))
        painter.drawRect(where)


def paint_stroke(painter: QPainter, points: list[QPointF], thick: float, palette: Palette) -> None:
    """What lies under the brush."""
    round_pen = (Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    for colour, width in ((faded(palette.text, 0.55), thick + 2), (faded(palette.base, 0.55), thick)):
        painter.setPen(QPen(colour, max(width, 1.0), *round_pen))
        if len(points) == 1:
            painter.drawPoint(points[0])
        painter.drawPolyline(QPolygonF(points))
