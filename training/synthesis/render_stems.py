"""The studio: render pieces stem by stem into a cache, in worker processes.

Every shard depends on its number and the seed alone, so the number of workers changes nothing but the speed. A worker
holds one shard at a time; one that dies is named, replaced, and its shard rendered again.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from training.config import Preset, load_preset
from training.data.instruments import Family, families, holdout
from training.data.loudness import BLOCK_S, loudness_lufs
from training.data.sources import RATE, SoundLibrary
from training.data.stem_cache import DATA_SET, StemCache, write_shard
from training.synthesis import songs
from training.synthesis.compose import cast, compose
from training.synthesis.render import PartRenderer, RenderedPart
from training.synthesis.score import Score, ScorePart
from training.synthesis.stem_config import StemRenderConfig
from training.trainer.arguments import RUNS
from training.typing import Audio
from training.worker_pool import JobFailed, WorkerCrash, WorkerPool, log_crash

STEM_RMS = 0.1  # active level of every cached stem: -20 dBFS
PEAK = 0.98
QUIET = 1e-4
HELD_OUT_SEED = 6  # validation music is composed by another seed
HELD_OUT_PART = 8  # and is this many times less


_renderer: PartRenderer | None = None


def _begin(niceness: int) -> None:
    global _renderer
    os.nice(niceness)
    _renderer = PartRenderer(SoundLibrary.find())


def level(audio: Audio) -> Audio:
    """Bring the active parts of a stem to ``STEM_RMS``; silence stays silence."""
    frames = audio[: len(audio) // 800 * 800].reshape(-1, 800)
    power = (frames**2).mean(axis=1)
    active = power[power > power.max() * 1e-3]
    rms = float(np.sqrt(active.mean())) if len(active) else 0.0
    if rms < QUIET:
        return np.zeros_like(audio)
    peak = float(np.abs(audio).max())
    return audio * np.float32(min(STEM_RMS / rms, PEAK / peak))


def register_of(family_low: int, family_high: int, pitches: list[int]) -> str:
    """Plain word for where a part lies: low, middle or high."""
    middle = float(np.median(pitches)) if pitches else 60.0
    return "low" if middle < 52 else "high" if middle > 71 else "middle"


def players(rng: np.random.Generator, sounds: SoundLibrary, held_out: bool) -> list[Family] | None:
    """The players of a piece: the composer's choice, or families with held-out recordings."""
    return cast(rng, [f for f in families().values() if sounds.voices(f, True)]) if held_out else None


def render_piece(
    renderer: PartRenderer, config: StemRenderConfig, number: int
) -> tuple[list[Audio], list[dict[str, Any]]]:
    """All stems of a piece at the cache's rate, with labels."""
    score, rng = _composed(config, renderer.sounds, number)
    stems, labels = [], []
    for place, part in enumerate(score.parts):
        voice = renderer.voice(rng, part.family, config.held_out)
        if voice is None:
            continue
        played = renderer.play(rng, part, voice, config.seconds)
        mono = soxr.resample(played.audio_CN.mean(axis=0), RATE, config.rate_hz).astype(np.float32)
        mono = np.pad(mono, (0, max(0, round(config.seconds * config.rate_hz) - len(mono))))
        mono = level(mono[: round(config.seconds * config.rate_hz)])
        if not np.any(mono):
            continue
        stems.append(mono)
        labels.append(
            {
                "family": part.family,
                "role": part.role,
                "register": part_register(part),
                "source": voice.label,
                "piece": f"{config.seed}-{number}",
                "part": place,
                **facts(score, part, played, mono, config.rate_hz),
            }
        )
    return stems, labels


def score_of(config: StemRenderConfig, sounds: SoundLibrary, number: int) -> Score:
    """The notes of a piece of a cache, composed again; a label's ``part`` is its place in them."""
    return _composed(config, sounds, number)[0]


def _composed(config: StemRenderConfig, sounds: SoundLibrary, number: int) -> tuple[Score, np.random.Generator]:
    rng = np.random.default_rng([config.seed, number])
    return compose(rng, config.seconds, players(rng, sounds, config.held_out)), rng


def part_register(part: ScorePart) -> str:
    """Plain word for where a part lies; "" for drums."""
    family = families()[part.family]
    return "" if family.drums else register_of(family.low, family.high, [n.midi for n in part.notes])


def facts(score: Score, part: ScorePart, played: RenderedPart, mono: Audio, rate_hz: int) -> dict[str, Any]:
    """Further facts of a stem, which labels of older caches lack."""
    return {
        "style": played.style,
        "side": round(played.place.side, 2),
        "lufs": round(loudness_lufs(mono[None], rate_hz), 1) if len(mono) >= BLOCK_S * rate_hz else None,
        "entry": entry_of(part, score.seconds),
        "doubles": part.doubles,
        "tempo_bpm": round(score.tempo_bpm, 1),
        "metre": score.metre,
        "mode": score.mode,
        "tonic": score.tonic,
    }


