"""Results move from their private folder to their place: all or none, under free names, also after a kill.

First the ledger says what moves where, then the files move, then it says that they did. What a kill cut short is
finished at the next start, without any work being done twice.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from engine.batch.ledger import DONE, FAILED, PLACING, Ledger, LedgerRecord
from engine.batch.stores import ResultStore
from engine.batch.work import ItemOutcome, failed_outcome, sidecar_bytes
from engine.errors import OutputError


def publish(store: ResultStore, ledger: Ledger, outcome: ItemOutcome, digest: str) -> LedgerRecord:
    """Put the results of one file in their place and write that down; of a failed one, write down why.

    Nothing is overwritten: where a name is taken, all files of the outcome get the same number.

    Raises:
        OSError: the disk is full or gone; the next run goes on from there.
    """
    item = outcome.item
    about: dict[str, Any] = {
        "target": item.target, "digest": digest, "source": item.source, "size": item.size, "mtime_ns": item.mtime_ns,
        "ctime_ns": item.ctime_ns, "sha256": outcome.sha256, "seconds": outcome.seconds, "device": outcome.device,
        "worker": outcome.worker,
    }  # fmt: skip
    inside = [] if outcome.error else [name.removeprefix(f"{outcome.stage}/") for name in store.files(outcome.stage)]
    if not outcome.error:
        outcome = _checked(outcome, inside, store.place)
    if outcome.error:
        record = LedgerRecord(state=FAILED, **about, error=outcome.error, error_kind=outcome.error_kind)
        ledger.put(record)
        return record
    names = _free_names(store, inside, item.folder)
    if any(here != there for here, there in names.items()):
        _rename_in_sidecars(store, outcome.stage, names)
    results = tuple(result | {"files": _renamed(result["files"], names, item.folder)} for result in outcome.results)
    moves = tuple((f"{outcome.stage}/{here}", _below(item.folder, there)) for here, there in names.items())
    record = LedgerRecord(state=PLACING, **about, stage=outcome.stage, moves=moves, results=results)
    ledger.put(record)
    return _move(store, ledger, record)


def finish_interrupted(store: ResultStore, ledger: Ledger) -> None:
    """Bring to its end what a kill cut short; throw away the private folders of what never got that far."""
    for record in ledger:
        if record.state != PLACING:
            continue
        if all(store.exists(here) or store.exists(there) for here, there in record.moves):
            _move(store, ledger, record)
        else:  # somebody removed the private folder; it is done again
            ledger.put(_with_state(record, FAILED, "its results were lost before they were in their place"))


def _move(store: ResultStore, ledger: Ledger, record: LedgerRecord) -> LedgerRecord:
    for here, there in record.moves:
        if store.exists(here):
            store.move(here, there)
    done = _with_state(record, DONE)
    ledger.put(done)
    store.remove(record.stage)
    return done


def _checked(outcome: ItemOutcome, inside: list[str], place: str) -> ItemOutcome:
    """The outcome; as a failed one where files that were made have not arrived."""
    lost = {name for result in outcome.results for name in result["files"].values()}.difference(inside)
    if not lost:
        return outcome
    error = OutputError("its results did not arrive in {place} ({files})", place=place, files=", ".join(sorted(lost)))
    return failed_outcome(outcome.item, error, outcome.worker, outcome.seconds)


def _with_state(record: LedgerRecord, state: str, error: str = "") -> LedgerRecord:
    return replace(record, state=state, error=error)


def _free_names(store: ResultStore, inside: list[str], folder: str) -> dict[str, str]:
    """Name below the stage -> name below the folder of the results."""
    for number in itertools.count(1):
        names = {name: _numbered(name, number) for name in inside}
        if not any(store.exists(_below(folder, there)) for there in names.values()):
            return names
    raise AssertionError("counting never ends")


def _numbered(name: str, number: int) -> str:
    path = PurePosixPath(name)
    return name if number == 1 else str(path.with_name(f"{path.stem} ({number}){path.suffix}"))


def _rename_in_sidecars(store: ResultStore, stage: str, names: dict[str, str]) -> None:
    called = {PurePosixPath(here).name: PurePosixPath(there).name for here, there in names.items()}
    for name in names:
        if not name.endswith(".json"):
            continue
        beside = json.loads(store.read(f"{stage}/{name}"))
        changed = {part: called[beside[part]] for part in ("stem", "rest", "mix") if beside.get(part) in called}
        store.write(f"{stage}/{name}", sidecar_bytes(beside | changed))


def _renamed(files: dict[str, str], names: dict[str, str], folder: str) -> dict[str, str]:
    return {part: _below(folder, names.get(name, name)) for part, name in files.items()}


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
