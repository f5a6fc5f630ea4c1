"""The row of tools above the headers: what dragging does, how lanes are drawn, and all stems as files."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QLabel, QToolButton, QWidget

from desktop.views.layout import beside
from desktop.views.text import tr
from desktop.views.theme import Palette, drawn, icon
from desktop.views.timeline.drag_out import DragHandle
from desktop.views.timeline.lane_header import WIDTH

HEIGHT = 28
SIDE = 23
INDENT = 12  # where the headers begin
TOOLS = (
    ("region", "Region", "Drag over time to choose a region"),
    ("rectangle", "Rectangle", "Drag over time and frequency, then move what is inside to another lane"),
    ("brush", "Brush", "Paint over frequencies to move them to another lane"),
)


class LaneTools(QWidget):
    """Buttons and the tab that drags everything.

    Signals:
        tool_chosen: ``region``, ``rectangle`` or ``brush``.
        drag_wanted: all stems are to be dragged out.
    """

    tool_chosen = Signal(str)
    drag_wanted = Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.setFixedSize(WIDTH, HEIGHT)
        self.buttons: dict[str, QToolButton] = {}
        group = QButtonGroup(self)
        for name, words, tip in TOOLS:
            button = self._button(tr(words), tr(tip))
            button.clicked.connect(lambda on, name=name: self.tool_chosen.emit(name))
            group.addButton(button)
            self.buttons[name] = button
        self.look = self._button(tr("Show the spectrogram"), tr("Waveform or spectrogram (W)"))
        self.all = DragHandle(
            tr("Drag all stems into your DAW or a folder, as files; of several chosen lanes, those"), tr("Drag all")
        )
        self.all.dragged.connect(lambda without: self.drag_wanted.emit())
        self.all_words = QLabel(tr("Drag all"))
        self.all_words.setObjectName("caption")
        self.all_words.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        inside = beside(1, self.all_words, spacing=0)
        inside.setContentsMargins(SIDE, 0, 0, 0)
        self.all.setLayout(inside)
        self.all.setFixedSize(self.all_words.sizeHint().width() + SIDE + 4, SIDE)
        row = beside(*self.buttons.values(), self.look, 1, self.all, spacing=3)
        row.insertSpacing(len(self.buttons), 9)
        row.setContentsMargins(INDENT, 2, 8, 3)
        self.setLayout(row)
        self.show_tool("region")
        self.dress(palette)

    def _button(self, name: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName("tool")
        button.setCheckable(True)
        button.setFixedSize(SIDE, SIDE)
        button.setIconSize(QSize(16, 16))
        button.setAccessibleName(name)
        button.setToolTip(tip)
        return button

    def show_tool(self, name: str) -> None:
        """Press the button of a tool."""
        self.buttons[name].setChecked(True)

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        for name, button in (*self.buttons.items(), ("spectrum", self.look)):
            button.setIcon(icon(name, palette.text, on_colour=palette.on_lit))
        self.all.setPixmap(drawn("stack", palette.quiet, 20))
