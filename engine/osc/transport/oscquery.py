"""The table as an OSCQuery tree over HTTP, so that TouchOSC, Chataigne and others find the addresses by themselves.

Answers GET only, only to requests that name this machine, and to none that comes from a web page: a page can reach a
port on the visitor's own machine. Only hosts that may speak OSC are answered, few at a time and none for long. Source:
the OSCQuery proposal, github.com/Vidvox/OSCQueryProposal.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from engine import engine_version
from engine.osc.protocol.requests import ROWS
from engine.osc.protocol.specs import OSC_TYPE, ArgSpec, MessageSpec

REQUEST_LIMIT_BYTES = 8192
REQUEST_LIMIT_S = 10.0  # for the request, and for the reader of its answer
CONNECTIONS_LIMIT = 16  # one more ends the oldest
WRITE_ONLY = 2
_REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Not Allowed"}
_ATTRIBUTES = {"VALUE": True, "TYPE": True, "RANGE": True, "DESCRIPTION": True, "ACCESS": True, "CRITICAL": True}


def host_info(osc_port: int) -> dict[str, Any]:
    """What this server is and where OSC is spoken."""
    extensions = {name: name != "VALUE" for name in _ATTRIBUTES}
    return {
        "NAME": f"Fluxstem {engine_version()}",
        "EXTENSIONS": {**extensions, "LISTEN": False, "PATH_CHANGED": False},
        "OSC_PORT": osc_port,
        "OSC_TRANSPORT": "UDP",
    }


@functools.cache
def tree() -> dict[str, Any]:
    """The whole tree, from the root on; made once."""
    root: dict[str, Any] = {"FULL_PATH": "/", "ACCESS": 0, "DESCRIPTION": "Fluxstem", "CONTENTS": {}}
    for row in ROWS.values():
        node, path = root, ""
        for part in row.address.strip("/").split("/"):
            path = f"{path}/{part}"
            node = node.setdefault("CONTENTS", {}).setdefault(part, {"FULL_PATH": path, "ACCESS": 0})
        node.update(_leaf(row))
    return root


def node_at(path: str) -> dict[str, Any] | None:
    """The part of the tree at an address, None where there is none."""
    node: dict[str, Any] | None = tree()
    for part in (part for part in path.split("/") if part):
        node = (node or {}).get("CONTENTS", {}).get(part)
    return node


def answer(head: str, osc_port: int, lan: bool) -> tuple[int, Any]:
    """Status and JSON value for the head of a request."""
    lines = head.split("\r\n")
    words = lines[0].split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if len(words) != 3 or not words[1].startswith("/"):
        return 400, None
    if words[0] != "GET":
        return 405, None
    if "origin" in headers or not _names_us(headers.get("host", ""), lan):
        return 403, None
    url = urlsplit(words[1])
    if url.query == "HOST_INFO":
        return 200, host_info(osc_port)
    node = node_at(unquote(url.path))
    if node is None:
        return 404, None
    if url.query:
        attribute = url.query.upper()
        if attribute not in _ATTRIBUTES:
            return 400, None
        return (200, {attribute: node[attribute]}) if attribute in node else (204, None)
    return 200, node


async def serve_oscquery(
    port: int, lan: bool, osc_port: int, admits: Callable[[str], bool] = lambda host: True
) -> asyncio.Server:
    """Listen.

    Args:
        port: 0 is any.
        lan: False means this machine only.
        osc_port: what to tell about OSC.
        admits: whether a host may ask at all.

    Raises:
        OSError: the port is taken.
    """
    open_now: dict[asyncio.StreamWriter, None] = {}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        if peer is None or not admits(peer[0]):
            writer.transport.abort()
            return
        open_now[writer] = None
        if len(open_now) > CONNECTIONS_LIMIT:
            oldest = next(iter(open_now))
            del open_now[oldest]
            oldest.transport.abort()
        try:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                async with asyncio.timeout(REQUEST_LIMIT_S):
                    raw = await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(*answer(raw.decode("latin-1"), osc_port, lan)))
                writer.close()
                async with asyncio.timeout(REQUEST_LIMIT_S):
                    await writer.wait_closed()
        finally:
            open_now.pop(writer, None)
            writer.transport.abort()

    host = "0.0.0.0" if lan else "127.0.0.1"
    return await asyncio.start_server(talk, host, port, limit=REQUEST_LIMIT_BYTES)


def _leaf(row: MessageSpec) -> dict[str, Any]:
    leaf: dict[str, Any] = {"ACCESS": WRITE_ONLY, "DESCRIPTION": row.doc, "CRITICAL": row.critical}
    if row.args:
        leaf["TYPE"] = "".join(OSC_TYPE[arg.kind] for arg in row.args)
        leaf["RANGE"] = [_range(arg) for arg in row.args]
    return leaf


def _range(arg: ArgSpec) -> dict[str, Any]:
    if arg.choices:
        return {"VALS": list(arg.choices)}
    return {name: value for name, value in (("MIN", arg.low), ("MAX", arg.high)) if value is not None}


def _names_us(host: str, lan: bool) -> bool:
    """A name that only looks like ours is how a web page gets in (DNS rebinding); figures are safe."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or lan


def _body(value: Any) -> bytes:
    """JSON; that of the whole tree, the largest, is made once."""
    return _whole_tree() if value is tree() else json.dumps(value).encode("ascii")


@functools.cache
def _whole_tree() -> bytes:
    return json.dumps(tree()).encode("ascii")


def _response(status: int, value: Any) -> bytes:
    body = b"" if value is None else _body(value)
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
