"""The bar that scrolls the lanes along the time; it rests while there is nothing to scroll."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractSlider, QScrollBar

from desktop.views.text import tr
from desktop.views.theme import mark


class TimeBar(QScrollBar):
    """Keeps its place, and shows its handle only where the lanes go on."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setAccessibleName(tr("Scroll the timeline"))
        mark(self, "rests", True)

    def sliderChange(self, change: QAbstractSlider.SliderChange) -> None:  # noqa: N802
        """As of Qt; told also while signals are blocked."""
        super().sliderChange(change)
        if change is QAbstractSlider.SliderChange.SliderRangeChange:
            mark(self, "rests", self.maximum() <= self.minimum())
