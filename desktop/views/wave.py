"""One sound along the timeline: waveform or spectrogram, selection, playback cursor, where the model heard the prompt.

The picture is painted once per zoom and kept; a moving cursor repaints two thin strips.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from desktop.audio.peaks import BASE_SAMPLES, Peaks, raw_columns
from desktop.audio.read import FloatArray
from desktop.audio.spectrum import HOP_SAMPLES
from desktop.models.viewport import Viewport
from desktop.views.text import tr
from desktop.views.theme import Palette, blended, faded

ZOOM_STEP = 1.25
GRAB_PIXELS = 5
HEARD_SHARE = 0.12  # of the mix's power; above this the prompt counts as heard
SHADE_PIXELS = 4
GAMMA = 1.7  # of the spectrogram: quiet bands stay in the background
DOTS_FROM = 0.25  # samples per pixel: below this single samples are drawn


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn.

    Attributes:
        peaks: of the sound.
        samples_NC: the sound itself.
        start: sample of the timeline at which it begins.
        spectrum_BT: of the sound, or None for a waveform.
        mix: peaks of the mix, to shade where the sound is a good part of it; None for no shading.
    """

    peaks: Peaks
    samples_NC: FloatArray
    start: int = 0
    spectrum_BT: npt.NDArray[np.uint8] | None = None
    mix: Peaks | None = None


