"""The kind of a file by its first bytes, whatever its name. Formats that could open other files are refused.

Each row: offset of the signature, the signature, its meaning.
"""

from __future__ import annotations

from typing import Literal

from engine.errors import ExampleError

HEAD_BYTES = 4096
Kind = Literal["image", "video", "audio"]
Guess = Literal["image", "audio", "container"]  # a container may hold moving pictures, sound, or both


class TextFileError(ExampleError):
    """A file of text."""


_MARKS: tuple[tuple[int, bytes, Guess], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image"),
    (0, b"\xff\xd8\xff", "image"),
    (0, b"GIF8", "image"),
    (8, b"WEBP", "image"),
    (0, b"BM", "image"),
    (0, b"II*\0", "image"),
    (0, b"MM\0*", "image"),
    (0, b"8BPS", "image"),
    (0, b"qoif", "image"),
    (0, b"\0\0\1\0", "image"),
    (0, b"\0\0\0\x0cjP  ", "image"),
    (0, b"\xff\x4f\xff\x51", "image"),
    (4, b"ftypavif", "image"),
    (4, b"ftypavis", "image"),
    *((0, b"P%d%c" % (number, space), "image") for number in range(1, 7) for space in b"\n \r\t"),
    (8, b"WAVE", "audio"),
    (0, b"fLaC", "audio"),
    (8, b"AIFF", "audio"),
    (8, b"AIFC", "audio"),
    (0, b"ID3", "audio"),
    (0, b"\xff\xfb", "audio"),
    (0, b"\xff\xf3", "audio"),
    (0, b"\xff\xf2", "audio"),
    (0, b"\xff\xf1", "audio"),
    (0, b".snd", "audio"),
    (0, b"caff", "audio"),
    (0, b"riff", "audio"),
    (0, b"wvpk", "audio"),
)
_REFUSED: tuple[tuple[bytes, str], ...] = (  # looked for in the beginning, small letters, spaces at the start dropped
    (b"#extm3u", "is a playlist; give the file that is in it"),
    (b"[playlist]", "is a playlist; give the file that is in it"),
    (b"ffconcat", "is a list of files; give the file that is in it"),
    (b"[reference]", "is a playlist; give the file that is in it"),
    (b"%pdf", "is a PDF; save the page as a PNG"),
    (b"%!ps", "is a PostScript drawing; save it as a PNG"),
)
_DRAWINGS: tuple[tuple[bytes, str], ...] = (
    (b"<svg", "is a drawing in SVG; save it as a PNG"),
    (b"<smil", "is a playlist; give the file that is in it"),
    (b"<mpd", "is a playlist; give the file that is in it"),
    (b"<playlist", "is a playlist; give the file that is in it"),
    (b"<asx", "is a playlist; give the file that is in it"),
)
_HEIC = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc", b"ftypheim")


def guess_kind(head: bytes, name: str) -> Guess:
    """Guess the kind of a file; only its decoder knows for sure.

    Args:
        head: its first ``HEAD_BYTES``.
        name: for messages.

    Raises:
        ExampleError: it cannot be an example, or would make a decoder open other files.
    """
    plain = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for mark, why in _REFUSED:
        if plain.startswith(mark):
            raise ExampleError("{name} " + why, name=name)
    if plain.startswith(b"<"):
        for mark, why in _DRAWINGS:
            if mark in plain:
                raise ExampleError("{name} " + why, name=name)
    if head[4:12] in _HEIC:
        raise ExampleError("{name} is a HEIC picture, which cannot be read here; save it as a JPEG or PNG", name=name)
    for at, mark, found in _MARKS:
        if head[at : at + len(mark)] == mark:
            return found
    if _is_text(head):
        raise TextFileError("{name} holds text; give a picture, a video or a sound", name=name)
    return "container"


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # else the last character was cut in two
            return False
        text = head[: error.start].decode("utf-8")
    return all(character.isprintable() or character in "\t\r\n\f" for character in text)
