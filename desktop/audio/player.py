"""Playback through PortAudio: a thread fills a short ring buffer, the device callback reads from it.

The callback touches nothing but the ring. Without PortAudio or a device the player raises ``NoOutputDevice``;
everything else works.
"""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.audio.mixer import OUT_CHANNELS, PlaybackMixer, PlaybackScene
from desktop.audio.ring import Ring
from desktop.audio.stretch import Stretch, StretchedMixer
from desktop.message import Message
from engine import EngineError

log = logging.getLogger(__name__)

RING_FRAMES = 1024
FILL_FRAMES = 128
DEFAULT_NAME = "default"  # of the device that the system sends sound to, where it has a name
PAUSE_S = 0.003
STOP_LIMIT_S = 2.0
SOUND_REASONS = {  # how PortAudio begins to say it, and what that means
    "Error querying device": "no output device was found",
    "Invalid device": "the chosen device is not there any more",
    "Invalid sample rate": "the device does not play at this sample rate",
    "Invalid number of channels": "the device has no two channels",
    "Device unavailable": "another program uses the device",
}
GONE = "the audio device is gone; plug it in again, or choose another one in the settings"


class SoundTrouble(Message):
    """A message about playback that the sound settings may help against."""


class NoOutputDevice(EngineError):
    """There is no usable output device."""


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """An output device: PortAudio index and name."""

    index: int
    name: str


def sound_library() -> Any:
    """The package ``sounddevice``.

    Raises:
        NoOutputDevice: it, or PortAudio, is missing.
    """
    try:
        return importlib.import_module("sounddevice")
    except (ImportError, OSError) as error:  # OSError: PortAudio itself is missing
        raise NoOutputDevice(
            "sound cannot be played because PortAudio is missing; on Debian and Ubuntu install libportaudio2"
        ) from error


def output_devices(rescan: bool = False, library: Callable[[], Any] = sound_library) -> list[DeviceRow]:
    """All output devices; empty without PortAudio.

    Args:
        rescan: look for devices again instead of using PortAudio's list; only while nothing plays.
        library: see ``AudioPlayer``.
    """
    try:
        sounddevice = library()
        if rescan:
            sounddevice._terminate()  # PortAudio looks for devices when it starts, and only then
            sounddevice._initialize()
        found = sounddevice.query_devices()
    except (NoOutputDevice, OSError) as error:
        log.info("no audio devices: %s", error)
        return []
    except Exception as error:  # PortAudioError, whose class is in the library
        log.info("PortAudio finds no devices: %s", error)
        return []
    return [
        DeviceRow(index, str(row["name"]))
        for index, row in enumerate(found)
        if int(row["max_output_channels"]) >= OUT_CHANNELS
    ]


@dataclass(frozen=True, slots=True)
class PlaybackEnd:
    """Why playback ended by itself.

    Attributes:
        message: for the user; None at the end of the sound.
        device_gone: True means another device may go on.
    """

    message: Message | None = None
    device_gone: bool = False


@dataclass(frozen=True, slots=True)
class RenderPosition:
    """How far the audio is rendered.

    Attributes:
        position: frame of the timeline that is made next.
        frames_written: of the ring, up to there.
        loop: that was in force.
        speed: frames of the timeline per frame of the ring.
    """

    position: int = 0
    frames_written: int = 0
    loop: tuple[int, int] | None = None
    speed: float = 1.0


AnyMixer = PlaybackMixer | StretchedMixer


