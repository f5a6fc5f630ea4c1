"""Tempo, bars and key of the open project: estimated in a process of its own, kept by content, settled by the user."""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import replace

from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from desktop.audio.store import AudioRef, AudioStore
from desktop.message import Message
from desktop.models.background import Background
from desktop.models.document import Document
from desktop.models.project import Project
from desktop.models.settings import AppSettings
from desktop.models.text_cache import TextCache
from engine import (
    BPM_LIMITS,
    TempoEstimate,
    TimeMap,
    can_estimate,
    estimate_from_text,
    estimate_text,
    listening_command,
)

log = logging.getLogger(__name__)

WAIT_MS = 800  # after a file was opened: drawing it comes first
TAPS_APART_S = 2.5  # a longer wait begins a new count
TAPS_KEPT = 12
LEAVE_MS = 2000
USUAL_BPM = 120.0


class TempoModel(QObject):
    """Bars and beats of a document.

    Args:
        document: whose mix is listened to, and which keeps what the user settles.
        store: has the mix's file, and a cache for estimates.
        settings: ``find_tempo`` False leaves everything to the user.

    Signals:
        changed: the map, the estimate or the state.
    """

    changed = Signal()

    def __init__(
        self, document: Document, store: AudioStore, settings: AppSettings, background: Background, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._document, self._store, self._settings = document, store, settings
        self._kept = TextCache(store.cache, ".tempo", background)
        self.estimate: TempoEstimate | None = None
        self.state = "none"  # none, waiting, working, done, failed, missing, off
        self._process: QProcess | None = None
        self._taps_s: list[float] = []
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(WAIT_MS)
        self._soon.timeout.connect(self._start)
        document.changed.connect(self._on_change)
        settings.changed.connect(lambda name, value: self._begin() if name == "find_tempo" else None)

    @property
    def time_map(self) -> TimeMap | None:
        """What the user has settled, else the estimate; None without either."""
        settled = self._document.project.time_map
        if settled is not None:
            return settled if settled.key or not self.key else replace(settled, key=self.key)
        return self.estimate.time_map if self.estimate is not None else None

    @property
    def settled(self) -> bool:
        """True once the user has changed something."""
        return self._document.project.time_map is not None

    @property
    def key(self) -> str:
        """As ``A minor``; empty while unknown."""
        project = self._document.project
        if project.time_map is not None and project.time_map.key:
            return project.time_map.key
        return self.estimate.key if self.estimate is not None and not project.key_is_unknown else ""

    def words(self, sample: int) -> str:
        """Bar and beat at a sample, as ``12|3``; empty without a map."""
        time_map, rate_hz = self.time_map, self._document.project.rate_hz
        return time_map.words(sample / rate_hz) if time_map is not None and rate_hz else ""

    # What users settle.

    def set_tempo(self, bpm: float) -> None:
        """A steady tempo; bar 1 stays."""
        bpm = min(max(bpm, BPM_LIMITS[0]), BPM_LIMITS[1])
        self._settle(Message("tempo"), self._map().at_tempo(bpm), merge=True)

    def set_meter(self, beats_per_bar: int) -> None:
        """Beats in a bar."""
        self._settle(Message("meter"), replace(self._map(), beats_per_bar=beats_per_bar))

    def set_first_beat(self, sample: int) -> None:
        """Bar 1 begins at a sample."""
        rate_hz = self._document.project.rate_hz
        if rate_hz:
            self._settle(Message("bar 1"), self._map().starting_at(sample / rate_hz))

    def set_key(self, key: str) -> None:
        """The key; an empty one is unknown, and stays so whatever is heard."""
        self._settle(Message("key"), replace(self._map(), key=key), key_is_unknown=not key)

    def double(self) -> None:
        """Twice as many beats."""
        self._settle(Message("double tempo"), self._map().doubled())

    def halve(self) -> None:
        """Half as many beats."""
        self._settle(Message("half tempo"), self._map().halved())

    def tap(self, now_s: float | None = None) -> None:
        """One of several taps in time; the tempo follows from the third."""
        now_s = time.monotonic() if now_s is None else now_s
        if self._taps_s and now_s - self._taps_s[-1] > TAPS_APART_S:
            self._taps_s.clear()
        self._taps_s = [*self._taps_s, now_s][-TAPS_KEPT:]
        if len(self._taps_s) >= 3:
            beat_s = (self._taps_s[-1] - self._taps_s[0]) / (len(self._taps_s) - 1)
            self.set_tempo(round(60.0 / max(beat_s, 1e-3), 1))

    def back_to_estimate(self) -> None:
        """Forget what was settled."""
        before = self._document.project
        self._document.apply(Message("estimated tempo"), replace(before, time_map=None, key_is_unknown=False))

    def close(self) -> None:
        """Stop listening for good."""
        self._soon.stop()
        if (process := self._given_up()) is not None:
            process.waitForFinished(LEAVE_MS)

    def _map(self) -> TimeMap:
        return self.time_map or TimeMap(bpm=USUAL_BPM, key=self.key)

    def _settle(
        self, words: Message, time_map: TimeMap, merge: bool = False, key_is_unknown: bool | None = None
    ) -> None:
        """Keep what the user chose; None leaves it as it was whether the key is unknown."""
        project = self._document.project
        if project.rate_hz:
            unknown = project.key_is_unknown if key_is_unknown is None else key_is_unknown
            after = replace(project, time_map=time_map, key_is_unknown=unknown)
            self._document.apply(words, after, "time:tempo" if merge else "")

    # The estimate.

    def _on_change(self, before: Project, after: Project) -> None:
        if before.source != after.source:
            self._begin()
        elif (before.time_map, before.key_is_unknown) != (after.time_map, after.key_is_unknown):
            self.changed.emit()

    def _begin(self) -> None:
        self._given_up()
        self._soon.stop()
        self.estimate = None
        source = self._document.project.source
        self._say("none" if source is None else self._first_state(source))
        if self.state == "waiting":
            self._soon.start()

    def _first_state(self, source: AudioRef) -> str:
        if (text := self._kept.get(source.sha256)) is not None:
            with contextlib.suppress(ValueError):
                self.estimate = estimate_from_text(text)
                return "done"
        if not self._settings.get("find_tempo"):
            return "off"
        return "waiting" if can_estimate() else "missing"

    def _start(self) -> None:
        source = self._document.project.source
        if source is None or self._process is not None:
            return
        if not self._store.path(source).is_file():  # a long file may still be on its way into the store
            self._soon.start()
            return
        process = self._process = QProcess(self)
        process.finished.connect(lambda code, status: self._on_finished(process, source, code))
        process.errorOccurred.connect(lambda error: self._on_finished(process, source, -1))
        self._say("working")
        command = listening_command("tempo", self._store.path(source))
        process.start(command[0], command[1:])

    def _on_finished(self, process: QProcess, source: AudioRef, code: int) -> None:
        if process is not self._process:
            return
        self._process = None
        process.deleteLater()
        try:
            if code != 0:
                raise ValueError(f"it ended with {code}")
            self.estimate = estimate_from_text(bytes(process.readAllStandardOutput().data()).decode("utf-8"))
        except ValueError as error:
            told = bytes(process.readAllStandardError().data()).decode("utf-8", "replace")
            log.warning("tempo and key could not be estimated: %s %s", error, told[-2000:])
            self._say("failed")
            return
        self._kept.keep(source.sha256, estimate_text(self.estimate))
        self._say("done")

    def _given_up(self) -> QProcess | None:
        """End the process that listens, if there is one; it goes once the system has ended it, and nobody waits."""
        process, self._process = self._process, None
        if process is not None:
            process.finished.connect(process.deleteLater)
            process.kill()
        return process

    def _say(self, state: str) -> None:
        self.state = state
        self.changed.emit()
