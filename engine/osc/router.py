"""Read messages, check them against the table, and dispatch them to their handlers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from engine import Engine
from engine.osc.clip_handlers import ClipHandlers
from engine.osc.clip_store import ClipStore
from engine.osc.handlers import Handlers
from engine.osc.home import TOKEN, Home
from engine.osc.job_intake import JobIntake
from engine.osc.job_listeners import JobListeners
from engine.osc.job_queue import JobQueue
from engine.osc.job_replies import ReplyValue
from engine.osc.job_store import JobStore
from engine.osc.listening_thread import ListeningThread
from engine.osc.notes_handlers import NotesHandlers
from engine.osc.paths import Roots
from engine.osc.plugin_handlers import PluginHandlers
from engine.osc.protocol.arguments import ArgumentError, fit, id_in, spread, surplus
from engine.osc.protocol.replies import REPLIES
from engine.osc.protocol.requests import ROWS
from engine.osc.protocol.specs import LOCAL_PACKET_LIMIT_BYTES, REMOTE_PACKET_LIMIT_BYTES, at
from engine.osc.removals import Removals
from engine.osc.session_handlers import SessionFileHandlers
from engine.osc.settings import BridgeSettings
from engine.osc.transport.gate import AllowList, TokenGate
from engine.osc.transport.packets import OscMessage, PacketError, read_packet, write_message
from engine.osc.transport.sessions import ClientSession, SenderKey, SessionTable
from engine.osc.transport.sockets import TcpWire, TransportCallbacks, UdpWire
from engine.osc.transport.turns import Turns, Work

log = logging.getLogger(__name__)

TEXT_LIMIT_CHARACTERS = 600


class MessageRouter:
    """Reads packets, checks messages and calls their handlers, on the bridge's loop.

    Args:
        engine, home, settings: as of the bridge.

    Attributes:
        tcp_port: where clips may be sent; known once the sockets are open.
    """

    def __init__(self, engine: Engine, home: Home, settings: BridgeSettings) -> None:
        self._loop = asyncio.get_running_loop()
        self._lan = settings.lan
        self._allow = AllowList(settings.allow)
        self._dumping = False
        self.udp_port = self.tcp_port = 0
        self.dropped: Callable[[], int] = lambda: 0  # what the sockets could not even read
        self._home = home
        self.sessions = SessionTable(trusting=settings.no_token, lan=settings.lan)
        tokens = () if settings.no_token else (home.token, *([settings.token] if settings.token else ()))
        self.gate = TokenGate(tokens, settings.plain_token)
        self.turns = Turns(self._loop)
        self.disk: Executor = ThreadPoolExecutor(1, thread_name_prefix="fluxstem-osc-disk")
        self.removals = Removals(self.disk)
        self.clips = ClipStore(home, self.removals.remove)
        store = JobStore(home.journal)
        roots = Roots(list(settings.roots))
        intake = JobIntake(home, roots, self.clips, settings.out.resolve(), settings.bundle)
        listeners = JobListeners(self.tell, self._watchers)
        self.queue = JobQueue(engine, home, store, intake, listeners, self.disk, self.removals, self.turns)
        self.refused = 0
        self._unanswered = 0
        self.callbacks = TransportCallbacks(
            admits=self._admits, packet=self.packet, broken=self._broken, gone=self._gone, ranks=self._ranks,
            lost=self._lost,
        )  # fmt: skip
        self._clip_handlers = ClipHandlers(self)
        self._plugin_handlers = PluginHandlers(self)
        handlers = Handlers(self, self._clip_handlers, self._plugin_handlers, settings.owner, settings.lan)
        self._listening = ListeningThread()
        self._handlers = {
            **handlers.by_address,
            **SessionFileHandlers(self, settings, self._listening).by_address,
            **NotesHandlers(self, settings, intake, self._listening).by_address,
        }

    @property
    def unanswered(self) -> int:
        """Messages that got no answer: of senders without proof, or lost in a burst."""
        return self._unanswered + self.dropped()

    def close(self) -> None:
        """Release everything; the journal stays on disk."""
        self._clip_handlers.close()
        self._plugin_handlers.close()
        self._listening.close()
        self.queue.close()
        self.disk.shutdown(wait=True, cancel_futures=True)
        self.clips.close()
        self.removals.close()

    def tick(self) -> None:
        """Once a second: drop silent sessions and unused clips, and sync the journal."""
        now_s = self._loop.time()
        self.sessions.expire(now_s)
        self.clips.expire(now_s)
        self.disk.submit(self.queue.store.sync)

    def set_dump(self, on: bool) -> None:
        """Switch the printing of all messages on or off."""
        self._dumping = on

    def packet(self, key: SenderKey, wire: UdpWire | TcpWire, packet: bytes) -> Work:
        """Handle one packet, message by message; never raises."""
        session = self.sessions.of(key, wire, len(packet), self._loop.time())
        if not self.gate.admits(session, self._loop.time()):
            self.refused += 1
            self._unanswered += 1
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
                yield from self._message(session, message)
            except Exception:  # one bad message must not end the bridge
                log.exception("a message to %s met an error nobody expected", message.address)
                self.error(session, message.address, "internal", "a fault of the bridge; its log tells more")
            yield session.wire.crowded

    def tell(self, session: ClientSession, address: str, args: tuple[ReplyValue, ...]) -> None:
        """Send one reply, shortened where it would not fit a packet."""
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
        if not session.send(packet):
            self._unanswered += 1

    def fail(self, session: ClientSession, id: str, code: str, text: str) -> None:
        """Reply ``fail``: a job or a clip was not accepted."""
        self.refused += 1
        self.tell(session, at("fail"), (id, code, text))

    def refuse_job(self, session: ClientSession, id: str, task: str, refusal: tuple[str, str]) -> None:
        """Reply ``fail`` and remember it for who asks later: a job was not accepted."""
        self.queue.store.refuse(id, task, refusal)
        self.fail(session, id, *refusal)

    def port_of(self, session: ClientSession) -> int:
        """The bridge's own port that a client speaks to."""
        return self.tcp_port if session.wire.reliable else self.udp_port

    def error(self, session: ClientSession, address: str, code: str, text: str) -> None:
        """Reply ``error``: a message is invalid."""
        self.refused += 1
        self.tell(session, at("error"), (address, code, text))

    def _message(self, session: ClientSession, message: OscMessage) -> Work:
        spec = ROWS.get(message.address)
        if spec is None:
            if message.address not in REPLIES:  # two bridges must not answer each other's answers for ever
                text = f"there is no {message.address}; see {at('help')}"
                self.error(session, message.address, "unknown", text)
            return
        if not (session.proven or spec.open or (spec.open_here and session.local)):
            text = f"this bridge wants a token; send {at('hello')} and answer with {at('auth')}"
            if session.local and not self._lan:
                text += f"; the token is in {self._home.folder / TOKEN}; or start the bridge with --no-token"
            self.error(session, message.address, "token", text)
            return
        if spec.tcp_only and not session.wire.reliable:
            text = (
                f"{message.address} came over UDP, but clips travel over TCP only, which keeps their order; "
                f"connect to TCP port {self.tcp_port}, or name a file on the bridge's machine by its absolute path"
            )
            self.fail(session, id_in(message.args), "clip", text)
            return
        try:
            values = fit(spec, message.args)
        except ArgumentError as error:
            if spec.task:
                self.refuse_job(session, id_in(message.args), spec.task, ("arguments", str(error)))
            else:
                self.fail(session, id_in(message.args), "arguments", str(error))
            return
        if extra := surplus(spec, message.args):
            log.warning("%s came with %d arguments too many; they are ignored", spec.address, extra)
        work = self._handlers[spec.address](session, spec, values)
        if work is not None:
            yield from work

    def _watchers(self) -> list[ClientSession]:
        return [session for session in self.sessions.all() if session.hears_all]

    def _admits(self, host: str) -> bool:
        return not self._lan or host in self._allow

    def _broken(self, key: SenderKey, wire: TcpWire, text: str) -> None:
        self.error(self.sessions.of(key, wire, 0, self._loop.time()), "", "packet", text)

    def _lost(self, count: int) -> None:
        self._unanswered += count

    def _ranks(self, keys: Iterable[SenderKey]) -> dict[SenderKey, tuple[int, float] | None]:
        """How much connections are needed: without proof, silent, watching; one that waits for a result is needed."""
        awaited = self.queue.store.awaited()
        ranks: dict[SenderKey, tuple[int, float] | None] = {}
        for key in keys:
            session = self.sessions.get(key)
            if session is None:
                ranks[key] = (0, 0.0)
            elif session in awaited or self._clip_handlers.busy(session):
                ranks[key] = None
            else:
                ranks[key] = (1 + session.hears_all if session.proven else 0), session.last_s
        return ranks

    def forget(self, session: ClientSession) -> None:
        """A client leaves: nothing is sent to it any more, and what it left unfinished is dropped."""
        self.queue.store.forget(session)
        self._clip_handlers.forget(session)

    def _gone(self, key: SenderKey) -> None:
        session = self.sessions.gone(key)
        if session is not None:
            self.forget(session)


def fewer_names(address: str, args: tuple[ReplyValue, ...], limit_bytes: int) -> tuple[ReplyValue, ...]:
    """Arguments of ``done`` or ``edited`` with as many of the names as fit a packet, and their number."""
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