class AudioPlayer:
    """Plays one stream at a time.

    Args:
        on_end: called on the filling thread when playback ends by itself, with the reason.
        library: gives the package that plays, see ``sound_library``.
    """

    def __init__(self, on_end: Callable[[PlaybackEnd], None], library: Callable[[], Any] = sound_library) -> None:
        self._on_end = on_end
        self.library = library
        self._mixer: AnyMixer | None = None
        self._scene = PlaybackScene()
        self._rate_hz = 0
        self._position = 0
        self._ring = Ring(RING_FRAMES, OUT_CHANNELS)
        self._stream: Any = None
        self._filler: threading.Thread | None = None
        self._leave = threading.Event()
        self._device_s: float | None = None
        self._stream_rate_hz = 0  # of the stream that plays or played last
        self._ahead = RenderPosition()
        self.stretch = Stretch()
        self.device: int | None = None
        self.device_name = ""  # of the one that plays, or played last
        self.ring_frames = RING_FRAMES
        self.block_frames = 0  # 0: as the device likes

    @property
    def playing(self) -> bool:
        """True means a stream is open."""
        return self._stream is not None

    @property
    def change_s(self) -> tuple[float, float] | None:
        """How long solo, mute and the like take to be heard: in the ring at most, and in the device as it reports.

        Of the stream that plays or played last, in seconds; None before the first one.
        """
        if self._device_s is None:
            return None
        waiting = min(kept_frames(self._ring) + FILL_FRAMES, self.ring_frames)
        return waiting / self._stream_rate_hz + PAUSE_S, self._device_s

    def take_levels(self) -> dict[str, tuple[float, float]]:
        """Highest level left and right of each track since the last call, "" for all together; empty at rest."""
        mixer = self._mixer
        return {} if mixer is None else {key: (float(lr[0]), float(lr[1])) for key, lr in mixer.take_levels().items()}

    @property
    def position(self) -> int:
        """The frame that is audible now, accurate enough for a cursor."""
        if not self.playing:
            return self._position
        ahead = self._ahead  # one value, because the mixer itself moves back at times
        position = ahead.position - round(max(ahead.frames_written - self._ring.frames_read, 0) * ahead.speed)
        if ahead.loop and position < ahead.loop[0] <= ahead.position:
            position += ahead.loop[1] - ahead.loop[0]
        return max(position, 0)

    def show(self, scene: PlaybackScene, rate_hz: int) -> None:
        """Set the scene; ``change_s`` says how soon it is heard."""
        self._scene = scene
        if self._mixer is not None and rate_hz == self._rate_hz:
            self._mixer.scene = scene
        elif self.playing:
            self.stop()
        self._rate_hz = rate_hz

    def seek(self, position: int) -> None:
        """Continue from another frame."""
        self._position = max(position, 0)
        if self.playing:
            self.stop()
            self._position = max(position, 0)
            self.play()

    def set_stretch(self, stretch: Stretch) -> None:
        """Play slower, faster, higher or lower; at once when it plays so already, else from where it is.

        Raises:
            NoOutputDevice: it played, and could not go on.
        """
        self.stretch = stretch
        if isinstance(self._mixer, StretchedMixer) and not stretch.neutral:
            self._mixer.wanted = stretch
        elif self.playing:
            self.seek(self.position)

    def play(self) -> None:
        """Start at the position.

        Raises:
            NoOutputDevice: there is none, or it refused.
        """
        if self.playing or not self._rate_hz:
            return
        sounddevice = self.library()
        plain = PlaybackMixer(self._rate_hz)
        plain.scene = self._scene
        mixer: AnyMixer = plain
        if not self.stretch.neutral:
            mixer = StretchedMixer(plain, self._rate_hz, self.stretch)
        mixer.jump(0 if self._position >= self._scene.length else self._position)
        ring = Ring(max(self.ring_frames, FILL_FRAMES), OUT_CHANNELS)
        self._mixer, self._ring = mixer, ring
        fill(ring, mixer)
        self._ahead = ahead_of(ring, mixer)
        self._leave.clear()

        def callback(out_NC: npt.NDArray[np.float32], frames: int, time: object, status: object) -> None:
            ring.read_into(out_NC)

        try:
            self._stream = sounddevice.OutputStream(
                samplerate=self._rate_hz,
                channels=OUT_CHANNELS,
                dtype="float32",
                device=self.device,
                blocksize=self.block_frames,
                latency="low",
                callback=callback,
            )
            self._stream.start()
            self.device_name = str(sounddevice.query_devices(self._stream.device)["name"])
            self._stream_rate_hz, self._device_s = self._rate_hz, float(self._stream.latency)
        except (sounddevice.PortAudioError, ValueError, OSError) as error:
            self._forget_stream()
            raise NoOutputDevice(
                "sound cannot be played ({reason}); plug in an output device or choose one in the settings; "
                "everything else works",
                reason=reason_of(error),
            ) from error
        self._filler = threading.Thread(
            target=self._keep_filling, args=(mixer, ring), name="fluxstem-mixer", daemon=True
        )
        self._filler.start()

    def play_elsewhere(self) -> str:
        """Go on where it stopped, through another device than the one that went away.

        Returns:
            Name of the device.

        Raises:
            NoOutputDevice: nothing else plays either.
        """
        self.stop()
        lost = self.device_name
        rows = [row for row in output_devices(True, self.library) if row.name != lost]
        refusals = [NoOutputDevice(GONE)]
        for row in sorted(rows, key=lambda row: row.name != DEFAULT_NAME):
            self.device = row.index
            try:
                self.play()
            except NoOutputDevice as error:
                refusals.append(error)
                continue
            return row.name
        self.device = None
        raise refusals[-1]

    def stop(self) -> None:
        """Stop at the current position."""
        if not self.playing:
            return
        self._leave.set()
        if self._filler is not None and self._filler is not threading.current_thread():
            self._filler.join(STOP_LIMIT_S)
        self._position = self.position
        self._filler = None
        self._forget_stream()

    def _forget_stream(self) -> None:
        stream, self._stream = self._stream, None
        self._mixer = None  # it holds lanes that may be gone
        if stream is None:
            return
        try:
            stream.abort()
            stream.close()
        except Exception as error:  # a device that was unplugged refuses even that
            log.info("the audio stream did not close: %s", error)

    def _keep_filling(self, mixer: AnyMixer, ring: Ring) -> None:
        shown = mixer.scene
        while not self._leave.wait(PAUSE_S):
            try:
                if mixer.scene is not shown:
                    shown = mixer.scene
                    renew(ring, mixer)
                fill(ring, mixer)
                self._ahead = ahead_of(ring, mixer)
            except (OSError, ValueError) as error:
                self._on_end(
                    PlaybackEnd(
                        Message("playback stopped because the audio could not be read ({reason})", reason=error)
                    )
                )
                return
            if not self._stream_is_alive():
                self._on_end(PlaybackEnd(Message(GONE), device_gone=True))
                return
            if mixer.at_end and ring.filled == 0:
                self._on_end(PlaybackEnd())
                return

    def _stream_is_alive(self) -> bool:
        stream = self._stream
        try:
            return stream is not None and bool(stream.active)
        except Exception as error:  # as above
            log.info("the audio stream is gone: %s", error)
            return False


