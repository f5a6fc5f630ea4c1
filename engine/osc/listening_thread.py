"""A thread that waits for processes that listen to sounds, one after the other."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from engine import RequestError

LISTEN_LIMIT_S = 900.0

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
        try:
            return self._process.communicate(timeout=LISTEN_LIMIT_S)[0]
        except subprocess.TimeoutExpired as error:
            raise RequestError("the sound took too long to be heard; cut it") from error
        finally:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """Give up what is being heard."""
        self.closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)
        process = self._process
        if process is not None:
            process.kill()
        self._thread.shutdown(wait=True)
