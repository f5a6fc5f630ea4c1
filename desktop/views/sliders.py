"""Sliders: one that goes back to its usual place on a double click, and one from 0 to 1 between two words."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

FIELD_HEIGHT = 30
SHARES = 100  # steps of a slider from 0 to 1


class ResetSlider(QSlider):
    """Goes back to where it usually stands on a double click; the wheel belongs to what it stands in."""

    usual = 0

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Back."""
        self.setValue(self.usual)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Scroll what is around it instead."""
        event.ignore()


class ShareSlider(QWidget):
    """A slider from 0 to 1 between two words.

    Args:
        low, high: what its ends mean.
        usual: where it stands until it is moved, and again after a double click.
        tip: for the tooltip.
    """

    def __init__(self, low: str, high: str, usual: float, tip: str) -> None:
        super().__init__()
        self.slider = ResetSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, SHARES)
        self.slider.setToolTip(tip)
        self.setFocusProxy(self.slider)
        self.setMinimumHeight(FIELD_HEIGHT)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for part in (low, self.slider, high):
            if isinstance(part, QSlider):
                row.addWidget(part, 1)
                continue
            label = QLabel(part)
            label.setObjectName("caption")
            row.addWidget(label)
        self.set_usual(usual)

    @property
    def value(self) -> float:
        """0 to 1."""
        return self.slider.value() / SHARES

    chosen = value

    @property
    def moved_to(self) -> float | None:
        """Where somebody put it; None while it stands where it usually does."""
        return None if self.slider.value() == self.slider.usual else self.value

    def set_usual(self, usual: float) -> None:
        """Go where it stands when nobody has moved it."""
        self.slider.usual = round(usual * SHARES)
        self.slider.setValue(self.slider.usual)

    def setAccessibleName(self, name: str) -> None:  # noqa: N802
        """The slider is what is read out."""
        super().setAccessibleName(name)
        self.slider.setAccessibleName(name)
