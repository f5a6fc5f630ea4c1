"""The window's thread is free while others work: the longest wait of a 5 ms timer is printed, never judged by a clock.

What decides is the design: nothing slow runs on the window's thread, so its timer keeps ticking all the while.
"""

import time

import pytest
from PySide6.QtCore import QTimer

from desktop.models.request_builder import draft_request

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
