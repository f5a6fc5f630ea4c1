"""A host that hangs is noticed and replaced, and a cancel is answered, whatever state it is in."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from clihelp import write_music
from onnx import TensorProto, helper
from toybundle import write_toy_bundle

from engine import Cancelled, Engine, HostError, HostHung, Progress, Request
from engine.bundle.bundle import file_sha256
from engine.host import process as host_process
from engine.host.folders import WritableFolders, existing_part
from engine.host.process import BEHIND_NICE, HostProcess
from engine.host.watch import LOOK_S, HostWatch, WatchLimits
from engine.runtime.backend import ON_OPENING, opening_graph

LIMIT_S = 120.0
LIMITS = WatchLimits(stopped_s=1.0, silent_s=3.0, step_s=3.0, cancel_s=1.0)
needs_stop = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="a process cannot be stopped here")
needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="this system does not tell that")


@pytest.fixture
def request_of(toy_bundle: Path, tmp_path: Path) -> Callable[..., Request]:
    """A request for a stem; ``steps=1000`` makes it last minutes."""
    mix = write_music(tmp_path / "in" / "mix.wav", seconds=10)

    def make(steps: int = 1, bundle: Path = toy_bundle, out: str = "out") -> Request:
        return Request(
            task="isolate", prompts=("violin",), input=str(mix), out=str(tmp_path / out), bundle=str(bundle),
            steps=steps, batch_windows=1 if steps > 1 else None,
        )  # fmt: skip

    return make


class Started:
    """Knows when a job has begun."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def __call__(self, event: object) -> None:
        if isinstance(event, Progress):
            self.event.set()

    def wait(self) -> None:
        assert self.event.wait(LIMIT_S)
        self.event.clear()


@needs_stop
@needs_proc
def test_a_stopped_host_fails_its_job_and_the_next_one_is_done_by_another(request_of):
    started = Started()
    with Engine(started, limits=LIMITS) as engine:
        hung, following = engine.submit(request_of(1000)), engine.submit(request_of())
        started.wait()
        os.kill(pid := engine.host_pid, signal.SIGSTOP)
        with pytest.raises(HostHung, match="stopped"):
            engine.wait(hung, LIMIT_S)
        assert engine.wait(following, LIMIT_S).results
        assert engine.host_pid != pid


@needs_stop
@pytest.mark.parametrize("begun", [True, False], ids=["at work", "idle before"])
def test_a_cancel_is_answered_by_a_stopped_host_within_two_seconds(request_of, begun):
    started = Started()
    with Engine(started, limits=WatchLimits(stopped_s=60.0)) as engine:
        if not begun:
            engine.wait(engine.submit(request_of()), LIMIT_S)
            os.kill(engine.host_pid, signal.SIGSTOP)
        jobs = [engine.submit(request_of(1000)) for _ in range(3)]
        if begun:
            started.wait()
            os.kill(engine.host_pid, signal.SIGSTOP)
        for job in jobs:
            engine.cancel(job)
        asked_s = time.monotonic()
        for job in jobs:
            with pytest.raises(Cancelled):
                engine.wait(job, LIMIT_S)
        assert time.monotonic() - asked_s < 2.0 + LIMIT_S / 20  # the machine may be busy


@needs_stop
def test_an_engine_is_closed_in_time_when_its_host_is_stopped(request_of):
    started = Started()
    engine = Engine(started)
    engine.submit(request_of(1000))
    started.wait()
    os.kill(engine.host_pid, signal.SIGSTOP)
    began_s = time.monotonic()
    engine.close()
    assert time.monotonic() - began_s < 3.0 + LIMIT_S / 20


@pytest.fixture
def slow_bundle(tmp_path: Path) -> Path:
    """A bundle whose step does far more arithmetic than anybody waits for."""
    folder = tmp_path / "slow"
    write_toy_bundle(folder)
    model = onnx.load(folder / "step.onnx")
    side, rounds = 2048, 3000  # as large as a graph may make a tensor
    nodes = [  # from the input, so that it cannot be computed while the graph is opened
        helper.make_node("ReduceMean", ["x"], ["level"], keepdims=0),
        helper.make_node("Mul", ["level", "nothing"], ["flat"]),
        helper.make_node("Expand", ["flat", "side"], ["m0"]),
    ]
    nodes += [helper.make_node("MatMul", [f"m{k}", "m0"], [f"m{k + 1}"]) for k in range(rounds)]
    nodes += [helper.make_node("ReduceMean", [f"m{rounds}"], ["mean"], keepdims=0)]
    nodes += [helper.make_node("Mul", ["mean", "nothing"], ["zero"])]
    old = model.graph.node[-1]
    result = model.graph.output[0].name
    for place, name in enumerate(old.output):
        old.output[place] = "result_before" if name == result else name
    nodes += [helper.make_node("Add", ["result_before", "zero"], [result])]
    model.graph.initializer.append(helper.make_tensor("side", TensorProto.INT64, [2], [side, side]))
    model.graph.initializer.append(helper.make_tensor("nothing", TensorProto.FLOAT, [], [0.0]))
    model.graph.node.extend(nodes)
    before = file_sha256(folder / "step.onnx")
    onnx.save(model, folder / "step.onnx")
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace(before, file_sha256(folder / "step.onnx")))
    (folder / "manifest.sha256").unlink(missing_ok=True)
    return folder


def test_a_graph_that_takes_for_ever_is_given_up_and_the_next_job_is_done(request_of, slow_bundle):
    with Engine(limits=LIMITS) as engine:
        slow = engine.submit(request_of(bundle=slow_bundle))
        following = engine.submit(request_of())
        with pytest.raises(HostHung, match="no step within 3 s"):
            engine.wait(slow, LIMIT_S)
        assert engine.wait(following, LIMIT_S).results


