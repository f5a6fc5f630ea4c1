"""MP3 and MP2 files with wrong headers: count the frames, leave out what is no sound, write a true Info tag.

Decoders believe the frame count of the Xing or Info tag, and guess the length where there is none. Here the frames are
counted, which takes about a third of a second for an hour of music, and the decoder is given the frames behind a tag
with their number. Junk between frames and tags at the end (ID3v1, APE, Lyrics3) are left out.

Sources: ISO/IEC 11172-3, 2.4.1.3 and 2.4.2.3 (frame header); the Xing and LAME tags as mpg123 and FFmpeg read them.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from engine.audio.riff import riff_chunks
from engine.audio.splice import RepairedFile, SplicedFile

JUNK_LIMIT_BYTES = 1 << 20  # behind which no further frame is looked for
HEAD_LIMIT_BYTES = 1 << 16  # in which the first frame is looked for
DECODER_DELAY = 529
ID3V1_BYTES = 128
_MPEG_IN_WAVE = (0x50, 0x55)  # what the format chunk says

_KBPS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_FRAMES, _BYTES, _TOC, _QUALITY = 1, 2, 4, 8  # flags of the tag
_LAME_BYTES = 36
_LEAST_BITRATE, _ROOMY_BITRATE = 1, 9  # a frame of the latter is large enough for the tag


@dataclass(frozen=True, slots=True)
class _Header:
    kind: bytes  # what all frames of a file have in common
    frame_bytes: int
    samples: int
    tag_at: int  # where a tag begins in the frame; 0 where there can be none


@dataclass(frozen=True, slots=True)
class _Tag:
    frames: int | None
    file_bytes: int | None
    lame: bytes  # empty where there is none
    is_plain: bool = True  # False where mpg123 would take the frame for sound

    @property
    def trimmed_samples(self) -> tuple[int, int]:
        """How many samples decoders leave out at the beginning and at the end."""
        if not self.lame:
            return 0, 0
        both = int.from_bytes(self.lame[21:24], "big")
        return (both >> 12) + DECODER_DELAY, max(0, (both & 0xFFF) - DECODER_DELAY)


def scan_mpeg(path: Path) -> RepairedFile | None:
    """Find the frames of an MPEG audio file; None where it is none.

    Raises:
        OSError: it cannot be read.
    """
    return _scan(path, None)


def scan_mpeg_in_wave(path: Path, span: tuple[int, int]) -> RepairedFile | None:
    """Find the frames of MPEG audio in a WAV file, which is then read as if nothing were around them.

    Args:
        span: as ``mpeg_in_wave`` says.

    Raises:
        OSError: it cannot be read.
    """
    found = _scan(path, span)
    if found is None:
        return None
    pieces = found.pieces or ((0, span[1] - span[0]),)
    moved = (piece if isinstance(piece, bytes) else (piece[0] + span[0], piece[1] + span[0]) for piece in pieces)
    return replace(found, pieces=tuple(moved))


def mpeg_in_wave(path: Path) -> tuple[int, int] | None:
    """Where MPEG audio begins and stops in a WAV file; None in any other file.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(_behind_tags(file, size))
        holds_mpeg = False
        for name, said in riff_chunks(file):
            start = file.tell()
            if name == b"fmt " and said >= 2:
                holds_mpeg = struct.unpack("<H", file.read(2).ljust(2, b"\0"))[0] in _MPEG_IN_WAVE
            elif name == b"data":
                return (start, min(start + said, size)) if holds_mpeg else None
    return None


