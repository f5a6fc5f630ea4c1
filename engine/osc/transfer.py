"""Clips by wire from the client's side: send a file in pieces, fetch a result in pieces, until nothing is missing."""

from __future__ import annotations

import time
import uuid
import zlib
from pathlib import Path

from engine import HostError, RequestError
from engine.osc.client import BridgeClient
from engine.osc.clip_pieces import Assembly, Outgoing, Shape, gaps, lay_out
from engine.osc.protocol.requests import CHUNK_BYTES, CHUNK_LIMIT_BYTES, at
from engine.osc.transport.packets import Message

BURST_CHUNKS = 32
PAUSE_S = 0.003  # between bursts over UDP, so that buffers on the way can empty


def send_clip(bridge: BridgeClient, path: Path, scratch: Path) -> str:
    """Send an audio file.

    Args:
        bridge: where to.
        path: WAV or FLAC.
        scratch: a folder that does not exist yet; for the time of sending.

    Returns:
        The clip's id; ask for tasks with ``clip:ID``.

    Raises:
        RequestError, HostError: the bridge did not take it.
    """
    outgoing = lay_out(path, scratch, CHUNK_LIMIT_BYTES if bridge.tcp else CHUNK_BYTES)
    shape, name = outgoing.shape, f"{path.stem[:40]} {uuid.uuid4().hex[:6]}"
    announced = (name, shape.rate_hz, shape.channels, shape.frames, shape.format, shape.chunk_bytes)
    bridge.ask(at("clip/begin"), *announced, str(shape.start_samples), answers=(at("clip/ready"),))
    ranges = [(0, shape.chunks)]
    while True:
        _send_pieces(bridge, name, outgoing, ranges)
        answers = (at("clip/ok"), at("clip/missing"))
        said = bridge.ask(at("clip/end"), name, outgoing.crc32, answers=answers)
        if said.address == at("clip/ok"):
            return name
        numbers = [int(str(number)) for number in said.args[1:]]
        ranges = list(zip(numbers[::2], numbers[1::2], strict=True))


def fetch(bridge: BridgeClient, id: str, part: str) -> bytes:
    """Fetch a file of a result.

    Args:
        bridge: where from.
        id: of a finished job.
        part: ``stem`` or ``rest``.

    Returns:
        A WAV file with the samples of the result, its time reference kept.

    Raises:
        RequestError: there is none, or it came broken.
        HostError: the bridge is gone.
    """
    coming: Assembly | None = None
    crc32: int | None = None

    def ask() -> None:
        if coming is None:
            bridge.send(at("clip/get"), id, part)
        else:
            holes = [number for pair in gaps(coming.has) for number in pair]
            bridge.send(at("clip/missing"), id, part, *holes)

    for message in bridge.hear(ask):
        if message.args[:1] != (id,) or (message.address != at("fail") and message.args[1:2] != (part,)):
            continue  # of another job, or late from another part
        match message.address.removeprefix(at("")):
            case "clip/begin" if coming is None:
                coming = Assembly(_shape(message))
            case "clip/data" if coming is not None:
                blob = message.args[3]
                coming.put(int(str(message.args[2])), blob if isinstance(blob, bytes) else b"")
            case "clip/end":
                crc32 = int(str(message.args[2])) & 0xFFFFFFFF
                if coming is None or gaps(coming.has):
                    ask()
            case "fail":
                raise RequestError(str(message.args[2]))
        if coming is not None and crc32 is not None and not gaps(coming.has):
            if zlib.crc32(coming.data) != crc32:
                raise RequestError("what came is not what was sent; fetch it again")
            return coming.wav()
    raise HostError("the bridge fell silent while a result was on its way; fetch it again")


def _send_pieces(bridge: BridgeClient, name: str, outgoing: Outgoing, ranges: list[tuple[int, int]]) -> None:
    for first, count in ranges:
        for index, blob in outgoing.pieces(first, count):
            bridge.send(at("clip/data"), name, index, blob)
            if not bridge.tcp and index % BURST_CHUNKS == 0:
                time.sleep(PAUSE_S)


def _shape(message: Message) -> Shape:
    _, _, rate_hz, channels, frames, format, chunk_bytes, start = message.args
    return Shape(
        rate_hz=int(str(rate_hz)), channels=int(str(channels)), frames=int(str(frames)), format=str(format),
        chunk_bytes=int(str(chunk_bytes)), start_samples=int(str(start)),
    )  # fmt: skip
