"""A chain of three real plug-ins over ten minutes of stereo: time, memory, length, place, and the same again.

    .venv/bin/python tests/benchmarks/plugins.py                  # Debian's zam-plugins, ten minutes
    .venv/bin/python tests/benchmarks/plugins.py --minutes 1 --plugins ZamCompX2 ZamTube ZamDelay

Prints one line for each figure; ends with 1 where length, place or sameness is not as it should be.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.audio.disk_array import DiskArray
from engine.plugins.chain import ChainEffect, EffectChain
from engine.plugins.plugin_library import scan_plugins
from engine.plugins.render import ChainReport, render_rows

RATE_HZ = 44_100
CLICK_EVERY_S = 60
CLICK = 0.9


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--plugins", nargs="+", default=["ZaMaximX2", "ZamEQ2", "ZamCompX2"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_DATA_HOME"] = name
        library = scan_plugins([Path("/usr/lib/vst3") / f"{one}.vst3" for one in arguments.plugins])
        print("plug-ins    " + ", ".join(f"{one.name} {one.version}" for one in library.plugins))
        late = (f"{one.name} {one.delay_samples} (heard: {one.heard_delay_samples})" for one in library.plugins)
        print("each alone  samples late, as it says: " + ", ".join(late), flush=True)
        chain = EffectChain(tuple(ChainEffect(plugin=one) for one in arguments.plugins))
        return measure(chain, round(arguments.minutes * 60), Path(name))


def measure(chain: EffectChain, seconds: int, folder: Path) -> int:
    """Render twice, and compare."""
    with DiskArray(folder, 2) as given:
        for second in range(seconds):
            given.append(_second(second))
        print(f"sound       {seconds} s of stereo at {RATE_HZ} Hz", flush=True)
        made, report, took_s, peak_bytes = _rendered(chain, given, folder)
        print(f"time        {took_s:.1f} s, {seconds / took_s:.0f} times real time", flush=True)
        print(f"memory      {peak_bytes / 2**20:.0f} MiB at most in the chain's process", flush=True)
        with made:
            again, _, _, _ = _rendered(report.chain, given, folder)
            with again:
                same = _hash(made) == _hash(again)
            length, asked = made.rows, seconds * RATE_HZ
            late = _late(made, seconds)
    print(f"length      {length} samples of {asked}")
    print(f"latency     {max(map(abs, late))} samples at most, in {len(late)} clicks")
    print(f"second run  {'the same samples' if same else 'OTHER samples'}")
    print(f"notes       {'; '.join(report.notes) or 'none'}")
    return 0 if length == asked and same and not any(late) else 1


def _second(number: int) -> np.ndarray:
    """A second of soft noise, with a click in its middle once a minute; float32 (samples, 2)."""
    sound_NC = np.random.default_rng(number).normal(0.0, 0.003, (RATE_HZ, 2)).astype(np.float32)
    if number % CLICK_EVERY_S == 0:
        sound_NC[RATE_HZ // 2] = CLICK
    return sound_NC


def _late(rows: DiskArray, seconds: int) -> list[int]:
    """How many samples after its place the loudest one of each second with a click lies, channel by channel."""
    late: list[int] = []
    for second in range(0, seconds, CLICK_EVERY_S):
        sound_NC = np.abs(rows.read(second * RATE_HZ, (second + 1) * RATE_HZ))
        late += (sound_NC.argmax(axis=0) - RATE_HZ // 2).tolist()
    return late


def _rendered(chain: EffectChain, given: DiskArray, folder: Path) -> tuple[DiskArray, ChainReport, float, int]:
    peak = [0]
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.1):
            for child in psutil.Process().children(recursive=True):
                try:
                    peak[0] = max(peak[0], child.memory_info().rss)
                except psutil.Error:
                    continue

    watcher = threading.Thread(target=look)
    watcher.start()
    started_s = time.perf_counter()
    try:
        made, report = render_rows(chain, given, RATE_HZ, folder, lambda share: None, lambda: None)
    finally:
        done.set()
        watcher.join()
    return made, report, time.perf_counter() - started_s, peak[0]


def _hash(rows: DiskArray) -> str:
    found = hashlib.sha256()
    for at in range(0, rows.rows, 1 << 16):
        found.update(rows.read(at, min(at + (1 << 16), rows.rows)).tobytes())
    return found.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
