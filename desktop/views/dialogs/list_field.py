"""A list that says what it is for while nothing is in it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QListWidget

MARGIN = 12  # pixels around the words


class ListField(QListWidget):
    """Rows, or a hint.

    Args:
        hint: shown while there are none.
    """

    def __init__(self, hint: str) -> None:
        super().__init__()
        self._hint = hint

    @property
    def hint(self) -> str:
        """What is said now; empty while there are rows."""
        return "" if self.count() else self._hint

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """As of Qt, or the hint."""
        super().paintEvent(event)
        if not self.hint:
            return
        painter = QPainter(self.viewport())
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        area = self.viewport().rect().adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.hint)
        painter.end()
