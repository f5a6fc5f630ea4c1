"""The resume file, and results on their way to their place when something is cut short."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry

from engine.batch.find import WorkItem
from engine.batch.ledger import DONE, FAILED, PLACING, Ledger, LedgerRecord
from engine.batch.publish import finish_interrupted, publish
from engine.batch.stores import LEDGER, WORK, FolderStore, ResultStore, UrlStore
from engine.batch.work import ItemOutcome
from engine.errors import OutputError, RequestError

FILES = ("mix - drums.wav", "mix - drums rest.wav", "mix - drums.json")


@pytest.fixture(params=["folder", "url"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ResultStore]:
    """A place of each kind; the URL one works on a folder too, so that the tests can look inside."""
    if request.param == "url":
        opened: ResultStore = UrlStore((tmp_path / "out").as_uri())
    else:
        opened = FolderStore(str(tmp_path / "out"))
    with opened:
        yield opened


def outcome(store: ResultStore, stage: str = f"{WORK}/run-1", **changed: Any) -> ItemOutcome:
    """Results in their private folder, as an engine leaves them there."""
    with store.workspace(stage) as folder:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            (folder / name).write_bytes(name.encode())
        beside = {"fluxstem_sidecar": 1, "stem": FILES[0], "rest": FILES[1], "mix": None}
        (folder / FILES[2]).write_text(json.dumps(beside), "utf-8")
    files = {"stem": FILES[0], "rest": FILES[1], "sidecar": FILES[2]}
    item = WorkItem("/songs/sub/mix.wav", "sub/mix.wav", 10, 20)
    values = {"item": item, "stage": stage, "results": ({"prompt": "drums", "files": files},), "sha256": "ab"}
    return ItemOutcome(**values | changed)


def results(store: ResultStore) -> list[str]:
    return [name for name in store.files("") if not name.startswith(".fluxstem-batch/")]


def test_results_go_to_the_folder_of_their_file_and_are_written_down(store):
    record = publish(store, Ledger(store), outcome(store), "asked")
    assert results(store) == sorted(f"sub/{name}" for name in FILES)
    assert record.results[0]["files"] == {
        "stem": f"sub/{FILES[0]}", "rest": f"sub/{FILES[1]}", "sidecar": f"sub/{FILES[2]}",
    }  # fmt: skip
    assert store.files(WORK) == []
    again = Ledger(store).get("sub/mix.wav", "asked")
    assert again == record
    assert again.state == DONE


def test_nothing_is_overwritten_and_files_of_one_result_get_one_number(store):
    ledger = Ledger(store)
    publish(store, ledger, outcome(store), "asked")
    second = publish(store, ledger, outcome(store), "asked otherwise")
    assert set(second.files) == {"sub/mix - drums (2).wav", "sub/mix - drums rest (2).wav", "sub/mix - drums (2).json"}
    beside = json.loads(store.read("sub/mix - drums (2).json"))
    assert (beside["stem"], beside["rest"]) == ("mix - drums (2).wav", "mix - drums rest (2).wav")
    assert store.read("sub/mix - drums.wav") == FILES[0].encode()


@pytest.mark.parametrize("moved", range(len(FILES) + 1))
def test_a_kill_between_two_moves_is_made_good_at_the_next_start(moved, store, monkeypatch):
    """After any number of moves, and after all of them but before the line that says so."""
    left, move = moved, type(store).move

    def cut_short(self: ResultStore, here: str, there: str) -> None:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        move(self, here, there)

    ledger = Ledger(store)
    found = outcome(store)
    with monkeypatch.context() as patch:
        patch.setattr(type(store), "move", cut_short)
        if moved == len(FILES):
            put = ledger.put
            patch.setattr(ledger, "put", lambda record: put(record) if record.state == PLACING else _killed())
        with pytest.raises(KeyboardInterrupt):
            publish(store, ledger, found, "asked")
    assert Ledger(store).get("sub/mix.wav", "asked").state == PLACING
    finish_interrupted(store, ledger := Ledger(store))
    assert results(store) == sorted(f"sub/{name}" for name in FILES)
    assert Ledger(store).get("sub/mix.wav", "asked").state == DONE
    assert store.files(WORK) == []


def test_results_that_did_not_arrive_are_a_failure_that_is_tried_again(store):
    found = outcome(store)
    for name in store.files(WORK):
        if name.endswith("rest.wav"):
            delete(store, name)
    record = publish(store, Ledger(store), found, "asked")
    assert record.state == FAILED
    assert "mix - drums rest.wav" in record.error
    assert results(store) == []


def delete(store: ResultStore, name: str) -> None:
    """Remove one file behind the store's back."""
    place = store.place.removeprefix("file://")
    (Path(place) / name).unlink()


def _killed() -> None:
    raise KeyboardInterrupt


