"""Jobs run one after the other in a process of their own, can be cancelled, and outlive the death of that process."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from clihelp import everything_in, write_music

from engine import (
    Accepted,
    Cancelled,
    CancelledJob,
    Done,
    Engine,
    EngineError,
    Event,
    Failed,
    HostError,
    Progress,
    Request,
    RequestError,
)
from engine.events import Check, Report
from engine.host.main import serve
from engine.host.queue import HostQueue
from engine.host.watch import WatchLimits
from engine.serialization import from_line, to_line

LIMIT_S = 300.0


@pytest.fixture
def request_of(toy_bundle, tmp_path):
    """A request for a stem of a short file; ``long=True`` gives one that would take minutes."""
    mix = write_music(tmp_path / "in" / "mix.wav", seconds=20)
    short = write_music(tmp_path / "in" / "short.wav", seconds=0.5)

    def make(long: bool = False, prompt: str = "violin") -> Request:
        return Request(
            task="isolate", prompts=(prompt,), input=str(mix if long else short), out=str(tmp_path / "out"),
            bundle=str(toy_bundle), steps=1000 if long else 1, batch_windows=1 if long else None,
        )  # fmt: skip

    return make


class Heard:
    """Keeps every event and acts once, at the first progress of one job."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.at_first_progress = lambda: None
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self.events.append(event)
            act = self.at_first_progress
            if isinstance(event, Progress):
                self.at_first_progress = lambda: None
        if isinstance(event, Progress):
            act()

    def of(self, job: str) -> list[Event]:
        return [event for event in self.events if event.job == job]


def test_a_job_is_accepted_progresses_and_is_done(request_of):
    heard = Heard()
    with Engine(on_event=heard) as engine:
        job = engine.submit(request := request_of())
        done = engine.wait(job, LIMIT_S)
    first, *middle, last = heard.of(job)
    assert isinstance(first, Accepted)
    assert first.request == request
    assert all(isinstance(event, Progress) for event in middle)
    fractions = [event.fraction for event in middle]
    assert fractions == sorted(fractions)
    assert all(0 <= fraction <= 1 for fraction in fractions)
    assert last == done
    assert done.results[0].prompt == "violin"


def test_a_killed_host_fails_its_job_and_the_queue_goes_on(request_of, tmp_path):
    killed: dict[str, int | None] = {}
    lost: list[str] = []

    def kill(event: Event) -> None:
        if isinstance(event, Progress) and event.job in lost and event.job not in killed:
            killed[event.job] = engine.host_pid
            os.kill(engine.host_pid, signal.SIGKILL)

    with Engine(on_event=kill) as engine:
        lost += [engine.submit(request_of(long=True)) for _ in range(2)]
        others = [engine.submit(request_of(prompt=prompt)) for prompt in ("violin", "bass")]
        for job in lost:
            with pytest.raises(HostError, match="SIGKILL"):
                engine.wait(job, LIMIT_S)
        for job in others:
            assert engine.wait(job, LIMIT_S).results
        assert engine.host_pid not in killed.values()
        assert len(set(killed.values())) == 2
    assert not [name for name in everything_in(tmp_path / "out") if name.endswith(".partial")]


def test_a_host_that_never_comes_up_is_given_up_with_its_last_words(request_of):
    with Engine(host_command=(sys.executable, "-c", "import sys; sys.exit('no such library')")) as engine:
        jobs = [engine.submit(request_of()) for _ in range(2)]
        for job in jobs:
            with pytest.raises(HostError, match="no such library"):
                engine.wait(job, LIMIT_S)


HIJACKED = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[3])!r})
from engine.events import Done, StemResult
from engine.host.main import _take_pipes, serve
commands, events = _take_pipes()
def work(job, request, report, check):
    figures = dict(null_db=None, presence=1.0, gain_db=0.0, level_db=None)
    files = dict(stem=sys.argv[1], rest=None, sidecar=request.out + "/a.json")
    return Done(job, (StemResult(prompt="violin", **files, **figures),), 0.1, "cpu", "toy")
