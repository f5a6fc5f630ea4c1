"""Ogg files that are cut: the last page of a whole one says that it is the last.

Source: RFC 3533, section 6.
"""

from __future__ import annotations

from pathlib import Path

from engine.audio.splice import MendedFile

TAIL_BYTES = 1 << 17  # a page has at most 65,307 bytes
_LAST = 4  # in the flags of a page


def scan_ogg(path: Path) -> MendedFile | None:
    """Look at the last page; None where it says that it is the last, or the file is no Ogg.

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
    if at < 0 or at + 6 > len(tail) or tail[at + 5] & _LAST:
        return None
    return MendedFile((), None, True)