class WaveView(QWidget):
    """Draws a picture through a viewport.

    Signals:
        sought: sample that was clicked.
        selected: first and last sample that were dragged over.
        drag_wanted: the sound is to be dragged out.
        pressed: somebody works here now.
    """

    sought = Signal(int)
    selected = Signal(int, int)
    drag_wanted = Signal()
    pressed = Signal()

    def __init__(self, viewport: Viewport, palette: Palette, colour: str, snap: Callable[[int], int]) -> None:
        super().__init__()
        self._viewport, self._palette, self._colour, self._snap = viewport, palette, colour, snap
        self._picture: Picture | None = None
        self._kept: QPixmap | None = None
        self._selection: tuple[int, int] | None = None
        self._cursor = 0
        self._dimmed = False
        self._pressed: tuple[QPointF, int] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setAccessibleName(tr("Waveform"))
        self.setToolTip(tr("Click to play from here, drag to choose a region, Ctrl+wheel to zoom"))
        viewport.changed.connect(self.forget)

    def show_picture(self, picture: Picture | None) -> None:
        """Draw something else."""
        self._picture = picture
        self.forget()

    def dress(self, palette: Palette, colour: str) -> None:
        """Other colours."""
        self._palette, self._colour = palette, colour
        self.forget()

    def set_dimmed(self, dimmed: bool) -> None:
        """True means it is not heard."""
        if dimmed != self._dimmed:
            self._dimmed = dimmed
            self.forget()

    def set_selection(self, selection: tuple[int, int] | None) -> None:
        """Show a region."""
        self._selection = selection
        self.update()

    def set_cursor(self, sample: int) -> None:
        """Show the playback cursor somewhere else."""
        old, self._cursor = self._viewport.x(self._cursor), sample
        for x in (old, self._viewport.x(sample)):
            if -4 <= x <= self.width() + 4:
                self.update(QRect(int(x) - 3, 0, 7, self.height()))

    def forget(self) -> None:
        """The kept picture is no longer true."""
        self._kept = None
        self.update()

    # Qt's events.

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """The picture has another size now."""
        self._kept = None

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Kept picture, then what moves over it."""
        if self._kept is None:
            self._kept = self._painted()
        painter = QPainter(self)
        painter.drawPixmap(QPoint(0, 0), self._kept)
        if self._selection is not None:
            first, last = (self._viewport.x(edge) for edge in self._selection)
            painter.fillRect(QRectF(first, 0, max(last - first, 1.0), self.height()), faded(self._palette.accent, 0.20))
            painter.setPen(QPen(QColor(self._palette.accent), 1))
            for x in (first, last):
                painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        x = self._viewport.x(self._cursor)
        if -2 <= x <= self.width() + 2:
            painter.setPen(QPen(QColor(self._palette.cursor), 1.2))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Begin a click or a region; near an edge of the region, move that edge."""
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
        """Grow the region."""
        if self._pressed is None:
            near = self._selection is not None and any(
                abs(self._viewport.x(edge) - event.position().x()) <= GRAB_PIXELS for edge in self._selection
            )
            self.setCursor(Qt.CursorShape.SizeHorCursor if near else Qt.CursorShape.IBeamCursor)
            return
        if self._is_drag(event.position()):
            self.selected.emit(self._pressed[1], self._viewport.sample(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click plays from here; the end of a drag looks for silence."""
        if self._pressed is None:
            return
        anchor, here = self._pressed[1], self._viewport.sample(event.position().x())
        if self._is_drag(event.position()):
            self.selected.emit(self._snap(anchor), self._snap(here))
        else:
            self.sought.emit(here)
        self._pressed = None

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Ctrl zooms, sideways scrolls; up and down is for the lanes."""
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
        """Two fingers zoom."""
        if isinstance(event, QNativeGestureEvent) and event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture:
            self._viewport.zoom(1 / (1 + event.value()), event.position().x())
            return True
        return bool(super().event(event))  # type: ignore[arg-type]

    def _is_drag(self, position: QPointF) -> bool:
        pressed = self._pressed
        return pressed is not None and abs(position.x() - pressed[0].x()) >= QApplication.startDragDistance() / 2

    # Painting.

    def _painted(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        kept = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        kept.setDevicePixelRatio(ratio)
        kept.fill(QColor(self._palette.base))
        painter = QPainter(kept)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._picture is not None:
            if self._picture.spectrum_BT is not None:
                self._paint_spectrum(painter, self._picture, self._picture.spectrum_BT)
            else:
                self._paint_wave(painter, self._picture)
            if self._picture.mix is not None:
                self._paint_heard(painter, self._picture, self._picture.mix)
        painter.end()
        return kept

    def _columns(self, peaks: Peaks, samples_NC: FloatArray | None, start: int) -> FloatArray:
        scale, width = self._viewport.samples_per_pixel, self.width()
        if scale < BASE_SAMPLES and samples_NC is not None:
            return raw_columns(samples_NC, self._viewport.start - start, scale, width)
        return peaks.columns(self._viewport.start - start, scale, width)

    def _paint_wave(self, painter: QPainter, picture: Picture) -> None:
        middle, half = self.height() / 2, self.height() / 2 - SHADE_PIXELS - 2
        painter.setPen(QPen(faded(self._palette.line, 0.9), 1))
        painter.drawLine(QPointF(0, middle), QPointF(self.width(), middle))
        strength = 0.35 if self._dimmed else 1.0
        if self._viewport.samples_per_pixel < DOTS_FROM * 4:
            self._paint_samples(painter, picture, middle, half, strength)
            return
        low, high, power = self._columns(picture.peaks, picture.samples_NC, picture.start)
        rms = np.sqrt(power)
        self._paint_band(painter, np.clip(low, -1, 1), np.clip(high, -1, 1), 0.45 * strength)
        self._paint_band(painter, np.maximum(-rms, low), np.minimum(rms, high), 0.95 * strength)

    def _paint_band(self, painter: QPainter, low: FloatArray, high: FloatArray, share: float) -> None:
        """Fill between two curves, one column a value; as a picture, for polygons of thousands of edges are slow."""
        rows = round(self.height() * self.devicePixelRatioF())
        scale = rows / self.height()
        middle, half = self.height() / 2, self.height() / 2 - SHADE_PIXELS - 2
        upper = ((middle - high * half - 0.4) * scale).astype(np.float32)
        lower = ((middle - low * half + 0.4) * scale).astype(np.float32)
        y = np.arange(rows, dtype=np.float32)[:, None]
        cover = np.clip(np.minimum(y + 1, lower) - np.maximum(y, upper), 0, 1)  # of each pixel, 0 to 1
        alpha = np.rint(cover * (255 * share)).astype(np.uint32)
        colour = QColor(self._colour)
        red, green, blue = ((alpha * part + 127) // 255 for part in (colour.red(), colour.green(), colour.blue()))
        pixels = np.ascontiguousarray(alpha << 24 | red << 16 | green << 8 | blue)
        image = QImage(
            pixels.data, pixels.shape[1], rows, 4 * pixels.shape[1], QImage.Format.Format_ARGB32_Premultiplied
        )
        painter.drawImage(QRectF(0, 0, pixels.shape[1], self.height()), image)

    def _paint_samples(self, painter: QPainter, picture: Picture, middle: float, half: float, strength: float) -> None:
        first = max(int(self._viewport.start) - picture.start - 1, 0)
        last = min(int(self._viewport.start + self._viewport.span) - picture.start + 3, len(picture.samples_NC))
        if last <= first:
            return
        values = np.clip(np.asarray(picture.samples_NC[first:last]).mean(axis=1), -1, 1)
        points = [
            QPointF(self._viewport.x(first + picture.start + place), middle - value * half)
            for place, value in enumerate(values.tolist())
        ]
        painter.setPen(QPen(faded(self._colour, strength), 1.6))
        painter.drawPolyline(QPolygonF(points))
        if self._viewport.samples_per_pixel < DOTS_FROM:
            painter.setBrush(faded(self._colour, strength))
            for point in points:
                painter.drawEllipse(point, 2.4, 2.4)

    def _paint_spectrum(self, painter: QPainter, picture: Picture, spectrum_BT: npt.NDArray[np.uint8]) -> None:
        columns = spectrum_BT.shape[1]
        first = (self._viewport.start - picture.start) / HOP_SAMPLES
        last = first + self._viewport.span / HOP_SAMPLES
        from_T, to_T = max(int(first), 0), min(int(np.ceil(last)) + 1, columns)
        if to_T <= from_T:
            return
        part_BT = np.asarray(spectrum_BT[:, from_T:to_T])
        thin = max(part_BT.shape[1] // (2 * max(self.width(), 1)), 1)
        whole = part_BT.shape[1] // thin * thin
        part_BT = part_BT[:, :whole].reshape(part_BT.shape[0], -1, thin).max(axis=2)
        pixels = np.ascontiguousarray(part_BT[::-1])
        image = QImage(pixels.data, pixels.shape[1], pixels.shape[0], pixels.shape[1], QImage.Format.Format_Indexed8)
        image.setColorTable(self._ramp())
        left = self._viewport.x(from_T * HOP_SAMPLES + picture.start)
        width = whole * HOP_SAMPLES / self._viewport.samples_per_pixel
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(0.45 if self._dimmed else 1.0)
        rgb = image.convertToFormat(QImage.Format.Format_RGB32)
        painter.drawImage(QRectF(left, 0, width, self.height() - SHADE_PIXELS), rgb)
        painter.setOpacity(1.0)

    def _ramp(self) -> list[int]:
        """From the background through the lane's colour to the brightest."""
        dark = self._palette.name == "dark"
        middle = blended(self._palette.base, self._colour, 0.35)
        stops = [QColor(self._palette.base), middle, QColor(self._colour)]
        stops.append(QColor("#fff6e0") if dark else QColor("#101018"))
        share = 3 * np.linspace(0, 1, 256) ** GAMMA
        table = np.stack(
            [
                np.interp(share, range(4), [channel(stop) for stop in stops])
                for channel in (QColor.red, QColor.green, QColor.blue)
            ]
        ).astype(int)
        return [QColor(*row).rgb() for row in table.T.tolist()]

    def _paint_heard(self, painter: QPainter, picture: Picture, mix: Peaks) -> None:
        """A strip at the bottom, as strong as the sound's share of the mix there."""
        own = self._columns(picture.peaks, None, picture.start)[2]
        whole = self._columns(mix, None, 0)[2]
        share = np.where(whole > 1e-9, own / np.maximum(whole, 1e-9), 0.0)
        y = self.height() - SHADE_PIXELS
        heard = share >= HEARD_SHARE
        edges = np.flatnonzero(np.diff(np.concatenate([[False], heard, [False]]).astype(np.int8)))
        for first, last in edges.reshape(-1, 2).tolist():
            strength = float(np.clip(share[first:last].mean(), 0.35, 1.0))
            painter.fillRect(QRectF(first, y, last - first, SHADE_PIXELS), faded(self._colour, strength))
