"""Write audio files block by block: WAV by ourselves, the other kinds by libsndfile, AAC by FFmpeg.

WAV is written here rather than by libsndfile, so that the chunks of a file are kept and a full disk is noticed at once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from engine.audio.aac import AacWriter
from engine.audio.formats import OutputFormat
from engine.audio.reader import Samples, samples_at
from engine.audio.tag_files import append_tags, strings_of, wave_chunks
from engine.audio.tags import Tags
from engine.errors import RequestError

_INT, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_LOSSY_BLOCK = 1 << 14  # samples; libsndfile's Vorbis encoder crashes on very long ones
_UNKNOWN = 0xFFFFFFFF


class AudioWriter(Protocol):
    """Writes blocks of quantized samples."""

    def write(self, block_CN: Samples) -> None:
        """Add samples, float64 (channels, samples), already on the grid of the format."""
        ...

    def close(self) -> None:
        """Finish the file; the stream stays open."""
        ...


def open_writer(stream: BinaryIO, target: OutputFormat, label: str = "") -> AudioWriter:
    """Start a file of this format.

    Args:
        stream: for reading and writing, at its beginning.
        target: the format, with the tags of the mix.
        label: which part of the mix this is; the title says so.

    Raises:
        RequestError: the format needs a package that is not installed, or cannot hold the sound.
    """
    tags = target.tags.titled(label)
    if target.container in ("WAV", "RF64"):
        return WavWriter(stream, target, tags)
    if target.container == "M4A":
        writer: AudioWriter = AacWriter(stream, target.file_rate_hz, target.channels, target.kbit_s)
    else:
        writer = SndfileWriter(stream, target, tags)
    if target.file_rate_hz != target.rate_hz:
        writer = ResamplingWriter(writer, target.rate_hz, target.file_rate_hz, target.channels)
    return TaggingWriter(writer, stream, target, tags)


class WavWriter:
    """A RIFF WAV; an RF64 where that is asked for, or when it grows beyond 4 GB.

    Tags stand behind the data: libsndfile gives up on an RF64 with chunks before the data that it does not know.

    Source: EBU Tech 3306 (a ``JUNK`` chunk holds the place of ``ds64``); Microsoft's WAVEFORMATEXTENSIBLE.
    """

    def __init__(self, stream: BinaryIO, target: OutputFormat, tags: Tags | None = None) -> None:
        self._stream = stream
        self._target = target
        self._samples = 0
        chunks = [_chunk(b"JUNK", bytes(28))]
        if target.extras.bext is not None:
            chunks.append(_chunk(b"bext", target.extras.bext))
        chunks.append(_chunk(b"fmt ", self._fmt()))
        if target.bits is None:
            self._fact_at = 12 + sum(map(len, chunks)) + 8
            chunks.append(_chunk(b"fact", bytes(4)))
        self._tags = b"".join(_chunk(name, data) for name, data in wave_chunks(tags or Tags()))
        self._data_at = 12 + sum(map(len, chunks)) + 8
        stream.write(b"RIFF\0\0\0\0WAVE" + b"".join(chunks) + b"data\0\0\0\0")

    def write(self, block_CN: Samples) -> None:
        """See ``AudioWriter``."""
        self._samples += block_CN.shape[1]
        self._stream.write(_bytes(block_CN, self._target.bits))

    def close(self) -> None:
        """See ``AudioWriter``."""
        data_bytes = self._samples * self._frame_bytes()
        if data_bytes % 2:
            self._stream.write(b"\0")
        self._stream.write(self._tags)
        riff_bytes = self._data_at + data_bytes + data_bytes % 2 + len(self._tags) - 8
        large = riff_bytes >= _UNKNOWN or self._target.container == "RF64"
        self._patch(0, b"RF64" if large else b"RIFF")
        self._patch(4, struct.pack("<I", _UNKNOWN if large else riff_bytes))
        if large:
            self._patch(12, b"ds64" + struct.pack("<IQQQI", 28, riff_bytes, data_bytes, self._samples, 0))
        self._patch(self._data_at - 4, struct.pack("<I", _UNKNOWN if large else data_bytes))
        if self._target.bits is None:
            self._patch(self._fact_at, struct.pack("<I", min(self._samples, _UNKNOWN)))
        self._stream.seek(0, 2)

    def _frame_bytes(self) -> int:
        return self._target.channels * (self._target.bits or 32) // 8

    def _fmt(self) -> bytes:
        target, bits = self._target, self._target.bits or 32
        kind = _FLOAT if target.bits is None else _INT
        frame_bytes = self._frame_bytes()
        extensible = target.channels > 2 or target.extras.channel_mask != 0
        fmt = struct.pack(
            "<HHIIHH", _EXTENSIBLE if extensible else kind, target.channels, target.rate_hz,
            target.rate_hz * frame_bytes, frame_bytes, bits,
        )  # fmt: skip
        if extensible:
            return fmt + struct.pack("<HHIH", 22, bits, target.extras.channel_mask, kind) + _GUID_TAIL
        return fmt + (b"\0\0" if kind == _FLOAT else b"")

    def _patch(self, at: int, data: bytes) -> None:
        self._stream.seek(at)
        self._stream.write(data)


class SndfileWriter:
    """The kinds that libsndfile writes: FLAC, AIFF, CAF, Wave64, MP3, Ogg Vorbis and Opus."""

    def __init__(self, stream: BinaryIO, target: OutputFormat, tags: Tags) -> None:
        self._stream = _Watched(stream)
        self._lossless, self._bits = target.lossless, target.bits
        subtype = target.kind.subtype or ("FLOAT" if target.bits is None else f"PCM_{target.bits}")
        container = "OGG" if target.container == "OPUS" else target.container
        try:
            self._file = soundfile.SoundFile(
                self._stream, "w", target.file_rate_hz, target.channels, subtype, format=container, **_quality(target)
            )
            for name, text in strings_of(target, tags):
                setattr(self._file, name, text)
        except soundfile.LibsndfileError as error:
            self._stream.raise_error()
            raise RequestError(
                "{kind} cannot hold this sound ({reason}); choose --format wav24", kind=target.kind.words, reason=error
            ) from error

    def write(self, block_CN: Samples) -> None:
        """See ``AudioWriter``."""
        try:
            for part_NC in self._stored(block_CN):
                self._file.write(np.ascontiguousarray(part_NC))
        except (soundfile.LibsndfileError, AssertionError):  # soundfile asserts that everything was written
            self._stream.raise_error()
            raise
        self._stream.raise_error()

    def close(self) -> None:
        """See ``AudioWriter``."""
        self._file.close()
        self._stream.raise_error()

    def _stored(self, block_CN: Samples) -> Iterator[npt.NDArray[Any]]:
        """Samples as libsndfile stores them unchanged, (samples, channels)."""
        if not self._lossless:
            block_NC = block_CN.T.astype(np.float32)
            yield from (block_NC[at : at + _LOSSY_BLOCK] for at in range(0, len(block_NC), _LOSSY_BLOCK))
        elif self._bits is None:
            yield block_CN.T.astype(np.float32)
        else:
            yield np.rint(block_CN.T * float(1 << (self._bits - 1))).astype(np.int32) << (32 - self._bits)


class ResamplingWriter:
    """Hands samples on at another rate, for formats that do not have theirs; the length is rounded up to whole samples.

    Args:
        from_hz: rate of the samples.
        channels: of both.
    """

    def __init__(self, writer: AudioWriter, from_hz: int, to_hz: int, channels: int) -> None:
        self._writer = writer
        self._from_hz, self._to_hz, self._channels = from_hz, to_hz, channels
        self._resampler = soxr.ResampleStream(from_hz, to_hz, channels, dtype="float64", quality="HQ")
        self._taken = self._given = 0

    def write(self, block_CN: Samples) -> None:
        """See ``AudioWriter``."""
        self._taken += block_CN.shape[1]
        self._give(self._resampler.resample_chunk(np.ascontiguousarray(block_CN.T)).reshape(-1, self._channels).T)

    def close(self) -> None:
        """See ``AudioWriter``."""
        empty = np.zeros((0, self._channels))
        last_CN = self._resampler.resample_chunk(empty, last=True).reshape(-1, self._channels).T
        left = samples_at(self._taken, self._from_hz, self._to_hz) - self._given
        self._give(last_CN[:, :left])
        left -= last_CN.shape[1]
        if left > 0:
            self._give(np.zeros((self._channels, left)))
        self._writer.close()

    def _give(self, block_CN: Samples) -> None:
        self._given += block_CN.shape[1]
        if block_CN.shape[1]:
            self._writer.write(block_CN)


class TaggingWriter:
    """Adds the tags once the samples are written."""

    def __init__(self, writer: AudioWriter, stream: BinaryIO, target: OutputFormat, tags: Tags) -> None:
        self._writer, self._stream, self._target, self._tags = writer, stream, target, tags

    def write(self, block_CN: Samples) -> None:
        """See ``AudioWriter``."""
        self._writer.write(block_CN)

    def close(self) -> None:
        """See ``AudioWriter``."""
        self._writer.close()
        append_tags(self._stream, self._target, self._tags)
        self._stream.seek(0, 2)


class _Watched:
    """Remembers why a write failed; libsndfile only says that something went wrong."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._error: OSError | None = None
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, count: int = -1) -> bytes:
        return self._stream.read(count)

    def write(self, data: bytes) -> int:
        if self._error is not None:
            return 0
        try:
            self._stream.write(data)
            self._stream.flush()
        except OSError as error:
            self._error = error
            return 0
        return len(data)

    def raise_error(self) -> None:
        if self._error is not None:
            raise self._error


