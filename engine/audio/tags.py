"""What an audio file says of itself: title, artist, album, BPM, key, comments, cover; the same words for every format.

The names are those of Vorbis comments (``TITLE``, ``ARTIST``, ``BPM``, ``INITIALKEY``, ...), a text field that none of
them covers keeps its own name. What describes one exact sound and no other (replay gain, fingerprints, gapless lengths)
is left out, because a stem is another sound.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import re
import struct
from dataclasses import dataclass, replace

log = logging.getLogger(__name__)

TEXT_LIMIT_CHARACTERS = 1 << 16
TEXTS_LIMIT = 500
COVERS_LIMIT_BYTES = 16 << 20
FRONT_COVER = 3  # as ID3 and FLAC count kinds of pictures

ID3_NAMES = {
    "TIT2": "TITLE", "TPE1": "ARTIST", "TALB": "ALBUM", "TPE2": "ALBUMARTIST", "TDRC": "DATE", "TCON": "GENRE",
    "TRCK": "TRACKNUMBER", "TPOS": "DISCNUMBER", "TCOM": "COMPOSER", "TEXT": "LYRICIST", "TPE3": "CONDUCTOR",
    "TPE4": "REMIXER", "TBPM": "BPM", "TKEY": "INITIALKEY", "TCOP": "COPYRIGHT", "TSRC": "ISRC",
    "TPUB": "ORGANIZATION", "TIT1": "GROUPING", "TIT3": "SUBTITLE", "TMOO": "MOOD", "TLAN": "LANGUAGE",
    "TDOR": "ORIGINALDATE", "TENC": "ENCODEDBY", "TSOT": "TITLESORT", "TSOP": "ARTISTSORT", "TSOA": "ALBUMSORT",
}  # fmt: skip
MP4_NAMES = {
    "©nam": "TITLE", "©ART": "ARTIST", "©alb": "ALBUM", "aART": "ALBUMARTIST", "©cmt": "COMMENT", "©day": "DATE",
    "©gen": "GENRE", "trkn": "TRACKNUMBER", "disk": "DISCNUMBER", "©wrt": "COMPOSER", "tmpo": "BPM",
    "cprt": "COPYRIGHT", "©lyr": "LYRICS", "©grp": "GROUPING", "desc": "DESCRIPTION",
}  # fmt: skip
INFO_NAMES = {
    "INAM": "TITLE", "IART": "ARTIST", "IPRD": "ALBUM", "ICMT": "COMMENT", "ICRD": "DATE", "IGNR": "GENRE",
    "ITRK": "TRACKNUMBER", "ICOP": "COPYRIGHT", "IMUS": "COMPOSER", "IBPM": "BPM", "IKEY": "INITIALKEY",
    "ISRC": "ISRC", "IENG": "ENGINEER", "ITCH": "ENCODEDBY", "ILNG": "LANGUAGE",
}  # fmt: skip
CAF_NAMES = {
    "title": "TITLE", "artist": "ARTIST", "album": "ALBUM", "comments": "COMMENT", "year": "DATE", "genre": "GENRE",
    "track number": "TRACKNUMBER", "copyright": "COPYRIGHT", "composer": "COMPOSER", "tempo": "BPM",
    "key signature": "INITIALKEY", "lyricist": "LYRICIST", "recorded date": "RECORDEDDATE", "ISRC": "ISRC",
}  # fmt: skip
ASF_NAMES = {
    "Title": "TITLE", "Author": "ARTIST", "WM/AlbumTitle": "ALBUM", "WM/AlbumArtist": "ALBUMARTIST",
    "Description": "COMMENT", "WM/Year": "DATE", "WM/Genre": "GENRE", "WM/TrackNumber": "TRACKNUMBER",
    "WM/PartOfSet": "DISCNUMBER", "WM/Composer": "COMPOSER", "WM/BeatsPerMinute": "BPM", "WM/InitialKey": "INITIALKEY",
    "Copyright": "COPYRIGHT", "WM/Publisher": "ORGANIZATION", "WM/ISRC": "ISRC", "WM/Lyrics": "LYRICS",
}  # fmt: skip
_SAME = {
    "KEY": "INITIALKEY", "INITIAL KEY": "INITIALKEY", "TKEY": "INITIALKEY", "TEMPO": "BPM", "TBPM": "BPM",
    "YEAR": "DATE", "TRACK": "TRACKNUMBER", "DISC": "DISCNUMBER", "ALBUM ARTIST": "ALBUMARTIST",
    "LABEL": "ORGANIZATION", "UNSYNCEDLYRICS": "LYRICS",
}  # fmt: skip
_OF_ONE_SOUND = re.compile(
    r"REPLAYGAIN_|R128_|ACOUSTID_|ITUN(NORM|SMPB|PGAP|ES_)|ITUNES|MUSICBRAINZ_TRACKID|CUESHEET|ENCODER|ENCODING|MP3GAIN_"
    r"|COVERART|METADATA_BLOCK_PICTURE|LENGTH$|ACCURATERIP|SERATO_|TRAKTOR|WM/(ENCODING|MEDIA)|MAJOR_BRAND"
)


@dataclass(frozen=True, slots=True)
class CoverArt:
    """A picture that goes with the music.

    Attributes:
        kind: 3 is the front cover; the other numbers are those of ID3 and FLAC.
        mime: for example ``image/jpeg``.
        data: the file.
        words: its description.
    """

    kind: int
    mime: str
    data: bytes
    words: str = ""


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file says of itself.

    Attributes:
        texts: name and text of each field, names in capitals; a name may come more than once.
        covers: pictures.
        info: chunks of the ``LIST INFO`` of a WAV file as they are, with their names.
        ixml: contents of the ``iXML`` chunk of a WAV file; None where there is none.
    """

    texts: tuple[tuple[str, str], ...] = ()
    covers: tuple[CoverArt, ...] = ()
    info: tuple[tuple[bytes, bytes], ...] = ()
    ixml: bytes | None = None

    def __bool__(self) -> bool:
        return bool(self.texts or self.covers or self.info or self.ixml)

    def first(self, name: str) -> str:
        """The first text of a field; "" without one."""
        return next((text for one, text in self.texts if one == name), "")

    @property
    def time_reference(self) -> int:
        """Samples from midnight to the start of the file, where a FLAC file says so; 0 elsewhere."""
        said = self.first("TIME_REFERENCE")
        return int(said) if said.isdecimal() and len(said) < 20 else 0

    def with_text(self, name: str, text: str) -> Tags:
        """The same with this text as the only one of its field; none where it is empty."""
        others = tuple(one for one in self.texts if one[0] != name)
        return replace(self, texts=(((name, text), *others) if text else others))

    def titled(self, label: str) -> Tags:
        """The same for a part of the sound: the title ``Song`` becomes ``Song (vocals)``; no tags stay no tags."""
        if not label or not self:
            return self
        title = self.first("TITLE")
        return self.with_text("TITLE", f"{title} ({label})" if title else label)

    def moved(self, samples: int) -> Tags:
        """The same for a file that starts so many samples later in the recording."""
        if not samples:
            return self
        start = self.time_reference
        later = self.with_text("TIME_REFERENCE", str(start + samples)) if start else self
        return later if self.ixml is None else replace(later, ixml=moved_ixml(self.ixml, samples))


