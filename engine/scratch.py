"""Rows of float32 on disk, nameless and gone with the process: how memory stays bounded whatever the length of a clip.

Knows nothing of audio or graphs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from engine.errors import OutputError

FloatArray = npt.NDArray[np.float32]


class Scratch:
    """A growing table of float32 rows.

    The file has no name wherever the system allows that, so even a killed process leaves nothing behind.

    Args:
        folder: where there is room; the folder of the results.
        width: numbers per row.
    """

    def __init__(self, folder: Path, width: int) -> None:
        self.width = width
        self.rows = 0
        self._folder = folder
        try:
            self._file = tempfile.TemporaryFile(dir=folder, prefix=".fluxstem-", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise OutputError(f"cannot write to {folder} ({error.strerror}); choose another folder") from error

    def append(self, rows_NK: FloatArray) -> None:
        """Add rows at the end.

        Args:
            rows_NK: float32 (rows, width).

        Raises:
            OutputError: the disk is full or gone.
        """
        self._write(self.rows, rows_NK)
        self.rows += len(rows_NK)

    def put(self, start: int, rows_NK: FloatArray) -> None:
        """Write over rows that are there.

        Args:
            start: the first of them.
            rows_NK: float32 (rows, width).

        Raises:
            OutputError: the disk is full or gone.
        """
        if start + len(rows_NK) > self.rows:
            raise IndexError(f"rows {start} to {start + len(rows_NK)} are not all in a table of {self.rows}")
        self._write(start, rows_NK)

    def read(self, start: int, stop: int) -> FloatArray:
        """Rows from ``start`` up to ``stop``; rows that are not there are zeros.

        Returns:
            float32 (stop - start, width).
        """
        rows_NK = np.zeros((stop - start, self.width), np.float32)
        first, last = max(start, 0), min(stop, self.rows)
        if first < last:
            self._file.seek(first * self.width * 4)
            wanted = rows_NK[first - start : last - start].reshape(-1).data.cast("B")
            while wanted and (count := self._file.readinto(wanted)):
                wanted = wanted[count:]
        return rows_NK

    def _write(self, start: int, rows_NK: FloatArray) -> None:
        data = np.ascontiguousarray(rows_NK, dtype=np.float32).reshape(-1).data.cast("B")
        try:
            self._file.seek(start * self.width * 4)
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise OutputError(f"cannot write to {self._folder} ({error.strerror}); make room and try again") from error

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
