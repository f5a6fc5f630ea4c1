"""The jobs of one server: what was asked, how far it is, how it ended. On the server's loop."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from engine import CancelledJob, Done, Engine, Event, Failed, Progress, Request, RequestError

OnStep = Callable[[float, str], Awaitable[None]]
KEPT_FINISHED = 200


@dataclass(slots=True, eq=False)
class ServedJob:
    """One job.

    Attributes:
        id: number of the job, from 1.
        task: what is done.
        state: ``waiting``, ``running``, ``done``, ``failed`` or ``cancelled``.
        fraction, stage: how far it is.
        end: the event it ended with.
        changed: set with every event, for those that follow it.
    """

    id: str
    task: str
    state: str = "waiting"
    fraction: float = 0.0
    stage: str = ""
    end: Done | Failed | CancelledJob | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def told(self) -> dict[str, Any]:
        """What a tool says of it."""
        said: dict[str, Any] = {"job": self.id, "task": self.task, "state": self.state}
        if isinstance(self.end, Done):
            results = [_result(dataclasses.asdict(result)) for result in self.end.results]
            return said | {
                "results": results, "seconds": round(self.end.seconds, 3), "device": self.end.device,
                "bundle": self.end.bundle,
            }  # fmt: skip
        if isinstance(self.end, Failed):
            return said | {"error": self.end.message, "kind": self.end.kind}
        return said | {"fraction": round(self.fraction, 3), "stage": self.stage}


def _result(values: dict[str, Any]) -> dict[str, Any]:
    """A result without what is empty."""
    return {name: value for name, value in values.items() if value not in (None, "", ())}


class ServedJobs:
    """Submits requests and follows their events."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._jobs: dict[str, ServedJob] = {}
        self._by_engine_job: dict[str, ServedJob] = {}
        self._early: dict[str, list[Event]] = {}  # events that came before ``submit`` told the job's name
        self._unsubscribe = engine.subscribe(self._from_engine)
        self._last = 0

    def close(self) -> None:
        """Hear no more; cancel what is under way."""
        self._unsubscribe()
        for engine_job, job in self._by_engine_job.items():
            if job.end is None:
                self._engine.cancel(engine_job)

    def submit(self, request: Request) -> ServedJob:
        """Ask the engine for something.

        Raises:
            EngineError: it refuses.
        """
        engine_job = self._engine.submit(request)
        self._last += 1
        job = self._jobs[str(self._last)] = ServedJob(str(self._last), request.task)
        self._by_engine_job[engine_job] = job
        for event in self._early.pop(engine_job, ()):
            self._hear(event)
        self._forget_old()
        return job

    def find(self, id: str) -> ServedJob:
        """The job of that number.

        Raises:
            RequestError: there is none.
        """
        if id not in self._jobs:
            raise RequestError("there is no job {id}; the tool jobs lists them", id=id)
        return self._jobs[id]

    def all(self) -> list[ServedJob]:
        """All jobs, the oldest first."""
        return list(self._jobs.values())

    def cancel(self, job: ServedJob) -> None:
        """Stop a job at its next step; a finished one stays finished."""
        for engine_job, one in self._by_engine_job.items():
            if one is job and job.end is None:
                self._engine.cancel(engine_job)

    async def follow(self, job: ServedJob, on_step: OnStep) -> None:
        """Wait for the end of a job, telling how far it is; whoever stops waiting stops the job."""
        try:
            while job.end is None:
                job.changed.clear()
                await job.changed.wait()
                await on_step(job.fraction, job.stage)
        except asyncio.CancelledError:
            self.cancel(job)
            raise

    def _from_engine(self, event: Event) -> None:
        """On the engine's thread."""
        self._loop.call_soon_threadsafe(self._hear, event)

    def _hear(self, event: Event) -> None:
        job = self._by_engine_job.get(event.job)
        if job is None:
            self._early.setdefault(event.job, []).append(event)
            return
        match event:
            case Progress():
                job.state, job.fraction, job.stage = "running", event.fraction, event.stage
            case Done():
                job.state, job.end, job.fraction = "done", event, 1.0
            case Failed():
                job.state, job.end = "failed", event
            case CancelledJob():
                job.state, job.end = "cancelled", event
        job.changed.set()

    def _forget_old(self) -> None:
        finished = [name for name, job in self._jobs.items() if job.end is not None]
        for name in finished[: max(len(finished) - KEPT_FINISHED, 0)]:
            del self._jobs[name]
        kept = set(self._jobs.values())
        self._by_engine_job = {name: job for name, job in self._by_engine_job.items() if job in kept}