@functools.cache
def has_mutagen() -> bool:
    """True where mutagen is installed; the log says once what is lost where it is not."""
    if importlib.util.find_spec("mutagen") is not None:
        return True
    log.warning(
        "tags of MP3, FLAC, Ogg, M4A and other files are neither read nor written, because mutagen is not installed; "
        "install the extra tags: pip install 'fluxstem[tags]'"
    )
    return False


def tags_of(texts: list[tuple[str, str]], covers: list[CoverArt] | None = None) -> Tags:
    """Tags of fields as they were found: names made alike, what belongs to one exact sound left out, sizes limited."""
    kept: dict[tuple[str, str], None] = {}
    for name, text in texts[:TEXTS_LIMIT]:
        name = name.strip().upper()
        name, text = _SAME.get(name, name), text.replace("\0", " / ").strip(" \t\r\n/")[:TEXT_LIMIT_CHARACTERS]
        if text and name and not _OF_ONE_SOUND.match(name) and _is_name(name):
            kept[name, text] = None
    small, size = [], 0
    for cover in covers or []:
        size += len(cover.data)
        if cover.data and size <= COVERS_LIMIT_BYTES:
            small.append(cover)
    return Tags(tuple(kept), tuple(small))


def _is_name(name: str) -> bool:
    """True for what Vorbis comments take as the name of a field."""
    return len(name) <= 100 and all(" " <= letter <= "}" and letter != "=" for letter in name)


# High and low 32 bits of the samples from midnight. Sources: iXML specification 3.0; EBU Tech 3285.
_IXML_REFERENCES = (
    (b"TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI", b"TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO"),
    (b"BWF_TIME_REFERENCE_HIGH", b"BWF_TIME_REFERENCE_LOW"),
)


def moved_ixml(ixml: bytes, samples: int) -> bytes:
    """An iXML chunk for a file that starts ``samples`` later; all but its time references stays byte for byte."""
    for names in _IXML_REFERENCES:
        found = [re.search(rb"(<%s>\s*)(\d{1,10})(\s*</%s>)" % (name, name), ixml) for name in names]
        if found[1] is None:
            continue
        high = int(found[0][2]) if found[0] is not None else 0
        start = (high << 32) + int(found[1][2]) + samples
        for match, value in zip(found, struct.unpack(">II", struct.pack(">Q", start & ((1 << 64) - 1))), strict=True):
            if match is not None:
                whole = match[1] + str(value).encode() + match[3]
                ixml = ixml.replace(match[0], whole, 1)
    return ixml
