"""Prove or refuse, on a machine with a GPU, everything about it that cannot be proved without one; under 8 minutes.

    python tests/benchmarks/gpu.py                     # every check on the first NVIDIA card
    python tests/benchmarks/gpu.py --device openvino   # those that make sense on another device
    python tests/benchmarks/gpu.py --only session step # some of them
    python tests/benchmarks/gpu.py --pack fluxstem-gpu.pyz    # no check: one file for a machine that has a GPU; there
    python fluxstem-gpu.pyz                                   # does the same as gpu.py

Each check runs in a process of its own, which ends at its limit, and prints one line: ``proved``, ``refused`` with the
reason, or ``skipped`` where the machine has no part of it. Figures go into a JSON file. The exit code is 0 where
nothing was refused, 1 where something was, 3 where there is no such device; then the first lines say which package or
library is missing. ``resources/docs/DEVICES.md`` lists what a machine without a network has to be brought.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from gpu_pack import write_pack  # noqa: E402

from engine import Engine, EngineError, Request, find_bundle, load_bundle  # noqa: E402
from engine.inference.codec import Codec  # noqa: E402
from engine.inference.resident_latents import ResidentLatents  # noqa: E402
from engine.inference.sampler import SamplerConfig, initial_noise, sample_latents  # noqa: E402
from engine.inference.windows import plan_windows  # noqa: E402
from engine.latents import SLOTS, Slot  # noqa: E402
from engine.runtime.backend import PROVIDERS, Array, GraphSession, OutOfDeviceMemory  # noqa: E402
from engine.runtime.devices import DeviceChoice, card_of, list_cards  # noqa: E402
from engine.runtime.engine_build import EngineBuild  # noqa: E402
from engine.runtime.fallback import HEAVY, OnnxBackend  # noqa: E402
from engine.runtime.memory import window_bytes  # noqa: E402
from engine.runtime.self_test import VerdictFile, compare, trial_inputs  # noqa: E402
from engine.runtime.settings import BATCH_SIZES, PRECISIONS_OF, settings_for  # noqa: E402
from engine.runtime.transfers import PinnedTransfers, PlainTransfers, transfers_for  # noqa: E402

MIX = ROOT / "resources" / "demo" / "mix.flac"
ALL_LIMIT_S = 470.0
JOB_GOAL_DB = -50.0  # of the difference between a stem from the device and one from the CPU
FLOW_GOAL_DB = -40.0  # the same of the flow, whose steps add up what each of them rounds
MATRIX, COPY_NUMBERS = 8_192, 1 << 28  # of the measured peaks: a product of matrices, and a copy of 1 GiB
COPY_ROWS, COPY_BYTES = 16, 1 << 24  # of the array that goes up and down
SMALL_ARENA_BYTES = 64 << 20
REPEATS = 5


class NotThereError(Exception):
    """The machine has no part of what a check is about."""


class RefusedError(Exception):
    """What a check promised does not hold."""


Figures = dict[str, Any]


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise RefusedError(words)


def _timed(work: Callable[[], Any]) -> float:
    """Median seconds of a few runs, after one that is not counted."""
    work()
    seconds = []
    for _ in range(REPEATS):
        begun_s = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun_s)
    return float(np.median(seconds))


def _backend(device: str, precision: Any = "float32") -> OnnxBackend:
    """A backend that believes no earlier comparison."""
    return OnnxBackend(device, None, VerdictFile(Path(tempfile.mkdtemp())), precision)


def _open(device: str, bundle: Path, graph: str) -> tuple[Any, Any]:
    backend = _backend(device)
    return backend, backend.open(bundle / load_bundle(bundle).manifest.graphs[graph].file)


def check_session(device: str, bundle: Path) -> Figures:
    """Every graph opens on the device, no large operation is left to the CPU, and the numbers are the CPU's."""
    backend, opened = _backend(device), {}
    for graph in sorted(bundle.glob("*.onnx")):
        begun_s = time.perf_counter()
        backend.open(graph)
        opened[graph.name] = round(time.perf_counter() - begun_s, 2)
    left = {
        graph: {name: placed["CPUExecutionProvider"][name] for name in HEAVY if placed["CPUExecutionProvider"][name]}
        for graph, placed in backend.placements.items()
        if "CPUExecutionProvider" in placed
    }
    left = {graph: rows for graph, rows in left.items() if rows}
    _require(not left, f"large operations on the CPU: {left}")
    return {"provider": backend.device, "opened_s": opened, "notes": backend.notes}


