"""The switch that plays both sides equally loud: its word, and under it the gain that it plays with."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QPaintEvent
from PySide6.QtWidgets import QStyle, QStyleOptionToolButton, QStylePainter, QToolButton

from desktop.views.text import decibels, tr
from desktop.views.theme import Palette, number_font

HEIGHT, PADDING = 32, 22  # pixels
WORD_SHARE = 0.56  # of the height, while a figure stands below
FIGURE_POINTS = 8.5


class MatchButton(QToolButton):
    """Always as wide as its longest words, so that nothing beside it moves."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self.figure = ""
        self.setText(tr("Match"))
        self.setCheckable(True)
        self.setFont(number_font(10))
        self._small = number_font(FIGURE_POINTS)
        longest = max(self.fontMetrics().horizontalAdvance(words) for words in (self.text(), decibels(-18.8)))
        self.setFixedSize(longest + PADDING, HEIGHT)
        self.setToolTip(tr("Play both sides equally loud, so that neither seems better just for being louder"))

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        self.update()

    def show_figure(self, figure: str) -> None:
        """Show a gain under the word; empty shows the word alone."""
        self.figure = figure
        self.setAccessibleName(f"{self.text()} {figure}".strip())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """As of Qt, with two lines."""
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        option.text = ""
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)
        colours = self._palette
        on = colours.on_lit if self.isChecked() else colours.text
        painter.setPen(QColor(on if self.isEnabled() else colours.faint))
        split = round(self.height() * WORD_SHARE)
        whole, middle = self.rect(), Qt.AlignmentFlag.AlignCenter
        word = QRect(0, 1, whole.width(), split) if self.figure else whole
        painter.drawText(word, middle, self.text())
        if self.figure:
            painter.setFont(self._small)
            painter.drawText(QRect(0, split - 2, whole.width(), whole.height() - split), middle, self.figure)
        painter.end()
