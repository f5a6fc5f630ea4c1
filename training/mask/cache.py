"""``python -m training mask-stems DIR``: render the stems that the mask decoder is trained on, at 44.1 kHz.

``DIR/studio`` holds pieces as the studio plays them, ``DIR/recorded`` pieces on recorded notes, kits in their pieces,
clips of real playing and the songs, ``DIR/kits`` every kit of the library alone. With ``--held-out`` the reserved
recordings take the place of the first two. What is there stays.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path

from training.data.instruments import holdout
from training.data.recordings import clips
from training.data.sources import RATE, SoundLibrary
from training.mask.kits import kit_piece
from training.mask.render import (
    PIECES_PER_SHARD,
    SECONDS,
    RecordedRenderer,
    clip_rows,
    render_piece,
    song_rows,
    write_rows,
)
from training.synthesis.render_stems import missing_shards, render_cache
from training.synthesis.stem_config import StemRenderConfig
from training.worker_pool import JobFailed, WorkerPool

SEED, HELD_OUT_SEED = 201, 211
STUDIO_SEED, HELD_OUT_STUDIO_SEED = 101, 107
KIT_SEED = 301
KIT_SHARDS, KITS_PER_SHARD = 12, 28

_renderer: RecordedRenderer | None = None


def recordings_of(sounds: SoundLibrary) -> Path:
    """The folder of recordings beside the songs.

    Raises:
        FileNotFoundError: this machine has a SoundFont alone.
    """
    if sounds.songs is None or not (sounds.songs.parent / "recordings").is_dir():
        raise FileNotFoundError("the mask decoder needs a sounds folder with recordings; set FLUXSTEM_SOUNDS to one")
    return sounds.songs.parent / "recordings"


def _begin(held_out: bool) -> None:
    global _renderer
    sounds = SoundLibrary.find()
    _renderer = RecordedRenderer(sounds, recordings_of(sounds), held_out)


def _shard(folder: Path, seed: int, shard: int) -> int:
    assert _renderer is not None  # set by _begin in every worker
    rows = []
    for number in range(shard * PIECES_PER_SHARD, (shard + 1) * PIECES_PER_SHARD):
        rows += render_piece(_renderer, seed, number)
    write_rows(folder, f"shard-{shard:05d}", rows)
    return len(rows)


def _kits(folder: Path, shard: int) -> int:
    assert _renderer is not None  # set by _begin in every worker
    rows = []
    for number in range(shard * KITS_PER_SHARD, (shard + 1) * KITS_PER_SHARD):
        rows += kit_piece(_renderer, KIT_SEED, number)
    write_rows(folder, f"kits-{shard:04d}", rows)
    return len(rows)


def render_kits(folder: Path, workers: int) -> None:
    """Every kit of the library in its pieces, where it is not there yet."""
    crew = WorkerPool(partial(_kits, folder), workers, partial(_begin, False))
    todo = [shard for shard in range(KIT_SHARDS) if not (folder / f"kits-{shard:04d}.json").is_file()]
    for shard, stems in crew.run(todo):
        print(f"kits shard {shard}: {stems} stems", flush=True)


def cut_recordings(folder: Path, held_out: bool, seed: int) -> None:
    """Clips and songs of one side of the reserved list, where they are not there yet."""
    sounds = SoundLibrary.find()
    for number, rows in enumerate(clip_rows(clips(recordings_of(sounds), held_out), seed)):
        if rows and not (folder / f"clips-{number:04d}.json").is_file():
            write_rows(folder, f"clips-{number:04d}", rows)
    assert sounds.songs is not None  # recordings_of looked
    for song in sorted(path for path in sounds.songs.iterdir() if (path / "index.json").is_file()):
        wanted = (song.name in holdout().songs) == held_out
        if wanted and not (folder / f"song-{song.name}.json").is_file():
            write_rows(folder, f"song-{song.name}", song_rows(song))


def render_stems(folder: Path, studio_shards: int, recorded_shards: int, held_out: bool, workers: int) -> None:
    """Render what is missing; every shard depends on its number alone."""
    recorded, seed = folder / "recorded", HELD_OUT_SEED if held_out else SEED
    crew = WorkerPool(partial(_shard, recorded, seed), workers, partial(_begin, held_out))
    for shard, stems in crew.run(missing_shards(recorded, recorded_shards)):
        print(f"recorded shard {shard}: {stems} stems", flush=True)
    cut_recordings(recorded, held_out, seed)
    if not held_out:
        render_kits(folder / "kits", workers)
    studio = StemRenderConfig(
        folder=str(folder / "studio"),
        rate_hz=RATE,
        seconds=SECONDS,
        seed=HELD_OUT_STUDIO_SEED if held_out else STUDIO_SEED,
        held_out=held_out,
        songs=False,
    )
    figures = render_cache(studio, studio_shards, workers, niceness=0)
    print(f"studio: {figures['stems']:.0f} stems in {figures['wall_s']:.0f} s")


def main(argv: list[str]) -> int:
    """Read the command line and render."""
    parser = argparse.ArgumentParser(
        prog="python -m training mask-stems", description="render the stems that the mask decoder is trained on"
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--held-out", action="store_true", help="the reserved recordings alone, for judging")
    parser.add_argument("--studio", type=int, help="shards of 16 pieces by the studio; 90, held out 8")
    parser.add_argument("--recorded", type=int, help="shards of 12 pieces on recorded notes; 90, held out 10")
    parser.add_argument("--workers", type=int, default=max(1, os.cpu_count() or 1))
    args = parser.parse_args(argv)
    usual_studio, usual_recorded = (8, 10) if args.held_out else (90, 90)
    try:
        render_stems(
            args.folder,
            usual_studio if args.studio is None else args.studio,
            usual_recorded if args.recorded is None else args.recorded,
            args.held_out,
            args.workers,
        )
    except JobFailed as error:
        raise ValueError(f"the stems are not complete: {error}; run the command again to go on from here") from error
    return 0
