"""Sound that travels as messages: clips that come in pieces in any order, and results that leave the same way.

What comes in is written as a WAV at once, each piece at its place; what leaves is first laid out as plain samples in a
file. Neither is ever held in memory as a whole. Knows nothing of sockets or jobs.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from engine import read_extras, time_reference
from engine.osc.home import Home

CLIPS_LIMIT = 64
CLIPS_LIMIT_BYTES = 4 << 30  # of all clips together; a WAV has the same limit
IDLE_LIMIT_S = 3600.0
SPARE_BYTES = 64 << 20  # of the disk, left to others
RANGES_LIMIT = 32  # in one request for missing chunks

BYTES_PER_SAMPLE = {"s16": 2, "s24": 3, "s32": 4, "f32": 4}
_SUBTYPES = {"PCM_16": "s16", "PCM_24": "s24", "PCM_32": "s32", "FLOAT": "f32"}
_BLOCK_FRAMES = 1 << 16
_BEXT_BYTES, _TIME_REFERENCE_AT = 602, 338


class ClipError(Exception):
    """A clip that cannot be taken or given; the message is for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a clip is.

    Attributes:
        rate_hz, channels, frames: its grid; samples are interleaved.
        format: one of ``table.CLIP_FORMATS``, little-endian.
        chunk_bytes: of every piece but the last.
        start_samples: where it starts, as the time reference of BWF.
    """

    rate_hz: int
    channels: int
    frames: int
    format: str
    chunk_bytes: int
    start_samples: int = 0

    @property
    def data_bytes(self) -> int:
        """Of all samples."""
        return self.frames * self.channels * BYTES_PER_SAMPLE[self.format]

    @property
    def chunks(self) -> int:
        """How many pieces that makes."""
        return -(-self.data_bytes // self.chunk_bytes)


@dataclass(slots=True)
class Incoming:
    """One clip on its way in, or there.

    Attributes:
        shape: as announced.
        path: the WAV.
        file: open while pieces are missing.
        has: for each piece, 1 when it is there.
        checking: True means the checksum is being taken.
        whole: True means all is there and the checksum was right.
    """

    shape: Shape
    path: Path
    file: BinaryIO
    head_bytes: int
    last_s: float
    has: bytearray
    checking: bool = False
    whole: bool = False

    def put(self, index: int, blob: bytes) -> bool:
        """Write a piece to its place; False when it is none of this clip's.

        Raises:
            OSError: the disk is full or gone.
        """
        at = index * self.shape.chunk_bytes
        if self.whole or index >= len(self.has) or len(blob) != min(self.shape.chunk_bytes, self.shape.data_bytes - at):
            return self.whole
        self.file.seek(self.head_bytes + at)
        self.file.write(blob)
        self.has[index] = 1
        return True

    def missing(self) -> list[tuple[int, int]]:
        """Ranges of missing pieces, first and how many; not more than fit in one message."""
        return gaps(self.has)

    def crc32(self) -> int:
        """Of all samples, read back from the disk."""
        self.file.flush()
        return crc32_of(self.path, self.head_bytes)


class Clips:
    """The clips that came in; used on the loop's thread but for ``pin`` and reading back.

    Args:
        home: its spool holds them.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._clips: dict[str, Incoming] = {}

    def begin(self, name: str, shape: Shape, now_s: float) -> Incoming:
        """Announce a clip; the same announcement again is the same clip.

        Raises:
            ClipError: too many, too large, or another clip has that name.
            OSError: the disk is full or gone.
        """
        known = self._clips.get(name)
        if known is not None:
            if known.shape != shape:
                raise ClipError(f"the clip {name} was announced otherwise; drop it or choose another id")
            known.last_s = now_s
            return known
        total = shape.data_bytes + sum(clip.shape.data_bytes for clip in self._clips.values())
        if len(self._clips) >= CLIPS_LIMIT or total > CLIPS_LIMIT_BYTES:
            raise ClipError(f"at most {CLIPS_LIMIT} clips of together {CLIPS_LIMIT_BYTES >> 30} GB are kept; drop some")
        if shape.data_bytes + SPARE_BYTES > shutil.disk_usage(self._home.spool).free:
            raise ClipError("there is no room on the bridge's disk; send a shorter clip")
        folder = self._home.new_spool()
        folder.mkdir(mode=0o700)
        path = folder / f"{_safe(name)}.wav"
        head = wav_head(shape)
        file = path.open("x+b")
        file.write(head)
        clip = Incoming(shape, path, file, len(head), now_s, bytearray(shape.chunks))
        self._clips[name] = clip
        return clip

    def find(self, name: str, now_s: float) -> Incoming:
        """A clip that was announced.

        Raises:
            ClipError: there is none of that name.
        """
        try:
            clip = self._clips[name]
        except KeyError:
            raise ClipError(f"there is no clip {name}; announce it with clip/begin") from None
        clip.last_s = now_s
        return clip

    def seal(self, clip: Incoming) -> None:
        """All is there and right."""
        clip.file.close()
        clip.whole = True

    def pin(self, name: str, folder: Path) -> Path:
        """Put a whole clip under a private name.

        Raises:
            ClipError: it is not there, or not whole.
        """
        clip = self._clips.get(name)
        if clip is None or not clip.whole:
            raise ClipError(f"there is no whole clip {name}; send it with clip/begin, clip/data and clip/end")
        folder.mkdir(mode=0o700, parents=True)
        private = folder / clip.path.name
        try:
            os.link(clip.path, private)
        except OSError:
            shutil.copyfile(clip.path, private)
        return private

    def drop(self, name: str) -> None:
        """Forget a clip; jobs that have it keep it."""
        clip = self._clips.pop(name, None)
        if clip is not None:
            with contextlib.suppress(OSError):
                clip.file.close()
            shutil.rmtree(clip.path.parent, ignore_errors=True)

    def expire(self, now_s: float) -> None:
        """Forget what nobody used for long."""
        for name in [name for name, clip in self._clips.items() if now_s - clip.last_s > IDLE_LIMIT_S]:
            self.drop(name)

    def close(self) -> None:
        """Forget all."""
        for name in list(self._clips):
            self.drop(name)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A result laid out for sending: plain samples in a file.

    Attributes:
        shape: what it is; its chunk size is the sender's.
        path: the samples, interleaved.
        crc32: of all of them.
    """

    shape: Shape
    path: Path
    crc32: int

    def pieces(self, first: int, count: int) -> Iterator[tuple[int, bytes]]:
        """Pieces by number, as many of the asked ones as there are."""
        with self.path.open("rb") as stream:
            stream.seek(first * self.shape.chunk_bytes)
            for index in range(first, min(first + count, self.shape.chunks)):
                yield index, stream.read(self.shape.chunk_bytes)


def lay_out(path: Path, folder: Path, chunk_bytes: int) -> Outgoing:
    """Lay out an audio file as samples of its own format.

    Args:
        path: WAV or FLAC.
        folder: a new private folder; made here.
        chunk_bytes: of the pieces.

    Raises:
        ClipError: it is gone or no audio.
        OSError: there is no room.
    """
    folder.mkdir(mode=0o700, parents=True)
    raw = folder / "samples"
    crc = 0
    try:
        with soundfile.SoundFile(path) as source, raw.open("xb") as target:
            format = _SUBTYPES.get(source.subtype, "f32")
            shape = Shape(
                rate_hz=source.samplerate,
                channels=source.channels,
                frames=source.frames,
                format=format,
                chunk_bytes=chunk_bytes,
                start_samples=time_reference(read_extras(path).bext),
            )
            while len(block_NC := source.read(_BLOCK_FRAMES, "float32" if format == "f32" else "int32", True)):
                data = _packed(block_NC, format)
                crc = zlib.crc32(data, crc)
                target.write(data)
    except soundfile.LibsndfileError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ClipError("the result's file is gone or was changed; ask for the job again") from error
    return Outgoing(shape, raw, crc)


@dataclass(slots=True)
class Assembly:
    """The receiving end of ``Outgoing``: pieces in any order become a WAV. For clients."""

    shape: Shape
    data: bytearray = field(default_factory=bytearray)
    has: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.data = bytearray(self.shape.data_bytes)
        self.has = bytearray(self.shape.chunks)

    def put(self, index: int, blob: bytes) -> None:
        """Take a piece; one that does not fit is ignored."""
        at = index * self.shape.chunk_bytes
        if 0 <= index < len(self.has) and len(blob) == min(self.shape.chunk_bytes, len(self.data) - at):
            self.data[at : at + len(blob)] = blob
            self.has[index] = 1

    def wav(self) -> bytes:
        """The whole file."""
        return wav_head(self.shape) + bytes(self.data) + b"\0" * (len(self.data) % 2)


def gaps(has: bytearray) -> list[tuple[int, int]]:
    """Ranges of zeros, first and how many, at most ``RANGES_LIMIT`` of them."""
    ranges: list[tuple[int, int]] = []
    at = has.find(0)
    while at >= 0 and len(ranges) < RANGES_LIMIT:
        end = has.find(1, at)
        end = len(has) if end < 0 else end
        ranges.append((at, end - at))
        at = has.find(0, end)
    return ranges


def crc32_of(path: Path, skip_bytes: int) -> int:
    """CRC-32 of a file from ``skip_bytes`` on."""
    crc = 0
    with path.open("rb") as stream:
        stream.seek(skip_bytes)
        while block := stream.read(1 << 20):
            crc = zlib.crc32(block, crc)
    return crc


def wav_head(shape: Shape) -> bytes:
    """Everything of a WAV that comes before its samples. Source: EBU Tech 3285 for the ``bext`` chunk."""
    width = BYTES_PER_SAMPLE[shape.format]
    kind = 3 if shape.format == "f32" else 1
    frame_bytes = width * shape.channels
    fmt = struct.pack(
        "<HHIIHH", kind, shape.channels, shape.rate_hz, shape.rate_hz * frame_bytes, frame_bytes, 8 * width
    )
    chunks = b"fmt " + struct.pack("<I", len(fmt)) + fmt
    if shape.start_samples:
        bext = bytearray(_BEXT_BYTES)
        struct.pack_into("<Q", bext, _TIME_REFERENCE_AT, shape.start_samples)
        chunks = b"bext" + struct.pack("<I", len(bext)) + bext + chunks
    size = 4 + len(chunks) + 8 + shape.data_bytes + shape.data_bytes % 2
    return b"RIFF" + struct.pack("<I", size) + b"WAVE" + chunks + b"data" + struct.pack("<I", shape.data_bytes)


def _packed(block_NC: np.ndarray, format: str) -> bytes:
    if format == "f32":
        return block_NC.astype("<f4").tobytes()
    width = BYTES_PER_SAMPLE[format]
    four_bytes = np.ascontiguousarray(block_NC.astype("<i4")).view(np.uint8).reshape(-1, 4)
    return four_bytes[:, 4 - width :].tobytes()


def _safe(name: str) -> str:
    """An id as a file name."""
    return re.sub(r"[^A-Za-z0-9 _-]", "_", name).strip() or "clip"