serve(commands, events, work)
os._exit(0)
"""


def test_what_a_hijacked_host_names_elsewhere_is_no_result(request_of, tmp_path):
    """Its clients read results, and some remove them."""
    mine, out = tmp_path / "mine.wav", tmp_path / "out"
    for named, is_refused in ((mine, True), (out / ".." / "mine.wav", True), (out / "a.wav", False)):
        with Engine(host_command=(sys.executable, "-P", "-c", HIJACKED, str(named))) as engine:
            job = engine.submit(request_of())
            if not is_refused:
                assert engine.wait(job, LIMIT_S).results[0].stem == str(named)
                continue
            with pytest.raises(HostError, match="none of its results"):
                engine.wait(job, LIMIT_S)


def test_a_host_killed_while_idle_is_not_noticed_by_the_next_job(request_of):
    with Engine() as engine:
        engine.wait(engine.submit(request_of()), LIMIT_S)
        os.kill(engine.host_pid, signal.SIGKILL)
        assert engine.wait(engine.submit(request_of()), LIMIT_S).results


def test_only_the_last_finished_jobs_are_remembered(request_of):
    with Engine(kept_jobs=2) as engine:
        jobs = [engine.submit(request_of()) for _ in range(4)]
        assert engine.wait(jobs[-1], LIMIT_S).results
        assert engine.wait(jobs[-2], LIMIT_S).results
        with pytest.raises(EngineError, match="no job"):
            engine.wait(jobs[0])


def test_cancel_stops_the_running_job_and_the_waiting_one(request_of, tmp_path):
    heard = Heard()
    with Engine(on_event=heard) as engine:
        started = threading.Event()
        heard.at_first_progress = started.set
        running, waiting, last = (engine.submit(request_of(long=long)) for long in (True, True, False))
        assert started.wait(LIMIT_S)
        engine.cancel(waiting)
        engine.cancel(running)
        for job in (running, waiting):
            with pytest.raises(Cancelled):
                engine.wait(job, LIMIT_S)
            assert heard.of(job)[-1] == CancelledJob(job)
        assert not any(isinstance(event, Progress) for event in heard.of(waiting))
        done = engine.wait(last, LIMIT_S)
    result = done.results[0]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        Path(path).name for path in (result.stem, result.rest, result.sidecar)
    }


def test_closing_cancels_what_is_left_and_leaves_nothing(request_of, tmp_path):
    heard = Heard()
    with Engine(on_event=heard) as engine:
        started = threading.Event()
        heard.at_first_progress = started.set
        jobs = [engine.submit(request_of(long=True)) for _ in range(2)]
        assert started.wait(LIMIT_S)
    assert [heard.of(job)[-1] for job in jobs] == [CancelledJob(job) for job in jobs]
    assert not (tmp_path / "out").exists()
    with pytest.raises(EngineError, match="closed"):
        engine.submit(request_of())


def test_a_request_that_can_never_work_is_refused_at_once_and_starts_no_process():
    with Engine() as engine:
        with pytest.raises(RequestError, match="unknown task 'seperate'"):
            engine.submit(Request(task="seperate", prompts=("violin",), input="x.wav"))
        with pytest.raises(RequestError, match="steps 0"):
            engine.submit(Request(task="isolate", prompts=("violin",), input="x.wav", steps=0))
        assert engine.host_pid is None
        with pytest.raises(EngineError, match="no job"):
            engine.wait("nonsense")


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="a process cannot be stopped here")
def test_a_host_that_hears_nothing_any_more_is_left_in_time(request_of):
    heard = Heard()
    engine = Engine(on_event=heard, limits=WatchLimits(stopped_s=LIMIT_S))  # or the watch would end it before us
    started = threading.Event()
    heard.at_first_progress = started.set
    first = engine.submit(request_of(long=True))
    assert started.wait(LIMIT_S)
    os.kill(engine.host_pid, signal.SIGSTOP)
    for _ in range(1000):  # more than a pipe holds
        engine.submit(request_of())
    closing = threading.Thread(target=engine.close, args=(0.5,), daemon=True)
    closing.start()
    closing.join(LIMIT_S)
    assert not closing.is_alive()
    assert heard.of(first)[-1] == CancelledJob(first)


class Scripted:
    """Work whose length the test decides; stands where the pipeline stands."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, job: str, request: Request, report: Report, check: Check) -> Done:
        self.begun.set()
        match request.prompts[0]:
            case "crash":
                raise ZeroDivisionError("by nothing")
            case "chatter":
                for number in range(10_000):
                    report(number / 10_000, "counting")
            case "twice":
                for fraction in (0.2, 0.8, 0.5, 0.9):
                    report(fraction, f"stage {fraction}")
            case "wait":
                self.go_on.wait(LIMIT_S)
                check()
        return Done(job, (), 0.0, "none", "none")


def words(**message: object) -> bytes:
    return to_line(dict(message))