# Average kbit/s of stereo at 44.1 kHz for the qualities 0 to 10 of the Vorbis encoder. Source: its manual.
_VORBIS_KBIT_S = (64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 500)


def _quality(target: OutputFormat) -> dict[str, Any]:
    """What libsndfile is told of a bit rate: a compression from 0 to 1, whose meaning depends on the encoder."""
    if target.lossless:
        return {}
    rate_hz, kbit_s = target.file_rate_hz, target.kbit_s
    if target.container == "MP3":
        low, high = (32, 320) if rate_hz >= 32_000 else (8, 160) if rate_hz >= 16_000 else (8, 64)
        return {"bitrate_mode": "CONSTANT", "compression_level": _within((high - kbit_s) / (high - low))}
    each = kbit_s / target.channels
    if target.container == "OPUS":
        return {"compression_level": _within(1 - (each - 6) / 250)}
    return {"compression_level": _within(1 - np.interp(2 * each, _VORBIS_KBIT_S, np.arange(11)) / 10)}


def _within(compression: float) -> float:
    return float(min(max(compression, 0.0), 0.99))


def _bytes(block_CN: Samples, bits: int | None) -> bytes:
    block_NC = np.ascontiguousarray(block_CN.T)
    if bits is None:
        return block_NC.astype("<f4").tobytes()
    whole_NC = np.rint(block_NC * float(1 << (bits - 1))).astype(np.int64)
    if bits == 16:
        return whole_NC.astype("<i2").tobytes()
    whole32_NC: npt.NDArray[np.int32] = np.ascontiguousarray(whole_NC.astype("<i4"))
    if bits == 32:
        return whole32_NC.tobytes()
    return whole32_NC.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
