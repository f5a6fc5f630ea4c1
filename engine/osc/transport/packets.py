"""Bytes to OSC messages and back; whatever the bytes are, reading them is quick and bounded.

python-osc never sees a packet from outside: a 24-byte bundle with an element of size -4 keeps it busy for ever, 390
nested bundles end it with a RecursionError, and it drops the tags S, c and I so that later arguments shift. It writes
what we send. Patterns in addresses and arrays are refused; time tags are read and not waited for.
Source: OSC 1.0 and 1.1 specifications.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pythonosc.osc_message_builder import OscMessageBuilder

UDP_LIMIT_BYTES = 65_507
DEPTH_LIMIT = 8
MESSAGES_LIMIT = 256
ARGUMENTS_LIMIT = 512
ADDRESS_LIMIT_BYTES = 256

_BUNDLE = b"#bundle\0"
_BUNDLE_HEAD_BYTES = 16
_PATTERN = set(" #*,?[]{}")

Value = str | bytes | int | float | bool | None


class Int64(int):
    """A number that came as OSC's type h; where a place is wanted it counts samples."""


class PacketError(ValueError):
    """The bytes are not an OSC packet that is taken here; the message says why in a few words."""


@dataclass(frozen=True, slots=True)
class OscMessage:
    """One message as it came.

    Attributes:
        address: starts with a slash, holds no pattern.
        args: in order; numbers as int, ``Int64`` or float, N as None.
    """

    address: str
    args: tuple[Value, ...]


def read_packet(packet: bytes) -> list[OscMessage]:
    """The messages of a packet, those inside bundles in order.

    Raises:
        PacketError: it is malformed, or larger, deeper or longer than is taken.
    """
    return list(_read(packet))


def write_message(address: str, types: str, args: tuple[Value, ...]) -> bytes:
    """One message as bytes.

    Args:
        types: one OSC type letter for each argument.
    """
    builder = OscMessageBuilder(address=address)
    for letter, value in zip(types, args, strict=True):
        builder.add_arg(value, letter)
    return bytes(builder.build().dgram)


def _read(packet: bytes) -> Iterator[OscMessage]:
    count = 0
    stack = [(packet, 0)]
    while stack:
        element, depth = stack.pop()
        if len(element) % 4 or len(element) < 4:
            raise PacketError("its size is not a multiple of 4")
        if element.startswith(_BUNDLE):
            if depth >= DEPTH_LIMIT:
                raise PacketError(f"bundles are nested deeper than {DEPTH_LIMIT}")
            inside = list(_elements(element))
            stack.extend((part, depth + 1) for part in reversed(inside))
        else:
            yield _message(element)
        count += 1
        if count > MESSAGES_LIMIT or len(stack) > MESSAGES_LIMIT:
            raise PacketError(f"it holds more than {MESSAGES_LIMIT} messages")


def _elements(bundle: bytes) -> Iterator[bytes]:
    if len(bundle) < _BUNDLE_HEAD_BYTES:
        raise PacketError("a bundle has no time tag")
    at = _BUNDLE_HEAD_BYTES
    while at < len(bundle):
        (size,) = struct.unpack_from(">i", bundle, at)
        at += 4
        if size < 4 or size % 4 or size > len(bundle) - at:
            raise PacketError(f"a bundle has an element of {size} bytes")
        yield bundle[at : at + size]
        at += size


def _message(packet: bytes) -> OscMessage:
    if packet[:1] != b"/":
        raise PacketError("it starts with neither / nor #bundle")
    address, at = _text(packet, 0)
    if len(address) > ADDRESS_LIMIT_BYTES or not address.isascii() or not address.isprintable():
        raise PacketError("its address is too long or not plain ASCII")
    if _PATTERN & set(address):
        raise PacketError("its address is a pattern; patterns are not taken")
    if at == len(packet):
        return OscMessage(address, ())
    tags, at = _text(packet, at)
    if tags[:1] != ",":
        raise PacketError("it has no type tags")
    if len(tags) - 1 > ARGUMENTS_LIMIT:
        raise PacketError(f"it has more than {ARGUMENTS_LIMIT} arguments")
    args = []
    for tag in tags[1:]:
        reader = _READERS.get(tag)
        if reader is None:
            raise PacketError(f"type {tag!a} is not taken")
        value, at = reader(packet, at)
        args.append(value)
    if at != len(packet):
        raise PacketError(f"{len(packet) - at} bytes are left over")
    return OscMessage(address, tuple(args))


def _text(packet: bytes, at: int) -> tuple[str, int]:
    end = packet.find(b"\0", at)
    if end < 0:
        raise PacketError("a text has no end")
    next_at = (end + 4) & ~3
    if next_at > len(packet) or any(packet[end:next_at]):
        raise PacketError("a text is not filled up with zeros")
    try:
        return packet[at:end].decode("utf-8"), next_at
    except UnicodeDecodeError:
        raise PacketError("a text is not UTF-8") from None


def _blob(packet: bytes, at: int) -> tuple[bytes, int]:
    number, at = _INT(packet, at)
    size = int(number)
    next_at = at + ((size + 3) & ~3)
    if size < 0 or next_at > len(packet):
        raise PacketError(f"a blob of {size} bytes does not fit")
    return packet[at : at + size], next_at


def _number(layout: str) -> Callable[[bytes, int], tuple[int | float, int]]:
    reader = struct.Struct(layout)

    def read(packet: bytes, at: int) -> tuple[int | float, int]:
        if at + reader.size > len(packet):
            raise PacketError("an argument is cut off")
        return reader.unpack_from(packet, at)[0], at + reader.size

    return read


def _int64(packet: bytes, at: int) -> tuple[int, int]:
    number, at = _LONG(packet, at)
    return Int64(number), at


def _character(packet: bytes, at: int) -> tuple[str, int]:
    code, at = _INT(packet, at)
    if not 0 < code < 128:
        raise PacketError("a character is not ASCII")
    return chr(int(code)), at


def _constant(value: Value) -> Callable[[bytes, int], tuple[Value, int]]:
    return lambda packet, at: (value, at)


_INT, _LONG = _number(">i"), _number(">q")

_READERS: dict[str, Callable[[bytes, int], tuple[Value, int]]] = {
    "i": _INT,
    "h": _int64,
    "f": _number(">f"),
    "d": _number(">d"),
    "t": _number(">Q"),
    "r": _number(">I"),
    "m": _number(">I"),
    "c": _character,
    "s": _text,
    "S": _text,
    "b": _blob,
    "T": _constant(True),
    "F": _constant(False),
    "N": _constant(None),
    "I": _constant(True),
}
