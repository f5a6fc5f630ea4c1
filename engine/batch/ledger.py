"""The resume file of a batch: one JSON line for each thing that happened, so that a killed batch knows what it owes.

A line is on the disk before what it tells is done. A half-written last line, which a kill can leave, is skipped. Of one
file and one request the last line holds.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol

log = logging.getLogger(__name__)

PLACING, DONE, FAILED = "placing", "done", "failed"  # what can be told of a file
Key = tuple[str, str]  # target, digest of the request


class LineStore(Protocol):
    """Keeps lines safe, in the order in which they came."""

    def lines(self) -> Iterable[bytes]:
        """All lines so far; the last one may be torn."""

    def append(self, line: bytes) -> None:
        """Add a line that ends in a newline; it is safe when this returns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRecord:
    """What is known of one file and one request.

    Attributes:
        state: ``placing`` means that the results are made and on their way to their place.
        target: the file, see ``WorkItem``.
        digest: of the request, see ``BatchRequest``.
        source: where the file was.
        size, mtime_ns, ctime_ns: of the file that was read, see ``WorkItem``.
        sha256: of its bytes; of a very large file of some of them, see ``engine.file_hash``.
        stage: private folder of the results while they are on their way.
        moves: from where to where, below the folder of the batch.
        results: what was made, as the report shows it.
        seconds: wall time of the work.
        device: what it ran on.
        worker: which engine did it.
        error, error_kind: one sentence and the class of ``engine.errors``, of a file that failed.
    """

    state: str
    target: str
    digest: str
    source: str = ""
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    sha256: str = ""
    stage: str = ""
    moves: tuple[tuple[str, str], ...] = ()
    results: tuple[dict[str, Any], ...] = ()
    seconds: float = 0.0
    device: str = ""
    worker: str = ""
    error: str = ""
    error_kind: str = ""
    unknown: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def key(self) -> Key:
        """What the last line holds of."""
        return self.target, self.digest

    @property
    def files(self) -> tuple[str, ...]:
        """The results, below the folder of the batch."""
        return tuple(place for _, place in self.moves)


class Ledger:
    """All records of a folder."""

    def __init__(self, store: LineStore) -> None:
        self._store = store
        self._guard = threading.Lock()
        self._records: dict[Key, LedgerRecord] = {}
        for record in map(_read, store.lines()):
            if record is not None:
                self._records[record.key] = record

    def get(self, target: str, digest: str) -> LedgerRecord | None:
        """What is known of a file and a request."""
        return self._records.get((target, digest))

    def __iter__(self) -> Iterator[LedgerRecord]:
        return iter(list(self._records.values()))

    def put(self, record: LedgerRecord) -> None:
        """Write down how a file stands now.

        Raises:
            OSError: the disk is full or gone.
        """
        values = {name: value for name, value in asdict(record).items() if name != "unknown" and value not in ("", ())}
        line = json.dumps(record.unknown | values, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
        with self._guard:
            self._store.append(line)
            self._records[record.key] = record


def _read(line: bytes) -> LedgerRecord | None:
    """The record of a line; None where it holds none."""
    try:
        values = json.loads(line)
        names = {one.name for one in fields(LedgerRecord)} - {"unknown"}
        known = {name: value for name, value in values.items() if name in names}
        unknown = {name: value for name, value in values.items() if name not in names}
        known["moves"] = tuple((str(here), str(there)) for here, there in known.get("moves", ()))
        known["results"] = tuple(dict(result) for result in known.get("results", ()))
        return LedgerRecord(**known, unknown=unknown)
    except (ValueError, TypeError, AttributeError):
        if line.strip():
            log.warning("a line of the resume file cannot be read and is skipped")
        return None
