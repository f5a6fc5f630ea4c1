"""An engine that is warm: process and bundle are there before the first job."""

import dataclasses
import shutil
import threading
import time

import pytest
from fakeruntime import DeviceFault, FakeRuntime
from toybundle import write_toy_bundle
from toymask import SHORT

from engine import Engine, Request
from engine.bundle.bundle import load_bundle
from engine.errors import DeviceLost
from engine.host.queue import HostQueue
from engine.pipeline import Pipeline
from engine.runtime.devices import GraphicsCard
from engine.runtime.fallback import OnnxBackend
from engine.runtime.memory import RESERVE_BYTES, BatchMemory, window_bytes
from engine.runtime.onnx_providers import OnnxRuntime
from engine.runtime.settings import BATCH_SIZES

PATIENCE_S = 60.0
CARD = GraphicsCard(0, "Card", 80 << 30, 60 << 30, "580.1", "9.0")


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def mask_bundle(tmp_path_factory):
    return write_toy_bundle(tmp_path_factory.mktemp("bundles") / "soft", decoder=SHORT, soft=20.0)


def on_card(bundle, fault=None, card=CARD):
    """A pipeline on a machine with a card, and the fake of its runtime."""
    runtime = FakeRuntime({"cuda": fault or DeviceFault()}, OnnxRuntime(), [card])
    return Pipeline(lambda name: bundle, lambda device: OnnxBackend(device, runtime)), runtime


def warmed(pipeline, bundle):
    """Warm until nothing is left; how many runs that took."""
    pipeline.warm(str(bundle), "auto")
    return sum(1 for _ in iter(pipeline.warm_on, False))


def request(bundle, mix, out):
    return Request(task="isolate", prompts=("violin",), input=str(mix), out=str(out), bundle=str(bundle), device="cpu")


def test_the_first_job_opens_no_graph_any_more(toy_bundle, noise, tmp_path):
    bundle = shutil.copytree(toy_bundle, tmp_path / "toy")
    pipeline = Pipeline(lambda name: bundle)
    pipeline.warm(str(bundle), "cpu")
    for graph in bundle.glob("*.onnx"):
        graph.unlink()
    out = tmp_path / "out"
    out.mkdir()
    done = pipeline.run(request(bundle, noise(), out), lambda *told: None, lambda: None)
    assert done.results[0].stem


def test_warming_comes_before_the_jobs_that_follow_and_its_failure_ends_nothing():
    order, ended = [], threading.Event()

    class Work:
        def __call__(self, job, request, report, check):
            order.append(job)
            raise RuntimeError("done enough")

        def warm(self, bundle, device):
            order.append((bundle, device))
            raise ValueError("no such bundle")

    jobs = HostQueue(Work(), lambda event: type(event).__name__ == "Failed" and ended.set())
    jobs.warm("small", "auto")
    jobs.submit("one", Request(task="generate", prompts=("violin",)))
    assert ended.wait(PATIENCE_S)
    assert jobs.close(PATIENCE_S)
    assert order == [("small", "auto"), "one"]


def test_a_warm_process_does_the_first_job_and_a_wrong_bundle_is_told_by_the_job(toy_bundle, noise, tmp_path):
    with Engine() as engine:
        engine.warm("no such bundle", "cpu", (tmp_path,))
        end_s = time.monotonic() + PATIENCE_S
        while engine.host_pid is None and time.monotonic() < end_s:
            time.sleep(0.01)
        warm = engine.host_pid
        assert warm is not None
        engine.warm(str(toy_bundle), "cpu")  # there is a process; it stays as it is
        done = engine.wait(engine.submit(request(toy_bundle, noise(), tmp_path / "out")), PATIENCE_S)
        assert done.results[0].stem
        assert engine.host_pid == warm


def test_an_engine_that_is_closed_is_not_warmed(tmp_path):
    engine = Engine()
    engine.close()
    engine.warm(writable=(tmp_path,))
    assert engine.host_pid is None


@pytest.mark.parametrize("how", [{}, {"prompts": ("violin", "bass", "flute")}, {"render": "flow"}], ids=str)
def test_a_warm_card_meets_no_new_shape_in_a_job(own_cache, toy_bundle, mask_bundle, noise, tmp_path, how):
    bundle = toy_bundle if how.get("render") else mask_bundle
    pipeline, runtime = on_card(bundle)
    assert warmed(pipeline, bundle) > 6
    warm = {graph: set(shapes) for graph, shapes in runtime.shapes.items()}
    out = tmp_path / "out"
    out.mkdir()
    asked = dataclasses.replace(request(bundle, noise(seconds=12.0), out), device="auto", **how)
    done = pipeline.run(asked, lambda *told: None, lambda: None)
    assert done.device == "CUDAExecutionProvider"
    assert runtime.shapes["step" if how.get("render") else "mask"]
    assert {
        name: found - warm[name] for name, found in runtime.shapes.items() if name in ("mask", "step", "encode")
    } == {name: set() for name in ("mask", "step", "encode") if name in runtime.shapes}


