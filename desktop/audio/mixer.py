"""The mixer: renders lanes with gain, pan, solo and mute, the original, or what was removed, block by block.

Every change of gain is a ramp, so nothing clicks.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from desktop.audio.sounds import SoundSamples

FloatArray = npt.NDArray[np.float32]

RAMP_S = 0.025  # a full-scale step takes this long, so two samples never differ by more than -60 dB because of it
OUT_CHANNELS = 2
REMEMBERED = 64  # calls of render that can be taken back; the largest buffer of the settings holds 32


class PlaybackSource(Enum):
    """What is played."""

    STEMS = "stems"
    ORIGINAL = "original"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Track:
    """One track of the mix.

    Attributes:
        key: whose it is; a track keeps its ramp as long as its key stays.
        samples_NC: float32 (samples, channels).
        start: where it begins, in frames.
        gain: linear.
        pan: -1 left to 1 right, 0 leaves both sides as they are.
        heard: False means muted, or another track is soloed.
    """

    key: str
    samples_NC: SoundSamples
    start: int = 0
    gain: float = 1.0
    pan: float = 0.0
    heard: bool = True


@dataclass(frozen=True, slots=True)
class PlaybackScene:
    """Everything the mixer plays; replaced as a whole, so that a change is atomic.

    Attributes:
        original: the mix, None while there is none.
        tracks: the lanes.
        listen: what is wanted.
        match: linear gain on stems and removed that makes them as loud as the original.
        volume: linear gain on everything.
        length: frames until the end.
        loop: ``(first, past the last)`` frame to repeat, None to go on.
        click: on every beat, heard beside whatever is listened to; None for silence.
    """

    original: Track | None = None
    tracks: tuple[Track, ...] = ()
    listen: PlaybackSource = PlaybackSource.STEMS
    match: float = 1.0
    volume: float = 1.0
    length: int = 0
    loop: tuple[int, int] | None = None
    click: Track | None = None


def wanted_gains(scene: PlaybackScene) -> dict[str, tuple[FloatArray, Track]]:
    """Target gains left and right, per track."""
    gains: dict[str, tuple[FloatArray, Track]] = {}
    sign = -1.0 if scene.listen is PlaybackSource.REMOVED else 1.0
    if scene.original is not None:
        full = 0.0 if scene.listen is PlaybackSource.STEMS else scene.volume
        if scene.listen is PlaybackSource.REMOVED:
            full *= scene.match
        gains[scene.original.key] = (np.full(2, full, np.float32), scene.original)
    for track in scene.tracks:
        audible = track.heard and scene.listen is not PlaybackSource.ORIGINAL
        level = sign * track.gain * scene.match * scene.volume if audible else 0.0
        gains[track.key] = (np.float32(level) * pan_gains(track.pan), track)
    if scene.click is not None:
        gains[scene.click.key] = (np.full(2, scene.volume, np.float32), scene.click)
    return gains


def pan_gains(pan: float) -> FloatArray:
    """Balance: turns down the far side only."""
    return np.array([min(1.0, 1.0 - pan), min(1.0, 1.0 + pan)], np.float32)


MixerState = tuple[int, dict[str, FloatArray], dict[str, Track]]  # position, gains, and what still fades


class PlaybackMixer:
    """Renders a scene from a moving position.

    Args:
        rate_hz: frames per second.
    """

    def __init__(self, rate_hz: int) -> None:
        self.scene = PlaybackScene()
        self.position = 0
        self._most = 1.0 / (RAMP_S * rate_hz)  # change of gain per frame
        self._now: dict[str, FloatArray] = {}
        self._ended: dict[str, Track] = {}
        self._before: deque[tuple[int, MixerState]] = deque(maxlen=REMEMBERED)
        self._peaks: dict[str, FloatArray] = {}

    def take_levels(self) -> dict[str, FloatArray]:
        """Highest level left and right of each track since the last call, and under "" of all together."""
        peaks, self._peaks = self._peaks, {}
        return peaks

    def jump(self, position: int) -> None:
        """Jump to another frame; gains take effect without a ramp."""
        self.position = max(position, 0)
        self._now = {key: gain.copy() for key, (gain, _) in wanted_gains(self.scene).items()}
        self._ended = {}
        self._before.clear()

    def go_back(self, frames: int) -> int:
        """Be again as before the last calls of ``render``, as many as made no more than ``frames``.

        Returns:
            Frames that were taken back.
        """
        back = 0
        while self._before and back + self._before[-1][0] <= frames:
            count, (self.position, now, ended) = self._before.pop()
            self._now, self._ended = dict(now), dict(ended)
            back += count
        return back

    def state(self) -> tuple[MixerState, tuple[tuple[int, MixerState], ...]]:
        """A snapshot for ``take_up``."""
        return (self.position, dict(self._now), dict(self._ended)), tuple(self._before)

    def take_up(self, state: tuple[MixerState, tuple[tuple[int, MixerState], ...]]) -> None:
        """Restore a snapshot; the scene stays."""
        (self.position, now, ended), before = state
        self._now, self._ended = dict(now), dict(ended)
        self._before = deque(before, maxlen=REMEMBERED)

    @property
    def at_end(self) -> bool:
        """True at the end of the timeline."""
        return self.scene.loop is None and self.position >= self.scene.length

    def frames_left(self, frames: int) -> int:
        """How many of so many frames there are before the end."""
        return frames if self.scene.loop is not None else min(frames, self.scene.length - self.position)

    def render(self, frames: int) -> FloatArray:
        """The next frames, float32 (frames, 2); silence after the end."""
        self._before.append((frames, (self.position, dict(self._now), dict(self._ended))))
        out_NC = np.zeros((frames, OUT_CHANNELS), np.float32)
        done = 0
        scene = self.scene
        while done < frames:
            end = scene.loop[1] if scene.loop and self.position < scene.loop[1] else scene.length
            count = min(frames - done, end - self.position)
            if count > 0:
                self._add(scene, out_NC[done : done + count])
                self.position += count
                done += count
            if self.position >= end:
                if scene.loop is None or end != scene.loop[1]:
                    break
                self.position = scene.loop[0]
        return out_NC

    def _add(self, scene: PlaybackScene, out_NC: FloatArray) -> None:
        wanted = wanted_gains(scene)
        silent = np.zeros(2, np.float32)
        for key, (_, track) in wanted.items():
            self._ended[key] = track
        for key, track in list(self._ended.items()):
            goal = wanted[key][0] if key in wanted else silent
            now = self._now.get(key, silent)
            if not now.any() and not goal.any():
                if key not in wanted:
                    del self._ended[key]
                self._now.pop(key, None)
                continue
            ramp_NC, self._now[key] = self._ramp(now, goal, len(out_NC))
            self._measure(key, add_track(out_NC, track, self.position, ramp_NC))
        self._measure("", out_NC)

    def _measure(self, key: str, part_NC: FloatArray) -> None:
        if len(part_NC):
            peak_C = np.abs(part_NC).max(axis=0)
            peaks = self._peaks  # whoever takes the levels puts another one in its place
            peaks[key] = np.maximum(peaks[key], peak_C) if key in peaks else peak_C

    def _ramp(self, now: FloatArray, goal: FloatArray, frames: int) -> tuple[FloatArray, FloatArray]:
        if np.array_equal(now, goal):
            return goal[None, :], goal
        steps_N = np.arange(1, frames + 1, dtype=np.float32)[:, None] * np.float32(self._most)
        distance = goal - now
        ramp_NC = now + np.sign(distance) * np.minimum(steps_N, np.abs(distance))
        reached = np.abs(distance) <= frames * self._most
        return ramp_NC.astype(np.float32), np.where(reached, goal, ramp_NC[-1]).astype(np.float32)


def add_track(out_NC: FloatArray, track: Track, position: int, gain_NC: FloatArray) -> FloatArray:
    """Add what a track has between ``position`` and the end of ``out_NC``; returns what was added."""
    first = max(position, track.start)
    last = min(position + len(out_NC), track.start + len(track.samples_NC))
    if last <= first:
        return out_NC[:0]
    part_NC = track.samples_NC[first - track.start : last - track.start]
    gain_NC = gain_NC if len(gain_NC) == 1 else gain_NC[first - position : last - position]
    added_NC = two_channels(part_NC) * gain_NC
    out_NC[first - position : last - position] += added_NC
    return added_NC


def two_channels(part_NC: FloatArray) -> FloatArray:
    """Mono on both sides; of more than two channels, the first two."""
    if part_NC.shape[1] == 1:
        return np.repeat(part_NC, 2, axis=1)
    return part_NC[:, :2]
