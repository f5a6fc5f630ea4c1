"""Read the tags of audio files: RIFF, AIFF and CAF chunks here, everything else with mutagen, where it is installed.

A tag is a courtesy: what cannot be understood is left out, and no file is refused for it.
"""

from __future__ import annotations

import base64
import contextlib
import io
import logging
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from engine.audio.riff import CHUNKS_LIMIT, LARGEST_BYTES, is_chunk_name, riff_chunks
from engine.audio.tags import (
    ASF_NAMES,
    CAF_NAMES,
    COVERS_LIMIT_BYTES,
    FRONT_COVER,
    ID3_NAMES,
    INFO_NAMES,
    MP4_NAMES,
    CoverArt,
    Tags,
    has_mutagen,
    tags_of,
)

log = logging.getLogger(__name__)

CHUNK_LIMIT_BYTES = COVERS_LIMIT_BYTES + (1 << 20)
_AIFF_NAMES = {b"NAME": "TITLE", b"AUTH": "ARTIST", b"ANNO": "COMMENT", b"(c) ": "COPYRIGHT"}
_ACID_TEMPO_AT = 20
_FREEFORM = "----:com.apple.iTunes:"

Texts = list[tuple[str, str]]
Covers = list[CoverArt]


def read_tags(path: Path) -> Tags:
    """What a file says of itself; nothing where it says nothing or cannot be read."""
    try:
        with path.open("rb") as stream:
            head = stream.read(12)
            stream.seek(0)
            for marks, read in _BY_MARK:
                if head.startswith(marks):
                    return read(stream)
            return _by_mutagen(stream)
    except Exception as error:  # mutagen meets damage with errors of many kinds
        log.info("the tags of %s cannot be read: %s", path.name, error)
        return Tags()


def _of_wave(stream: BinaryIO) -> Tags:
    texts: Texts = []
    covers: Covers = []
    info: list[tuple[bytes, bytes]] = []
    ixml = None
    for name, size in riff_chunks(stream):
        if name not in (b"LIST", b"iXML", b"id3 ", b"ID3 ", b"acid") or size > CHUNK_LIMIT_BYTES:
            continue
        data = stream.read(size)
        if name == b"LIST" and data[:4] == b"INFO":
            info += _info_chunks(data[4:])
        elif name == b"iXML":
            ixml = data
        elif name == b"acid" and len(data) >= _ACID_TEMPO_AT + 4:
            [tempo] = struct.unpack_from("<f", data, _ACID_TEMPO_AT)
            texts += [("BPM", f"{tempo:g}")] if 1 <= tempo <= 1000 else []
        elif name != b"LIST":
            _add_id3_chunk(data, texts, covers)
    found = tags_of([*texts, *_new_texts(info, texts)], covers)
    return replace(found, info=tuple(info), ixml=ixml)


def _info_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data) and is_chunk_name(data[at : at + 4]):
        size = struct.unpack_from("<I", data, at + 4)[0]
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _new_texts(info: list[tuple[bytes, bytes]], texts: Texts) -> Texts:
    """Texts of a LIST INFO for fields that an ID3 tag beside it does not have."""
    there = {name for name, _ in texts}
    named = ((INFO_NAMES.get(name.decode("ascii")), data) for name, data in info)
    return [(name, _text(data)) for name, data in named if name is not None and name not in there]


def _text(data: bytes) -> str:
    data = data.split(b"\0")[0]
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _of_aiff(stream: BinaryIO) -> Tags:
    texts: Texts = []
    covers: Covers = []
    stream.seek(12)
    for name, size in _chunks(stream, ">4sI", 2):
        if size > CHUNK_LIMIT_BYTES:
            continue
        if name in _AIFF_NAMES:
            texts.append((_AIFF_NAMES[name], _text(stream.read(size))))
        elif name in (b"ID3 ", b"id3 "):
            better: Texts = []
            _add_id3_chunk(stream.read(size), better, covers)
            texts = [*better, *(one for one in texts if one[0] not in dict(better))]
    return tags_of(texts, covers)


def _of_caf(stream: BinaryIO) -> Tags:
    texts: Texts = []
    stream.seek(8)
    for name, size in _chunks(stream, ">4sq", 1):
        if name == b"info" and 4 <= size <= CHUNK_LIMIT_BYTES:
            parts = [part.decode("utf-8", "replace") for part in stream.read(size)[4:].split(b"\0")]
            texts += [(CAF_NAMES.get(name, name), text) for name, text in zip(parts[::2], parts[1::2], strict=False)]
    return tags_of(texts)


def _chunks(stream: BinaryIO, header: str, even: int) -> Iterator[tuple[bytes, int]]:
    """Names and sizes of chunks; the stream stands at the contents of each."""
    length = struct.calcsize(header)
    for _ in range(CHUNKS_LIMIT):
        head = stream.read(length)
        if len(head) < length or not is_chunk_name(head[:4]):
            return
        name, size = struct.unpack(header, head)
        start = stream.tell()
        if not 0 <= size <= LARGEST_BYTES:  # -1: to the end of the file
            return
        yield name, size
        stream.seek(start + size + size % even)


