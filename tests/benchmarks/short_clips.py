"""Short clips: how well and how fast two bundles answer them, such as one with short windows and one without.

    python tests/benchmarks/short_clips.py small /path/of/another --seconds 1 2 3 5

Clips are cut from the demo's mix at several places, and each stem is compared with the true one. SI-SDR is given as
what the separation gains over the mix; a stem that is silent in a clip is left out. Processor time is that of the whole
job in this process, with all graphs open; wall time says nothing on a machine that does other work too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine.bundle.library import find_bundle  # noqa: E402
from engine.pipeline import Pipeline  # noqa: E402
from engine.request import Request  # noqa: E402

DEMO = ROOT / "resources" / "demo"
PROMPTS = ("bass", "drums", "vocals")
PLACES_S = (0.5, 3.0, 5.5, 8.0)
SILENT = 1e-6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundles", nargs="+")
    parser.add_argument("--seconds", type=float, nargs="+", default=[1.0, 2.0, 3.0, 5.0])
    asked = parser.parse_args()
    gains: dict[tuple[str, float], list[float]] = {}
    for bundle in asked.bundles:
        pipeline = Pipeline(find_bundle)
        pipeline.warm(bundle, "cpu")
        for seconds in asked.seconds:
            gains[bundle, seconds], used = measured(pipeline, bundle, seconds)
            found = gains[bundle, seconds]
            print(
                f"{bundle}, {seconds:g} s: SI-SDR gains {median(found):.2f} dB (median of {len(found)}), processor "
                f"time of a job {1e3 * min(used):.0f} ms (least of {len(used)})", flush=True,
            )  # fmt: skip
    first, *others = asked.bundles
    for other in others:
        for seconds in asked.seconds:
            apart = [new - old for new, old in zip(gains[other, seconds], gains[first, seconds], strict=True)]
            print(f"{other} against {first}, {seconds:g} s: {mean(apart):+.2f} dB on average, "
                  f"from {min(apart):+.2f} to {max(apart):+.2f}")  # fmt: skip


def measured(pipeline: Pipeline, bundle: str, seconds: float) -> tuple[list[float], list[float]]:
    """What each clip and stem gains, in dB, and the processor time of each job, in seconds."""
    gains, used = list[float](), list[float]()
    for begin_s in PLACES_S:
        for prompt in PROMPTS:
            mix, true = (excerpt(name, begin_s, seconds) for name in ("mix", prompt))
            if np.square(true).mean() < SILENT:
                continue
            with tempfile.TemporaryDirectory() as folder:
                clip = Path(folder) / "clip.wav"
                soundfile.write(clip, mix, rate_hz(), subtype="FLOAT")
                request = Request(
                    task="isolate", prompts=(prompt,), input=str(clip), out=folder, bundle=bundle, device="cpu"
                )
                began = time.process_time()
                done = pipeline.run(request, lambda *told: None, lambda: None)
                used.append(time.process_time() - began)
                made, _ = soundfile.read(str(done.results[0].stem), always_2d=True)
            gains.append(si_sdr(made.mean(axis=1), true.mean(axis=1)) - si_sdr(mix.mean(axis=1), true.mean(axis=1)))
    return gains, used


def rate_hz() -> int:
    """Sample rate of the demo."""
    return int(soundfile.info(DEMO / "mix.flac").samplerate)


def excerpt(name: str, begin_s: float, seconds: float) -> np.ndarray:
    """A part of a file of the demo, (samples, channels)."""
    start = round(begin_s * rate_hz())
    audio_NC, _ = soundfile.read(DEMO / f"{name}.flac", start=start, frames=round(seconds * rate_hz()), always_2d=True)
    return audio_NC


def si_sdr(made_N: np.ndarray, true_N: np.ndarray) -> float:
    """Scale-invariant SDR in dB (Le Roux et al. 2019, arXiv:1811.02508)."""
    scaled_N = (made_N @ true_N) / (true_N @ true_N + 1e-12) * true_N
    error_N = made_N - scaled_N
    return float(10 * np.log10((scaled_N @ scaled_N + 1e-12) / (error_N @ error_N + 1e-12)))


if __name__ == "__main__":
    main()
