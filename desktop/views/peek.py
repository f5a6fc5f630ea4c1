"""Holding 1, 2 or 3 hears another side for as long as it is held; a short press stays there."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from desktop.audio.mixer import PlaybackSource
from desktop.models.transport import Transport

HELD_S = 0.4  # from which on a press is no longer a short one
SIDES: dict[int, PlaybackSource] = {
    Qt.Key.Key_1: PlaybackSource.ORIGINAL,
    Qt.Key.Key_2: PlaybackSource.STEMS,
    Qt.Key.Key_3: PlaybackSource.REMOVED,
}


class Peek(QObject):
    """Goes back to the side that was heard before, once a key that was held is let go.

    Args:
        window: whose keys are watched; what is typed into fields never gets there.
        transport: plays the sides; the window's actions choose one when a key goes down.
        now_s: a clock, in seconds.
    """

    def __init__(self, window: QWidget, transport: Transport, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__(window)
        self._transport, self.now_s = transport, now_s
        self._held: tuple[int, PlaybackSource, float] | None = None  # key, what was heard before, since when
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Note a key before its action is done, and see it let go."""
        if isinstance(event, QKeyEvent) and not event.isAutoRepeat():
            key = event.key()
            if event.type() is QEvent.Type.ShortcutOverride and key in SIDES:
                self._held = key, self._transport.listen, self.now_s()
            elif event.type() is QEvent.Type.KeyRelease and self._held is not None and key == self._held[0]:
                self._let_go(*self._held)
        return super().eventFilter(watched, event)

    def _let_go(self, key: int, before: PlaybackSource, since_s: float) -> None:
        self._held = None
        if self.now_s() - since_s >= HELD_S and self._transport.listen is SIDES[key]:
            self._transport.set_listen(before)
