"""One sound along the timeline: waveform or spectrogram, selection, playback cursor, where the model heard the prompt.

The picture is painted once per zoom and kept; scrolling moves it and paints what comes into sight, a moving cursor
repaints two thin strips.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QLineF, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QContextMenuEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from desktop.models.document import joined
from desktop.models.lane_notes import NoteMark
from desktop.models.project import BrushEdit, Regions
from desktop.models.viewport import Viewport
from desktop.views.text import tr
from desktop.views.theme import Palette, faded, number_font
from desktop.views.timeline.frequency_scale import (
    FrequencyScale,
    paint_axis,
    paint_edit,
    paint_rectangle,
    paint_stroke,
)
from desktop.views.timeline.grid import TimeGrid
from desktop.views.timeline.note_painter import paint_notes
from desktop.views.timeline.waveform_painter import VisibleSpan, WavePicture, WaveStyle, paint

ZOOM_STEP = 1.25
GRAB_PIXELS = 5
WHOLE_PIXEL = 1e-3  # a shift this near to whole pixels is one
OUTSIDE_SHADE = 0.45  # over what lies outside the region, where a task works on it
BRUSH_PIXELS = 12.0  # radius
AXIS_FROM = 70  # pixels of height
HINT_FROM, HINT_RISE = 44, 5  # pixels of height, and above the lower edge


class WaveformView(QWidget):
    """Draws a picture through a viewport.

    Signals:
        sought: sample that was clicked.
        selected: first and last sample that were dragged over.
        drag_wanted: the sound is to be dragged out.
        pressed: the mouse was pressed here.
        menu_wanted: place on the screen, and the sample there.
        pointed: sample and frequency in Hz under the pointer, the latter None over a waveform; None for neither.
        swiped: first and last sample of a region that was dragged over, once, when the button is let go.
        shape_drawn: with a tool, a ``BrushEdit`` without source and target.
    """

    sought = Signal(int)
    selected = Signal(int, int)
    drag_wanted = Signal()
    pressed = Signal()
    menu_wanted = Signal(QPoint, int)
    pointed = Signal(object)
    swiped = Signal(int, int)
    shape_drawn = Signal(object)

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
        self._grid: TimeGrid | None = None
        self._pressed: tuple[QPointF, int] | None = None
        self._drags_out = False
        self._touched = True
        self._rate_hz = 0
        self._tool = "region"
        self._path: list[QPointF] = []
        self._edits: tuple[BrushEdit, ...] = ()
        self._filled: tuple[tuple[int, int], Regions] | None = None
        self._notes: tuple[NoteMark, ...] = ()
        self._hint = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setAccessibleName(tr("Waveform"))
        self.setToolTip(
            tr("Click to play from here, drag to choose a region, Ctrl+wheel to zoom; Ctrl+drag drags the file out")
        )
        viewport.changed.connect(self.update)
        viewport.gain_changed.connect(self.update)

    def set_grid(self, grid: TimeGrid) -> None:
        """Draw the lines of bars and beats over the sound."""
        self._grid = grid
        grid.changed.connect(self.update)

    def show_picture(self, picture: WavePicture | None) -> None:
        """Set what to draw."""
        same = picture.is_like(self._picture) if picture is not None else self._picture is None
        self._picture = picture
        if not same:
            self._kept_as = None
            self.update()

    def dress(self, palette: Palette, colour: str) -> None:
        """Apply a palette."""
        if (palette, colour) != (self._palette, self._colour):
            self._palette, self._colour = palette, colour
            self.update()

    def set_dimmed(self, dimmed: bool) -> None:
        """Dim a lane that is not audible."""
        if dimmed != self._dimmed:
            self._dimmed = dimmed
            self.update()

    def set_touched(self, touched: bool) -> None:
        """Say whether the next task works on this sound: then regions stand out, elsewhere they are thin lines."""
        if touched != self._touched:
            self._touched = touched
            self.update()

    def set_rate(self, rate_hz: int) -> None:
        """Set the sample rate of the timeline."""
        self._rate_hz = rate_hz
        self.update()

    def set_tool(self, tool: str) -> None:
        """Choose what dragging does: ``region``, ``rectangle`` or ``brush``; the latter two on a spectrogram."""
        self._tool = tool
        self._path = []
        self.setCursor(self._usual_cursor())
        self.update()

    def show_edits(self, edits: tuple[BrushEdit, ...]) -> None:
        """Outline what was moved away from here."""
        if edits != self._edits:
            self._edits = edits
            self.update()

    def show_notes(self, notes: tuple[NoteMark, ...]) -> None:
        """Draw notes over the sound."""
        if notes != self._notes:
            self._notes = notes
            self.update()

    def set_hint(self, words: str) -> None:
        """Words at the left end, until what they say was done once; empty for none."""
        if words != self._hint:
            self._hint = words
            self.update()

    def show_filled(self, region: tuple[int, int] | None, filled: Regions = ()) -> None:
        """Say which part of a region a job has filled so far; None means all is there."""
        wanted = (region, filled) if region is not None else None
        if wanted != self._filled:
            self._filled = wanted
            self.update()

    @property
    def scale(self) -> FrequencyScale | None:
        """Of the spectrogram, None where a waveform is drawn."""
        if self._picture is None or self._picture.spectrum is None or not self._rate_hz:
            return None
        return FrequencyScale(self._rate_hz, self.height())

    @property
    def picture(self) -> WavePicture | None:
        """What is drawn."""
        return self._picture

    def edit_at(self, place: QPointF) -> BrushEdit | None:
        """The last of the outlined edits under a place."""
        scale = self.scale
        if scale is None:
            return None
        sample, hz = self._viewport.sample(place.x()), scale.hz(place.y())
        under = [one for one in self._edits if one.first <= sample < one.last and one.low_hz <= hz <= one.high_hz]
        return under[-1] if under else None

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
        if self._grid is not None:
            self._grid.paint(painter, self._palette, self.height(), event.rect())
        paint_notes(painter, self._notes, self._viewport, self._palette, self.height(), self.scale)
        self._paint_filled(painter)
        self._paint_spectral(painter)
        self._paint_regions(painter)
        self._paint_hint(painter)
        x = self._viewport.x(self._cursor)
        if -2 <= x <= self.width() + 2:
            painter.setPen(QPen(QColor(self._palette.cursor), 1))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        painter.end()

    def _paint_regions(self, painter: QPainter) -> None:
        """Where a task works on them, regions keep their strength and what is outside is dimmed."""
        regions = joined((*self._regions, *((self._selection,) if self._selection else ())))
        if not regions:
            return
        edges = [(self._viewport.x(first), self._viewport.x(last)) for first, last in regions]
        if self._touched:
            begins = [0.0, *(last for _, last in edges)]
            ends = [*(first for first, _ in edges), float(self.width())]
            for left, right in zip(begins, ends, strict=True):
                if right > left:
                    outside = QRectF(left, 0, right - left, self.height())
                    painter.fillRect(outside, faded(self._palette.base, OUTSIDE_SHADE))
            for left, right in edges:
                painter.fillRect(QRectF(left, 0, max(right - left, 1.0), 2), QColor(self._palette.accent))
        painter.setPen(QPen(faded(self._palette.accent, 1.0 if self._touched else 0.5), 1))
        for x in (x for pair in edges for x in pair):
            painter.drawLine(QLineF(x, 0, x, self.height()))

    def _paint_hint(self, painter: QPainter) -> None:
        if not self._hint or self.height() < HINT_FROM:
            return
        painter.setFont(number_font(8.5))
        room = painter.fontMetrics().boundingRect(self._hint).adjusted(-5, -2, 5, 2)
        room.moveTo(3, self.height() - room.height() - HINT_RISE)
        painter.fillRect(room, faded(self._palette.base, 0.85))
        painter.setPen(QColor(self._palette.quiet))
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, self._hint)

    def _paint_filled(self, painter: QPainter) -> None:
        """Hatch the part of a region that a job has still to fill."""
        if self._filled is None:
            return
        (begin, end), filled = self._filled
        at = begin
        for first, last in (*joined(filled), (end, end)):
            left, right = self._viewport.x(at), self._viewport.x(min(first, end))
            if right > left:
                area = QRectF(left, 0, right - left, self.height())
                painter.fillRect(area, faded(self._palette.base, 0.5))
                painter.fillRect(area, QBrush(faded(self._palette.faint, 0.5), Qt.BrushStyle.BDiagPattern))
            at = max(at, last)

    def _paint_spectral(self, painter: QPainter) -> None:
        """Axis, edits, and what is being drawn."""
        scale = self.scale
        if scale is None:
            return
        for edit in self._edits:
            paint_edit(painter, edit, scale, self._viewport, self._palette)
        if self._path and self._tool == "rectangle":
            paint_rectangle(painter, QRectF(self._path[0], self._path[-1]).normalized(), self._palette)
        elif self._path:
            paint_stroke(painter, self._path, 2 * BRUSH_PIXELS, self._palette)
        if self.height() >= AXIS_FROM:
            paint_axis(painter, scale, self._palette)

    def _bring_up_to_date(self) -> None:
        """Bring the cached waveform up to date with the viewport, painting only what is new."""
        ratio = self.devicePixelRatioF()
        width, height = round(self.width() * ratio), round(self.height() * ratio)
        view = VisibleSpan(self._viewport.start, self._viewport.samples_per_pixel / ratio)
        look = WaveStyle(self._palette, self._colour, self._dimmed, height, ratio, self._viewport.gain)
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
        self._drags_out = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if self._draws and not self._drags_out:
            self._path = [event.position()]
            self.update()
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
        """Extend the region, or what is drawn; drag the sound out."""
        self._point(event.position())
        if self._path:
            self._path.append(event.position())
            self.update()
            return
        if self._pressed is not None and self._drags_out:
            if self._is_drag(event.position()):
                self._pressed = None
                self.drag_wanted.emit()
            return
        if self._pressed is None:
            near = self._selection is not None and any(
                abs(self._viewport.x(edge) - event.position().x()) <= GRAB_PIXELS for edge in self._selection
            )
            self.setCursor(Qt.CursorShape.SizeHorCursor if near and not self._draws else self._usual_cursor())
            return
        if self._is_drag(event.position()):
            self.selected.emit(self._pressed[1], self._viewport.sample(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click seeks; the end of a drag snaps to zero crossings."""
        if self._path:
            path, self._path = self._path, []
            self.update()
            self._tell_shape(path)
            return
        if self._pressed is None:
            return
        anchor, here = self._pressed[1], self._viewport.sample(event.position().x())
        if self._is_drag(event.position()):
            self.selected.emit(self._snap(anchor), self._snap(here))
            self.swiped.emit(self._snap(anchor), self._snap(here))
        else:
            self.sought.emit(here)
        self._pressed = None

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """Offer what can be done here."""
        self.menu_wanted.emit(event.globalPos(), self._viewport.sample(event.pos().x()))

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Nothing is under the pointer any more."""
        self.pointed.emit(None)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Ctrl zooms, with Shift upwards, sideways scrolls; up and down scroll the lanes."""
        turn, sideways = event.angleDelta().y(), event.angleDelta().x()
        if event.modifiers() & Qt.KeyboardModifier.AltModifier:
            event.ignore()  # the height of all lanes
            return
        controls = event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        if controls == (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier):
            self._viewport.set_gain(self._viewport.gain * ZOOM_STEP ** ((turn or sideways) / 120))
        elif controls & Qt.KeyboardModifier.ControlModifier:
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

    @property
    def _draws(self) -> bool:
        return self._tool != "region" and self.scale is not None

    def _usual_cursor(self) -> Qt.CursorShape:
        return Qt.CursorShape.CrossCursor if self._draws else Qt.CursorShape.IBeamCursor

    def _point(self, place: QPointF) -> None:
        scale = self.scale
        self.pointed.emit((self._viewport.sample(place.x()), scale.hz(place.y()) if scale is not None else None))

    def _tell_shape(self, path: list[QPointF]) -> None:
        """Say what was drawn, in samples and Hz."""
        scale = self.scale
        is_stroke = self._tool == "brush"
        if scale is None or not (is_stroke or self._is_wide(path)):
            return
        margin = BRUSH_PIXELS if is_stroke else 0.0
        across, down = [point.x() for point in path], [point.y() for point in path]
        shape = BrushEdit(
            first=self._viewport.sample(min(across) - margin),
            last=self._viewport.sample(max(across) + margin),
            low_hz=scale.hz(max(down) + margin),
            high_hz=scale.hz(min(down) - margin),
            source="",
            target="",
            shape="stroke" if is_stroke else "rect",
            points=tuple((float(self._viewport.sample(p.x())), scale.hz(p.y())) for p in path) if is_stroke else (),
            radius=(margin * self._viewport.samples_per_pixel, scale.octaves(margin)) if is_stroke else (0.0, 0.0),
        )
        if shape.last > shape.first:
            self.shape_drawn.emit(shape)

    @staticmethod
    def _is_wide(path: list[QPointF]) -> bool:
        moved = path[-1] - path[0]
        return min(abs(moved.x()), abs(moved.y())) >= 2
