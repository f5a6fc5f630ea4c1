"""Where messages are read, held against the table, and answered.

Knows nothing of threads, ports or how the bridge is started.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from engine import Engine
from engine.osc.clip_pieces import Clips
from engine.osc.handlers import Handlers
from engine.osc.home import Home
from engine.osc.job_store import Book, ReplyValue
from engine.osc.paths import Roots
from engine.osc.protocol.arguments import ArgumentError, fit, id_in, spread, surplus
from engine.osc.protocol.replies import REPLIES
from engine.osc.protocol.requests import LOCAL_PACKET_LIMIT_BYTES, REMOTE_PACKET_LIMIT_BYTES, ROWS, at
from engine.osc.settings import BridgeSettings
from engine.osc.transport.packets import Message, PacketError, read_packet, write_message
from engine.osc.transport.sessions import AllowList, ClientSession, SenderKey, SessionTable, TokenGate
from engine.osc.transport.sockets import TcpWire, TransportCallbacks, UdpWire

log = logging.getLogger(__name__)

TEXT_LIMIT_CHARACTERS = 600


class MessageRouter:
    """Reads, checks and answers. Lives on the bridge's loop.

    Args:
        engine, home, settings: as of the bridge.
    """

    def __init__(self, engine: Engine, home: Home, settings: BridgeSettings) -> None:
        self._loop = asyncio.get_running_loop()
        self._lan = settings.lan
        self._allow = AllowList(settings.allow)
        self._dumping = False
        self.sessions = SessionTable(settings.lan)
        self.gate = TokenGate(settings.token, settings.plain_token)
        self.disk: Executor = ThreadPoolExecutor(1, thread_name_prefix="fluxstem-osc-disk")
        self.clips = Clips(home)
        self.queue = Book(
            engine, home, Roots(list(settings.roots)), self.clips, settings.out.resolve(), settings.bundle,
            self.disk, self.tell, lambda: [one for one in self.sessions.all() if one.hears_all],
        )  # fmt: skip
        self.refused = 0
        self.callbacks = TransportCallbacks(
            admits=self._admits, packet=self.packet, broken=self._broken, gone=self._gone
        )
        self.handlers = Handlers(self, home, settings.owner, settings.lan)

    def close(self) -> None:
        """Let go of everything; what is in the journal stays."""
        self.handlers.close()
        self.queue.close()
        self.disk.shutdown(wait=True, cancel_futures=True)
        self.clips.close()

    def tick(self) -> None:
        """Once a second: forget who is silent and what nobody wants."""
        now_s = self._loop.time()
        self.sessions.expire(now_s)
        self.clips.expire(now_s)
        self.handlers.expire(now_s)
        self.disk.submit(self.queue.sync)

    def set_dump(self, on: bool) -> None:
        """Print every message, or no longer."""
        self._dumping = on

    def packet(self, key: SenderKey, wire: UdpWire | TcpWire, packet: bytes) -> None:
        """One packet, whatever is in it."""
        session = self.sessions.of(key, wire, len(packet), self._loop.time())
        if not self.gate.admits(session, self._loop.time()):
            self.refused += 1
            return
        try:
            messages = read_packet(packet)
        except PacketError as error:
            self.error(session, "", "packet", f"this is no packet that is taken here: {error}")
            return
        for message in messages:
            if self._dumping:
                log.warning("%s %s: %s", session.key, message.address, ascii(message.args)[:200])
            try:
                self._message(session, message)
            except Exception:  # one bad message must not end the bridge
                log.exception("a message to %s met an error nobody expected", message.address)
                self.error(session, message.address, "internal", "a fault of the bridge; its log tells more")

    def tell(self, session: ClientSession, address: str, args: tuple[ReplyValue, ...]) -> None:
        """Send one reply, shortened where it would be more than a packet may hold."""
        reply = REPLIES[address]
        packet = _written(address, args)
        limit = LOCAL_PACKET_LIMIT_BYTES if session.local else REMOTE_PACKET_LIMIT_BYTES
        if address in (at("done"), at("edited")) and (self._lan or not session.local or len(packet) > limit):
            args = tuple(_names(arg) for arg in args)
            packet = _written(address, args if session.wire.reliable else fewer_names(address, args, limit))
        if session.budget_bytes is not None:
            limit = min(limit, session.budget_bytes)
        if len(packet) > limit and not session.wire.reliable and reply.args and reply.args[-1].name == "text":
            text = str(args[-1])
            room = len(text.encode()) - (len(packet) - limit) - 4
            packet = _written(address, (*args[:-1], text.encode()[: max(room, 0)].decode("utf-8", "ignore")))
        session.send(packet)

    def fail(self, session: ClientSession, name: str, code: str, text: str) -> None:
        """Answer that a job did not come about."""
        self.refused += 1
        if session.errors.take(self._loop.time()):
            self.tell(session, at("fail"), (name, code, text))

    def error(self, session: ClientSession, address: str, code: str, text: str) -> None:
        """Answer that a message could not be used."""
        self.refused += 1
        if session.errors.take(self._loop.time()):
            self.tell(session, at("error"), (address, code, text))

    def _message(self, session: ClientSession, message: Message) -> None:
        row = ROWS.get(message.address)
        if row is None:
            if message.address not in REPLIES:  # two bridges must not answer each other's answers for ever
                text = f"there is no {message.address}; see {at('help')}"
                self.error(session, message.address, "unknown", text)
            return
        if not session.proven and not row.open:
            text = f"this bridge wants a token; send {at('hello')} and answer with {at('auth')}"
            self.error(session, message.address, "token", text)
            return
        try:
            values = fit(row, message.args)
        except ArgumentError as error:
            self.fail(session, id_in(message.args), "arguments", str(error))
            return
        if extra := surplus(row, message.args):
            log.warning("%s came with %d arguments too many; they are ignored", row.address, extra)
        self.handlers.by_address[row.address](session, row, values)

    def _admits(self, host: str) -> bool:
        return not self._lan or host in self._allow

    def _broken(self, key: SenderKey, wire: TcpWire, text: str) -> None:
        self.error(self.sessions.of(key, wire, 0, self._loop.time()), "", "packet", text)

    def _gone(self, key: SenderKey) -> None:
        session = self.sessions.gone(key)
        if session is not None:
            self.queue.forget(session)


def fewer_names(address: str, args: tuple[ReplyValue, ...], limit_bytes: int) -> tuple[ReplyValue, ...]:
    """Arguments of ``done`` or ``edited`` with as many of the names as a packet may hold, and their number."""
    name, _, names, *figures = args
    kept = names if isinstance(names, tuple) else ()
    while kept and len(_written(address, (name, len(kept), kept, *figures))) > limit_bytes:
        kept = kept[:-1]
    return (name, len(kept), kept, *figures)


def _written(address: str, args: tuple[ReplyValue, ...]) -> bytes:
    shortened = tuple(arg[:TEXT_LIMIT_CHARACTERS] if isinstance(arg, str) else arg for arg in args)
    types, values = spread(REPLIES[address], shortened)
    return write_message(address, types, values)


def _names(arg: ReplyValue) -> ReplyValue:
    """Paths as bare names."""
    return tuple(Path(str(one)).name for one in arg) if isinstance(arg, tuple) else arg
