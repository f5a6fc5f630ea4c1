"""A thread that waits for processes that listen to sounds, one after the other."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from engine import RequestError

LISTEN_LIMIT_S = 900.0
ANSWER_LIMIT_CHARACTERS = 64 << 20  # a process that reads strangers' files may say anything

T = TypeVar("T")


class ListeningThread:
    """Runs ``engine.listening_command`` for the handlers of the bridge.

    Attributes:
        closed: True means that nobody waits for answers any more.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fluxstem-osc-listen")
        self._process: subprocess.Popen[str] | None = None
        self.closed = False

    def submit(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Do something on the thread, after what was submitted before."""
        return self._loop.run_in_executor(self._thread, work)

    def said(self, command: Sequence[str]) -> str:
        """What a process prints; on the thread.

        Raises:
            RequestError: it took too long, or the bridge is closed.
        """
        if self.closed:
            raise RequestError("the bridge is closed")
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        process = self._process
        assert process.stdout is not None
        too_long = threading.Event()

        def give_up() -> None:
            too_long.set()
            process.kill()

        clock = threading.Timer(LISTEN_LIMIT_S, give_up)
        clock.start()
        try:
            said = process.stdout.read(ANSWER_LIMIT_CHARACTERS + 1)
            if len(said) > ANSWER_LIMIT_CHARACTERS:
                raise RequestError("more was heard in the sound than can be told; cut it")
            if too_long.is_set():
                raise RequestError("the sound took too long to be heard; cut it")
            return said
        finally:
            clock.cancel()
            process.kill()
            process.wait()
            process.stdout.close()
            self._process = None

    def close(self) -> None:
        """Give up what is being heard."""
        self.closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)
        process = self._process
        if process is not None:
            process.kill()
        self._thread.shutdown(wait=True)
