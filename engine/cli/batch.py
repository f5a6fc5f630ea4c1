"""``fluxstem batch``: one request for many files, on this machine or on a Ray cluster."""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from engine.batch.find import WorkItem
from engine.batch.ledger import FAILED, LedgerRecord
from engine.batch.report import CSV_REPORT, JSON_REPORT
from engine.batch.run import BatchEnd, BatchListener, checked, run_batch
from engine.batch.stores import FolderStore, ResultStore, open_store
from engine.batch.work import BatchRequest, Runner
from engine.cli.positionals import told_apart
from engine.errors import OutputError, RequestError
from engine.host.client import Engine
from engine.options import Option
from engine.places import request_in_seconds
from engine.request import OPTIONS, Request
from engine.serialization import finite
from engine.tasks import TASKS, TaskRule

DONE, SOME_FAILED, REFUSED, DEVICE, STOPPED = 0, 1, 2, 3, 130
USUAL_JOBS = 2  # while one engine reads or writes a file, the other has the device
BATCH_TASKS = {task: rule for task, rule in TASKS.items() if rule.input_slot is not None}
OWN_OPTIONS = ("task", "input", "prompts", "out")  # rows of the options table that are said in another way here


def rule_for(row: Option) -> TaskRule | None:
    """The first task of a batch that takes an option, for its help; None for what is said in another way here."""
    takers = (rule for rule in BATCH_TASKS.values() if row.name not in OWN_OPTIONS and row.takes(rule))
    return next(takers, None)


def add_to(sub: argparse.ArgumentParser) -> None:
    """Give ``batch`` the arguments that tasks do not have."""
    sub.set_defaults(command=run)
    sub.add_argument(
        "prompts", metavar="PATH|PROMPT", nargs="+",
        help="what exists is a file or a folder, or as \"songs/**/*.wav\" a glob; anything else is a prompt",
    )  # fmt: skip
    sub.add_argument("--task", choices=tuple(BATCH_TASKS), default="isolate", help="what to do; default %(default)s")
    sub.add_argument("--out", metavar="DIR", required=True, help="folder for results, resume file and reports; with "
                     "--cluster also a URL, as s3://bucket/stems")  # fmt: skip
    sub.add_argument("--jobs", type=int, metavar="N", help=f"engines at the same time; default {USUAL_JOBS}, on a "
                     "cluster as many as fit")  # fmt: skip
    sub.add_argument("--cluster", metavar="auto|ADDRESS", help="use the engines of a Ray cluster (extra cluster)")
    sub.add_argument("--cores-per-engine", type=int, metavar="N", help="on a cluster: cores of one machine for each "
                     "engine; default 4, or all")  # fmt: skip
    sub.add_argument("--engines-per-gpu", type=int, metavar="N", default=1, help="on a cluster: engines that share a "
                     "GPU, so that one reads and writes while another has it; default %(default)s")  # fmt: skip


def run(arguments: argparse.Namespace, engine: Engine | None) -> int:
    """``fluxstem batch``."""
    paths, prompts = told_apart(arguments.prompts)
    if not paths:
        raise RequestError("no file, folder or glob is among {words}; check the paths", words=", ".join(prompts))
    for name in ("jobs", "cores_per_engine", "engines_per_gpu"):
        if (number := getattr(arguments, name)) is not None and number < 1:
            option = f"--{name.replace('_', '-')}"
            raise RequestError("{option} {number} is not allowed; give 1 or more", option=option, number=number)
    if not arguments.cluster and (arguments.cores_per_engine or arguments.engines_per_gpu > 1):
        raise RequestError("--cores-per-engine and --engines-per-gpu go with --cluster; on this machine choose --jobs")
    if "://" in arguments.out and not arguments.cluster:
        raise RequestError("results go to a URL only with --cluster; choose a folder for --out", out=arguments.out)
    asked = _asked(arguments, tuple(prompts), paths)
    with contextlib.ExitStack() as held:
        listener = held.enter_context(_listener(arguments))
        runner = _cluster(arguments, asked, held) if arguments.cluster else _local(arguments, asked, engine, held)
        end = run_batch(asked, paths, open_store(arguments.out), runner, listener)
    _tell(end, arguments)
    return _exit_code(end)


