"""Write audio files: format and name of a result, WAV and FLAC block by block.

WAV is written here rather than by libsndfile, so that the Broadcast Wave chunk is kept and a full disk is noticed at
once.
"""

from __future__ import annotations

import re
import struct
import sys
import unicodedata
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import soundfile

from engine.audio.reader import BITS, FLOATS, AudioInfo, Samples
from engine.audio.riff import RiffExtras
from engine.errors import RequestError
from engine.request import Format

SLUG_LIMIT_CHARACTERS = 80
FLAC_CHANNELS = 8
FLAC_HIGHEST_RATE_HZ = 655_350

_INT, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_BITS_ASKED: dict[Format, int | None] = {"wav16": 16, "wav24": 24, "wav32f": None, "flac": 24}


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """Format of a result.

    Attributes:
        container: ``WAV`` or ``FLAC``.
        bits: 16, 24 or 32 for whole numbers, None for float32.
        rate_hz, channels: of the file.
        extras: Broadcast Wave chunk and loudspeaker positions; kept in WAV only.
    """

    container: str
    bits: int | None
    rate_hz: int
    channels: int
    extras: RiffExtras = field(default_factory=RiffExtras)

    @property
    def suffix(self) -> str:
        """Extension of the file name."""
        return "." + self.container.lower()


def format_like(info: AudioInfo, wanted: Format, extras: RiffExtras) -> OutputFormat:
    """Format of a result made from a file.

    ``same`` keeps the depth: 16, 24, 32-bit integers and float stay what they are (8 bits become 16, which holds
    them), FLAC stays FLAC, AIFF becomes WAV of equal depth, lossy files become 24-bit WAV; ``engine.audio.headroom``
    says where they become float32 instead.

    Raises:
        RequestError: FLAC cannot hold it.
    """
    if wanted == "same":
        flac = info.container == "FLAC"
        bits = None if info.subtype in FLOATS else BITS.get(info.subtype, 24)
    else:
        flac = wanted == "flac"
        bits = _BITS_ASKED[wanted]
        if flac and info.subtype in BITS:
            bits = min(BITS[info.subtype], 24)
    if flac:
        _check_flac(info.rate_hz, info.channels)
    return OutputFormat("FLAC" if flac else "WAV", bits, info.rate_hz, info.channels, extras)


def format_for_new(rate_hz: int, channels: int, wanted: Format) -> OutputFormat:
    """Format of a result without an input file; ``same`` means 24-bit WAV."""
    wanted = "wav24" if wanted == "same" else wanted
    return OutputFormat("FLAC" if wanted == "flac" else "WAV", _BITS_ASKED[wanted], rate_hz, channels)


def result_name(source_stem: str | None, prompt: str, suffix: str, part: str = "") -> str:
    """``<source> - <prompt>.wav``, with `` <part>`` where several files belong together; safe on every file system."""
    parts = [_safe(source_stem, 120)] if source_stem else []
    name = " - ".join([*parts, _safe(prompt[:SLUG_LIMIT_CHARACTERS], 90) or "stem"])
    return name + (f" {part}" if part else "") + suffix


class AudioWriter(Protocol):
    """Writes blocks of quantized samples."""

    def write(self, block_CN: Samples) -> None:
        """Add samples, float64 (channels, samples), already on the grid of the format."""
        ...

    def close(self) -> None:
        """Finish the file; the stream stays open."""
        ...


def open_writer(stream: BinaryIO, target: OutputFormat) -> AudioWriter:
    """Start a file of this format in ``stream``."""
    return FlacWriter(stream, target) if target.container == "FLAC" else WavWriter(stream, target)


class WavWriter:
    """A RIFF WAV, or RF64 when it grows beyond 4 GB.

    Source: EBU Tech 3306 (a ``JUNK`` chunk holds the place of ``ds64``); Microsoft's WAVEFORMATEXTENSIBLE.
    """

    def __init__(self, stream: BinaryIO, target: OutputFormat) -> None:
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
        riff_bytes = self._data_at + data_bytes + data_bytes % 2 - 8
        large = riff_bytes >= 0xFFFFFFFF
        self._patch(0, b"RF64" if large else b"RIFF")
        self._patch(4, struct.pack("<I", 0xFFFFFFFF if large else riff_bytes))
        if large:
            self._patch(12, b"ds64" + struct.pack("<IQQQI", 28, riff_bytes, data_bytes, self._samples, 0))
        self._patch(self._data_at - 4, struct.pack("<I", 0xFFFFFFFF if large else data_bytes))
        if self._target.bits is None:
            self._patch(self._fact_at, struct.pack("<I", min(self._samples, 0xFFFFFFFF)))
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


class FlacWriter:
    """FLAC of 16 or 24 bits, by libsndfile."""

    def __init__(self, stream: BinaryIO, target: OutputFormat) -> None:
        self._stream = _Watched(stream)
        self._shift = 32 - (target.bits or 24)
        self._scale = float(1 << ((target.bits or 24) - 1))
        try:
            self._file = soundfile.SoundFile(
                self._stream, "w", target.rate_hz, target.channels, f"PCM_{target.bits}", format="FLAC"
            )
        except soundfile.LibsndfileError as error:
            self._stream.raise_error()
            raise RequestError("FLAC cannot hold this sound ({reason}); choose --format wav24", reason=error) from error

    def write(self, block_CN: Samples) -> None:
        """See ``AudioWriter``."""
        whole_NC = np.rint(block_CN.T * self._scale).astype(np.int32) << self._shift
        try:
            self._file.write(np.ascontiguousarray(whole_NC))
        except (soundfile.LibsndfileError, AssertionError):  # soundfile asserts that everything was written
            self._stream.raise_error()
            raise
        self._stream.raise_error()

    def close(self) -> None:
        """See ``AudioWriter``."""
        self._file.close()
        self._stream.raise_error()


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


def _check_flac(rate_hz: int, channels: int) -> None:
    if channels > FLAC_CHANNELS:
        raise RequestError(
            "FLAC holds at most {flac_channels} channels, this has {channels}; choose --format wav24",
            flac_channels=FLAC_CHANNELS,
            channels=channels,
        )
    if rate_hz > FLAC_HIGHEST_RATE_HZ or (rate_hz > 0xFFFF and rate_hz % 10):
        raise RequestError(
            "FLAC cannot hold a rate of {rate_hz} Hz (up to 65535, or a multiple of 10 up to {flac_highest_rate_hz}); "
            "choose --format wav24",
            rate_hz=rate_hz,
            flac_highest_rate_hz=FLAC_HIGHEST_RATE_HZ,
        )


def _safe(text: str, limit_bytes: int) -> str:
    text = unicodedata.normalize("NFC", text)
    text = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    text = re.sub(r'[<>:"/\\|?*]', " ", text)
    text = " ".join(text.split()).strip(" .")
    encoding = sys.getfilesystemencoding()  # UTF-8 nearly everywhere; what it cannot say is left out
    return text.encode(encoding, "ignore")[:limit_bytes].decode(encoding, "ignore").strip(" .")
