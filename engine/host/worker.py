"""One request from check to sidecar, inside the host process: all of its files are in place at the end, or none."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.audio.atomic import output_error
from engine.audio.file_names import clean_partials_of, clean_stale
from engine.bundle.bundle import file_sha256
from engine.bundle.library import find_bundle
from engine.checks import check_files
from engine.errors import DeviceError
from engine.events import Done, StemResult
from engine.host.queue import Check, Report
from engine.media.reference import example_path
from engine.provenance import Provenance, write_sidecar
from engine.request import Request

if TYPE_CHECKING:
    from engine.pipeline import Outcome, Pipeline

log = logging.getLogger(__name__)


class Worker:
    """Does requests one after the other; graphs stay open between them."""

    def __init__(self) -> None:
        self._pipeline: Pipeline | None = None

    def __call__(self, job: str, request: Request, report: Report, check: Check) -> Done:
        """See ``engine.host.queue.Work``."""
        started_s = time.perf_counter()
        check_files(request)  # the values were checked when it was submitted; the disk may be another by now
        with _memory_errors(), output_folder(Path(request.out)):
            hash_started_s = time.perf_counter()
            hashes = [file_sha256(Path(path)) if path else None for path in (request.input, request.rest)]
            examples = tuple(file_sha256(Path(example_path(example))) for example in request.examples)
            hash_s = time.perf_counter() - hash_started_s
            check()
            outcome = self._ready_pipeline().run(request, report, check)
            made = Provenance(
                request=outcome.request,
                bundle=outcome.bundle,
                input_sha256=hashes[0],
                rest_sha256=hashes[1],
                examples_sha256=examples,
                device=outcome.device,
                took_s=time.perf_counter() - started_s,
                timings={**outcome.timings, "hash": hash_s},
            )
            results = _with_sidecars(outcome, made)
        seconds = time.perf_counter() - started_s
        return Done(job, results, seconds, outcome.device, outcome.bundle.label, made.timings)

    def _ready_pipeline(self) -> Pipeline:
        if self._pipeline is None:
            from engine.pipeline import Pipeline

            self._pipeline = Pipeline(find_bundle)
        return self._pipeline


def _with_sidecars(outcome: Outcome, made: Provenance) -> tuple[StemResult, ...]:
    results: list[StemResult] = []
    try:
        for result in outcome.results:
            results.append(write_sidecar(result, made))
    except BaseException:
        for result in (*outcome.results, *results):
            for path in (result.mix, result.stem, result.rest, result.sidecar):
                if path:
                    Path(path).unlink(missing_ok=True)
        raise
    return tuple(results)


@contextlib.contextmanager
def output_folder(out: Path) -> Iterator[None]:
    """Make the folder for results and sweep it; when what is done inside fails, leave it as it was.

    Raises:
        OutputError: it cannot be made or written to.
    """
    made: list[Path] = []
    try:
        for folder in reversed([out, *out.parents]):
            if not folder.exists():
                folder.mkdir()
                made.append(folder)
        clean_stale(out)
        yield
    except BaseException as error:
        with contextlib.suppress(OSError):  # the folder may be the very thing that cannot be reached
            clean_partials_of(out, os.getpid())
        for folder in reversed(made):
            with contextlib.suppress(OSError):  # something else was put there meanwhile
                folder.rmdir()
        if isinstance(error, OSError):
            raise output_error(out, error) from error
        raise


@contextlib.contextmanager
def _memory_errors() -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise DeviceError("there is not enough memory for this job; close other programs or use a region") from error
