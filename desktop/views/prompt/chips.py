"""Rows of chips: some can be removed, as regions and examples; some offer something, as ready-made prompts."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from desktop.views.theme import Palette, icon

WORDS_PIXELS = 280


@dataclass(frozen=True, slots=True)
class Chip:
    """One chip.

    Attributes:
        key: what it stands for.
        words: for the user.
        tip: says that pressing it takes it away.
        icon: a name of ``theme.icon``, or empty.
    """

    key: Hashable
    words: str
    tip: str
    icon: str = ""


class Chips(QWidget):
    """A row of chips.

    Args:
        palette: colours.
        offers: True for chips that offer something: they have no cross.

    Signals:
        removed: key of the chip that was pressed.
    """

    removed = Signal(object)

    def __init__(self, palette: Palette, offers: bool = False) -> None:
        super().__init__()
        self._offers = offers
        self._palette = palette
        self._chips: tuple[Chip, ...] = ()
        self.buttons: dict[Hashable, QPushButton] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)
        self.hide()

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette, chips, self._chips = palette, self._chips, ()
        self.show_chips(chips)

    def show_chips(self, chips: tuple[Chip, ...]) -> None:
        """Set the chips."""
        if chips == self._chips:
            return
        self._chips = chips
        for old in self.buttons.values():
            self._row.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.buttons = {chip.key: self._button(chip) for chip in chips}
        self.setVisible(bool(chips))

    def _button(self, chip: Chip) -> QPushButton:
        button = QPushButton()
        button.setObjectName("offer" if self._offers else "chip")
        words = button.fontMetrics().elidedText(chip.words, Qt.TextElideMode.ElideMiddle, WORDS_PIXELS)
        button.setText(words if self._offers else f"{words}  ×")
        button.setAccessibleName(chip.words)
        button.setToolTip(chip.tip)
        if chip.icon:
            button.setIcon(icon(chip.icon, self._palette.quiet))
        button.clicked.connect(lambda: self.removed.emit(chip.key))
        self._row.addWidget(button)
        button.show()  # now, not in a later turn of the event loop: the row is as wide as it needs from the start
        return button
