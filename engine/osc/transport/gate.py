"""Who may speak: tokens, challenges, and how often somebody without proof is heard. Time is an argument everywhere.

A challenge is not kept: its nonce holds the bridge's port and the time, and a code over both and the sender that only
this bridge can make. So no flood of ``hello`` pushes out the challenge of another client, and a client can see that the
nonce was made by the bridge it speaks to rather than passed on by a program that sits on another port.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
from collections import OrderedDict

from engine.osc.transport.sessions import Bucket, ClientSession, SenderKey

NONCE_LIMIT_S = 30.0
WRONG_ANSWERS_LIMIT = 5
LOCKED_S = 60.0
HOSTS_LIMIT = 4096
USED_LIMIT = 4096
HOST_PER_S, HOST_BURST = 100.0, 200.0  # of all unproven UDP senders of one other machine

_CODE_BYTES, _RANDOM_BYTES = 8, 2  # with port and time 15 bytes: a challenge fits three times an empty hello
_TICKS_PER_S = 100
_TICKS = 1 << 24


class TokenGate:
    """The tokens of a bridge: challenges, answers, and limits for those who have not proven one.

    Args:
        tokens: the secrets, any of which opens; none means that nobody needs one.
        plain: True means a token itself is an answer too, to an empty nonce, also from other machines; anybody on the
            way can read it. This machine's own senders may always answer so.
    """

    def __init__(self, tokens: tuple[bytes, ...], plain: bool = False) -> None:
        self._tokens = tokens
        self._plain = plain
        self._secret = secrets.token_bytes(32)
        self._used: OrderedDict[str, None] = OrderedDict()
        self._hosts: OrderedDict[str, Bucket] = OrderedDict()

    def admits(self, session: ClientSession, now_s: float) -> bool:
        """False when a sender without proof speaks too often, or may not try again yet.

        Nobody can use the limits up for somebody else: they are the sender's own. Only UDP from other machines, whose
        source can be forged, has one for each host beside that; TCP has not.
        """
        if session.proven:
            return True
        if now_s < session.locked_until_s or not session.asking.take(now_s):
            return False
        if session.local or session.wire.reliable:
            return True
        bucket = self._hosts.get(session.host)
        if bucket is None:
            bucket = self._hosts[session.host] = Bucket(HOST_PER_S, HOST_BURST)
            while len(self._hosts) > HOSTS_LIMIT:
                self._hosts.popitem(last=False)
        return bucket.take(now_s)

    def challenge(self, session: ClientSession, port: int, now_s: float) -> str:
        """A nonce for a sender; ``port`` is the bridge's own that it came to."""
        made = int(now_s * _TICKS_PER_S)
        head = port.to_bytes(2, "big") + (made % _TICKS).to_bytes(3, "big") + secrets.token_bytes(_RANDOM_BYTES)
        return self._nonce(session.key, head, made)

    def answered(self, session: ClientSession, nonce: str, answer: str, now_s: float) -> bool:
        """Whether an answer proves a token. A nonce is good once, for the sender that got it, for half a minute."""
        genuine = self._fresh(session.key, nonce, now_s)
        right = not self._tokens
        for token in self._tokens:
            if not nonce and (self._plain or session.local):
                right |= hmac.compare_digest(token, answer.encode("utf-8"))
            elif genuine:
                right |= hmac.compare_digest(answer_to(token, nonce).encode(), answer.lower().encode("utf-8"))
        if right:
            session.proven, session.budget_bytes, session.wrong_answers = True, None, 0
            return True
        if genuine or session.wire.reliable:  # anybody can forge a UDP packet; only who gets our nonce can answer it
            session.wrong_answers += 1
        if session.wrong_answers >= WRONG_ANSWERS_LIMIT:
            session.wrong_answers, session.locked_until_s = 0, now_s + LOCKED_S
        return False

    def _fresh(self, key: SenderKey, nonce: str, now_s: float) -> bool:
        """Whether a nonce was made here for this sender lately, and not answered before."""
        try:
            head, ticks = _unpacked(nonce)
        except ValueError:
            return False
        now = int(now_s * _TICKS_PER_S)
        age = (now - ticks) % _TICKS
        if nonce in self._used or age / _TICKS_PER_S > NONCE_LIMIT_S:
            return False
        if not hmac.compare_digest(self._nonce(key, head, now - age).encode(), nonce.encode("utf-8")):
            return False
        self._used[nonce] = None
        while len(self._used) > USED_LIMIT:
            self._used.popitem(last=False)
        return True

    def _nonce(self, key: SenderKey, head: bytes, made: int) -> str:
        """``made`` is the whole time of which a nonce has room for the end: two days later it looks the same again."""
        told = head + repr((key, made)).encode()
        code = hmac.new(self._secret, told, hashlib.sha256).digest()[:_CODE_BYTES]
        return base64.urlsafe_b64encode(head + code).decode("ascii")


def port_in(nonce: str) -> int | None:
    """The port of the bridge that made a nonce; None when it is not one of ours."""
    try:
        return int.from_bytes(_unpacked(nonce)[0][:2], "big")
    except ValueError:
        return None


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


def _unpacked(nonce: str) -> tuple[bytes, int]:
    """What a nonce begins with (port, time, random bytes), and its time in ticks.

    Raises:
        ValueError: it is no nonce.
    """
    raw = base64.urlsafe_b64decode(nonce.encode("ascii"))
    if len(raw) != 5 + _RANDOM_BYTES + _CODE_BYTES or len(nonce) != 20:
        raise ValueError("not a nonce")
    return raw[:-_CODE_BYTES], int.from_bytes(raw[2:5], "big")
