"""``python -m training throughput``: how fast mixes are assembled and stems rendered here, and in how much memory.

Mixes come from stems that were rendered with their effects before, so this is what a training loop waits for.
Processor time is what counts for a core; wall time is printed beside it, for other programs may be running.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from training.config import Preset, load_preset
from training.data.mixer import Mixer
from training.data.sources import Sounds
from training.data.stem_cache import StemCache
from training.synthesis.render_stems import render_cache, score_of
from training.synthesis.stem_config import StudioConfig
from training.synthesis.video.clip import draw_clip

WANTED_TIMES_REAL = 100.0
MIXES = 400
CLIP_FRAMES = 40
SEED = 5


@dataclass(frozen=True, slots=True)
class Rate:
    """How much was made in what time.

    Attributes:
        made_s: seconds of sound, or of pictures.
        cpu_s, wall_s: what they took.
    """

    made_s: float
    cpu_s: float
    wall_s: float

    @property
    def per_core(self) -> float:
        """Seconds made per second of one core."""
        return self.made_s / max(self.cpu_s, 1e-9)

    @property
    def per_second(self) -> float:
        """Seconds made per second on the clock."""
        return self.made_s / max(self.wall_s, 1e-9)

    def __str__(self) -> str:
        return f"{self.per_core:.0f} s per second of a core, {self.per_second:.0f} s per second on the clock"


def mix_rate(cache: StemCache, samples: int, rate_hz: int, mixes: int = MIXES) -> Rate:
    """Assemble mixes from a cache."""
    mixer = Mixer(cache)
    mixer.draw(np.random.default_rng(SEED), samples)  # opens the files
    began, began_cpu = time.perf_counter(), time.process_time()
    for number in range(mixes):
        mixer.draw(np.random.default_rng([SEED, number]), samples)
    return Rate(mixes * samples / rate_hz, time.process_time() - began_cpu, time.perf_counter() - began)


def clip_rate(config: StudioConfig, frames: int = CLIP_FRAMES) -> Rate:
    """Draw frames of one piece."""
    score = score_of(config, Sounds.find(), 0)
    clip = draw_clip(score.parts, config.seconds, SEED)
    frames = min(frames, clip.count)
    began, began_cpu = time.perf_counter(), time.process_time()
    clip.frames(0, frames)
    made_s = clip.seconds * frames / clip.count
    return Rate(made_s, time.process_time() - began_cpu, time.perf_counter() - began)


def render_rates(config: StudioConfig, workers: list[int], shards: int) -> dict[int, dict[str, float]]:
    """Render the same shards with each number of workers, into folders below ``config.folder``."""
    return {
        count: render_cache(replace(config, folder=f"{config.folder}/{count}-workers"), shards, count, niceness=0)
        for count in workers
    }


def measure(preset: Preset, cache: Path | None, workers: list[int], shards: int, pieces: int) -> list[str]:
    """Everything the command prints, line by line."""
    grid = preset.grid.grid
    with tempfile.TemporaryDirectory() as folder:
        config = StudioConfig(
            folder=folder,
            rate_hz=grid.sample_rate_hz,
            seconds=preset.sound.seconds,
            seed=SEED,
            songs=False,
            pieces_per_shard=pieces,
        )
        lines = ["render, stems with effects:"]
        rates = render_rates(config, workers, shards)
        first = rates[workers[0]]["per_worker"] * workers[0]
        for count, figures in rates.items():
            speed = figures["per_worker"] * count  # without the seconds in which workers load their sounds
            lines.append(
                f"  {count} worker{'s' * (count > 1)}: {figures['stems']:.0f} stems, {speed:.1f} s of sound per second "
                f"on the clock ({speed / first:.2f} times {workers[0]}), {figures['per_core']:.1f} s per second of a "
                f"core; {figures['wall_s']:.0f} s with loading; largest worker {figures['peak_mb']:.0f} MB"
            )
        stems = StemCache(cache or Path(folder) / f"{workers[0]}-workers")
        mixes = mix_rate(stems, min(stems.samples, grid.window_samples), grid.sample_rate_hz)
        verdict = "enough" if mixes.per_core >= WANTED_TIMES_REAL else f"less than the {WANTED_TIMES_REAL:.0f} wanted"
        lines.append(f"mix, from cached stems: {mixes}: {verdict}")
        lines.append(f"draw, clips of {CLIP_FRAMES} frames: {clip_rate(config)}")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines.append(f"memory of this process at most {peak_mb:.0f} MB")
    return lines


def main(argv: list[str]) -> int:
    """``python -m training throughput``."""
    parser = argparse.ArgumentParser(prog="python -m training throughput", description="measure the studio")
    parser.add_argument("--preset", default="small", help="rate and length of stems and mixes")
    parser.add_argument("--cache", type=Path, help="assemble mixes from this cache, not from what is rendered here")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="numbers of render workers to try")
    parser.add_argument("--shards", type=int, default=4, help="shards to render with each number of workers")
    parser.add_argument("--pieces", type=int, default=4, help="pieces in each shard")
    args = parser.parse_args(argv)
    if min(args.workers) < 1 or args.shards < 1 or args.pieces < 1:
        raise ValueError("workers, shards and pieces must be at least 1")
    for line in measure(load_preset(args.preset), args.cache, args.workers, args.shards, args.pieces):
        print(line, flush=True)
    return 0
