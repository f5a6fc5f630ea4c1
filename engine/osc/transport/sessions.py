"""Clients and their sessions: who spoke lately, from where, and what each may cost. Time is an argument everywhere.

A UDP source can be forged, so until a sender has proven a token it gets at most three times the bytes it sent, and few
answers.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

SILENCE_LIMIT_S = 600
SESSIONS_LIMIT = 1024
REDIRECTS_LIMIT = 4096
AMPLIFICATION_LIMIT = 3

UNPROVEN_PER_S, UNPROVEN_BURST = 20.0, 40.0

SenderKey = tuple[str, str, int]  # "udp" or "tcp", host, port


class Wire(Protocol):
    """Return path to a client."""

    reliable: bool  # True means TCP
    crowded: bool  # True means that the client reads more slowly than it is written to

    def send(self, packet: bytes, to: tuple[str, int] | None = None) -> None:
        """Send one packet, or drop it when the connection is gone; ``to`` is another port of the same host, for UDP."""

    async def room(self) -> None:
        """Wait until there is room for more."""

    def close(self) -> None:
        """End it once what was sent is out; over UDP there is nothing to end."""


class Bucket:
    """Token bucket: a budget that refills over time."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._last_s = 0.0

    def take(self, now_s: float) -> bool:
        """Take one token; False when none is left."""
        self._left = min(self._left + (now_s - self._last_s) * self._per_s, self._burst)
        self._last_s = now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


@dataclass(slots=True, eq=False)
class ClientSession:
    """One sender: a UDP address, or a TCP connection.

    Attributes:
        key: transport, host, port.
        wire: the way back.
        local: True means it is this machine.
        proven: True means it may ask for anything.
        last_s: when it last spoke.
        hears_all: True means it asked for the events of all jobs.
        redirect: port its replies go to instead.
        budget_bytes: what may still be answered to its last packet; None means any amount.
        asking: how often it is heard without proof.
        wrong_answers: to challenges.
        locked_until_s: not heard before then, after too many of them.
    """

    key: SenderKey
    wire: Wire
    local: bool
    proven: bool
    last_s: float
    hears_all: bool = False
    redirect: int | None = None
    budget_bytes: int | None = None
    asking: Bucket = field(default_factory=lambda: Bucket(UNPROVEN_PER_S, UNPROVEN_BURST))
    wrong_answers: int = 0
    locked_until_s: float = float("-inf")

    @property
    def host(self) -> str:
        """Numeric address."""
        return self.key[1]

    def send(self, packet: bytes) -> bool:
        """Send, unless an unproven client has used up its budget; returns whether it was sent."""
        if self.budget_bytes is not None:
            if len(packet) > self.budget_bytes:
                return False
            self.budget_bytes -= len(packet)
        self.wire.send(packet, (self.host, self.redirect) if self.redirect is not None else None)
        return True


class SessionTable:
    """The recently active clients.

    Args:
        trusting: True means that everybody counts as proven.
        lan: True means that senders may be forged.
    """

    def __init__(self, *, trusting: bool, lan: bool) -> None:
        self._trusting = trusting
        self._lan = lan
        self._by_key: OrderedDict[SenderKey, ClientSession] = OrderedDict()
        self._redirects: OrderedDict[SenderKey, int] = OrderedDict()  # of this machine's senders; outlive the session

    def all(self) -> list[ClientSession]:
        """All of them."""
        return list(self._by_key.values())

    def of(self, key: SenderKey, wire: Wire, packet_bytes: int, now_s: float) -> ClientSession:
        """The session of a sender whose packet has just come; a new one for a new sender."""
        session = self._by_key.get(key)
        if session is None or (not wire.reliable and now_s - session.last_s > SILENCE_LIMIT_S):
            local = ipaddress.ip_address(key[1].split("%")[0]).is_loopback
            session = ClientSession(key, wire, local, self._trusting, now_s, redirect=self._redirects.get(key))
            self._by_key[key] = session
            if len(self._by_key) > SESSIONS_LIMIT:
                self._forget_one(key)
        self._by_key.move_to_end(key)
        session.wire, session.last_s = wire, now_s
        forgeable = self._lan and not session.proven and not wire.reliable
        session.budget_bytes = AMPLIFICATION_LIMIT * packet_bytes if forgeable else None
        return session

    def redirect(self, session: ClientSession, port: int) -> None:
        """Send replies to another port; for this machine's own senders for good, as they cannot know when to repeat."""
        session.redirect = port
        if session.local:
            self._redirects[session.key] = port
            self._redirects.move_to_end(session.key)
            while len(self._redirects) > REDIRECTS_LIMIT:
                self._redirects.popitem(last=False)

    def leave(self, session: ClientSession) -> None:
        """Forget a client that says it leaves: its proof, its redirect, what it wanted to hear."""
        self._redirects.pop(session.key, None)
        session.redirect, session.hears_all, session.proven = None, False, self._trusting
        if not session.wire.reliable:
            self._by_key.pop(session.key, None)

    def get(self, key: SenderKey) -> ClientSession | None:
        """The session of a sender, None when it has not spoken lately."""
        return self._by_key.get(key)

    def gone(self, key: SenderKey) -> ClientSession | None:
        """Forget a closed connection."""
        return self._by_key.pop(key, None)

    def expire(self, now_s: float) -> None:
        """Forget clients that have been silent for long; an open connection does not count as silent."""
        for key, session in list(self._by_key.items()):
            if not session.wire.reliable and now_s - session.last_s > SILENCE_LIMIT_S:
                del self._by_key[key]

    def _forget_one(self, newest: SenderKey) -> None:
        """Drop a client: without proof before with, without orders (notify, connect) before with, then the silent."""
        others = (session for key, session in self._by_key.items() if key != newest)
        dropped = min(others, key=lambda one: (one.proven, one.hears_all or one.redirect is not None, one.last_s))
        del self._by_key[dropped.key]
