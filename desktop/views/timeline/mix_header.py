"""The left end of the mix: its name, what kind of file it is, and the level of what is heard."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QContextMenuEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from desktop.models.project import Project
from desktop.views.layout import beside
from desktop.views.text import clock, kilohertz, tr
from desktop.views.theme import Palette
from desktop.views.timeline.lane_header import EDGE, WIDTH
from desktop.views.timeline.lane_name import ShortenedLabel
from desktop.views.timeline.meter import LevelMeter

FACTS_FROM = 48  # pixels of height
INDENT = 28  # of the words, below which the lanes' names stand


class MixHeader(QWidget):
    """Shows the mix.

    Signals:
        menu_wanted: place on the screen.
        chosen: the mix is to be worked on.
    """

    menu_wanted = Signal(QPoint)
    chosen = Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.setFixedWidth(WIDTH)
        self.title, self.facts = ShortenedLabel(), QLabel()
        self.title.setObjectName("heading")
        self.facts.setObjectName("caption")
        self.meter = LevelMeter(palette)
        self.meter.setAccessibleName(tr("Level of what is heard"))
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addStretch(1)
        column.addWidget(self.title)
        column.addWidget(self.facts)
        column.addStretch(1)
        row = beside(column, self.meter, spacing=7)
        row.setStretch(0, 1)
        row.setContentsMargins(EDGE + INDENT, 4, 4, 4)
        self.setLayout(row)

    def show_mix(self, project: Project) -> None:
        """Show the mix of a project."""
        self.title.set_whole(project.title or tr("No mix yet"))
        source = project.source
        self.facts.setText("")
        if source is not None:
            channels = {1: tr("mono"), 2: tr("stereo")}.get(source.channels, f"{source.channels} {tr('channels')}")
            self.facts.setText(f"{clock(source.seconds, 1)}  ·  {kilohertz(source.rate_hz)}  ·  {channels}")

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """A low one shows its name only."""
        self.facts.setVisible(self.height() >= FACTS_FROM)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Work on the mix."""
        self.chosen.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """Offer what can be done with the mix."""
        self.menu_wanted.emit(event.globalPos())