def _asked(arguments: argparse.Namespace, prompts: tuple[str, ...], paths: Sequence[str]) -> BatchRequest:
    values = {name: value for name, value in vars(arguments).items() if name in OPTIONS}
    values |= {name: tuple(value) for name, value in values.items() if OPTIONS[name].many}
    values["prompts"] = prompts + tuple(arguments.prompt_texts)
    regions = values.pop("regions_s", ())
    if any(place.in_samples for region in regions for place in region):  # they wait for the rate of each file
        return checked(request_in_seconds(Request(**values), ()), paths, regions)
    return checked(request_in_seconds(Request(**values), regions), paths)


def _local(
    arguments: argparse.Namespace, asked: BatchRequest, engine: Engine | None, held: contextlib.ExitStack
) -> Callable[[ResultStore], Runner]:
    from engine.batch.local import LocalRunner

    jobs = arguments.jobs or USUAL_JOBS
    held.enter_context(_shared_cores(jobs))

    def make(store: ResultStore) -> Runner:
        assert isinstance(store, FolderStore)
        return LocalRunner(asked, store, jobs, engine)

    return make


def _cluster(
    arguments: argparse.Namespace, asked: BatchRequest, held: contextlib.ExitStack
) -> Callable[[ResultStore], Runner]:
    from engine.batch.cluster import ClusterRunner

    held.enter_context(contextlib.redirect_stdout(sys.stderr))  # Ray prints what it notices; our lines hold their own
    return lambda store: ClusterRunner(
        asked, store, arguments.cluster, arguments.cores_per_engine, arguments.jobs, arguments.engines_per_gpu
    )


