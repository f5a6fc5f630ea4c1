"""Speed and pitch of playback, for practice; files and exports stay as they are."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from desktop.audio.player import AudioPlayer
from desktop.audio.stretch import SEMITONE_LIMITS, SPEED_LIMITS, Stretch

STEPS = (0.25, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)


class PracticeSpeed(QObject):
    """What the player is told about speed and pitch.

    Signals:
        changed: speed or pitch.
    """

    changed = Signal()

    def __init__(self, player: AudioPlayer, parent: QObject) -> None:
        super().__init__(parent)
        self._player = player

    @property
    def speed(self) -> float:
        """1 is as it is, 0.5 takes twice as long."""
        return self._player.stretch.speed

    @property
    def semitones(self) -> float:
        """Higher or lower, by so many semitones."""
        return self._player.stretch.semitones

    @property
    def neutral(self) -> bool:
        """True where playback is as it is."""
        return self._player.stretch.neutral

    def set(self, speed: float | None = None, semitones: float | None = None) -> None:
        """Change one or both, within the limits."""
        speed = self.speed if speed is None else min(max(speed, SPEED_LIMITS[0]), SPEED_LIMITS[1])
        semitones = self.semitones if semitones is None else min(max(semitones, SEMITONE_LIMITS[0]), SEMITONE_LIMITS[1])
        wanted = Stretch(round(speed, 3), round(semitones, 2))
        if wanted != self._player.stretch:
            self._player.set_stretch(wanted)
            self.changed.emit()

    def step(self, by: int) -> None:
        """The next slower (-1) or faster (1) of ``STEPS``."""
        others = [one for one in STEPS if (one < self.speed if by < 0 else one > self.speed)]
        if others:
            self.set(speed=others[-1] if by < 0 else others[0])

    def reset(self) -> None:
        """As it is."""
        self.set(speed=1.0, semitones=0.0)
