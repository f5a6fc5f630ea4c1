"""Chunks of a WAV file that libsndfile does not expose: Broadcast Wave data and loudspeaker positions.

Source: EBU Tech 3285 (``bext``), EBU Tech 3306 (RF64).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

BEXT_FIXED_BYTES = 602
BEXT_LIMIT_BYTES = 1 << 20
CHUNKS_LIMIT = 4096
UNKNOWN_SIZE = 0xFFFFFFFF
LARGEST_BYTES = 1 << 43  # no file is as long, and file systems refuse to go to places much behind it
_TIME_REFERENCE_AT = 338
_EXTENSIBLE = 0xFFFE


@dataclass(frozen=True, slots=True)
class RiffExtras:
    """Metadata of a WAV file that results keep.

    Attributes:
        bext: contents of the Broadcast Wave chunk; None when there is none.
        channel_mask: loudspeaker of each channel, as bits; 0 means unspecified.
    """

    bext: bytes | None = None
    channel_mask: int = 0


def read_extras(path: Path) -> RiffExtras:
    """Read the metadata of a file; other formats and damaged files have none."""
    bext, mask = None, 0
    try:
        with path.open("rb") as stream:
            for name, size in riff_chunks(stream):
                if name == b"bext" and BEXT_FIXED_BYTES <= size <= BEXT_LIMIT_BYTES:
                    raw = stream.read(size)
                    bext = raw if len(raw) == size else None
                elif name == b"fmt " and size >= 40:
                    fmt = stream.read(40)
                    if len(fmt) == 40 and struct.unpack_from("<H", fmt)[0] == _EXTENSIBLE:
                        mask = struct.unpack_from("<I", fmt, 20)[0]
    except OSError:  # extras are a courtesy; whether the file can be read is judged where its samples are read
        return RiffExtras()
    return RiffExtras(bext, mask)


def time_reference(bext: bytes | None) -> int:
    """Samples from midnight to the start of the file, as the chunk says; 0 without one."""
    if bext is None:
        return 0
    return int(struct.unpack_from("<Q", bext, _TIME_REFERENCE_AT)[0])


def moved(bext: bytes | None, samples: int) -> bytes | None:
    """The chunk for a file that starts ``samples`` later; created where there was none and ``samples`` is not 0."""
    if bext is None:
        if samples == 0:
            return None
        bext = bytes(256) + b"Fluxstem".ljust(32, b"\0") + bytes(BEXT_FIXED_BYTES - 288)
    start = time_reference(bext) + samples
    return bext[:_TIME_REFERENCE_AT] + struct.pack("<Q", start) + bext[_TIME_REFERENCE_AT + 8 :]


def riff_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Names and sizes of the chunks of a WAV file, RF64 and BW64 too; the stream stands at the contents of each.

    It ends where no name can be: junk or zeros behind the last chunk, however many, cost nothing.
    """
    head = stream.read(12)
    if len(head) < 12 or head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:] != b"WAVE":
        return
    data_bytes = 0
    for _ in range(CHUNKS_LIMIT):
        header = stream.read(8)
        if len(header) < 8 or not is_chunk_name(header[:4]):
            return
        name, size = header[:4], struct.unpack("<I", header[4:])[0]
        start = stream.tell()
        if name == b"ds64":
            sizes = stream.read(16)
            data_bytes = struct.unpack_from("<Q", sizes.ljust(16, b"\0"), 8)[0]
        elif name == b"data" and size == UNKNOWN_SIZE and head[:4] != b"RIFF":
            size = data_bytes
        yield name, size
        if size > LARGEST_BYTES:
            return
        stream.seek(start + size + size % 2)


def is_chunk_name(name: bytes) -> bool:
    """True for four letters, digits, marks or spaces."""
    return len(name) == 4 and all(0x20 <= byte < 0x7F for byte in name)
