"""Sockets: UDP and TCP on the same port number, IPv4 and IPv6, as a stream of packets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from engine.osc.transport.framing import FrameError, Framer
from engine.osc.transport.packets import UDP_LIMIT_BYTES
from engine.osc.transport.sessions import SenderKey

log = logging.getLogger(__name__)

RECEIVE_BUFFER_BYTES = 4 << 20
PORTS_TRIED = 10
CONNECTIONS_LIMIT = 64
CONNECTIONS_PER_HOST_LIMIT = 32
PENDING_LIMIT_S = 30.0  # a packet that has begun has to end within this time
WRITE_LIMIT_BYTES = 8 << 20  # a reader this far behind is given up
WRITE_EASY_BYTES = 256 << 10

OnPacket = Callable[[SenderKey, "UdpWire | TcpWire", bytes], None]
OnBroken = Callable[[SenderKey, "TcpWire", str], None]
OnGone = Callable[[SenderKey], None]
Admits = Callable[[str], bool]

_HOSTS = {False: ("127.0.0.1", "::1"), True: ("0.0.0.0", "::")}


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportCallbacks:
    """Callbacks of the sockets.

    Attributes:
        admits: whether a host may speak at all.
        packet: called with every packet.
        broken: called when a stream cannot be understood any more; it is closed after that.
        gone: called when a connection has ended.
    """

    admits: Admits
    packet: OnPacket
    broken: OnBroken
    gone: OnGone


@dataclass(slots=True)
class Sockets:
    """The open sockets of a bridge.

    Attributes:
        udp_port, tcp_port: the chosen ports.
        receive_buffer_bytes: what the system really gave; Linux caps it at net.core.rmem_max.
    """

    udp_port: int
    tcp_port: int
    receive_buffer_bytes: int
    udp: list[asyncio.DatagramTransport] = field(default_factory=list)
    tcp: list[asyncio.Server] = field(default_factory=list)
    connections: set[TcpWire] = field(default_factory=set)

    def close(self) -> None:
        """Close everything."""
        for transport in self.udp:
            transport.close()
        for server in self.tcp:
            server.close()
        for wire in list(self.connections):
            wire.close()

    def tick(self, now_s: float) -> None:
        """Close connections whose packet never ends."""
        for wire in list(self.connections):
            wire.check(now_s)


class UdpWire:
    """Return path to a UDP client."""

    reliable = False

    def __init__(self, transport: asyncio.DatagramTransport, address: tuple[str, int]) -> None:
        self._transport = transport
        self._address = address

    def send(self, packet: bytes, to: tuple[str, int] | None = None) -> None:
        """See ``sessions.Wire``."""
        if not self._transport.is_closing() and len(packet) <= UDP_LIMIT_BYTES:
            self._transport.sendto(packet, to or self._address)

    async def room(self) -> None:
        """See ``sessions.Wire``; datagrams never wait."""


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, callbacks: TransportCallbacks) -> None:
        self._callbacks = callbacks
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._transport is not None and self._callbacks.admits(addr[0]):
            self._callbacks.packet(("udp", addr[0], addr[1]), UdpWire(self._transport, addr), data)

    def error_received(self, exc: Exception) -> None:
        log.debug("a reply could not be delivered: %s", exc)


class TcpWire(asyncio.Protocol):
    """One TCP connection."""

    reliable = True

    def __init__(self, sockets: Sockets, callbacks: TransportCallbacks, clock: Callable[[], float]) -> None:
        self._sockets = sockets
        self._callbacks = callbacks
        self._clock = clock
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._key: SenderKey | None = None
        self._pending_since_s: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``."""
        self._transport = transport = cast(asyncio.Transport, transport)
        host, port = transport.get_extra_info("peername")[:2]
        others = [wire for wire in self._sockets.connections if wire._key and wire._key[1] == host]
        crowded = len(self._sockets.connections) >= CONNECTIONS_LIMIT or len(others) >= CONNECTIONS_PER_HOST_LIMIT
        if crowded or not self._callbacks.admits(host):
            transport.abort()
            return
        self._key = ("tcp", host, port)
        self._sockets.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See ``asyncio.Protocol``."""
        self._sockets.connections.discard(self)
        if self._key is not None:
            self._callbacks.gone(self._key)

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        if self._key is None:
            return
        try:
            for packet in self._framer.feed(data):
                self._callbacks.packet(self._key, self, packet)
        except FrameError as error:
            self._callbacks.broken(self._key, self, str(error))
            self.close()
        if not self._framer.pending:
            self._pending_since_s = None
        elif self._pending_since_s is None:
            self._pending_since_s = self._clock()

    def send(self, packet: bytes, to: tuple[str, int] | None = None) -> None:
        """See ``sessions.Wire``."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > WRITE_LIMIT_BYTES:
            log.warning("%s does not read what it asked for; its connection is closed", self._key)
            self._transport.abort()
            return
        self._transport.write(self._framer.frame(packet))

    async def room(self) -> None:
        """See ``sessions.Wire``."""
        await asyncio.sleep(0)
        while (
            self._transport is not None
            and not self._transport.is_closing()
            and self._transport.get_write_buffer_size() > WRITE_EASY_BYTES
        ):
            await asyncio.sleep(0.005)

    def check(self, now_s: float) -> None:
        """Close when a packet has begun and does not end."""
        if self._pending_since_s is not None and now_s - self._pending_since_s > PENDING_LIMIT_S:
            log.info("%s began a packet and did not end it; its connection is closed", self._key)
            self.close()

    def close(self) -> None:
        """End the connection once what was written is out."""
        if self._transport is not None:
            self._transport.close()


