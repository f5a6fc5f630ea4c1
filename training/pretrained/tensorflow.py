"""Read the arrays of a TensorFlow checkpoint without TensorFlow, whose wheel is half a gigabyte.

A checkpoint of format V2 is an index (a LevelDB table of protocol buffers, one per array: type, shape, place, length)
and a file of numbers. Only what small checkpoints hold is read: one shard, an uncompressed index, float32.
Source: tensorflow/core/util/tensor_bundle and leveldb/doc/table_format.md.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[np.float32]]
FOOTER_BYTES = 48
MAGIC = 0xDB4775248B80FB57
FLOAT32 = 1
VARINT, LENGTH, FIXED32 = 0, 2, 5  # wire types of protocol buffers


def checkpoint_arrays(index: bytes, numbers: bytes) -> Arrays:
    """All float32 arrays of a checkpoint by name.

    Args:
        index: content of its ``.index`` file.
        numbers: content of its only ``.data-00000-of-00001``.

    Raises:
        ValueError: not such a checkpoint, damaged, or one of several files of numbers.
    """
    if len(index) < FOOTER_BYTES or struct.unpack("<Q", index[-8:])[0] != MAGIC:
        raise ValueError("this is not the index of a TensorFlow checkpoint")
    try:
        found = {key.decode(): _array(value, numbers) for key, value in _entries(index) if key}
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"the index of the checkpoint is damaged: {error}") from error
    return {name: array for name, array in found.items() if array is not None}


def _entries(index: bytes) -> Iterator[tuple[bytes, bytes]]:
    footer = index[-FOOTER_BYTES:]
    at = 0
    for _ in range(2):  # the place of the table of statistics, which is not needed
        _, at = _varint(footer, at)
    offset, at = _varint(footer, at)
    size, _ = _varint(footer, at)
    for _, handle in _block(index, offset, size):
        start, at = _varint(handle, 0)
        length, _ = _varint(handle, at)
        yield from _block(index, start, length)


def _block(index: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; a key says how much of the one before it shares."""
    if index[offset + size] != 0:
        raise ValueError("the index of the checkpoint is compressed, which is not read here")
    block = index[offset : offset + size]
    [restarts] = struct.unpack("<I", block[-4:])
    end, at, key = len(block) - 4 - 4 * restarts, 0, b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + length]
        at += own + length


def _array(entry: bytes, data: bytes) -> npt.NDArray[np.float32] | None:
    numbers, parts = _fields(entry)  # numbers: 1 type, 3 shard, 4 offset, 5 size; parts: 2 shape
    if numbers.get(1) != FLOAT32:
        return None
    if numbers.get(3, 0):
        raise ValueError("the checkpoint has several files of numbers, which is not read here")
    axes = [axis for tag, shape in parts if tag == 2 for field, axis in _fields(shape)[1] if field == 2]
    shape = [_fields(axis)[0].get(1, 0) for axis in axes]
    offset, size = numbers.get(4, 0), numbers.get(5, 0)
    if size != 4 * math.prod(shape) or offset + size > len(data):
        raise ValueError("the checkpoint's numbers do not fill the shapes that its index names")
    return np.frombuffer(data, "<f4", size // 4, offset).reshape(shape).copy()


def _fields(message: bytes) -> tuple[dict[int, int], list[tuple[int, bytes]]]:
    """The fields of a protocol buffer that are numbers, by tag, and those that are messages or strings."""
    at, numbers, parts = 0, {}, []
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == VARINT:
            numbers[tag >> 3], at = _varint(message, at)
        elif kind == LENGTH:
            length, at = _varint(message, at)
            parts.append((tag >> 3, message[at : at + length]))
            at += length
        elif kind == FIXED32:
            at += 4
        else:
            raise ValueError(f"a field of wire type {kind} is not read here")
    return numbers, parts


def _varint(data: bytes, at: int) -> tuple[int, int]:
    found = shift = 0
    while True:
        byte = data[at]
        found |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return found, at
