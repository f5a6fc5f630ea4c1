"""The window at work with a real bundle: ``python tests/benchmarks/first_minute.py song`` or ``... jobs``.

``song`` drops a song onto the window, clicks the chip of four stems, solos the first lane as soon as a part of it can
be heard, and drags it out when it is whole. Prints how long each took, the longest wait of a 5 ms timer on the window's
thread meanwhile, and how far off the told time left was. ``jobs`` runs many short jobs one after the other and prints
the memory of the window and of the engine. Of waits longer than 60 ms both say who was at work; see ``waits.py``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from waits import WaitWatch

ROOT = Path(__file__).resolve().parents[2]
TICK_MS = 5
LIMIT_S = 900.0
JOB_SECONDS = 4
EXPLAINED = 5  # waits


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("song", "jobs"))
    parser.add_argument("--file", type=Path, help="the song; else the demo, again and again")
    parser.add_argument("--seconds", type=float, default=180.0, help="length of the repeated demo")
    parser.add_argument("--count", type=int, default=50, help="jobs")
    asked = parser.parse_args()
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as name:
        trial = Trial(Path(name))
        try:
            if asked.what == "song":
                trial.song(asked.file or repeated_demo(Path(name) / "song.wav", asked.seconds))
            else:
                trial.jobs(asked.count)
        finally:
            trial.window.leave()
            trial.watch.close()


def repeated_demo(path: Path, seconds: float) -> Path:
    """The demo mix, repeated, as a 24-bit WAV."""
    import soundfile

    audio_NC, rate_hz = soundfile.read(ROOT / "resources" / "demo" / "mix.flac", always_2d=True)
    times = int(np.ceil(seconds * rate_hz / len(audio_NC)))
    soundfile.write(path, np.tile(audio_NC, (times, 1))[: round(seconds * rate_hz)], rate_hz, subtype="PCM_24")
    return path


class Trial:
    """A window of its own.

    Args:
        own: folder for all it keeps.
    """

    def __init__(self, own: Path) -> None:
        from PySide6.QtCore import QTimer

        from desktop.app import make_application
        from desktop.link import EngineLink
        from desktop.models.settings import AppSettings
        from desktop.models.workspace import Workspace
        from desktop.views.main_window import MainWindow

        self.application = make_application()
        settings = AppSettings(own / "settings.ini")
        settings.set("seen_hint", True)
        self.workspace = Workspace(settings, own / "data", own / "cache", EngineLink())
        self.workspace.troubled.connect(lambda message, details: print(f"trouble: {message} {details}"))
        self.window = MainWindow(self.workspace)
        self.window.resize(1600, 1000)
        self.window.show()
        self.watch = WaitWatch(own)
        self.longest_s, self._last_s, self._since_s = 0.0, time.perf_counter(), time.monotonic()
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(TICK_MS)

    def _tick(self) -> None:
        now_s = time.perf_counter()
        self.longest_s, self._last_s = max(self.longest_s, now_s - self._last_s), now_s
        self.watch.beat()

    def until(self, done: Any) -> None:
        """Let the window work until something is true."""
        from PySide6.QtCore import QEventLoop

        end_s = time.monotonic() + LIMIT_S
        while not done():
            if time.monotonic() > end_s:
                raise SystemExit("it took too long")
            self.application.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 20)

    def print_waits(self, when: str) -> None:
        """Print the longest wait of the timer since the last time, and who was at work in the longest few."""
        print(f"{when}: longest wait {1000 * self.longest_s:.0f} ms")
        for wait in self.watch.waits(self._since_s)[:EXPLAINED]:
            print(wait)
        self.longest_s, self._last_s, self._since_s = 0.0, time.perf_counter(), time.monotonic()

    def song(self, path: Path) -> None:
        """From the file to a stem in the hand, in four actions."""
        import desktop.views.lane_actions as lane_actions

        workspace, window, dragged = self.workspace, self.window, []
        lane_actions.start_drag = lambda source, paths, *rest: dragged.extend(paths)
        project = lambda: workspace.document.project  # noqa: E731
        self.print_waits("showing the window")
        began_s = time.perf_counter()
        window.drops.take([path], as_lanes=False)
        self.until(lambda: project().source is not None and ("stems", "4") in window.prompt.offers.buttons)
        opened_s = time.perf_counter() - began_s
        print(f"open {opened_s:.1f} s after the drop")
        self.print_waits("opening")
        window.prompt.offers.buttons[("stems", "4")].click()
        asked_s = time.perf_counter() - began_s
        told: list[tuple[float, float]] = []
        jobs = workspace.jobs.queue

        def look() -> None:
            row = jobs.rows[-1]
            left_s = row.eta_s(jobs.now_s())
            if left_s is not None:
                told.append((time.perf_counter() - began_s, left_s))

        jobs.dataChanged.connect(look)
        self.until(lambda: any(ghost.plays for ghost in workspace.jobs.ghosts))
        first = next(ghost for ghost in workspace.jobs.ghosts if ghost.plays)
        workspace.jobs.set_ghost(first.id, solo=True)
        heard = [track for track in workspace.transport.scene(project()).tracks if track.heard]
        heard_s = time.perf_counter() - began_s
        print(f"first stem ({first.name}) soloed and playable {heard_s:.1f} s after the drop: {len(heard)} track heard")
        self.until(lambda: jobs.unfinished == 0)
        done_s = time.perf_counter() - began_s
        window.timeline.lanes[first.id].header.grip.dragged.emit(False)
        self.until(lambda: bool(dragged))
        print(
            f"all {len(project().lanes)} lanes {done_s - asked_s:.1f} s after the question; dragged: {dragged[0].name}"
        )
        self.print_waits("in four actions, while it worked")
        if told:
            off = [abs(at_s + left_s - done_s) / max(done_s - at_s, 1.0) for at_s, left_s in told]
            print(f"time left: told {len(told)} times, off by {100 * median(off):.0f} % of what was left (median)")

    def jobs(self, count: int) -> None:
        """Memory over many jobs."""
        workspace, window = self.workspace, self.window
        window.open_demo()
        self.until(lambda: workspace.document.project.source is not None)
        self.print_waits("opening the demo")
        rate_hz = workspace.document.project.rate_hz
        jobs = workspace.jobs.queue
        for number in range(1, count + 1):
            begin = number % 5 * JOB_SECONDS * rate_hz
            workspace.document.select((begin, begin + JOB_SECONDS * rate_hz))
            window.prompt.text.setText(("drum kit", "bass guitar")[number % 2])
            window.prompt.go.click()
            self.until(lambda: jobs.unfinished == 0 and not workspace.background.busy)
            if number in (1, 5, 10) or number % 10 == 0:
                window_mb, engine_mb = own_memory_mb(os.getpid()), own_memory_mb(workspace.link.host_pid)
                print(f"after {number} jobs: window {window_mb:.0f} MB, engine {engine_mb:.0f} MB of their own")
        self.print_waits(f"over {count} jobs")


def own_memory_mb(process: int) -> float:
    """Memory of a process that no file stands behind, in MB; Linux only."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
