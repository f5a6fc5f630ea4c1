"""The field for words: tokens, the word being typed, and a list of names to choose from."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from desktop.models.completion import begins, completions
from desktop.models.request_builder import PROMPT_SEPARATOR
from desktop.views.text import language, tr
from desktop.views.theme import Palette, icon, mark

ROW_HEIGHT = 26
LIST_WIDTH = 340
LEAST_LINE = 70  # pixels for the word being typed
HEIGHT = 44


class PromptField(QFrame):
    """Tokens and the word after them.

    Signals:
        submitted: the user wants it done.
        left: Esc was pressed while no list was open.
        edited: the words are others now.
    """

    submitted = Signal()
    left = Signal()
    edited = Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.setObjectName("prompt")
        self._palette = palette
        self._several = True
        self._hint = ""
        self._recent: tuple[str, ...] = ()
        self._heard: tuple[str, ...] = ()
        self._tokens: list[str] = []
        self.buttons: list[QPushButton] = []
        self.line = QLineEdit()
        self.line.setObjectName("words")
        self.line.setFrame(False)
        self.line.setMinimumWidth(LEAST_LINE)
        self.line.installEventFilter(self)
        self.line.textEdited.connect(self._on_typed)
        self.line.textChanged.connect(lambda words: self._tell())
        self.list = _NameList(self)
        self.list.chosen.connect(self._take)
        self.clear_button = QToolButton()
        self.clear_button.setObjectName("small")
        self.clear_button.setIconSize(QSize(16, 16))
        self.clear_button.setFixedSize(26, 26)
        self.clear_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clear_button.setToolTip(tr("Clear the words"))
        self.clear_button.setAccessibleName(tr("Clear the words"))
        self.clear_button.clicked.connect(self._clear_all)
        self.setFocusProxy(self.line)
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._lay_out()
        self.dress(palette)
        self._tell()

    def _lay_out(self) -> None:
        inside = QWidget()
        self._row = QHBoxLayout(inside)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(5)
        self._row.addWidget(self.line, 1)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(inside)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 6, 4)
        row.setSpacing(4)
        row.addWidget(self._area, 1)
        row.addWidget(self.clear_button)

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        self.clear_button.setIcon(icon("close", palette.quiet))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """As of Qt."""
        return QSize(LEAST_LINE + 50, HEIGHT)

    # The words, as of a line edit.

    def text(self) -> str:
        """All words, separated by commas."""
        typed = self.line.text() if not self._tokens else self.line.text().strip()
        return f"{PROMPT_SEPARATOR} ".join([*self._tokens, *([typed] if typed else [])])

    def setText(self, text: str) -> None:  # noqa: N802
        """Replace all words; where several are allowed, those before the last comma become tokens."""
        parts = [part.strip() for part in text.split(PROMPT_SEPARATOR)] if self._several else [text]
        self._tokens = [part for part in parts[:-1] if part]
        self.line.setText(parts[-1])
        self.list.hide()
        self._show_tokens()

    def clear(self) -> None:
        """Take all words away."""
        self.setText("")

    def setPlaceholderText(self, words: str) -> None:  # noqa: N802
        """Set the words of an empty field."""
        self._hint = words
        self._tell()

    @property
    def tokens(self) -> tuple[str, ...]:
        """The words that are finished."""
        return tuple(self._tokens)

    def set_several(self, several: bool) -> None:
        """Allow several tokens, or keep the commas as they are typed."""
        if several != self._several:
            words, self._several = self.text(), several
            self.setText(words)

    def set_recent(self, prompts: tuple[str, ...]) -> None:
        """Set what Up offers in an empty field, the last one first."""
        self._recent = prompts

    def set_heard(self, names: tuple[str, ...]) -> None:
        """Set names of what is in the mix; the list has them first."""
        self._heard = names

    def add(self, words: str) -> None:
        """Put words behind those that are there; nothing happens if they are among them."""
        there = [*self._tokens, self.line.text().strip()]
        if words not in there:
            self.setText(f"{PROMPT_SEPARATOR} ".join(filter(None, [*there, words])))

    def select_all(self) -> None:
        """Focus the field so that what is typed next replaces all of it."""
        self.setText(self.text())
        self._fold_tokens()
        self.line.setFocus()
        self.line.selectAll()

    def _fold_tokens(self) -> None:
        words, self._tokens = self.text(), []
        self.line.setText(words)
        self._show_tokens()

    def unfold(self) -> None:
        """Make tokens of what stands before the last comma."""
        if self._several and PROMPT_SEPARATOR in self.line.text():
            self.setText(self.text())

    # What is typed.

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Keys of the line, before shortcuts of the window get them."""
        if isinstance(event, QKeyEvent):
            if event.type() is QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Escape:
                event.accept()
                return True
            if event.type() is QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Space and not self.text():
                event.ignore()  # nothing is written yet: it plays
                return True
            if event.type() is QEvent.Type.KeyPress:
                return self._on_key(event)
        if isinstance(event, QFocusEvent):
            mark(self, "active", event.type() is QEvent.Type.FocusIn)
            if event.type() is QEvent.Type.FocusOut:
                self.list.hide()
                self.unfold()
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        """Letters are words here, and no shortcuts of one key."""
        if event.type() is QEvent.Type.ShortcutOverride and self.eventFilter(self.line, event):
            return True
        return self.line.event(event) if event.type() is QEvent.Type.ShortcutOverride else super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Keys sent to the field belong to its line."""
        if not self._on_key(event):
            self.line.event(event)

    def _on_key(self, event: QKeyEvent) -> bool:
        """True means that the key is done with."""
        key, modifiers = event.key(), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if modifiers not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier):
            return False
        if key == Qt.Key.Key_Escape:
            self.list.hide() if self.list.isVisible() else self.left.emit()
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab) and self._complete():
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.list.hide()
            self.submitted.emit()
            return True
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            return self._step(1 if key == Qt.Key.Key_Down else -1)
        if key == Qt.Key.Key_Backspace and self._tokens and not self.line.text():
            self._drop(len(self._tokens) - 1)
            return True
        return False

    def _complete(self) -> bool:
        """Take the marked row of the list; False if there is none, or it says what stands there already."""
        row = self.list.currentItem() if self.list.isVisible() else None
        if row is None or row.text().casefold() == self.line.text().strip().casefold():
            return False
        self._take(row.text())
        return True

    def _step(self, by: int) -> bool:
        if self.list.isVisible():
            self.list.setCurrentRow((self.list.currentRow() + by) % self.list.count())
        elif by < 0 and self._recent and not self.text():
            self.list.offer(list(self._recent), 0)
        elif by > 0:
            self._offer(self.line.text())
        return True

    def _take(self, words: str) -> None:
        """Put a name in the place of the word being typed."""
        self.setText(f"{PROMPT_SEPARATOR} ".join([*self._tokens, words]))
        self.line.setFocus()

    def _on_typed(self, words: str) -> None:
        if self._several and PROMPT_SEPARATOR in words and not self.line.hasSelectedText():
            *done, last = (part.strip() for part in words.split(PROMPT_SEPARATOR))
            self._tokens += [part for part in done if part and part not in self._tokens]
            self.line.setText(last)
            self._show_tokens()
        self._offer(self.line.text())

    def _offer(self, words: str) -> None:
        names = completions(words, language(), heard=self._heard) if self._several or len(words.split()) == 1 else []
        if not names or not self.isVisible():
            self.list.hide()
            return
        sure = begins(names[0], words)
        self.list.offer(names, 0 if sure else -1)

    # Tokens.

    def _show_tokens(self) -> None:
        for button in self.buttons:
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = [self._button(place, words) for place, words in enumerate(self._tokens)]
        self._tell()
        QTimer.singleShot(0, self, self._show_end)

    def _button(self, place: int, words: str) -> QPushButton:
        button = QPushButton(f"{words}  ×")
        button.setObjectName("token")
        button.setAccessibleName(words)
        button.setToolTip(tr("Click to remove this word"))
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.clicked.connect(lambda: self._drop(place))
        self._row.insertWidget(place, button)
        return button

    def _drop(self, place: int) -> None:
        del self._tokens[place]
        self._show_tokens()

    def _clear_all(self) -> None:
        self.clear()
        self.line.setFocus()

    def _show_end(self) -> None:
        bar = self._area.horizontalScrollBar()
        bar.setValue(bar.maximum())

    def _tell(self) -> None:
        self.line.setPlaceholderText("" if self._tokens else self._hint)
        self.clear_button.setVisible(bool(self.text()))
        self.edited.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Anywhere in the field, a click begins to write."""
        self.line.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep the word being typed in sight."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self, self._show_end)

    def hideEvent(self, event: QEvent) -> None:  # noqa: N802
        """The list goes with its field."""
        self.list.hide()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """As of Qt."""
        super().showEvent(event)
        self._show_end()


class _NameList(QListWidget):
    """Names over the field; it never has the focus, so that what is typed stays where the ring is.

    Signals:
        chosen: a name was clicked.
    """

    chosen = Signal(str)

    def __init__(self, field: PromptField) -> None:
        super().__init__(field)
        self._field = field
        self.setObjectName("names")
        self.setAccessibleName(tr("Names to choose from"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.itemClicked.connect(lambda item: self.chosen.emit(item.text()))
        self.hide()

    def offer(self, names: list[str], marked: int) -> None:
        """Show names above the field, with one marked; -1 marks none."""
        window = self._field.window()
        if self.parentWidget() is not window:
            self.setParent(window)
        self.clear()
        self.addItems(names)
        for place in range(self.count()):
            self.item(place).setSizeHint(QSize(0, ROW_HEIGHT))
        self.setCurrentRow(marked)
        height = ROW_HEIGHT * self.count() + 10
        corner = self._field.mapTo(window, QPoint(0, 0))
        self.setGeometry(corner.x(), max(corner.y() - height - 2, 0), min(LIST_WIDTH, self._field.width()), height)
        self.raise_()
        self.show()
