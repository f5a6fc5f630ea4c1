"""Playback of a project: original, stems or what was removed, at matched loudness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from desktop.audio.click import click_sound
from desktop.audio.export import mixed_blocks
from desktop.audio.loudness import SILENT_LUFS, loudness_lufs
from desktop.audio.mixer import PlaybackScene, PlaybackSource, Track
from desktop.audio.player import GONE, AudioPlayer, NoOutputDevice, PlaybackEnd, SoundTrouble, output_devices
from desktop.audio.read import Check, FloatArray
from desktop.audio.sounds import PlacedSound, difference
from desktop.audio.spectral import BrushShape, under_brush
from desktop.audio.store import AudioStore
from desktop.message import Message
from desktop.models.background import Background
from desktop.models.document import Document
from desktop.models.ghosts import GhostLane
from desktop.models.lane_sound import LaneSounds, shape_of
from desktop.models.project import BrushEdit, Lane, Project
from desktop.models.settings import AppSettings
from engine import AudioError, EngineError, TimeMap

MEASURED_S = 60.0
MATCH_LIMIT_DB = 18.0
MEASURE_AFTER_MS = 250
CURSOR_MS = 16
ORIGINAL, CLICK = "original", "click"
LIKELY_THERE = 0.5  # presence from which on a stem counts as there


class Transport(QObject):
    """Play, stop, seek, loop, and the loudness match.

    Signals:
        moved: sample at the playback cursor.
        state_changed: True while it plays.
        listen_changed: which of ``PlaybackSource``.
        looping_changed: True while the region is repeated.
        only_changed: True while only a part of the spectrum is heard.
        match_changed: gain in dB that makes both sides equally loud.
        stopped: why, a ``Message``; None at the end of the sound.
        told: a ``Message`` that is no trouble.
    """

    moved = Signal(int)
    state_changed = Signal(bool)
    listen_changed = Signal(object)
    looping_changed = Signal(bool)
    only_changed = Signal(bool)
    match_changed = Signal(float)
    stopped = Signal(object)
    told = Signal(object)
    _ended = Signal(object)

    def __init__(
        self, document: Document, sounds: LaneSounds, store: AudioStore, background: Background,
        settings: AppSettings, parent: QObject,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._document, self._store, self._background, self._settings = document, store, background, settings
        self._sounds = sounds
        self.ghosts: tuple[GhostLane, ...] = ()
        self.player = AudioPlayer(self._ended.emit)
        self.listen = PlaybackSource.STEMS
        self.looping = False
        self.time_map: TimeMap | None = None
        self._clicks: tuple[object, Track | None] = (None, None)
        self._only: tuple[str, BrushShape] | None = None
        self._only_sound: tuple[object, PlacedSound] | None = None  # of what, and what of it
        self._trial: tuple[str, int, float] | None = None  # lane, take, and gain in dB
        self._tried: tuple[object, Project] | None = None  # of what, and what it makes of the project
        self.clipped: set[str] = set()  # ids of lanes that were above full scale, "" for all together
        self.match_db = 0.0
        self._measured: object = None
        self._measuring: object = None
        self._cursor = QTimer(self)
        self._cursor.setInterval(CURSOR_MS)
        self._cursor.timeout.connect(lambda: self.moved.emit(self.player.position))
        self._measure_soon = QTimer(self)
        self._measure_soon.setSingleShot(True)
        self._measure_soon.setInterval(MEASURE_AFTER_MS)
        self._measure_soon.timeout.connect(self._measure)
        self._ended.connect(self._on_end)
        document.changed.connect(self._on_change)
        document.selection_changed.connect(lambda selection: self.refresh())
        settings.changed.connect(self._on_setting)
        self._read_settings()

    def warm(self) -> None:
        """Load what plays before anybody presses play: it looks for all devices, and the window would wait for that."""
        self._background.run(lambda: self.player.library(), lambda library: None, lambda error: None)

    @property
    def playing(self) -> bool:
        """True while it plays."""
        return self.player.playing

    @property
    def position(self) -> int:
        """Sample at the playback cursor."""
        return self.player.position

    def hear_only(
        self, lane_id: str = "", region: tuple[int, int] | None = None, band_hz: tuple[float, float] | None = None
    ) -> None:
        """Hear only a rectangle of the spectrum of a lane, or of the mix; without a region, everything again.

        Args:
            lane_id: empty for the mix.
            region: samples of the project, past the last.
            band_hz: lowest and highest frequency; None for all.
        """
        low_hz, high_hz = band_hz or (0.0, float(self._document.project.rate_hz))
        self._only = None if region is None else (lane_id, BrushShape(*region, low_hz, high_hz, 1.0))
        self._only_sound = None
        self.refresh()
        self.only_changed.emit(self.hears_only)

    def hear_shape(self, edit: BrushEdit) -> None:
        """Hear only what a rectangle or a stroke covers of the lane it was drawn on; ``hear_only()`` ends it."""
        self._only = (edit.source, shape_of(edit))
        self._only_sound = None
        self.refresh()
        self.only_changed.emit(True)

    def try_take(self, lane_id: str = "", active: int = 0, gain_db: float = 0.0) -> None:
        """Hear another take of a lane without making it the active one; without a lane, all as they are again."""
        self._trial = (lane_id, active, gain_db) if lane_id else None
        self.refresh()

    @property
    def on_trial(self) -> bool:
        """True while another take than the active one may be heard."""
        return self._trial is not None

    @property
    def hears_only(self) -> bool:
        """True while only a part of the spectrum is heard."""
        return self._only is not None

    def levels(self) -> dict[str, tuple[float, float]]:
        """Highest level left and right since the last call, by id of the lane, "" for all together; empty at rest."""
        levels = self.player.take_levels()
        self.clipped |= {key for key, peaks in levels.items() if max(peaks) > 1.0}
        return levels

    def clear_clips(self) -> None:
        """Forget what was too loud."""
        self.clipped = set()

    def play_pause(self) -> None:
        """Toggle playback."""
        if self.playing:
            self.stop()
        else:
            self.play()

    def play(self) -> None:
        """Start at the cursor; where a region is chosen, inside it."""
        selection = self._document.selection
        if selection is not None and not selection[0] <= self.position < selection[1]:
            self.player.seek(selection[0])
        self.refresh()
        try:
            self.player.play()
        except NoOutputDevice as error:
            self.stopped.emit(SoundTrouble.of(error))
            return
        if self.playing:
            self._cursor.start()
            self.state_changed.emit(True)

    def stop(self) -> None:
        """Stop at the current position."""
        self.player.stop()
        self._cursor.stop()
        self.moved.emit(self.player.position)
        self.state_changed.emit(False)

    def seek(self, sample: int) -> None:
        """Move the cursor."""
        try:
            self.player.seek(sample)
        except NoOutputDevice as error:
            self.stopped.emit(SoundTrouble.of(error))
        self.moved.emit(self.player.position)

    def set_listen(self, listen: PlaybackSource) -> None:
        """Choose original, stems or what was removed."""
        if listen is not self.listen:
            self.listen = listen
            self.refresh()
            self.listen_changed.emit(listen)

    def show_time_map(self, time_map: TimeMap | None) -> None:
        """Set where the beats are, for the click."""
        if time_map != self.time_map:
            self.time_map = time_map
            self.refresh()

    def set_looping(self, on: bool) -> None:
        """Loop the selection, or everything if there is none."""
        self.looping = on
        self.refresh()
        self.looping_changed.emit(on)

    def refresh(self) -> None:
        """Pass the current state to the player."""
        project = self._document.project
        try:
            scene = self.scene(project)
        except AudioError as error:
            self.stopped.emit(Message.of(error))
            return
        self.player.show(scene, project.rate_hz)

    def scene(self, project: Project) -> PlaybackScene:
        """What is to be heard of a project.

        Raises:
            AudioError: audio is gone from the cache.
        """
        matched = bool(self._settings.get("match")) and self.listen is not PlaybackSource.ORIGINAL
        listen = self.listen if project.source is not None else PlaybackSource.STEMS
        if not project.lanes and not any(ghost.plays for ghost in self.ghosts):
            listen = PlaybackSource.ORIGINAL
        original = PlacedSound(self._store.samples(project.source)) if project.source else None
        if self._only is not None:
            matched, listen = False, PlaybackSource.STEMS if self._only[0] else PlaybackSource.ORIGINAL
            if not self._only[0] and original is not None:
                original = self._alone(ORIGINAL, original, project.rate_hz)
        loop = None
        if self.looping:
            loop = self._document.selection or (0, project.length)
        return PlaybackScene(
            original=Track(ORIGINAL, original.samples_NC) if original is not None else None,
            tracks=tuple(self._tracks(project)),
            listen=listen,
            match=10 ** (self.match_db / 20) if matched and project.lanes else 1.0,
            volume=float(self._settings.get("volume")),
            length=project.length,
            loop=loop,
            click=self._click(project) if self._settings.get("click") else None,
        )

    def close(self) -> None:
        """Stop for good."""
        self._measure_soon.stop()
        self._cursor.stop()
        self.player.stop()

    def _alone(self, key: object, sound: PlacedSound, rate_hz: int) -> PlacedSound:
        """The part of a sound that is to be heard alone."""
        assert self._only is not None
        if self._only_sound is None or self._only_sound[0] != key:
            self._only_sound = (key, under_brush(sound, self._only[1], rate_hz))
        return self._only_sound[1]

    def show_ghosts(self, ghosts: tuple[GhostLane, ...]) -> None:
        """Play lanes that are on their way too, as far as they are filled."""
        played = [(one.id, one.solo, one.mute, one.filled, one.settled) for one in ghosts if one.plays]
        before = [(one.id, one.solo, one.mute, one.filled, one.settled) for one in self.ghosts if one.plays]
        if played and not before and not self._document.project.lanes:
            self._stay_with_original()
        self.ghosts = ghosts
        if played != before:
            self.refresh()

    def _on_trial(self, project: Project) -> Project:
        """The project with the take that is tried as the active one."""
        lane = project.lane(self._trial[0]) if self._trial is not None else None
        if self._trial is None or lane is None or self._trial[1] >= len(lane.takes):
            return project
        key = (id(project), self._trial)
        if self._tried is None or self._tried[0] != key:
            self._tried = key, project.with_lane(replace(lane, active=self._trial[1], comp=()))
        return self._tried[1]

    def _tracks(self, project: Project) -> Iterator[Track]:
        project = self._on_trial(project)
        bank = self._sounds.bank(project)
        own = {lane.id for lane in project.lanes}
        ghosts = [ghost for ghost in self.ghosts if ghost.plays and ghost.id not in own]
        soloed = any(lane.solo for lane in project.lanes) or any(ghost.solo for ghost in ghosts)
        on_their_way = [ghost.played for ghost in ghosts if ghost.role == "stem" and ghost.played is not None]
        for lane in project.lanes:
            sound = bank.heard(lane)
            if lane.is_else and on_their_way:
                sound = difference(sound, on_their_way)
            heard = lane.solo if soloed else not lane.mute
            if self._only is not None:
                heard = lane.id == self._only[0]
                sound = self._alone(bank.key(lane), sound, project.rate_hz) if heard else sound
            key, gain = lane.id, lane.gain
            if self._trial is not None and lane.id == self._trial[0]:  # a key of its own: one take fades into the next
                key, gain, heard = f"{lane.id} {lane.active}", gain * 10 ** (self._trial[2] / 20), True
            yield Track(key, sound.samples_NC, sound.start, gain, lane.pan, heard)
        for ghost in ghosts:
            if ghost.played is not None:
                heard = (ghost.solo if soloed else not ghost.mute) and self._only is None
                yield Track(ghost.id, ghost.played.samples_NC, ghost.played.start, heard=heard)

    def _click(self, project: Project) -> Track | None:
        """The click, the same one as long as the beats stay."""
        state = (self.time_map, project.rate_hz, project.length)
        if self._clicks[0] != state:
            made = None
            if self.time_map is not None and project.rate_hz:
                made = Track(CLICK, click_sound(self.time_map, project.rate_hz, project.length))
            self._clicks = state, made
        return self._clicks[1]

    def _on_change(self, before: Project, after: Project) -> None:
        if before.source != after.source or before.rate_hz != after.rate_hz:
            self.player.stop()
            self.player.seek(0)
            self._cursor.stop()
            self.state_changed.emit(False)
            self.moved.emit(0)
            self.match_db = 0.0
            self._only = self._only_sound = self._trial = self._tried = None
            self.only_changed.emit(False)
        elif after.lanes and not before.lanes and not any(ghost.plays for ghost in self.ghosts):
            self._stay_with_original()
        self.refresh()
        self._measure_soon.start()

    def _stay_with_original(self) -> None:
        """While somebody listens to the mix, lanes that appear do not take its place."""
        if self.playing and self._document.project.source is not None:
            self.set_listen(PlaybackSource.ORIGINAL)

    def _on_end(self, ended: PlaybackEnd) -> None:
        was = self.player.position
        self.player.stop()
        if ended.device_gone and self._goes_on():
            return
        self._cursor.stop()
        self.player.seek(was if ended.message else 0)
        self.moved.emit(self.player.position)
        self.state_changed.emit(False)
        self.stopped.emit(SoundTrouble(GONE) if ended.device_gone else ended.message)

    def _goes_on(self) -> bool:
        """Continue on another device; False if there is none."""
        try:
            name = self.player.play_elsewhere()
        except NoOutputDevice:
            return False
        self.told.emit(Message("the audio device is gone; playback continues on {name}", name=name))
        return True

    def _on_setting(self, name: str, value: object) -> None:
        if name in ("volume", "match", "click"):
            self.refresh()
        elif name in ("output", "ring_frames"):
            self.stop()
            self._read_settings()

    def _read_settings(self) -> None:
        wanted = str(self._settings.get("output"))
        devices = output_devices(library=self.player.library) if wanted else []
        self.player.device = next((row.index for row in devices if row.name == wanted), None)
        self.player.ring_frames = int(self._settings.get("ring_frames"))

    # Equal loudness.

    def _measure(self) -> None:
        project, listen = self._document.project, self.listen
        bank = self._sounds.bank(project)
        audible = [lane for lane in project.lanes if project.heard(lane)]
        heard = tuple((bank.key(lane), lane.gain_db, lane.pan) for lane in audible)
        if project.source is None or not heard or (project.source, heard) == self._measured:
            return
        measured = self._measuring = (project.source, heard)
        scene = replace(self.scene(project), listen=listen)

        def show(match_db: float) -> None:
            if measured != self._measuring:  # something else is heard now, and measured too
                return
            self._measured = measured
            self.match_db = match_db
            self.match_changed.emit(match_db)
            self.refresh()

        def fail(error: EngineError) -> None:
            self.stopped.emit(Message.of(error))

        if not any(is_there(lane) for lane in audible):
            show(0.0)  # what is not there is not lifted
            return
        self._background.run(lambda: self._match_db(scene, project.rate_hz), show, fail)

    def _match_db(self, scene: PlaybackScene, rate_hz: int) -> float:
        check = self._background.check
        audible = [track for track in scene.tracks if track.heard]
        original = [scene.original] if scene.original else []
        a = loudness_lufs(_excerpt(original, scene.length, rate_hz, check), rate_hz, check)
        b = loudness_lufs(_excerpt(audible, scene.length, rate_hz, check), rate_hz, check)
        if SILENT_LUFS in (a, b) or a - b > MATCH_LIMIT_DB:
            return 0.0  # so far below the mix, it is its noise that would be matched
        return float(max(a - b, -MATCH_LIMIT_DB))


def is_there(lane: Lane) -> bool:
    """False for a lane of which the model says that it is probably not in the mix."""
    made = lane.take.made
    return not lane.take.is_separated or made.presence is None or made.presence >= LIKELY_THERE


def _excerpt(tracks: list[Track], length: int, rate_hz: int, check: Check) -> FloatArray:
    """The middle minute of a mix."""
    wanted = min(length, round(MEASURED_S * rate_hz))
    start = (length - wanted) // 2
    moved = [replace(track, start=track.start - start) for track in tracks]
    blocks = list(mixed_blocks(moved, wanted, check))
    return np.concatenate(blocks) if blocks else np.zeros((1, 1), np.float32)
