"""What every test gets: no network beyond this machine, no telemetry, no thread left behind, tones, the bundle."""

from __future__ import annotations

import gc
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings
from outside import LOCAL_HOSTS, Outside, telemetry_files

from engine.telemetry import turn_off_telemetry

if TYPE_CHECKING:
    import tinyrun

ROOT = Path(__file__).parents[1]
SMALL_BUNDLE = ROOT / "resources" / "bundles" / "small"
THREAD_GRACE_S = 2.0
# Files that take longest, as `make test` says: they begin first, so that no worker waits for another's last.
LONGEST = (
    "test_bench.py", "test_mask_graph.py", "test_editing.py", "test_mage_music.py", "test_packages.py",
    "test_ardour_window.py", "test_sessions.py", "test_encoders.py", "test_guard.py", "test_command.py",
    "test_processes.py", "test_cluster.py", "test_distributed.py", "test_trials.py", "test_step.py",
    "test_additivity.py",
)  # fmt: skip
# Files in which nearly every test starts a process, drives another program, or waits for a job of the window.
SLOW = {
    "test_workspace.py", "test_job_controller.py", "test_whole_window.py", "test_one_sum.py", "test_ghost_lanes.py",
    "test_recovery_of_jobs.py", "test_reaper.py", "test_live.py", "test_clients.py", "test_send.py", "test_kit_jobs.py",
    "test_recovery.py", "test_chained_tasks.py", "test_trial_plugins.py", "test_plugins_command.py", "test_chain.py",
    "test_sampled.py", "test_small_bundle.py", "test_small_edits.py",
}  # fmt: skip
TELEMETRY_BEFORE = pytest.StashKey[dict[Path, int]]()
OUTSIDE = Outside()

turn_off_telemetry()  # before any test imports ONNX Runtime


def pytest_sessionstart(session: pytest.Session) -> None:
    """From here on every connection is heard of, and every file of telemetry is new."""
    session.config.stash[TELEMETRY_BEFORE] = telemetry_files(Path.home())
    sys.addaudithook(OUTSIDE)
    gc.disable()


def pytest_collection_finish() -> None:
    """Nothing of what was collected is garbage before the end: no collection of garbage looks through it again."""
    gc.freeze()
    gc.enable()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The whole run fails when any of its processes wrote telemetry, or this one spoke to somebody outside."""
    written = set(telemetry_files(Path.home()).items()) - set(session.config.stash[TELEMETRY_BEFORE].items())
    if written or OUTSIDE.seen:
        print(f"telemetry was written: {sorted(str(path) for path, _ in written)}; reached for: {OUTSIDE.seen}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_configure(config: pytest.Config) -> None:
    """Hypothesis tries fewer examples where slow tests are left out.

    A shell that runs the tests in the background has Ctrl-C ignored; a user's terminal has not.
    """
    for lane, examples in (("quick", 60), ("every", 500)):
        settings.register_profile(lane, max_examples=examples, deadline=None, derandomize=True, database=None)
    settings.load_profile("quick" if "not slow" in config.option.markexpr else "every")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the tiny run waits for its training: it is slow without saying so. The longest files begin."""
    for item in items:
        if item.path.name in SLOW or "tiny_run" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    counts = Counter(item.path for item in items)
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (ranks.get(item.path.name, len(ranks)), -counts[item.path], item.path))


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anything but this machine fails the test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and str(address[0]) not in LOCAL_HOSTS:
            raise AssertionError(f"a test tried to reach {address[0]}; tests use only what is in the repository")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def no_leaked_threads() -> Iterator[None]:
    """A thread that outlives its test would hang the program at exit."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + THREAD_GRACE_S
    while leaked := [t for t in threading.enumerate() if t not in before and not t.daemon]:
        if time.monotonic() > deadline:
            pytest.fail(f"threads left behind: {', '.join(thread.name for thread in leaked)}")
        time.sleep(0.02)


@pytest.fixture
def tones() -> Callable[..., np.ndarray]:
    """Steady tones: ``tones(seconds, rate_hz, channels, (440.0, 660.0))`` -> float32 (channels, samples)."""

    def make(
        seconds: float = 1.0, rate_hz: int = 44100, channels: int = 2, pitches_hz: tuple[float, ...] = (440.0,)
    ) -> np.ndarray:
        time_N = np.arange(round(seconds * rate_hz)) / rate_hz
        wave_N = sum(np.sin(2 * np.pi * pitch * time_N) for pitch in pitches_hz) * (0.4 / len(pitches_hz))
        pan_C1 = np.linspace(1.0, 0.6, channels)[:, None]
        return (pan_C1 * wave_N).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def small_bundle() -> Path:
    """The bundle that ships; the product is not complete without it."""
    if not (SMALL_BUNDLE / "manifest.json").is_file():
        pytest.fail(f"the shipped bundle is missing: {SMALL_BUNDLE.relative_to(ROOT)}/manifest.json")
    return SMALL_BUNDLE


@pytest.fixture(scope="session")
def fluxstem() -> Callable[..., tuple[subprocess.CompletedProcess[str], dict]]:
    """Run the command line: ``fluxstem("isolate", path, "bass")`` -> (process, the JSON of its last line or {})."""

    def run(*args: object, timeout_s: float = 300) -> tuple[subprocess.CompletedProcess[str], dict]:
        command = [sys.executable, "-m", "engine", *map(str, args)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)
        last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
        return done, json.loads(last) if last.startswith("{") else {}

    return run


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> tinyrun.TinyRun:
    """A bundle trained and exported from these sources, with the runs it came from; a copy that tests may write to."""
    import tinyrun
    from tinycache import kept_run

    folder = tmp_path_factory.mktemp("tiny") / "run"
    shutil.copytree(kept_run(), folder)
    return tinyrun.opened(folder)


@pytest.fixture
def exported_before(tiny_run: tinyrun.TinyRun, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``write_bundle`` takes the tiny bundle's own graphs where it would trace the same run again."""
    import tinyrun

    monkeypatch.setattr("export.write.export_graph", again := tinyrun.exported_before(tiny_run.bundle))
    return again
