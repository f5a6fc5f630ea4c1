"""Handlers of the messages in the table: one method for each address, and one for all tasks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable

from engine import engine_version, list_bundles
from engine.osc.clip_handlers import ClipHandlers
from engine.osc.job_replies import JobRefused
from engine.osc.plugin_handlers import PluginHandlers
from engine.osc.protocol.arguments import Values
from engine.osc.protocol.requests import ROWS, TASK_ROWS
from engine.osc.protocol.specs import PREFIX, RENDER, MessageSpec, at, signature
from engine.osc.services import BridgeServices, refusals
from engine.osc.transport.sessions import SILENCE_LIMIT_S, ClientSession
from engine.osc.transport.turns import Work

Handler = Callable[[ClientSession, MessageSpec, Values], Work | None]  # long answers are given in steps


class Handlers:
    """One method for each message.

    Args:
        lan: True means strangers listen: process numbers are kept back.
    """

    def __init__(
        self, services: BridgeServices, clips: ClipHandlers, plugins: PluginHandlers, owner: str, lan: bool
    ) -> None:
        self._services = services
        self._owner = owner
        self._lan = lan
        self._loop = asyncio.get_running_loop()
        self._started_s = time.monotonic()
        self._version = engine_version()  # reading it takes milliseconds
        named: dict[str, Handler] = {
            at(name): getattr(self, f"_on_{name}")
            for name in (
                "ping", "version", "status", "help", "bundles", "cancel", "jobs", "result", "connect", "notify", "dump",
                "sync", "hello", "auth", "bye",
            )
        }  # fmt: skip
        tasks: dict[str, Handler] = {row.address: self._on_task for row in TASK_ROWS}
        tasks[at(RENDER)] = self._on_task
        self.by_address = {**named, **tasks, **clips.by_address, **plugins.by_address}

    # Asking.

    def _on_ping(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        self._services.tell(session, at("pong"), (values.text("echo"),))

    def _on_version(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        pid = 0 if self._lan else os.getpid()
        self._services.tell(session, at("version.reply"), ("fluxstem", self._version, pid, self._owner))

    def _on_status(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        uptime_s = time.monotonic() - self._started_s
        services = self._services
        counts = (*services.queue.store.counts(), services.queue.restarts, services.refused, uptime_s)
        services.tell(session, at("status.reply"), (*counts, services.unanswered))

    def _on_help(self, session: ClientSession, spec: MessageSpec, values: Values) -> Work:
        wanted = values.text("address")
        wanted = wanted if not wanted or wanted.startswith("/") else f"{PREFIX}/{wanted}"
        rows = [row for row in ROWS.values() if wanted in ("", row.address)]
        for one in rows:
            self._services.tell(session, at("help.reply"), (one.address, signature(one.args), one.doc))
            yield session.wire.crowded
        self._services.tell(session, at("help.end"), (len(rows),))

    def _on_bundles(self, session: ClientSession, spec: MessageSpec, values: Values) -> Work:
        names = list(list_bundles())
        for name in names:
            self._services.tell(session, at("bundles.reply"), (name,))
            yield session.wire.crowded
        self._services.tell(session, at("bundles.end"), (len(names),))

    # Jobs.

    def _on_task(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        try:
            self._services.queue.ask(session, spec, values)
        except JobRefused as error:
            self._services.refuse_job(session, values.text("id"), spec.task, (error.code, str(error)))

    def _on_cancel(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        with self._refusals(session, values):
            self._services.queue.cancel(session, values.text("id"))

    def _on_result(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        with self._refusals(session, values):
            self._services.queue.result(session, values.text("id"))

    def _on_jobs(self, session: ClientSession, spec: MessageSpec, values: Values) -> Work:
        jobs = self._services.queue.store.unfinished()
        for job in jobs:
            state = "running" if job.state == "running" else "waiting"
            self._services.tell(session, at("jobs.reply"), (job.entry.id, job.entry.task, state, job.fraction))
            yield session.wire.crowded
        self._services.tell(session, at("jobs.end"), (len(jobs),))

    def _on_connect(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        host = values.text("host")
        if session.wire.reliable:
            text = "a connection has its own way back; connect is for UDP"
            self._services.error(session, spec.address, "arguments", text)
        elif host not in ("", session.host):
            text = f"replies go to your own machine only; give {session.host} or an empty text"
            self._services.error(session, spec.address, "arguments", text)
        else:
            self._services.sessions.redirect(session, values.whole("port"))
            self._services.tell(session, at("connect.reply"), (session.host, values.whole("port")))

    def _on_notify(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        session.hears_all = bool(values.whole("on"))
        self._services.tell(session, at("notify.reply"), (values.whole("on"),))

    def _on_dump(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        self._services.set_dump(bool(values.whole("on")))
        self._services.tell(session, at("dump.reply"), (values.whole("on"),))

    def _on_sync(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        name = values.text("id")
        self._services.queue.after_intake(lambda: self._services.tell(session, at("synced"), (name,)))

    # Proof.

    def _on_hello(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        nonce = self._services.gate.challenge(session, self._services.port_of(session), self._loop.time())
        self._services.tell(session, at("challenge"), (nonce,))

    def _on_auth(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        if self._services.gate.answered(session, values.text("nonce"), values.text("answer"), self._loop.time()):
            self._services.tell(session, at("welcome"), (SILENCE_LIMIT_S,))
        else:
            self._services.error(session, spec.address, "token", "this is not the answer; say hello again")

    def _on_bye(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        self._services.tell(session, at("bye.reply"), ())
        self._services.forget(session)
        self._services.sessions.leave(session)

    def _refusals(self, session: ClientSession, values: Values) -> contextlib.AbstractContextManager[None]:
        return refusals(self._services, session, values.text("id"))
