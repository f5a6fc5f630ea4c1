"""Arrays in the memory of a device, as ONNX Runtime's ``OrtValue`` holds them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from engine.runtime.backend import Array
from engine.runtime.transfers import Transfers, address_of


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """The memory of one device.

    Attributes:
        name: in the words of ONNX Runtime.
        index: of the device.
        transfers: copies to it and from it.
        errors: translates what copies throw into errors of ``engine.errors``.
    """

    name: str
    index: int
    transfers: Transfers
    errors: Callable[[], AbstractContextManager[None]]


class OnnxTensor:
    """An array in the memory of a device, or some rows of one; see ``engine.runtime.backend.DeviceTensor``.

    Args:
        value: the ``OrtValue``.
        kind: NumPy type of its numbers.
        memory: where it is.
        part: first row and row past the last, where it is not all of ``value``.
    """

    def __init__(self, value: Any, kind: type, memory: DeviceMemory, part: tuple[int, int] | None = None) -> None:
        self.value, self.kind = value, kind
        self._memory, self._part = memory, part

    @property
    def shape(self) -> tuple[int, ...]:
        """Its axes."""
        whole = tuple(self.value.shape())
        return whole if self._part is None else (self._part[1] - self._part[0], *whole[1:])

    def rows(self, first: int, last: int) -> OnnxTensor:
        """See ``DeviceTensor``."""
        if not 0 <= first <= last <= self.shape[0]:
            raise IndexError(f"rows {first} to {last} are not all among {self.shape[0]}")
        begin = self._part[0] if self._part else 0
        return OnnxTensor(self.value, self.kind, self._memory, (begin + first, begin + last))

    def update(self, values: Array) -> None:
        """See ``DeviceTensor``."""
        if self._part is not None:
            raise ValueError("some rows of a tensor are written by graphs alone")
        with self._memory.errors():
            self._memory.transfers.upload(self.value, values)

    def numpy(self, rows: int | None = None) -> Array:
        """See ``DeviceTensor``."""
        count = self.shape[0] if self.shape else 1
        first = self._part[0] if self._part else 0
        last = first + (count if rows is None else min(rows, count))
        with self._memory.errors():
            return self._memory.transfers.download(self.value, self.kind, first, last)

    def as_input(self, binding: Any, name: str) -> None:
        """Have a graph read it."""
        if self._part is None:
            binding.bind_ortvalue_input(name, self.value)
        else:
            binding.bind_input(name, *self._place(self._part[0]))

    def as_output(self, binding: Any, name: str) -> None:
        """Have a graph write it."""
        if self._part is None:
            binding.bind_ortvalue_output(name, self.value)
        else:
            binding.bind_output(name, *self._place(self._part[0]))

    def _place(self, first: int) -> tuple[str, int, type, tuple[int, ...], int]:
        """Device, its number, type, axes and address of some rows."""
        return self._memory.name, self._memory.index, self.kind, self.shape, address_of(self.value, self.kind, first)