def check_precision(device: str, bundle: Path) -> Figures:
    """Every precision that the device offers stays within its tolerance on every graph."""
    kind, found = DeviceChoice.of(device).kind, {}
    for precision in PRECISIONS_OF.get(kind, ("float32",)):
        backend = _backend(device, precision)
        for graph in sorted(bundle.glob("*.onnx")):
            session = backend.open(graph)
            cpu = OnnxBackend("cpu").open(graph)
            verdict = compare(session, cpu, precision)  # type: ignore[arg-type]
            found[f"{precision} {graph.stem}"] = f"{verdict.error:.2g}"
    return {"relative error": found}


def check_jobs(device: str, bundle: Path) -> Figures:
    """A whole job sounds as on the CPU, and stem + rest is the mix; seconds there and, twice, on the device."""
    masked = Request(task="isolate", prompts=("drums",), input=str(MIX), format="wav32f")
    return _as_on_the_cpu(masked, device, bundle, JOB_GOAL_DB)


def check_flow(device: str, bundle: Path) -> Figures:
    """What the flow takes out, and what it makes with guidance, sounds as on the CPU: latents stay on the device."""
    taken = Request(task="isolate", prompts=("drums",), input=str(MIX), render="flow", region_s=(0.0, 8.0),
                    format="wav32f")  # fmt: skip
    made = Request(task="generate", prompts=("bass",), seconds=8.0, guidance=2.0, format="wav32f")
    return {one.task: _as_on_the_cpu(one, device, bundle, FLOW_GOAL_DB) for one in (taken, made)}


def _as_on_the_cpu(request: Request, device: str, bundle: Path, goal_db: float) -> Figures:
    """Do a job on the CPU, and twice on the device; the difference of the sounds, and the seconds of each."""
    seconds: dict[str, list[float]] = {}
    stems: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, Engine(writable=(folder,)) as engine:
        for where in ("cpu", device, device):
            done = engine.wait(engine.submit(replace(request, out=folder, bundle=str(bundle), device=where)))
            seconds.setdefault(where, []).append(round(done.seconds, 2))
            stems[where] = soundfile.read(str(done.results[0].stem), dtype="float64")[0]
            provider, null_db = done.device, done.results[0].null_db
    _require(provider == PROVIDERS[DeviceChoice.of(device).kind], f"the job ran on {provider}")
    _require(null_db is None or null_db < -150, f"stem + rest is off by {null_db} dB")
    off = np.sqrt(np.mean((stems[device] - stems["cpu"]) ** 2)) / np.sqrt(np.mean(stems["cpu"] ** 2))
    off_db = 20 * np.log10(max(float(off), 1e-12))
    _require(off_db < goal_db, f"the sound differs from the CPU's by {off_db:.1f} dB, and {goal_db:g} dB is allowed")
    return {"difference_db": round(off_db, 1), "seconds": seconds}


def check_step(device: str, bundle: Path) -> Figures:
    """Latents that stay on the device give what arrays give, and recorded steps (CUDA graphs) what plain ones give."""
    session = _resident(device, bundle / load_bundle(bundle).manifest.graphs["step"].file)
    inputs = trial_inputs(session.inputs)
    plain = session.run(inputs)
    figures: Figures = {"arrays_ms": round(1e3 * _timed(lambda: session.run(inputs)), 3)}
    held = {name: session.put(value) for name, value in inputs.items()}
    [name] = plain
    out = {name: session.keep("out", plain[name].shape, np.float32)}
    for words, recording in (("resident", 0), ("recorded", 1)):
        session.run_resident(held, out, recording)
        _require(np.allclose(out[name].numpy(), plain[name], atol=1e-4), f"{words} steps give other numbers")
        figures[f"{words}_ms"] = round(
            1e3 * _timed(lambda number=recording: session.run_resident(held, out, number)), 3
        )
    figures["captures"] = session.captures
    return figures


