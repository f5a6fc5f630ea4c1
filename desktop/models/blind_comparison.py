"""A blind comparison of the takes of a lane: equally loud, in a random order, called A, B, C until one is chosen."""

from __future__ import annotations

import random
import string

import numpy as np
from PySide6.QtCore import QObject, Signal

from desktop.audio.loudness import SILENT_LUFS, loudness_lufs
from desktop.message import Message
from desktop.models.project import Lane
from desktop.models.workspace import Workspace

MEASURED_S = 60.0
MOST = len(string.ascii_uppercase)


class BlindComparison(QObject):
    """Plays takes without their names.

    Args:
        lane: with several takes.
        rng: for the order.
        parent: owns it.

    Signals:
        ready: the takes play equally loud from now on.
    """

    ready = Signal()

    def __init__(self, workspace: Workspace, lane: Lane, rng: random.Random, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace, self._lane = workspace, lane
        order = list(range(min(len(lane.takes), MOST)))
        rng.shuffle(order)
        self._order = dict(zip(string.ascii_uppercase, order, strict=False))
        self._gains_db = [0.0] * len(lane.takes)
        self.heard = ""
        workspace.background.run(self._measured, self._take_gains, lambda error: None)

    @property
    def letters(self) -> tuple[str, ...]:
        """What the takes are called."""
        return tuple(self._order)

    def hear(self, letter: str) -> None:
        """Play the take of a letter, from where the cursor is."""
        self.heard, take = letter, self._order[letter]
        self._workspace.transport.try_take(self._lane.id, take, self._gains_db[take])
        if not self._workspace.transport.playing:
            self._workspace.transport.play()

    def choose(self, letter: str) -> dict[str, int]:
        """Make the take of a letter the active one.

        Returns:
            What each letter was: the number of its take, from 1.
        """
        self.end()
        self._workspace.document.set_lane(self._lane.id, Message("choose a take"), active=self._order[letter], comp=())
        return {one: take + 1 for one, take in self._order.items()}

    def end(self) -> None:
        """Play the active take again."""
        self._workspace.transport.try_take()

    def _measured(self) -> list[float]:
        """How much each take is turned down so that all are as loud as the quietest."""
        store, check = self._workspace.store, self._workspace.background.check
        levels = []
        for take in self._lane.takes:
            samples_NC, rate_hz = store.samples(take.audio), take.audio.rate_hz
            wanted = min(len(samples_NC), round(MEASURED_S * rate_hz))
            begin = (len(samples_NC) - wanted) // 2
            levels.append(loudness_lufs(np.asarray(samples_NC[begin : begin + wanted]), rate_hz, check))
        quietest = min((level for level in levels if level != SILENT_LUFS), default=0.0)
        return [0.0 if level == SILENT_LUFS else quietest - level for level in levels]

    def _take_gains(self, gains_db: list[float]) -> None:
        self._gains_db = gains_db
        if self.heard and self._workspace.transport.on_trial:
            self.hear(self.heard)
        self.ready.emit()
