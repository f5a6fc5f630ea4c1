"""The window's thread is free while others work: the longest wait of a 5 ms timer is printed, never judged by a clock.

What decides is the design: nothing slow runs on the window's thread, so its timer keeps ticking all the while.
"""

import os
import shutil
import subprocess
import sys
import threading
import time

import noteline
import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtWidgets import QWidget

from desktop.app import SWITCH_S, make_application
from desktop.audio.growing_stem import GrowingStem
from desktop.models.job_list import JobState
from desktop.models.request_builder import draft_request
from desktop.models.settings import WRITE_AFTER_S, AppSettings
from desktop.views.progress_line import ProgressLine
from engine import Request

WAIT_MS = 300_000
TICK_MS = 5


class Ticker:
    """Counts and measures the ticks of a timer."""

    def __init__(self):
        self.longest_s, self.ticks, self._last_s = 0.0, 0, time.perf_counter()
        self.timer = QTimer()
        self.timer.timeout.connect(self._tick)
        self.timer.start(TICK_MS)

    def _tick(self):
        now_s = time.perf_counter()
        self.longest_s = max(self.longest_s, now_s - self._last_s)
        self._last_s, self.ticks = now_s, self.ticks + 1

    def take(self):
        """Longest wait in ms and ticks since the last time."""
        taken = self.longest_s * 1000, self.ticks
        self.longest_s, self.ticks = 0.0, 0
        return taken


@pytest.mark.parametrize("seconds", [600])
def test_the_window_ticks_while_files_open_jobs_run_and_projects_are_saved(
    workspace, qtbot, make_wav, tmp_path, seconds, capsys
):
    path = make_wav("long.wav", seconds=seconds, rate_hz=44_100)
    ticker, figures = Ticker(), {}
    qtbot.wait(500)
    figures["doing nothing, for comparison"] = ticker.take()
    with qtbot.waitSignal(workspace.opened, timeout=WAIT_MS):
        workspace.open(path)
    figures[f"opening {seconds} s of stereo"] = ticker.take()
    workspace.document.select((0, 44_100))
    form = draft_request(task="isolate", text="violin", bundle=workspace.settings.get("bundle"), device="cpu")
    workspace.jobs.ask(form)
    qtbot.waitUntil(lambda: workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    figures["starting the engine, loading a bundle, a job"] = ticker.take()
    with qtbot.waitSignal(workspace.saved, timeout=WAIT_MS):
        workspace.save(tmp_path / "long.fluxstem")
    qtbot.wait(10 * TICK_MS)
    figures["saving"] = ticker.take()
    ticker.timer.stop()
    with capsys.disabled():
        for what, (longest_ms, ticks) in figures.items():
            print(f"\n{what}: {ticks} ticks, longest wait {longest_ms:.0f} ms", end="")
    assert all(ticks > 0 for _, ticks in figures.values())


def test_a_busy_thread_lets_the_window_go_on_at_once(qapp):
    sys.setswitchinterval(0.005)
    make_application()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_S)


class NeverFlushed(np.memmap):
    """A map of a file that must not wait for the disk."""

    def flush(self):
        raise AssertionError("Python keeps its lock while a map is flushed")


def test_a_stem_that_is_whole_waits_for_no_disk_with_the_lock_of_python(tmp_path):
    stem = GrowingStem(tmp_path / "stem.wav", 1000, 2, 44_100)
    stem.samples_NC = stem.samples_NC.view(NeverFlushed)
    stem.write(0, np.full((1000, 2), 0.25, np.float32))
    assert stem.finish().read_bytes()[-8:] == np.full(2, 0.25, np.float32).tobytes()


@pytest.fixture
def waited_for(monkeypatch):
    """Names of what was called on the window's thread although it takes as long as the disk does."""
    found = []

    def watched(name, real):
        def call(*args, **more):
            if threading.current_thread() is threading.main_thread():
                found.append(name)
            return real(*args, **more)

        return call

    for module, name in ((os, "fsync"), (os, "copy_file_range"), (shutil, "rmtree"), (shutil, "copyfile")):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, watched(name, getattr(module, name)))
    return found


