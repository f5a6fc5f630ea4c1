"""The lines of bars and beats over all lanes: one grid for the ruler and every waveform."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QLineF, QObject, QRect, Signal
from PySide6.QtGui import QPainter, QPen

from desktop.models.viewport import Viewport
from desktop.views.theme import Palette, faded
from engine import TimeMap

LINE_PIXELS = 15.0  # lines nearer than this make a grey wall
BEAT_PARTS = (0.25, 0.5, 1.0)
STRENGTHS = (0.10, 0.16, 0.34)  # opacity of a part of a beat, a beat, a bar


@dataclass(frozen=True, slots=True)
class GridLine:
    """One line.

    Attributes:
        x: pixel.
        level: 0 a part of a beat, 1 a beat, 2 a bar.
        bar, beat: where it is.
    """

    x: float
    level: int
    bar: int
    beat: int


class TimeGrid(QObject):
    """Where bars and beats are on the screen.

    Args:
        viewport: maps samples to pixels.

    Signals:
        changed: it has to be drawn anew.
    """

    changed = Signal()

    def __init__(self, viewport: Viewport) -> None:
        super().__init__(viewport)
        self._viewport = viewport
        self.time_map: TimeMap | None = None
        self.rate_hz = 0
        self.shown = True
        self._kept: tuple[tuple[object, ...], tuple[GridLine, ...]] | None = None

    def show_map(self, time_map: TimeMap | None, rate_hz: int, shown: bool) -> None:
        """Set what to draw; ``shown`` False keeps it off the lanes."""
        if (time_map, rate_hz, shown) != (self.time_map, self.rate_hz, self.shown):
            self.time_map, self.rate_hz, self.shown = time_map, rate_hz, shown
            self.changed.emit()

    @property
    def step(self) -> float:
        """Beats from line to line: as many lines as have room."""
        if self.time_map is None or not self.rate_hz:
            return 1.0
        beat_pixels = self.time_map.beat_s * self.rate_hz / self._viewport.samples_per_pixel
        for part in BEAT_PARTS:
            if part * beat_pixels >= LINE_PIXELS:
                return part
        bars = float(self.time_map.beats_per_bar)
        while bars * beat_pixels < LINE_PIXELS:
            bars *= 2
        return bars

    def lines(self) -> tuple[GridLine, ...]:
        """The lines in sight, from left to right."""
        view = self._viewport
        state = (self.time_map, self.rate_hz, view.start, view.samples_per_pixel, view.width)
        if self._kept is None or self._kept[0] != state:
            self._kept = state, tuple(self._made())
        return self._kept[1]

    def _made(self) -> list[GridLine]:
        if self.time_map is None or not self.rate_hz:
            return []
        view, step = self._viewport, self.step
        first_s, last_s = view.start / self.rate_hz, (view.start + view.span) / self.rate_hz
        made = []
        for seconds, bar, beat in self.time_map.beats_between(first_s, last_s, step):
            passed = self.time_map.beat_at(seconds)
            whole = abs(passed - round(passed)) < 1e-6
            level = 0 if not whole else 2 if beat == 1 else 1
            made.append(GridLine(view.x(seconds * self.rate_hz), level, bar, beat))
        return made

    def paint(self, painter: QPainter, palette: Palette, height: int, rect: QRect) -> None:
        """Draw the lines that cross a part of a lane."""
        if not self.shown:
            return
        levels: tuple[list[QLineF], ...] = ([], [], [])
        for line in self.lines():
            if rect.left() - 1 <= line.x <= rect.right() + 1:
                x = round(line.x) + 0.5
                levels[line.level].append(QLineF(x, 0, x, height))
        for level, lines in enumerate(levels):
            if lines:
                painter.setPen(QPen(faded(palette.text, STRENGTHS[level]), 1))
                painter.drawLines(lines)
