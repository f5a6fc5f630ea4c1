"""Sockets: UDP and TCP on the same port number, IPv4 and IPv6, as a stream of packets.

Reading is quick and never works on what it reads: every packet becomes a piece of work in its sender's line, see
``Turns``. A connection is read on only when its line is empty, so nobody can fill our memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import cast

from engine.osc.transport.framing import FrameError, Framer
from engine.osc.transport.gate import is_loopback
from engine.osc.transport.packets import UDP_LIMIT_BYTES
from engine.osc.transport.sessions import SenderKey
from engine.osc.transport.turns import Turns, Work

log = logging.getLogger(__name__)

RECEIVE_BUFFER_BYTES = 4 << 20
PORTS_TRIED = 10
WAITING_CONNECTIONS = 128  # that the system keeps for us
ACCEPTED_AT_ONCE = 8  # of them, before others have their turn
CONNECTIONS_LIMIT = 64
CONNECTIONS_PER_HOST_LIMIT = 32  # of another machine
UNPROVEN_IDLE_LIMIT_S = 60.0  # a connection without proof may be silent for so long
PENDING_LIMIT_S = 30.0  # while a packet has begun, so often something has to come,
PENDING_LEAST_BYTES = 4096  # and at least this much, or the end of a packet
WRITE_LIMIT_BYTES = 8 << 20  # a reader this far behind is given up
WRITE_EASY_BYTES = 256 << 10
READ_S = 0.020  # UDP is read for so long before the work goes on: what is not read yet cannot overtake a burst
LINE_LIMIT_PACKETS = 16_384  # of one UDP sender, not yet worked on
HELD_LIMIT_BYTES = 32 << 20  # of all UDP senders
OUTBOX_LIMIT_PACKETS = 4096

OnPacket = Callable[[SenderKey, "UdpWire | TcpWire", bytes], Work]
OnBroken = Callable[[SenderKey, "TcpWire", str], None]
OnGone = Callable[[SenderKey], None]
Admits = Callable[[str], bool]

_SO_MEMINFO = 55
_HOSTS = {False: ("127.0.0.1", "::1"), True: ("0.0.0.0", "::")}


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportCallbacks:
    """Callbacks of the sockets.

    Attributes:
        admits: whether a host may speak at all.
        packet: the work that a packet is.
        broken: called when a stream cannot be understood any more, or has to make room; it is closed after that.
        gone: called when a connection has ended.
        ranks: of connections when one has to make room: the lowest goes first; None means it must not go. It is asked
            for all of them at once, as it looks through all jobs.
        lost: called with the number of packets that were thrown away unread.
    """

    admits: Admits
    packet: OnPacket
    broken: OnBroken
    gone: OnGone
    ranks: Callable[[Iterable[SenderKey]], dict[SenderKey, tuple[int, float] | None]]
    lost: Callable[[int], None]


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
    udp: list[UdpSocket] = field(default_factory=list)
    tcp: list[asyncio.Server] = field(default_factory=list)
    connections: set[TcpWire] = field(default_factory=set)

    def dropped(self) -> int:
        """Packets that the system threw away because its buffer was full; 0 where it does not tell."""
        return sum(udp.dropped() for udp in self.udp)

    def close(self) -> None:
        """Close everything."""
        for udp in self.udp:
            udp.close()
        for server in self.tcp:
            server.close()
        for wire in list(self.connections):
            wire.close()

    def tick(self, now_s: float) -> None:
        """Close connections whose packet never ends, and silent ones without proof."""
        for wire in list(self.connections):
            wire.check(now_s)


class UdpSocket:
    """One UDP socket. asyncio's own reads one datagram a round, which a burst turns into seconds.

    Args:
        sock: bound, not blocking; closed by ``close``.
        turns: where packets become work.
    """

    def __init__(self, sock: socket.socket, callbacks: TransportCallbacks, turns: Turns) -> None:
        self._sock = sock
        self._callbacks = callbacks
        self._turns = turns
        self._loop = asyncio.get_running_loop()
        self._held_bytes = 0
        self._outbox: deque[tuple[bytes, tuple[str, int]]] = deque()
        self._loop.add_reader(sock, self._readable)

    def close(self) -> None:
        """Close it."""
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._sock.close()

    def dropped(self) -> int:
        """Packets that the system threw away because its buffer was full; 0 where it does not tell."""
        if sys.platform != "linux":
            return 0
        try:  # nine numbers of 32 bits, the last of which counts what was dropped
            return int.from_bytes(self._sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36)[32:36], sys.byteorder)
        except OSError:
            return 0

    def send(self, packet: bytes, address: tuple[str, int]) -> None:
        """Send a datagram, or drop it when nobody takes them any more."""
        if self._outbox:
            self._keep(packet, address)
            return
        try:
            self._sock.sendto(packet, address)
        except (BlockingIOError, InterruptedError):
            self._keep(packet, address)
            self._loop.add_writer(self._sock, self._writable)
        except OSError as error:
            log.debug("a reply could not be delivered: %s", error)

    def _keep(self, packet: bytes, address: tuple[str, int]) -> None:
        if len(self._outbox) < OUTBOX_LIMIT_PACKETS:
            self._outbox.append((packet, address))
        else:
            self._callbacks.lost(1)

    def _writable(self) -> None:
        while self._outbox:
            try:
                self._sock.sendto(*self._outbox[0])
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                log.debug("a reply could not be delivered: %s", error)
            self._outbox.popleft()
        self._loop.remove_writer(self._sock)

    def _readable(self) -> None:
        end_s = time.monotonic() + READ_S
        while time.monotonic() < end_s:
            try:
                data, address = self._sock.recvfrom(UDP_LIMIT_BYTES + 1)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:  # Windows tells here that a reply could not be delivered, and cuts what is large
                log.debug("a packet could not be read: %s", error)
                continue
            if self._callbacks.admits(address[0]):
                self._take(data, address)

    def _take(self, data: bytes, address: tuple[str, int]) -> None:
        key: SenderKey = ("udp", address[0], address[1])
        if self._turns.waiting(key) >= LINE_LIMIT_PACKETS or self._held_bytes + len(data) > HELD_LIMIT_BYTES:
            self._callbacks.lost(1)
            return
        self._held_bytes += len(data)
        self._turns.add(key, self._work(key, address, data))

    def _work(self, key: SenderKey, address: tuple[str, int], data: bytes) -> Work:
        try:
            yield from self._callbacks.packet(key, UdpWire(self, address), data)
        finally:
            self._held_bytes -= len(data)


class UdpWire:
    """Return path to a UDP client."""

    reliable = False
    crowded = False

    def __init__(self, udp: UdpSocket, address: tuple[str, int]) -> None:
        self._udp = udp
        self._address = address

    def send(self, packet: bytes, to: tuple[str, int] | None = None) -> None:
        """See ``sessions.Wire``."""
        if len(packet) <= UDP_LIMIT_BYTES:
            self._udp.send(packet, to or self._address)

    async def room(self) -> None:
        """See ``sessions.Wire``; datagrams never wait."""

    def close(self) -> None:
        """See ``sessions.Wire``."""


class TcpWire(asyncio.Protocol):
    """One TCP connection."""

    reliable = True

    def __init__(
        self, sockets: Sockets, callbacks: TransportCallbacks, turns: Turns, clock: Callable[[], float]
    ) -> None:
        self._sockets = sockets
        self._callbacks = callbacks
        self._turns = turns
        self._clock = clock
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._key: SenderKey | None = None
        self._last_s = 0.0
        self._progress_s = 0.0  # since when the bytes below came
        self._progress_bytes = 0
        self._working = False
        self.crowded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``."""
        self._transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(high=WRITE_EASY_BYTES)
        host, port = transport.get_extra_info("peername")[:2]
        if not self._callbacks.admits(host):
            transport.abort()
            return
        self._key = ("tcp", host, port)
        if not self._room_for(host):
            text = f"{len(self._sockets.connections)} connections are open and in use; close one"
            self._callbacks.broken(self._key, self, text)
            self.close()
            return
        self._last_s = self._progress_s = self._clock()
        self._sockets.connections.add(self)

    def pause_writing(self) -> None:
        """See ``asyncio.Protocol``."""
        self.crowded = True

    def resume_writing(self) -> None:
        """See ``asyncio.Protocol``."""
        self.crowded = False
        self._turns.wake(self._key)

    def connection_lost(self, exc: Exception | None) -> None:
        """See ``asyncio.Protocol``."""
        self._sockets.connections.discard(self)
        if self._key is not None:
            self._turns.drop(self._key)
            self._callbacks.gone(self._key)

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        if self._key is None or self._transport is None or self._transport.is_closing():
            return
        if self not in self._sockets.connections:  # it was turned away
            return
        self._last_s = self._clock()
        if not self._framer.pending:
            self._went_on()
        self._progress_bytes += len(data)
        self._transport.pause_reading()
        self._working = True
        self._turns.add(self._key, self._work(self._key, data))

    def _work(self, key: SenderKey, data: bytes) -> Work:
        """Cut what came into packets and work on each; then read on."""
        try:
            for packet in self._framer.feed(data):
                self._went_on()
                yield from self._callbacks.packet(key, self, packet)
                yield self.crowded  # also after a packet that was no step, as one that cannot be read
        except FrameError as error:
            self._callbacks.broken(key, self, str(error))
            self.close()
            return
        self._working = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

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
        while self._transport is not None and not self._transport.is_closing() and self.crowded:
            await asyncio.sleep(0.005)

    def check(self, now_s: float) -> None:
        """Close when a packet has begun and does not go on, or when nobody has proven anything for long."""
        if self._key is None or self._working:
            return
        if now_s - self._last_s > UNPROVEN_IDLE_LIMIT_S and self._is_unproven(self._key):
            log.info("%s has not proven anything; its connection is closed", self._key)
            self.close()
        elif now_s - self._progress_s > PENDING_LIMIT_S:
            if self._framer.pending and self._progress_bytes < PENDING_LEAST_BYTES:
                log.info("%s began a packet and did not go on; its connection is closed", self._key)
                self.close()
            self._went_on()

    def close(self) -> None:
        """End the connection once what was written is out."""
        if self._transport is not None:
            self._transport.close()

    def _is_unproven(self, key: SenderKey) -> bool:
        rank = self._callbacks.ranks([key])[key]
        return rank is not None and rank[0] == 0

    def _went_on(self) -> None:
        self._progress_s, self._progress_bytes = self._clock(), 0

    def _room_for(self, host: str) -> bool:
        """Whether one more connection may be opened; the one least needed is closed for it."""
        here = self._sockets.connections
        if len(here) >= CONNECTIONS_LIMIT:
            return _evict(here, self._callbacks)
        if not is_loopback(host):
            theirs = [wire for wire in here if wire._key and wire._key[1] == host]
            if len(theirs) >= CONNECTIONS_PER_HOST_LIMIT:
                return _evict(theirs, self._callbacks)
        return True


