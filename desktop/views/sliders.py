"""Sliders: one that goes back to its usual place on a double click, and one from 0 to 1 between two words."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from desktop.views.text import percent
from desktop.views.theme import number_font

FIELD_HEIGHT = 30
SHARES = 100  # steps of a slider from 0 to 1
LEAST_SLIDER, FIGURE_WIDTH = 60, 44  # pixels


class ResetSlider(QSlider):
    """Resets on a double click; leaves the wheel to the area around it."""

    usual = 0

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Undo."""
        self.setValue(self.usual)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Leave the wheel to the area around it."""
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
        self._ends: list[QLabel] = []
        self._figure = QLabel()
        self._figure.setObjectName("caption")
        self._figure.setFont(number_font(9))
        self._figure.setFixedWidth(FIGURE_WIDTH)
        self._figure.hide()
        self.slider = ResetSlider(Qt.Orientation.Horizontal)
        self.slider.setMinimumWidth(LEAST_SLIDER)
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
            self._ends.append(label)
        row.addWidget(self._figure)
        self.slider.valueChanged.connect(lambda value: self._figure.setText(percent(value / SHARES)))
        self.set_usual(usual)
        self._figure.setText(percent(self.value))

    def show_ends(self, shown: bool) -> None:
        """Show the words at both ends, or where they have no room a figure in their place."""
        for label in self._ends:
            label.setVisible(shown)
        self._figure.setVisible(not shown)

    @property
    def value(self) -> float:
        """The position, 0 to 1."""
        return self.slider.value() / SHARES

    chosen = value

    @property
    def moved_to(self) -> float | None:
        """The position, None while it is at its default."""
        return None if self.slider.value() == self.slider.usual else self.value

    def set_usual(self, usual: float) -> None:
        """Set the default and go there."""
        self.slider.usual = round(usual * SHARES)
        self.slider.setValue(self.slider.usual)

    def setAccessibleName(self, name: str) -> None:  # noqa: N802
        """Screen readers read the slider."""
        super().setAccessibleName(name)
        self.slider.setAccessibleName(name)
