"""TensorRT engines that are built beside the jobs: CUDA answers until they are there."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from engine.events import Done
from engine.request import Device, Precision
from engine.runtime.device_notes import ENGINES_BEGIN, ENGINES_GO_ON
from engine.runtime.engine_build import EngineBuild

log = logging.getLogger(__name__)


class _Graphs(Protocol):
    """What has the graphs open; ``engine.pipeline.Pipeline``."""

    @property
    def wants_engines(self) -> tuple[Path, Device, Precision] | None: ...

    def forget_models(self) -> None: ...


class EnginesAhead:
    """Starts a build after a job that could have used one, and has the graphs opened anew once it is done."""

    def __init__(self, start: Callable[[Path, Device, Precision], EngineBuild] = EngineBuild) -> None:
        self._start = start
        self._build: EngineBuild | None = None
        self._tried: set[tuple[Path, Device, Precision]] = set()

    def before(self, graphs: _Graphs) -> None:
        """A job is about to begin: where the engines are finished, it shall use them."""
        if self._build is not None and self._build.is_over:
            if self._build.is_good:
                graphs.forget_models()
            else:
                log.warning("the TensorRT engines could not be built: %s", self._build.why)
            self._build = None

    def after(self, graphs: _Graphs, done: Done) -> Done:
        """A job is done: begin to build what it had no engines for, and say so in its results."""
        wanted = graphs.wants_engines
        if wanted is None:
            return done
        if self._build is None and wanted not in self._tried:
            self._tried.add(wanted)
            with contextlib.suppress(OSError):
                self._build = self._start(*wanted)
        if self._build is None:
            return done
        step = self._build.step
        note = ENGINES_GO_ON.format(done=step.done, count=step.count) if step.count else ENGINES_BEGIN
        return dataclasses.replace(
            done, results=tuple(dataclasses.replace(one, notes=(*one.notes, note)) for one in done.results)
        )

    def close(self) -> None:
        """Give up a build that is under way."""
        if self._build is not None:
            self._build.close()
