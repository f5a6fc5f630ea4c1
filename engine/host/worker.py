"""Run one request in the engine process: check its files, make its folder, clean the folder up after a failure."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.audio.atomic import output_error
from engine.audio.file_names import clean_partials_of, clean_stale
from engine.bundle.library import find_bundle
from engine.checks import check_files
from engine.errors import DeviceError
from engine.events import Check, Done, Report
from engine.host.engines_ahead import EnginesAhead
from engine.media.intake import OpenAudio, open_audio
from engine.media.reference import with_input_as_example
from engine.receipt import Receipt
from engine.request import Device, Request

if TYPE_CHECKING:
    from engine.pipeline import Pipeline


class Worker:
    """Runs requests one at a time; graphs stay open between them.

    Args:
        open_file: opens the sound of a file.
        receipts: path of the receipt by job, where one is wanted.
    """

    def __init__(self, open_file: OpenAudio = open_audio, receipts: dict[str, str] | None = None) -> None:
        self._open_file = open_file
        self._receipts = {} if receipts is None else receipts
        self._pipeline: Pipeline | None = None
        self._engines = EnginesAhead()

    def __call__(self, job: str, request: Request, report: Report, check: Check) -> Done:
        """See ``engine.host.queue.RequestRunner``."""
        path = self._receipts.pop(job, "")
        if not path:
            return self._run(job, request, report, check, None)
        try:
            receipt = Receipt(Path(path))
        except OSError as error:
            raise output_error(Path(path).parent, error) from error
        with contextlib.closing(receipt):
            done = self._run(job, request, report, check, receipt)
            receipt.done(done)
        return done

    def _run(self, job: str, request: Request, report: Report, check: Check, receipt: Receipt | None) -> Done:
        request = with_input_as_example(request)
        check_files(request)
        pipeline = self._opened()
        with _memory_errors(), output_folder(Path(request.out)):
            self._engines.before(pipeline)
            return self._engines.after(pipeline, pipeline.run(request, report, check, job, receipt))

    def warm(self, bundle: str, device: Device) -> None:
        """Open a bundle ahead of the first job that asks for it.

        Raises:
            EngineError: it cannot be opened.
        """
        self._opened().warm(bundle, device)

    def _opened(self) -> Pipeline:
        if self._pipeline is None:
            from engine.pipeline import Pipeline  # takes a second, which a request that is refused is spared

            self._pipeline = Pipeline(find_bundle, open_file=self._open_file)
        return self._pipeline

    def warm_on(self) -> bool:
        """No job is waiting: run one more batch ahead of those that come; False where none is left."""
        return self._pipeline is not None and self._pipeline.warm_on()

    def rest(self) -> None:
        """No job is waiting: let the device have memory back that no graph needs now."""
        if self._pipeline is not None:
            self._pipeline.rest()

    def close(self) -> None:
        """Give up what is done beside the jobs."""
        self._engines.close()


@contextlib.contextmanager
def output_folder(out: Path) -> Iterator[None]:
    """Make the folder for results and clear it of old drafts; if the block fails, leave it as it was.

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
