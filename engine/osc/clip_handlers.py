"""Clips and results as messages, over TCP only: ``clip/begin``, the file's own bytes in order, ``clip/end``."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import BinaryIO

from engine.osc.clip_store import ClipError
from engine.osc.job_replies import JobRefused
from engine.osc.paths import plain_file
from engine.osc.protocol.arguments import Values
from engine.osc.protocol.specs import BLOB_BYTES, MessageSpec, at
from engine.osc.services import BridgeServices, refusals
from engine.osc.transport.sessions import ClientSession

log = logging.getLogger(__name__)

SENDING_PER_SESSION = 4


class ClipHandlers:
    """One method for each ``clip/`` message."""

    def __init__(self, services: BridgeServices) -> None:
        self._services = services
        self._loop = asyncio.get_running_loop()
        self._sending: dict[ClientSession, dict[tuple[str, str], asyncio.Task[None]]] = {}
        self.by_address = {
            at("clip/begin"): self._on_begin,
            at("clip/data"): self._on_data,
            at("clip/end"): self._on_end,
            at("clip/get"): self._on_get,
            at("clip/drop"): self._on_drop,
        }

    def forget(self, session: ClientSession) -> None:
        """A connection is closed: stop sending to it, and drop what it left unfinished."""
        self._services.clips.forget(session)
        for task in list(self._sending.get(session, {}).values()):
            task.cancel()

    def busy(self, session: ClientSession) -> bool:
        """Whether a clip is on its way from or to a connection."""
        return session in self._sending or self._services.clips.busy(session)

    def close(self) -> None:
        """Stop sending."""
        for session in list(self._sending):
            self.forget(session)

    def _on_begin(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        id = values.text("id")
        with refusals(self._services, session, id):
            size_bytes, name = values.whole("bytes"), values.text("name")
            self._services.clips.begin(id, size_bytes, name, session, self._loop.time())
            self._services.tell(session, at("clip/ready"), (id,))

    def _on_data(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        id = values.text("id")
        with refusals(self._services, session, id):
            self._services.clips.append(id, values.blob("blob"), session, self._loop.time())

    def _on_end(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        id = values.text("id")
        with refusals(self._services, session, id):
            size_bytes = self._services.clips.end(id, session, self._loop.time())
            self._services.tell(session, at("clip/ok"), (id, str(size_bytes)))

    def _on_drop(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        self._services.clips.drop(values.text("id"))
        self._services.tell(session, at("clip/dropped"), (values.text("id"),))

    def _on_get(self, session: ClientSession, spec: MessageSpec, values: Values) -> None:
        id, part = values.text("id"), values.text("part")
        with refusals(self._services, session, id):
            path = self._services.queue.store.result_path(id, part)
            tasks = self._sending.get(session, {})
            if (id, part) in tasks or len(tasks) >= SENDING_PER_SESSION:
                text = f"{len(tasks)} results are on their way to you, at most {SENDING_PER_SESSION} and each only once"
                raise JobRefused("full", f"{text}; ask again when one has arrived")
            try:
                stream = open(path, "rb", opener=plain_file)  # noqa: SIM115  # closed when all is sent
            except OSError:
                raise ClipError("the result's file is gone; ask for the job again under another id") from None
            task = self._loop.create_task(self._send(session, id, part, path, stream))
            self._sending.setdefault(session, {})[id, part] = task
            task.add_done_callback(lambda done: self._sent(session, (id, part), stream, done))

    async def _send(self, session: ClientSession, id: str, part: str, path: Path, stream: BinaryIO) -> None:
        tell = self._services.tell
        tell(session, at("clip/begin"), (id, part, path.name, str(os.fstat(stream.fileno()).st_size)))
        while blob := stream.read(BLOB_BYTES):
            tell(session, at("clip/data"), (id, part, blob))
            await session.wire.room()
        tell(session, at("clip/end"), (id, part))

    def _sent(self, session: ClientSession, key: tuple[str, str], stream: BinaryIO, task: asyncio.Task[None]) -> None:
        stream.close()
        tasks = self._sending.get(session, {})
        tasks.pop(key, None)
        if not tasks:
            self._sending.pop(session, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("a result could not be sent", exc_info=task.exception())
