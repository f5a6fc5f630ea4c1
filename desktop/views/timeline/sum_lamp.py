"""A lamp that says whether what is heard is the mix; pressed, it says what keeps it from that."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QLabel, QWidget

from desktop.models.sum_check import departures
from desktop.models.workspace import Workspace
from desktop.views.layout import under
from desktop.views.sentences import sentence
from desktop.views.text import number, tr
from desktop.views.theme import Palette, number_font

WIDTH, HEIGHT = 76, 24
DOT = 8
SHOWN = 8  # lanes that the card names
CARD_WIDTH = 300


class SumLamp(QAbstractButton):
    """Green while what is heard nulls with the mix, amber with the figure when it does not."""

    def __init__(self, workspace: Workspace, palette: Palette) -> None:
        super().__init__()
        self._workspace, self._palette = workspace, palette
        self.setFixedSize(WIDTH, HEIGHT)
        self.card = SumCard(self)
        self.clicked.connect(self._explain)
        workspace.sum_changed.connect(self._show)
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
        known = self._workspace.sum_db is not None
        self.setEnabled(known)
        tip = self._verdict() if known else tr("Shows whether the lanes that are heard add up to the mix")
        self.setToolTip(f"{tip}\n{tr('Click to see why')}" if known and not self._workspace.sum_is_exact else tip)
        self.setAccessibleName(f"{tr('Sum')}: {self.words}")
        self.update()

    def _verdict(self) -> str:
        if self._workspace.sum_is_exact:
            return tr("What is heard adds up to the mix exactly")
        return tr("What is heard is not the mix: the difference is this far from it")

    def _explain(self) -> None:
        reasons = [sentence(one) for one in departures(self._workspace.document.project)]
        more = ["…"] if reasons[SHOWN:] else []
        self.card.say(self._verdict(), "" if self._workspace.sum_is_exact else "\n".join([*reasons[:SHOWN], *more]))
        self.card.open_at(self.mapToGlobal(QPoint(0, self.height() + 4)))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw lamp and figure."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._workspace.sum_db is None:
            painter.end()
            return
        colour = self._palette.good if self._workspace.sum_is_exact else self._palette.warn
        if self.hasFocus():
            painter.setPen(QPen(QColor(self._palette.accent), 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        elif self.underMouse():
            painter.setPen(QPen(QColor(self._palette.edge), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawEllipse(QRectF(7, (self.height() - DOT) / 2, DOT, DOT))
        painter.setPen(QColor(colour))
        painter.setFont(number_font(9))
        where = self.rect().adjusted(DOT + 12, 0, 0, 0)
        said = self.words if self._workspace.sum_is_exact else f"≠ {self.words}"
        painter.drawText(where, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, said)
        painter.end()


class SumCard(QFrame):
    """A verdict, and a line for each lane that is the reason."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("card")
        self.verdict, self.reasons = QLabel(), QLabel()
        self.verdict.setWordWrap(True)
        self.reasons.setWordWrap(True)
        self.reasons.setObjectName("quiet")
        self.setFixedWidth(CARD_WIDTH)
        under(self, (14, 12, 14, 12), self.verdict, self.reasons, spacing=6)

    def say(self, verdict: str, reasons: str) -> None:
        """Set the words."""
        self.verdict.setText(verdict)
        self.reasons.setText(reasons)
        self.reasons.setVisible(bool(reasons))

    def open_at(self, place: QPoint) -> None:
        """Show it with its top left corner at a place on the screen."""
        self.adjustSize()
        self.move(place)
        self.show()
