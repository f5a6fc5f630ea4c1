"""Renders of files through chains, as jobs of the bridge: they wait in line, tell how far they are, and can be stopped.

They run beside the engine, which they do not need, one at a time, each in a process that is confined as the engine's;
its chain has one of its own below that. What becomes of them is told in the engine's events, so the bridge treats them
as any other job.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast, get_args

from engine import (
    Cancelled,
    CancelledJob,
    ChainedFile,
    Done,
    EffectChain,
    EngineError,
    Event,
    Failed,
    Format,
    Progress,
    Receipt,
    StemResult,
    chain_json,
    chain_of_json,
    read_chain,
    render_file_sandboxed,
)
from engine.osc.job_replies import JobRefused
from engine.osc.protocol.specs import RENDER

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequest:
    """One render.

    Attributes:
        input: the file, by its private path.
        chain: the name of one, or its JSON.
        out: folder for the result.
        name: of the result, without its ending; "" is that of the file and of the chain.
        format: of the result.
        quality: of a lossy format, kbit/s; None is the usual one.
        tail_s: how long echoes may ring on; None is what the chain says.
    """

    input: str
    chain: str
    out: str
    name: str = ""
    format: Format = "same"
    quality: int | None = None
    tail_s: float | None = None

    @property
    def effects(self) -> EffectChain:
        """The chain.

        Raises:
            RequestError: there is none of that name, or its JSON is not usable.
        """
        chain = read_chain(self.chain)
        if self.tail_s is None:
            return chain
        return chain_of_json({**chain_json(chain), "tail_s": self.tail_s}, "the chain")

    @classmethod
    def of(cls, asked: dict[str, Any], path: str, out: Path) -> RenderRequest:
        """The request that the values of a message mean.

        Raises:
            JobRefused: the chain cannot be used as it is given.
        """
        tail_s, quality = float(asked["tail"]), int(asked["quality"])
        request = cls(
            input=path, chain=str(asked["chain"]), out=str(out), name=str(asked["name"]),
            format=cast(Format, asked["format"]), quality=quality or None, tail_s=None if tail_s < 0 else tail_s,
        )  # fmt: skip
        try:
            request.effects  # noqa: B018  # what cannot be used is told before the job waits
        except EngineError as error:
            raise JobRefused("request", str(error)) from error
        return request


def render_to_json(request: RenderRequest) -> dict[str, Any]:
    """A request as JSON values, for the journal."""
    return asdict(request)


def render_from_json(values: dict[str, Any]) -> RenderRequest:
    """The request that ``render_to_json`` wrote.

    Raises:
        JobRefused: it is none, or of a newer program.
    """
    try:
        request = RenderRequest(**values)
        if request.format not in get_args(Format):
            raise ValueError(request.format)
    except (TypeError, ValueError) as error:
        raise JobRefused("request", "this render was written down by another version; ask for it again") from error
    return request


class ChainRenders:
    """Renders files one after the other.

    Args:
        tell: takes the events; called on the thread of the renders.
    """

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="fluxstem-osc-chain")
        self._lock = threading.Lock()
        self._stops: dict[str, threading.Event] = {}  # of the jobs that have not ended
        self._running = ""

    def submit(self, request: RenderRequest, receipt: Path | None) -> str:
        """Put a render at the end of the line.

        Args:
            receipt: file that will say that the result is in its place; None for none.

        Returns:
            The name of the job, as it stands in its events.
        """
        job, stop = f"chain-{uuid.uuid4().hex}", threading.Event()
        self._stops[job] = stop
        self._pool.submit(self._run, job, request, receipt, stop)
        return job

    def cancel(self, job: str) -> bool:
        """Stop a render; False where the job is none of these."""
        with self._lock:
            if (stop := self._stops.get(job)) is None:
                return False
            stop.set()
            if job == self._running:
                return True
            del self._stops[job]
        self._tell(CancelledJob(job))
        return True

    def close(self) -> None:
        """Stop all renders."""
        with self._lock:
            for stop in self._stops.values():
                stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, job: str, request: RenderRequest, receipt: Path | None, stop: threading.Event) -> None:
        def check() -> None:
            if stop.is_set():
                raise Cancelled("stopped by whoever asked for it")

        with self._lock:
            if job not in self._stops:  # stopped while it waited
                return
            self._running = job
        try:
            event: Event = self._done(job, request, receipt, check)
        except Cancelled:
            event = CancelledJob(job)
        except EngineError as error:
            event = Failed(job, type(error).__name__, str(error), error.template, error.values)
        except Exception as error:
            log.exception("a file could not be put through its chain")
            event = Failed(job, type(error).__name__, f"a fault of the bridge ({type(error).__name__})")
        with self._lock:
            del self._stops[job]
            self._running = ""
        self._tell(event)

    def _done(self, job: str, request: RenderRequest, receipt: Path | None, check: Callable[[], None]) -> Done:
        started_s = time.monotonic()
        with contextlib.ExitStack() as stack:
            kept = stack.enter_context(contextlib.closing(Receipt(receipt))) if receipt else None
            made = render_file_sandboxed(
                request.input, request.effects, Path(request.out),
                lambda fraction, stage: self._tell(Progress(job, fraction, stage)), check, name=request.name,
                wanted=request.format, quality=request.quality,
            )  # fmt: skip
            result = _result_of(made)
            done = Done(job, (result,), seconds=time.monotonic() - started_s, device="", bundle="")
            if kept is not None:
                kept.done(done)
        return done


def _result_of(made: ChainedFile) -> StemResult:
    return StemResult(
        prompt=made.report.chain.words, stem=str(made.path), rest=None, sidecar=str(made.sidecar), null_db=None,
        presence=1.0, gain_db=made.gain_db, level_db=None, length_samples=made.samples, rate_hz=made.rate_hz,
        task=RENDER, notes=made.report.notes, understood="; ".join(made.report.notes),
    )  # fmt: skip
