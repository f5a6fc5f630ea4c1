"""``python -m training mask-confirm``: drums of songs and kits that chose nothing.

Settings of the mask decoder are chosen by the reserved recordings, so what they gain there is optimistic. These mixes
were heard in no training and choose nothing: LMMS's demo songs in their artists' balance, rendered by
``mask-songs --lmms`` and kept out of ``mask --stems``, and the kits of Debian's ``hydrogen-drumkits`` that are too
restricted to train on, which play composed grooves. Nobody may tune on them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from training.data.hydrogen import HydrogenKit
from training.data.instruments import families
from training.data.sources import RATE
from training.mask.calibration import bias_of
from training.mask.judge import (
    SAMPLES,
    Case,
    add_ensemble_option,
    add_panning_option,
    cases_of_mix,
    judge,
    load_ensemble,
    network_masker,
    summary,
)
from training.mask.mixing import MIX_RMS
from training.mask.stems import StemPool
from training.mask.terms import PANNING, PIECE_OF_NOTE, POOLING, term_number
from training.synthesis.compose import compose
from training.synthesis.score import Note
from training.typing import Audio

SEED = 71
GROOVES = 6  # of every kit
QUIET_DB = -25.0  # drums below this against the whole kit are not asked for
LOUDEST_MIDI = 127
KITS = ("BJA_Pacific", "ColomboAcousticDrumkit", "ForzeeStereo", "Millo-Drums_v.1", "The Black Pearl 1.0")


def kit_cases(folder: Path, grooves: int = GROOVES) -> list[Case]:
    """Cases for the drums of every kit in a folder of Hydrogen's; the same whenever they are made.

    Raises:
        ValueError: one of the kits is not there.
    """
    missing = [name for name in KITS if not (folder / name / "drumkit.xml").is_file()]
    if missing:
        raise ValueError(f"{folder} lacks {', '.join(missing)}; the Debian package hydrogen-drumkits has all of them")
    rng = np.random.default_rng(SEED)
    cases: list[Case] = []
    for name in KITS:
        kit = HydrogenKit(folder / name)
        for _ in range(grooves):
            cases += _questions(name, _played(rng, kit.narrowed(rng)))
    return cases


def _played(rng: np.random.Generator, kit: HydrogenKit) -> dict[str, Audio]:
    """A groove drum by drum, float32 (2, N); a drum that is not played is left out."""
    [part] = compose(rng, SAMPLES / RATE, [families()["drums"]]).parts
    lines: dict[str, Audio] = {}
    for note in part.notes:
        sound = kit.choose(note.midi, note.velocity, None, 0)
        piece = PIECE_OF_NOTE.get(note.midi)
        if sound is not None and piece is not None:
            _strike(lines.setdefault(piece, np.zeros(SAMPLES, np.float32)), note, sound.audio)
    return {piece: np.stack([line, line]) for piece, line in lines.items()}


def _strike(line_N: Audio, note: Note, stroke: Audio) -> None:
    room = line_N[round(note.start_s * RATE) :][: len(stroke)]
    room += stroke[: len(room)] * np.float32((note.velocity / LOUDEST_MIDI) ** 1.2)


def _questions(kit: str, pieces: dict[str, Audio]) -> list[Case]:
    mix = np.sum(list(pieces.values()), axis=0)
    scale = np.float32(MIX_RMS / max(float(np.sqrt((mix**2).mean())), 1e-6))
    cases = []
    for piece, audio in pieces.items():
        share_db = 10 * np.log10(float((audio**2).mean() / (mix**2).mean()) + 1e-12)
        if share_db > QUIET_DB:
            cases.append(Case("kit", term_number(piece), mix * scale, audio * scale, kit))
    return cases


def song_cases(folder: Path) -> list[Case]:
    """The drums of every span of every song."""
    pool = StemPool([folder])
    rng = np.random.default_rng(SEED)
    cases: list[Case] = []
    for _, members in sorted(pool.by_piece.items()):
        heard = {name for player in members for stem in player.stems for name in pool.names[stem]}
        if members[0].balanced and "drums" in heard and len(members) > 1:
            cases += cases_of_mix(rng, pool, list(members), "song-drums", ["drums"], balanced=True)
    return cases


def main(argv: list[str] | None = None) -> int:
    """``python -m training mask-confirm RUN/mask.pt``."""
    parser = argparse.ArgumentParser(
        prog="python -m training mask-confirm", description="Judge a mask decoder on drums that chose nothing."
    )
    parser.add_argument("checkpoint", type=Path)
    add_ensemble_option(parser)
    parser.add_argument("--kits", type=Path, help="folder of Hydrogen's drum kits")
    parser.add_argument("--songs", type=Path, help="folder of LMMS songs rendered by mask-songs")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--plain", action="store_true", help="masks as the network gives them")
    add_panning_option(parser)
    args = parser.parse_args(argv)
    if args.kits is None and args.songs is None:
        parser.error("nothing to judge by; give --kits, --songs or both")
    torch.set_num_threads(args.threads)
    cases = (kit_cases(args.kits) if args.kits else []) + (song_cases(args.songs) if args.songs else [])
    checkpoints = [args.checkpoint, *args.beside]
    panning = None if args.plain or args.no_panning else PANNING
    pooling = None if args.plain else POOLING
    masker = network_masker(load_ensemble(checkpoints), pooling, bias_of(checkpoints), panning)
    rows = judge(masker, cases)
    for row in rows:
        row["kind"] += f" {row['source']}" if row["kind"] == "kit" else ""
    by_kit = [{**row, "kind": "kit"} for row in rows if row["kind"].startswith("kit")]
    for kind, figures in summary([*rows, *by_kit]).items():
        print(kind, figures)
    return 0