def test_results_that_vanished_on_their_way_are_made_again(store):
    ledger = Ledger(store)
    ledger.put(LedgerRecord(state=PLACING, target="a", digest="d", stage="gone", moves=(("gone/x", "x"),)))
    finish_interrupted(store, ledger)
    assert Ledger(store).get("a", "d").state == FAILED


def test_a_torn_last_line_is_skipped_and_does_not_spoil_the_next(tmp_path):
    with FolderStore(str(tmp_path)) as store:
        Ledger(store).put(LedgerRecord(state=DONE, target="a", digest="d"))
    whole = (tmp_path / LEDGER).read_bytes()
    for cut in range(1, len(whole)):
        (tmp_path / LEDGER).write_bytes(whole + whole[:cut])
        with FolderStore(str(tmp_path)) as store:
            ledger = Ledger(store)
            assert ledger.get("a", "d").state == DONE
            ledger.put(LedgerRecord(state=DONE, target="b", digest="d"))
            assert Ledger(store).get("b", "d").state == DONE


def test_what_another_version_wrote_is_kept(tmp_path):
    with FolderStore(str(tmp_path)) as store:
        store.append(b'{"state":"placing","target":"a","digest":"d","mood":"good","moves":[]}\n')
        store.append(b'[1,2]\n"words"\nnull\n\xff\n{"state":"done"}\n')
        finish_interrupted(store, Ledger(store))
        assert Ledger(store).get("a", "d").unknown == {"mood": "good"}
        assert len(list(Ledger(store))) == 1
    assert (tmp_path / LEDGER).is_file()  # a line that names no private folder has none removed


def test_only_private_folders_can_be_removed(store):
    publish(store, Ledger(store), outcome(store), "asked")
    for folder in ("", ".", "sub", ".fluxstem-batch", f"{WORK}/../../sub", "/"):
        store.remove(folder)
    assert len(results(store)) == len(FILES)


def test_one_batch_at_a_time_works_in_a_folder(tmp_path):
    with FolderStore(str(tmp_path)), pytest.raises(OutputError, match="another batch"):
        FolderStore(str(tmp_path)).__enter__()
    with FolderStore(str(tmp_path)):
        pass


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot write"):
        FolderStore(str(tmp_path / "out")).__enter__()


def test_the_lines_of_an_object_store_become_one_object_when_it_is_left(tmp_path):
    place_of = f"memory://batch-{tmp_path.name}"
    for number in range(3):
        with UrlStore(place_of) as store:
            ledger = Ledger(store)
            assert len(list(ledger)) == 2 * number
            for half in range(2):
                ledger.put(LedgerRecord(state=DONE, target=f"{number} {half}", digest="d"))
        assert [name for name in store.files("") if name.endswith("jsonl")] == [LEDGER]


class Listed(MemoryFileSystem):
    """Remembers what a folder held, as the file systems of object stores do, and has errors of its own."""

    protocol = "listed"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    cachable = False
    is_open = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._seen: dict[str, list[str]] = {}

    def find(self, path: str, *more: Any, **options: Any) -> list[str]:
        if path not in self._seen:
            self._seen[path] = super().find(path, *more, **options)
        return self._seen[path]

    def invalidate_cache(self, path: str | None = None) -> None:
        self._seen.clear()

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        if not type(self).is_open:
            raise AccessDenied("no right to write")
        super().pipe_file(path, value)


class AccessDenied(Exception):
    """As botocore and paramiko have them: no OSError."""


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(_registry, "listed", Listed)
    Listed.store.clear()
    return "listed://bucket/stems"


def test_what_another_machine_sent_is_seen_at_once(listed):
    with UrlStore(listed) as here:
        assert here.files(f"{WORK}/run-1") == []
        there = UrlStore(listed)
        found = outcome(there)
        assert publish(here, Ledger(here), found, "asked").state == DONE
        assert results(here) == sorted(f"sub/{name}" for name in FILES)


def test_errors_of_a_file_system_are_told_in_one_sentence_before_any_work(listed, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Listed, "is_open", False)
        with pytest.raises(OutputError, match="AccessDenied: no right to write"):
            UrlStore(listed).__enter__()
    with UrlStore(listed) as store:
        found = outcome(store)
        monkeypatch.setattr(Listed, "is_open", False)
        with pytest.raises(OSError, match="AccessDenied"):
            publish(store, Ledger(store), found, "asked")


def test_a_place_that_cannot_be_reached_is_refused(monkeypatch):
    def refuse(self: Any, **options: Any) -> None:
        raise ConnectionRefusedError("nobody listens there")

    monkeypatch.setitem(_registry, "listed", type("Far", (Listed,), {"__init__": refuse}))
    with pytest.raises(OutputError, match="nobody listens there"):
        UrlStore("listed://far/stems")


def test_a_url_that_fsspec_does_not_know_is_refused():
    with pytest.raises(RequestError, match="cannot be reached"):
        UrlStore("nowhere9://bucket/stems")