def check_transfers(device: str, bundle: Path) -> Figures:
    """What goes up comes down unchanged, through pinned memory on an NVIDIA card; how fast, and how fast without."""
    session = _resident(device, min(bundle.glob("*.onnx"), key=lambda graph: graph.stat().st_size))
    quick = transfers_for(session.settings.memory, session.settings.index)
    on_card = session.settings.memory == "cuda"
    _require(not on_card or isinstance(quick, PinnedTransfers), "CUDA's runtime library was not found")
    numbers = np.random.default_rng(0).random((COPY_ROWS, COPY_BYTES // 4 // COPY_ROWS), np.float32)
    figures: Figures = {}
    for words, ways in (("pinned" if on_card else "here", quick), ("as ONNX Runtime does", PlainTransfers())):
        source, tensor = ways.array(numbers.shape, np.float32), session.put(np.zeros_like(numbers))
        source[:] = numbers
        up_s = _timed(lambda ways=ways, tensor=tensor, source=source: ways.upload(tensor.value, source))
        down_s = _timed(lambda ways=ways, tensor=tensor: ways.download(tensor.value, np.float32, 0, COPY_ROWS))
        _require(np.array_equal(tensor.numpy(), numbers), f"numbers that are copied {words} change")
        figures[words] = f"up {numbers.nbytes / up_s / 1e9:.1f} GB/s, down {numbers.nbytes / down_s / 1e9:.1f} GB/s"
    return figures


def check_latents(device: str, bundle: Path) -> Figures:
    """Steps that begin with what the encoder left on the device end where those that begin with arrays do; how fast."""
    manifest = load_bundle(bundle).manifest
    grid, graphs = manifest.grid, manifest.graphs
    encode, step, decode = (_resident(device, bundle / graphs[name].file) for name in ("encode", "step", "decode"))
    windows = plan_windows(3 * grid.window_frames, grid.window_frames)
    rng = np.random.default_rng(0)
    audio = rng.standard_normal((len(windows.starts), grid.window_samples), np.float32)
    sampling = SamplerConfig(steps=4, guidance=2.0, start="noise", seed=0)
    shape = (SLOTS, grid.latent_channels, grid.window_frames)
    noise = initial_noise(sampling, range(len(windows.starts)), shape)
    known = np.zeros((len(noise), SLOTS, grid.window_frames), bool)
    known[:, Slot.MIX] = True
    given = trial_inputs(step.inputs)
    prompt, picture = (
        np.repeat(given[name], len(noise), axis=0) if name in given else None for name in ("prompt", "picture")
    )
    codec = Codec(encode, decode)

    def sound(start: Any) -> Array:
        latents = sample_latents(step, start, known, prompt, sampling, lambda: None, picture)
        return codec.decode_slots(latents, (Slot.STEM, Slot.REST))

    def on_device() -> Array:
        latents = ResidentLatents(encode, windows, grid.latent_channels)
        latents.encode(0, audio)
        return sound(latents.start(noise, windows.starts))

    def by_arrays() -> Array:
        whole, start = codec.encode(audio), noise.copy()
        rows = np.concatenate(
            [z_DL[:, slice(*(at - windows.starts[one] for at in windows.own(one)))] for one, z_DL in enumerate(whole)],
            axis=1,
        )
        for row, at in enumerate(windows.starts):
            start[row, Slot.MIX] = rows[:, at : at + grid.window_frames]
        return sound(start)

    there, arrays = on_device(), by_arrays()
    off = float(np.sqrt(np.mean((there - arrays) ** 2)) / np.sqrt(np.mean(arrays**2)))
    _require(off < 1e-4, f"the sound is off by {off:.2g} of its level")
    return {
        "relative difference": f"{off:.1g}", "windows": len(noise),
        "on the device, ms": round(1e3 * _timed(on_device), 1), "by arrays, ms": round(1e3 * _timed(by_arrays), 1),
    }  # fmt: skip


def _resident(device: str, graph: Path) -> Any:
    """A graph whose tensors stay on the device; on the CPU in its memory."""
    choice = DeviceChoice.of(device)
    if choice.kind not in ("cpu", "cuda", "tensorrt"):
        raise NotThereError("tensors do not stay on this device")
    settings = replace(settings_for(choice.kind, choice.index or 0), resident=True)
    return _backend(device)._runtime.open(graph, settings)


def check_batches(device: str, bundle: Path) -> Figures:
    """The memory of one more window is not above the estimate, and a batch is quicker than its windows one by one."""
    backend, session = _open(device, bundle, "mask")
    estimate, figures, free = window_bytes(load_bundle(bundle).manifest), {}, []
    one = trial_inputs(session.inputs)
    for rows in BATCH_SIZES:
        if backend.card is not None and rows * estimate > backend.card.free_bytes / 2:
            break
        mix = np.repeat(one["mix"], rows, axis=0)
        inputs: dict[str, Array] = {**one, "mix": mix}
        figures[f"{rows} windows, ms each"] = round(1e3 * _timed(lambda given=inputs: session.run(given)) / rows, 2)
        card = backend.card
        free.append((rows, card.free_bytes if card else 0))
    figures["estimate_mb"] = round(estimate / 1e6)
    if free[0][1] and len(free) > 1:
        each = (free[0][1] - free[-1][1]) / (free[-1][0] - free[0][0])
        figures["measured_mb"] = round(each / 1e6)
        _require(
            each <= estimate, f"one more window takes {each / 1e6:.0f} MB, and {estimate / 1e6:.0f} were estimated"
        )
    return figures


def check_limits(device: str, bundle: Path) -> Figures:
    """What limits the graphs that do the work: operations and bytes a second, beside what the device does at most."""
    try:
        from onnx import TensorProto, helper, save
        from roofline import Peak, graph_work
    except ImportError as error:
        raise NotThereError(f"operations are counted with the package onnx ({error})") from error
    backend = _backend(device)
    backend.open(min(bundle.glob("*.onnx"), key=lambda graph: graph.stat().st_size))  # the device works, or says why
    on_cpu = backend.device == PROVIDERS["cpu"]
    size, count = (1_024, 1 << 24) if on_cpu else (MATRIX, COPY_NUMBERS)

    def seconds(operator: str, inputs: list[str], shape: tuple[int, ...]) -> float:
        """Of one operator on tensors that lie on the device."""
        named = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in (*inputs, "y")]
        graph = helper.make_graph([helper.make_node(operator, inputs, ["y"])], "peak", named[:-1], named[-1:])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{operator}.onnx"
            save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
            session: Any = backend._runtime.open(path, replace(backend.settings, capture=False))
        rng = np.random.default_rng(0)
        held = {name: session.put(rng.random(shape, np.float32)) for name in inputs}
        return _timed(lambda: session.run_resident(held, {"y": session.keep("y", shape, np.float32)}))

    peak = Peak(2 * size**3 / seconds("MatMul", ["a", "b"], (size, size)), 8 * count / seconds("Neg", ["a"], (count,)))
    found: Figures = {"peak": f"{peak.flops_s / 1e12:.2f} TFLOP/s in float32, {peak.bytes_s / 1e9:.0f} GB/s"}
    manifest = load_bundle(bundle).manifest
    for name, rows in (("mask", 2 if on_cpu else 16), ("step", 2 if on_cpu else 16)):
        if name in manifest.graphs:
            path = bundle / manifest.graphs[name].file
            session: Any = backend.open(path)
            inputs = trial_inputs(session.inputs)
            inputs |= {
                key: np.repeat(one, rows, axis=0) for key, one in inputs.items() if key != "prompt" or name == "step"
            }
            took_s = _timed(lambda given=inputs, on=session: on.run(given))
            work = graph_work(path, {"batch": rows, "B": rows})
            found[f"{name}, {rows} rows"] = (
                f"{1e3 * took_s:.1f} ms with the way there and back; {peak.told(work, took_s)}"
            )
    return found


def check_memory(device: str, bundle: Path) -> Figures:
    """A full arena is told as one, the session lives on with fewer rows, and memory is given back between jobs."""
    if DeviceChoice.of(device).kind != "cuda":
        raise NotThereError("only CUDA's arena has a limit")
    index = DeviceChoice.of(device).index or 0
    graph = bundle / load_bundle(bundle).manifest.graphs["mask"].file
    backend = _backend(device)
    settings = replace(settings_for("cuda", index), memory_limit_bytes=SMALL_ARENA_BYTES, capture=False)
    small: GraphSession = backend._runtime.open(graph, settings)
    one = trial_inputs(small.inputs)  # type: ignore[attr-defined]
    try:
        small.run({**one, "mix": np.repeat(one["mix"], 32, axis=0)})
        raise RefusedError("32 windows fitted an arena of 64 MiB")
    except OutOfDeviceMemory as error:
        told = str(error)
    session = backend.open(graph)
    session.run({**one, "mix": np.repeat(one["mix"], 16, axis=0)})
    full = card_of(index)
    backend.shrink()
    rested = card_of(index)
    if full is None or rested is None:
        raise RefusedError("nvidia-smi does not answer")
    _require(rested.free_bytes > full.free_bytes, "nothing was given back")
    return {"told": told, "given_back_mb": round((rested.free_bytes - full.free_bytes) / 1e6)}


def check_cards(device: str, bundle: Path) -> Figures:
    """With several cards two jobs run at the same time, each on its own."""
    cards = list_cards()
    if len(cards) < 2 or DeviceChoice.of(device).kind != "cuda":
        raise NotThereError(f"{len(cards)} NVIDIA cards")
    with tempfile.TemporaryDirectory() as folder, Engine() as engine:
        asked = Request(task="isolate", prompts=("drums",), input=str(MIX), out=folder, bundle=str(bundle))
        for job in [engine.submit(asked) for _ in range(4)]:
            engine.wait(job)
        _require(len(engine.host_pids) == 2, f"{len(engine.host_pids)} processes for two cards")
    return {"cards": [card.name for card in cards]}


def check_engines(device: str, bundle: Path) -> Figures:
    """TensorRT builds every engine of the bundle, agrees with the CPU, and opens them from the cache in seconds."""
    if DeviceChoice.of(device).kind != "cuda":
        raise NotThereError("TensorRT runs on NVIDIA cards")
    index = DeviceChoice.of(device).index or 0
    try:
        OnnxBackend(f"tensorrt:{index}")
    except EngineError as error:
        raise NotThereError(str(error)) from error
    begun_s, build = time.perf_counter(), EngineBuild(bundle, f"tensorrt:{index}")
    try:
        for step in build.steps():
            print(f"  {step.done} of {step.count} engines {step.graph} {step.why}", file=sys.stderr, flush=True)
        _require(build.is_good, build.why or "the build ended early")
    finally:
        build.close()
    built_s, begun_s = time.perf_counter() - begun_s, time.perf_counter()
    backend = OnnxBackend(f"tensorrt:{index}")
    for graph in bundle.glob("*.onnx"):
        backend.open(graph)
    opened_s = time.perf_counter() - begun_s
    _require(opened_s < built_s / 2, f"opened in {opened_s:.1f} s, and building took {built_s:.1f} s")
    return {"built_s": round(built_s, 1), "opened_s": round(opened_s, 1)}


# In this order: what everything else stands on first, what takes longest last. Limits in seconds.
CHECKS: dict[str, tuple[Callable[[str, Path], Figures], float]] = {
    "session": (check_session, 90.0),
    "step": (check_step, 45.0),
    "transfers": (check_transfers, 30.0),
    "latents": (check_latents, 45.0),
    "jobs": (check_jobs, 90.0),
    "flow": (check_flow, 90.0),
    "batches": (check_batches, 60.0),
    "memory": (check_memory, 45.0),
    "limits": (check_limits, 60.0),
    "precision": (check_precision, 90.0),
    "cards": (check_cards, 60.0),
    "engines": (check_engines, 240.0),
}


def look_at_machine() -> list[str]:
    """Cards, packages, and the libraries of CUDA that do not load, a line each."""
    from engine.runtime.onnx import load_nvidia_libraries

    lines = [
        f"card {card.index}: {card.name}, {card.memory_bytes / 1e9:.0f} GB, driver {card.driver}, compute capability "
        f"{card.capability}" for card in list_cards()
    ]  # fmt: skip
    packages = {one.metadata["Name"]: one.version for one in metadata.distributions()}
    wanted = ("onnxruntime", "tensorrt", "nvidia-cu", "nvidia-cublas", "numpy", "onnx")
    versions = [f"{name} {version}" for name, version in sorted(packages.items()) if str(name).startswith(wanted)]
    lines.append(f"Python {platform.python_version()}; {', '.join(versions)}")
    return [*lines, *(f"does not load: {library}" for library in load_nvidia_libraries())]


def unusable(device: str, bundle: Path) -> str:
    """Why the device cannot open even the smallest graph of the bundle; "" where it can."""
    try:
        _backend(device).open(min(bundle.glob("*.onnx"), key=lambda graph: graph.stat().st_size))
    except EngineError as error:
        return str(error)
    return ""


def run_check(name: str, device: str, bundle: Path) -> dict[str, Any]:
    """One check, in this process."""
    try:
        return {"outcome": "proved", "figures": CHECKS[name][0](device, bundle)}
    except NotThereError as error:
        return {"outcome": "skipped", "why": str(error)}
    except RefusedError as error:
        return {"outcome": "refused", "why": str(error)}
    except Exception as error:  # a check must never end the others
        return {"outcome": "refused", "why": f"{type(error).__name__}: {error}".splitlines()[0]}


def run_in_process(name: str, device: str, bundle: str, limit_s: float) -> dict[str, Any]:
    """One check in a process of its own, ended at its limit."""
    command = [sys.executable, __file__, "--check", name, "--device", device, "--bundle", bundle]
    try:
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=limit_s, check=False)
        told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
        return told
    except subprocess.TimeoutExpired:
        return {"outcome": "refused", "why": f"not finished within {limit_s:.0f} s"}
    except (IndexError, ValueError):
        return {"outcome": "refused", "why": f"its process ended with code {ran.returncode}"}


