"""The time at the cursor; a click lets the user type another one."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit

from desktop.views.text import tr
from desktop.views.theme import number_font

WIDTH = 112


class TimeField(QLineEdit):
    """Shows a time, and takes one.

    Signals:
        typed: words that Return was pressed behind.
        left: nothing more is typed.
    """

    typed = Signal(str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__("0:00.000")
        self._shown = self.text()
        self.setObjectName("time")
        self.setFont(number_font(14))
        self.setFixedWidth(WIDTH)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName(tr("Playback position"))
        self.setToolTip(tr("Click to type a time, as 1:02.5, or bar and beat, as 12|3"))

    def show_time(self, words: str) -> None:
        """Show a time, unless another is being typed."""
        self._shown = words
        if not self.hasFocus():
            self.setText(words)

    def event(self, event: QEvent) -> bool:
        """Keys that mean something here are no shortcuts of the window."""
        if not isinstance(event, QKeyEvent) or event.type() is not QEvent.Type.ShortcutOverride:
            return super().event(event)
        if event.key() not in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return super().event(event)
        event.accept()
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Return goes there, Esc stays."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            words = self.text()
            self.left.emit()
            self.typed.emit(words)
        elif event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """What is typed takes the place of what is shown."""
        super().focusInEvent(event)
        QTimer.singleShot(0, self, self.selectAll)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Show where the cursor is again."""
        super().focusOutEvent(event)
        self.setText(self._shown)