async def open_sockets(port: int, tcp_port: int | None, lan: bool, callbacks: TransportCallbacks) -> Sockets:
    """Listen.

    Args:
        port: UDP port; the next free one of ten is taken; 0 is any.
        tcp_port: None means the same number as UDP.
        lan: False means this machine only.
        callbacks: what to call.

    Raises:
        OSError: no port is free.
    """
    loop = asyncio.get_running_loop()
    udp, tcp = _bound_pairs(port, tcp_port, lan)
    sockets = Sockets(udp[0].getsockname()[1], tcp[0].getsockname()[1], _receive_buffer(udp[0]))
    for sock in udp:
        transport, _ = await loop.create_datagram_endpoint(lambda: _Udp(callbacks), sock=sock)
        sockets.udp.append(transport)
    for sock in tcp:
        server = await loop.create_server(lambda: TcpWire(sockets, callbacks, loop.time), sock=sock, backlog=128)
        sockets.tcp.append(server)
    return sockets


def _bound_pairs(port: int, tcp_port: int | None, lan: bool) -> tuple[list[socket.socket], list[socket.socket]]:
    """UDP and TCP sockets on every family, all UDP ones on one port and all TCP ones on one port."""
    error: OSError = OSError("no port was tried")
    for step in range(PORTS_TRIED):
        udp_port = port + step if port else 0
        bound: list[socket.socket] = []
        try:
            udp = _bound(socket.SOCK_DGRAM, udp_port, lan, bound)
            chosen = udp[0].getsockname()[1]
            wanted = chosen if tcp_port is None else tcp_port + step if tcp_port else 0
            return udp, _bound(socket.SOCK_STREAM, wanted, lan, bound)
        except OSError as caught:
            error = caught
            for sock in bound:
                sock.close()
    raise error


def _bound(kind: socket.SocketKind, port: int, lan: bool, bound: list[socket.socket]) -> list[socket.socket]:
    family_host = zip((socket.AF_INET, socket.AF_INET6), _HOSTS[lan], strict=True)
    made: list[socket.socket] = []
    for family, host in family_host:
        if family is socket.AF_INET6 and not _has_ipv6():
            continue
        sock = socket.socket(family, kind)
        bound.append(sock)
        made.append(sock)
        sock.setblocking(False)
        if family is socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind is socket.SOCK_DGRAM:
            _widen(sock)
        elif sys.platform != "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a killed bridge linger
        if sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        sock.bind((host, port))
        port = sock.getsockname()[1]
    return made


def _widen(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    force = getattr(socket, "SO_RCVBUFFORCE", 33 if sys.platform == "linux" else None)
    if force is not None and _receive_buffer(sock) < RECEIVE_BUFFER_BYTES:
        with contextlib.suppress(OSError):  # for administrators only
            sock.setsockopt(socket.SOL_SOCKET, force, RECEIVE_BUFFER_BYTES)


def _receive_buffer(sock: socket.socket) -> int:
    size = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    return size // 2 if sys.platform == "linux" else size  # Linux tells twice what was asked


def _has_ipv6() -> bool:
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False
