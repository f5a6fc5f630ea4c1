"""Compares the takes of a lane without their names."""

from __future__ import annotations

import random

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop.models.blind_comparison import BlindComparison
from desktop.models.project import Lane
from desktop.models.workspace import Workspace
from desktop.views.text import tr

WIDTH = 440


class BlindDialog(QDialog):
    """Letters to listen to, and one to choose.

    Args:
        lane: with several takes.
        rng: for the order.
    """

    def __init__(
        self, workspace: Workspace, lane: Lane, parent: QWidget | None, rng: random.Random | None = None
    ) -> None:
        super().__init__(parent)
        self.comparison = BlindComparison(workspace, lane, rng or random.Random(), self)
        self.setWindowTitle(tr("Compare takes blind"))
        self.setFixedWidth(WIDTH)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.heading = QLabel(tr("Which take is better?"))
        self.heading.setObjectName("heading")
        words = QLabel(tr("They play equally loud and in a random order; their names come when you have chosen."))
        words.setObjectName("quiet")
        words.setWordWrap(True)
        self.letters: dict[str, QPushButton] = {}
        group, row = QButtonGroup(self), QHBoxLayout()
        for letter in self.comparison.letters:
            button = QPushButton(letter)
            button.setCheckable(True)
            button.setAutoDefault(False)
            button.setToolTip(tr("Hear this one"))
            button.clicked.connect(lambda on, letter=letter: self._hear(letter))
            group.addButton(button)
            row.addWidget(button)
            self.letters[letter] = button
        self.go, self.stop = QPushButton(tr("Take this one")), QPushButton(tr("Cancel"))
        self.go.setObjectName("go")
        self.go.setDefault(True)
        self.go.setEnabled(False)
        self.go.clicked.connect(self._choose)
        self.stop.setAutoDefault(False)
        self.stop.clicked.connect(self.reject)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self.stop)
        foot.addWidget(self.go)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 18)
        column.setSpacing(12)
        column.addWidget(self.heading)
        column.addWidget(words)
        column.addLayout(row)
        column.addLayout(foot)
        self.finished.connect(lambda result: self.comparison.end())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """A letter plays what it stands for."""
        button = self.letters.get(event.text().upper())
        if button is not None:
            button.click()
        else:
            super().keyPressEvent(event)

    def _hear(self, letter: str) -> None:
        self.comparison.hear(letter)
        self.go.setEnabled(True)

    def _choose(self) -> None:
        """Take the letter that is heard, and say what all of them were."""
        chosen = self.comparison.heard
        numbers = self.comparison.choose(chosen)
        for letter, button in self.letters.items():
            button.setText(f"{letter}: {tr('Take')} {numbers[letter]}")
            button.setEnabled(False)
        self.heading.setText(tr("You have chosen take {count}").replace("{count}", str(numbers[chosen])))
        self.go.hide()
        self.stop.setText(tr("Close"))
