"""An engine that is warm: process and bundle are there before the first job."""

import shutil
import threading
import time

from engine import Engine, Request
from engine.host.queue import HostQueue
from engine.pipeline import Pipeline

PATIENCE_S = 60.0


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
