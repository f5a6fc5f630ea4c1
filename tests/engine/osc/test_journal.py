"""The journal outlives a full disk at any line, and a receipt tells after a kill what became of a job's results."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from clihelp import everything_in, read, write_music
from heldhost import host_held_by
from oschelp import Caller

from engine import Done, Engine, EngineError, StemResult, settle_receipt
from engine.osc import Bridge, BridgeClient, journal
from engine.osc.home import receipt_of
from engine.osc.job_store import JobStore
from engine.osc.journal import Journal, JournalEntry
from engine.osc.transfer import fetch
from engine.receipt import Receipt

ROOT = Path(__file__).parents[3]


def entry(number: int, **changes: object) -> JournalEntry:
    return JournalEntry(**{"id": f"job {number}", "number": number, "task": "isolate", "asked": {}, **changes})


class FullDisk:
    """Lets so many bytes be written to files, and then no more, until there is room again."""

    def __init__(self) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write then fails, as on a full disk
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(self, size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, self._before[1]))

    def free(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@pytest.fixture
def disk() -> Iterator[FullDisk]:
    made = FullDisk()
    yield made
    made.free()


def test_a_disk_that_is_full_at_any_byte_loses_no_line_before_and_none_after(tmp_path, disk):
    for cut in range(0, 400, 7):
        path = tmp_path / f"journal{cut}"
        book = Journal(path)
        book.put(entry(1))
        disk.limit(path.stat().st_size + cut)
        refused = []
        for number in (2, 3):
            try:
                book.put(entry(number))
            except OSError:
                refused.append(number)
        disk.free()
        book.put(entry(4))
        book.close()
        kept = set(Journal(path).entries)
        assert kept == {f"job {number}" for number in (1, 2, 3, 4) if number not in refused}, cut


def test_a_half_line_that_cannot_be_taken_back_spoils_no_other(tmp_path):
    book = Journal(tmp_path / "journal")
    book.put(entry(1))

    class Torn:
        """A file that takes half a line, and cannot be cut."""

        def __init__(self, file) -> None:
            self.file = file

        def write(self, line: bytes) -> int:
            return self.file.write(line[: len(line) // 2])

        def truncate(self, size: int) -> None:
            raise OSError(5, "no")

        def __getattr__(self, name: str):
            return getattr(self.file, name)

    whole, book._file = book._file, Torn(book._file)
    with pytest.raises(OSError, match="No space"):
        book.put(entry(2))
    book._file = whole
    book.put(entry(3))
    book.close()
    assert set(Journal(tmp_path / "journal").entries) == {"job 1", "job 3"}


def test_a_journal_that_cannot_be_rewritten_goes_on_and_is_rewritten_later(tmp_path, disk, monkeypatch):
    monkeypatch.setattr(journal, "REWRITE_AFTER_LINES", 5)
    path = tmp_path / "journal"
    book = Journal(path)
    long = {"path": "x" * 400}
    for number in range(5):
        book.put(entry(number, asked=long))

    def full(*paths):
        raise OSError(28, "No space left on device")

    before = os.replace
    monkeypatch.setattr(os, "replace", full)
    for number in range(5, 9):
        book.put(entry(number, asked=long))
        book.sync()
    assert not path.with_suffix(".new").exists()
    monkeypatch.setattr(os, "replace", before)
    for number in range(9, 20):
        book.put(entry(number, asked=long))
        book.sync()
    book.put(entry(3, asked=long))
    book.sync()
    assert len(path.read_bytes().splitlines()) < 30, "it was rewritten"
    book.close()
    assert len(Journal(path).entries) == 20


def test_nobody_who_writes_a_job_down_waits_for_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "REWRITE_AFTER_LINES", 3)
    path = tmp_path / "journal"
    book = Journal(path)
    for number in range(4):
        book.put(entry(number))
    slow, at_it, syncs, sync = threading.Event(), threading.Event(), [], os.fsync

    def stuck(number: int) -> None:
        syncs.append(number)
        at_it.set()
        assert slow.wait(60)
        sync(number)

    monkeypatch.setattr(os, "fsync", stuck)
    thread = threading.Thread(target=book.sync)
    thread.start()
    assert at_it.wait(60)
    book.put(entry(4))  # while the disk is stuck in the middle of a rewrite
    assert len(syncs) == 1
    slow.set()
    thread.join()
    book.put(entry(5))
    book.close()
    assert set(Journal(path).entries) == {f"job {number}" for number in range(6)}
    assert len(syncs) > 1


def test_a_bridge_starts_on_a_full_disk_with_the_journal_it_has(tmp_path, disk):
    path = tmp_path / "journal"
    book = Journal(path)
    for number in range(3):
        book.put(entry(number))
    book.close()
    disk.limit(100)
    again = Journal(path)
    assert len(again.entries) == 3
    with pytest.raises(OSError, match=r"[Ff]ile too large|space"):
        again.put(entry(9))
    disk.free()
    again.put(entry(10))
    again.close()
    assert {"job 0", "job 10"} <= set(Journal(path).entries)


def test_the_end_of_a_job_that_the_disk_refused_is_written_when_there_is_room(tmp_path, disk):
    store = JobStore(tmp_path / "journal")
    store.accept(entry(1))
    disk.limit((tmp_path / "journal").stat().st_size + 3)
    store.write(entry(1, outcome="done"))
    disk.free()
    store.sync()
    store.close()
    assert Journal(tmp_path / "journal").entries["job 1"].outcome == "done"


@pytest.mark.parametrize(
    "line", ['{"id":7,"number":1}', '{"id":"a","number":"x","asked":{},"reply":[]}', "{}", "[]", "null", "\x00\x00"]
)
def test_lines_that_make_no_sense_are_skipped(tmp_path, line):
    path = tmp_path / "journal"
    book = Journal(path)
    book.put(entry(1))
    book.close()
    with path.open("a") as stream:
        stream.write(line + "\n")
    assert set(Journal(path).entries) == {"job 1"}


# Receipts.


def done_event(folder: Path) -> Done:
    result = StemResult(
        prompt="bass", stem=str(folder / "a.wav"), rest=str(folder / "b.wav"), sidecar=str(folder / "a.json"),
        null_db=-300.0, presence=1.0, gain_db=0.0, level_db=0.0, start_samples=0, length_samples=1, rate_hz=44_100,
    )  # fmt: skip
    return Done("job", (result,), 0.1, "cpu", "toy")


def test_a_receipt_tells_of_results_that_are_in_place(tmp_path):
    receipt = Receipt(tmp_path / "spool" / "receipt")
    receipt.done(done_event(tmp_path))
    receipt.close()
    assert settle_receipt(tmp_path / "spool" / "receipt", tmp_path) == done_event(tmp_path)
    assert settle_receipt(tmp_path / "spool" / "none", tmp_path) is None


def test_what_was_named_in_part_is_removed_and_nothing_else(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "users own.wav").write_bytes(b"mine")
    receipt = Receipt(tmp_path / "receipt")
    with (out / "draft").open("w+b") as draft, (out / "draft 2").open("w+b") as other:
        draft.write(b"stem")
        other.write(b"rest")
        draft.flush()
        other.flush()
        receipt.naming(out, [draft, other])
    (out / "draft").rename(out / "song - bass (2).wav")  # under whatever name it got
    (out / "draft 2").unlink()
    (out / "song - bass (2).json").write_text('{"fluxstem_sidecar": 1}')
    (out / "song - bass.json").write_text('{"fluxstem_sidecar": 1}')
    receipt.close()
    assert settle_receipt(tmp_path / "receipt", tmp_path / "elsewhere") is None
    assert len(os.listdir(out)) == 4, "nothing is removed in a folder that is none of results"
    assert settle_receipt(tmp_path / "receipt", out) is None
    assert sorted(os.listdir(out)) == ["song - bass.json", "users own.wav"]


def test_a_process_that_is_still_at_the_job_is_waited_for(tmp_path):
    path = tmp_path / "receipt"
    code = (
        "import sys, time; from pathlib import Path; from engine.receipt import Receipt; "
        "r = Receipt(Path(sys.argv[1])); print('at it', flush=True); time.sleep(float(sys.argv[2])); r.close()"
    )
    for seconds in ("0.5", "600"):  # the second one has to be killed
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path), seconds], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "at it\n"
        assert settle_receipt(path, tmp_path) is None
        process.stdout.close()
        assert process.wait() == (0 if seconds == "0.5" else -signal.SIGKILL)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="this system does not tell who has a file open")
def test_a_process_that_is_not_at_the_job_is_not_ended_whatever_the_receipt_says(tmp_path, monkeypatch):
    """The receipt is written by a process that runs strangers' bundles."""
    monkeypatch.setattr("engine.receipt.LEAVE_LIMIT_S", 0.2)
    receipt = Receipt(tmp_path / "receipt")  # held by this process, which is not to be ended either
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        receipt._write({"pid": other.pid})
        assert settle_receipt(tmp_path / "receipt", tmp_path) is None
        assert other.poll() is None
        other.communicate(b"\n")
    receipt.close()
    assert other.returncode == 0


