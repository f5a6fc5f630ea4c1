"""What one running request carries along: the model, how to report, when to stop, where the time went.

Knows nothing of how a task is done.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from engine.chunks import Batches
from engine.messages import Request
from engine.model import Model
from engine.tasks import Rule

Item = TypeVar("Item")
STAGES = ("read", "encode", "step", "decode", "mask", "write")


class Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(STAGES, 0.0)

    @contextlib.contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Count what is done inside as ``stage``."""
        started_s = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started_s

    def each(self, stage: str, items: Iterator[Item]) -> Iterator[Item]:
        """The same items; the time to make them counts as ``stage``."""
        while True:
            with self.measure(stage):
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item


@dataclass(frozen=True, slots=True)
class Job:
    """One request being worked on.

    Attributes:
        request: what was asked.
        rule: its row of the task table.
        model: the bundle, opened.
        folder: where results and scratch files go; it exists.
        batches: how many windows at once.
        report: takes a fraction from 0 to 1 and the stage in plain words.
        check: raises ``Cancelled`` when the caller asked to stop.
        clock: where the time goes.
    """

    request: Request
    rule: Rule
    model: Model
    folder: Path
    batches: Batches
    report: Callable[[float, str], None]
    check: Callable[[], None]
    clock: Clock = field(default_factory=Clock)

    def progress(self, part: tuple[float, float], done: float, stage: str) -> None:
        """Report how far a part of the job is, and stop here when asked to.

        Args:
            part: the share of the whole job this part is, ``(from, to)``.
            done: 0 to 1 of the part.
            stage: plain words.
        """
        self.check()
        self.report(part[0] + (part[1] - part[0]) * min(max(done, 0.0), 1.0), stage)
