"""Fit the calibration tables of ``engine/notes/calibration.py``, on pieces whose notes are known.

    python tests/benchmarks/calibrate_notes.py claims.jsonl --pieces 40 --keys 120 --strokes 6 --kits FOLDER

Composes other pieces than ``notes.py`` does, analyses them, and keeps evidence and truth in a file, to which a later
call adds. ``--kits`` is the folder of Hydrogen's drum kits that ``strokes.py`` takes: strokes are counted on the drums
of the pieces, and on kits that no model was trained on. Prints the calibration error of the installed tables, that of
cross-validated ones, and the tables fitted on all claims.
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
    confidence_of,
    estimated_tempo,
    print_reliability,
    score_key,
    score_mix,
    score_stem,
    stems_of,
    stroke_claims,
    tonal_pieces,
)
from reliability import Claim, calibration_error, cross_validated, fit_table

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
THROUGH_ZERO = {NOTE, STEM, STROKE}  # kinds of claims whose table begins at (0, 0)
Analyse = Callable[[], Claims]


def main() -> None:
    """Compose, play and analyse; print the tables."""
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
    began_s, known = time.monotonic(), set(_read_claims(args.file))
    for piece, analyse in _pieces(args):
        if time.monotonic() - began_s > 60 * args.minutes:
            break
        if piece not in known:
            _append_claims(args.file, piece, analyse())
    claims: Claims = defaultdict(list)
    for of_piece in _read_claims(args.file).values():
        for name, some in of_piece.items():
            claims[name] += some
    print_reliability(claims)
    _print_fit(claims)


def _pieces(args: argparse.Namespace) -> Iterator[tuple[str, Analyse]]:
    """Every piece by name, and what renders and analyses it when called."""
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
        list(score_stem(renderer, part, source, stem_CN, network, claims, f"piece {seed}"))
    list(score_mix(band, seed, seconds, claims))
    return claims


def _key(renderer: PartRenderer, seed: int, number: int, seconds: float) -> Claims:
    claims: Claims = defaultdict(list)
    for found, band in tonal_pieces(renderer, seed + 1000 * number, 1, seconds):
        list(score_key(band.score, estimated_tempo(np.sum(band.stems, axis=0)), claims, f"keys {found}"))
    return claims


def _groove(kits: KitRenderer, voice: Voice, rng: Rng, wet: bool) -> Claims:
    part = compose(rng, SECONDS, [families()["drums"]]).parts[0]
    played = kits.piece(rng, voice, part, wet=wet, turned=False)
    hits = hear_drums(played.mono_N[None], RATE_HZ, calibration=EVIDENCE)
    struck = [(stroke.at_s, stroke.drum) for stroke in played.strokes]
    return {STROKE: list(stroke_claims(struck, hits, f"kit {voice.name}"))}  # a kit is judged by others


def _read_claims(file: Path) -> dict[str, Claims]:
    """The claims of each piece that the file holds."""
    if not file.exists():
        return {}
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {
        row["piece"]: {name: [Claim(**one) for one in some] for name, some in row["claims"].items()} for row in rows
    }


def _append_claims(file: Path, piece: str, claims: Claims) -> None:
    row = {"piece": piece, "claims": {name: [asdict(one) for one in some] for name, some in claims.items()}}
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")


def _print_fit(claims: Claims) -> None:
    """Print the calibration errors of installed and cross-validated tables, and the tables fitted on all claims."""
    print("\n| confidence in | how many | off on average, installed | fitted on other pieces |\n|---|---|---|---|")
    lines, by_drum = list[str](), list[str]()
    for name, some in claims.items():
        for kind in [drum for drum in DRUMS if any(one.kind == drum for one in some)] or [""]:
            of_kind = [one for one in some if one.kind == kind]
            true = [one.true for one in of_kind]
            installed = calibration_error([confidence_of(name, one) for one in of_kind], true)
            cross = calibration_error(cross_validated(of_kind, name in THROUGH_ZERO), true)
            print(f"| {name}{' on ' + kind if kind else ''} | {len(of_kind)} | {installed:.2f} | {cross:.2f} |")
            table = _as_python(fit_table(of_kind, name in THROUGH_ZERO))
            if kind:
                by_drum.append(f'    "{kind}": {table},')
            else:
                lines.append(f"{NAMES[name]}: Table = {table}")
    print("\n" + "\n".join(lines))
    if by_drum:
        print("\n".join(["STROKES: dict[str, Table] = {", *by_drum, "}"]))


def _as_python(table: Table) -> str:
    """A table as Python source."""
    return repr(tuple(tuple(map(float, row)) for row in table))


if __name__ == "__main__":
    main()
