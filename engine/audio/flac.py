"""FLAC files that do not say how long they are, or say it wrongly: the last frame knows.

Every frame says which sample it begins with and how many it holds, so the length is read from the end of the file. The
decoder is given the same file with that number in its STREAMINFO, without a last frame that is cut.

Source: RFC 9639, sections 8.2 (STREAMINFO), 9.1 (frame header) and 9.3 (frame footer).
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path

import soundfile

from engine.audio.mpeg import ID3V1_BYTES, id3v2_bytes
from engine.audio.splice import Piece, RepairedFile

TAIL_BYTES = 1 << 18  # holds a frame or two of any rate and number of channels
_SAMPLES = {1: 192, **{n: 576 << (n - 2) for n in range(2, 6)}, **{n: 256 << (n - 8) for n in range(8, 16)}}
_TOTAL_AT = 8 + 13  # of the byte that the number of samples begins in, from fLaC


@dataclass(frozen=True, slots=True)
class _Frame:
    start: int
    stop: int


def scan_flac(path: Path) -> RepairedFile | None:
    """Compare STREAMINFO with the last frame; None where they agree, or the file is no FLAC.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = id3v2_bytes(file.read(10))
        file.seek(start)
        head = file.read(42)
        if len(head) < 42 or head[:4] != b"fLaC" or head[4] & 0x7F != 0:
            return None
        size = file.seek(0, 2)
        file.seek(max(start, size - TAIL_BYTES))
        tail_at = file.tell()
        tail = file.read()
    tail = _without_tags(tail)
    block_samples = struct.unpack_from(">H", head, 10)[0]
    total = (head[_TOTAL_AT] & 0x0F) << 32 | struct.unpack_from(">I", head, _TOTAL_AT + 1)[0]
    at, frame = _last_frame(tail, block_samples)
    if frame is None:
        return None
    is_whole = _crc16(tail[at:]) == 0 or _decodes(head, tail[at:], frame.stop - frame.start)
    there = frame.stop if is_whole else frame.start
    if there in (0, total):
        return None
    stop = tail_at + (len(tail) if is_whole else at)
    lengths = head[_TOTAL_AT] & 0xF0 | there >> 32, there & 0xFFFFFFFF
    front = head[:_TOTAL_AT] + struct.pack(">BI", *lengths)
    pieces: tuple[Piece, ...] = (front, (start + _TOTAL_AT + 5, stop))
    return RepairedFile(pieces, total / there if total else None, not is_whole or total > there)


def _without_tags(tail: bytes) -> bytes:
    if tail[-ID3V1_BYTES:][:3] == b"TAG":
        tail = tail[:-ID3V1_BYTES]
    if tail[-32:][:8] == b"APETAGEX":
        size, _, flags = struct.unpack_from("<III", tail, len(tail) - 20)
        tail = tail[: -(size + (32 if flags >> 31 else 0))]
    return tail


def _decodes(head: bytes, frame: bytes, samples: int) -> bool:
    """True where the last frame is whole, and what lies behind it is no sound.

    Args:
        head: of the file, up to the end of STREAMINFO.
        frame: from its first byte to the end of the file.
        samples: that it says it holds.
    """
    alone = head[:4] + b"\x80" + head[5:_TOTAL_AT] + struct.pack(">BI", head[_TOTAL_AT] & 0xF0, samples)
    try:
        with soundfile.SoundFile(io.BytesIO(alone + head[_TOTAL_AT + 5 :] + frame)) as file:
            return len(file.read(samples)) == samples
    except (soundfile.LibsndfileError, ValueError):
        return False


def _last_frame(tail: bytes, block_samples: int) -> tuple[int, _Frame | None]:
    """Offset and samples of the last frame that begins in the tail.

    Args:
        tail: the end of the file.
        block_samples: of all frames but the last, where frames are numbered.
    """
    at = len(tail)
    while (at := tail.rfind(b"\xff", 0, at)) >= 0:
        frame = _frame(tail[at : at + 16], block_samples)
        if frame is not None:
            return at, frame
    return 0, None


def _frame(head: bytes, block_samples: int) -> _Frame | None:
    """A frame header; None where there is none. Its checksum is right by chance once in 256 times, its rest rarely."""
    if len(head) < 6 or head[1] & 0xFE != 0xF8 or head[3] & 1 or head[2] & 0x0F == 0x0F or head[3] >> 4 > 10:
        return None
    number, used = _coded_number(head[4:])
    at = 4 + used
    size, rate = head[2] >> 4, head[2] & 0x0F
    extra = {6: 1, 7: 2}.get(size, 0)
    rate_bytes = {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if not used or size == 0 or len(head) <= at + extra + rate_bytes:
        return None
    if _crc8(head[: at + extra + rate_bytes]) != head[at + extra + rate_bytes]:
        return None
    samples = int.from_bytes(head[at : at + extra], "big") + 1 if extra else _SAMPLES[size]
    start = number if head[1] & 1 else number * block_samples  # the bit: samples are numbered, not frames
    return _Frame(start, start + samples)


def _coded_number(data: bytes) -> tuple[int, int]:
    """A number in the way of UTF-8, of up to 36 bits, and how many bytes it takes; 0 bytes where it is none."""
    first = data[0]
    if first < 0x80:
        return first, 1
    count = 8 - (first ^ 0xFF).bit_length()
    if not 2 <= count <= 7 or len(data) < count:
        return 0, 0
    number = first & (0x7F >> count)
    for byte in data[1:count]:
        if byte & 0xC0 != 0x80:
            return 0, 0
        number = number << 6 | (byte & 0x3F)
    return number, count


def _crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value = _TABLE_8[value ^ byte]
    return value


def _crc16(data: bytes) -> int:
    value = 0
    for byte in data:
        value = (value << 8 & 0xFFFF) ^ _TABLE_16[value >> 8 ^ byte]
    return value


def _table(polynomial: int, bits: int) -> tuple[int, ...]:
    table = []
    for value in range(256):
        value <<= bits - 8
        for _ in range(8):
            value = (value << 1 ^ (polynomial if value >> (bits - 1) else 0)) & ((1 << bits) - 1)
        table.append(value)
    return tuple(table)


_TABLE_8, _TABLE_16 = _table(0x07, 8), _table(0x8005, 16)
