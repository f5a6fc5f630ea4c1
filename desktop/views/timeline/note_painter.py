"""Notes over a lane: a piano roll on a waveform, and on a spectrogram each note at its own frequency."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from desktop.models.lane_notes import NoteMark
from desktop.models.viewport import Viewport
from desktop.views.theme import Palette, faded
from desktop.views.timeline.frequency_scale import FrequencyScale

MARGIN_KEYS = 1.5  # above the highest and below the lowest note
LEAST_KEYS = 12.0
BAR_HEIGHTS = (2.0, 9.0)  # pixels of a note
FAINTEST = 0.35  # opacity of the softest note


def paint_notes(
    painter: QPainter,
    marks: Sequence[NoteMark],
    viewport: Viewport,
    palette: Palette,
    height: float,
    scale: FrequencyScale | None,
) -> None:
    """Draw the notes in sight.

    Args:
        viewport: maps samples to pixels.
        height: of the lane, in pixels.
        scale: of the spectrogram that is drawn; None over a waveform.
    """
    if not marks:
        return
    pitches = [mark.pitch for mark in marks]
    low, high = min(pitches) - MARGIN_KEYS, max(pitches) + MARGIN_KEYS
    if high - low < LEAST_KEYS:
        low, high = (low + high - LEAST_KEYS) / 2, (low + high + LEAST_KEYS) / 2
    row = height / (high - low)
    bar = min(max(row, BAR_HEIGHTS[0]), BAR_HEIGHTS[1])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(faded(palette.base, 0.8), 1))
    for mark in marks:
        left, right = viewport.x(mark.first), viewport.x(mark.last)
        if right < 0 or left > viewport.width:
            continue
        if scale is not None and not mark.drum:
            middle = scale.y(440.0 * 2 ** ((mark.pitch - 69) / 12))
        else:
            middle = (high - mark.pitch) * row
        painter.setBrush(_colour(palette, mark.velocity))
        painter.drawRoundedRect(QRectF(left, middle - bar / 2, max(right - left, 2.0), bar), 1.5, 1.5)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _colour(palette: Palette, velocity: float) -> QColor:
    return faded(palette.text, FAINTEST + (1.0 - FAINTEST) * min(max(velocity, 0.0), 1.0))
