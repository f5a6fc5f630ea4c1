"""What each row of the table does: one method for one address, tasks by one method for all.

Knows nothing of packets or sockets; what it cannot do it tells as ``fail``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

from engine import engine_version, list_bundles
from engine.osc.clip_pieces import ClipError, Clips, Incoming, Outgoing, Shape, lay_out
from engine.osc.home import Home
from engine.osc.job_store import Book, ReplyValue
from engine.osc.protocol.arguments import Values
from engine.osc.protocol.requests import (
    CHUNK_BYTES,
    CHUNK_LIMIT_BYTES,
    PREFIX,
    ROWS,
    TASK_ROWS,
    MessageSpec,
    at,
    signature,
)
from engine.osc.request_builder import Refused
from engine.osc.transport.sessions import SILENCE_LIMIT_S, ClientSession, SessionTable, TokenGate

log = logging.getLogger(__name__)

OUTGOING_LIMIT = 16
OUTGOING_IDLE_S = 600.0
SENDING_PER_SESSION = 4
BURST_CHUNKS = 32
MISSING_LIMIT_CHUNKS = 4096

Handler = Callable[[ClientSession, MessageSpec, Values], None]


class Surroundings(Protocol):
    """What handlers need of the bridge."""

    sessions: SessionTable
    gate: TokenGate
    disk: Executor
    clips: Clips
    book: Book
    refused: int

    def tell(self, session: ClientSession, address: str, args: tuple[ReplyValue, ...]) -> None:
        """Send one reply."""

    def fail(self, session: ClientSession, name: str, code: str, text: str) -> None:
        """Answer that a job did not come about."""

    def error(self, session: ClientSession, address: str, code: str, text: str) -> None:
        """Answer that a message could not be used."""

    def set_dump(self, on: bool) -> None:
        """Print every message, or no longer."""


@dataclass(slots=True)
class _Laid:
    outgoing: Outgoing
    last_s: float


class Handlers:
    """One method a row.

    Args:
        router: the bridge around them.
        home: its folder.
        owner: who hosts the bridge.
        lan: True means strangers listen: process numbers are kept back.
    """

    def __init__(self, router: Surroundings, home: Home, owner: str, lan: bool) -> None:
        self._router = router
        self._home = home
        self._owner = owner
        self._lan = lan
        self._loop = asyncio.get_running_loop()
        self._started_s = time.monotonic()
        self._version = engine_version()  # reading it takes milliseconds
        self._laid: dict[tuple[str, str, int], _Laid] = {}
        self._sending: dict[ClientSession, set[asyncio.Task[None]]] = {}
        named: dict[str, Handler] = {
            at(name.replace("_", "/")): getattr(self, f"_on_{name}")
            for name in (
                "ping", "version", "status", "help", "bundles", "cancel", "jobs", "result", "connect", "notify", "dump",
                "sync", "hello", "auth", "clip_begin", "clip_data", "clip_end", "clip_get", "clip_missing", "clip_drop",
            )
        }  # fmt: skip
        self.by_address: dict[str, Handler] = {**named, **{row.address: self._on_task for row in TASK_ROWS}}

    def close(self) -> None:
        """Stop sending."""
        for task in (task for tasks in self._sending.values() for task in tasks):
            task.cancel()
        for key in list(self._laid):
            self._drop_laid(key)

    def expire(self, now_s: float) -> None:
        """Forget results laid out for sending that nobody fetched lately."""
        for key in [key for key, laid in self._laid.items() if now_s - laid.last_s > OUTGOING_IDLE_S]:
            self._drop_laid(key)

    # Asking.

    def _on_ping(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        self._router.tell(session, at("pong"), (values.text("echo"),))

    def _on_version(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        pid = 0 if self._lan else os.getpid()
        self._router.tell(session, at("version.reply"), ("fluxstem", self._version, pid, self._owner))

    def _on_status(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        uptime_s = time.monotonic() - self._started_s
        counts = (*self._router.book.counts(), self._router.book.restarts, self._router.refused, uptime_s)
        self._router.tell(session, at("status.reply"), counts)

    def _on_help(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        wanted = values.text("address")
        wanted = wanted if not wanted or wanted.startswith("/") else f"{PREFIX}/{wanted}"
        rows = [row for row in ROWS.values() if wanted in ("", row.address)]
        for one in rows:
            self._router.tell(session, at("help.reply"), (one.address, signature(one.args), one.doc))
        self._router.tell(session, at("help.end"), (len(rows),))

    def _on_bundles(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        names = list(list_bundles())
        for name in names:
            self._router.tell(session, at("bundles.reply"), (name,))
        self._router.tell(session, at("bundles.end"), (len(names),))

    # Jobs.

    def _on_task(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        with self._refusals(session, values):
            self._router.book.ask(session, row, values)

    def _on_cancel(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        with self._refusals(session, values):
            self._router.book.cancel(session, values.text("id"))

    def _on_result(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        with self._refusals(session, values):
            self._router.book.result(session, values.text("id"))

    def _on_jobs(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        jobs = self._router.book.unfinished()
        for job in jobs:
            state = "running" if job.state == "running" else "waiting"
            self._router.tell(session, at("jobs.reply"), (job.entry.id, job.entry.task, state, job.fraction))
        self._router.tell(session, at("jobs.end"), (len(jobs),))

    def _on_connect(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        host = values.text("host")
        if session.wire.reliable:
            text = "a connection has its own way back; connect is for UDP"
            self._router.error(session, row.address, "arguments", text)
        elif host not in ("", session.host):
            text = f"replies go to your own machine only; give {session.host} or an empty text"
            self._router.error(session, row.address, "arguments", text)
        else:
            session.redirect = values.whole("port")
            self._router.tell(session, at("connect.reply"), (session.host, session.redirect))

    def _on_notify(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        session.hears_all = bool(values.whole("on"))
        self._router.tell(session, at("notify.reply"), (values.whole("on"),))

    def _on_dump(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        self._router.set_dump(bool(values.whole("on")))
        self._router.tell(session, at("dump.reply"), (values.whole("on"),))

    def _on_sync(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        name = values.text("id")
        behind = self._loop.run_in_executor(self._router.disk, lambda: None)
        behind.add_done_callback(lambda done: self._router.tell(session, at("synced"), (name,)))

    # LAN mode.

    def _on_hello(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        nonce = self._router.gate.challenge(session, self._loop.time())
        if nonce is not None:
            self._router.tell(session, at("challenge"), (nonce,))

    def _on_auth(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        now_s = self._loop.time()
        if self._router.gate.locked(session.host, now_s):
            return
        if self._router.gate.answered(session, values.text("nonce"), values.text("answer"), now_s):
            self._router.tell(session, at("welcome"), (SILENCE_LIMIT_S,))
        else:
            self._router.error(session, row.address, "token", "this is not the answer; say hello again")

    # Clips.

    def _on_clip_begin(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        start = values.text("start")
        with self._refusals(session, values):
            if not (start.isascii() and start.isdigit() and len(start) <= 18):
                raise ClipError(f"a start of {start[:40]!a} is not allowed; give samples as a whole number")
            shape = Shape(
                rate_hz=values.whole("rate"), channels=values.whole("channels"), frames=values.whole("frames"),
                format=values.text("format"), chunk_bytes=values.whole("chunk"), start_samples=int(start),
            )  # fmt: skip
            clip = self._router.clips.begin(values.text("id"), shape, self._loop.time())
            self._router.tell(session, at("clip/ready"), (values.text("id"), clip.shape.chunks))

    def _on_clip_data(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        with self._refusals(session, values):
            clip = self._router.clips.find(values.text("id"), self._loop.time())
            try:
                fitted = clip.put(values.whole("index"), values.blob("blob"))
            except OSError:
                self._router.clips.drop(values.text("id"))
                raise
            if not fitted:
                raise ClipError(
                    f"chunk {values.whole('index')} of {len(values.blob('blob'))} bytes is none of this clip"
                )

    def _on_clip_end(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        name = values.text("id")
        with self._refusals(session, values):
            clip = self._router.clips.find(name, self._loop.time())
            if clip.whole:
                self._router.tell(session, at("clip/ok"), (name, clip.shape.frames))
            elif ranges := clip.missing():
                flat = tuple(number for pair in ranges for number in pair)
                self._router.tell(session, at("clip/missing"), (name, flat))
            else:
                wanted = values.whole("crc32") & 0xFFFFFFFF
                if clip.checking:  # said twice; the first one is answered soon
                    return
                clip.checking = True
                check = self._loop.run_in_executor(self._router.disk, clip.crc32)
                check.add_done_callback(lambda done: self._checked(session, name, clip, wanted, done))

    def _checked(
        self, session: ClientSession, name: str, clip: Incoming, wanted: int, done: asyncio.Future[int]
    ) -> None:
        if done.cancelled():
            return
        if done.exception() is None and done.result() == wanted:
            self._router.clips.seal(clip)
            self._router.tell(session, at("clip/ok"), (name, clip.shape.frames))
        else:
            self._router.clips.drop(name)
            self._router.fail(session, name, "clip", "the checksum is not that of what came; send the clip again")

    def _on_clip_drop(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        self._router.clips.drop(values.text("id"))
        self._router.tell(session, at("clip/dropped"), (values.text("id"),))

    def _on_clip_get(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        name, part = values.text("id"), values.text("part")
        with self._refusals(session, values):
            path = self._router.book.result_path(name, part)
            chunk_bytes = CHUNK_LIMIT_BYTES if session.wire.reliable else CHUNK_BYTES
            key = (name, part, chunk_bytes)
            if key in self._laid:
                self._send_all(session, key)
                return
            folder = self._home.new_spool()
            laying = self._loop.run_in_executor(self._router.disk, lay_out, path, folder, chunk_bytes)
            laying.add_done_callback(lambda done: self._laid_out(session, key, done))

    def _on_clip_missing(self, session: ClientSession, row: MessageSpec, values: Values) -> None:
        chunk_bytes = CHUNK_LIMIT_BYTES if session.wire.reliable else CHUNK_BYTES
        key = (values.text("id"), values.text("part"), chunk_bytes)
        numbers = [int(number) for number in values.many]
        with self._refusals(session, values):
            if key not in self._laid:
                raise ClipError(f"there is nothing on its way of {values.text('id')}; ask with {at('clip/get')}")
            if len(numbers) % 2:
                raise ClipError("missing chunks come in pairs; give the first and how many, as often as needed")
            self._send(session, key, list(zip(numbers[::2], numbers[1::2], strict=True)))

    def _laid_out(self, session: ClientSession, key: tuple[str, str, int], done: asyncio.Future[Outgoing]) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is not None:
            code = "clip" if isinstance(error, ClipError) else "output"
            self._router.fail(session, key[0], code, str(error) if code == "clip" else "there is no room on the disk")
            return
        if key in self._laid:  # asked twice
            shutil.rmtree(done.result().path.parent, ignore_errors=True)
        else:
            while len(self._laid) >= OUTGOING_LIMIT:
                self._drop_laid(min(self._laid, key=lambda one: self._laid[one].last_s))
            self._laid[key] = _Laid(done.result(), self._loop.time())
        self._send_all(session, key)

    def _send_all(self, session: ClientSession, key: tuple[str, str, int]) -> None:
        shape = self._laid[key].outgoing.shape
        place = (str(shape.start_samples),)
        shown = (*key[:2], shape.rate_hz, shape.channels, shape.frames, shape.format, shape.chunk_bytes, *place)
        self._router.tell(session, at("clip/begin"), shown)
        self._send(session, key, [(0, shape.chunks)])

    def _send(self, session: ClientSession, key: tuple[str, str, int], ranges: list[tuple[int, int]]) -> None:
        tasks = self._sending.setdefault(session, set())
        if len(tasks) >= SENDING_PER_SESSION:
            self._router.fail(session, key[0], "full", "enough is on its way to you; ask again when it has come")
            return
        laid = self._laid[key]
        laid.last_s = self._loop.time()
        task = self._loop.create_task(self._keep_sending(session, key[:2], laid.outgoing, ranges))
        tasks.add(task)
        task.add_done_callback(lambda done: self._sent(session, done))

    def _sent(self, session: ClientSession, task: asyncio.Task[None]) -> None:
        tasks = self._sending.get(session, set())
        tasks.discard(task)
        if not tasks:
            self._sending.pop(session, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("a result could not be sent", exc_info=task.exception())

    async def _keep_sending(
        self, session: ClientSession, name: tuple[str, str], outgoing: Outgoing, ranges: list[tuple[int, int]]
    ) -> None:
        crc32 = outgoing.crc32 - ((outgoing.crc32 & 0x80000000) << 1)
        left = outgoing.shape.chunks if session.wire.reliable else max(outgoing.shape.chunks, MISSING_LIMIT_CHUNKS)
        for first, count in ranges:
            for index, blob in outgoing.pieces(first, min(count, left)):
                left -= 1
                self._router.tell(session, at("clip/data"), (*name, index, blob))
                if index % BURST_CHUNKS == 0 or session.wire.reliable:
                    await session.wire.room()
        self._router.tell(session, at("clip/end"), (*name, crc32))

    def _drop_laid(self, key: tuple[str, str, int]) -> None:
        laid = self._laid.pop(key)
        shutil.rmtree(laid.outgoing.path.parent, ignore_errors=True)

    def _refusals(self, session: ClientSession, values: Values) -> _Refusals:
        return _Refusals(self._router, session, values.text("id"))


class _Refusals:
    """Turns what cannot be done into ``fail``."""

    def __init__(self, router: Surroundings, session: ClientSession, name: str) -> None:
        self._router = router
        self._session = session
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        match error:
            case None:
                return False
            case Refused():
                code = error.code
            case ClipError():
                code = "clip"
            case OSError():
                error, code = OSError(f"the disk refused ({error.strerror}); make room and send it again"), "output"
            case _:
                return False
        self._router.fail(self._session, self._name, code, str(error))
        return True