def main() -> int:
    """Run the checks and print a line for each."""
    parser = argparse.ArgumentParser(description="prove or refuse what only a GPU can show")
    parser.add_argument("--device", default="cuda:0", help="as fluxstem takes it; default %(default)s")
    parser.add_argument("--bundle", default="small")
    parser.add_argument("--only", nargs="+", choices=sorted(CHECKS), default=list(CHECKS))
    parser.add_argument("--out", type=Path, default=Path("gpu.json"), help="figures; default %(default)s")
    parser.add_argument("--pack", type=Path, help="write one file that Python runs on another machine, and end")
    parser.add_argument("--check", choices=sorted(CHECKS), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.check:
        print(json.dumps(run_check(asked.check, asked.device, find_bundle(asked.bundle))), flush=True)
        return 0
    if asked.pack:
        size = write_pack(asked.pack, find_bundle(asked.bundle))
        print(f"{asked.pack}: {size / 1e6:.0f} MB; copy it, and there: python {asked.pack.name}")
        return 0
    machine = look_at_machine()
    for line in machine:
        print(line, flush=True)
    if why := unusable(asked.device, find_bundle(asked.bundle)):
        print(f"nothing can be proved here: {why}")
        return 3
    begun_s, rows = time.monotonic(), {}
    for name in asked.only:
        left_s = ALL_LIMIT_S - (time.monotonic() - begun_s)
        if left_s < 10:
            rows[name] = {"outcome": "skipped", "why": "no time is left"}
        else:
            rows[name] = run_in_process(name, asked.device, asked.bundle, min(CHECKS[name][1], left_s))
        row = rows[name]
        print(f"{row['outcome']:8} {name:10} {row.get('why') or json.dumps(row['figures'])}", flush=True)
    told = {"device": asked.device, "machine": machine, "checks": rows}
    asked.out.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return int(any(row["outcome"] == "refused" for row in rows.values()))


if __name__ == "__main__":
    sys.exit(main())
