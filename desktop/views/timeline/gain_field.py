"""The gain of a lane: a fader on the law of mixing desks, and its value in dB to type into."""

from __future__ import annotations

import re

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from desktop.models.project import GAIN_LIMITS_DB
from desktop.views.layout import beside
from desktop.views.sliders import ResetSlider
from desktop.views.text import decibels, tr
from desktop.views.theme import number_font

STEPS = 1000
LAW = ((0.0, 0.25, 0.5, 0.75, 1.0), (GAIN_LIMITS_DB[0], -28.0, -12.0, 0.0, GAIN_LIMITS_DB[1]))  # place, dB
FINE = 10  # Shift makes a drag this much finer
KEY_STEP_DB, FINE_STEP_DB = 0.5, 0.1
TEXT_WIDTH = 56


def db_at(place: float) -> float:
    """Gain in dB at a place of the fader, 0 to 1."""
    return float(np.interp(place, *LAW))


def place_of(gain_db: float) -> float:
    """Place of a gain on the fader, 0 to 1."""
    return float(np.interp(gain_db, LAW[1], LAW[0]))


def gain_words(gain_db: float) -> str:
    """The gain in dB; 0.0 without a sign, the lowest as silence."""
    return decibels(gain_db if abs(gain_db) >= 0.05 else 0.0, GAIN_LIMITS_DB[0]).replace("-", "−")


def gain_from(text: str) -> float | None:
    """The gain that was typed, in dB within the limits; None if that is no number."""
    text = text.replace("−", "-").replace(",", ".").strip().lower()
    if text.startswith(("-∞", "-inf")):
        return GAIN_LIMITS_DB[0]
    found = re.fullmatch(r"([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)\s*(?:db)?", text)
    return min(max(float(found[1]), GAIN_LIMITS_DB[0]), GAIN_LIMITS_DB[1]) if found else None


class GainFader(ResetSlider):
    """The fader: dragged from wherever it is taken, by arrow keys in steps of half a dB.

    Signals:
        stepped: dB to add, by a key.
    """

    stepped = Signal(float)

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(0, STEPS)
        self.usual = round(place_of(0.0) * STEPS)
        self._taken: tuple[QPointF, int] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take hold of it; a press alone changes nothing."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._taken = (event.position(), self.value())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Follow the mouse; with Shift, slowly."""
        if self._taken is None:
            return
        pixels = event.position().x() - self._taken[0].x()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            pixels /= FINE
        self.setValue(round(self._taken[1] + STEPS * pixels / max(self.width() - 12, 1)))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Let go."""
        self._taken = None

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows step; with Shift in tenths of a dB."""
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1}
        if event.key() not in steps:
            super().keyPressEvent(event)
            return
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.stepped.emit(steps[Qt.Key(event.key())] * (FINE_STEP_DB if fine else KEY_STEP_DB))


class GainField(QWidget):
    """Fader and number.

    Signals:
        changed: gain in dB, by the user's hand only.
    """

    changed = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._value_db = 0.0
        self.fader = GainFader()
        self.fader.setAccessibleName(tr("Gain"))
        self.fader.setToolTip(tr("Gain; drag with Shift for small steps, double-click for 0 dB"))
        self.text = QLineEdit()
        self.text.setObjectName("number")
        self.text.setFixedWidth(TEXT_WIDTH)
        self.text.setFont(number_font(8.5))
        self.text.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.text.setAccessibleName(tr("Gain in dB"))
        self.text.setToolTip(tr("Type the gain in dB"))
        self.text.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.text.installEventFilter(self)
        self.fader.valueChanged.connect(lambda value: self._tell(round(db_at(value / STEPS), 1)))
        self.fader.stepped.connect(lambda step_db: self._tell(round(self._value_db + step_db, 1)))
        self.text.editingFinished.connect(self._on_typed)
        row = beside((self.fader, 1), self.text, spacing=6)
        row.setContentsMargins(0, 0, 0, 0)
        self.setLayout(row)
        self.set_db(0.0)

    def set_db(self, gain_db: float) -> None:
        """Show a gain without telling anybody."""
        self._value_db = min(max(gain_db, GAIN_LIMITS_DB[0]), GAIN_LIMITS_DB[1])
        self.fader.blockSignals(True)
        self.fader.setValue(round(place_of(self._value_db) * STEPS))
        self.fader.blockSignals(False)
        if not self.text.isModified():
            self.text.setText(gain_words(self._value_db))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Escape takes back what is being typed, before any other use of it; the wheel is left alone."""
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            if event.type() is QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() is QEvent.Type.KeyPress:
                self._end_typing()
                return True
        if event.type() is QEvent.Type.FocusIn:
            self.text.selectAll()
        return super().eventFilter(watched, event)

    def _on_typed(self) -> None:
        typed = gain_from(self.text.text()) if self.text.isModified() else None
        self._end_typing()
        if typed is not None:
            self._tell(typed)

    def _end_typing(self) -> None:
        self.text.setModified(False)
        self.text.setText(gain_words(self._value_db))
        if self.text.hasFocus():
            self.fader.setFocus()

    def _tell(self, gain_db: float) -> None:
        before = self._value_db
        self.set_db(gain_db)
        if self._value_db != before:
            self.changed.emit(self._value_db)
