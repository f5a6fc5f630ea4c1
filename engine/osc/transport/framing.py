"""OSC packets on a TCP stream: the length prefix of OSC 1.0 and the SLIP of OSC 1.1, told apart by the first byte.

No frame we take is 16 MB long, so a length starts with a zero byte; SLIP starts with its end mark or with the packet's
own first character. Source: RFC 1055.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Literal

FRAME_LIMIT_BYTES = 1 << 20

Framing = Literal["length", "slip"]

_END, _ESC, _ESC_END, _ESC_ESC = b"\xc0", b"\xdb", b"\xdb\xdc", b"\xdb\xdd"
_ENDS = re.compile(_END + b"+")
_FIRST: dict[bytes, Framing] = {b"\0": "length", _END: "slip", b"/": "slip", b"#": "slip"}


class FrameError(ValueError):
    """The stream cannot be cut into packets any more; nothing after this point can be trusted."""


class Framer:
    """Cuts a stream into packets, and frames packets for it.

    Attributes:
        framing: None until the first byte has come; then what the other side speaks.
        pending: True means a packet has begun and not ended.
    """

    def __init__(self, framing: Framing | None = None) -> None:
        self.framing = framing
        self._buffer = bytearray()
        self._searched = 0  # bytes of the buffer that hold no end mark

    @property
    def pending(self) -> bool:
        """True means a packet has begun and not ended."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take what came and give the packets it completes.

        Raises:
            FrameError: neither framing, or a packet larger than is taken.
        """
        self._buffer += data
        if self.framing is None and self._buffer:
            self.framing = _FIRST.get(bytes(self._buffer[:1]))
            if self.framing is None:
                raise FrameError("the stream speaks neither OSC 1.0 nor 1.1, or announces a packet that is too large")
        yield from self._by_length() if self.framing == "length" else self._by_slip()

    def frame(self, packet: bytes) -> bytes:
        """The packet as it goes into the stream; in the framing of the other side, else with a length."""
        if self.framing == "slip":
            return _END + packet.replace(_ESC, _ESC_ESC).replace(_END, _ESC_END) + _END
        return struct.pack(">I", len(packet)) + packet

    def _by_length(self) -> Iterator[bytes]:
        at = 0
        try:
            while len(self._buffer) - at >= 4:
                (size,) = struct.unpack_from(">I", self._buffer, at)
                if size > FRAME_LIMIT_BYTES:
                    raise FrameError(f"a packet of {size} bytes is announced; at most {FRAME_LIMIT_BYTES} are taken")
                if len(self._buffer) - at - 4 < size:
                    return
                yield bytes(self._buffer[at + 4 : at + 4 + size])
                at += 4 + size
        finally:
            del self._buffer[:at]

    def _by_slip(self) -> Iterator[bytes]:
        while (end := self._buffer.find(_END, self._searched)) >= 0:
            run = _ENDS.match(self._buffer, end)
            past = run.end() if run is not None else end + 1
            del run  # it holds the buffer
            raw = bytes(self._buffer[:end])
            del self._buffer[:past]
            self._searched = 0
            if raw:
                yield _unescaped(raw)
        self._searched = len(self._buffer)
        if len(self._buffer) > 2 * FRAME_LIMIT_BYTES:
            raise FrameError(f"a packet does not end within {2 * FRAME_LIMIT_BYTES} bytes")


def _unescaped(raw: bytes) -> bytes:
    if raw.count(_ESC) != raw.count(_ESC_END) + raw.count(_ESC_ESC):
        raise FrameError("an escape of SLIP is followed by neither of its two codes")
    return raw.replace(_ESC_END, _END).replace(_ESC_ESC, _ESC)