def _scan(path: Path, span: tuple[int, int] | None) -> RepairedFile | None:
    opened = path.open("rb", buffering=1 << 18) if span is None else io.BufferedReader(SplicedFile(path, (span,)))
    with opened as file:
        size = file.seek(0, 2)
        start = _first_frame(file, size)
        if start is None:
            return None
        file.seek(start)
        head = file.read(8192).ljust(8192, b"\0")
        header = _header(head)
        if header is None:
            return None
        tag = _tag(head, header)
        first = start if tag is None else start + header.frame_bytes
        runs, frames, is_partial = _runs(file, first, size, header.kind)
    if not frames:
        return None
    is_in_one = runs == [(first, runs[-1][1])] and size - runs[-1][1] <= ID3V1_BYTES
    is_true = tag is not None and tag.frames == frames and tag.is_plain
    if is_true and is_in_one and not is_partial:
        return RepairedFile((), 1.0, False)
    sound_bytes = sum(stop - begin for begin, stop in runs) + (first - start)
    is_cut = is_partial
    if tag is not None and tag.file_bytes is not None:
        is_cut = tag.frames != frames and tag.file_bytes > sound_bytes + header.frame_bytes
    lame = b"" if tag is None else tag.lame
    said = None
    if is_cut and tag is not None:
        lame = lame[:21] + bytes([lame[21], lame[22] & 0xF0, 0]) + lame[24:] if lame else lame  # the padding is gone
        delay_samples, padding_samples = tag.trimmed_samples
        there = frames * header.samples - delay_samples
        said = (tag.frames * header.samples - delay_samples - padding_samples) / there if tag.frames else None
    if not header.tag_at:
        return RepairedFile(tuple(runs), None, is_cut, frames * header.samples)
    return RepairedFile((_front(head, header, frames, lame), *runs), said, is_cut)


