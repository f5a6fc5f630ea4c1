"""Read audio files of any usual kind: their format, their samples in blocks, and resampling.

Samples are float64 ``(channels, samples)`` with full scale at 1, wide enough to hold 32-bit integers and float32
exactly, as stem + rest = mix requires. A length is what decodes, whatever a header says.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from engine.audio.disk_array import DiskArray, DiskArrayFloat64
from engine.audio.flac import scan_flac
from engine.audio.layout import scan_layout
from engine.audio.mpeg import mpeg_in_wave, only_begins_as_mpeg, scan_mpeg, scan_mpeg_in_wave
from engine.audio.ogg import scan_ogg
from engine.audio.riff import RiffExtras, read_extras
from engine.audio.splice import Piece, RepairedFile, SplicedFile
from engine.errors import AudioError

BLOCK_SAMPLES = 1 << 16
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 4_000, 384_000
HIGHEST_CHANNELS = 32
LOUDEST = 1e10  # +200 dBFS; whole numbers that somebody stored as floats stay below, and our sums below infinity
LONGEST_SAMPLES = 1 << 40  # more is what libsndfile says when a stream does not know its length
CUT_LEAST_S = 0.05  # less than this is not worth a note

# Sample types in the words of libsndfile -> bits we write for "same"; others (MP3, Vorbis, u-law) count as 24.
BITS = {"PCM_S8": 16, "PCM_U8": 16, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
FLOATS = ("FLOAT", "DOUBLE")
_DECODED_IN_ORDER = ("MP3", "OGG", "MPEG")  # their decoders start differently after a seek
_SCANS = (scan_layout, scan_flac, scan_ogg, scan_mpeg)

FloatArray = npt.NDArray[np.float32]
Samples = npt.NDArray[np.float64]


class UnknownAudio(AudioError):
    """A file of a kind that libsndfile does not know, or too damaged for it; another decoder may read it."""


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """Format of an audio file.

    Attributes:
        path: where it is.
        rate_hz, channels, samples: samples are per channel, as many as really decode.
        container: ``WAV``, ``FLAC``, ``AIFF``, ``OGG``, ``MP3``, ... in the words of libsndfile.
        subtype: how a sample is stored, for example ``PCM_24``.
        extras: Broadcast Wave chunk and loudspeaker positions.
        pieces: of the file that libsndfile is given; none where it is given the file as it is.
        decoded: the samples, one per row, where another decoder than libsndfile read them.
        notes: what the user should know of the file, in sentences.
        heard: what a model is to hear in the place of the samples, one per row; None for the samples themselves.
    """

    path: Path
    rate_hz: int
    channels: int
    samples: int
    container: str
    subtype: str
    extras: RiffExtras
    pieces: tuple[Piece, ...] = ()
    decoded: DiskArray | DiskArrayFloat64 | None = None
    notes: tuple[str, ...] = ()
    heard: DiskArray | None = None

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.samples / self.rate_hz

    @property
    def as_heard(self) -> AudioInfo:
        """The same sound as a model hears it."""
        if self.heard is None:
            return self
        return replace(self, container="WAV", subtype="FLOAT", decoded=self.heard, heard=None)


def probe(path: Path | str) -> AudioInfo:
    """Read the format of a file; refuse files that cannot be used.

    Raises:
        UnknownAudio: libsndfile does not know the file.
        AudioError: missing, empty, or outside the allowed rates and channels.
    """
    path = Path(path)
    if not path.exists():
        raise AudioError("there is no file {path}; check the path", path=path)
    if not path.is_file():
        raise AudioError("{path} is not a file; give the path of an audio file", path=path)
    if path.stat().st_size == 0:
        raise AudioError("{path} is empty (0 bytes); give an audio file with sound in it", path=path)
    repaired = _scanned(path)
    pieces = () if repaired is None else repaired.pieces
    with _open(path, pieces) as stream:
        samples = (
            stream.frames if repaired is None or repaired.samples is None else min(stream.frames, repaired.samples)
        )
        info = AudioInfo(
            path, stream.samplerate, stream.channels, samples, stream.format, stream.subtype, read_extras(path), pieces
        )
    return check_usable(info if repaired is None else with_cut_noted(info, repaired.said_times, repaired.is_cut))


def check_usable(info: AudioInfo) -> AudioInfo:
    """Check rate, channels and length.

    Raises:
        AudioError: outside what is allowed.
    """
    if not LOWEST_RATE_HZ <= info.rate_hz <= HIGHEST_RATE_HZ:
        raise AudioError(
            "{path} has a sample rate of {rate_hz} Hz; allowed are {lowest_rate_hz} to {highest_rate_hz} Hz, "
            "so convert it first",
            path=info.path, rate_hz=info.rate_hz, lowest_rate_hz=LOWEST_RATE_HZ, highest_rate_hz=HIGHEST_RATE_HZ,
        )  # fmt: skip
    if info.channels > HIGHEST_CHANNELS:
        raise AudioError(
            "{path} has {channels} channels; at most {highest_channels} are allowed, so split it",
            path=info.path, channels=info.channels, highest_channels=HIGHEST_CHANNELS,
        )  # fmt: skip
    if info.samples > LONGEST_SAMPLES:
        raise AudioError("{path} does not say how long it is; convert it to WAV or FLAC first", path=info.path)
    if info.samples <= 0:
        raise AudioError("{path} has no samples (zero length); give an audio file with sound in it", path=info.path)
    return info


def with_cut_noted(info: AudioInfo, said_times: float | None, is_cut: bool) -> AudioInfo:
    """The same with a note where its end is missing.

    Args:
        info: the file, with the length that decodes.
        said_times: how many times as long its header says it is; None where it does not say.
        is_cut: its end is missing.
    """
    said_s = None if said_times is None else info.seconds * said_times
    if said_s is not None and said_s - info.seconds >= CUT_LEAST_S:
        lacking = f"its header says {said_s:.3f} s"
    elif is_cut and said_s is None:
        lacking = "its end is missing"
    else:
        return info
    return with_note(info, f"{info.path.name} holds {info.seconds:.3f} s of sound; {lacking}")


def with_note(info: AudioInfo, note: str) -> AudioInfo:
    """The same with one more note."""
    return replace(info, notes=(*info.notes, note))


def blocks(info: AudioInfo, start: int = 0, stop: int | None = None) -> Iterator[Samples]:
    """Samples from ``start`` up to ``stop``, block by block.

    Yields:
        float64 (channels, samples), at most ``BLOCK_SAMPLES`` long; exactly the values in the file (64-bit float files
        are rounded to float32).

    Raises:
        AudioError: a sample is NaN, infinite or beyond ``LOUDEST``, or the file cannot be decoded.
    """
    stop = info.samples if stop is None else stop
    dtype = "float64" if info.subtype == "PCM_32" else "float32"
    with _opened(info) as stream:
        position = 0
        if start and info.container not in _DECODED_IN_ORDER and stream.seekable():
            position = _seek(stream, info.path, start)
        while position < stop:
            wanted = min(BLOCK_SAMPLES, (start if position < start else stop) - position)
            block_NC = _read(stream, info.path, wanted, dtype)
            if len(block_NC) < wanted:
                raise AudioError(
                    "{path} is damaged: no sound can be read from {seconds:.3f} s on; convert it or get it again",
                    path=info.path, seconds=(position + len(block_NC)) / info.rate_hz,
                )  # fmt: skip
            if position >= start:
                yield np.ascontiguousarray(_checked(block_NC, position, info).T)
            position += wanted


def resampled(source: Iterator[Samples], channels: int, from_hz: int, to_hz: int, samples: int) -> Iterator[FloatArray]:
    """Resample a stream.

    Args:
        source: blocks (channels, samples) at ``from_hz``.
        channels: rows of every block.
        samples: exact length of the result; the end is cut or padded with zeros.

    Yields:
        float32 (channels, samples); sample 0 is at the same time as sample 0 of the source.
    """
    left = samples
    for block_CN in _converted(source, channels, from_hz, to_hz):
        if left <= 0:
            return
        block_CN = block_CN[:, :left]
        left -= block_CN.shape[1]
        if block_CN.shape[1]:
            yield block_CN
    while left > 0:
        count = min(left, BLOCK_SAMPLES)
        left -= count
        yield np.zeros((channels, count), np.float32)


def samples_at(samples: int, from_hz: int, to_hz: int) -> int:
    """How many samples at ``to_hz`` cover ``samples`` at ``from_hz``, rounded up."""
    return -(-samples * to_hz // from_hz)


def _converted(source: Iterator[Samples], channels: int, from_hz: int, to_hz: int) -> Iterator[FloatArray]:
    if from_hz == to_hz:
        for block_CN in source:
            yield block_CN.astype(np.float32)
        return
    stream = soxr.ResampleStream(from_hz, to_hz, channels, dtype="float32", quality="HQ")
    for block_CN in source:
        yield stream.resample_chunk(np.ascontiguousarray(block_CN.T, np.float32)).reshape(-1, channels).T
    yield stream.resample_chunk(np.zeros((0, channels), np.float32), last=True).reshape(-1, channels).T


def _scanned(path: Path) -> RepairedFile | None:
    """What the file itself says, where that is more than what its header says; None where there is nothing to add."""
    try:
        if span := mpeg_in_wave(path):
            found = scan_mpeg_in_wave(path, span)
        else:
            found = next((found for scan in _SCANS if (found := scan(path)) is not None), None)
        if found is None and (span or only_begins_as_mpeg(path)):
            raise _unknown(path, "it says that it is MPEG audio, and has no frames of it")
    except OSError as error:
        raise _unopened(path, error) from error
    return found


def _open(path: Path, pieces: tuple[Piece, ...]) -> soundfile.SoundFile:
    try:
        if pieces:
            return soundfile.SoundFile(SplicedFile(path, pieces))
        return soundfile.SoundFile(str(path) if sys.platform == "win32" else os.fsencode(path))
    except (soundfile.LibsndfileError, TypeError, ValueError) as error:
        # TypeError: a .raw name, for which soundfile wants rate and channels
        raise _unknown(path, _words(error)) from error
    except OSError as error:
        raise _unopened(path, error) from error


def _unknown(path: Path, reason: str) -> UnknownAudio:
    return UnknownAudio(
        "{path} is not an audio file that can be read ({reason}); use WAV, FLAC, AIFF, OGG or MP3",
        path=path, reason=reason,
    )  # fmt: skip


def _unopened(path: Path, error: OSError) -> AudioError:
    return AudioError("{path} cannot be opened ({reason}); check that it may be read", path=path, reason=error.strerror)


class _SampleStream(Protocol):
    """What of a ``soundfile.SoundFile`` is used to read."""

    def read(self, frames: int, dtype: str, always_2d: bool) -> npt.NDArray[np.floating]: ...

    def seek(self, frames: int) -> int: ...

    def seekable(self) -> bool: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> Any: ...


class _DecodedStream:
    """Decoded samples on disk, read like a file."""

    def __init__(self, rows: DiskArray | DiskArrayFloat64) -> None:
        self._rows = rows
        self._at = 0

    def read(self, frames: int, dtype: str, always_2d: bool) -> npt.NDArray[np.floating]:
        first, self._at = self._at, min(self._at + frames, self._rows.rows)
        return self._rows.read(first, self._at)

    def seek(self, frames: int) -> int:
        self._at = frames
        return frames

    def seekable(self) -> bool:
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """The rows belong to whoever decoded them."""


def _opened(info: AudioInfo) -> _SampleStream:
    if info.decoded is not None:
        return _DecodedStream(info.decoded)
    stream: _SampleStream = _open(info.path, info.pieces)
    return stream


def _read(stream: soundfile.SoundFile, path: Path, count: int, dtype: str) -> npt.NDArray[np.floating]:
    try:
        block_NC: npt.NDArray[np.floating] = stream.read(count, dtype=dtype, always_2d=True)
    except soundfile.LibsndfileError as error:
        raise _damaged(path, error) from error
    return block_NC


def _seek(stream: _SampleStream, path: Path, start: int) -> int:
    try:
        return stream.seek(start)
    except soundfile.LibsndfileError as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: soundfile.LibsndfileError) -> AudioError:
    return AudioError("{path} is damaged ({reason}); convert it or get it again", path=path, reason=_words(error))


def _checked(block_NC: npt.NDArray[np.floating], position: int, info: AudioInfo) -> Samples:
    good_NC = np.abs(block_NC) <= LOUDEST  # so that NaN is not
    if not good_NC.all():
        bad = int(np.argmin(good_NC.all(axis=1)))
        finite = np.isfinite(block_NC[bad]).all()
        at_s = (position + bad) / info.rate_hz
        if finite:
            raise AudioError(
                "{path} has a sample over {loudest:g} (full scale is 1) at {seconds:.3f} s; repair or convert it first",
                path=info.path, loudest=LOUDEST, seconds=at_s,
            )  # fmt: skip
        raise AudioError(
            "{path} has a sample that is not a number or infinite at {seconds:.3f} s; repair or convert it first",
            path=info.path, seconds=at_s,
        )  # fmt: skip
    return block_NC.astype(np.float64)


def _words(error: BaseException) -> str:
    said = getattr(error, "error_string", None) or str(error)
    return str(said).strip().rstrip(".").splitlines()[0]
