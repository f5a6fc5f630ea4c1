"""The name of a lane: shortened to its place, renamed where it stands by a double click."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QSizePolicy, QStackedLayout, QWidget

from desktop.views.text import tr
from desktop.views.theme import mark

LEAST_WIDTH = 60


class ShortenedLabel(QLabel):
    """A line of text that ends in an ellipsis where it does not fit; the tooltip has it whole."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = ""
        self.setMinimumWidth(LEAST_WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setTextFormat(Qt.TextFormat.PlainText)

    @property
    def whole(self) -> str:
        """The text before it was shortened."""
        return self._whole

    def set_whole(self, text: str) -> None:
        """Set the text."""
        self._whole = text
        self._shorten()

    def _shorten(self) -> None:
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, self.contentsRect().width())
        if shown != self.text():
            self.setText(shown)
        self.setToolTip(self._whole if shown != self._whole else "")

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fit the text to the new width."""
        self._shorten()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Fit the text to a new font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._shorten()


class LaneName(QWidget):
    """A name that becomes a field.

    Signals:
        renamed: the new name.
    """

    renamed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.label = ShortenedLabel()
        self.label.setObjectName("heading")
        mark(self.label, "heard", True)
        self.field = QLineEdit()
        self.field.setObjectName("laneName")
        self.field.setAccessibleName(tr("Name of the lane"))
        self.field.installEventFilter(self)
        self.field.editingFinished.connect(self._take)
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(self.label)
        self._stack.addWidget(self.field)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(22)

    @property
    def editing(self) -> bool:
        """True while the name is being typed."""
        return self._stack.currentWidget() is self.field

    def text(self) -> str:
        """The name as it is shown."""
        return self.label.text()

    def show_name(self, name: str, heard: bool) -> None:
        """Show a name; one that is being typed stays."""
        mark(self.label, "heard", heard)
        self.label.set_whole(name)

    def edit(self) -> None:
        """Begin to type."""
        self.field.setText(self.label.whole)
        self._stack.setCurrentWidget(self.field)
        self.field.selectAll()
        self.field.setFocus()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Begin to type."""
        self.edit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Escape keeps the old name, before any other use of it."""
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            if event.type() is QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() is QEvent.Type.KeyPress:
                self.field.setText(self.label.whole)
                self._leave()
                return True
        return super().eventFilter(watched, event)

    def _take(self) -> None:
        if not self.editing:
            return
        name = self.field.text().strip()
        self._leave()
        if name and name != self.label.whole:
            self.renamed.emit(name)

    def _leave(self) -> None:
        had_focus = self.field.hasFocus()
        self._stack.setCurrentWidget(self.label)
        if had_focus and (parent := self.parentWidget()) is not None:
            parent.setFocus()
