"""Where the samples of an uncompressed file lie, whatever sizes its header gives.

Recorders that lost power leave sizes of 0, streams write -1, and files above 4 GB wrap 32 bits. The samples of such a
file go on to its end, or to the chunks that follow them.

Sources: EBU Tech 3306 (RF64), Apple's AIFF-C and Core Audio Format specifications, Sony's Wave64, and ``.snd``.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.audio.mpeg import id3v2_bytes
from engine.audio.riff import CHUNKS_LIMIT, LARGEST_BYTES, UNKNOWN_SIZE, is_chunk_name, riff_chunks
from engine.audio.splice import Piece, RepairedFile, SplicedFile

TAIL_BYTES = 1 << 16  # in which chunks behind samples of unknown length are looked for
_WRAP = 1 << 32
_NEAR_UNKNOWN = 4096  # streams write the largest size there is, or that less their own header
_TRAILING = (b"LIST", b"id3 ", b"ID3 ", b"bext", b"iXML", b"cue ", b"smpl", b"JUNK", b"fact", b"afsp", b"_PMX")
_W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")  # of the GUIDs of chunks


@dataclass(frozen=True, slots=True)
class _SampleBytes:
    """Where the samples lie.

    Attributes:
        start, stop: bytes of the file.
        said: how many the header announces; None where it does not say.
        chunks_at: where the chunks of an RF64 file begin behind that of its sizes; 0 in a file of another kind.
    """

    start: int
    stop: int
    said: int | None
    chunks_at: int = 0


def scan_layout(path: Path) -> RepairedFile | None:
    """Compare the sizes in the header with the file; None in files of other kinds, and where no samples begin.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        tag_bytes = id3v2_bytes(file.read(10))
        behind_tag = (tag_bytes, file.seek(0, io.SEEK_END))
    with io.BufferedReader(SplicedFile(path, (behind_tag,))) as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        head = stream.read(16)
        stream.seek(0)
        kind = next((row for row in _KINDS if head[row.at :].startswith(row.mark)), None)
        found = None if kind is None else kind.find(stream, size)
    if kind is None or found is None or found.stop <= found.start:
        return None
    is_cut = found.said is not None and found.start + found.said > size
    times = None if found.said is None else found.said / (found.stop - found.start)
    pieces = kind.mend(found, size)
    if tag_bytes:
        pieces = tuple(_moved(piece, tag_bytes) for piece in pieces or ((0, size),))
    return RepairedFile(pieces, times, is_cut)


def _moved(piece: Piece, by: int) -> Piece:
    return piece if isinstance(piece, bytes) else (piece[0] + by, piece[1] + by)


def _as_wave(found: _SampleBytes, size: int) -> tuple[Piece, ...]:
    """To libsndfile the largest size means all the rest; where more is there than that, RF64 says how much."""
    there = found.stop - found.start
    if found.said is not None:
        return ()
    size_at = found.start - 4
    if found.chunks_at or there >= UNKNOWN_SIZE:
        ds64 = struct.pack("<4sIQQQI", b"ds64", 28, size, there, 0, 0)
        head = struct.pack("<4sI4s", b"RF64", UNKNOWN_SIZE, b"WAVE") + ds64
        return head, (found.chunks_at or 12, size_at), struct.pack("<I", UNKNOWN_SIZE), (found.start, found.stop)
    return (0, size_at), struct.pack("<I", UNKNOWN_SIZE), (found.start, found.stop)


def _as_w64(found: _SampleBytes, size: int) -> tuple[Piece, ...]:
    """libsndfile takes whatever lies behind the samples for samples."""
    return () if found.stop == size else ((0, found.stop),)


def _as_caf(found: _SampleBytes, size: int) -> tuple[Piece, ...]:
    """libsndfile refuses a chunk that is cut."""
    if found.said is not None and found.start + found.said <= size:
        return ()
    at = found.start - 12  # of the size; then comes the count of edits, which the size counts
    return (0, at), struct.pack(">Q", found.stop - found.start + 4), (at + 8, found.stop)


def _as_it_is(found: _SampleBytes, size: int) -> tuple[Piece, ...]:
    return ()


def _in_wave(stream: BinaryIO, size: int) -> _SampleBytes | None:
    head = stream.read(20).ljust(20, b"\0")
    riff_bytes, ds64_bytes = struct.unpack_from("<I", head, 4)[0], struct.unpack_from("<I", head, 16)[0]
    chunks_at = 20 + ds64_bytes if head[12:16] == b"ds64" else 0
    stream.seek(0)
    for name, said in riff_chunks(stream):
        if name != b"data":
            continue
        start = stream.tell()
        there = size - start
        is_unfinished = said == 0 and there and (riff_bytes == 0 or not _chunk_at(stream, start, size))
        if is_unfinished or (said > there and _is_unknown(said)):
            return _SampleBytes(start, _before_chunks(stream, start, size), None, chunks_at)
        if there - said >= _WRAP and _is_wrapped(stream, start + said, size, riff_bytes):
            stop = start + said + (there - said) // _WRAP * _WRAP
            return _SampleBytes(start, stop, None)
        return _SampleBytes(start, start + min(said, there), said, chunks_at)
    return None


