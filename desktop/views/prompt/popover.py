"""What is folded out of the prompt bar stands over the rest of the window."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from desktop.views.motion import fade_in
from desktop.views.prompt.advanced import Advanced

WIDTH = 840


class Popover(QFrame):
    """The advanced options over the window's other parts; nothing moves when they open."""

    def __init__(self, inside: Advanced, anchor: QWidget) -> None:
        super().__init__(anchor)
        self.setObjectName("popover")
        self._inside, self._anchor = inside, anchor
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 10, 16, 14)
        column.addWidget(area)
        self.hide()

    def place(self) -> None:
        """Stand above the prompt bar, at its right end."""
        window = self._anchor.window()
        if self.parentWidget() is not window:
            self.setParent(window)
        corner = self._anchor.mapTo(window, QPoint(0, 0))
        width = min(WIDTH, self._anchor.width())
        self._inside.fit_width(width - 44)
        self._inside.ensurePolished()
        height = min(self._inside.sizeHint().height() + 30, max(corner.y() - 8, 120))
        self.setGeometry(corner.x() + self._anchor.width() - width, max(corner.y() - height - 4, 4), width, height)
        self.raise_()

    def unfold(self) -> None:
        """Open."""
        self.place()
        self.show()
        self.place()
        fade_in(self)
