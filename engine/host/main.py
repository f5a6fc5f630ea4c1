"""The process that owns the GPU: reads requests, sends events, survives a bad message.

Commands come in on standard input, events leave on what was standard output, one JSON object a line; whatever a
library prints goes to standard error instead. It beats once a second, so that its client sees whether it lives and its
job goes on. It ignores Ctrl-C, which is the client's business, and leaves when its parent is gone.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

from engine.errors import RequestError
from engine.events import Event
from engine.host.queue import HostQueue, RequestPrefetcher, RequestRunner
from engine.host.watch import BEAT_S
from engine.runtime.backend import ON_OPENING
from engine.runtime.engine_build import ON_STEP, BuildStep
from engine.serialization import BUILDING, READY, event_to_json, failed_of, from_line, request_from_json, to_line

log = logging.getLogger(__name__)

LEAVE_LIMIT_S = 20.0  # how long a running job may take to reach its next step once the parent is gone


def main() -> None:
    """Serve the parent process until it closes the pipe; never returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    level = logging.DEBUG if os.environ.get("FLUXSTEM_DEBUG") else logging.WARNING
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(name)s: %(message)s")
    commands, events = _take_pipes()
    from engine.host.read_ahead import ReadAhead
    from engine.host.worker import Worker

    ahead, receipts = ReadAhead(), dict[str, str]()
    worker = Worker(ahead.open_audio, receipts)
    serve(commands, events, worker, ahead, receipts)
    worker.close()
    # A thread may still sit inside a driver; there is nothing left to wait for.
    logging.shutdown()
    os._exit(0)


def serve(
    commands: BinaryIO, events: BinaryIO, work: RequestRunner, ahead: RequestPrefetcher | None = None,
    receipts: dict[str, str] | None = None,
) -> None:  # fmt: skip
    """Handle commands until the pipe closes.

    Args:
        commands: lines ``{"submit": job, "request": {...}}``, with ``"receipt": path`` where one is wanted, or
            ``{"cancel": job}``, or ``{"warm": {"bundle": ..., "device": ...}}`` ahead of the first job.
        events: gets one line per event, after a first one that says ``Ready``, and the heartbeat.
        ahead: prepares the request that comes next.
        receipts: path of the receipt by job, for ``work`` to take out.
    """
    lock, left = threading.Lock(), threading.Event()

    def write(line: bytes) -> None:
        try:
            with lock:
                events.write(line)
                events.flush()
        except OSError:
            log.debug("nobody listens any more")  # the end of the commands follows

    def send(event: Event) -> None:
        write(to_line(event_to_json(event)))

    jobs = HostQueue(work, send, ahead)
    write(to_line({"event": READY, "pid": os.getpid()}))

    def beat() -> None:
        while not left.wait(BEAT_S):
            write(to_line({"event": "Heartbeat", "steps": jobs.steps}))

    def tell_opening(limit_s: float) -> None:
        write(to_line({"event": "Opening", "opening_s": limit_s}))

    def tell_build(step: BuildStep) -> None:
        write(to_line({"event": BUILDING, "done": step.done, "count": step.count}))

    threading.Thread(target=beat, name="fluxstem-heartbeat", daemon=True).start()
    ON_OPENING.append(tell_opening)
    ON_STEP.append(tell_build)
    for line in iter(commands.readline, b""):
        _obey(line, jobs, send, {} if receipts is None else receipts)
    left.set()
    ON_OPENING.remove(tell_opening)
    ON_STEP.remove(tell_build)
    if not jobs.close(LEAVE_LIMIT_S):
        log.warning("a job did not reach its next step within %g s; it is given up", LEAVE_LIMIT_S)


def _obey(line: bytes, jobs: HostQueue, send: Callable[[Event], None], receipts: dict[str, str]) -> None:
    job = None
    try:
        message = from_line(line)
        if "cancel" in message:
            jobs.cancel(str(message["cancel"]))
        elif "submit" in message:
            job = str(message["submit"])
            if message.get("receipt"):
                receipts[job] = str(message["receipt"])
            jobs.submit(job, request_from_json(message.get("request")))
        elif "warm" in message:
            jobs.warm(str(message["warm"]["bundle"]), str(message["warm"]["device"]))
        else:
            raise RequestError("unknown command with keys {keys}; send submit, warm or cancel", keys=sorted(message))
    except RequestError as error:
        log.warning("refused a message: %s", error)
        if job is not None:
            send(failed_of(job, error))


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipe to the parent private, and point the standard handles where stray prints do no harm."""
    commands = os.fdopen(os.dup(0), "rb")
    events = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    return commands, events
