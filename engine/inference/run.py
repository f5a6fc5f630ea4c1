"""Context of one running request: model, progress, cancellation, timings."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from engine.inference.mix_cache import MixCache
from engine.inference.model import Model
from engine.inference.windows import Batches
from engine.request import Request
from engine.runtime.backend import FloatArray
from engine.tasks import TaskRule
from engine.text.intent import Intent

Item = TypeVar("Item")
STAGES = ("read", "encode", "step", "decode", "separate", "mask", "write")


class StageTimer:
    """Adds up seconds by stage; stages that work at the same time add up to more than the whole."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(STAGES, 0.0)
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Time the block as ``stage``."""
        started_s = time.perf_counter()
        try:
            yield
        finally:
            took_s = time.perf_counter() - started_s
            with self._lock:
                self.seconds[stage] = self.seconds.get(stage, 0.0) + took_s

    def each(self, stage: str, items: Iterator[Item]) -> Iterator[Item]:
        """Yield the items, timing the iterator as ``stage``."""
        while True:
            with self.measure(stage):
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item


class Examples(Protocol):
    """The images, videos and audio files of a request, encoded by the bundle."""

    def prompt(self, text_E: FloatArray | None) -> FloatArray:
        """Embedding of words and examples together.

        Args:
            text_E: embedding of the words; None where there are none.

        Returns:
            float32 (embedding,).
        """
        ...

    def picture(self, start_s: float) -> FloatArray:
        """Picture features of one window.

        Args:
            start_s: where the window begins, in seconds of the input; may lie before it.

        Returns:
            float32 (picture frames, picture features); zeros where nothing is seen.
        """
        ...


@dataclass(frozen=True, slots=True)
class RunContext:
    """One running request.

    Attributes:
        request: with every default filled in.
        rule: its row of the task table.
        model: the opened bundle.
        folder: for results and temporary files; it exists.
        batches: runs windows in batches.
        report: receives the progress, 0 to 1, and the stage in plain words.
        check: raises ``Cancelled`` once the caller asked to stop.
        timer: where the time goes.
        examples: what goes with the prompts; None where there are only words.
        intents: what each text of the request was understood as.
        cache: keeps what is computed of the mix for other requests; None keeps nothing.
        share: of the progress bar that this part of the work fills, ``(from, to)``.
    """

    request: Request
    rule: TaskRule
    model: Model
    folder: Path
    batches: Batches
    report: Callable[[float, str], None]
    check: Callable[[], None]
    timer: StageTimer = field(default_factory=StageTimer)
    examples: Examples | None = None
    intents: Mapping[str, Intent] = field(default_factory=dict)
    cache: MixCache | None = None
    share: tuple[float, float] = (0.0, 1.0)

    def picture(self, start_s: float) -> FloatArray:
        """Picture features of the window that begins ``start_s`` seconds into the input.

        Returns:
            float32 (picture frames, picture features); zeros where no picture was given.
        """
        if self.examples is not None:
            return self.examples.picture(start_s)
        _, frames, features = self.model.bundle.manifest.graphs["step"].inputs["picture"]
        return np.zeros((int(frames), int(features)), np.float32)

    def pictures(self, starts_s: Sequence[float]) -> FloatArray | None:
        """Picture features of several windows; None where the step graph does not take them.

        Returns:
            float32 (windows, picture frames, picture features).
        """
        if "picture" not in self.model.bundle.manifest.graphs["step"].inputs:
            return None
        return np.stack([self.picture(start_s) for start_s in starts_s])

    def within(self, first: float, last: float) -> RunContext:
        """The same request, reporting from ``first`` to ``last`` (0 to 1) of this context's share of the progress."""
        start, end = self.share
        size = end - start
        return replace(self, share=(start + first * size, start + last * size))

    def nth(self, number: int, count: int) -> RunContext:
        """The same request, reporting its ``number``-th of ``count`` equal steps."""
        return self.within(number / count, (number + 1) / count)

    def progress(self, done: float, stage: str) -> None:
        """Report how far this context's share of the work is; raises ``Cancelled`` when asked to stop.

        Args:
            done: 0 to 1 of the share.
        """
        self.check()
        start, end = self.share
        self.report(start + (end - start) * min(max(done, 0.0), 1.0), stage)
