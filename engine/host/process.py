"""The parent's side of the host process: start it, write to it, receive its messages, notice its death."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.bundle.library import user_cache_folder
from engine.errors import RequestError
from engine.host.folders import WritableFolders
from engine.host.watch import HostWatch, WatchLimits, process_state
from engine.serialization import READY, from_line, to_line

log = logging.getLogger(__name__)

# Run from a string so that neither the caller's main module nor its current folder reach the new process. It is
# confined before the engine is imported: by then there would be threads, which the confinement would not reach.
_BOOT = """
import json, os, sys
root = sys.argv[1]
root in sys.path or sys.path.insert(0, root)
file = os.path.join(root, "engine", "confinement.py")
if os.path.isfile(file):
    names = {"__name__": "fluxstem_confinement", "__file__": file}
    exec(compile(open(file, encoding="utf-8").read(), file, "exec"), names)
    confine_host = names["confine_host"]
else:  # a frozen program has no such files
    from engine.confinement import confine_host
confine_host(json.loads(sys.argv[2]))
from engine.host.main import main
main()
"""
# The engine has threads of its own, and its matrices are small: several threads a product would cost it more than half
# of its processor time in waiting, and the last bits of its answers would depend on how many cores there are.
HOST_ENVIRONMENT = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1")
# One heap for all threads: each keeps what it frees otherwise, which is 60 MiB more after a minute of stereo (glibc).
HOST_ENVIRONMENT["MALLOC_ARENA_MAX"] = "1"
HOST_COMMAND = (sys.executable, "-P", "-c", _BOOT, str(Path(__file__).resolve().parents[2]))
BEHIND_NICE = 5  # steps by which a host behind a window yields to it
MESSAGE_LIMIT_BYTES = 64 << 20
WORDS_LIMIT_BYTES = 1 << 16  # of a line on standard error
GONE_LIMIT_S = 0.5  # for the system to end a killed process; one that sits in a driver it may never end


class HostProcess:
    """One run of the engine process.

    Args:
        on_message: called on the reader thread with every message.
        on_death: called on the reader thread once, after the last message, with what ended it: a signal or a code.
        command: what is run; the folders are appended to it.
        writable: folders that it may write below.
        limits: how long it may hang.
        behind: True lets every other program go first, so that a window stays smooth while the engine computes.

    Attributes:
        ready: True means it has said so, and would read what it is sent.
        engines: TensorRT's engines that are built already, and all of them, while it builds them beside its jobs.
        writable: as given.
        watch: what is known of how it fares.
        hung, hung_s: why it was killed, "" unless it hung, and when.
        buried: True means its death has been told.
        device_lost: True means its device broke down, so that it is replaced and no waiting job is to blame.

    Raises:
        OSError: the process could not be started.
    """

    def __init__(
        self,
        on_message: Callable[[HostProcess, dict[str, Any]], None],
        on_death: Callable[[HostProcess, str], None],
        command: Sequence[str] = HOST_COMMAND,
        writable: WritableFolders | None = None,
        limits: WatchLimits | None = None,
        behind: bool = False,
    ) -> None:
        self.ready = False
        self.engines = (0, 0)
        self.hung, self.hung_s = "", 0.0
        self.buried = self.device_lost = False
        self.writable = writable or WritableFolders()
        self._on_message = on_message
        self._on_death = on_death
        self._last_words: deque[str] = deque(maxlen=40)
        self._loud = bool(os.environ.get("FLUXSTEM_DEBUG"))
        self._process = subprocess.Popen(
            [*command, json.dumps([*self.writable.paths, str(user_cache_folder())])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if self._loud else subprocess.PIPE,
            env={**HOST_ENVIRONMENT, **os.environ},
            start_new_session=True,  # a Ctrl-C in the terminal is for the client, which then cancels
            creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0) if behind else 0,
        )
        if behind and hasattr(os, "setpriority"):  # before it has threads, which have its priority
            with contextlib.suppress(OSError):
                own = os.getpriority(os.PRIO_PROCESS, 0)
                os.setpriority(os.PRIO_PROCESS, self._process.pid, own + BEHIND_NICE)
        self.watch = HostWatch(self._process.pid, limits or WatchLimits())
        self._ears = threading.Thread(target=self._keep_last_words, name="fluxstem-host-stderr", daemon=True)
        self._ears.start()
        self._reader = threading.Thread(target=self._read, name="fluxstem-host-reader", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process number, also after its death."""
        return self._process.pid

    def send(self, message: dict[str, Any]) -> None:
        """Write one message; blocks while the pipe is full, so only the sender thread may call it.

        Raises:
            OSError: the process is gone.
        """
        if self._process.stdin is None or self._process.stdin.closed:
            raise BrokenPipeError("the pipe to the engine process is closed")
        self._process.stdin.write(to_line(message))
        self._process.stdin.flush()

    def close(self, limit_s: float) -> None:
        """Close the pipe, which tells the host to leave; kill it when it has not left after ``limit_s`` seconds.

        A process that even a kill does not end is left behind.
        """
        if process_state(self.pid)[0] == "T":  # it would not even hear of it
            limit_s = 0.0
        # By a timer: a host that has stopped reading may leave the sender stuck in the pipe, and closing it waits then.
        patience = threading.Timer(limit_s, self._lose_patience, (limit_s,))
        patience.start()
        try:
            if self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(limit_s + GONE_LIMIT_S)
        finally:
            patience.cancel()
            patience.join()
        if threading.current_thread() is not self._reader:
            self._reader.join(None if self._process.poll() is not None else GONE_LIMIT_S)

    def kill(self) -> None:
        """Kill it at once."""
        self._process.kill()

    def _lose_patience(self, limit_s: float) -> None:
        log.warning("the engine process did not leave within %g s and is killed", limit_s)
        self.kill()

    def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        # A host that a stranger's file has hijacked may say anything: what is too long for a message is none.
        for line in iter(lambda: stdout.readline(MESSAGE_LIMIT_BYTES), b""):
            try:
                message = from_line(line)
            except RequestError:
                log.warning("the engine process sent a line that is no message: %r", line[:200])
                continue
            self.ready = self.ready or message.get("event") == READY
            self.watch.hear(message)
            self._on_message(self, message)
        code = self._process.wait()
        self._ears.join()
        self._on_death(self, self._reason(code))
        for stream in (self._process.stdin, stdout):  # finished jobs still refer to their host
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _keep_last_words(self) -> None:
        if self._process.stderr is None:
            return
        with self._process.stderr as stream:
            for line in iter(lambda: stream.readline(WORDS_LIMIT_BYTES), b""):
                self._last_words.append(line.decode("utf-8", "replace").rstrip())
                log.debug("host: %s", self._last_words[-1])

    def _reason(self, code: int) -> str:
        if code < 0:
            names = {number.value: number.name for number in signal.Signals}
            return names.get(-code, f"signal {-code}")
        words = next((line for line in reversed(self._last_words) if line.strip()), "")
        return f"code {code}" + (f", {words.strip()}" if words else "")
