"""Dragging files out of the window: the handle, and what other programs get."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QDrag, QEnterEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from desktop.views.theme import Palette, drawn


def file_mime(paths: list[Path]) -> QMimeData:
    """Drag data with real files, for DAWs and file managers."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    mime.setText("\n".join(str(path) for path in paths))
    return mime


class DragHandle(QLabel):
    """A grip.

    Args:
        tip, name: for the tooltip and for screen readers.

    Signals:
        dragged: it was pulled; True means with Ctrl.
        approached: the mouse is over it.
    """

    dragged = Signal(bool)
    approached = Signal()

    def __init__(self, tip: str, name: str) -> None:
        super().__init__()
        self._pressed: QPoint | None = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setToolTip(tip)
        self.setAccessibleName(name)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802
        """Tell that it may be pulled soon."""
        if self.isEnabled():
            self.approached.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Remember where the drag starts."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint()
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Start a drag once the mouse has moved far enough."""
        if self._pressed is None:
            return
        if (event.position().toPoint() - self._pressed).manhattanLength() >= QApplication.startDragDistance():
            self._pressed = None
            self.dragged.emit(bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Nothing was dragged."""
        self._pressed = None


def start_drag(source: QWidget, paths: list[Path], picture: str, palette: Palette) -> None:
    """Drag files out of the window; returns after the drop."""
    drag = QDrag(source)
    drag.setMimeData(file_mime(paths))
    drag.setPixmap(drawn(picture, palette.accent, 40))
    drag.exec(Qt.DropAction.CopyAction)
