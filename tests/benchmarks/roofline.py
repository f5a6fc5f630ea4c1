"""What limits a graph here: its operations and bytes against what the machine can do at most.

    python tests/benchmarks/roofline.py --bundle small --threads 2

Floating-point operations are counted from the graph's own shapes: two for each multiplication and addition of
convolutions and matrix products, one for each number that any other node gives. Bytes are those of the weights and of
everything that goes into and comes out of a node, as if nothing stayed in a cache, so the time that memory alone would
take is an upper bound. What the machine can do is measured in the same run: a large product of float32 matrices, and
copies of an array that no cache holds.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
GRAPHS = ("mask", "expert-spleeter", "encode", "step", "decode", "text", "audio")
MATRIX, COPY_BYTES = 2_048, 1 << 28
RUNS = 5


@dataclass(frozen=True, slots=True)
class Work:
    """What one run of a graph asks of a machine.

    Attributes:
        flops: floating-point operations.
        moved_bytes: into and out of all nodes.
        weights_bytes: of these, weights.
    """

    flops: float
    moved_bytes: float
    weights_bytes: float


@dataclass(frozen=True, slots=True)
class Peak:
    """What a machine can do at most.

    Attributes:
        flops_s: floating-point operations a second.
        bytes_s: bytes a second, reading and writing together.
    """

    flops_s: float
    bytes_s: float

    def told(self, work: Work, took_s: float, times: float = 1.0) -> str:
        """One line about a measured time.

        Args:
            work: of one run.
            took_s: of all runs together.
            times: how many runs.
        """
        flops, moved = times * work.flops, times * work.moved_bytes
        return (
            f"{flops / 1e9:.1f} GFLOP at {flops / took_s / 1e9:.0f} GFLOP/s, {flops / took_s / self.flops_s:.0%} of "
            f"the peak; arithmetic alone {1e3 * flops / self.flops_s:.0f} ms, its {moved / 1e9:.2f} GB from memory "
            f"alone {1e3 * moved / self.bytes_s:.0f} ms"
        )


def graph_work(path: Path, sizes: Mapping[str, int] | None = None) -> Work:
    """Count the work of one run.

    Args:
        path: an ONNX file with shapes that follow from its inputs.
        sizes: of the named axes; of one that is not named here the length that its name says, else 1.
    """
    import onnx

    from engine.bundle.free_axes import free_axes

    model = onnx.load(path)
    lengths = {**free_axes(path.read_bytes()), **(sizes or {})}
    for value in (*model.graph.input, *model.graph.output):
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_param:
                axis.dim_value = lengths.get(axis.dim_param, 1)
    del model.graph.value_info[:]
    known = onnx.shape_inference.infer_shapes(model, data_prop=True)
    shapes: dict[str, tuple[int, ...]] = {one.name: tuple(one.dims) for one in known.graph.initializer}
    weights = sum(math.prod(dims) * 4 for dims in shapes.values())
    for value in (*known.graph.input, *known.graph.value_info, *known.graph.output):
        shapes[value.name] = tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)
    flops = moved = 0.0
    for node in known.graph.node:
        if node.op_type == "Constant":
            continue
        flops += node_flops(node, shapes)
        moved += sum(4.0 * math.prod(shapes.get(name, (0,))) for name in (*node.input, *node.output) if name)
    return Work(flops, moved, weights)


def node_flops(node: Any, shapes: Mapping[str, tuple[int, ...]]) -> float:
    """Floating-point operations of one node; 0 where its shapes are not known."""
    out = math.prod(shapes.get(node.output[0], (0,)))
    if node.op_type == "Conv":
        return 2.0 * out * math.prod(shapes[node.input[1]][1:])
    if node.op_type == "ConvTranspose":
        return 2.0 * math.prod(shapes[node.input[0]]) * math.prod(shapes[node.input[1]][1:])
    if node.op_type in ("MatMul", "Gemm"):
        transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
        return 2.0 * out * shapes.get(node.input[0], (0, 0))[-2 if transposed else -1]
    if node.op_type == "LSTM":  # x is (steps, rows, numbers)
        return 2.0 * math.prod(shapes[node.input[0]][:2]) * sum(math.prod(shapes[name]) for name in node.input[1:3])
    if node.op_type == "Einsum":
        [equation] = [attribute.s.decode() for attribute in node.attribute if attribute.name == "equation"]
        terms = equation.replace(" ", "").partition("->")[0].split(",")
        sizes = {letter: size for term, name in zip(terms, node.input, strict=True)
                 for letter, size in zip(term, shapes.get(name, ()), strict=False)}  # fmt: skip
        return 2.0 * math.prod(sizes.values())
    return float(out)


def machine_peak(threads: int) -> Peak:
    """Measure a product of matrices and a copy, best of several, in a process with so many threads."""
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(threads))}
    command = [sys.executable, __file__, "--peak-here"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return Peak(*map(float, done.stdout.split()))


def print_peak() -> None:
    """Measure in this process and print the two numbers of a ``Peak``."""
    rng = np.random.default_rng(0)
    one, other = rng.random((2, MATRIX, MATRIX), np.float32)
    source, target = np.ones((2, COPY_BYTES // 4), np.float32)
    product_s = min(timed(lambda: one @ other) for _ in range(RUNS))
    copy_s = min(timed(lambda: np.copyto(target, source)) for _ in range(RUNS))
    print(2 * MATRIX**3 / product_s, 2 * COPY_BYTES / copy_s)


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def graph_seconds(path: Path) -> float:
    """Median seconds of one run with one row, opened as the engine opens it on the CPU."""
    from engine.runtime.onnx import open_session
    from engine.runtime.self_test import trial_inputs
    from engine.runtime.settings import SessionSettings

    session = open_session(path, SessionSettings())
    inputs = trial_inputs(session.inputs)
    session.run(inputs)
    return median(timed(lambda: session.run(inputs)) for _ in range(RUNS))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="small")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--peak-here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.peak_here:
        print_peak()
        return
    os.environ["FLUXSTEM_THREADS"] = str(asked.threads)
    sys.path.insert(0, str(ROOT))
    from engine.bundle.library import find_bundle

    peak = machine_peak(asked.threads)
    print(
        f"{asked.threads} threads, load before the run {os.getloadavg()[0]:.1f}; at most {peak.flops_s / 1e9:.0f} "
        f"GFLOP/s (a product of {MATRIX} x {MATRIX} matrices) and {peak.bytes_s / 1e9:.1f} GB/s (a copy)"
    )
    folder = find_bundle(asked.bundle)
    for name in GRAPHS:
        path = folder / f"{name}.onnx"
        if path.is_file():
            took_s = graph_seconds(path)
            print(f"{name:16} {1e3 * took_s:8.1f} ms a window   {peak.told(graph_work(path), took_s)}")


if __name__ == "__main__":
    main()