def entry_of(part: ScorePart, seconds: float) -> str:
    """late for a part that enters after a quarter of the piece, early for one that leaves before its last quarter."""
    if part.notes[0].start_s > 0.25 * seconds:
        return "late"
    return "early" if max(note.end_s for note in part.notes) < 0.75 * seconds else ""


@dataclass(frozen=True, slots=True)
class ShardReport:
    """What one shard cost: stems in it, wall and processor seconds, and the worker's peak memory."""

    stems: int
    wall_s: float
    cpu_s: float
    peak_mb: float


def _shard(config: StemRenderConfig, shard: int) -> ShardReport:
    assert _renderer is not None  # set by _begin in every worker
    began, began_cpu = time.perf_counter(), time.process_time()
    stems: list[Audio] = []
    labels: list[dict[str, Any]] = []
    for number in range(shard * config.pieces_per_shard, (shard + 1) * config.pieces_per_shard):
        more, named = render_piece(_renderer, config, number)
        stems += more
        labels += named
    if not config.held_out:
        holdout().refuse(label["source"] for label in labels)
    write_shard(Path(config.folder), f"shard-{shard:05d}", stems, labels)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return ShardReport(len(stems), time.perf_counter() - began, time.process_time() - began_cpu, peak_mb)


def missing_shards(folder: Path, shards: int) -> list[int]:
    """Numbers of the shards that are not there yet."""
    return [k for k in range(shards) if not (folder / f"shard-{k:05d}.json").is_file()]


def render_cache(
    config: StemRenderConfig,
    shards: int,
    workers: int,
    niceness: int = 10,
    on_crash: Callable[[WorkerCrash], None] = log_crash,
) -> dict[str, float]:
    """Render the missing shards of a cache.

    Returns:
        stems and seconds of sound rendered, wall seconds, seconds of sound per second of one worker and per second of
        processor time, and the largest worker in megabytes.
    """
    began = time.perf_counter()
    crew = WorkerPool(partial(_shard, config), workers, partial(_begin, niceness), on_crash)
    reports = [report for _, report in crew.run(missing_shards(Path(config.folder), shards))]
    if config.songs:
        songs.cut_songs(config)
    sound_s = sum(report.stems for report in reports) * config.seconds
    return {
        "stems": sum(report.stems for report in reports),
        "sound_s": sound_s,
        "wall_s": time.perf_counter() - began,
        "per_worker": sound_s / max(1e-9, sum(report.wall_s for report in reports)),
        "per_core": sound_s / max(1e-9, sum(report.cpu_s for report in reports)),
        "peak_mb": max((report.peak_mb for report in reports), default=0.0),
    }


def ensure_cache(preset: Preset, folder: Path, held_out: bool = False, workers: int | None = None) -> StemCache:
    """The stems of a preset, rendered first where they are missing; a cache of nothing but data sets stays as it is."""
    if any(folder.glob(f"{DATA_SET}*.json")) and not any(folder.glob("shard-*.json")):
        return StemCache(folder)
    return rendered_cache(preset, folder, held_out, workers)


def rendered_cache(preset: Preset, folder: Path, held_out: bool = False, workers: int | None = None) -> StemCache:
    """Render what is missing of the stems of a preset; prints how fast when it had to."""
    sound = preset.sound
    config = StemRenderConfig(
        folder=str(folder),
        rate_hz=preset.grid.rate_hz,
        seconds=sound.seconds,
        seed=sound.seed + (HELD_OUT_SEED if held_out else 0),
        held_out=held_out,
        songs=sound.songs,
    )
    shards = max(1, sound.shards // HELD_OUT_PART) if held_out else sound.shards
    if missing_shards(folder, shards):
        figures = render_cache(config, shards, workers or max(1, (os.cpu_count() or 2) - 1))
        print(
            f"rendered {figures['stems']:.0f} stems, {figures['sound_s'] / 3600:.2f} h of sound, in "
            f"{figures['wall_s']:.0f} s; {figures['per_worker']:.0f} times real time per worker"
        )
    return StemCache(folder)


def main(argv: list[str]) -> int:
    """``python -m training render``: fill the stem cache of a preset."""
    parser = argparse.ArgumentParser(prog="python -m training render", description="render the stems of a preset")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--cache", type=Path, help="folder; runs/cache-PRESET when not given")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--held-out", action="store_true", help="use only recordings kept out of training")
    args = parser.parse_args(argv)
    preset = load_preset(args.preset)
    kind = "heldout" if args.held_out else "cache"
    try:
        cache = rendered_cache(preset, args.cache or RUNS / f"{kind}-{preset.name}", args.held_out, args.workers)
    except JobFailed as error:
        raise ValueError(f"the cache is not complete: {error}; run the command again to go on from here") from error
    print(
        f"{cache.folder}: {cache.count} stems of {len({cache.label(k)['family'] for k in range(cache.count)})} families"
    )
    return 0