@pytest.mark.slow
def test_the_window_waits_for_no_disk_while_it_listens_works_and_tidies_up(
    workspace, qtbot, tmp_path, make_wav, waited_for
):
    bundle, nowhere = workspace.settings.get("bundle"), str(tmp_path / "nowhere")
    jobs, document = workspace.jobs, workspace.document
    workspace.settings.set("find_tempo", True)
    workspace.open(noteline.write_line(tmp_path / "song.wav"))
    qtbot.waitUntil(lambda: workspace.tempo.state == "done", timeout=WAIT_MS)
    workspace.add_file(noteline.write_line(tmp_path / "flute.wav"))
    qtbot.waitUntil(lambda: len(document.project.lanes) == 1, timeout=WAIT_MS)
    lane = document.project.lanes[0]
    workspace.notes.show(lane.id, True)
    qtbot.waitUntil(lambda: bool(workspace.notes.marks(lane.id)), timeout=WAIT_MS)
    fails = jobs.ask(draft_request(task="isolate", text="violin", bundle=nowhere, device="cpu"))
    qtbot.waitUntil(lambda: jobs.queue.row(fails).state is JobState.FAILED, timeout=WAIT_MS)
    clip, out = str(make_wav("clip.wav")), str(tmp_path / "daw")
    of_a_daw = Request(task="isolate", prompts=("bass",), input=clip, out=out, bundle=bundle, device="cpu")
    workspace.link.engine.submit(of_a_daw)
    qtbot.waitUntil(lambda: len(jobs.queue.rows) == 2 and jobs.queue.unfinished == 0, timeout=WAIT_MS)
    with qtbot.waitSignal(workspace.saved, timeout=WAIT_MS):
        workspace.save(tmp_path / "song.fluxstem")
    qtbot.waitUntil(lambda: not workspace.background.busy, timeout=WAIT_MS)
    assert len(workspace.troubles) == 1, "of the job that failed"
    assert jobs.clip_of(jobs.queue.rows[-1]).is_file()
    assert {".notes", ".tempo"} <= {file.suffix for file in workspace.store.cache.iterdir()}
    assert waited_for == []


HOLDER = """
import sys, threading
from PySide6.QtCore import QLockFile
lock = QLockFile(sys.argv[1])
assert lock.tryLock(0)
print("held", flush=True)
told = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), told.set()), daemon=True).start()
told.wait(60)  # whoever stands still until then cannot tell it to go on
lock.unlock()
"""


def test_the_window_goes_on_while_its_settings_cannot_be_written(qtbot, tmp_path):
    file = tmp_path / "settings.ini"
    settings = AppSettings(file)
    command = [sys.executable, "-c", HOLDER, f"{file}.lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as another_window:
        assert another_window.stdout.readline() == "held\n"
        settings.set("theme", "light")
        QCoreApplication.processEvents()
        qtbot.wait(round(2000 * WRITE_AFTER_S))  # for the thread that writes to come to that lock
        went_on = another_window.poll() is None and not file.exists()
        another_window.communicate("go on\n")
    assert went_on
    assert settings.get("theme") == "light"
    settings.sync()
    assert AppSettings(file).get("theme") == "light"


def test_settings_of_two_windows_do_not_undo_each_other(qtbot, tmp_path):
    one, two = AppSettings(tmp_path / "settings.ini"), AppSettings(tmp_path / "settings.ini")
    one.set("theme", "light")
    one.sync()
    two.set("volume", 0.5)
    two.sync()
    assert two.get("theme") == "light"
    again = AppSettings(tmp_path / "settings.ini")
    assert (again.get("theme"), again.get("volume")) == ("light", 0.5)


def test_a_window_that_was_busy_is_told_of_progress_once_and_before_the_end(workspace, qtbot, make_wav, tmp_path):
    link, told = workspace.link, []
    link.progressed.connect(lambda job, fraction, stage: told.append((fraction, stage)))
    link.finished.connect(lambda job, done: told.append("finished"))
    request = Request(
        task="isolate", prompts=("bass",), input=str(make_wav("song.wav")), out=str(tmp_path / "out"),
        bundle=workspace.settings.get("bundle"), device="cpu",
    )  # fmt: skip
    with qtbot.waitSignal(link.finished, timeout=WAIT_MS):
        link.engine.wait(link.submit(request))  # the window does nothing else meanwhile
    assert len(told) == 2, told
    assert told[0][0] > 0
    assert told[1] == "finished"


def test_what_plays_is_loaded_ahead_by_a_worker(workspace, qtbot):
    asked = []
    workspace.transport.player.library = lambda: asked.append(threading.current_thread())
    workspace.transport.warm()
    qtbot.waitUntil(lambda: bool(asked) and not workspace.background.busy, timeout=WAIT_MS)
    assert asked[0] is not threading.main_thread()


class Painted(QWidget):
    """Counts how often it is painted."""

    times = 0

    def paintEvent(self, event):  # noqa: N802
        self.times += 1


def test_progress_is_painted_with_the_window_and_not_in_the_middle_of_other_work(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    beside, bar = Painted(window), ProgressLine(window)
    bar.setRange(0, 1000)
    window.show()
    qtbot.waitUntil(lambda: beside.times > 0)
    painted = beside.times
    beside.update()
    bar.setValue(500)
    assert bar.value() == 500
    assert beside.times == painted
    qtbot.waitUntil(lambda: beside.times > painted)
