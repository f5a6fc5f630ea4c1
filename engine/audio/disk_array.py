"""Arrays on disk, in nameless files that vanish with the process, so memory stays bounded for clips of any length."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import IO, Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

from engine.errors import OutputError

FloatArray = npt.NDArray[np.float32]
Number = TypeVar("Number", np.float32, np.float64, np.uint16)


def scratch_file(folder: Path) -> IO[bytes]:
    """A file that vanishes when it is closed; it has no name where the system allows that.

    Raises:
        OutputError: nothing can be written in the folder.
    """
    try:
        return tempfile.TemporaryFile(dir=folder, prefix=".fluxstem-", buffering=0)
    except OSError as error:
        raise OutputError(
            "cannot write to {folder} ({reason}); choose another folder", folder=folder, reason=error.strerror
        ) from error


class DiskRows(Generic[Number]):
    """A growing array of rows of one type.

    The file has no name where the system allows it, so even a killed process leaves nothing behind.

    Args:
        folder: where the file is kept, usually that of the results.
        width: numbers per row.
    """

    kind: ClassVar[type]

    def __init__(self, folder: Path, width: int) -> None:
        self.width = width
        self._row_bytes = width * np.dtype(self.kind).itemsize
        self.rows = 0
        self._folder = folder
        self._lock = threading.Lock()  # a stage may read while another one appends
        self._file: Any = scratch_file(folder)

    @classmethod
    def of_file(cls, file: IO[bytes], width: int) -> Self:
        """An array of what somebody else wrote; the file is the caller's to close.

        Args:
            file: unbuffered and readable.
            width: numbers per row.
        """
        array = cls.__new__(cls)
        array.width = width
        array._row_bytes = width * np.dtype(cls.kind).itemsize
        array._folder = Path()
        array._lock = threading.Lock()
        array._file = file
        array.rows = file.seek(0, 2) // array._row_bytes
        return array

    def append(self, rows_NK: npt.NDArray[Number]) -> None:
        """Add rows at the end.

        Args:
            rows_NK: (rows, width).

        Raises:
            OutputError: the disk is full or gone.
        """
        self._write(self.rows, rows_NK)
        self.rows += len(rows_NK)

    def put(self, start: int, rows_NK: npt.NDArray[Number]) -> None:
        """Overwrite existing rows.

        Args:
            start: the first of them.
            rows_NK: (rows, width).

        Raises:
            OutputError: the disk is full or gone.
        """
        if start + len(rows_NK) > self.rows:
            raise IndexError(f"rows {start} to {start + len(rows_NK)} are not all in a table of {self.rows}")
        self._write(start, rows_NK)

    def read(self, start: int, stop: int) -> npt.NDArray[Number]:
        """Rows from ``start`` up to ``stop``; missing rows are zeros.

        Returns:
            (stop - start, width).
        """
        rows_NK: npt.NDArray[Number] = np.zeros((stop - start, self.width), self.kind)
        first, last = max(start, 0), min(stop, self.rows)
        if first < last:
            wanted = rows_NK[first - start : last - start].reshape(-1).data.cast("B")
            with self._lock:
                self._file.seek(first * self._row_bytes)
                while wanted and (count := self._file.readinto(wanted)):
                    wanted = wanted[count:]
        return rows_NK

    def rewound(self) -> IO[bytes]:
        """The file at its beginning, for another process to read, or to fill while this array is empty."""
        self._file.seek(0)
        file: IO[bytes] = self._file
        return file

    def recount(self) -> int:
        """Count the rows that another process wrote."""
        self.rows = self._file.seek(0, 2) // self._row_bytes
        return self.rows

    def _write(self, start: int, rows_NK: npt.NDArray[Number]) -> None:
        data = np.ascontiguousarray(rows_NK, dtype=self.kind).reshape(-1).data.cast("B")
        try:
            with self._lock:
                self._file.seek(start * self._row_bytes)
                while data:
                    data = data[self._file.write(data) :]
        except OSError as error:
            raise OutputError(
                "cannot write to {folder} ({reason}); make room and try again",
                folder=self._folder,
                reason=error.strerror,
            ) from error

    def close(self) -> None:
        """Free the disk space."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class DiskArray(DiskRows[np.float32]):
    """Rows of float32."""

    kind = np.float32


class DiskArrayUint16(DiskRows[np.uint16]):
    """Rows of uint16."""

    kind = np.uint16


class DiskArrayFloat64(DiskRows[np.float64]):
    """Rows of float64."""

    kind = np.float64
