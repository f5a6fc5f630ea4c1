"""One sound along the timeline: waveform or spectrogram, selection, playback cursor, where the model heard the prompt.

The picture is painted once per zoom and kept; scrolling moves it and paints what comes into sight, a moving cursor
repaints two thin strips.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from desktop.models.project import Regions
from desktop.models.viewport import Viewport
from desktop.views.text import tr
from desktop.views.theme import Palette, faded
from desktop.views.timeline.waveform_painter import VisibleSpan, WavePicture, WaveStyle, paint

ZOOM_STEP = 1.25
GRAB_PIXELS = 5
WHOLE_PIXEL = 1e-3  # a shift this near to whole pixels is one


class WaveformView(QWidget):
    """Draws a picture through a viewport.

    Signals:
        sought: sample that was clicked.
        selected: first and last sample that were dragged over.
        drag_wanted: the sound is to be dragged out.
        pressed: the mouse was pressed here.
    """

    sought = Signal(int)
    selected = Signal(int, int)
    drag_wanted = Signal()
    pressed = Signal()

    def __init__(self, viewport: Viewport, palette: Palette, colour: str, snap: Callable[[int], int]) -> None:
        super().__init__()
        self._viewport, self._palette, self._colour, self._snap = viewport, palette, colour, snap
        self._picture: WavePicture | None = None
        self._kept = QPixmap()
        self._kept_as: tuple[VisibleSpan, WaveStyle] | None = None
        self._regions: Regions = ()
        self._selection: tuple[int, int] | None = None
        self._cursor = 0
        self._dimmed = False
        self._pressed: tuple[QPointF, int] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setAccessibleName(tr("Waveform"))
        self.setToolTip(tr("Click to play from here, drag to choose a region, Ctrl+wheel to zoom"))
        viewport.changed.connect(self.update)

    def show_picture(self, picture: WavePicture | None) -> None:
        """Set what to draw."""
        same = picture.is_like(self._picture) if picture is not None else self._picture is None
        self._picture = picture
        if not same:
            self._kept_as = None
            self.update()

    def dress(self, palette: Palette, colour: str) -> None:
        """Apply a palette."""
        self._palette, self._colour = palette, colour
        self.update()

    def set_dimmed(self, dimmed: bool) -> None:
        """Dim a lane that is not audible."""
        self._dimmed = dimmed
        self.update()

    def set_selection(self, selection: tuple[int, int] | None, kept: Regions = ()) -> None:
        """Show the selection and the kept regions."""
        self._selection, self._regions = selection, kept
        self.update()

    def set_cursor(self, sample: int) -> None:
        """Move the playback cursor."""
        old, self._cursor = self._viewport.x(self._cursor), sample
        for x in (old, self._viewport.x(sample)):
            if -4 <= x <= self.width() + 4:
                self.update(QRect(int(x) - 3, 0, 7, self.height()))

    # Qt's events.

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the cached waveform, then regions and cursor."""
        self._bring_up_to_date()
        painter = QPainter(self)
        painter.drawPixmap(QPoint(0, 0), self._kept)
        for region in self._regions:
            self._paint_region(painter, region, 0.12)
        if self._selection is not None:
            self._paint_region(painter, self._selection, 0.20)
        x = self._viewport.x(self._cursor)
        if -2 <= x <= self.width() + 2:
            painter.setPen(QPen(QColor(self._palette.cursor), 1))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        painter.end()

    def _paint_region(self, painter: QPainter, region: tuple[int, int], share: float) -> None:
        first, last = (self._viewport.x(edge) for edge in region)
        painter.fillRect(QRectF(first, 0, max(last - first, 1.0), self.height()), faded(self._palette.accent, share))
        painter.setPen(QPen(QColor(self._palette.accent), 1))
        for x in (first, last):
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))

    def _bring_up_to_date(self) -> None:
        """Bring the cached waveform up to date with the viewport, painting only what is new."""
        ratio = self.devicePixelRatioF()
        width, height = round(self.width() * ratio), round(self.height() * ratio)
        view = VisibleSpan(self._viewport.start, self._viewport.samples_per_pixel / ratio)
        look = WaveStyle(self._palette, self._colour, self._dimmed, height, ratio)
        if self._kept.width() != width or self._kept.height() != height:
            self._kept, self._kept_as = QPixmap(width, height), None
        if self._kept_as == (view, look):
            return
        self._kept.setDevicePixelRatio(1.0)  # painting is done in pixels of the device
        first, last = 0, width
        shift = self._shift_to(view, look)
        if shift is not None and 0 < abs(shift) < width:
            self._kept.scroll(-shift, 0, self._kept.rect())
            first, last = (width - shift, width) if shift > 0 else (0, -shift)
        painter = QPainter(self._kept)
        paint(painter, self._picture, look, view, first, last)
        painter.end()
        self._kept.setDevicePixelRatio(ratio)
        self._kept_as = (view, look)

    def _shift_to(self, view: VisibleSpan, look: WaveStyle) -> int | None:
        """Pixels by which the cached waveform has to move left; None if it has to be repainted."""
        if self._kept_as is None:
            return None
        old_view, old_look = self._kept_as
        if old_look != look or old_view.samples_per_pixel != view.samples_per_pixel:
            return None
        shift = old_view.x(view.start)
        return round(shift) if abs(shift - round(shift)) < WHOLE_PIXEL else None

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Start a click or a region; near an edge of the selection, move that edge."""
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        self.pressed.emit()
        if event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.drag_wanted.emit()
            return
        x = event.position().x()
        anchor = self._viewport.sample(x)
        if self._selection is not None:
            first, last = self._selection
            for edge, other in ((first, last), (last, first)):
                if abs(self._viewport.x(edge) - x) <= GRAB_PIXELS:
                    anchor = other
        self._pressed = (event.position(), anchor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Extend the region."""
        if self._pressed is None:
            near = self._selection is not None and any(
                abs(self._viewport.x(edge) - event.position().x()) <= GRAB_PIXELS for edge in self._selection
            )
            self.setCursor(Qt.CursorShape.SizeHorCursor if near else Qt.CursorShape.IBeamCursor)
            return
        if self._is_drag(event.position()):
            self.selected.emit(self._pressed[1], self._viewport.sample(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click seeks; the end of a drag snaps to zero crossings."""
        if self._pressed is None:
            return
        anchor, here = self._pressed[1], self._viewport.sample(event.position().x())
        if self._is_drag(event.position()):
            self.selected.emit(self._snap(anchor), self._snap(here))
        else:
            self.sought.emit(here)
        self._pressed = None

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Ctrl zooms, sideways scrolls; up and down scroll the lanes."""
        turn, sideways = event.angleDelta().y(), event.angleDelta().x()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._viewport.zoom(ZOOM_STEP ** (-turn / 120), event.position().x())
        elif sideways or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._viewport.scroll(-(sideways or turn))
        else:
            event.ignore()
            return
        event.accept()

    def event(self, event: object) -> bool:
        """Zoom by a pinch."""
        if isinstance(event, QNativeGestureEvent) and event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture:
            self._viewport.zoom(1 / (1 + event.value()), event.position().x())
            return True
        return bool(super().event(event))  # type: ignore[arg-type]

    def _is_drag(self, position: QPointF) -> bool:
        pressed = self._pressed
        return pressed is not None and abs(position.x() - pressed[0].x()) >= QApplication.startDragDistance() / 2
