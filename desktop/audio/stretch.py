"""Plays slower, faster, higher or lower for practice, between the mixer and the ring.

FFmpeg's ``atempo`` changes the speed (WSOLA), resampling the pitch; both come with PyAV and may be linked under LGPL.
"""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt
from av.filter import Graph

from desktop.audio.mixer import OUT_CHANNELS, PlaybackMixer, PlaybackScene

FloatArray = npt.NDArray[np.float32]

SPEED_LIMITS, SEMITONE_LIMITS = (0.25, 2.0), (-12.0, 12.0)
PULL_FRAMES = 512
SLOWEST_STEP = 0.5  # of one atempo
FADE_S = 0.01  # from the sound at the old speed to that at the new one


@dataclass(frozen=True, slots=True)
class Stretch:
    """How it is played.

    Attributes:
        speed: 1 is as it is, 0.5 takes twice as long.
        semitones: higher or lower.
    """

    speed: float = 1.0
    semitones: float = 0.0

    def __post_init__(self) -> None:
        if not SPEED_LIMITS[0] <= self.speed <= SPEED_LIMITS[1]:
            raise ValueError(f"speed {self.speed} is outside {SPEED_LIMITS}")
        if not SEMITONE_LIMITS[0] <= self.semitones <= SEMITONE_LIMITS[1]:
            raise ValueError(f"{self.semitones} semitones are outside {SEMITONE_LIMITS}")

    @property
    def neutral(self) -> bool:
        """True where nothing is to be changed."""
        return self == Stretch()


class StretchFilter:
    """A chain of filters: sound in, stretched sound out.

    Args:
        rate_hz: of both.
    """

    def __init__(self, rate_hz: int, stretch: Stretch) -> None:
        self._rate_hz = rate_hz
        self._graph = Graph()
        last = self._graph.add(
            "abuffer", sample_rate=str(rate_hz), sample_fmt="flt", channel_layout="stereo", time_base=f"1/{rate_hz}"
        )
        pitch = 2 ** (stretch.semitones / 12)
        steps = [("asetrate", str(round(rate_hz * pitch))), ("aresample", str(rate_hz))] if pitch != 1.0 else []
        tempo = stretch.speed / pitch
        while tempo < SLOWEST_STEP:
            steps.append(("atempo", str(SLOWEST_STEP)))
            tempo /= SLOWEST_STEP
        steps += [("atempo", f"{tempo:.6f}"), ("aformat", "sample_fmts=flt:channel_layouts=stereo")]
        for name, words in steps:
            step = self._graph.add(name, words)
            last.link_to(step)
            last = step
        last.link_to(self._graph.add("abuffersink"))
        self._graph.configure()
        self._pushed = 0

    def push(self, block_NC: FloatArray) -> list[FloatArray]:
        """Give sound, float32 (samples, 2), and take what is ready."""
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(block_NC, np.float32).reshape(1, -1), format="flt", layout="stereo"
        )
        frame.sample_rate = self._rate_hz
        frame.pts = self._pushed
        self._pushed += len(block_NC)
        self._graph.push(frame)
        return self._ready()

    def finish(self) -> list[FloatArray]:
        """Take the rest."""
        self._graph.push(None)
        return self._ready()

    def _ready(self) -> list[FloatArray]:
        blocks: list[FloatArray] = []
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return blocks
            blocks.append(np.asarray(frame.to_ndarray(), np.float32).reshape(-1, OUT_CHANNELS))


class StretchedMixer:
    """Renders what a mixer plays, stretched; used as the mixer is.

    Args:
        mixer: renders at its own speed.
        rate_hz: frames per second.
        stretch: how to play it; ``wanted`` changes that while it plays.
    """

    def __init__(self, mixer: PlaybackMixer, rate_hz: int, stretch: Stretch) -> None:
        self._mixer, self._rate_hz = mixer, rate_hz
        self.wanted = self._stretch = stretch
        self._ready_NC: FloatArray
        self._taken: int
        self._given: int
        self._begin()

    @property
    def scene(self) -> PlaybackScene:
        """What is played."""
        return self._mixer.scene

    @scene.setter
    def scene(self, scene: PlaybackScene) -> None:
        self._mixer.scene = scene

    @property
    def speed(self) -> float:
        """Frames of the timeline per frame that is heard."""
        return self._stretch.speed

    @property
    def position(self) -> int:
        """Frame of the timeline that is made next."""
        waiting = round(self._taken - self._given * self._stretch.speed)
        position, loop = self._mixer.position - max(waiting, 0), self.scene.loop
        if loop is not None and position < loop[0] <= self._mixer.position:
            position += loop[1] - loop[0]
        return max(position, 0)

    @property
    def at_end(self) -> bool:
        """True when the end of the timeline has been rendered."""
        return self._finished and not len(self._ready_NC)

    def frames_left(self, frames: int) -> int:
        """How many of so many frames may be rendered."""
        return frames

    def jump(self, position: int) -> None:
        """Go on from another frame."""
        self._mixer.jump(position)
        self._begin()

    def take_levels(self) -> dict[str, FloatArray]:
        """Of the sound before it is stretched."""
        return self._mixer.take_levels()

    def render(self, frames: int) -> FloatArray:
        """The next frames, float32 (frames, 2); silence after the end."""
        if self.wanted != self._stretch:
            self._change()
        self._need(frames)
        out_NC = np.zeros((frames, OUT_CHANNELS), np.float32)
        count = min(frames, len(self._ready_NC))
        out_NC[:count] = self._ready_NC[:count]
        self._ready_NC = self._ready_NC[count:]
        self._given += count
        return out_NC

    def _begin(self) -> None:
        self._filter = StretchFilter(self._rate_hz, self._stretch)
        self._ready_NC = np.zeros((0, OUT_CHANNELS), np.float32)
        self._taken = self._given = 0  # frames of the timeline, frames that were rendered
        self._finished = False

    def _need(self, frames: int) -> None:
        """Stretch on until so many frames are ready."""
        while len(self._ready_NC) < frames and not self._finished:
            if self._mixer.at_end:
                self._finished = True
                blocks = self._filter.finish()
            else:
                count = PULL_FRAMES
                if self.scene.loop is None:
                    count = max(min(count, self.scene.length - self._mixer.position), 1)
                self._taken += count
                blocks = self._filter.push(self._mixer.render(count))
            if blocks:
                self._ready_NC = np.concatenate([self._ready_NC, *blocks])

    def _change(self) -> None:
        """Begin anew at the frame that is due, and fade from what was ready to that."""
        fade = round(FADE_S * self._rate_hz)
        self._need(fade)
        old_NC, position = self._ready_NC[:fade], self.position
        self._stretch = self.wanted
        self.jump(position)
        self._need(fade)
        count = min(len(old_NC), len(self._ready_NC))
        up_N = (np.arange(1, count + 1, dtype=np.float32) / max(count, 1))[:, None]
        self._ready_NC[:count] = old_NC[:count] * (1 - up_N) + self._ready_NC[:count] * up_N
