"""What a batch tells when it ends: a CSV with a line for each stem, and a JSON with everything."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.batch.ledger import FAILED, LedgerRecord
from engine.batch.stores import ResultStore
from engine.batch.work import PARTS
from engine.request import Request
from engine.serialization import finite, request_to_json
from engine.version import engine_version

CSV_REPORT, JSON_REPORT = "fluxstem-report.csv", "fluxstem-report.json"
FIGURES = ("presence", "level_db")
COLUMNS = (
    "file", "stem", "task", "status", *FIGURES, "seconds", "device", "error", *(f"{part}_file" for part in PARTS)
)  # fmt: skip
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTotals:
    """How a batch went.

    Attributes:
        files: how many there are.
        done: done by this run.
        skipped: done by an earlier one.
        failed: not done.
        left: not reached, because the run was stopped.
        seconds: wall time of this run.
    """

    files: int
    done: int
    skipped: int
    failed: int
    left: int
    seconds: float


def write_report(
    store: ResultStore, request: Request, records: Sequence[LedgerRecord], totals: BatchTotals, skipped: set[str]
) -> None:
    """Write both reports, whole or not at all; they replace those of the last run.

    Args:
        request: what was asked of every file.
        records: of the files of this batch, done and failed.
        totals: how it went.
        skipped: targets that an earlier run did.

    Raises:
        OSError: the disk is full or gone.
    """
    whole = {
        "fluxstem_batch": FORMAT,
        "engine_version": engine_version(),
        "request": request_to_json(request),
        "totals": asdict(totals),
        "files": [_told(record, skipped) for record in records],
    }
    store.write(JSON_REPORT, (json.dumps(finite(whole), indent=1, allow_nan=False) + "\n").encode("ascii"))
    store.write(CSV_REPORT, csv_text(records, skipped).encode("utf-8-sig"))  # with a mark, which spreadsheets want


def csv_text(records: Iterable[LedgerRecord], skipped: set[str]) -> str:
    """A line for each result, and one for each file that failed."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    table.writeheader()
    for record in records:
        base = {
            "file": record.target, "status": _status(record, skipped), "seconds": record.seconds,
            "device": record.device, "error": record.error,
        }  # fmt: skip
        for result in record.results or ({},):
            figures = {name: round(result[name], 3) for name in FIGURES if result.get(name) is not None}
            files = {f"{part}_file": name for part, name in result.get("files", {}).items()}
            said = {"stem": result.get("prompt", ""), "task": result.get("task", "")}
            table.writerow(base | said | figures | files)
    return text.getvalue()


def _told(record: LedgerRecord, skipped: set[str]) -> dict[str, Any]:
    return {
        "file": record.target,
        "source": record.source,
        "sha256": record.sha256,
        "status": _status(record, skipped),
        "seconds": record.seconds,
        "device": record.device,
        "worker": record.worker,
        "error": record.error,
        "results": list(record.results),
    }


def _status(record: LedgerRecord, skipped: set[str]) -> str:
    return "failed" if record.state == FAILED else "done before" if record.target in skipped else "done"