def served(*lines: bytes) -> list[dict]:
    """Give lines to a host in this process; its events after the first, which says it is ready."""
    events = io.BytesIO()
    serve(io.BytesIO(b"".join(lines)), events, Scripted())
    ready, *rest = [from_line(line) for line in events.getvalue().splitlines()]
    assert ready["event"] == "Ready"
    return rest


def test_the_host_survives_bad_messages():
    fine = {"task": "isolate", "prompts": ["violin"]}
    events = served(
        b"this is no message\n",
        b"[1, 2]\n",
        b"\xff\xfe\n",
        words(dance="please"),
        words(submit="a", request={"task": "isolate", "prompts": ["violin"], "out": 11}),
        words(submit="b", request=None),
        words(cancel="unknown"),
        words(submit="c", request=fine),
    )
    assert [(event["event"], event["job"]) for event in events][:2] == [("Failed", "a"), ("Failed", "b")]
    assert {event["job"] for event in events[2:]} == {"c"}
    assert events[-1]["event"] in ("Done", "CancelledJob")
    assert "its out is no text" in events[0]["message"]


def test_the_host_does_a_request_of_another_version():
    events = served(words(submit="a", request={"task": "isolate", "prompts": ["violin"], "loudness": 11}))
    assert events[-1]["event"] in ("Done", "CancelledJob")


@pytest.fixture
def queue() -> Iterator[tuple[HostQueue, Scripted, list[Event], threading.Semaphore]]:
    """A queue, its work, what it said, and a semaphore released at the end of each job."""
    said: list[Event] = []
    ends = threading.Semaphore(0)

    def send(event: Event) -> None:
        said.append(event)
        if isinstance(event, (Done, Failed, CancelledJob)):
            ends.release()

    work = Scripted()
    jobs = HostQueue(work, send)
    yield jobs, work, said, ends
    work.go_on.set()
    assert jobs.close(LIMIT_S)


def test_an_error_nobody_expected_fails_one_job_only(queue):
    jobs, _, said, ends = queue
    jobs.submit("a", Request(task="isolate", prompts=("crash",)))
    jobs.submit("b", Request(task="isolate", prompts=("fine",)))
    assert ends.acquire(timeout=LIMIT_S)
    assert ends.acquire(timeout=LIMIT_S)
    [failed] = [event for event in said if isinstance(event, Failed)]
    assert (failed.job, failed.kind) == ("a", "EngineError")
    assert "ZeroDivisionError" in failed.message
    assert isinstance(said[-1], Done)


def test_progress_is_thinned(queue):
    jobs, _, said, ends = queue
    jobs.submit("a", Request(task="isolate", prompts=("chatter",)))
    assert ends.acquire(timeout=LIMIT_S)
    progress = [event for event in said if isinstance(event, Progress)]
    assert 2 <= len(progress) < 1000
    assert [event.stage for event in progress][:2] == ["starting", "counting"]


def test_progress_never_falls(queue):
    jobs, _, said, ends = queue
    jobs.submit("a", Request(task="isolate", prompts=("twice",)))
    assert ends.acquire(timeout=LIMIT_S)
    assert [event.fraction for event in said if isinstance(event, Progress)] == [0.0, 0.2, 0.8, 0.8, 0.9]


def test_a_cancelled_job_stops_at_its_next_check(queue):
    jobs, work, said, ends = queue
    jobs.submit("a", Request(task="isolate", prompts=("wait",)))
    assert work.begun.wait(LIMIT_S)
    jobs.cancel("a")
    work.go_on.set()
    assert ends.acquire(timeout=LIMIT_S)
    assert said[-1] == CancelledJob("a")


def test_a_waiting_job_is_cancelled_at_once_and_never_begun(queue):
    jobs, work, said, ends = queue
    jobs.submit("a", Request(task="isolate", prompts=("wait",)))
    assert work.begun.wait(LIMIT_S)
    jobs.submit("b", Request(task="isolate", prompts=("fine",)))
    jobs.cancel("b")
    jobs.cancel("b")
    assert said[-1] == CancelledJob("b"), "while the first is still at work"
    jobs.submit("c", Request(task="isolate", prompts=("fine",)))
    work.go_on.set()
    for _ in "abc":
        assert ends.acquire(timeout=LIMIT_S)
    assert [event for event in said if event.job == "b"] == [CancelledJob("b")]
    assert {event.job for event in said if isinstance(event, Done)} == {"a", "c"}