def _evict(wires: Iterable[TcpWire], callbacks: TransportCallbacks) -> bool:
    """Close the connection that is needed least; False when all are needed."""
    keys = {wire: wire._key for wire in wires if wire._key is not None}
    ranks = callbacks.ranks(keys.values())
    free = {wire: rank for wire, key in keys.items() if (rank := ranks[key]) is not None}
    if not free:
        return False
    wire = min(free, key=lambda one: free[one])
    if wire._key is not None:
        callbacks.broken(wire._key, wire, "closed to make room for another connection; connect again")
    wire._sockets.connections.discard(wire)
    wire.close()
    return True


async def open_sockets(
    port: int, tcp_port: int | None, lan: bool, callbacks: TransportCallbacks, turns: Turns
) -> Sockets:
    """Listen.

    Args:
        port: UDP port; the next free one of ten is taken; 0 is any.
        tcp_port: None means the same number as UDP.
        lan: False means this machine only.
        turns: where packets become work.

    Raises:
        OSError: no port is free.
    """
    loop = asyncio.get_running_loop()
    udp, tcp = _bound_pairs(port, tcp_port, lan)
    sockets = Sockets(udp[0].getsockname()[1], tcp[0].getsockname()[1], _receive_buffer(udp[0]))
    for sock in udp:
        sockets.udp.append(UdpSocket(sock, callbacks, turns))
    for sock in tcp:
        server = await loop.create_server(
            lambda: TcpWire(sockets, callbacks, turns, loop.time), sock=sock, backlog=ACCEPTED_AT_ONCE
        )
        sock.listen(WAITING_CONNECTIONS)  # asyncio has one number for both
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
