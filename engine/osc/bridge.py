"""The bridge, on a thread of its own, so that a window can host it beside its own event loop.

Uses the engine through its front door only.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

from engine import Engine, OutputError, RequestError
from engine.osc.home import RECEIPTS, BridgeState, Home, default_home
from engine.osc.job_replies import JobRefused
from engine.osc.router import MessageRouter
from engine.osc.settings import BridgeSettings, check_settings
from engine.osc.transport.sockets import Sockets, open_sockets

log = logging.getLogger(__name__)

TICK_S = 1.0
SWITCH_S = 0.0005  # after so long a busy thread of this process lets the bridge's go on
START_LIMIT_S = 60.0
_NO_PORT = (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL, errno.EPERM, 10013, 10048)  # the last two: Windows


class Bridge:
    """A running bridge; listens until it is closed.

    Args:
        engine: does the jobs; whoever made it closes it, after the bridge.
    """

    def __init__(self, engine: Engine, settings: BridgeSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None
        self._router: MessageRouter | None = None
        self._thread = threading.Thread(target=self._run, name="fluxstem-osc", daemon=True)
        self._state: BridgeState | None = None
        self.receive_buffer_bytes = 0
        self.taken_up = 0

    def __enter__(self) -> Bridge:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def start(self) -> BridgeState:
        """Listen.

        Returns:
            Where.

        Raises:
            RequestError: another bridge is there, a port or a folder cannot be used, or LAN mode lacks its token.
            OutputError: the results' folder or the bridge's own cannot be made.
        """
        check_settings(self._settings)
        self._thread.start()
        self._ready.wait(START_LIMIT_S)
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self.state

    @property
    def state(self) -> BridgeState:
        """Where it listens.

        Raises:
            RequestError: it does not.
        """
        if self._state is None:
            raise RequestError("the bridge is not running; start it first")
        return self._state

    @property
    def writable(self) -> tuple[Path, ...]:
        """The folders that its jobs write below: results, and their receipts; inputs lie elsewhere."""
        return self._settings.out, (self._settings.home or default_home()) / RECEIPTS

    def name_of(self, engine_job: str) -> str | None:
        """The client's id of a job of the engine; None when no client sent it."""
        return self._router.queue.store.id_of(engine_job) if self._router is not None else None

    def send_back(self, name: str, path: Path, start_samples: int, length_samples: int, rate_hz: int) -> None:
        """Send a version that was edited by hand to the sender of a finished job; waits until it is sent.

        Args:
            name: the sender's own name for the job.
            path: the file; it has to stay where it is.
            start_samples, length_samples, rate_hz: its place in the input.

        Raises:
            RequestError: the bridge is not running, or knows no such job.
        """
        loop, router = self._loop, self._router
        if loop is None or router is None or not loop.is_running():
            raise RequestError("the bridge is not running; switch it on in the settings and send it back again")
        told: Future[None] = Future()

        def tell() -> None:
            try:
                router.queue.send_back(name, path, (str(start_samples), str(length_samples), rate_hz))
            except JobRefused as error:
                told.set_exception(RequestError("the bridge cannot send it back ({reason})", reason=str(error)))
            else:
                told.set_result(None)

        loop.call_soon_threadsafe(tell)
        told.result(START_LIMIT_S)

    def close(self) -> None:
        """Stop listening; the next bridge resumes unfinished jobs."""
        loop, leave = self._loop, self._leave
        if loop is not None and leave is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                loop.call_soon_threadsafe(leave.set)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:  # Windows' own cannot watch a socket
                runner.run(self._serve())
        except BaseException as error:
            self._failure = for_user(error, self._settings)
            if self._ready.is_set():
                log.exception("the bridge ended")
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        settings = self._settings
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(_quick_switches())
            home = Home(settings.home or default_home())
            stack.callback(home.close)
            settings.out.mkdir(mode=0o700, parents=True, exist_ok=True)
            router = self._router = MessageRouter(self._engine, home, settings)
            stack.callback(router.close)
            sockets = await open_sockets(settings.port, settings.tcp_port, settings.lan, router.callbacks, router.turns)
            stack.callback(sockets.close)
            router.udp_port, router.tcp_port = sockets.udp_port, sockets.tcp_port
            router.dropped = sockets.dropped
            self._state = await _announced(stack, settings, home, sockets, router.callbacks.admits)
            self.receive_buffer_bytes = sockets.receive_buffer_bytes
            self.taken_up = router.queue.recover()
            self._ready.set()
            while not self._leave.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._leave.wait(), TICK_S)
                router.tick()
                sockets.tick(self._loop.time())


@contextlib.contextmanager
def _quick_switches() -> Iterator[None]:
    """Let threads take turns quickly.

    Each packet read or written gives way to any other thread that computes (the disk's, the engine's), and Python gives
    back after 5 ms: one packet in 5 ms is what a burst would then be read with.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, SWITCH_S))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


async def _announced(
    stack: contextlib.AsyncExitStack, settings: BridgeSettings, home: Home, sockets: Sockets,
    admits: Callable[[str], bool],
) -> BridgeState:  # fmt: skip
    """Write the state file, and start OSCQuery, for hosts that may speak, and Zeroconf where asked for."""
    http_port = None
    if settings.oscquery_port is not None:
        from engine.osc.transport.oscquery import serve_oscquery

        server = await serve_oscquery(settings.oscquery_port, settings.lan, sockets.udp_port, admits)
        stack.callback(server.close)
        http_port = server.sockets[0].getsockname()[1]
    state = BridgeState(
        pid=os.getpid(), owner=settings.owner, host="0.0.0.0" if settings.lan else "127.0.0.1",
        udp_port=sockets.udp_port, tcp_port=sockets.tcp_port, http_port=http_port, lan=settings.lan,
    )  # fmt: skip
    if settings.zeroconf:
        from engine.osc.transport.discovery import announce

        stack.push_async_callback(await announce(state))
    home.announce(state)
    return state


def for_user(error: BaseException, settings: BridgeSettings) -> BaseException:
    """The error as a sentence for the user."""
    if isinstance(error, OSError) and error.filename is None and error.errno in _NO_PORT:
        return RequestError(
            "no port from {port} on is free ({why}); choose another with --port",
            port=settings.port,
            why=error.strerror or error,
        )
    if isinstance(error, OSError):
        folder = error.filename or settings.home or default_home()
        return OutputError(
            "cannot use {folder} ({why}); make room there, or choose another folder", folder=folder,
            why=error.strerror or error,
        )  # fmt: skip
    return error
