"""Copies between the host's memory and a device's; to NVIDIA cards through page-locked buffers of the host.

A card reads and writes page-locked ("pinned") memory by itself, at the full rate of the bus; anything else the driver
copies into such memory first, piece by piece. ONNX Runtime's Python interface gives pinned memory for plug-in providers
alone, so it is taken from CUDA's own runtime library, which its CUDA provider has loaded anyway.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import math
import sys
import threading
import weakref
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from engine.runtime.backend import Array

log = logging.getLogger(__name__)

MOST_PINNED_BYTES = 1 << 30  # of one graph; it cannot be swapped out, and a host needs some memory for itself
LEAST_BYTES = 1 << 16  # a smaller copy is over before it would be worth a buffer
_TO_DEVICE, _TO_HOST = 1, 2  # cudaMemcpyKind
_FOR_ALL_CARDS = 1  # cudaHostAllocPortable
_LIBRARIES = (
    ("cudart64_13.dll", "cudart64_12.dll") if sys.platform == "win32" else ("libcudart.so.13", "libcudart.so.12")
)


class Transfers(Protocol):
    """Copies arrays to tensors of a device and back."""

    def array(self, shape: tuple[int, ...], kind: type) -> Array:
        """An array in the host's memory from which and to which copies are quick; what is in it is not defined."""
        ...

    def upload(self, value: Any, values: Array) -> None:
        """Overwrite an ``OrtValue`` with an array of its shape and type."""
        ...

    def download(self, value: Any, kind: type, first: int, last: int) -> Array:
        """Some rows of an ``OrtValue`` of a type, as an array of their own; a single number has one row."""
        ...

    def give_back(self) -> None:
        """Free the buffers that nobody uses."""
        ...


class PlainTransfers:
    """Those of ONNX Runtime itself; see ``Transfers``."""

    def array(self, shape: tuple[int, ...], kind: type) -> Array:
        """See ``Transfers``."""
        return np.empty(shape, kind)

    def upload(self, value: Any, values: Array) -> None:
        """See ``Transfers``."""
        value.update_inplace(np.asarray(values, order="C"))

    def download(self, value: Any, kind: type, first: int, last: int) -> Array:
        """See ``Transfers``."""
        whole: Array = value.numpy()
        return np.array(whole if whole.ndim == 0 else whole[first:last])

    def give_back(self) -> None:
        """See ``Transfers``."""


class PinnedTransfers:
    """Through page-locked buffers, which are used again once no array refers to them; see ``Transfers``.

    Both copies let go of Python's lock, so that other threads compute meanwhile.

    Args:
        library: CUDA's runtime.
        index: of the card.
    """

    def __init__(self, library: Any, index: int) -> None:
        self._library, self._index = library, index
        self._free: dict[int, list[int]] = {}  # bytes -> addresses
        self._bytes = 0
        self._lock = threading.RLock()  # an array may end, and give its buffer back, wherever Python cleans up

    def array(self, shape: tuple[int, ...], kind: type) -> Array:
        """See ``Transfers``; ordinary memory where no more can be pinned."""
        numbers = math.prod(shape)
        size = numbers * np.dtype(kind).itemsize
        address = self._address(size) if size >= LEAST_BYTES else None
        if address is None:
            return np.empty(shape, kind)
        raw = (ctypes.c_char * size).from_address(address)
        weakref.finalize(raw, self._return, size, address).atexit = False
        return np.frombuffer(memoryview(raw), kind, numbers).reshape(shape)

    def upload(self, value: Any, values: Array) -> None:
        """See ``Transfers``.

        Raises:
            RuntimeError: with CUDA's number and words.
        """
        whole = np.asarray(values, order="C")
        if tuple(value.shape()) != whole.shape:
            raise ValueError(f"an array of {whole.shape} does not fill a tensor of {tuple(value.shape())}")
        self._copy(value.data_ptr(), whole.ctypes.data, whole.nbytes, _TO_DEVICE)

    def download(self, value: Any, kind: type, first: int, last: int) -> Array:
        """See ``Transfers``.

        Raises:
            RuntimeError: with CUDA's number and words.
        """
        shape = tuple(value.shape())
        values = self.array((last - first, *shape[1:]) if shape else (), kind)
        self._copy(values.ctypes.data, address_of(value, kind, first), values.nbytes, _TO_HOST)
        return values

    def give_back(self) -> None:
        """See ``Transfers``."""
        with self._lock:
            unused, self._free = self._free, {}
        for size, addresses in unused.items():
            for address in addresses:
                self._library.cudaFreeHost(ctypes.c_void_p(address))
                self._bytes -= size

    def _copy(self, to: int, source: int, size: int, kind: int) -> None:
        self._ask("cudaSetDevice", ctypes.c_int(self._index))  # of this thread
        self._ask("cudaMemcpy", ctypes.c_void_p(to), ctypes.c_void_p(source), ctypes.c_size_t(size), ctypes.c_int(kind))

    def _ask(self, name: str, *given: Any) -> None:
        if number := getattr(self._library, name)(*given):
            raise RuntimeError(f"CUDA failure {number}: {self._words(number)} ; {name}")

    def _words(self, number: int) -> str:
        tell = self._library.cudaGetErrorString
        with contextlib.suppress(AttributeError):
            tell.restype = ctypes.c_char_p
        said = tell(ctypes.c_int(number))
        return said.decode(errors="replace") if isinstance(said, bytes) else str(said)

    def _address(self, size: int) -> int | None:
        with self._lock:
            if waiting := self._free.get(size):
                return waiting.pop()
            if self._bytes + size > MOST_PINNED_BYTES:
                return None
            self._bytes += size
        address = ctypes.c_void_p()
        number = self._library.cudaSetDevice(ctypes.c_int(self._index)) or self._library.cudaHostAlloc(
            ctypes.byref(address), ctypes.c_size_t(size), ctypes.c_uint(_FOR_ALL_CARDS)
        )
        if number or not address.value:
            with self._lock:
                self._bytes -= size
            log.info("%d bytes could not be pinned: CUDA failure %s", size, number)
            return None
        return int(address.value)

    def _return(self, size: int, address: int) -> None:
        with self._lock:
            self._free.setdefault(size, []).append(address)


def address_of(value: Any, kind: type, row: int) -> int:
    """Where a row of an ``OrtValue`` begins."""
    row_bytes: int = math.prod(tuple(value.shape())[1:]) * np.dtype(kind).itemsize
    return int(value.data_ptr()) + row * row_bytes


def transfers_for(memory: str, index: int, libraries: Sequence[str] = _LIBRARIES) -> Transfers:
    """The quickest there is for a device's memory.

    Args:
        memory: in the words of ONNX Runtime.
        index: of the device.
        libraries: names of CUDA's runtime, the first that loads is taken.
    """
    for name in libraries if memory == "cuda" else ():
        with contextlib.suppress(OSError):
            return PinnedTransfers(ctypes.CDLL(name), index)
    return PlainTransfers()
