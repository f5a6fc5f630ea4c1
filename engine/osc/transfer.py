"""Clips by wire from the client's side: send a file, fetch the file of a result. Both need a client on TCP."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import BinaryIO

from engine import HostError, RequestError
from engine.osc.client import BridgeClient
from engine.osc.protocol.specs import BLOB_BYTES, at


def send_clip(bridge: BridgeClient, path: Path) -> str:
    """Send an audio file.

    Args:
        bridge: where to.
        path: the file; its own bytes are sent.

    Returns:
        The clip's id; ask for tasks with ``clip:ID``.

    Raises:
        RequestError: the client speaks UDP, the file cannot be read, or the bridge did not take it.
        HostError: the bridge is gone.
    """
    _check_tcp(bridge)
    id = f"{path.stem[:40]} {uuid.uuid4().hex[:6]}"
    try:
        with path.open("rb") as stream:
            size = str(os.fstat(stream.fileno()).st_size)  # as text, for it may need more than 32 bits
            bridge.ask(at("clip/begin"), id, size, path.name, answers=(at("clip/ready"),))
            while blob := stream.read(BLOB_BYTES):
                bridge.send(at("clip/data"), id, blob)
    except OSError as error:
        raise RequestError("{path} cannot be read ({why}); check the path", path=path, why=error.strerror) from error
    bridge.ask(at("clip/end"), id, answers=(at("clip/ok"),))
    return id


def fetch(bridge: BridgeClient, id: str, part: str, into: BinaryIO) -> str:
    """Fetch the file of a result.

    Args:
        bridge: where from.
        part: ``stem``, ``rest``, ``mix``, ``edited``, ``midi`` or ``notes``, ``stem.2`` of the second answer, or a
            number among the paths.

    Returns:
        The file's name.

    Raises:
        RequestError: the client speaks UDP, there is no such file, or it came broken.
        HostError: the bridge is gone.
    """
    _check_tcp(bridge)
    name, size_bytes, received_bytes = "", 0, 0
    for message in bridge.hear(lambda: bridge.send(at("clip/get"), id, part)):
        if message.address == at("error"):
            raise RequestError(str(message.args[2]))
        if message.args[:1] != (id,) or (message.address != at("fail") and message.args[1:2] != (part,)):
            continue  # of another job or part
        match message.address.removeprefix(at("")), message.args[2:]:
            case "clip/begin", (str(name), size):
                size_bytes = int(str(size))
            case "clip/data", (bytes(blob),):
                received_bytes += into.write(blob)
            case "clip/end", _ if received_bytes == size_bytes:
                return name
            case "clip/end", _:
                raise RequestError("{came} of {all} bytes came; fetch it again", came=received_bytes, all=size_bytes)
            case "fail", (text,):
                raise RequestError(str(text))
    raise HostError("the bridge fell silent while a result was on its way; fetch it again")


def _check_tcp(bridge: BridgeClient) -> None:
    if not bridge.tcp:
        raise RequestError(
            "this client speaks UDP, but clips travel over TCP only; open it with tcp=True, or name a file on the "
            "bridge's machine by its absolute path"
        )
