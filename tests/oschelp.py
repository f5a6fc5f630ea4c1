"""A caller of the bridge that knows OSC from python-osc only."""

from __future__ import annotations

import socket
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

LIMIT_S = 300.0
TOKEN = b"sixteen bytes and more"


def packed(address: str, *args: Any, types: str | None = None) -> bytes:
    """A message as python-osc writes it; ``types`` chooses the type letters."""
    builder = OscMessageBuilder(address)
    for place, arg in enumerate(args):
        builder.add_arg(arg, types[place] if types else None)
    return bytes(builder.build().dgram)


def write_broadcast_wav(path: Path, audio_NC: np.ndarray, rate_hz: int, subtype: str, start_samples: int) -> Path:
    """A WAV with a ``bext`` chunk whose time reference is ``start_samples``. Source: EBU Tech 3285."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio_NC, rate_hz, subtype=subtype)
    bext = bytes(338) + struct.pack("<Q", start_samples) + bytes(256)
    wav = path.read_bytes() + b"bext" + struct.pack("<I", len(bext)) + bext
    path.write_bytes(wav[:4] + struct.pack("<I", len(wav) - 8) + wav[8:])
    return path


class Caller:
    """A UDP socket that speaks OSC, as python-osc understands it."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((host, 0))
        self._bridge = (host, port)
        self.heard: list[tuple[Any, ...]] = []

    @property
    def port(self) -> int:
        return self.socket.getsockname()[1]

    def throw(self, packet: bytes) -> None:
        self.socket.sendto(packet, self._bridge)

    def say(self, address: str, *args: Any, types: str | None = None) -> None:
        self.throw(packed(address, *args, types=types))

    def next(self, limit_s: float = LIMIT_S) -> tuple[Any, ...] | None:
        """The next message as ``(address, *args)``; None when none comes."""
        self.socket.settimeout(limit_s)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return None
        message = OscMessage(data)
        self.heard.append((message.address, *message.params))
        return self.heard[-1]

    def until(self, *addresses: str, limit_s: float = LIMIT_S) -> tuple[Any, ...]:
        """The first message with one of these addresses."""
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            message = self.next(max(end_s - time.monotonic(), 0.01))
            if message is not None and message[0] in addresses:
                return message
        raise AssertionError(f"none of {addresses} came; heard {self.heard[-8:]}")

    def ask(self, address: str, *args: Any, types: str | None = None) -> tuple[Any, ...]:
        """Say something and hear the next message."""
        self.say(address, *args, types=types)
        message = self.next()
        assert message is not None, f"no answer to {address}"
        return message

    def silence(self) -> None:
        """Nothing more is on its way: a ping sent now is answered next."""
        assert self.ask("/fluxstem/ping", "silence") == ("/fluxstem/pong", "silence")
