"""Clients: their sessions, the token of LAN mode, and how much one of them may cost.

A UDP source can be forged, so until a sender has answered a challenge it gets at most three times the bytes it sent,
and few answers. Time is an argument everywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

SILENCE_LIMIT_S = 600
SESSIONS_LIMIT = 1024
AMPLIFICATION_LIMIT = 3
NONCE_BYTES = 12
NONCE_LIMIT_S = 30.0
NONCES_LIMIT = 256
WRONG_ANSWERS_LIMIT = 5
LOCKED_S = 60.0
HOSTS_LIMIT = 4096

UNPROVEN_PER_S, UNPROVEN_BURST = 20.0, 40.0
ERRORS_PER_S, ERRORS_BURST = 50.0, 200.0

SenderKey = tuple[str, str, int]  # "udp" or "tcp", host, port


class Wire(Protocol):
    """Return path to a client."""

    reliable: bool  # True means TCP

    def send(self, packet: bytes, to: tuple[str, int] | None = None) -> None:
        """Send one packet, or drop it when the connection is gone; ``to`` is another port of the same host, for UDP."""

    async def room(self) -> None:
        """Wait until there is room for more."""


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
        hears_all: True means it asked for the events of all jobs.
        redirect: port its replies go to instead.
        last_s: when it last spoke.
        budget_bytes: what may still be answered to its last packet; None means any amount.
    """

    key: SenderKey
    wire: Wire
    local: bool
    proven: bool
    last_s: float
    hears_all: bool = False
    redirect: int | None = None
    budget_bytes: int | None = None
    errors: Bucket = field(default_factory=lambda: Bucket(ERRORS_PER_S, ERRORS_BURST))

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
        lan: True means nobody is trusted without a token.
    """

    def __init__(self, lan: bool) -> None:
        self._lan = lan
        self._by_key: OrderedDict[SenderKey, ClientSession] = OrderedDict()

    def all(self) -> list[ClientSession]:
        """All of them."""
        return list(self._by_key.values())

    def of(self, key: SenderKey, wire: Wire, packet_bytes: int, now_s: float) -> ClientSession:
        """The session of a sender whose packet has just come; a new one for a new sender."""
        session = self._by_key.get(key)
        if session is None or (not wire.reliable and now_s - session.last_s > SILENCE_LIMIT_S):
            session = ClientSession(key, wire, is_loopback(key[1]), not self._lan, now_s)
            self._by_key[key] = session
            if len(self._by_key) > SESSIONS_LIMIT:
                self._forget_one()
        self._by_key.move_to_end(key)
        session.wire, session.last_s = wire, now_s
        unproven = not session.proven and not wire.reliable
        session.budget_bytes = AMPLIFICATION_LIMIT * packet_bytes if unproven else None
        return session

    def gone(self, key: SenderKey) -> ClientSession | None:
        """Forget a closed connection."""
        return self._by_key.pop(key, None)

    def expire(self, now_s: float) -> None:
        """Forget clients that have been silent for long; an open connection does not count as silent."""
        for key, session in list(self._by_key.items()):
            if not session.wire.reliable and now_s - session.last_s > SILENCE_LIMIT_S:
                del self._by_key[key]

    def _forget_one(self) -> None:
        """The client to drop: the longest silent of those without proof, else the longest silent."""
        unproven = next((key for key, session in self._by_key.items() if not session.proven), None)
        del self._by_key[unproven if unproven is not None else next(iter(self._by_key))]


class TokenGate:
    """The token of LAN mode: challenges, answers, and delays after wrong ones.

    Args:
        token: the shared secret; None means no token is wanted.
        plain: True means the token itself is an answer too, to an empty nonce; anybody on the way can read it.
    """

    def __init__(self, token: bytes | None, plain: bool = False) -> None:
        self._token = token
        self._plain = plain
        self._nonces: OrderedDict[str, tuple[SenderKey, float]] = OrderedDict()
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # host -> how many, since when
        self._unproven: OrderedDict[str, Bucket] = OrderedDict()

    def admits(self, session: ClientSession, now_s: float) -> bool:
        """False when a sender without proof speaks too often, or may not try again yet."""
        if session.proven:
            return True
        bucket = self._unproven.get(session.host)
        if bucket is None:
            bucket = self._unproven[session.host] = Bucket(UNPROVEN_PER_S, UNPROVEN_BURST)
            while len(self._unproven) > HOSTS_LIMIT:
                self._unproven.popitem(last=False)
        return bucket.take(now_s)

    def challenge(self, session: ClientSession, now_s: float) -> str | None:
        """A nonce to be answered; None while this host has to wait."""
        if self.locked(session.host, now_s):
            return None
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        self._nonces[nonce] = (session.key, now_s)
        while len(self._nonces) > NONCES_LIMIT:
            self._nonces.popitem(last=False)
        return nonce

    def answered(self, session: ClientSession, nonce: str, answer: str, now_s: float) -> bool:
        """Whether an answer proves the token. A nonce is good once, for the sender that got it, for half a minute."""
        key, given_s = self._nonces.pop(nonce, (None, 0.0))
        fresh = key == session.key and now_s - given_s <= NONCE_LIMIT_S
        if self._token is None:
            right = False
        elif self._plain and not nonce:
            right = hmac.compare_digest(self._token, answer.encode("utf-8"))
        else:
            right = fresh and hmac.compare_digest(answer_to(self._token, nonce).encode(), answer.lower().encode())
        if right:
            self._wrong.pop(session.host, None)
            session.proven, session.budget_bytes = True, None
            return True
        count, since_s = self._wrong.get(session.host, (0, now_s))
        self._wrong[session.host] = (1, now_s) if now_s - since_s > LOCKED_S else (count + 1, now_s)
        while len(self._wrong) > HOSTS_LIMIT:
            self._wrong.popitem(last=False)
        return False

    def locked(self, host: str, now_s: float) -> bool:
        """Whether a host gave too many wrong answers and has to wait."""
        count, since_s = self._wrong.get(host, (0, 0.0))
        return count >= WRONG_ANSWERS_LIMIT and now_s - since_s <= LOCKED_S


def answer_to(token: bytes, nonce: str) -> str:
    """The answer that proves knowledge of the token: HMAC-SHA256 of the nonce in hexadecimal."""
    return hmac.new(token, nonce.encode("utf-8"), hashlib.sha256).hexdigest()


def is_loopback(host: str) -> bool:
    """Whether a numeric address is this machine's own."""
    return ipaddress.ip_address(host.split("%")[0]).is_loopback


class AllowList:
    """The networks that may connect in LAN mode; this machine always may.

    Args:
        networks: as ``192.168.1.0/24``; empty means private and link-local ones.

    Raises:
        ValueError: one of them is no network.
    """

    def __init__(self, networks: tuple[str, ...]) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]

    def __contains__(self, host: object) -> bool:
        address = ipaddress.ip_address(str(host).split("%")[0])
        if address.is_loopback:
            return True
        if not self._networks:
            return address.is_private or address.is_link_local
        return any(address in network for network in self._networks)
