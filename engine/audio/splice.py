"""A file as libsndfile should see it: some of its bytes, and bytes that stand in for others. Nothing is copied."""

from __future__ import annotations

import bisect
import io
import os
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

Piece = bytes | tuple[int, int]  # bytes that stand in, or a span of the file: start, stop


@dataclass(frozen=True, slots=True)
class RepairedFile:
    """What is known of the sound in a file beside what libsndfile says.

    Attributes:
        pieces: the file with true sizes in its header and nothing but sound in it; none where it is fine as it is.
        said_times: how many times as long as its sound the header says it is; None where it does not say.
        is_cut: the end is missing.
        samples: that decode, where libsndfile does not know; None where it does.
    """

    pieces: tuple[Piece, ...]
    said_times: float | None
    is_cut: bool
    samples: int | None = None


class SplicedFile(io.RawIOBase):
    """A read-only stream put together from pieces of a file.

    Args:
        pieces: in order.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path, pieces: tuple[Piece, ...]) -> None:
        super().__init__()
        self._pieces = [piece for piece in pieces if _length(piece)]
        self._ends = list(accumulate(map(_length, self._pieces)))
        self._at = 0
        self._file = path.open("rb", buffering=0)

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read from anywhere."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte of the spliced stream."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._ends[-1] if self._ends else 0}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def tell(self) -> int:
        """Where it is."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read up to the end of a piece; 0 at the end of the last."""
        number = bisect.bisect_right(self._ends, self._at)
        if number == len(self._pieces):
            return 0
        piece = self._pieces[number]
        within = self._at - (self._ends[number] - _length(piece))
        view = memoryview(buffer).cast("B")[: _length(piece) - within]
        if isinstance(piece, bytes):
            count = len(view)
            view[:] = piece[within : within + count]
        else:
            self._file.seek(piece[0] + within)
            count = self._file.readinto(view) or 0
        self._at += count
        return count

    def read(self, size: int = -1) -> bytes:
        """Read across pieces; fewer bytes only at the end."""
        parts = []
        while size:
            part = super().read(min(size, 1 << 20) if size > 0 else 1 << 20)
            if not part:
                break
            parts.append(part)
            size -= len(part) if size > 0 else 0
        return b"".join(parts)

    def close(self) -> None:
        """Close the file too."""
        if not self.closed:
            self._file.close()
        super().close()


def _length(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]
