"""A lamp that says whether what is heard is the mix."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.models.workspace import Workspace
from desktop.views.text import number, tr
from desktop.views.theme import Palette, number_font

WIDTH = 76
DOT = 8


class SumLamp(QWidget):
    """Green while what is heard nulls with the mix, amber with the figure when it does not.

    Args:
        workspace: measures it.
        palette: colours.
    """

    def __init__(self, workspace: Workspace, palette: Palette) -> None:
        super().__init__()
        self._workspace, self._palette = workspace, palette
        self.setFixedSize(WIDTH, 22)
        workspace.sum_changed.connect(lambda sum_db: self._show())
        self._show()

    @property
    def words(self) -> str:
        """What it says."""
        sum_db = self._workspace.sum_db
        if sum_db is None:
            return ""
        return tr("= mix") if self._workspace.sum_is_exact else f"{number(sum_db, 0, sign=True)} dB".replace("-", "−")

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        self.update()

    def _show(self) -> None:
        exact, known = self._workspace.sum_is_exact, self._workspace.sum_db is not None
        if not known:
            tip = tr("Shows whether the lanes that are heard add up to the mix")
        elif exact:
            tip = tr("What is heard adds up to the mix exactly")
        else:
            tip = tr("What is heard is not the mix: the difference is this far from it")
        self.setToolTip(tip)
        self.setAccessibleName(f"{tr('Sum')}: {self.words}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw lamp and figure."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._workspace.sum_db is None:
            painter.end()
            return
        colour = self._palette.good if self._workspace.sum_is_exact else self._palette.warn
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawEllipse(QRectF(6, (self.height() - DOT) / 2, DOT, DOT))
        painter.setPen(QColor(colour))
        painter.setFont(number_font(9))
        where = self.rect().adjusted(DOT + 12, 0, 0, 0)
        said = self.words if self._workspace.sum_is_exact else f"≠ {self.words}"
        painter.drawText(where, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, said)
        painter.end()
