"""Speed and memory of ``fluxstem isolate`` beside HTDemucs's architecture: same clip, same threads, same run.

Each system runs in processes of its own, pinned to the same cores. Memory is the summed proportional set size (PSS) of
the process tree, sampled every 50 ms, where the system has it, else the summed resident size. Run by ``make bench``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import soundfile

ROOT = Path(__file__).resolve().parents[2]
PROMPTS = ("drums", "bass", "piano", "strings")  # as many stems as the peer makes
SAMPLE_EVERY_S = 0.05
SPEED_GOAL = 10.0  # times faster per stem
MEMORY_GOAL = 1 / 3  # of the peer's peak


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one system.

    Attributes:
        seconds: read to written, as the system itself reports it; loading the model is not in it.
        loading_s: loading the model, where the system reports it.
        wall_s: the whole command, start-up and loading included.
        cpu_s: processor time of the whole command.
        peak_mb: highest memory of the process tree, MiB.
        timings: seconds by stage.
        note: what ran.
    """

    seconds: float
    loading_s: float
    wall_s: float
    cpu_s: float
    peak_mb: float
    timings: dict[str, float]
    note: str


def make_clip(source: Path, seconds: float, path: Path) -> float:
    """Repeat ``source`` to ``seconds`` and write it as 16-bit WAV; returns its length in seconds."""
    audio_NC, rate_hz = soundfile.read(source, dtype="float32", always_2d=True)
    samples = round(seconds * rate_hz)
    repeats = -(-samples // len(audio_NC))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.tile(audio_NC, (repeats, 1))[:samples], rate_hz, subtype="PCM_16")
    return samples / rate_hz


def tree_memory_mb(process: psutil.Process) -> float:
    """Memory of a process and its children now, MiB."""
    total = 0
    try:
        for member in (process, *process.children(recursive=True)):
            try:
                full = member.memory_full_info()
                total += getattr(full, "pss", 0) or full.rss
            except psutil.Error:
                continue
    except psutil.Error:
        return 0.0
    return total / 2**20


def run_measured(command: list[str], cores: list[int]) -> tuple[dict[str, object], float, float, float]:
    """Run a command whose last line of output is JSON.

    Returns:
        that JSON, wall seconds, processor seconds, peak MiB.
    """
    before = os.times()
    begin = time.perf_counter()
    threads = {"OMP_NUM_THREADS": str(len(cores)), "MKL_NUM_THREADS": str(len(cores))}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, cwd=ROOT, env={**os.environ, **threads}
    ) as child:
        process = psutil.Process(child.pid)
        process.cpu_affinity(cores)
        peaks = [0.0]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(SAMPLE_EVERY_S):
                peaks.append(tree_memory_mb(process))

        watcher = threading.Thread(target=watch)
        watcher.start()
        output, _ = child.communicate()
        done.set()
        watcher.join()
    wall_s = time.perf_counter() - begin
    after = os.times()
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {child.returncode}")
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return json.loads(output.strip().splitlines()[-1]), wall_s, cpu_s, max(peaks)


def measure_fluxstem(clip: Path, out: Path, cores: list[int], bundle: str, prompts: tuple[str, ...]) -> Measured:
    """``fluxstem isolate`` with the given prompts in one call."""
    command = [sys.executable, "-m", "engine", "isolate", str(clip), *prompts]
    command += ["--out", str(out), "--bundle", bundle, "--device", "cpu", "--json"]
    said, wall_s, cpu_s, peak_mb = run_measured(command, cores)
    reported = said.get("timings")
    timings = {str(k): float(v) for k, v in reported.items()} if isinstance(reported, dict) else {}
    loading_s = timings.pop("open", 0.0)  # the peer's seconds begin when its model is there
    seconds = float(str(said["seconds"])) - loading_s
    return Measured(seconds, loading_s, wall_s, cpu_s, peak_mb, timings, f"{said['bundle']} on {said['device']}")


def measure_peer(python: Path, clip: Path, out: Path, cores: list[int]) -> Measured:
    """HTDemucs with random weights."""
    command = [str(python), str(Path(__file__).with_name("peer_htdemucs.py")), str(clip)]
    command += ["--out", str(out), "--threads", str(len(cores))]
    said, wall_s, cpu_s, peak_mb = run_measured(command, cores)
    timings = said["timings"]
    assert isinstance(timings, dict)
    return Measured(
        float(str(said["seconds"])),
        0.0,
        wall_s,
        cpu_s,
        peak_mb,
        timings,
        f"random weights, {said['parameters']:,} parameters",
    )