def only_begins_as_mpeg(path: Path) -> bool:
    """True for a file that begins with the mark of a frame, of those in which ``scan_mpeg`` finds none.

    mpg123 would look for one behind every mark in it, and say so in four lines each: minutes for a few megabytes.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        file.seek(_behind_tags(file, file.seek(0, 2)))
        mark = file.read(2)
    return len(mark) == 2 and mark[0] == 0xFF and mark[1] & 0xE0 == 0xE0


def id3v2_bytes(head: bytes) -> int:
    """Length of the ID3v2 tag that a file begins with; 0 where there is none."""
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    sizes = head[6:10]
    length = 0
    for byte in sizes:
        length = length << 7 | (byte & 0x7F)
    return 10 + length + (10 if head[5] & 0x10 else 0)


def _first_frame(file: BinaryIO, size: int) -> int | None:
    """Where the first frame begins that another follows."""
    start = _behind_tags(file, size)
    is_tagged = start > 0
    file.seek(start)
    window = file.read(HEAD_LIMIT_BYTES)
    at = _next_frame(window, 0, size - start, None)
    # Without a tag in front, sound that begins later belongs to another format.
    return start + at if at is not None and (at == 0 or is_tagged or not window[:at].strip(b"\0")) else None


def _behind_tags(file: BinaryIO, size: int) -> int:
    """Where a file goes on behind the ID3v2 tags in front, one after the other."""
    start = 0
    for _ in range(8):
        file.seek(start)
        tag_bytes = id3v2_bytes(file.read(10))
        if not tag_bytes or start + tag_bytes >= size:
            break
        start += tag_bytes
    return start


def _next_frame(window: bytes, at: int, left: int, kind: bytes | None) -> int | None:
    """Offset of a frame that another of its kind, or the end of the file, follows."""
    while (at := window.find(b"\xff", at)) >= 0:
        header = _header(window[at : at + 4])
        if header is not None and kind in (None, header.kind):
            after = at + header.frame_bytes
            second = _header(window[after : after + 4])
            if after == left or (second is not None and second.kind == header.kind):
                return at
        at += 1
    return None


def _runs(file: BinaryIO, start: int, size: int, kind: bytes) -> tuple[list[tuple[int, int]], int, bool]:
    """Spans of whole frames, how many frames these are, and whether the last one in the file is cut."""
    runs: list[tuple[int, int]] = []
    at, begin, frames = start, start, 0
    is_partial = False
    while at < size:
        file.seek(at)
        header = _header(file.read(4))
        if header is not None and header.kind == kind:
            if at + header.frame_bytes > size:
                is_partial = True
                break
            at += header.frame_bytes
            frames += 1
            continue
        if at > begin:
            runs.append((begin, at))
        following = _behind_junk(file, at, size, kind)
        if following is None:
            return runs, frames, False
        at = begin = following
    if at > begin:
        runs.append((begin, at))
    return runs, frames, is_partial


def _behind_junk(file: BinaryIO, at: int, size: int, kind: bytes) -> int | None:
    """Where sound goes on behind a tag or damage; None where it does not."""
    file.seek(at)
    window = file.read(JUNK_LIMIT_BYTES)
    if window[:8] == b"APETAGEX" and len(window) >= 16:
        skipped = 32 + struct.unpack_from("<I", window, 12)[0]
    else:
        skipped = id3v2_bytes(window)
    if skipped and at + skipped < size:
        at += skipped
        file.seek(at)
        window = file.read(JUNK_LIMIT_BYTES)
    found = _next_frame(window, 0, size - at, kind)
    return None if found is None else at + found


def _header(four: bytes) -> _Header | None:
    if len(four) < 4 or four[0] != 0xFF or four[1] & 0xE0 != 0xE0:
        return None
    version, layer = four[1] >> 3 & 3, 4 - (four[1] >> 1 & 3)
    bitrate, rate = four[2] >> 4, four[2] >> 2 & 3
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    is_v1 = version == 3
    samples = {1: 384, 2: 1152, 3: 1152 if is_v1 else 576}[layer]
    slot_bytes = 4 if layer == 1 else 1
    kbps = _KBPS[1 if is_v1 else 2, layer][bitrate - 1]
    slots = samples // 8 // slot_bytes * kbps * 1000 // _RATES_HZ[version][rate] + (four[2] >> 1 & 1)
    is_mono = four[3] >> 6 == 3
    side_bytes = (17 if is_mono else 32) if is_v1 else (9 if is_mono else 17)
    kind = bytes([four[1] & 0xFE, four[2] & 0x0C, is_mono])
    return _Header(kind, slots * slot_bytes, samples, 4 + side_bytes if layer == 3 else 0)


def _tag(head: bytes, header: _Header) -> _Tag | None:
    """The tag in place of the sound of the first frame."""
    if not header.tag_at:
        return None
    if head[36:40] == b"VBRI":
        file_bytes, frames = struct.unpack_from(">II", head, 46)
        return _Tag(frames, file_bytes, b"")
    is_plain = not head[4 : header.tag_at].strip(b"\0")
    at = header.tag_at
    if head[at : at + 4] not in (b"Xing", b"Info"):
        return None
    flags = struct.unpack_from(">I", head, at + 4)[0]
    at += 8
    numbers: dict[int, int] = {}
    for flag, length in ((_FRAMES, 4), (_BYTES, 4), (_TOC, 100), (_QUALITY, 4)):
        if flags & flag:
            numbers[flag] = struct.unpack_from(">I", head, at)[0]
            at += length
    lame = head[at : at + _LAME_BYTES]
    is_lame = at + _LAME_BYTES <= header.frame_bytes and lame[:4].strip(b"\0") != b""
    return _Tag(numbers.get(_FRAMES), numbers.get(_BYTES), lame if is_lame else b"", is_plain)


def _front(head: bytes, header: _Header, frames: int, lame: bytes) -> bytes:
    """A frame without sound whose tag says how many follow.

    mpg123 takes the delay of a decoder away wherever there is a tag. Where the encoder's delay is not known, nothing
    is to be taken away, so there a silent frame follows, and the tag has just that one taken away.
    """
    silent = b""
    if not lame:
        delay_samples = header.samples - DECODER_DELAY
        lame = b"none".ljust(21, b"\0") + (delay_samples << 12).to_bytes(3, "big") + bytes(_LAME_BYTES - 24)
        silent = _soundless(head, _LEAST_BITRATE)  # little, for the sound that follows may reach back into it
        frames += 1
    tag = b"Info" + struct.pack(">II", _FRAMES, frames) + lame
    roomy = _soundless(head, _ROOMY_BITRATE)
    return roomy[: header.tag_at] + tag + roomy[header.tag_at + len(tag) :] + silent


def _soundless(head: bytes, bitrate: int) -> bytes:
    four = bytes([head[0], head[1] | 1, bitrate << 4 | (head[2] & 0x0D), head[3]])  # no checksum, no padding
    header = _header(four)
    assert header is not None
    return four.ljust(header.frame_bytes, b"\0")
