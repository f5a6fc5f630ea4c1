"""Gain, pan and sensitivity of a lane that is too low to show them, on a card beside it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from desktop.message import Message
from desktop.models.document import Document
from desktop.models.project import NEUTRAL, Lane
from desktop.views.text import tr
from desktop.views.theme import Palette
from desktop.views.timeline.gain_field import GainField
from desktop.views.timeline.knob import Knob
from desktop.views.timeline.lane_header import lane_name, pan_words, sensitivity_words

GAIN_WIDTH = 220  # pixels


class LaneCard(QFrame):
    """Controls with their names: three for what was taken out, and two for a lane without a sensitivity."""

    def __init__(self, document: Document, lane: Lane, palette: Palette, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("card")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        title = QLabel(lane_name(lane))
        title.setObjectName("heading")
        self.gain = GainField()
        self.gain.setFixedWidth(GAIN_WIDTH)
        self.gain.set_db(lane.gain_db)
        self.pan = Knob(palette, (-1.0, 1.0), 0.0, 0.0, pan_words)
        self.pan.set_amount(lane.pan)
        self.sensitivity = Knob(palette, (0.0, 1.0), NEUTRAL, 0.0, sensitivity_words)
        self.sensitivity.set_amount(lane.sensitivity)
        self.sensitivity.setVisible(lane.taken_out is not None)
        rows = (
            (tr("Gain"), self.gain, self.gain.changed, "gain of {lane}", "gain_db"),
            (tr("Pan"), self.pan, self.pan.turned, "pan of {lane}", "pan"),
            (tr("Sensitivity"), self.sensitivity, self.sensitivity.turned, "sensitivity of {lane}", "sensitivity"),
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(14, 12, 14, 12)
        grid.setHorizontalSpacing(14)
        grid.addWidget(title, 0, 0, 1, 2)
        for place, (words, control, changed, template, field) in enumerate(rows, 1):
            label, told = QLabel(words), Message(template, lane=lane.name)
            label.setHidden(control.isHidden())
            label.setBuddy(control)
            control.setAccessibleName(words)
            if isinstance(control, Knob):
                control.dress(palette, palette.lanes[lane.colour])
            changed.connect(lambda value, told=told, field=field: document.set_lane(lane.id, told, **{field: value}))
            grid.addWidget(label, place, 0)
            grid.addWidget(control, place, 1, Qt.AlignmentFlag.AlignLeft)

    def open_at(self, place: QPoint) -> None:
        """Show it with its top left corner at a place on the screen."""
        self.adjustSize()
        self.move(place)
        self.show()
        self.gain.fader.setFocus()
