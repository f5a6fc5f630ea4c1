"""Reads any audio or video file block by block through libsndfile.

What libsndfile cannot read (AAC, video) is decoded once by PyAV into a float WAV.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from engine import AudioError

Check = Callable[[], None]  # raises Cancelled when the result is no longer wanted
FloatArray = npt.NDArray[np.float32]

BLOCK_SAMPLES = 1 << 16
LONGEST_S = 6 * 3600
CHANNELS_LIMIT = 32
RATE_LIMITS_HZ = (4_000, 384_000)


def keep_going() -> None:
    """A check that never stops anything."""


def readable(path: Path) -> bool:
    """True means libsndfile reads the file as it is."""
    try:
        with soundfile.SoundFile(path) as stream:
            return bool(stream.frames > 0)
    except soundfile.LibsndfileError:
        return False


def check_file(path: Path) -> None:
    """Refuse what no reader could open.

    Raises:
        AudioError: missing, a folder, empty or not allowed to be read.
    """
    if not path.exists():
        raise AudioError("there is no file {path}; it may have been moved or deleted", path=path)
    if not path.is_file():
        raise AudioError("{path} is not a file; drop an audio or video file", path=path)
    if not os.access(path, os.R_OK):
        raise AudioError("{path} may not be read; change its permissions or copy it to a folder of yours", path=path)
    if path.stat().st_size == 0:
        raise AudioError("{file} is empty (0 bytes); choose a file with sound in it", file=path.name)


def blocks(path: Path, check: Check = keep_going) -> Iterator[FloatArray]:
    """The samples of a file that libsndfile reads.

    Yields:
        float32 (samples, channels), at most ``BLOCK_SAMPLES`` long, finite.

    Raises:
        AudioError: it is damaged.
    """
    try:
        with soundfile.SoundFile(path) as stream:
            _check_grid(path, stream.samplerate, stream.channels, stream.frames)
            while len(block_NC := stream.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)):
                check()
                if not np.isfinite(block_NC).all():
                    raise AudioError(
                        "{file} contains samples that are not numbers; export it again from its source", file=path.name
                    )
                yield block_NC
    except soundfile.LibsndfileError as error:
        raise AudioError(
            "{file} cannot be read ({reason}); convert it to WAV or FLAC", file=path.name, reason=_words(error)
        ) from error


def convert(path: Path, target: Path, check: Check = keep_going) -> None:
    """Decode the sound of an audio or video file into a float WAV.

    Raises:
        AudioError: no decoder knows it, there is no sound in it, or PyAV is not installed.
    """
    try:
        av = importlib.import_module("av")
    except ImportError:
        raise AudioError(
            "reading {file} needs PyAV; install it with pip install av, or convert the file to WAV", file=path.name
        ) from None
    try:
        with contextlib.closing(av.open(str(path.resolve()), options={"protocol_whitelist": "file"})) as container:
            stream = next(iter(container.streams.audio), None)
            if stream is None:
                raise AudioError("{file} has no sound; choose a file with an audio track", file=path.name)
            _write_decoded(av, container, stream, path, target, check)
    except (av.FFmpegError, ValueError) as error:
        raise AudioError(
            "{file} is not audio that can be read ({reason}); convert it to WAV", file=path.name, reason=_words(error)
        ) from error


def _write_decoded(av: Any, container: Any, stream: Any, path: Path, target: Path, check: Check) -> None:
    _check_grid(path, stream.rate, stream.channels, int(float(container.duration or 0) / av.time_base * stream.rate))
    resampler = av.AudioResampler(format="fltp", layout=stream.layout.name, rate=stream.rate)
    with soundfile.SoundFile(
        target, "w", stream.rate, stream.channels, subtype="FLOAT", format="WAV", closefd=True
    ) as wav:
        for frame in container.decode(stream):
            check()
            for part in resampler.resample(frame):
                wav.write(np.ascontiguousarray(part.to_ndarray().T, dtype=np.float32))
        for part in resampler.resample(None):
            wav.write(np.ascontiguousarray(part.to_ndarray().T, dtype=np.float32))
        if wav.frames == 0:
            raise AudioError("{file} has no sound; choose a file with an audio track", file=path.name)


def _check_grid(path: Path, rate_hz: int, channels: int, samples: int) -> None:
    low, high = RATE_LIMITS_HZ
    if not low <= rate_hz <= high:
        raise AudioError(
            "{file} has a sample rate of {rate_hz} Hz; allowed are {low} to {high} Hz",
            file=path.name,
            rate_hz=rate_hz,
            low=low,
            high=high,
        )
    if channels > CHANNELS_LIMIT:
        raise AudioError(
            "{file} has {channels} channels; at most {limit} are allowed, so split it",
            file=path.name,
            channels=channels,
            limit=CHANNELS_LIMIT,
        )
    if samples > LONGEST_S * rate_hz:
        hours = LONGEST_S // 3600
        raise AudioError(
            "{file} is longer than {hours} hours; cut it into parts and open one of them", file=path.name, hours=hours
        )


DECODER_REASONS = {  # what FFmpeg says, and what that means
    "Invalid data found when processing input": "its contents are damaged or of an unknown kind",
    "End of file": "it ends too early",
}


def _words(error: BaseException) -> str:
    reason = str(getattr(error, "strerror", None) or "")  # without it come a number and the path again
    if reason:
        return DECODER_REASONS.get(reason, reason)
    return " ".join(str(error).split()).rstrip(".")[:160]
