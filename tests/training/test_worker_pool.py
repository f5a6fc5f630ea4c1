"""Promises of the worker pool: every job once, whatever happens to its workers."""

import os
import signal
import threading
from functools import partial
from pathlib import Path

import psutil
import pytest

from training.data.stem_cache import StemCache
from training.synthesis.render_stems import render_cache
from training.synthesis.stem_config import StemRenderConfig
from training.worker_pool import JobFailed, WorkerCrash, WorkerPool


def square(job: int) -> int:
    return job * job


def die_once(folder: Path, victim: int, job: int) -> int:
    marker = folder / "died"
    if job == victim and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def always_die(job: int) -> int:
    os._exit(3)


def refuse(job: int) -> int:
    raise ValueError(f"no {job} today")


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_every_job_is_done_once(workers):
    assert sorted(WorkerPool(square, workers).run(range(7))) == [(k, k * k) for k in range(7)]


def test_a_killed_worker_is_named_and_its_job_done_again(tmp_path):
    crashes = []
    done = sorted(WorkerPool(partial(die_once, tmp_path, 3), 2, on_crash=crashes.append).run(range(6)))
    assert done == [(k, k) for k in range(6)]
    [crash] = crashes
    assert crash.job == 3
    assert crash.exit_code == -signal.SIGKILL
    assert str(crash) == f"{crash.worker} (process {crash.pid}) died with signal 9 (SIGKILL) during job 3"


def test_a_worker_killed_from_outside_is_replaced(tmp_path):
    crashes = []
    crew = WorkerPool(partial(die_once, tmp_path, -1), 2, on_crash=crashes.append)
    seen = []
    for job, _ in crew.run(range(8)):
        if not seen:
            os.kill(crew.pids["worker 1"], signal.SIGKILL)
        seen.append(job)
    assert sorted(seen) == list(range(8))
    assert [crash.worker for crash in crashes] in ([], ["worker 1"])  # it may have been between two jobs at the end


def test_a_job_that_kills_everybody_is_given_up():
    with pytest.raises(JobFailed, match=r"exit code 3 during job 0; 3 workers died of this job"):
        list(WorkerPool(always_die, 1, on_crash=lambda crash: None).run([0]))


def test_an_exception_in_a_job_reaches_the_caller():
    with pytest.raises(JobFailed, match="could not do job 5: ValueError: no 5 today"):
        list(WorkerPool(refuse, 1).run([5]))


def test_nobody_is_left_behind():
    crew = WorkerPool(square, 2)
    run = crew.run(range(50))
    next(run)
    pids = list(crew.pids.values())
    run.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def kill_first_child() -> None:
    """Kill the first process that this one starts."""
    tick = threading.Event()
    while not (children := psutil.Process().children()):
        tick.wait(0.01)
    children[0].kill()


def test_a_cache_is_the_same_when_a_render_worker_is_killed(tmp_path):
    def render(name: str) -> tuple[StemCache, list[WorkerCrash]]:
        config = StemRenderConfig(
            folder=str(tmp_path / name), rate_hz=8000, seconds=2.0, songs=False, pieces_per_shard=1
        )
        crashes: list[WorkerCrash] = []
        render_cache(config, 2, 1, niceness=0, on_crash=crashes.append)
        return StemCache(tmp_path / name), crashes

    killer = threading.Thread(target=kill_first_child)
    killer.start()
    killed, crashes = render("killed")
    killer.join()
    calm, none = render("calm")
    assert [(crash.worker, crash.job, crash.exit_code) for crash in crashes] == [("worker 1", 0, -signal.SIGKILL)]
    assert none == []
    assert [killed.label(k) for k in range(killed.count)] == [calm.label(k) for k in range(calm.count)]
    assert all((killed.audio(k) == calm.audio(k)).all() for k in range(calm.count))