def reason_of(error: BaseException) -> str:
    """Why PortAudio refused, in words for the user where it is one of the usual reasons."""
    told = " ".join(str(error).split())
    return next((words for begins, words in SOUND_REASONS.items() if begins in told), told[:120])


def fill(ring: Ring, mixer: AnyMixer) -> None:
    """Fill the ring, up to the end of the timeline."""
    while ring.free >= FILL_FRAMES and not mixer.at_end:
        ring.write(mixer.render(mixer.frames_left(FILL_FRAMES)))


def ahead_of(ring: Ring, mixer: AnyMixer) -> RenderPosition:
    """How far the audio is rendered; for the rendering thread."""
    speed = mixer.speed if isinstance(mixer, StretchedMixer) else 1.0
    return RenderPosition(mixer.position, ring.frames_written, mixer.scene.loop, speed)


def kept_frames(ring: Ring) -> int:
    """Frames at the head of the ring that the device may already be reading."""
    return ring.largest_read + FILL_FRAMES


def renew(ring: Ring, mixer: AnyMixer) -> None:
    """Render the waiting frames again after a change; those the device may already be reading stay.

    All of it is written at once. If the device has caught up meanwhile, less is rendered again: a start in the
    middle of a ramp would click.
    """
    if isinstance(mixer, StretchedMixer):
        return  # nothing that was stretched is taken back; the ring is short
    before = mixer.state()
    while left := mixer.go_back(ring.filled - kept_frames(ring)):
        counts = [min(FILL_FRAMES, left - done) for done in range(0, left, FILL_FRAMES)]
        block_NC = np.concatenate([mixer.render(count) for count in counts])
        if ring.filled - left >= ring.largest_read:
            ring.write_over(left, block_NC)
            return
        mixer.take_up(before)
