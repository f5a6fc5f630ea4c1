"""A piece of music from any data set: labelled stems, the mix and an optional film, read a span at a time.

No read needs a whole song in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile as sf
import soxr

from training.data.video import FilmSource
from training.typing import Audio

SEEK_EARLY_S = 1.0  # compressed sound needs a run-up
OTHER = "other"  # the family of stems that none of ours names


class SoundSource(Protocol):
    """Audio that can be read a span at a time."""

    @property
    def rate_hz(self) -> int:
        """Samples a second."""

    @property
    def samples(self) -> int:
        """Length."""

    def read(self, first: int, count: int) -> Audio:
        """Samples ``first`` to ``first + count``, float32 ``(C, N)``; zeros where there are none."""


@dataclass(frozen=True, slots=True)
class FileSound:
    """A file that libsndfile reads: WAV, FLAC, OGG, MP3, AIFF."""

    path: Path
    rate_hz: int
    samples: int

    @classmethod
    def open(cls, path: Path) -> FileSound:
        """Read the header.

        Raises:
            ValueError: the file is no sound that libsndfile reads, or holds none.
        """
        try:
            info = sf.info(path)
        except (sf.LibsndfileError, OSError) as error:
            raise ValueError(f"{path.name} cannot be read: {error}") from error
        if info.frames < 1:
            raise ValueError(f"{path.name} holds no sound")
        return cls(path, info.samplerate, info.frames)

    def read(self, first: int, count: int) -> Audio:
        with sf.SoundFile(self.path) as file:
            file.seek(min(first, self.samples))
            audio_NC = file.read(count, dtype="float32", always_2d=True)
        return _padded(audio_NC.T, count)


@dataclass(frozen=True, slots=True)
class StreamSound:
    """One audio stream of a file that FFmpeg reads, such as a ``.stem.mp4``."""

    path: Path
    stream: int
    rate_hz: int
    samples: int

    @classmethod
    def open_all(cls, path: Path) -> list[StreamSound]:
        """All audio streams of a file, in order.

        Raises:
            ValueError: FFmpeg cannot read it.
        """
        import av

        try:
            with av.open(str(path)) as container:
                return [
                    cls(path, k, s.rate, round(float(s.duration * s.time_base) * s.rate))
                    for k, s in enumerate(container.streams.audio)
                ]
        except (av.FFmpegError, TypeError) as error:  # TypeError: a stream without a duration
            raise ValueError(f"{path.name} cannot be read: {error}") from error

    def read(self, first: int, count: int) -> Audio:
        import av

        parts: list[tuple[int, Audio]] = []
        with av.open(str(self.path)) as container:
            stream = container.streams.audio[self.stream]
            early_s = max(0.0, first / self.rate_hz - SEEK_EARLY_S)
            container.seek(int(early_s / stream.time_base), stream=stream, backward=True)
            resampler = av.AudioResampler(format="fltp")
            for frame in container.decode(stream):
                if frame.pts is None:
                    continue  # its time is unknown
                at = round(float(frame.pts * frame.time_base) * self.rate_hz)
                if at >= first + count:
                    break
                for out in resampler.resample(frame):
                    parts.append((at, out.to_ndarray()))
                    at += out.samples
        channels = parts[0][1].shape[0] if parts else 1
        audio_CN = np.zeros((channels, count), dtype=np.float32)
        for at, part in parts:
            low, high = max(at, first), min(at + part.shape[1], first + count)
            if low < high:
                audio_CN[:, low - first : high - first] = part[:, low - at : high - at]
        return audio_CN


@dataclass(frozen=True, slots=True)
class ArraySound:
    """Sound in memory."""

    audio_CN: Audio
    rate_hz: int

    @property
    def samples(self) -> int:
        return int(self.audio_CN.shape[1])

    def read(self, first: int, count: int) -> Audio:
        return _padded(self.audio_CN[:, first : first + count], count)


@dataclass(frozen=True, slots=True)
class SumSound:
    """Several sounds of one rate at once."""

    sounds: tuple[SoundSource, ...]

    @property
    def rate_hz(self) -> int:
        return self.sounds[0].rate_hz

    @property
    def samples(self) -> int:
        return max(sound.samples for sound in self.sounds)

    def read(self, first: int, count: int) -> Audio:
        parts = [sound.read(first, count) for sound in self.sounds]
        total: Audio = np.sum(np.broadcast_arrays(*parts), axis=0, dtype=np.float32)
        return total


@dataclass(frozen=True, slots=True)
class Stem:
    """One stem.

    Attributes:
        label: what the data set calls it.
        term: our family or group for it; ``other`` when there is none.
        sound: where to read it.
    """

    label: str
    term: str
    sound: SoundSource


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of music with its stems.

    Attributes:
        name: unlike any other in its data set.
        split: train, validation, test, or "" when the data set has none.
        stems: what it is made of.
        mix: the data set's own mix; None means the sum of the stems.
        frames: the film of those who play it, where there is one.
        problems: what is wrong with it, in sentences.
    """

    name: str
    split: str
    stems: tuple[Stem, ...]
    mix: SoundSource | None = None
    frames: FilmSource | None = None
    problems: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Length of the longest stem; 0 when nothing of it can be read."""
        return max((stem.sound.samples / stem.sound.rate_hz for stem in self.stems), default=0.0)

    def cut(self, start_s: float, samples: int, rate_hz: int) -> Audio:
        """A span of all stems at one rate, mono float32 ``(stems, samples)``; zeros beyond the end."""
        return np.stack([mono(stem.sound, start_s, samples, rate_hz) for stem in self.stems])


def mono(sound: SoundSource, start_s: float, samples: int, rate_hz: int) -> Audio:
    """A span of a sound at another rate, float32 ``(samples,)``."""
    first = round(start_s * sound.rate_hz)
    count = -(-samples * sound.rate_hz // rate_hz)
    audio_N = sound.read(first, count).mean(axis=0)
    if sound.rate_hz != rate_hz:
        audio_N = soxr.resample(audio_N, sound.rate_hz, rate_hz)
    return _padded(audio_N[None, :samples], samples)[0].astype(np.float32)


def _padded(audio_CN: Audio, count: int) -> Audio:
    return np.pad(audio_CN, ((0, 0), (0, count - audio_CN.shape[1])))


def sum_of(stems: Sequence[Stem]) -> SumSound:
    """The sum of some stems of one rate."""
    return SumSound(tuple(stem.sound for stem in stems))
