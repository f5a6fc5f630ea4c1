"""The whole song in one strip: its waveform, where each stem is heard, the region, and what the lanes show of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QWidget

from desktop.audio.peaks import Peaks
from desktop.audio.read import FloatArray
from desktop.models.markers import Markers
from desktop.models.viewport import ROOM, Viewport
from desktop.views.text import tr
from desktop.views.theme import Palette, faded
from desktop.views.timeline.spans import covered_columns
from desktop.views.timeline.waveform_painter import paint_row

HEIGHT = 28
THREAD_PIXELS = 2
GRAB_PIXELS = 6
NARROWEST_PIXELS = 8.0
ZOOM_STEP = 1.25
PRESENT = 0.15  # presence from which on a thread is drawn


@dataclass(frozen=True, slots=True)
class OverviewThread:
    """Where one lane is heard.

    Attributes:
        colour: of the lane.
        heard: first sample, past the last, presence 0 to 1.
    """

    colour: str
    heard: tuple[tuple[int, int, float], ...]


@dataclass(frozen=True, slots=True)
class OverviewContent:
    """What is drawn below the frame; all but region and markers is kept as a picture.

    Attributes:
        peaks: of the mix; None while there are none.
        length: samples of the whole.
        threads: one for each stem.
        selection: the region.
        looping: whether it is a loop.
        markers: named places.
    """

    peaks: Peaks | None = None
    length: int = 1
    threads: tuple[OverviewThread, ...] = ()
    selection: tuple[int, int] | None = None
    looping: bool = False
    markers: Markers = ()


class OverviewStrip(QWidget):
    """A map of the song; dragging in it moves what the lanes show, dragging an end of the frame zooms.

    Signals:
        sought: sample that was clicked twice.
    """

    sought = Signal(int)

    def __init__(self, viewport: Viewport, palette: Palette) -> None:
        super().__init__()
        self._viewport, self._palette = viewport, palette
        self._content = OverviewContent()
        self._kept = QPixmap()
        self._kept_as: object = None
        self._cursor = 0
        self._grab: tuple[str, float] | None = None  # what is held, and samples from the mouse to its start
        self.setFixedHeight(HEIGHT)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(tr("Overview"))
        self.setToolTip(tr("The whole song: drag the frame to move, its ends to zoom; a double click plays there"))
        viewport.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802
        """As wide as there is room."""
        return QSize(300, HEIGHT)

    def show_content(self, content: OverviewContent) -> None:
        """Set what is drawn."""
        self._content = content
        self.update()

    def set_cursor(self, sample: int) -> None:
        """Move the playback cursor."""
        old, self._cursor = self.pixel_of(self._cursor), sample
        for x in (old, self.pixel_of(sample)):
            self.update(round(x) - 2, 0, 5, HEIGHT)

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        self.update()

    def pixel_of(self, sample: float) -> float:
        """Pixel of a sample; the one that it has in the lanes while they show all."""
        return sample / self._whole * self.width()

    def sample(self, x: float) -> float:
        """Sample at a pixel."""
        return x / max(self.width(), 1) * self._whole

    @property
    def _whole(self) -> float:
        """Samples over the whole width: the song, and the air after its end that lanes have too."""
        return max(self._content.length, 1) * ROOM

    @property
    def frame(self) -> QRectF:
        """What the lanes show."""
        first = self.pixel_of(max(self._viewport.start, 0))
        last = min(self.pixel_of(self._viewport.start + self._viewport.span), float(self.width()))
        return QRectF(first, 0, max(last - first, NARROWEST_PIXELS), HEIGHT - 1)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the kept picture, then what moves."""
        self._bring_up_to_date()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._kept)
        self._paint_places(painter)
        frame = self.frame
        if frame.width() < self.width() - 2:
            shade = faded(self._palette.panel, 0.62)
            painter.fillRect(QRectF(0, 0, frame.left(), HEIGHT), shade)
            painter.fillRect(QRectF(frame.right(), 0, self.width() - frame.right(), HEIGHT), shade)
            painter.setPen(QPen(QColor(self._palette.quiet), 1))
            painter.drawRect(frame.adjusted(0.5, 0.5, -0.5, -0.5))
        x = self.pixel_of(self._cursor)
        painter.setPen(QPen(QColor(self._palette.cursor), 1))
        painter.drawLine(QLineF(x, 0, x, HEIGHT))
        painter.end()

    def _bring_up_to_date(self) -> None:
        ratio = self.devicePixelRatioF()
        still = replace(self._content, selection=None, looping=False, markers=())
        state = (still, self.width(), ratio, self._palette.name)
        if self._kept_as is not None and self._kept_as == state:
            return
        self._kept = QPixmap(round(self.width() * ratio), round(HEIGHT * ratio))
        self._kept.setDevicePixelRatio(ratio)
        painter = QPainter(self._kept)
        painter.fillRect(self.rect(), QColor(self._palette.base))
        self._paint_wave(painter)
        self._paint_threads(painter)
        painter.setPen(QPen(QColor(self._palette.line), 1))
        painter.drawLine(QLineF(0, HEIGHT - 0.5, self.width(), HEIGHT - 0.5))
        painter.end()
        self._kept_as = state

    def _paint_wave(self, painter: QPainter) -> None:
        """The louder of both halves of the wave, standing on the ground."""
        content, width = self._content, self.width()
        if content.peaks is None or width < 2:
            return
        low, high, power = content.peaks.columns(0.0, self._whole / width, width)
        loudest = max(float(np.maximum(high, -low).max(initial=0.0)), 1e-3)  # a map shows the shape of a quiet song too
        ground = HEIGHT - 2 - THREAD_PIXELS * min(len(content.threads), 4)
        for heights, share in ((np.maximum(high, -low), 0.4), (np.sqrt(power), 0.9)):
            tops = ground - np.clip(heights / loudest, 0, 1) * (ground - 2)
            points = [
                QPointF(0, ground),
                *(QPointF(x, float(top)) for x, top in enumerate(tops)),
                QPointF(width, ground),
            ]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faded(self._palette.wave, share))
            painter.drawPolygon(QPolygonF(points))

    def _paint_threads(self, painter: QPainter) -> None:
        """Up to four of them below each other; more share the room."""
        threads = self._content.threads
        room = THREAD_PIXELS * min(len(threads), 4)
        thick = room / max(len(threads), 1)
        for place, thread in enumerate(threads):
            where = QRectF(0, HEIGHT - 1 - room + place * thick, self.width(), thick)
            paint_row(painter, self._strengths(thread), thread.colour, where)

    def _strengths(self, thread: OverviewThread) -> FloatArray:
        """How strong a thread is in each column of the device."""
        ratio = self.devicePixelRatioF()
        columns = round(self.width() * ratio)
        strengths = np.zeros(columns, np.float32)
        heard = np.array([row for row in thread.heard if row[2] >= PRESENT], np.float64).reshape(-1, 3)
        left, right = np.rint(heard[:, :2].T / self._whole * self.width() * ratio)
        which, column = covered_columns(left, np.maximum(right, left + 1), 0, columns)
        np.maximum.at(strengths, column, (0.3 + 0.7 * np.minimum(heard[which, 2], 1.0)).astype(np.float32))
        return strengths

    def _paint_places(self, painter: QPainter) -> None:
        content = self._content
        if content.selection is not None:
            first, last = (self.pixel_of(edge) for edge in content.selection)
            area = QRectF(first, 0, max(last - first, 2), HEIGHT - 1)
            painter.fillRect(area, faded(self._palette.accent, 0.28))
            painter.fillRect(
                QRectF(first, 0, max(last - first, 2), 3), faded(self._palette.accent, 1.0 if content.looping else 0.5)
            )
        painter.setPen(QPen(QColor(self._palette.text), 1))
        for marker in content.markers:
            x = round(self.pixel_of(marker.at)) + 0.5
            painter.drawLine(QLineF(x, 0, x, 7))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take hold of the frame or an end of it; elsewhere, bring it here first."""
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        what = self._held(event.position().x())
        here = self.sample(event.position().x())
        if what == "away":
            self._viewport.scroll_to(here - self._viewport.span / 2)
            what = "frame"
        self._grab = what, self._viewport.start - here

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Move or zoom."""
        x = event.position().x()
        if self._grab is None:
            ends = Qt.CursorShape.SizeHorCursor
            self.setCursor(ends if self._held(x) in ("first", "last") else Qt.CursorShape.ArrowCursor)
            return
        what, offset = self._grab
        here, view = self.sample(x), self._viewport
        if what == "frame":
            view.scroll_to(here + offset)
            return
        first, last = view.start, view.start + view.span
        first, last = (here, last) if what == "first" else (first, here)
        if last - first > self.sample(NARROWEST_PIXELS) / 2:
            view.show_span(first, last)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Let go."""
        self._grab = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Play from here."""
        self.sought.emit(round(min(max(self.sample(event.position().x()), 0), self._content.length)))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Zoom around the place under the mouse."""
        view = self._viewport
        factor = ZOOM_STEP ** (-event.angleDelta().y() / 120)
        view.zoom(factor, min(max(view.x(self.sample(event.position().x())), 0), view.width))
        event.accept()

    def _held(self, x: float) -> str:
        frame = self.frame
        if frame.width() < self.width() - 2:
            for what, edge in (("first", frame.left()), ("last", frame.right())):
                if abs(edge - x) <= GRAB_PIXELS:
                    return what
        return "frame" if frame.left() <= x <= frame.right() else "away"
