"""What opens at the tempo: how sure it is, and everything about bars and key that can be changed."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QFrame, QLabel, QPushButton, QSpinBox, QWidget

from desktop.models.tempo import TempoModel
from desktop.models.transport import Transport
from desktop.views.layout import beside, under
from desktop.views.text import percent, short_number, tr
from engine import BPM_LIMITS, KEY_NAMES, METER_LIMITS

SURE, LIKELY = 0.8, 0.5  # from these probabilities on; no key is ever sure, see engine/notes/calibration.py
TEXT_MARGIN, CHOICE_WIDTH = 6, 118  # pixels
STATES = {
    "none": "",
    "waiting": "Listening for tempo and key …",
    "working": "Listening for tempo and key …",
    "done": "",
    "failed": "Tempo and key could not be estimated; set them here",
    "missing": "To have tempo and key estimated, install the extra “tempo”; or set them here",
    "off": "Estimating is switched off in the settings; set tempo and key here",
}


def sure_words(confidence: float) -> str:
    """How sure, in a word and a share: ``likely (53 %)``."""
    word = tr("sure") if confidence >= SURE else tr("likely") if confidence >= LIKELY else tr("a guess")
    return f"{word} ({percent(confidence)})"


class TempoCard(QFrame):
    """A small window under the tempo.

    Args:
        tempo: what is shown and changed.
        transport: knows the cursor, where bar 1 can be put.
    """

    def __init__(self, tempo: TempoModel, transport: Transport, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("card")
        self._tempo, self._transport = tempo, transport
        self.words = QLabel()
        self.words.setObjectName("caption")
        self.words.setWordWrap(True)
        self.bpm = QDoubleSpinBox()
        self.bpm.setRange(*BPM_LIMITS)
        self.bpm.setDecimals(2)
        self.bpm.setSuffix(" BPM")
        self.bpm.setKeyboardTracking(False)
        self.bpm.setAccessibleName(tr("Tempo"))
        self.bpm.valueChanged.connect(tempo.set_tempo)
        self.meter = QSpinBox()
        self.meter.setRange(*METER_LIMITS)
        self.meter.setKeyboardTracking(False)
        self.meter.setAccessibleName(tr("Beats in a bar"))
        self.meter.valueChanged.connect(tempo.set_meter)
        for box in (self.bpm, self.meter):
            box.lineEdit().setTextMargins(TEXT_MARGIN, 0, 0, 0)
        self.key = QComboBox()
        self.key.setAccessibleName(tr("Key"))
        self.key.addItem(tr("unknown"), "")
        for key in KEY_NAMES:
            self.key.addItem(tr(key), key)
        self.key.activated.connect(lambda place: tempo.set_key(str(self.key.itemData(place))))
        self.half = self._button("÷ 2", tr("Half as many beats"), tempo.halve)
        self.twice = self._button("× 2", tr("Twice as many beats"), tempo.double)
        self.beat = self._button(tr("Tap"), tr("Press it in time, three times or more"), tempo.tap)
        self.first = self._button(
            tr("Bar 1 at the cursor"), tr("Bars are counted from the cursor"),
            lambda: tempo.set_first_beat(transport.position),
        )  # fmt: skip
        self.back = self._button(tr("Back to the estimate"), tr("Forget what was changed here"), tempo.back_to_estimate)
        self.meter.setFixedWidth(CHOICE_WIDTH)
        self.key.setFixedWidth(CHOICE_WIDTH)
        self._lay_out()
        tempo.changed.connect(self.show_tempo)
        self.show_tempo()

    def _button(self, words: str, tip: str, do: object) -> QPushButton:
        button = QPushButton(words)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.clicked.connect(lambda on: do())  # type: ignore[operator]
        return button

    def _lay_out(self) -> None:
        names = {widget: QLabel(words) for widget, words in ((self.meter, tr("Beats in a bar")), (self.key, tr("Key")))}
        for widget, label in names.items():
            label.setBuddy(widget)
        under(
            self,
            (14, 12, 14, 12),
            self.words,
            beside(self.bpm, self.half, self.twice, self.beat),
            beside(names[self.meter], 1, self.meter),
            beside(names[self.key], 1, self.key),
            self.first,
            self.back,
            spacing=8,
        )
        self.setFixedWidth(330)

    def open_at(self, place: QPoint) -> None:
        """Show it with its top left corner at a place on the screen."""
        self.show_tempo()
        self.adjustSize()
        self.move(place)
        self.show()
        self.bpm.setFocus()
        self.bpm.selectAll()

    def show_tempo(self) -> None:
        """Show what the model says."""
        tempo, time_map = self._tempo, self._tempo.time_map
        for field in (self.bpm, self.meter, self.key):
            field.blockSignals(True)
        self.bpm.setValue(time_map.bpm if time_map is not None else 120.0)
        self.meter.setValue(time_map.beats_per_bar if time_map is not None else 4)
        self.key.setCurrentIndex(max(self.key.findData(tempo.key), 0))
        for field in (self.bpm, self.meter, self.key):
            field.blockSignals(False)
        self.back.setVisible(tempo.settled and tempo.estimate is not None)
        self.words.setText(self.told)

    @property
    def told(self) -> str:
        """What was estimated and how sure that is, or why nothing was."""
        estimate = self._tempo.estimate
        if estimate is None:
            return tr(STATES[self._tempo.state])
        lines = []
        if estimate.bpm:
            lines.append(f"{short_number(estimate.bpm)} BPM: {sure_words(estimate.bpm_confidence)}")
            lines.append(f"{tr('First beat of the bar')}: {sure_words(estimate.downbeat_confidence)}")
            if estimate.beats_s:
                lines.append(tr("The tempo drifts; the grid follows every beat"))
        else:
            lines.append(tr("No beat was heard"))
        if estimate.key:
            lines.append(f"{tr(estimate.key)}: {sure_words(estimate.key_confidence)}")
        return f"{tr('Estimated')}\n" + "\n".join(lines)
