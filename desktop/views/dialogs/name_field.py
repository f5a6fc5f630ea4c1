"""The name that exported files get: words, and what stands for the song, the stem and the like."""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from desktop.views.layout import beside, under
from desktop.views.text import tr

TOKENS = {"track": "Song", "stem": "Stem", "take": "Take", "bundle": "Bundle", "nr": "Number"}
OPEN, CLOSE = "‹", "›"
PART = rf"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}"


class NameField(QWidget):
    """Shows ``{track} - {stem}`` as ``‹Song› - ‹Stem›`` in the user's language, with a chip for each part.

    Args:
        template: as the engine writes it.

    Signals:
        changed: it is another name now.
    """

    changed = Signal()

    def __init__(self, template: str) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.line.installEventFilter(self)
        self.line.textChanged.connect(lambda text: self.changed.emit())
        self.chips = {name: self._chip(name) for name in TOKENS}
        under(self, (0, 0, 0, 0), self.line, beside(*self.chips.values(), 1, spacing=4), spacing=5)
        self.setFocusProxy(self.line)
        self.set_template(template)

    def _chip(self, name: str) -> QPushButton:
        chip = QPushButton(f"+ {tr(TOKENS[name])}")
        chip.setObjectName("offer")
        chip.setAutoDefault(False)
        chip.setToolTip(tr("Put it into the name, at the cursor"))
        chip.clicked.connect(lambda: self._put(name))
        return chip

    @property
    def template(self) -> str:
        """The name as the engine writes it."""
        text = self.line.text()
        for name, words in TOKENS.items():
            text = text.replace(_shown(words), f"{{{name}}}")
        return text

    def set_template(self, template: str) -> None:
        """Show a name that is written as the engine writes it."""
        for name, words in TOKENS.items():
            template = template.replace(f"{{{name}}}", _shown(words))
        self.line.setText(template)

    def setAccessibleName(self, name: str) -> None:  # noqa: N802
        """Screen readers read the line."""
        super().setAccessibleName(name)
        self.line.setAccessibleName(name)

    def _put(self, name: str) -> None:
        self.line.insert(_shown(TOKENS[name]))
        self.line.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """A part goes away as a whole."""
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress and not self.line.hasSelectedText():
            at, text = self.line.cursorPosition(), self.line.text()
            if event.key() == Qt.Key.Key_Backspace and (part := re.search(f"{PART}$", text[:at])):
                self.line.setSelection(part.start(), at - part.start())
            elif event.key() == Qt.Key.Key_Delete and (part := re.match(PART, text[at:])):
                self.line.setSelection(at, part.end())
        return super().eventFilter(watched, event)


def _shown(words: str) -> str:
    return f"{OPEN}{tr(words)}{CLOSE}"
