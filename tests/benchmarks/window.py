"""Frame time of the window with ten minutes of stereo and four lanes: ``python tests/benchmarks/window.py``.

Prints the median and the slowest repaint for playing (a moving cursor), scrolling and zooming, by the clock and by the
processor's time alone, which other programs on the machine do not change.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
RATE_HZ = 44_100
FRAMES = 120


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    minutes = parser.parse_args().minutes
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path.insert(0, str(ROOT))
    from desktop.app import make_application
    from desktop.link import EngineLink
    from desktop.models.project import Lane, LaneTake, Project, TakeOrigin
    from desktop.models.settings import AppSettings
    from desktop.models.workspace import Workspace
    from desktop.views.main_window import MainWindow

    application = make_application()
    with tempfile.TemporaryDirectory() as name:
        own = Path(name)
        workspace = Workspace(AppSettings(own / "settings.ini"), own / "data", own / "cache", EngineLink())
        ref = workspace.store.add(write_music(own / "music.wav", minutes))
        lanes = tuple(
            Lane(name=f"lane {n}", takes=(LaneTake(audio=ref, made=TakeOrigin(task="import")),)) for n in range(4)
        )
        window = MainWindow(workspace)
        window.resize(1920, 1080)
        window.show()
        workspace.document.replace_all(Project(title="music", source=ref, rate_hz=RATE_HZ, lanes=lanes))
        for look in (False, True):
            workspace.settings.set("spectrogram", look)
            measure(application, window, "spectrogram" if look else "waveform")
        workspace.document.replace_all(replace(Project()))
        window.close()


def write_music(path: Path, minutes: float) -> Path:
    """Noise with beats, in stereo."""
    import soundfile

    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", RATE_HZ, 2, subtype="PCM_16") as wav:
        for _ in range(round(minutes * 60)):
            beat = np.exp(-(np.arange(RATE_HZ) % (RATE_HZ // 2)) / 4000)[:, None]
            wav.write(0.3 * beat * rng.standard_normal((RATE_HZ, 2)))
    return path


def measure(application: object, window: object, look: str) -> None:
    """Three ways of moving, one line each."""
    viewport, timeline = window.timeline.viewport, window.timeline
    length = viewport.length
    moves = {
        "playing": lambda n: timeline._on_move(round(length * n / FRAMES)),
        "scrolling": lambda n: viewport.fit(0, length / 10) if n == 0 else viewport.scroll(37),
        "zooming": lambda n: viewport.zoom(0.93, 800),
    }
    for name, move in moves.items():
        viewport.fit()
        times_ms, own_ms = [], []
        for number in range(FRAMES):
            started_s, own_s = time.perf_counter(), time.thread_time()
            move(number)
            application.sendPostedEvents()
            application.processEvents()
            times_ms.append((time.perf_counter() - started_s) * 1000)
            own_ms.append((time.thread_time() - own_s) * 1000)
        print(
            f"{look}, {name}: median {median(times_ms):.1f} ms ({median(own_ms):.1f} of the processor), "
            f"slowest {max(times_ms):.1f} ms ({max(own_ms):.1f}) of {FRAMES} frames"
        )


if __name__ == "__main__":
    main()