def print_rows(rows: dict[str, tuple[Measured, int]], clip_s: float) -> None:
    """One line per system; per-stem figures divide by the stems made."""
    print(
        f"{'':22}{'stems':>6}{'s':>9}{'x real time':>13}{'s per stem':>12}{'loading s':>11}{'command s':>11}"
        f"{'CPU s':>9}{'peak MiB':>10}"
    )
    for name, (run, stems) in rows.items():
        speed = clip_s / run.seconds
        print(
            f"{name:22}{stems:6}{run.seconds:9.2f}{speed:13.2f}{run.seconds / stems:12.2f}"
            f"{run.loading_s:11.2f}{run.wall_s:11.2f}{run.cpu_s:9.1f}{run.peak_mb:10.0f}   {run.note}"
        )


def print_stages(name: str, run: Measured) -> None:
    """Where the time of one run went."""
    total = sum(run.timings.values()) or 1.0
    parts = ", ".join(f"{stage} {seconds:.2f} s ({seconds / total:.0%})" for stage, seconds in run.timings.items())
    print(f"{name}: {parts or 'no timings reported'}")


def print_ratios(one: Measured, four: Measured, peer: Measured) -> None:
    """The peer against ours, per stem and in memory."""
    per_stem = peer.seconds / four.seconds * len(PROMPTS) / 4
    memory = four.peak_mb / peer.peak_mb
    print(f"per stem, four stems a call: {per_stem:.1f} times faster than HTDemucs (goal {SPEED_GOAL:g})")
    loaded = peer.seconds / (four.seconds + four.loading_s)
    print(f"the same with our loading counted and theirs not: {loaded:.1f} times")
    print(f"the same in processor time of the whole commands: {peer.cpu_s / four.cpu_s:.1f} times")
    print(f"waiting for one stem: {peer.seconds / one.seconds:.1f} times faster (HTDemucs always makes four)")
    print(f"memory, four stems a call: {memory:.2f} of HTDemucs (goal below {MEMORY_GOAL:.2f})")


def print_roofline(rows: dict[str, tuple[Measured, int]], clip_s: float, bundle: str, threads: int) -> None:
    """What the mask decoder's operations leave of each figure: see ``roofline.py``; nothing without a mask decoder."""
    sys.path.insert(0, str(ROOT))
    from roofline import graph_work, machine_peak

    from engine.bundle.bundle import load_bundle
    from engine.bundle.library import find_bundle
    from engine.inference.windows import lay_windows

    found = load_bundle(find_bundle(bundle), check_hashes=False)
    grid = found.manifest.decoder
    if grid is None:
        return
    frames = round(clip_s * grid.rate_hz / grid.hop_samples)
    windows = len(lay_windows(frames, grid.frames, grid.presence_frames // 2, grid.presence_frames).starts)
    path, peak = found.path(found.manifest.graphs[grid.graph].file), machine_peak(threads)
    print(f"at most {peak.flops_s / 1e9:.0f} GFLOP/s and {peak.bytes_s / 1e9:.1f} GB/s on {threads} threads")
    for name, (run, stems) in rows.items():
        if name.startswith("fluxstem"):
            work = graph_work(path, {"batch": 1, "prompts": stems})
            print(f"{name}, mask decoder, {windows} windows: {peak.told(work, run.seconds, windows)}")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", type=Path, help="Python of the environment with demucs; left out: no peer")
    parser.add_argument("--clip", type=Path, default=ROOT / "resources" / "demo" / "mix.flac")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--bundle", default="small")
    parser.add_argument("--only", choices=("fluxstem", "htdemucs"))
    parser.add_argument("--out", type=Path, default=ROOT / "bench-out")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cores = sorted(psutil.Process().cpu_affinity())[: args.threads]
    clip = args.out / "clip.wav"
    clip_s = make_clip(args.clip, args.seconds, clip)
    load = os.getloadavg()[0]
    print(
        f"clip: {clip_s:g} s of {args.clip.name}, 44.1 kHz stereo; {len(cores)} threads; load before the run {load:.1f}"
    )
    if load > 0.5:
        print("note: the machine is busy with something else; wall times are pessimistic, CPU seconds are not")
    rows: dict[str, tuple[Measured, int]] = {}
    if args.only != "htdemucs":
        rows["fluxstem, 1 prompt"] = measure_fluxstem(clip, args.out / "one", cores, args.bundle, PROMPTS[:1]), 1
        rows["fluxstem, 4 prompts"] = (
            measure_fluxstem(clip, args.out / "four", cores, args.bundle, PROMPTS),
            len(PROMPTS),
        )
    if args.peer_python and args.only != "fluxstem":
        rows["HTDemucs"] = measure_peer(args.peer_python, clip, args.out / "peer", cores), 4
    print_rows(rows, clip_s)
    for name, (run, _) in rows.items():
        print_stages(name, run)
    print_roofline(rows, clip_s, args.bundle, len(cores))
    if len(rows) == 3:
        print_ratios(*(run for run, _ in rows.values()))


if __name__ == "__main__":
    main()
