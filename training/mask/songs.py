"""``python -m training mask-songs``: stems of produced, electronic music for the mask decoder.

LMMS songs track by track, and pieces played by electronic kits, drum machines and basses in the lowest octaves, as
shards of the same form as those of ``mask-stems``. What is there stays.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np

from training.data import lmms
from training.data.sources import RATE, SoundLibrary
from training.mask.cache import recordings_of
from training.mask.electronic import ElectronicRenderer, electronic_piece
from training.mask.render import SAMPLES, Row, spans, write_pieces, write_rows
from training.typing import Audio

SEED = 301
PIECES = 240
SONG_S = 84.0
MONO_SIDE = 3e-3  # a side below this share of the whole is dropped
LONG_S = 60.0  # spans of a longer song do not overlap
FADED_S = 0.5  # of silence at the end of a rendering is cut


def project_rows(name: str, stems: Iterable[tuple[lmms.ProjectStem, Audio]]) -> list[Row]:
    """Rendered stems of a project in spans: aligned, in the artist's balance, a kit as the pieces of one player."""
    named = [(stem.family, stem.part, stem.words, _narrow(audio)) for stem, audio in stems]
    named = [row for row in named if np.any(row[3])]
    if not named:
        return []
    end = max(int(np.flatnonzero(np.abs(audio).max(axis=0) > 1e-4)[-1]) + 1 for *_, audio in named)
    cut = [(family, part, words, audio[:, : end + round(FADED_S * RATE)]) for family, part, words, audio in named]
    step = SAMPLES if end > LONG_S * RATE else SAMPLES // 2
    return list(spans(cut, f"song:{name}", name, kits=True, step=step))


def _narrow(audio_CN: Audio) -> Audio:
    """One channel where both say the same."""
    side = float(np.sqrt(((audio_CN[0] - audio_CN[-1]) ** 2).mean()))
    whole = float(np.sqrt((audio_CN**2).mean()))
    return audio_CN.mean(axis=0, keepdims=True) if side <= MONO_SIDE * whole else audio_CN


def cut_projects(projects: Path, folder: Path, seconds: float) -> None:
    """Render the songs of ``lmms.toml`` that are not there yet."""
    for name in lmms.tables()["projects"]:
        if (folder / f"song-{name}.json").is_file():
            continue
        rows = project_rows(name, lmms.song_stems(projects, name, seconds))
        write_rows(folder, f"song-{name}", rows)
        print(f"song {name}: {len(rows)} stems", flush=True)


def play_pieces(kits: Path | None, folder: Path, pieces: int) -> None:
    """Render the electronic pieces that are not there yet."""

    def renders() -> Callable[[int], list[Row]]:
        sounds = SoundLibrary.find()
        return partial(electronic_piece, ElectronicRenderer(sounds, recordings_of(sounds), kits), SEED)

    write_pieces(folder, "electronic", pieces, renders)


def main(argv: list[str]) -> int:
    """Read the command line and render."""
    parser = argparse.ArgumentParser(
        prog="python -m training mask-songs",
        description="render stems of produced, electronic music for the mask decoder",
    )
    parser.add_argument("--lmms", type=Path, help="folder of LMMS's projects, which holds demos; none: no songs")
    parser.add_argument("--kits", type=Path, help="folder of Hydrogen's drum kits; none: drum machines alone")
    parser.add_argument("--out", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--pieces", type=int, default=PIECES, help=f"electronic pieces to play; {PIECES}")
    parser.add_argument("--song-seconds", type=float, default=SONG_S, help=f"longest part of a song; {SONG_S:.0f}")
    args = parser.parse_args(argv)
    play_pieces(args.kits, args.out, args.pieces)
    if args.lmms is not None:
        cut_projects(args.lmms, args.out, args.song_seconds)
    return 0
