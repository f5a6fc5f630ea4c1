"""Speed and pitch of playback: a button that says them, and a card to change them."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QSlider, QToolButton, QWidget

from desktop.audio.stretch import SEMITONE_LIMITS, SPEED_LIMITS
from desktop.models.playback_speed import PracticeSpeed
from desktop.views.layout import beside, under
from desktop.views.sliders import ResetSlider
from desktop.views.text import tr
from desktop.views.theme import Palette, icon, number_font

WIDTH, NEUTRAL_WIDTH = 96, 32  # pixels; at the usual speed there is nothing to say
PERCENT = 100
QUICK = (0.5, 0.75, 0.9, 1.0)


class SpeedButton(QToolButton):
    """Says speed and pitch; opens their card.

    Args:
        speed: what is shown and changed.
    """

    def __init__(self, speed: PracticeSpeed) -> None:
        super().__init__()
        self._speed = speed
        self.card = SpeedCard(speed, self)
        self.setFont(number_font(9.5))
        self.setIconSize(QSize(18, 18))
        self.setAccessibleName(tr("Speed and pitch of playback"))
        self.setCheckable(True)  # on while anything is changed
        self.clicked.connect(lambda on: self._open())
        speed.changed.connect(self.show_speed)
        self.show_speed()

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self.setIcon(icon("speed", palette.text, on_colour=palette.on_lit))

    def _open(self) -> None:
        self.show_speed()
        self.card.open_at(self.mapToGlobal(QPoint(0, self.height() + 4)))

    def show_speed(self) -> None:
        """Show what is played."""
        speed, semitones = self._speed.speed, self._speed.semitones
        words = f"{speed:.0%}"
        if semitones:
            words += f" {semitones:+g}"
        self.setText(words)
        neutral = self._speed.neutral
        self.setChecked(not neutral)
        self.setFixedSize(NEUTRAL_WIDTH if neutral else WIDTH, 32)
        style = Qt.ToolButtonStyle
        self.setToolButtonStyle(style.ToolButtonIconOnly if neutral else style.ToolButtonTextBesideIcon)
        self.setToolTip(
            tr("Speed and pitch of playback, for practice (Ctrl+Alt+Left, Ctrl+Alt+Right); files are not changed")
        )


class SpeedCard(QFrame):
    """Two sliders."""

    def __init__(self, speed: PracticeSpeed, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("card")
        self._speed = speed
        low, high = (round(limit * PERCENT) for limit in SPEED_LIMITS)
        self.speed, self.speed_words = self._slider(tr("Speed"), low, high, PERCENT)
        self.speed.valueChanged.connect(lambda value: speed.set(speed=value / PERCENT))
        low, high = (round(limit) for limit in SEMITONE_LIMITS)
        self.pitch, self.pitch_words = self._slider(tr("Pitch"), low, high, 0)
        self.pitch.valueChanged.connect(lambda value: speed.set(semitones=float(value)))
        self.quick = {share: self._quick(share) for share in QUICK}
        self.reset = QPushButton(tr("Usual speed and pitch"))
        self.reset.clicked.connect(lambda on: speed.reset())
        note = QLabel(tr("Only for listening: files and exports stay as they are"))
        note.setObjectName("caption")
        note.setWordWrap(True)
        speed_name, pitch_name = QLabel(tr("Speed")), QLabel(tr("Pitch"))
        under(
            self,
            (14, 12, 14, 12),
            beside(speed_name, 1, self.speed_words),
            self.speed,
            beside(*self.quick.values()),
            beside(pitch_name, 1, self.pitch_words),
            self.pitch,
            self.reset,
            note,
            spacing=8,
        )
        self.setFixedWidth(280)
        speed.changed.connect(self.show_speed)
        self.show_speed()

    def _slider(self, name: str, low: int, high: int, usual: int) -> tuple[QSlider, QLabel]:
        slider = ResetSlider(Qt.Orientation.Horizontal)
        slider.setRange(low, high)
        slider.usual = usual
        slider.setAccessibleName(name)
        slider.setToolTip(tr("A double click goes back to the usual place"))
        words = QLabel()
        words.setFont(number_font(9.5))
        return slider, words

    def _quick(self, share: float) -> QPushButton:
        button = QPushButton(f"{share:.0%}")
        button.setObjectName("chip")
        button.clicked.connect(lambda on: self._speed.set(speed=share))
        return button

    def open_at(self, place: QPoint) -> None:
        """Show it with its top left corner at a place on the screen."""
        self.adjustSize()
        self.move(place)
        self.show()
        self.speed.setFocus()

    def show_speed(self) -> None:
        """Show what is played."""
        speed = self._speed
        for slider, value in ((self.speed, speed.speed * PERCENT), (self.pitch, speed.semitones)):
            slider.blockSignals(True)
            slider.setValue(round(value))
            slider.blockSignals(False)
        self.speed_words.setText(f"{speed.speed:.0%}")
        words = tr("semitones") if abs(speed.semitones) != 1 else tr("semitone")
        self.pitch_words.setText(f"{speed.semitones:+g} {words}" if speed.semitones else f"0 {words}")
        self.reset.setEnabled(not speed.neutral)