HIJACKED = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from engine.events import Done, StemResult
from engine.host.main import _take_pipes, serve
commands, events = _take_pipes()
def work(job, request, report, check):
    result = StemResult(
        prompt="bass", stem=sys.argv[1], rest=None, sidecar="", null_db=None, presence=1.0, gain_db=0.0, level_db=None
    )
    return Done(job, (result,), 0.1, "cpu", "toy")
serve(commands, events, work)
os._exit(0)
"""


@pytest.mark.parametrize(("how", "why"), [("elsewhere", "none of its results"), ("by a link", "file is gone")])
def test_only_results_of_a_hijacked_engine_are_handed_out(settings, toy_bundle, tmp_path, monkeypatch, how, why):
    monkeypatch.setenv("FLUXSTEM_BUNDLES", str(toy_bundle.parent))
    mix, secret = write_music(tmp_path / "in" / "mix.wav"), tmp_path / "secret"
    secret.write_bytes(b"private")
    named = secret
    if how == "by a link":
        settings.out.mkdir()
        named = settings.out / "mix - bass.wav"
        named.symlink_to(secret)

    def stolen(client: BridgeClient) -> None:
        job = client.start("isolate", str(mix), "bass")
        client.wait(job)
        fetch(client, job, "stem", io.BytesIO())

    command = (sys.executable, "-P", "-c", HIJACKED, str(named))
    with (
        Engine(host_command=command) as engine, Bridge(engine, settings) as bridge,
        BridgeClient(port=bridge.state.tcp_port, tcp=True) as client, pytest.raises(EngineError, match=why),
    ):  # fmt: skip
        stolen(client)


def test_what_the_engine_may_write_is_not_where_inputs_are(toy_engine, mix, settings):
    """They are further names of the user's own files."""
    with Bridge(toy_engine, settings) as bridge, BridgeClient(port=bridge.state.tcp_port, tcp=True) as client:
        client.run("isolate", str(mix), "bass")
    [journal] = [json.loads(line) for line in (settings.home / "journal.jsonl").read_text().splitlines()[:1]]
    spool = Path(journal["spool"])
    assert receipt_of(str(spool)).is_relative_to(bridge.writable[1])
    assert not any(spool.is_relative_to(folder) or folder.is_relative_to(spool) for folder in bridge.writable)
    assert not any((settings.home / "receipts").iterdir()), "of a job that is done nothing stays"