def test_only_sizes_that_the_card_has_room_for_are_warmed(own_cache, toy_bundle):
    each = window_bytes(load_bundle(toy_bundle).manifest)
    card = dataclasses.replace(CARD, free_bytes=RESERVE_BYTES + 5 * each)
    pipeline, runtime = on_card(toy_bundle, card=card)
    warmed(pipeline, toy_bundle)
    assert {rows for rows, *_ in runtime.shapes["encode"]} == {1, 2, 4}


def test_a_size_that_does_not_fit_ends_the_warming_of_those_above_it(own_cache, toy_bundle):
    pipeline, runtime = on_card(toy_bundle, DeviceFault(most_rows=8))
    warmed(pipeline, toy_bundle)
    assert {rows for rows, *_ in runtime.shapes["encode"]} <= {1, 2, 4, 8, 16}
    assert not pipeline.warm_on()


def test_the_cpu_has_nothing_to_warm_but_its_first_window(own_cache, toy_bundle):
    pipeline = Pipeline(lambda name: toy_bundle)
    pipeline.warm(str(toy_bundle), "cpu")
    assert not pipeline.warm_on()


def test_what_jobs_had_on_a_card_is_warmed_first_by_the_next_process(own_cache, toy_bundle, noise, tmp_path):
    pipeline, _ = on_card(toy_bundle)
    (tmp_path / "out").mkdir()
    asked = dataclasses.replace(request(toy_bundle, noise(), tmp_path / "out"), device="auto", batch_windows=8)
    pipeline.run(asked, lambda *told: None, lambda: None)
    again, runtime = on_card(toy_bundle)
    again.warm(str(toy_bundle), "auto")
    runtime.shapes["encode"].clear()
    again.warm_on()
    assert {rows for rows, *_ in runtime.shapes["encode"]} == {8}


def test_a_model_that_was_closed_is_warmed_anew_when_it_is_opened_again(own_cache, toy_bundle):
    pipeline, runtime = on_card(toy_bundle)
    warmed(pipeline, toy_bundle)
    assert not pipeline.warm_on()
    pipeline.forget_models()
    assert not pipeline.warm_on(), "no model is open"
    runtime.shapes["encode"].clear()
    warmed(pipeline, toy_bundle)
    assert len(runtime.shapes["encode"]) == len(BATCH_SIZES)


def test_a_damaged_list_of_sizes_is_no_list(tmp_path):
    memory = BatchMemory(tmp_path)
    memory.end("bundle", "Card", 16, 8)
    memory.end("bundle", "Card", 8, 4)
    assert memory.used("bundle", "Card") == [4, 8]
    [kept] = tmp_path.glob("*.json")
    for wrong in ("", "{", '{"a": 1}', '["x"]', "[" * 100_000):
        kept.write_text(wrong)
        assert memory.used("bundle", "Card") == []


def test_a_card_that_breaks_down_while_it_is_warmed_leaves_the_job_its_error(own_cache, toy_bundle, noise, tmp_path):
    pipeline, _ = on_card(toy_bundle, DeviceFault(lost_runs=12))
    pipeline.warm(str(toy_bundle), "auto")
    with pytest.raises(DeviceLost):
        sum(1 for _ in iter(pipeline.warm_on, False))
    assert not pipeline.warm_on(), "one error is enough"
    (tmp_path / "out").mkdir()
    with pytest.raises(DeviceLost):
        pipeline.run(
            dataclasses.replace(request(toy_bundle, noise(), tmp_path / "out"), device="auto"),
            lambda *told: None, lambda: None,
        )  # fmt: skip


def test_a_job_waits_for_one_step_of_warming_at_most(tmp_path):
    """A job that comes while the device is warmed begins after the step under way, and the others come after it."""
    order, in_step, goes_on, ended = [], threading.Event(), threading.Event(), threading.Event()

    class Work:
        def __call__(self, job, request, report, check):
            order.append(job)
            raise RuntimeError("done enough")

        def warm_on(self):
            order.append("step")
            in_step.set()
            assert goes_on.wait(PATIENCE_S)
            if order[-2:] == ["job", "step"]:
                ended.set()
            return len(order) < 4

    jobs = HostQueue(Work(), lambda event: None)
    assert in_step.wait(PATIENCE_S)
    jobs.submit("job", Request(task="generate", prompts=("violin",)))
    goes_on.set()
    assert ended.wait(PATIENCE_S)
    assert jobs.close(PATIENCE_S)
    assert order[:3] == ["step", "job", "step"]
