"""Compare the mask decoders of several bundles: seconds for a minute of sound, and sizes on disk.

    python tests/benchmarks/decoders.py small /path/of/bands /path/of/both --seconds 60

The demo's mix is repeated to the length that is asked for. *Network* is the mask graph alone, window by window, with
one prompt; *job* is a whole ``isolate`` from file to files with all graphs open. Bundles take turns, so that other load
on the machine falls on all of them, and the least time of each counts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine.bundle.bundle import load_bundle  # noqa: E402
from engine.bundle.library import find_bundle  # noqa: E402
from engine.pipeline import Pipeline  # noqa: E402
from engine.request import Request  # noqa: E402
from engine.runtime.onnx import open_session  # noqa: E402
from engine.runtime.settings import settings_for  # noqa: E402

DEMO = ROOT / "resources" / "demo" / "mix.flac"
SEED = 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundles", nargs="+")
    parser.add_argument("--seconds", type=float, default=60.0, help="of sound in a job")
    parser.add_argument("--times", type=int, default=3, help="repetitions of each measurement")
    args = parser.parse_args()
    pipeline, network_s, job_s = Pipeline(find_bundle), dict[str, float](), dict[str, float]()
    with tempfile.TemporaryDirectory() as folder:
        clip = repeated(Path(folder) / "mix.wav", args.seconds)
        for bundle in args.bundles:
            pipeline.warm(bundle, "cpu")
        for _ in range(args.times):
            for bundle in args.bundles:
                network_s[bundle] = min(network_s.get(bundle, np.inf), network(bundle))
                job_s[bundle] = min(job_s.get(bundle, np.inf), job(pipeline, bundle, clip))
    for bundle in args.bundles:
        files = [path.stat().st_size for path in find_bundle(bundle).iterdir()]
        graph = load_bundle(find_bundle(bundle)).path("mask.onnx").stat().st_size
        print(
            f"{bundle}: network {network_s[bundle]:.2f} s and job {60 * job_s[bundle] / args.seconds:.2f} s for a "
            f"minute of sound; mask graph {graph / 1e6:.1f} MB, bundle {sum(files) / 1e6:.1f} MB"
        )


def repeated(path: Path, seconds: float) -> Path:
    """Write the demo's mix, repeated to a length in seconds."""
    audio, rate_hz = soundfile.read(DEMO, dtype="float32")
    soundfile.write(path, np.resize(audio, (round(seconds * rate_hz), *audio.shape[1:])), rate_hz, subtype="FLOAT")
    return path


def network(bundle: str) -> float:
    """Seconds of the mask graph for a minute of sound, extrapolated from one window after a warm-up run."""
    found = load_bundle(find_bundle(bundle))
    decoder = found.manifest.decoder
    if decoder is None:
        raise SystemExit(f"{bundle} has no mask decoder")
    session = open_session(found.path("mask.onnx"), settings_for("cpu"))
    rng = np.random.default_rng(SEED)
    inputs = {
        "mix": np.abs(rng.standard_normal((1, 2, decoder.frames, decoder.bins))).astype(np.float32),
        "prompt": rng.standard_normal((1, found.manifest.embedding)).astype(np.float32),
    }
    session.run(inputs, ("stem", "presence"))
    began_s = time.perf_counter()
    session.run(inputs, ("stem", "presence"))
    return (time.perf_counter() - began_s) * 60 / decoder.window_s


def job(pipeline: Pipeline, bundle: str, clip: Path) -> float:
    """Seconds of one ``isolate`` from file to files."""
    with tempfile.TemporaryDirectory() as folder:
        request = Request(
            task="isolate", prompts=("bass",), input=str(clip), out=folder, bundle=bundle, device="cpu", expert="none"
        )
        began_s = time.perf_counter()
        pipeline.run(request, lambda *progress: None, lambda: None)
        return time.perf_counter() - began_s


if __name__ == "__main__":
    main()
