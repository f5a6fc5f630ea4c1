"""Write tags into results: RIFF and CAF chunks here, everything else with mutagen, where it is installed."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from engine.audio.formats import OutputFormat
from engine.audio.riff import time_reference
from engine.audio.tags import CAF_NAMES, ID3_NAMES, INFO_NAMES, MP4_NAMES, CoverArt, Tags, has_mutagen

_AIFF_STRINGS = {"TITLE": "title", "ARTIST": "artist", "COMMENT": "comment", "COPYRIGHT": "copyright"}
_FREEFORM = "----:com.apple.iTunes:"
_NOT_IN_ID3 = ("TIME_REFERENCE",)


def wave_chunks(tags: Tags) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the chunks of a WAV file that hold its tags."""
    if tags.ixml is not None:
        yield b"iXML", tags.ixml
    info = dict(tags.info) | {
        name.encode("ascii"): tags.first(field).encode() + b"\0"
        for name, field in INFO_NAMES.items()
        if tags.first(field) and (field == "TITLE" or name.encode("ascii") not in dict(tags.info))
    }
    if info:
        parts = (name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in info.items())
        yield b"LIST", b"INFO" + b"".join(parts)
    if (tags.texts or tags.covers) and has_mutagen():
        file = io.BytesIO()
        id3_of(tags).save(fileobj=file)
        yield b"id3 ", file.getvalue()


def strings_of(target: OutputFormat, tags: Tags) -> Iterator[tuple[str, str]]:
    """Texts that libsndfile writes itself, with its names for them: those of AIFF, which others than mutagen read."""
    if target.container == "AIFF":
        yield from ((name, tags.first(field)) for field, name in _AIFF_STRINGS.items() if tags.first(field))


def append_tags(stream: BinaryIO, target: OutputFormat, tags: Tags) -> None:
    """Write tags into a finished file.

    Args:
        stream: the file, for reading and writing.
        target: its format. WAV and RF64 have their tags already, Wave64 has no place for any.

    Raises:
        OSError: the disk is full or gone.
    """
    if target.container == "FLAC" and target.extras.bext is not None:
        tags = tags.with_text("TIME_REFERENCE", str(time_reference(target.extras.bext)))
    if not tags:
        return
    if target.container == "CAF":
        _to_caf(stream, tags)
    elif target.container in _BY_MUTAGEN and has_mutagen():
        _write_by_mutagen(stream, _BY_MUTAGEN[target.container], tags)


def _write_by_mutagen(stream: BinaryIO, write: Callable[[BinaryIO, Tags], None], tags: Tags) -> None:
    from mutagen import MutagenError

    stream.flush()
    stream.seek(0)
    try:
        write(stream, tags)
        stream.flush()
    except MutagenError as error:  # which is also how it says that the disk is full
        cause = error.__cause__ or error.__context__
        raise cause if isinstance(cause, OSError) else OSError(str(error)) from error


def id3_of(tags: Tags) -> Any:
    """An ID3 tag, version 2.4."""
    from mutagen import id3

    tag = id3.ID3()
    frames = {name: frame for frame, name in ID3_NAMES.items()}
    by_name: dict[str, list[str]] = {}
    for name, text in tags.texts:
        if name not in _NOT_IN_ID3:
            by_name.setdefault(name, []).append(text)
    for name, texts in by_name.items():
        if name in frames:
            tag.add(getattr(id3, frames[name])(encoding=3, text=texts))
        elif name == "COMMENT":
            tag.add(id3.COMM(encoding=3, lang="XXX", desc="", text=texts))
        elif name == "LYRICS":
            tag.add(id3.USLT(encoding=3, lang="XXX", desc="", text="\n".join(texts)))
        else:
            tag.add(id3.TXXX(encoding=3, desc=name, text=texts))
    for number, cover in enumerate(tags.covers):
        words = cover.words or (f"cover {number + 1}" if number else "")  # two of one kind and description would be one
        tag.add(id3.APIC(encoding=3, mime=cover.mime, type=cover.kind, desc=words, data=cover.data))
    return tag


def _to_mp3(stream: BinaryIO, tags: Tags) -> None:
    id3_of(tags).save(fileobj=stream)


