"""Held-out stems at 44.1 kHz: what the bench's sets of real recordings are mixed from. Rendered once, kept on disk.

Pieces played on the note banks and recorded notes that no training mix may hold, every kit in its pieces; phrases of
the reserved players; spans of the reserved songs, stem by stem. The folder's name is a hash of the lists that say what
is reserved, so that a change of them renders anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from training.data import instruments, lmms
from training.data.instruments import holdout
from training.data.recordings import PREFIX, clips, tables
from training.data.sources import SoundLibrary
from training.mask.render import (
    PIECES_PER_SHARD,
    SAMPLES,
    RecordedRenderer,
    Row,
    clip_rows,
    render_piece,
    song_rows,
    write_rows,
)
from training.mask.stems import Player, StemPool
from training.trainer.arguments import RUNS
from training.typing import Audio

Rng = np.random.Generator
FOLDER = RUNS / "bench-stems"
SEED = 5_400  # of the pieces; no training renders with it
PIECES = 48
FORMAT = "1"
READY = "ready"
MIX_RMS = 0.12
PAN, GAIN_DB = 0.6, 4.0  # how far to the sides, and how much louder or softer, a player may be
LISTS = ("holdout.toml", "recordings.toml", "instruments.toml")


def held_pool(
    folder: Path | None = None, say: Callable[[str], None] = lambda text: None, songs: Path | None = None
) -> StemPool:
    """The held-out stems, rendered where they are missing.

    Args:
        folder: takes a folder for every state of the lists; ``runs/bench-stems`` when not given.
        say: takes a line for the user.
        songs: folder of LMMS's songs as ``mask-songs`` renders them, to be held out too.

    Raises:
        ValueError: the recordings are not on this machine.
    """
    state = hashlib.sha256(f"{FORMAT} {SEED} {PIECES} {SAMPLES}".encode())
    for name in LISTS:
        state.update(Path(instruments.__file__).with_name(name).read_bytes())
    place = (folder or FOLDER) / state.hexdigest()[:8]
    if not (place / READY).is_file():
        say(f"rendering held-out stems into {place}; this is done once")
        _render(place)
        (place / READY).touch()
    return StemPool([place] if songs is None else [place, songs])


def _render(place: Path) -> None:
    sounds = SoundLibrary.find()
    if sounds.banks is None:
        raise ValueError(
            "the bench needs the recordings named in training/data/holdout.toml and none is here; set FLUXSTEM_SOUNDS"
        )
    recordings = sounds.banks.parent / "recordings"
    renderer = RecordedRenderer(sounds, recordings, held_out=True)
    for first in range(0, PIECES, PIECES_PER_SHARD):
        numbers = range(first, min(first + PIECES_PER_SHARD, PIECES))
        _write(place, f"pieces-{first:04d}", [row for k in numbers for row in render_piece(renderer, SEED, k)])
    for k, rows in enumerate(clip_rows(clips(recordings, held_out=True), SEED)):
        _write(place, f"clips-{k:04d}", rows)
    for song in _songs(sounds):
        _write(place, f"song-{song.name}", [row for row in song_rows(song) if _apart(row)])


def _songs(sounds: SoundLibrary) -> list[Path]:
    """Folders of the reserved songs that are here."""
    if sounds.songs is None:
        return []
    return [folder for name in sorted(holdout().songs) if (folder := sounds.songs / name).is_dir()]


def _write(place: Path, name: str, rows: list[Row]) -> None:
    refuse_unreserved(row.label["source"] for row in rows)
    write_rows(place, name, rows)


def _apart(row: Row) -> bool:
    """Every other span of a song: together they are the whole, and none overlaps another."""
    return int(row.label["piece"].rsplit("-", 1)[1]) % SAMPLES == 0


def refuse_unreserved(sources: Iterable[str]) -> None:
    """The bench measures on reserved recordings only.

    Raises:
        ValueError: a source that training may hear.
    """
    if loose := sorted(source for source in set(sources) if not _reserved(source)):
        raise ValueError(f"{', '.join(loose)} is not reserved for measuring; add it to training/data/holdout.toml")


def _reserved(source: str) -> bool:
    """True for a reserved bank or song, LMMS's songs, and recordings of which some or all files are reserved."""
    name = source.removeprefix("bank:")
    if name.startswith(PREFIX):
        source = f"recorded:{name.removeprefix(PREFIX).split(':')[0]}"
    kind, _, name = source.partition(":")
    if kind == "song" and name in lmms.tables()["projects"]:
        return True
    return name in tables()["reserved"] if kind == "recorded" else holdout().reserves(source)


def placed(
    rng: Rng, pool: StemPool, players: Iterable[Player], samples: int, balanced: bool, spread: float = PAN
) -> tuple[list[tuple[int, Audio]], np.float32]:
    """Players as they sound in a mix: ``(number of the stem, float32 (2, N))``, and the gain that makes the mix loud.

    Args:
        rng: decides where the excerpt begins, and level and place of every player.
        samples: N.
        balanced: leave level and place as they are, which are the artists' own.
        spread: how far to the sides a player may be, from 0 to 1.

    Returns:
        No stems where the mix would be silent.
    """
    first = int(rng.integers(0, max(1, pool.samples - samples)))
    stems: list[tuple[int, Audio]] = []
    for player in players:
        gain = 1.0 if balanced else 10 ** (rng.uniform(-GAIN_DB, GAIN_DB) / 20)
        side = 0.0 if balanced else rng.uniform(-spread, spread)
        pan = np.array([[np.cos((side + 1) * np.pi / 4)], [np.sin((side + 1) * np.pi / 4)]]) * np.sqrt(2)
        for stem in player.stems:
            stems.append((stem, (pool.audio(stem, first, samples) * pan * gain).astype(np.float32)))
    loud = float(np.sqrt((np.sum([audio for _, audio in stems], axis=0) ** 2).mean()))
    return ([], np.float32(0)) if loud < 1e-4 else (stems, np.float32(MIX_RMS / loud))
