"""Ogg files that are cut, or with something behind them: the last page of a whole one says that it is the last.

Source: RFC 3533, section 6.
"""

from __future__ import annotations

from pathlib import Path

from engine.audio.splice import Piece, RepairedFile

TAIL_BYTES = 1 << 17  # a page has at most 65,307 bytes
_LAST = 4  # in the flags of a page
_PAGE_BYTES = 27  # of the header of a page, before its table of segments


def scan_ogg(path: Path) -> RepairedFile | None:
    """Look at the last page; None where it is the last and ends the file, or the file is no Ogg.

    libsndfile refuses Opus with anything behind it, so the decoder is given the pages alone.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        if file.read(4) != b"OggS":
            return None
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL_BYTES))
        tail = file.read()
    at = tail.rfind(b"OggS")
    if at < 0 or at + _PAGE_BYTES > len(tail):
        return None
    segments = tail[at + _PAGE_BYTES - 1]
    end = at + _PAGE_BYTES + segments + sum(tail[at + _PAGE_BYTES : at + _PAGE_BYTES + segments])
    is_cut = not tail[at + 5] & _LAST or end > len(tail)
    pieces: tuple[Piece, ...] = ((0, size - len(tail) + end),) if end < len(tail) else ()
    return RepairedFile(pieces, None, is_cut) if pieces or is_cut else None
