"""How long short jobs take: the first of a cold engine, the first of a warm one, and the second.

    python tests/benchmarks/latency.py --seconds 1 3 10

Cold is from nothing: the engine's process is started, Python and ONNX Runtime are loaded, the bundle is opened. Warm is
an engine that was told to be (``Engine.warm``), as the window, the bridge and the MCP server do when they start. Prints
seconds from ``submit`` to the end, the stages that the job itself reports (several work at once, so they may add up to
more than the whole), and how many times as long the first job of a warm engine takes as its second.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine import Done, Engine, Request  # noqa: E402

SETTLED_S = 0.5  # a process whose processor time stands still for as long has done what it was told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, nargs="+", default=[1.0, 3.0, 10.0])
    parser.add_argument("--prompt", default="bass")
    parser.add_argument("--bundle", default="small")
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    print(f"{asked.prompt} on {asked.device}, {os.cpu_count()} cores, load before the run {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        for seconds in asked.seconds:
            clip = excerpt(Path(name) / f"{seconds:g}s.wav", seconds)
            request = Request(
                task="isolate", prompts=(asked.prompt,), input=str(clip), out=name, bundle=asked.bundle,
                device=asked.device,
            )  # fmt: skip
            measure(request, seconds, Path(name))


def measure(request: Request, seconds: float, out: Path) -> None:
    """Print the figures for one clip."""
    with Engine(writable=(out,)) as engine:
        row(f"{seconds:g} s, cold", *timed(engine, request))
    with Engine(writable=(out,)) as engine:
        began_s = time.perf_counter()
        engine.warm(request.bundle, request.device)
        settle(engine)
        print(f"{seconds:g} s, warming: {time.perf_counter() - began_s - SETTLED_S:.2f} s, before anything is asked")
        first_s, first = timed(engine, request)
        row(f"{seconds:g} s, warm, first", first_s, first)
        second_s, second = timed(engine, request)
        row(f"{seconds:g} s, warm, second", second_s, second)
        print(f"{seconds:g} s: the first takes {first_s / second_s:.2f} times as long as the second")


def timed(engine: Engine, request: Request) -> tuple[float, Done]:
    """Seconds of one job, and its end."""
    began_s = time.perf_counter()
    done = engine.wait(engine.submit(request))
    return time.perf_counter() - began_s, done


def settle(engine: Engine) -> None:
    """Wait until the engine's process has nothing more to do."""
    import psutil

    while engine.host_pid is None:
        time.sleep(0.01)
    process, used_s, since_s = psutil.Process(engine.host_pid), -1.0, time.perf_counter()
    while time.perf_counter() - since_s < SETTLED_S:
        now_s = sum(process.cpu_times()[:2])
        if now_s - used_s > 0.02:
            used_s, since_s = now_s, time.perf_counter()
        time.sleep(0.02)


def row(name: str, took_s: float, done: Done) -> None:
    """Print one job."""
    stages = {stage: seconds for stage, seconds in done.timings.items() if seconds >= 0.0005}
    parts = ", ".join(f"{stage} {1e3 * seconds:.0f}" for stage, seconds in stages.items())
    print(f"{name}: {took_s:.3f} s, of which the job {done.seconds:.3f} s; stages in ms: {parts}")


def excerpt(path: Path, seconds: float) -> Path:
    """The beginning of the demo mix as a 16-bit WAV."""
    import soundfile

    audio_NC, rate_hz = soundfile.read(ROOT / "resources" / "demo" / "mix.flac", always_2d=True)
    soundfile.write(path, audio_NC[: round(seconds * rate_hz)], rate_hz, subtype="PCM_16")
    return path


if __name__ == "__main__":
    main()
