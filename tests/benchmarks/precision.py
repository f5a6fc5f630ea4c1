"""What float16 changes: latents after whole trajectories, stems, sums, and distances from the true stems.

    python tests/benchmarks/precision.py            float16
    python tests/benchmarks/precision.py --int8     whole numbers of 8 bits instead: is it faster, and near enough?

Graphs are converted as ``--precision float16`` has them converted and run on the CPU, which rounds weights and what
goes from node to node to float16 but computes most nodes in float32. So this is the least that a card may differ by;
``tests/benchmarks/gpu.py`` measures on one.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine.bundle.bundle import load_bundle  # noqa: E402
from engine.bundle.library import find_bundle  # noqa: E402
from engine.inference.sampler import SamplerConfig, initial_noise, sample  # noqa: E402
from engine.latents import SLOTS  # noqa: E402
from engine.pipeline import Pipeline  # noqa: E402
from engine.request import Precision, Request  # noqa: E402
from engine.runtime.onnx import OnnxSession, open_session  # noqa: E402
from engine.runtime.self_test import trial_inputs  # noqa: E402
from engine.runtime.settings import SessionSettings  # noqa: E402

DEMO = ROOT / "resources" / "demo"
STEPS = (1, 2, 4, 8)


class CpuBackend:
    """The CPU with a precision; see ``engine.runtime.backend.Backend``."""

    device = "CPUExecutionProvider"

    def __init__(self, precision: Precision) -> None:
        self._settings = SessionSettings(precision=precision)

    def open(self, path: Path) -> OnnxSession:
        """Open a graph."""
        return open_session(path, self._settings)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="small")
    parser.add_argument("--prompts", nargs="+", default=["vocals", "drums", "bass"])
    parser.add_argument("--int8", action="store_true")
    asked = parser.parse_args()
    folder = find_bundle(asked.bundle)
    if asked.int8:
        print_int8(folder)
        return
    print_trajectories(folder)
    with tempfile.TemporaryDirectory() as name:
        made = {one: isolate(folder, asked.prompts, one, Path(name) / one) for one in ("float32", "float16")}
        for number, prompt in enumerate(asked.prompts):
            (full, full_null), (half, half_null) = (made[one][number] for one in ("float32", "float16"))
            said = f"{prompt}: float16 differs by {ratio_db(full, full - half):.1f} dB below the stem"
            said += f"; stem + rest against the mix {full_null:g} dB in float32, {half_null:g} dB in float16"
            true = DEMO / f"{prompt}.flac"
            if true.is_file():
                stem = soundfile.read(true, always_2d=True)[0]
                said += f"; SI-SDR {si_sdr_db(full, stem):.2f} dB in float32, {si_sdr_db(half, stem):.2f} dB in float16"
            print(said)


def print_int8(folder: Path) -> None:
    """The step graph and the mask decoder with weights and activations of 8 bits, as ONNX Runtime quantizes them."""
    from onnxruntime.quantization import quantize_dynamic

    for name, operators in (("step", ["MatMul"]), ("mask", ["Conv", "MatMul"])):
        with tempfile.TemporaryDirectory() as place:
            folded, whole = Path(place) / "folded.onnx", Path(place) / "whole.onnx"
            options = ort.SessionOptions()  # weights as float32 constants, which the quantizer looks for
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
            options.optimized_model_filepath = str(folded)
            ort.InferenceSession(str(folder / f"{name}.onnx"), options, providers=["CPUExecutionProvider"])
            quantize_dynamic(folded, whole, op_types_to_quantize=operators)
            graphs = [open_session(path, SessionSettings()) for path in (folder / f"{name}.onnx", whole)]
            inputs = trial_inputs(graphs[0].inputs)
            if "mix" in inputs:
                inputs["mix"] = np.abs(inputs["mix"])  # magnitudes
            (full, full_s), (quantized, quantized_s) = (best_of(graph, inputs) for graph in graphs)
            for output in [one for one in ("x_next", "stem", "presence") if one in full]:
                below = ratio_db(full[output], full[output] - quantized[output])
                print(
                    f"{name}: {output} in 8 bits differs by {below:.1f} dB below it; processor time "
                    f"{1e3 * full_s:.0f} ms in float32, {1e3 * quantized_s:.0f} ms in 8 bits"
                )


def best_of(graph: OnnxSession, inputs: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], float]:
    """Outputs, and the least processor seconds of a run."""
    graph.run(inputs)
    took = []
    for _ in range(5):
        began_s = time.process_time()
        found = graph.run(inputs)
        took.append(time.process_time() - began_s)
    return found, min(took)


def print_trajectories(folder: Path) -> None:
    """Latents after so many guided steps from the same noise."""
    manifest = load_bundle(folder, check_hashes=False).manifest
    shape = (SLOTS, manifest.latent_channels, manifest.window_frames)
    rng = np.random.default_rng(0)
    known = np.zeros((1, SLOTS, manifest.window_frames), np.bool_)
    prompt = rng.standard_normal((1, SLOTS, manifest.embedding)).astype(np.float32)
    axes = manifest.graphs["step"].inputs.get("picture")
    picture = None if axes is None else np.zeros((1, *(int(axis) for axis in axes[1:])), np.float32)
    graphs = [CpuBackend(one).open(folder / manifest.graphs["step"].file) for one in ("float32", "float16")]
    for steps in STEPS:
        how = SamplerConfig(steps=steps, guidance=3.0, start="noise", seed=0)
        start = initial_noise(how, [0], shape)
        full, half = (sample(graph, start, known, prompt, how, lambda: None, picture) for graph in graphs)
        print(f"latents after {steps} guided steps: float16 differs by {ratio_db(full, full - half):.1f} dB below them")


def isolate(
    folder: Path, prompts: list[str], precision: Precision, out: Path
) -> list[tuple[np.ndarray, float]]:  # fmt: skip
    """Stems of the demo mix, (samples, channels), and how well stem and rest add up to it."""
    out.mkdir()
    pipeline = Pipeline(lambda name: folder, backend=lambda device: CpuBackend(precision))
    request = Request(
        task="isolate", prompts=tuple(prompts), input=str(DEMO / "mix.flac"), out=str(out), bundle=str(folder),
        device="cpu", format="wav24",
    )  # fmt: skip
    done = pipeline.run(request, lambda *told: None, lambda: None)
    return [(soundfile.read(one.stem, always_2d=True)[0], float(one.null_db or 0.0)) for one in done.results]


def ratio_db(signal: np.ndarray, noise: np.ndarray) -> float:
    """Energy of one against the other in dB."""
    return 10 * math.log10(float(np.square(signal).sum()) / max(float(np.square(noise).sum()), 1e-30))


def si_sdr_db(estimate: np.ndarray, true: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio (Le Roux et al. 2019, arXiv:1811.02508)."""
    scaled = true * (np.vdot(estimate, true) / np.vdot(true, true))
    return ratio_db(scaled, estimate - scaled)


if __name__ == "__main__":
    main()