def test_a_job_whose_end_nobody_heard_is_done_once(settings, toy_engine, tmp_path):
    """The bridge was killed after the results were in place and before its journal said so."""
    mix = write_music(tmp_path / "in" / "mix.wav", seconds=0.25)
    with Bridge(toy_engine, settings) as bridge:
        caller = Caller(bridge.state.udp_port)
        caller.say("/fluxstem/isolate", "one", str(mix), "bass")
        done = caller.until("/fluxstem/done")
        caller.socket.close()
    before = everything_in(settings.out)
    [first, *_, last] = [
        json.loads(line) for line in (settings.home / "journal.jsonl").read_text().splitlines() if line
    ]
    spool = settings.home / "spool" / "made anew"
    event = done_event(settings.out)
    paths = dict(zip(("stem", "rest"), done[3:5], strict=True))
    event = Done("j", (StemResult(**{**vars_of(event.results[0]), **paths}),), 0.1, "cpu", "toy")
    receipt = Receipt(receipt_of(str(spool)))
    receipt.done(event)
    receipt.close()
    unfinished = last | {"outcome": None, "reply": [], "spool": str(spool), "request": first.get("request")}
    (settings.home / "journal.jsonl").write_text(json.dumps(unfinished) + "\n")
    with Bridge(toy_engine, settings) as bridge:
        assert bridge.taken_up == 0
        caller = Caller(bridge.state.udp_port)
        again = caller.ask("/fluxstem/result", "one")
        assert again[:2] == ("/fluxstem/done", "one")
        assert again[3:5] == done[3:5]
        caller.socket.close()
    assert everything_in(settings.out) == before


def vars_of(result: StemResult) -> dict[str, object]:
    return {name: getattr(result, name) for name in result.__dataclass_fields__}


def test_a_hung_engine_is_replaced_and_its_job_is_tried_once_more(settings, toy_bundle, tmp_path, monkeypatch):
    from engine.host.watch import WatchLimits

    monkeypatch.setenv("FLUXSTEM_BUNDLES", str(toy_bundle.parent))
    mix = write_music(tmp_path / "in" / "mix.wav", seconds=0.25)
    (held := tmp_path / "held").touch()
    limits = WatchLimits(stopped_s=1.0)
    with Engine(host_command=host_held_by(held), limits=limits) as engine, Bridge(engine, settings) as bridge:
        caller = Caller(bridge.state.udp_port)
        caller.say("/fluxstem/isolate", "hangs once", str(mix), "bass")
        while caller.until("/fluxstem/progress")[2] == 0:
            pass
        os.kill(stopped := engine.host_pid, signal.SIGSTOP)
        held.unlink()
        done = caller.until("/fluxstem/done", "/fluxstem/fail")
        assert done[:2] == ("/fluxstem/done", "hangs once")
        assert engine.host_pid != stopped
        assert (read(done[3]) + read(done[4]) == read(mix)).all()
        caller.socket.close()
