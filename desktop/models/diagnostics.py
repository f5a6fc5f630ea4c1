"""The report on this machine: what ``fluxstem doctor`` finds, and how fast the sound device answers."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from desktop.audio.player import AudioPlayer
from desktop.models.background import Background
from engine import examine, findings_lines


class Diagnostics(QObject):
    """Examines the machine.

    Args:
        background: does it.
        player: has measured the sound device.
        parent: owns it.

    Signals:
        examined: the report as text.
    """

    examined = Signal(str)

    def __init__(self, background: Background, player: AudioPlayer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background, self._player = background, player

    def examine(self) -> None:
        """Start; ``examined`` follows."""
        self._background.run(
            lambda: "\n".join([*findings_lines(examine()), *self.sound_lines()]),
            self.examined.emit,
            lambda error: self.examined.emit(str(error)),
        )

    def sound_lines(self) -> list[str]:
        """The delay of solo and mute; nothing before something was played."""
        if self._player.change_s is None:
            return []
        ring_ms, device_ms = (1000 * part for part in self._player.change_s)
        words = f"{ring_ms:.0f} ms in the buffer and {device_ms:.0f} ms in the device, as it reports"
        return [f"solo and mute  heard after about {words} ({self._player.device_name})"]
