"""The ruler above the lanes: loop and markers, bars and beats, seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QLineEdit, QWidget

from desktop.models.markers import Marker, Markers
from desktop.models.project import Regions
from desktop.models.viewport import Viewport
from desktop.views.text import clock, tr
from desktop.views.theme import Palette, faded, number_font
from desktop.views.timeline.grid import GridLine, TimeGrid

LOOP_HEIGHT, BAR_HEIGHT, SECOND_HEIGHT = 14, 16, 14
HEIGHT = LOOP_HEIGHT + BAR_HEIGHT + SECOND_HEIGHT
LABEL_PIXELS = 90
BAR_LABEL_PIXELS, BEAT_LABEL_PIXELS = 34.0, 44.0
STEPS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
ZOOM_STEP = 1.25
GRAB_PIXELS = 6
DRAG_PIXELS = 3
FLAG_PIXELS = 7
CURSOR_PIXELS = 8  # height of the triangle that is the playback cursor
NAME_WIDTH = 120
HINT_INDENT = 14  # right of the cursor at the start
HINT_FLAGS = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class RulerGrab:
    """What the mouse holds.

    Attributes:
        what: ``seek``, ``draw``, ``edge``, ``brace`` or ``marker``.
        x: pixel where it was pressed.
        anchor: sample that stays, or the pressed one.
        region: the brace as it was.
        marker: the marker.
    """

    what: str
    x: float
    anchor: int
    region: tuple[int, int] | None = None
    marker: Marker | None = None


class Ruler(QWidget):
    """Bars, beats and seconds, with the loop brace and markers on top.

    Signals:
        sought: sample that was clicked.
        selected: region that was drawn or moved; while the mouse is down and, the last time, snapped.
        loop_toggled: the brace was clicked twice.
        marker_moved: id and sample.
        marker_renamed: id and name.
        menu_wanted: place on the screen, sample, and id of the marker there or empty.
    """

    sought = Signal(int)
    selected = Signal(int, int, bool)
    loop_toggled = Signal()
    marker_moved = Signal(str, int)
    marker_renamed = Signal(str, str)
    menu_wanted = Signal(QPoint, int, str)

    def __init__(self, viewport: Viewport, palette: Palette, grid: TimeGrid | None = None) -> None:
        super().__init__()
        self._viewport, self._palette = viewport, palette
        self.grid = grid or TimeGrid(viewport)
        self._rate_hz = 44_100
        self._selection: tuple[int, int] | None = None
        self._kept: Regions = ()
        self._looping = False
        self._hint = ""
        self._markers: Markers = ()
        self._cursor = 0
        self._grab: RulerGrab | None = None
        self._editor: QLineEdit | None = None
        self.setFixedHeight(HEIGHT)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(tr("Time"))
        self.setToolTip(
            tr("Click to play from here; drag along the top for a region, click it twice to loop; the wheel zooms")
        )
        viewport.changed.connect(self.update)
        self.grid.changed.connect(self.update)

    def set_rate(self, rate_hz: int) -> None:
        """Set the sample rate."""
        self._rate_hz = max(rate_hz, 1)
        self.update()

    def set_selection(self, selection: tuple[int, int] | None, kept: Regions = ()) -> None:
        """Show the selection and the kept regions."""
        self._selection, self._kept = selection, kept
        self.update()

    def set_looping(self, looping: bool) -> None:
        """Show whether the brace is a loop."""
        self._looping = looping
        self.update()

    def set_markers(self, markers: Markers) -> None:
        """Show markers."""
        self._markers = markers
        self.update()

    def set_hint(self, words: str) -> None:
        """Say what the empty top is for, or nothing."""
        if words != self._hint:
            self._hint = words
            self.update()

    def set_cursor(self, sample: int) -> None:
        """Move the triangle of the playback cursor."""
        old, self._cursor = self._viewport.x(self._cursor), sample
        for x in (old, self._viewport.x(sample)):
            self.update(round(x) - 7, 0, 15, HEIGHT)

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        self.update()

    # Painting.

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the rows."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._palette.base))
        painter.setPen(QPen(QColor(self._palette.line), 1))
        painter.drawLine(QLineF(0, LOOP_HEIGHT - 0.5, self.width(), LOOP_HEIGHT - 0.5))
        if self._hint and self._selection is None:
            painter.setFont(number_font(8.5))
            painter.setPen(QColor(self._palette.quiet))
            painter.drawText(QRectF(HINT_INDENT, 0, self.width(), LOOP_HEIGHT - 1), HINT_FLAGS, self._hint)
        for region in self._kept:
            self._fill(painter, region, HEIGHT, faded(self._palette.accent, 0.22))
        if self._selection is not None:
            self._paint_brace(painter, self._selection)
        self._paint_bars(painter)
        self._paint_seconds(painter)
        self._paint_markers(painter)
        self._paint_cursor(painter)
        painter.setPen(QPen(QColor(self._palette.line), 1))
        painter.drawLine(QLineF(0, HEIGHT - 0.5, self.width(), HEIGHT - 0.5))
        painter.end()

    def _fill(self, painter: QPainter, region: tuple[int, int], height: float, colour: QColor) -> None:
        first, last = (self._viewport.x(edge) for edge in region)
        painter.fillRect(QRectF(first, 0, max(last - first, 1), height), colour)

    def _paint_brace(self, painter: QPainter, region: tuple[int, int]) -> None:
        """A bar with two handles: filled while it loops."""
        colour = QColor(self._palette.accent)
        self._fill(painter, region, HEIGHT, faded(self._palette.accent, 0.16))
        self._fill(painter, region, LOOP_HEIGHT - 3, colour if self._looping else faded(self._palette.accent, 0.4))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for edge, side in zip(region, (1, -1), strict=True):
            x = self._viewport.x(edge)
            corner = QPointF(x, LOOP_HEIGHT - 3)
            painter.drawPolygon(QPolygonF([QPointF(x, 0), QPointF(x + side * 5, 0), corner + QPointF(0, 6)]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_bars(self, painter: QPainter) -> None:
        top, bottom = LOOP_HEIGHT, LOOP_HEIGHT + BAR_HEIGHT
        lines = self.grid.lines()
        apart = _every(lines, 2, BAR_LABEL_PIXELS)
        beats = [line for line in lines if line.level == 1]
        beat_room = len(beats) > 1 and beats[1].x - beats[0].x >= BEAT_LABEL_PIXELS
        ticks: tuple[list[QLineF], list[QLineF]] = ([], [])
        painter.setFont(number_font(9.0))
        for line in lines:
            labelled = line.level == 2 and (line.bar - 1) % apart == 0
            tall = 4 if labelled else 11 if line.level else 13
            ticks[0 if labelled else 1].append(QLineF(line.x, top + tall, line.x, bottom))
            if labelled:
                painter.setPen(QColor(self._palette.text))
                self._label(painter, line.x, bottom, str(line.bar))
            elif line.level == 1 and beat_room:
                painter.setPen(QColor(self._palette.quiet))
                self._label(painter, line.x, bottom, f"{line.bar}|{line.beat}")
        for some, colour in zip(ticks, (self._palette.quiet, self._palette.line), strict=True):
            painter.setPen(QPen(QColor(colour), 1))
            painter.drawLines(some)

    def _label(self, painter: QPainter, x: float, bottom: int, words: str) -> None:
        """Words beside a line; none where the end of the ruler would cut them off."""
        if x + 4 + painter.fontMetrics().horizontalAdvance(words) <= self.width():
            painter.drawText(QPointF(x + 4, bottom - 4), words)

    def _paint_seconds(self, painter: QPainter) -> None:
        second = self._rate_hz / self._viewport.samples_per_pixel  # pixels
        step_s = next((step for step in STEPS_S if step * second >= LABEL_PIXELS), STEPS_S[-1])
        digits = 0 if step_s >= 1 else min(3, math.ceil(-math.log10(step_s)))
        painter.setFont(number_font(8.5))
        painter.setPen(QColor(self._palette.quiet))
        number = math.floor(self._viewport.start / self._rate_hz / step_s)
        last = self._viewport.length
        long: list[QLineF] = []
        short: list[QLineF] = []
        while (x := self._viewport.x(number * step_s * self._rate_hz)) < self.width():
            words = clock(number * step_s, digits)
            if number * step_s * self._rate_hz <= last:
                self._label(painter, x, HEIGHT, words)
            long.append(QLineF(x, HEIGHT - 9, x, HEIGHT))
            places = (x + step_s * second * part / 5 for part in range(1, 5))
            short += [QLineF(small, HEIGHT - 4, small, HEIGHT) for small in places]
            number += 1
        for lines, colour in ((long, self._palette.faint), (short, self._palette.line)):
            painter.setPen(QPen(QColor(colour), 1))
            painter.drawLines(lines)

    def _paint_markers(self, painter: QPainter) -> None:
        painter.setFont(number_font(8.5))
        metrics = painter.fontMetrics()
        for place, marker in enumerate(self._markers):
            x = self._viewport.x(marker.at)
            room = self._viewport.x(self._markers[place + 1].at) - x if place + 1 < len(self._markers) else NAME_WIDTH
            if x < -NAME_WIDTH or x > self.width():
                continue
            name = metrics.elidedText(marker.name, Qt.TextElideMode.ElideRight, round(min(room - 8, NAME_WIDTH)))
            width = max(metrics.horizontalAdvance(name) + 8, FLAG_PIXELS)
            painter.fillRect(QRectF(x, 0, width, LOOP_HEIGHT - 1), QColor(self._palette.text))
            painter.setPen(QColor(self._palette.panel))
            painter.drawText(QPointF(x + 4, LOOP_HEIGHT - 4), name)
            painter.setPen(QPen(QColor(self._palette.text), 1))
            painter.drawLine(QLineF(x, 0, x, HEIGHT))

    def _paint_cursor(self, painter: QPainter) -> None:
        x = self._viewport.x(self._cursor)
        if -6 <= x <= self.width() + 6:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._palette.cursor))
            tip = QPointF(x, CURSOR_PIXELS)
            painter.drawPolygon(QPolygonF([tip, QPointF(x - 5, 0), QPointF(x + 5, 0)]))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QPen(QColor(self._palette.cursor), 1))
            painter.drawLine(QLineF(x, CURSOR_PIXELS, x, HEIGHT))

    # The mouse.

    def marker_at(self, place: QPointF) -> Marker | None:
        """The marker whose flag is under the mouse."""
        if place.y() > LOOP_HEIGHT:
            return None
        for marker in reversed(self._markers):
            if -2 <= place.x() - self._viewport.x(marker.at) <= max(FLAG_PIXELS, 14):
                return marker
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take hold of a marker, the brace or one of its ends; below them, play from here."""
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        place = event.position()
        sample = self._viewport.sample(place.x())
        self._grab = self._held(place, sample)
        if self._grab.what == "seek":
            self.sought.emit(sample)

    def _held(self, place: QPointF, sample: int) -> RulerGrab:
        x = place.x()
        if place.y() > LOOP_HEIGHT:
            return RulerGrab("seek", x, sample)
        if (marker := self.marker_at(place)) is not None:
            return RulerGrab("marker", x, sample, marker=marker)
        if self._selection is not None:
            first, last = self._selection
            for edge, other in ((last, first), (first, last)):
                if abs(self._viewport.x(edge) - x) <= GRAB_PIXELS:
                    return RulerGrab("edge", x, other)
            if first <= sample < last:
                return RulerGrab("brace", x, sample, region=self._selection)
        return RulerGrab("draw", x, sample)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Move what is held."""
        if self._grab is None:
            self._show_shape(event.position())
        elif self._grab.what == "seek" or abs(event.position().x() - self._grab.x) >= DRAG_PIXELS:
            self._drag(self._grab, event.position().x(), done=False)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Let go; a marker that was not moved is gone to, and so is a place along the top."""
        grab, self._grab = self._grab, None
        if grab is None or event.button() is not Qt.MouseButton.LeftButton:
            return
        if abs(event.position().x() - grab.x) >= DRAG_PIXELS:
            if grab.what != "seek":
                self._drag(grab, event.position().x(), done=True)
        elif grab.marker is not None:
            self.sought.emit(grab.marker.at)
        elif grab.what == "draw":
            self.sought.emit(grab.anchor)

    def _drag(self, grab: RulerGrab, x: float, done: bool) -> None:
        here = self._viewport.sample(x)
        if grab.what == "seek":
            self.sought.emit(here)
        elif grab.marker is not None:
            self.marker_moved.emit(grab.marker.id, max(grab.marker.at + here - grab.anchor, 0))
        elif grab.region is not None:
            shift = max(here - grab.anchor, -grab.region[0])
            shift = min(shift, self._viewport.length - grab.region[1])
            self.selected.emit(grab.region[0] + shift, grab.region[1] + shift, done)
        else:
            self.selected.emit(grab.anchor, here, done)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """On a marker, type its name; on the brace, loop or stop looping."""
        place = event.position()
        if (marker := self.marker_at(place)) is not None:
            self.rename(marker.id)
        elif place.y() <= LOOP_HEIGHT and self._selection is not None:
            first, last = self._selection
            if first <= self._viewport.sample(place.x()) < last:
                self.loop_toggled.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """Ask for the menu."""
        marker = self.marker_at(QPointF(event.pos()))
        sample = marker.at if marker is not None else self._viewport.sample(event.pos().x())
        self.menu_wanted.emit(event.globalPos(), sample, marker.id if marker is not None else "")

    def rename(self, marker_id: str) -> None:
        """Let the user type a marker's name in its place."""
        marker = next((one for one in self._markers if one.id == marker_id), None)
        if marker is None:
            return
        editor = self._editor = QLineEdit(marker.name, self)
        editor.setObjectName("markerName")
        editor.setFont(number_font(8.5))
        editor.setAccessibleName(tr("Name of the marker"))
        x = min(max(round(self._viewport.x(marker.at)), 0), max(self.width() - NAME_WIDTH, 0))
        editor.setGeometry(x, 0, NAME_WIDTH, LOOP_HEIGHT + BAR_HEIGHT - 6)
        editor.selectAll()
        editor.editingFinished.connect(lambda: self._finish(editor, marker))
        editor.show()
        editor.setFocus()

    def _finish(self, editor: QLineEdit, marker: Marker) -> None:
        if editor is self._editor:
            self._editor = None
            editor.hide()
            editor.deleteLater()
            if editor.text() != marker.name:
                self.marker_renamed.emit(marker.id, editor.text())

    def _show_shape(self, place: QPointF) -> None:
        shapes = {"edge": Qt.CursorShape.SizeHorCursor, "brace": Qt.CursorShape.OpenHandCursor}
        shapes |= {"marker": Qt.CursorShape.PointingHandCursor, "draw": Qt.CursorShape.CrossCursor}
        held = self._held(place, self._viewport.sample(place.x()))
        self.setCursor(shapes.get(held.what, Qt.CursorShape.ArrowCursor))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Zoom."""
        if event.angleDelta().x():
            self._viewport.scroll(-event.angleDelta().x())
        else:
            self._viewport.zoom(ZOOM_STEP ** (-event.angleDelta().y() / 120), event.position().x())
        event.accept()


def _every(lines: tuple[GridLine, ...], level: int, pixels: float) -> int:
    """How many bars go by from label to label."""
    bars = [line for line in lines if line.level == level]
    if len(bars) < 2:
        return 1
    apart = (bars[-1].x - bars[0].x) / max(bars[-1].bar - bars[0].bar, 1)
    every = bars[1].bar - bars[0].bar
    while every * apart < pixels:
        every *= 2
    return every