def test_a_cancel_ends_a_graph_that_takes_for_ever(request_of, slow_bundle, tmp_path):
    started = Started()
    with Engine(started) as engine:
        slow = engine.submit(request_of(bundle=slow_bundle))
        started.wait()
        engine.cancel(slow)
        with pytest.raises(Cancelled):
            engine.wait(slow, LIMIT_S)
        assert engine.wait(engine.submit(request_of()), LIMIT_S).results
    assert not [name for name in os.listdir(tmp_path / "out") if name.startswith(".")]


def test_a_job_in_another_folder_gets_a_host_that_may_write_there(request_of, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "deep").mkdir(parents=True)
    with Engine() as engine:
        engine.wait(engine.submit(request_of(out="one/deep")), LIMIT_S)
        first = engine.host_pid
        engine.wait(engine.submit(request_of(out="one/deep/new")), LIMIT_S)
        assert engine.host_pid == first
        engine.wait(engine.submit(request_of(out="two/deep")), LIMIT_S)
        assert engine.host_pid != first
        second = engine.host_pid
        engine.wait(engine.submit(request_of(out="one/deep")), LIMIT_S)
        assert engine.host_pid == second, "both folders are known by now"


def test_a_folder_that_was_made_anew_is_another_one(tmp_path):
    place = tmp_path / "out"
    place.mkdir()
    folders = WritableFolders([str(place)])
    assert folders.cover([str(place), str(place / "not" / "there")])
    keeper = tmp_path / "keeper"  # so that the number of the folder is not given out again
    place.rename(keeper)
    place.mkdir()
    assert not folders.cover([str(place)])
    assert existing_part(str(place / "a" / "b")) == os.path.realpath(place)


class Clock:
    """A process that the test makes up: its state and its processor time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state, self.cpu = "S", 0.0
        monkeypatch.setattr("engine.host.watch.process_state", lambda pid: (self.state, self.cpu))

    def looks(self, watch: HostWatch, seconds: float, works: bool = False, beats: bool = False) -> str:
        for number in range(round(seconds / LOOK_S)):
            self.cpu += works
            if beats and number % 10 == 0:
                watch.hear({"event": "Heartbeat", "steps": 7})
            if why := watch.look(LOOK_S):
                return why
        return ""


def test_what_counts_as_hung(monkeypatch):
    limits = WatchLimits()
    clock = Clock(monkeypatch)
    assert "nothing was heard" in clock.looks(HostWatch(1, limits), limits.silent_s + 1)
    assert clock.looks(HostWatch(1, limits), limits.silent_s + 1, works=True) == ""
    assert "no step" in clock.looks(HostWatch(1, limits), limits.step_s + 1, works=True)
    assert clock.looks(HostWatch(1, limits), limits.step_s - 1, beats=True) == ""
    assert "no step" in clock.looks(HostWatch(1, limits), limits.step_s + 1, beats=True)
    stopped = HostWatch(1, limits)
    for state, seconds in (("T", limits.stopped_s - 1), ("S", 1.0), ("T", limits.stopped_s - 1)):
        clock.state = state
        assert clock.looks(stopped, seconds, works=True, beats=True) == "", "it went on in time"
    assert "it was stopped" in clock.looks(stopped, 2.0, works=True, beats=True)
    clock.state = "S"
    opening = HostWatch(1, limits)
    opening.hear({"event": "Opening", "opening_s": 300.0})
    assert clock.looks(opening, 299) == ""
    assert "no step within 300 s" in clock.looks(opening, 2)
    asleep = HostWatch(1, limits)
    assert asleep.look(3600.0) == "", "a machine that slept accuses nobody"


def test_the_opening_of_a_graph_is_told_before_and_after():
    heard: list[float] = []
    ON_OPENING.append(heard.append)
    try:
        with opening_graph("tensorrt"):
            assert heard == [1800.0]
    finally:
        ON_OPENING.remove(heard.append)
    assert heard == [1800.0, 0.0]


def test_a_host_that_cannot_be_started_is_told_of(request_of):
    with Engine(host_command=("/nowhere/python",)) as engine, pytest.raises(HostError, match="could not be started"):
        engine.wait(engine.submit(request_of()), LIMIT_S)


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="this system does not tell that")
def test_an_engine_behind_a_window_lets_the_window_go_first(request_of):
    with Engine() as engine:
        engine.wait(engine.submit(request_of()))
        assert os.getpriority(os.PRIO_PROCESS, engine.host_pid) == os.getpriority(os.PRIO_PROCESS, 0)
    with Engine(behind=True) as engine:
        engine.wait(engine.submit(request_of(out="behind")))
        assert os.getpriority(os.PRIO_PROCESS, engine.host_pid) == os.getpriority(os.PRIO_PROCESS, 0) + BEHIND_NICE


def test_of_a_name_that_is_too_long_the_folder_above_counts(tmp_path):
    assert existing_part(str(tmp_path / ("n" * 300) / "deeper")) == str(tmp_path.resolve())


def test_what_is_too_long_for_a_message_is_none_and_the_next_one_is_heard(monkeypatch):
    """A hijacked host may write without an end."""
    monkeypatch.setattr(host_process, "MESSAGE_LIMIT_BYTES", 1000)
    code = "print('[' * 5000); print('{\"event\": \"Ready\"}', flush=True)"
    heard, gone = [], threading.Event()
    HostProcess(lambda host, message: heard.append(message), lambda host, why: gone.set(), (sys.executable, "-c", code))
    assert gone.wait(LIMIT_S)
    assert heard == [{"event": "Ready"}]
