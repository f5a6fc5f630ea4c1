"""A batch from paths to report: find the files, leave out what is done, have the rest done, put it in its place."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from engine.batch.find import WorkItem, find_items
from engine.batch.ledger import DONE, FAILED, Ledger, LedgerRecord
from engine.batch.publish import finish_interrupted, publish
from engine.batch.report import BatchTotals, write_report
from engine.batch.stores import PRIVATE, WORK, ResultStore
from engine.batch.work import BatchRequest, Runner
from engine.bundle.bundle import load_bundle
from engine.bundle.library import find_bundle
from engine.checks import check_files, check_values
from engine.errors import BundleError, DeviceError, EngineError, HostError, OutputError, RequestError
from engine.file_hash import content_sha256, sampled_sha256
from engine.places import PlacedRegion
from engine.request import Request, region_fields
from engine.text.intent import load_grammar, understand

ANY_REGION_S = (0.0, 1.0)  # stands for regions in samples where the rate of the files does not matter
STRIKES = 3  # files in a row that a device refuses before any was done: the next ones will fare no better
_REFUSED = (RequestError.__name__, BundleError.__name__, "BundleTooNew", "BundleDamaged")
_BROKEN = (DeviceError.__name__, HostError.__name__, EngineError.__name__)


class BatchListener(Protocol):
    """Is told how a batch goes."""

    def begin(self, todo: Sequence[WorkItem], skipped: int) -> None:
        """These files will be done now; so many are done already."""

    def under_way(self, item: WorkItem, fraction: float, stage: str) -> None:
        """How far a file is."""

    def finished(self, record: LedgerRecord) -> None:
        """A file is done, or has failed."""


@dataclass(frozen=True, slots=True)
class BatchEnd:
    """How a batch went.

    Attributes:
        totals: how many.
        records: of all its files that were done or have failed, now or before.
        stopped: True means that it was stopped before all were tried.
        error: what kept it from working at all, None where it worked.
    """

    totals: BatchTotals
    records: tuple[LedgerRecord, ...]
    stopped: bool
    error: EngineError | None


def checked(request: Request, paths: Sequence[str], regions: tuple[PlacedRegion, ...] = ()) -> BatchRequest:
    """Refuse at once what cannot work for any file.

    Args:
        request: all of it but input and folder.
        paths: of the files, at least one.
        regions: parts that wait for the rate of each file, which is when they are checked.

    Raises:
        RequestError, BundleError, ExampleError: the request cannot work, whatever the files are.
    """
    waiting = region_fields([ANY_REGION_S]) if regions else {}
    check_values(replace(request, input=paths[0], **waiting))
    check_files(replace(request, input=None, out="."))
    understand(request, load_grammar(load_bundle(find_bundle(request.bundle), check_hashes=False)))
    return BatchRequest.of(request, regions)


def run_batch(
    asked: BatchRequest, paths: Sequence[str], store: ResultStore, runner: Callable[[ResultStore], Runner],
    listener: BatchListener,
) -> BatchEnd:  # fmt: skip
    """Do one request for many files; a report lies beside the results at the end, also when it was stopped.

    Args:
        asked: see ``checked``.
        paths: files, folders, globs.
        runner: makes what does the work, once it is known that there is some.
        listener: hears how it goes.

    Raises:
        AudioError: a path is nowhere, or there is no audio.
        OutputError: the place cannot be written to, or another batch is at work there.
    """
    started_s = time.monotonic()
    with _writing(store.place), store:
        ledger = Ledger(store)
        finish_interrupted(store, ledger)
        store.remove(WORK)
        items = find_items(paths, store.place, _made(store, ledger))
        todo = _not_done(items, ledger, asked.digest, store)
        skipped = {item.target for item in items} - {item.target for item in todo}
        listener.begin(todo, len(skipped))
        records, stopped, error = _work_through(asked, todo, store, ledger, runner, listener, bool(skipped))
        failed = sum(record.state == FAILED for record in records)
        totals = BatchTotals(
            files=len(items), done=len(records) - failed, skipped=len(skipped), failed=failed,
            left=len(todo) - len(records), seconds=round(time.monotonic() - started_s, 3),
        )  # fmt: skip
        before = [
            found for item in items if item.target in skipped and (found := ledger.get(item.target, asked.digest))
        ]
        everything = sorted([*records, *before], key=lambda record: record.target)
        store.remove(WORK)
        write_report(store, asked.request, everything, totals, skipped)
    return BatchEnd(totals, tuple(everything), stopped, error)


def _work_through(
    asked: BatchRequest, todo: list[WorkItem], store: ResultStore, ledger: Ledger,
    runner: Callable[[ResultStore], Runner], listener: BatchListener, some_done: bool,
) -> tuple[list[LedgerRecord], bool, EngineError | None]:  # fmt: skip
    """Records of what was tried, whether it was stopped, and what kept it from working at all."""
    records: list[LedgerRecord] = []
    if not todo:
        return records, False, None
    outcomes = runner(store).run(todo, listener.under_way)
    try:
        with contextlib.closing(outcomes):
            for outcome in outcomes:
                try:
                    records.append(publish(store, ledger, outcome, asked.digest))
                except OSError as full:
                    return records, True, _cannot_write(store.place, full)
                listener.finished(records[-1])
                if (error := _hopeless(records)) is not None:
                    return records, len(records) < len(todo), error
    except KeyboardInterrupt:
        return records, True, None
    return records, False, _hopeless(records, at_end=not some_done)


@contextlib.contextmanager
def _writing(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _cannot_write(place, error) from error


def _cannot_write(place: str, error: OSError) -> OutputError:
    return OutputError(
        "cannot write to {place} ({reason}); make room or see to your rights, then give the same command again",
        place=place, reason=error.strerror or error,
    )  # fmt: skip


def _hopeless(records: Sequence[LedgerRecord], at_end: bool = False) -> EngineError | None:
    """What keeps every file from being done: the device at once, the request when it was so for all of them."""
    if not records or any(record.state == DONE for record in records):
        return None
    kinds = {record.error_kind for record in records}
    enough = at_end or len(records) >= STRIKES
    if enough and kinds <= set(_BROKEN):
        return DeviceError(records[0].error)
    if at_end and kinds <= set(_REFUSED):
        return RequestError(records[0].error)
    return None


def _made(store: ResultStore, ledger: Ledger) -> frozenset[str]:
    """Results of earlier runs, which are no inputs, by their absolute paths."""
    if "://" in store.place:
        return frozenset()
    root = Path(store.place).resolve()
    return frozenset(str(root / name) for record in ledger for name in record.files)


def _not_done(items: list[WorkItem], ledger: Ledger, digest: str, store: ResultStore) -> list[WorkItem]:
    """Files whose results are not there; a file counts as the same when its bytes are the same."""
    known = [item for item in items if (found := ledger.get(item.target, digest)) and found.state == DONE]
    present = {name for name in store.files("") if not name.startswith(f"{PRIVATE}/")} if known else set()
    done = {item.target for item in known if _is_done(item, ledger, digest, present)}
    return [item for item in items if item.target not in done]


def _is_done(item: WorkItem, ledger: Ledger, digest: str, present: set[str]) -> bool:
    record = ledger.get(item.target, digest)
    if record is None or not present.intersection(record.files):  # the user may have kept some of the files only
        return False
    if item.size != record.size:
        return False
    if (item.mtime_ns, item.ctime_ns) == (record.mtime_ns, record.ctime_ns):
        return True
    path = Path(item.source)
    try:
        if (content_sha256(path) or sampled_sha256(path)) != record.sha256:
            return False
    except OSError:
        return False
    # Moved or touched, the same bytes: the next run need not read it again.
    ledger.put(replace(record, source=item.source, mtime_ns=item.mtime_ns, ctime_ns=item.ctime_ns))
    return True