def _to_aiff(stream: BinaryIO, tags: Tags) -> None:
    from mutagen.aiff import AIFF

    file: Any = AIFF(stream)
    file.add_tags()
    for frame in id3_of(tags).values():
        file.tags.add(frame)
    stream.seek(0)
    file.save(stream)


def _to_flac(stream: BinaryIO, tags: Tags) -> None:
    from mutagen.flac import FLAC

    file: Any = FLAC(stream)
    if file.tags is None:
        file.add_tags()
    _fill_vorbis(file.tags, tags)
    for cover in tags.covers:
        file.add_picture(_picture(cover))
    stream.seek(0)
    file.save(stream)


def _to_ogg(stream: BinaryIO, tags: Tags) -> None:
    from mutagen.oggvorbis import OggVorbis

    _fill_ogg(OggVorbis(stream), stream, tags)


def _to_opus(stream: BinaryIO, tags: Tags) -> None:
    from mutagen.oggopus import OggOpus

    _fill_ogg(OggOpus(stream), stream, tags)


def _fill_ogg(file: Any, stream: BinaryIO, tags: Tags) -> None:
    _fill_vorbis(file.tags, tags)
    pictures = [base64.b64encode(_picture(cover).write()).decode("ascii") for cover in tags.covers]
    if pictures:
        file.tags["METADATA_BLOCK_PICTURE"] = pictures
    stream.seek(0)
    file.save(stream)


def _fill_vorbis(comments: Any, tags: Tags) -> None:
    comments.clear()
    for name, text in tags.texts:
        comments.append((name, text))


def _picture(cover: CoverArt) -> Any:
    from mutagen.flac import Picture

    picture: Any = Picture()
    picture.type, picture.mime, picture.desc, picture.data = cover.kind, cover.mime, cover.words, cover.data
    return picture


def _to_m4a(stream: BinaryIO, tags: Tags) -> None:
    from mutagen.mp4 import MP4, MP4Cover, MP4FreeForm

    file: Any = MP4(stream)
    if file.tags is None:
        file.add_tags()
    atoms = {name: atom for atom, name in MP4_NAMES.items()}
    found: dict[str, list[Any]] = {}
    for name, text in tags.texts:
        atom = atoms.get(name, "")
        value: Any = _whole(atom, text) if atom in ("trkn", "disk", "tmpo") else text if atom else None
        if value is None:  # no atom for it, or one that holds whole numbers alone
            found.setdefault(_FREEFORM + name, []).append(MP4FreeForm(text.encode()))
        else:
            found.setdefault(atom, []).append(value)
    for atom, values in found.items():
        file.tags[atom] = values
    kinds = {"image/png": MP4Cover.FORMAT_PNG}
    if tags.covers:
        file.tags["covr"] = [MP4Cover(one.data, kinds.get(one.mime, MP4Cover.FORMAT_JPEG)) for one in tags.covers]
    stream.seek(0)
    file.save(stream)


def _whole(atom: str, text: str) -> Any:
    """A tempo as a whole number, ``3/12`` as two; None where the text is neither."""
    parts = text.split("/")
    if not all(part.strip().isdecimal() for part in parts) or not all(int(part) < 1 << 15 for part in parts):
        return None
    if atom == "tmpo":
        return int(text) if len(parts) == 1 else None
    return (int(parts[0]), int(parts[1]) if len(parts) > 1 else 0) if len(parts) <= 2 else None


def _to_caf(stream: BinaryIO, tags: Tags) -> None:
    """A chunk behind the samples. Source: Apple's Core Audio Format specification, information chunk."""
    keys = {field: key for key, field in CAF_NAMES.items()}
    pairs: dict[str, str] = {}
    for name, text in tags.texts:
        key = keys.get(name, name)
        pairs[key] = f"{pairs[key]} / {text}" if key in pairs else text
    words = b"".join(key.encode() + b"\0" + text.encode() + b"\0" for key, text in pairs.items())
    stream.seek(0, io.SEEK_END)
    stream.write(b"info" + struct.pack(">qI", len(words) + 4, len(pairs)) + words)


_BY_MUTAGEN: dict[str, Callable[[BinaryIO, Tags], None]] = {
    "MP3": _to_mp3, "AIFF": _to_aiff, "FLAC": _to_flac, "OGG": _to_ogg, "OPUS": _to_opus, "M4A": _to_m4a,
}  # fmt: skip
