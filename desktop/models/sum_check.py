"""Whether what is heard is the mix: the figure of what the lanes that are heard leave of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from desktop.audio.export import mixed_blocks
from desktop.audio.mixer import Track
from desktop.audio.read import Check
from desktop.message import Message
from desktop.models.background import Background
from desktop.models.document import Document
from desktop.models.lane_sound import LaneSounds
from desktop.models.project import Project
from engine import BIT_FOR_BIT_DB, Cancelled, EngineError

MEASURE_AFTER_MS = 250
GAIN_HEARD_DB = 0.05
EXACT_BELOW_DB = -120.0  # float files cannot be exact to the last bit; see ``engine.audio.quantize``


class SumCheck(QObject):
    """Measures what is heard against the mix whenever something changes.

    Signals:
        changed: level in dB, or None where there is nothing to compare.
    """

    changed = Signal(object)

    def __init__(self, document: Document, sounds: LaneSounds, background: Background, parent: QObject) -> None:
        super().__init__(parent)
        self._document, self._sounds, self._background = document, sounds, background
        self.db: float | None = None
        self._asked = 0
        self._heard: object = None  # what the figure is about
        self._known: dict[object, float] = {}  # of this project
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(MEASURE_AFTER_MS)
        self._soon.timeout.connect(self._measure)
        document.changed.connect(self._on_change)

    @property
    def is_exact(self) -> bool:
        """True while what is heard is the mix."""
        return self.db is not None and self.db <= EXACT_BELOW_DB

    def close(self) -> None:
        """Measure no more."""
        self._soon.stop()

    def _on_change(self, before: Project, after: Project) -> None:
        """Say nothing of what is heard now until it is measured."""
        if before.source != after.source:
            self._known.clear()
        try:
            bank = self._sounds.bank(after)
            heard = [(bank.key(lane), lane.gain_db, lane.pan) for lane in after.lanes if after.heard(lane)]
        except EngineError:
            return
        now = (after.source, tuple(heard)) if after.lanes and after.source is not None else None
        if now == self._heard:
            return
        self._heard, self._asked = now, self._asked + 1
        self._show(self._asked, self._known.get(now))
        if now is not None and now not in self._known:
            self._soon.start()

    def _measure(self) -> None:
        heard = self._heard
        project = self._document.project
        self._asked += 1
        asked = self._asked
        if project.source is None or not project.lanes:
            self._show(asked, None)
            return
        try:
            tracks = heard_tracks(project, self._sounds)
            bank = self._sounds.bank(project)
        except EngineError:
            self._show(asked, None)
            return
        mix, length = Track("mix", bank.mix().samples_NC), project.length

        def check() -> None:
            self._background.check()
            if asked != self._asked:
                raise Cancelled("something else is heard now")

        def show(db: float) -> None:
            self._known[heard] = db
            self._show(asked, db)

        self._background.run(lambda: null_db(tracks, mix, length, check), show, lambda error: None)

    def _show(self, asked: int, db: float | None) -> None:
        if asked == self._asked and db != self.db:
            self.db = db
            self.changed.emit(db)


def departures(project: Project) -> tuple[Message, ...]:
    """What makes that which is heard another sound than the mix, lane by lane."""
    found = []
    for lane in project.lanes:
        heard, part = project.heard(lane), lane.is_else or (lane.role == "stem" and lane.take.is_separated)
        if heard and not part:
            found.append(Message("{lane} is heard and is no part of the mix", lane=lane.name))
        elif part and not heard:
            found.append(Message("{lane} is not heard", lane=lane.name))
        elif part and abs(lane.gain_db) >= GAIN_HEARD_DB:
            louder = "{lane} is louder than in the mix" if lane.gain_db > 0 else "{lane} is softer than in the mix"
            found.append(Message(louder, lane=lane.name))
        elif part and lane.pan:
            found.append(Message("{lane} is moved to the side", lane=lane.name))
    return tuple(found)


def heard_tracks(project: Project, sounds: LaneSounds) -> list[Track]:
    """The lanes that are heard, with gain and pan."""
    bank = sounds.bank(project)
    found = []
    for lane in project.lanes:
        if project.heard(lane):
            sound = bank.heard(lane)
            found.append(Track(lane.id, sound.samples_NC, sound.start, lane.gain, lane.pan))
    return found


def null_db(tracks: Sequence[Track], mix: Track, length: int, check: Check) -> float:
    """Level of the sum of tracks minus the mix, against the mix."""
    left, whole = 0.0, 0.0
    sums = mixed_blocks(tracks, length, check) if tracks else None
    for mix_NC in mixed_blocks([mix], length, check):
        sum_NC = next(sums) if sums is not None else np.zeros_like(mix_NC)
        left += float(np.square(sum_NC.astype(np.float64) - mix_NC).sum())
        whole += float(np.square(mix_NC.astype(np.float64)).sum())
    if left <= 0.0 or whole <= 0.0:
        return BIT_FOR_BIT_DB
    return max(10 * math.log10(left / whole), BIT_FOR_BIT_DB)
