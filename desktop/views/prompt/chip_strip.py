"""A row of chips that scrolls where it has no room for all."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QToolButton, QWidget

from desktop.views.text import tr
from desktop.views.theme import Palette, icon

ROW_HEIGHT = 30  # whatever stands in it
ARROW_WIDTH = 20


class ChipStrip(QScrollArea):
    """One row of chips; where there is no room for all it scrolls, by the wheel or by an arrow at either end."""

    def __init__(self, inside: QWidget) -> None:
        super().__init__()
        self._inside = inside
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedHeight(ROW_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.arrows = {-1: self._arrow(-1, tr("Scroll to the left")), 1: self._arrow(1, tr("Scroll to the right"))}
        bar = self.horizontalScrollBar()
        bar.valueChanged.connect(lambda value: self._show_arrows())
        bar.rangeChanged.connect(lambda low, high: self._show_arrows())

    def _arrow(self, way: int, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName("end")
        button.setFixedSize(ARROW_WIDTH, ROW_HEIGHT)
        button.setIconSize(QSize(16, 16))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keyboard where it was
        button.setAccessibleName(name)
        button.setToolTip(name)
        button.clicked.connect(lambda: self._scroll(way))
        button.hide()
        return button

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        for way, button in self.arrows.items():
            button.setIcon(icon("left" if way < 0 else "right", palette.quiet))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """As of Qt."""
        return QSize(80, ROW_HEIGHT)

    def fit(self) -> None:
        """Give the chips the width that they need, and show the beginning."""
        inside = self._inside
        if (row := inside.layout()) is not None:
            row.activate()
        inside.resize(inside.minimumSizeHint().expandedTo(self.viewport().size()))
        QTimer.singleShot(0, self, lambda: self.horizontalScrollBar().setValue(0))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep the arrows at the ends."""
        super().resizeEvent(event)
        self._show_arrows()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Scroll sideways, however the wheel is turned."""
        turn = event.angleDelta().x() or event.angleDelta().y()
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - turn // 2)
        event.accept()

    def _scroll(self, way: int) -> None:
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() + way * max(self.width() - 3 * ARROW_WIDTH, ARROW_WIDTH))

    def _show_arrows(self) -> None:
        bar = self.horizontalScrollBar()
        self.arrows[-1].setVisible(bar.value() > bar.minimum())
        self.arrows[1].setVisible(bar.value() < bar.maximum())
        self.arrows[1].move(self.width() - ARROW_WIDTH, 0)
        for button in self.arrows.values():
            button.raise_()
