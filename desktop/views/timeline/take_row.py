"""A take of a lane as a thin row below it: click its name to hear it, swipe over it to hear it there."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QPushButton

from desktop.models.project import Lane, LaneTake
from desktop.views.layout import beside
from desktop.views.text import tr
from desktop.views.theme import Palette, mark
from desktop.views.timeline.lane_header import WIDTH, take_words
from desktop.views.timeline.waveform_view import WaveformView

HEIGHT = 30
INDENT = 30


class TakeRow(QFrame):
    """Shows one take.

    Signals:
        chosen: it is to be the take that is heard.
    """

    chosen = Signal()

    def __init__(self, wave: WaveformView) -> None:
        super().__init__()
        self.setObjectName("lane")
        self.setFixedHeight(HEIGHT)
        self.wave = wave
        wave.setToolTip(tr("Drag over a part to hear this take there"))
        self.name = QPushButton()
        self.name.setObjectName("takeName")
        self.name.setCheckable(True)
        self.name.setFixedSize(WIDTH - INDENT - 6, HEIGHT - 6)
        self.name.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.name.setToolTip(
            f"{tr('Hear this take')}\n{tr('The fit says how like the prompt it sounds, from -1 to 1')}"
        )
        self.name.clicked.connect(self.chosen)
        row = beside(self.name, (wave, 1), spacing=0)
        row.setContentsMargins(INDENT, 0, 0, 1)
        row.insertSpacing(1, 6)
        self.setLayout(row)

    def show_take(self, lane: Lane, take: LaneTake, palette: Palette) -> None:
        """Show it, strong where it is heard."""
        number = lane.takes.index(take)
        self.name.setText(take_words(number + 1, take))
        self.name.setChecked(number == lane.active)
        mark(self, "current", number == lane.active)
        self.wave.dress(palette, palette.lanes[lane.colour])
        parts = tuple((part.first, part.last) for part in lane.comp if part.take_id == take.id)
        self.wave.set_dimmed(number != lane.active and not parts)
        self.wave.set_selection(None, parts)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Always the same height."""
        return QSize(super().sizeHint().width(), HEIGHT)
