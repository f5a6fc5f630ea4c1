"""What lanes are drawn from: of stored takes at once, of computed sounds as soon as they are read through once."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np
from PySide6.QtCore import QObject, Signal

from desktop.audio.peaks import PeakBuilder, Peaks
from desktop.audio.read import BLOCK_SAMPLES, Check
from desktop.audio.sounds import PlacedSound
from desktop.audio.spectrogram import Spectrogram, make_spectrogram, with_zooms
from desktop.audio.store import AudioStore
from desktop.models.background import Background
from desktop.models.document import Document
from desktop.models.lane_sound import LaneSounds
from desktop.models.project import Lane, Project
from engine import Cancelled, EngineError


class LanePictures(QObject):
    """Peaks and spectrograms of lanes, those of the open project kept in memory.

    Signals:
        drawn: id of a lane of which there is a new picture.
    """

    drawn = Signal(str)

    def __init__(
        self, document: Document, sounds: LaneSounds, store: AudioStore, background: Background, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._document, self._sounds, self._store, self._background = document, sounds, store, background
        self._peaks: dict[Hashable, Peaks] = {}
        self._spectra: dict[Hashable, Spectrogram] = {}
        self._shown: dict[str, Peaks] = {}  # the last of each lane, until there is a better one
        self._under_way: set[tuple[str, Hashable]] = set()
        document.changed.connect(self._on_change)

    def peaks(self, lane: Lane, of_take: Callable[[Lane], Peaks | None]) -> Peaks | None:
        """Peaks of a lane as it is heard; None, or those it had before, while they are computed.

        Args:
            of_take: peaks of its active take, for a lane that sounds like it.
        """
        bank = self._sounds.bank(self._document.project)
        if bank.stored(lane) is not None:
            return of_take(lane)
        key = bank.key(lane)
        if key not in self._peaks:
            self._compute("peaks", lane.id, key, bank.heard(lane))
            return self._shown.get(lane.id)
        return self._peaks[key]

    def spectrum(self, lane: Lane, of_take: Callable[[Lane], Spectrogram | None]) -> Spectrogram | None:
        """Spectrogram of a lane as it is heard; None while it is computed. Arguments as above."""
        bank = self._sounds.bank(self._document.project)
        if bank.stored(lane) is not None:
            return of_take(lane)
        key = bank.key(lane)
        if key not in self._spectra:
            self._compute("spectrum", lane.id, key, bank.heard(lane))
        return self._spectra.get(key)

    def _compute(self, what: str, lane_id: str, key: Hashable, sound: PlacedSound) -> None:
        if (what, key) in self._under_way:
            return
        self._under_way.add((what, key))
        rate_hz = self._document.project.rate_hz

        def check() -> None:
            self._background.check()
            if (what, key) not in self._under_way:  # nobody wants it any more
                raise Cancelled("the lane sounds different now")

        def show(made: Peaks | Spectrogram) -> None:
            self._under_way.discard((what, key))
            if isinstance(made, Peaks):
                self._peaks[key] = self._shown[lane_id] = made
            else:
                self._spectra[key] = made
            self.drawn.emit(lane_id)

        def fail(error: EngineError) -> None:
            self._under_way.discard((what, key))

        if what == "peaks":
            self._background.run(lambda: peaks_of(sound, check), show, fail)
        else:
            self._background.run(lambda: spectrum_of(sound, rate_hz, check), show, fail)

    def _on_change(self, before: Project, after: Project) -> None:
        if before.source != after.source:
            self._peaks.clear()
            self._spectra.clear()
            self._shown.clear()
        if before.lanes is after.lanes and before.brush is after.brush:
            return
        try:
            bank = self._sounds.bank(after)
        except EngineError:
            return
        wanted = {bank.key(lane) for lane in after.lanes}
        self._under_way = {(what, key) for what, key in self._under_way if key in wanted}
        for kept in (self._peaks, self._spectra):
            for key in [key for key in kept if key not in wanted]:
                del kept[key]


def peaks_of(sound: PlacedSound, check: Check) -> Peaks:
    """Peaks of a sound, read block by block."""
    builder = PeakBuilder()
    for start in range(0, len(sound.samples_NC), BLOCK_SAMPLES):
        check()
        builder.add(np.asarray(sound.samples_NC[start : start + BLOCK_SAMPLES]))
    return builder.finish()


def spectrum_of(sound: PlacedSound, rate_hz: int, check: Check) -> Spectrogram:
    """Spectrogram of a sound."""
    return with_zooms(make_spectrogram(sound.samples_NC, rate_hz, check))
