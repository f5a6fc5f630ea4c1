"""A message of the window itself: a title, a sentence, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

WIDTH = 440


class Sheet(QDialog):
    """Asks one question.

    Args:
        title, words: what it is about, in the user's language.
        buttons: name and words of each; the first is what Return does, the last what Esc does.
        details: more lines, in quiet type; empty for none.
    """

    def __init__(
        self, parent: QWidget | None, title: str, words: str, buttons: Sequence[tuple[str, str]], details: str = ""
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setFixedWidth(WIDTH)
        self.answer = buttons[-1][0]
        heading, text = QLabel(title), QLabel(words)
        heading.setObjectName("heading")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 18)
        column.setSpacing(8)
        for label in (heading, text):
            label.setWordWrap(True)
            column.addWidget(label)
        if details:
            more = QLabel(details)
            more.setObjectName("quiet")
            more.setWordWrap(True)
            column.addWidget(more)
        column.addSpacing(10)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        self.buttons: dict[str, QPushButton] = {}
        for place, (name, label_words) in reversed(list(enumerate(buttons))):
            button = QPushButton(label_words)
            button.setAutoDefault(False)
            button.clicked.connect(lambda on, name=name: self._take(name))
            row.addWidget(button)
            self.buttons[name] = button
            if place == 0:
                button.setObjectName("go")
                button.setDefault(True)
                button.setFocus()
        column.addLayout(row)
        self.setAccessibleDescription(words)
        self.setWindowModality(Qt.WindowModality.WindowModal)

    def _take(self, name: str) -> None:
        self.answer = name
        self.accept()


def choose(
    parent: QWidget | None, title: str, words: str, buttons: Sequence[tuple[str, str]], details: str = ""
) -> str:
    """Ask a question and wait.

    Returns:
        The name of the button; that of the last one after Esc.
    """
    sheet = Sheet(parent, title, words, buttons, details)
    sheet.exec()
    return sheet.answer
