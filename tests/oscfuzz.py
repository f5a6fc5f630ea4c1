"""Packets that are nearly right, and the ones known to kill OSC servers. For the parser's tests and the benchmark."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

from pythonosc.osc_message_builder import OscMessageBuilder

from engine.osc.protocol.requests import ROWS

SAMPLE = {"id": "job", "text": "bass", "whole": 3, "number": 0.5, "place": "480smp", "blob": b"12345"}


def valid_packets() -> list[bytes]:
    """One good packet for every row of the table, and bundles of them."""
    packets = []
    for row in ROWS.values():
        builder = OscMessageBuilder(row.address)
        for arg in row.args:
            builder.add_arg(arg.choices[0] if arg.choices else SAMPLE[arg.kind])
        packets.append(bytes(builder.build().dgram))
    return [*packets, bundle(*packets[:3]), bundle(bundle(packets[0]), packets[1], seconds=2**31)]


def bundle(*elements: bytes, seconds: int = 0) -> bytes:
    """Elements in a bundle; ``seconds`` since 1900 is when it wants to be done."""
    return b"#bundle\0" + struct.pack(">II", seconds, 1) + b"".join(struct.pack(">i", len(e)) + e for e in elements)


def killers() -> dict[str, bytes]:
    """Packets that hurt python-osc or other servers."""
    nested = b"/fluxstem/ping\0\0,\0\0\0"
    for _ in range(390):
        nested = bundle(nested)
    ping = b"/fluxstem/ping\0\0,\0\0\0"
    return {
        "element of size -4": b"#bundle\0" + bytes(8) + struct.pack(">i", -4) + bytes(4),
        "element of size 0": b"#bundle\0" + bytes(8) + struct.pack(">i", 0) + bytes(4),
        "element larger than the packet": b"#bundle\0" + bytes(8) + struct.pack(">i", 2**31 - 4) + ping,
        "390 nested bundles": nested,
        "many elements": bundle(*[ping] * 2000),
        "starred pattern": b"/fluxstem/" + b"*" * 20 + b"x\0" + b",\0\0\0",
        "braces and brackets": b"/fluxstem/{a,b}[!c]\0,\0\0\0",
        "blob of negative length": b"/fluxstem/ping\0\0,b\0\0" + struct.pack(">i", -5),
        "blob longer than the packet": b"/fluxstem/ping\0\0,b\0\0" + struct.pack(">i", 2**31 - 1),
        "unknown type": b"/fluxstem/ping\0\0,Q\0\0" + bytes(8),
        "array": b"/fluxstem/ping\0\0,[i]\0\0\0\0\0\0\0\1",
        "array that never ends": b"/fluxstem/ping\0\0,[[[\0\0\0\0",
        "no type tags": b"/fluxstem/ping\0\0abc\0",
        "no zero after the address": b"/fluxstem/ping12",
        "text that is no UTF-8": b"/fluxstem/ping\0\0,s\0\0\xff\xfe\0\0",
        "padding that is not zero": b"/fluxstem/ping\0x,\0\0\0",
        "nothing": b"",
        "three bytes": b"/ab",
        "only zeros": bytes(64),
        "0xff everywhere": b"\xff" * 64,
        "ten thousand tags": b"/fluxstem/ping\0\0," + b"T" * 10_003 + b"\0" * 4,
        "an address of 8,000 letters": b"/" + b"a" * 8003 + b"\0\0\0\0,\0\0\0",
        "cut number": b"/fluxstem/ping\0\0,d\0\0" + bytes(4),
    }


def mutated(count: int, seed: int) -> Iterator[bytes]:
    """Good packets with a few bytes changed, cut, doubled, swapped or put together; the same for the same seed."""
    dice = random.Random(seed)
    seeds = [*valid_packets(), *killers().values()]
    for _ in range(count):
        packet = bytearray(dice.choice(seeds)[:2000])
        for _ in range(dice.randint(1, 4)):
            _CHANGES[dice.randrange(len(_CHANGES))](packet, dice, seeds)
        yield bytes(packet)


def _byte(packet: bytearray, dice: random.Random, seeds: list[bytes]) -> None:
    if packet:
        packet[dice.randrange(len(packet))] = dice.choice((0, 1, 4, 47, 44, 127, 128, 255, dice.randrange(256)))


def _bit(packet: bytearray, dice: random.Random, seeds: list[bytes]) -> None:
    if packet:
        packet[dice.randrange(len(packet))] ^= 1 << dice.randrange(8)


def _cut(packet: bytearray, dice: random.Random, seeds: list[bytes]) -> None:
    del packet[dice.randrange(len(packet) + 1) :]


def _number(packet: bytearray, dice: random.Random, seeds: list[bytes]) -> None:
    if len(packet) >= 4:
        at = dice.randrange(len(packet) // 4) * 4
        packet[at : at + 4] = struct.pack(">i", dice.choice((-(2**31), -5, -4, -1, 0, 3, 2**16, 2**31 - 1)))


def _double(packet: bytearray, dice: random.Random, seeds: list[bytes]) -> None:
    at = dice.randrange(len(packet) + 1)
    packet[at:at] = packet[at : at + 4 * dice.randrange(1, 8)]


def _splice(packet: bytearray, dice: random.Random, seeds: list[bytes]) -> None:
    packet += dice.choice(seeds)[:400]


def _wrap(packet: bytearray, dice: random.Random, seeds: list[bytes]) -> None:
    packet[:] = bundle(bytes(packet), seconds=dice.choice((0, 1, 2**32 - 1)))


_CHANGES = (_byte, _byte, _bit, _cut, _number, _double, _splice, _wrap)