def _is_unknown(said: int) -> bool:
    near = any(mark - _NEAR_UNKNOWN <= said <= mark for mark in (UNKNOWN_SIZE, 0x7FFFFFFF))
    return near or said == 0x80000000 or said > LARGEST_BYTES


def _is_wrapped(stream: BinaryIO, end: int, size: int, riff_bytes: int) -> bool:
    """True where a size of 32 bits was too small, not where gigabytes of something else follow the samples."""
    if (size - 8 - riff_bytes) % _WRAP == 0:
        return True
    stream.seek(end)
    following = stream.read(4096)
    return bool(following.strip(b"\0")) and not _chunk_at(stream, end, size)


def _chunk_at(stream: BinaryIO, at: int, size: int) -> bool:
    stream.seek(at)
    header = stream.read(8)
    return is_chunk_name(header[:4]) and len(header) == 8 and struct.unpack("<I", header[4:])[0] <= size - at - 8


def _before_chunks(stream: BinaryIO, start: int, size: int) -> int:
    """End of samples that go on to the end of the file, or to chunks that reach it exactly."""
    begin = max(start, size - TAIL_BYTES)
    stream.seek(begin)
    tail = stream.read(TAIL_BYTES)
    end = len(tail)
    found = True
    while found:
        found = False
        for name in _TRAILING:
            at = tail.rfind(name, 0, end)
            if at >= 0 and end - at >= 8:
                length = struct.unpack_from("<I", tail, at + 4)[0]
                if at + 8 + length + length % 2 == end or at + 8 + length == end:
                    end, found = at, True
    return begin + end


def _in_aiff(stream: BinaryIO, size: int) -> _SampleBytes | None:
    stream.seek(12)
    for name, said, start in _chunks(stream, ">4sI"):
        if name == b"SSND":
            offset = struct.unpack(">I", stream.read(4).ljust(4, b"\0"))[0]
            start += 8 + offset
            known = None if said == 0 or _is_unknown(said) else max(0, said - 8 - offset)
            return _spanned(start, known, size)
    return None


def _in_caf(stream: BinaryIO, size: int) -> _SampleBytes | None:
    stream.seek(8)
    for name, said, start in _chunks(stream, ">4sQ", is_padded=False):
        if name == b"data":
            known = None if said in (0, 0xFFFFFFFFFFFFFFFF) else max(0, said - 4)
            return _spanned(start + 4, known, size)  # behind the count of edits
    return None


def _in_w64(stream: BinaryIO, size: int) -> _SampleBytes | None:
    at = 40
    for _ in range(CHUNKS_LIMIT):
        stream.seek(at)
        header = stream.read(24)
        if len(header) < 24 or header[4:16] != _W64_TAIL:
            return None
        said = struct.unpack_from("<Q", header, 16)[0]
        if header[:4] == b"data":
            return _spanned(at + 24, None if said <= 24 or said > LARGEST_BYTES else said - 24, size)
        if said > LARGEST_BYTES:
            return None
        at += max(24, -(-said // 8) * 8)
    return None


def _in_snd(stream: BinaryIO, size: int) -> _SampleBytes | None:
    start, said = struct.unpack_from(">II", stream.read(12).ljust(12, b"\0"), 4)
    return _spanned(start, None if said == UNKNOWN_SIZE else said, size)


def _spanned(start: int, said: int | None, size: int) -> _SampleBytes | None:
    if start > size:
        return None
    return _SampleBytes(start, size if said is None else min(start + said, size), said)


def _chunks(stream: BinaryIO, form: str, is_padded: bool = True) -> Iterator[tuple[bytes, int, int]]:
    for _ in range(CHUNKS_LIMIT):
        header = stream.read(struct.calcsize(form))
        if len(header) < struct.calcsize(form) or not is_chunk_name(header[:4]):
            return
        name, said = struct.unpack(form, header)
        start = stream.tell()
        yield name, said, start
        if said > LARGEST_BYTES:
            return
        stream.seek(start + said + (said % 2 if is_padded else 0))


@dataclass(frozen=True, slots=True)
class _Kind:
    at: int  # of the mark in the file
    mark: bytes
    find: Callable[[BinaryIO, int], _SampleBytes | None]  # the file and its size
    mend: Callable[[_SampleBytes, int], tuple[Piece, ...]]


_KINDS = (
    _Kind(8, b"WAVE", _in_wave, _as_wave),
    _Kind(8, b"AIFF", _in_aiff, _as_it_is),
    _Kind(8, b"AIFC", _in_aiff, _as_it_is),
    _Kind(0, b"caff", _in_caf, _as_caf),
    _Kind(0, b"riff\x2e\x91\xcf\x11", _in_w64, _as_w64),
    _Kind(0, b".snd", _in_snd, _as_it_is),
)
