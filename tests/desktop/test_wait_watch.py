"""The benchmark's watch names who was at work while a thread waited, without needing the lock of Python."""

import platform
import sys
import threading
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="it reads /proc and signals one thread"
)
LIMIT_S = 60.0


@pytest.fixture
def watch(tmp_path, monkeypatch):
    """A watch over the thread of the test."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    from waits import WaitWatch

    made = WaitWatch(tmp_path)
    yield made
    made.close()


def test_a_wait_names_the_thread_that_worked_and_its_function(watch, tmp_path):
    told = threading.Event()

    def reads_a_song():
        while not told.is_set():
            pass

    reader = threading.Thread(target=reads_a_song, name="reader")
    began_s = time.monotonic()
    reader.start()
    while not (waits := watch.waits(began_s)):  # until the watch, which may be late itself, has seen one
        assert time.monotonic() < began_s + LIMIT_S
        watch.beat()
        time.sleep(0.2)
        watch.beat()
    told.set()
    reader.join()
    wait = waits[0]
    assert wait.threads[0].name == "MainThread"
    assert "test_a_wait_names_the_thread_that_worked_and_its_function (" in str(wait.threads[0])
    assert "reads_a_song (test_wait_watch.py" in str(next(one for one in wait.threads if one.name == "reader"))
    assert "held up" in str(wait)
