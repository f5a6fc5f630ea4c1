"""Tables of what a confidence is worth, as ``engine/notes/calibration.py`` has them, from pieces whose notes are known.

    python tests/benchmarks/calibrate_notes.py claims.jsonl --pieces 40 --keys 120 --strokes 6 --kits FOLDER

Composes other pieces than ``notes.py`` does, listens to them, and keeps in a file what was claimed and what was true;
a later call adds to it. ``--kits`` is the folder of Hydrogen's drum kits that ``strokes.py`` takes: strokes are counted
on the drums of the pieces, and on kits that nobody learned from. Prints how far off the installed tables are on
average, how far off those are that were fitted on other pieces, and then the tables fitted on all.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from notes import (
    BARS,
    BEATS,
    KEY,
    NOTE,
    STEM,
    STROKE,
    Claims,
    heard_key,
    heard_mix,
    heard_stem,
    said_of,
    stems_of,
    stroke_claims,
    tell_reliability,
    tempo_of,
    tonal_pieces,
)
from reliability import Claim, fitted, off_by, said_by_others

from engine.notes.calibration import EVIDENCE, Table
from engine.notes.drum_features import DRUMS, RATE_HZ
from engine.notes.drums import hear_drums
from engine.notes.network import NoteNetwork
from training.data.instruments import families
from training.data.sources import SoundLibrary, Voice
from training.mask.confirm import KITS
from training.notes.drum_kits import SECONDS, KitRenderer
from training.synthesis.band import render_band
from training.synthesis.compose import compose
from training.synthesis.render import PartRenderer
from training.typing import Rng

NAMES = {NOTE: "NOTE", STEM: "STEM", BEATS: "BEATS", BARS: "BARS", KEY: "KEY"}
FROM_NOTHING = {NOTE, STEM, STROKE}  # no evidence of these is worth nothing
Listen = Callable[[], Claims]


def main() -> None:
    """Compose, play, listen; print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, metavar="CLAIMS.jsonl", help="keeps what was heard; is added to")
    parser.add_argument("--pieces", type=int, default=0, help="whole pieces")
    parser.add_argument("--keys", type=int, default=0, help="further pieces of which the key alone is heard")
    parser.add_argument("--strokes", type=int, default=0, help="grooves on each kit that nobody learned from")
    parser.add_argument("--kits", type=Path, help="folder of Hydrogen's drum kits; without it the reserved bank alone")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each piece; grooves have 12")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no piece after so long")
    parser.add_argument("--seed", type=int, default=3000)
    args = parser.parse_args()
    began_s, known = time.monotonic(), set(_kept(args.file))
    for piece, listen in _all(args):
        if time.monotonic() - began_s > 60 * args.minutes:
            break
        if piece not in known:
            _keep(args.file, piece, listen())
    claims: Claims = defaultdict(list)
    for heard in _kept(args.file).values():
        for name, some in heard.items():
            claims[name] += some
    tell_reliability(claims)
    _tell_fit(claims)


def _all(args: argparse.Namespace) -> Iterator[tuple[str, Listen]]:
    """Every piece by name, and what listens to it; it is not rendered before it is listened to."""
    library = SoundLibrary.find()
    renderer, network = PartRenderer(library), NoteNetwork()
    kits = KitRenderer(library, args.kits, KITS) if args.strokes else None
    for seed in range(args.seed, args.seed + args.pieces):
        yield f"piece {seed}", lambda seed=seed: _piece(renderer, network, seed, args.seconds)
    for number in range(args.keys):
        yield f"keys {args.seed}-{number}", lambda number=number: _key(renderer, args.seed, number, args.seconds)
    if kits is None:
        return
    voices = [*kits.sounds.voices(families()["drums"], held_out=True)]
    voices += [kits.hydrogen(name) for name in KITS] if args.kits is not None else []
    for number, (place, voice) in itertools.product(range(args.strokes), enumerate(voices)):
        rng = np.random.default_rng([args.seed, place, number])  # no groove is on two kits
        wet = number % 2 == 1
        yield f"kit {voice.name} {number}", lambda voice=voice, rng=rng, wet=wet: _groove(kits, voice, rng, wet)


def _piece(renderer: PartRenderer, network: NoteNetwork, seed: int, seconds: float) -> Claims:
    claims: Claims = defaultdict(list)
    band = render_band(renderer, np.random.default_rng(seed), seconds)
    for part, source, stem_CN in stems_of(band):
        list(heard_stem(renderer, part, source, stem_CN, network, claims, f"piece {seed}"))
    list(heard_mix(band, seed, seconds, claims))
    return claims


def _key(renderer: PartRenderer, seed: int, number: int, seconds: float) -> Claims:
    claims: Claims = defaultdict(list)
    for found, band in tonal_pieces(renderer, seed + 1000 * number, 1, seconds):
        list(heard_key(band.score, tempo_of(np.sum(band.stems, axis=0)), claims, f"keys {found}"))
    return claims


def _groove(kits: KitRenderer, voice: Voice, rng: Rng, wet: bool) -> Claims:
    part = compose(rng, SECONDS, [families()["drums"]]).parts[0]
    played = kits.piece(rng, voice, part, wet=wet, turned=False)
    hits = hear_drums(played.mono_N[None], RATE_HZ, calibration=EVIDENCE)
    struck = [(stroke.at_s, stroke.drum) for stroke in played.strokes]
    return {STROKE: list(stroke_claims(struck, hits, f"kit {voice.name}"))}  # a kit is judged by others


def _kept(file: Path) -> dict[str, Claims]:
    """What was heard in each piece before."""
    if not file.exists():
        return {}
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {
        row["piece"]: {name: [Claim(**one) for one in some] for name, some in row["claims"].items()} for row in rows
    }


def _keep(file: Path, piece: str, heard: Claims) -> None:
    row = {"piece": piece, "claims": {name: [asdict(one) for one in some] for name, some in heard.items()}}
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")


def _tell_fit(claims: Claims) -> None:
    """Print how far off fitted tables are on other pieces, and those that are fitted on all."""
    print("\n| confidence in | how many | off on average, installed | fitted on other pieces |\n|---|---|---|---|")
    lines, by_drum = list[str](), list[str]()
    for name, some in claims.items():
        for kind in [drum for drum in DRUMS if any(one.kind == drum for one in some)] or [""]:
            of_kind = [one for one in some if one.kind == kind]
            true = [one.true for one in of_kind]
            now = off_by([said_of(name, one) for one in of_kind], true)
            then = off_by(said_by_others(of_kind, name in FROM_NOTHING), true)
            print(f"| {name}{' on ' + kind if kind else ''} | {len(of_kind)} | {now:.2f} | {then:.2f} |")
            table = _words(fitted(of_kind, name in FROM_NOTHING))
            if kind:
                by_drum.append(f'    "{kind}": {table},')
            else:
                lines.append(f"{NAMES[name]}: Table = {table}")
    print("\n" + "\n".join(lines))
    if by_drum:
        print("\n".join(["STROKES: dict[str, Table] = {", *by_drum, "}"]))


def _words(table: Table) -> str:
    """A table as Python."""
    return repr(tuple(tuple(map(float, row)) for row in table))


if __name__ == "__main__":
    main()