@contextlib.contextmanager
def _shared_cores(jobs: int) -> Iterator[None]:
    """Share the cores out among the engines, unless the user has said how many threads each gets."""
    if os.environ.get("FLUXSTEM_THREADS") or os.environ.get("OMP_NUM_THREADS"):
        yield
        return
    os.environ["FLUXSTEM_THREADS"] = str(max((os.cpu_count() or 1) // jobs, 1))
    try:
        yield
    finally:
        del os.environ["FLUXSTEM_THREADS"]


class _ProgressLines:
    """A line for each file that is finished, with the time left for all of them."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._count = self._all = 0
        self._began_s = 0.0

    def begin(self, todo: Sequence[WorkItem], skipped: int) -> None:
        self._all = len(todo)
        self._began_s = time.monotonic()
        if skipped:
            self._write(f"{skipped} done before, {len(todo)} to do")

    def under_way(self, item: WorkItem, fraction: float, stage: str) -> None:
        pass

    def finished(self, record: LedgerRecord) -> None:
        self._count += 1
        self._write(f"{self._count}/{self._all}  {record.target}  {_told(record)}{self._left()}")

    def _left(self) -> str:
        """The time left if all goes on as it did so far; nothing behind the last file."""
        if self._count >= self._all:
            return ""
        left_s = (time.monotonic() - self._began_s) / self._count * (self._all - self._count)
        return f"; {_clock(left_s)} left for all"


class _ProgressBars(_ProgressLines):
    """The same, above a bar for all files with the time left and one for each file under way."""

    LAYOUT = "{desc:<40.40} {percentage:3.0f}% |{bar}| {elapsed} elapsed, {remaining} left"
    FILE_LAYOUT = "  {desc:<38.38} {percentage:3.0f}% |{bar}|"
    MOST_FILES = 8  # more bars would fill the screen

    def __init__(self) -> None:
        from tqdm import tqdm

        super().__init__(functools.partial(tqdm.write, file=sys.stdout))
        size = shutil.get_terminal_size()
        self._make: Callable[..., Any] = functools.partial(
            tqdm, file=sys.stderr, leave=False, ncols=size.columns, nrows=size.lines, smoothing=0.0
        )
        self._whole: Any = None
        self._files: dict[str, Any] = {}

    def begin(self, todo: Sequence[WorkItem], skipped: int) -> None:
        super().begin(todo, skipped)
        self._whole = self._make(total=float(len(todo)), desc=f"{len(todo)} files", bar_format=self.LAYOUT)

    def under_way(self, item: WorkItem, fraction: float, stage: str) -> None:
        if item.target not in self._files:
            if len(self._files) >= self.MOST_FILES:
                return
            taken = {bar.pos for bar in self._files.values()}
            free = next(place for place in range(1, self.MOST_FILES + 1) if -place not in taken)
            self._files[item.target] = self._make(total=1.0, position=free, bar_format=self.FILE_LAYOUT)
        bar = self._files[item.target]
        bar.set_description_str(f"{item.target}: {stage}", refresh=False)
        self._whole.update(max(fraction - bar.n, 0.0))
        bar.update(max(fraction - bar.n, 0.0))

    def finished(self, record: LedgerRecord) -> None:
        bar = self._files.pop(record.target, None)
        self._whole.update(1.0 - (bar.n if bar is not None else 0.0))
        if bar is not None:
            bar.close()
        super().finished(record)

    def _left(self) -> str:
        return ""  # the bar has it

    def close(self) -> None:
        """Take all bars off the screen."""
        for bar in (*self._files.values(), self._whole):
            if bar is not None:
                bar.close()


@contextlib.contextmanager
def _listener(arguments: argparse.Namespace) -> Iterator[BatchListener]:
    if arguments.json:
        yield _ProgressLines(lambda line: None)
    elif sys.stderr.isatty():
        bars = _ProgressBars()
        try:
            yield bars
        finally:
            bars.close()
    else:
        yield _ProgressLines(functools.partial(print, file=sys.stdout, flush=True))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _told(record: LedgerRecord) -> str:
    if record.state == FAILED:
        return f"failed: {record.error}"
    stems = (f"{one['prompt'] or 'like the examples'} {_figures(one)}" for one in record.results)
    return "; ".join(stems) + f"; {record.seconds:.1f} s"


def _figures(result: dict[str, Any]) -> str:
    level = "" if result["level_db"] is None else f"{result['level_db']:.1f} dB, "
    return f"{level}presence {result['presence']:.2f}"


def _tell(end: BatchEnd, arguments: argparse.Namespace) -> None:
    totals, place = end.totals, arguments.out.rstrip("/")
    reports = {"csv": f"{place}/{CSV_REPORT}", "json": f"{place}/{JSON_REPORT}"}
    if arguments.json:
        told = asdict(totals) | {"stopped": end.stopped, "report": reports["json"], "csv": reports["csv"]}
        print(json.dumps(finite(told), allow_nan=False), flush=True)
    else:
        parts = [
            f"{totals.done} done",
            f"{totals.skipped} done before",
            f"{totals.failed} failed",
            f"{totals.left} left",
        ]
        files = f"{totals.files} file{'s' * (totals.files != 1)}"
        print(f"{files}: {', '.join(parts)}; {totals.seconds:.1f} s; report in {reports['csv']}")
    if end.error is not None:
        print(f"fluxstem: {end.error}", file=sys.stderr)
    elif end.stopped:
        print("fluxstem: stopped; the same command goes on from there", file=sys.stderr)


def _exit_code(end: BatchEnd) -> int:
    if end.error is not None:
        return REFUSED if isinstance(end.error, (RequestError, OutputError)) else DEVICE
    if end.stopped:
        return STOPPED
    return SOME_FAILED if end.totals.failed else DONE