def _of_mp3(stream: BinaryIO) -> Tags:
    if not has_mutagen():
        return Tags()
    from mutagen.apev2 import APENoHeaderError, APEv2
    from mutagen.id3 import ID3, ID3NoHeaderError

    texts: Texts = []
    covers: Covers = []
    try:
        _add_id3(ID3(fileobj=stream), texts, covers)
    except ID3NoHeaderError:
        stream.seek(0)
        try:
            _add_ape(APEv2(stream), texts, covers)
        except APENoHeaderError:
            return Tags()
    return tags_of(texts, covers)


def _by_mutagen(stream: BinaryIO) -> Tags:
    if not has_mutagen():
        return Tags()
    import mutagen

    file = mutagen.File(stream)
    if file is None:
        stream.seek(0)
        return _of_mp3(stream)  # an MP3 without a mark at its start, perhaps
    texts: Texts = []
    covers: Covers = [
        CoverArt(one.type, one.mime, one.data, one.desc) for one in getattr(file, "pictures", None) or () if one.data
    ]
    if file.tags is not None:
        _ADDS.get(type(file.tags).__name__, _add_vorbis)(file.tags, texts, covers)
    return tags_of(texts, covers)


def _add_id3_chunk(data: bytes, texts: Texts, covers: Covers) -> None:
    """Add what an ID3 tag in a chunk says; a damaged one says nothing, and takes nothing from the other chunks."""
    if not has_mutagen():
        return
    from mutagen import MutagenError
    from mutagen.id3 import ID3

    with contextlib.suppress(MutagenError, ValueError):
        _add_id3(ID3(fileobj=io.BytesIO(data)), texts, covers)


def _add_id3(tag: Any, texts: Texts, covers: Covers) -> None:
    for frame in tag.values():
        kind = type(frame).__name__
        if kind == "APIC":
            covers.append(CoverArt(int(frame.type), frame.mime, frame.data, frame.desc))
        elif kind == "TXXX":
            texts += [(frame.desc, str(text)) for text in frame.text]
        elif kind == "COMM" and not frame.desc.startswith("iTun"):
            texts += [("COMMENT", str(text)) for text in frame.text]
        elif kind == "USLT":
            texts.append(("LYRICS", str(frame.text)))
        elif kind == "TCON":
            texts += [("GENRE", genre) for genre in frame.genres]
        elif kind in ID3_NAMES:
            texts += [(ID3_NAMES[kind], str(text)) for text in frame.text]


def _add_vorbis(tag: Any, texts: Texts, covers: Covers) -> None:
    from mutagen.flac import Picture

    for name, text in tag:
        if name.upper() == "METADATA_BLOCK_PICTURE":
            one = Picture(base64.b64decode(text))
            covers.append(CoverArt(one.type, one.mime, one.data, one.desc))
        else:
            texts.append((name, str(text)))


def _add_mp4(tag: Any, texts: Texts, covers: Covers) -> None:
    for name, values in tag.items():
        if name == "covr":
            kinds = {13: "image/jpeg", 14: "image/png"}
            covers += [CoverArt(FRONT_COVER, kinds.get(one.imageformat, "image/jpeg"), bytes(one)) for one in values]
        elif name in ("trkn", "disk"):
            texts += [(MP4_NAMES[name], f"{at}/{of}" if of else str(at)) for at, of in values]
        elif name in MP4_NAMES:
            texts += [(MP4_NAMES[name], str(text)) for text in values]
        elif name.startswith(_FREEFORM):
            texts += [(name.removeprefix(_FREEFORM), bytes(text).decode("utf-8", "replace")) for text in values]


def _add_ape(tag: Any, texts: Texts, covers: Covers) -> None:
    for name, value in tag.items():
        if name.lower().startswith("cover art"):
            data = bytes(value.value).partition(b"\0")[2]
            covers.append(CoverArt(FRONT_COVER, "image/png" if data[:4] == b"\x89PNG" else "image/jpeg", data))
        elif isinstance(value.value, str):
            texts += [(name, text) for text in value]


def _add_asf(tag: Any, texts: Texts, covers: Covers) -> None:
    for name, values in tag.items():
        if name == "WM/Picture":
            continue
        if name in ASF_NAMES:
            texts += [(ASF_NAMES[name], str(text)) for text in values]


_ADDS: dict[str, Callable[[Any, Texts, Covers], None]] = {
    "ID3": _add_id3, "MP4Tags": _add_mp4, "APEv2": _add_ape, "ASFTags": _add_asf
}  # fmt: skip
_BY_MARK: tuple[tuple[tuple[bytes, ...], Callable[[BinaryIO], Tags]], ...] = (
    ((b"RIFF", b"RF64", b"BW64"), _of_wave),
    ((b"FORM",), _of_aiff),
    ((b"caff",), _of_caf),
    ((b"ID3", b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xe3"), _of_mp3),
)
