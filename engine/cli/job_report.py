"""How a job of ``fluxstem send`` stands, in a small file that a script inside a DAW can read again and again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.errors import EngineError, OutputError


class JobReport:
    """A file that always holds the present state of one job; each state replaces the one before as a whole.

    The first line is ``waiting``, ``running FRACTION STAGE``, ``done START LENGTH RATE`` (place and length in
    samples of the input, rate in Hz) or ``fail``. After ``done`` come the paths, one in a line; after ``fail`` the
    sentence.

    Args:
        path: the file; what is there is replaced.

    Raises:
        OutputError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._write("waiting")

    def progress(self, fraction: float, stage: str) -> None:
        """It is under way: 0 to 1, and a word for what is being done."""
        with contextlib.suppress(OutputError):  # the next one tells as much
            self._write(f"running {fraction:.3f} {stage}")

    def done(self, start_samples: int, length_samples: int, rate_hz: int, paths: Sequence[str]) -> None:
        """Its files are in place."""
        self._write(f"done {start_samples} {length_samples} {rate_hz}", *paths)

    def fail(self, error: EngineError) -> None:
        """It has ended without files."""
        with contextlib.suppress(OutputError):  # the exit code and the sentence on the screen tell it too
            self._write("fail", " ".join(str(error).split()))

    def _write(self, *lines: str) -> None:
        draft = self._path.with_name(f"{self._path.name}.part")
        try:
            draft.write_text("\n".join([*lines, ""]), encoding="utf-8")
            os.replace(draft, self._path)
        except OSError as error:
            raise OutputError(
                "the report {path} cannot be written ({why}); choose another file", path=self._path, why=error.strerror
            ) from error


@contextlib.contextmanager
def reported(path: str | None) -> Iterator[JobReport | None]:
    """The report at a path, None for none; an error that ends the job is in it before it is raised.

    Raises:
        OutputError: it cannot be written.
    """
    report = JobReport(Path(path)) if path else None
    try:
        yield report
    except EngineError as error:
        if report is not None:
            report.fail(error)
        raise
