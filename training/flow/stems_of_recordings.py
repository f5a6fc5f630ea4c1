"""``python -m training flow-stems CACHE --stems FOLDERS``: the mask decoder's stems as a stem cache for the flow.

Stems of real playing are rendered once, at 44.1 kHz, by ``mask-stems``. The flow hears them at its codec's rate, in
mono, a kit as one stem. Only pieces of the studio can be drawn and told, so the labels of all others lose what drawing
reads.
Then ``python -m training flow --cache CACHE --start RUN`` goes on with them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from training.config import load_preset
from training.data.sources import RATE
from training.data.stem_cache import DATA_SET, write_shard
from training.mask.stems import Player, StemPool
from training.synthesis.render_stems import level
from training.typing import Audio

STEMS_PER_SHARD = 64
QUIET_RMS = 2e-3
KEPT = ("family", "source", "words")  # of labels whose pieces nobody can draw
PLAYED = ("kit", "part_name", "row", "channels", "balanced")  # that the flow does not read


def stems(pool: StemPool, rate_hz: int, seconds: float) -> Iterator[tuple[Audio, dict[str, Any]]]:
    """Every player's stem and label, in the order of the pool; silent ones are left out."""
    samples = round(seconds * rate_hz)
    for player in pool.players:
        whole = np.sum([pool.audio(stem, 0, pool.samples).mean(axis=0) for stem in player.stems], axis=0)
        audio = soxr.resample(whole, RATE, rate_hz).astype(np.float32)[:samples]
        audio = np.pad(audio, (0, samples - len(audio)))
        if float(np.sqrt((audio**2).mean())) > QUIET_RMS:
            yield audio if player.balanced else level(audio), label_of(pool, player)


def label_of(pool: StemPool, player: Player) -> dict[str, Any]:
    """The label of a player in a stem cache."""
    label = pool.labels[player.stems[0]]
    piece = label["piece"].partition("/")[2]
    if "tempo_bpm" in label:  # the studio composed it
        return {key: value for key, value in label.items() if key not in PLAYED} | {"piece": piece}
    return {key: label[key] for key in KEPT if key in label} | {"piece": piece}


def write(pool: StemPool, folder: Path, rate_hz: int, seconds: float) -> int:
    """Write the cache; returns the number of stems."""
    found, count = stems(pool, rate_hz, seconds), 0
    while some := list(islice(found, STEMS_PER_SHARD)):
        name = f"{DATA_SET}recorded-{count // STEMS_PER_SHARD:05d}"  # a name that has nothing else rendered beside it
        write_shard(folder, name, [audio for audio, _ in some], [label for _, label in some])
        count += len(some)
    return count


def main(argv: Sequence[str]) -> int:
    """Read the command line and write.

    Raises:
        ValueError: the folder holds stems already, or there are none to write.
    """
    parser = argparse.ArgumentParser(
        prog="python -m training flow-stems", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("folder", type=Path, help="of the new cache")
    parser.add_argument("--stems", type=Path, nargs="+", required=True, help="folders of mask-stems")
    parser.add_argument("--preset", default="small")
    args = parser.parse_args(argv)
    if any(args.folder.glob("*.json")):
        raise ValueError(f"{args.folder} holds stems already; give a new folder")
    preset = load_preset(args.preset)
    count = write(StemPool(args.stems), args.folder, preset.grid.rate_hz, preset.sound.seconds)
    print(f"{count} stems of {preset.sound.seconds:g} s at {preset.grid.rate_hz} Hz in {args.folder}")
    return 0
