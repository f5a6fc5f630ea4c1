"""How well strokes on drums are heard, on kits that nobody learned from.

    python tests/benchmarks/strokes.py --kits /usr/share/hydrogen/data/drumkits

Composed grooves, dry and through effects, half of them with traces of another instrument, on the reserved bank and on
the kits of Debian's hydrogen-drumkits that may not be trained on (their package needs no installation: the folder can
be unpacked anywhere). A stroke counts within 50 ms; what is true is what the kit really plays: one without a ride plays
it on its hi-hat. ``--weights`` judges a file of ``training drum-classes`` in place of the installed one. Needs the
extras notes, bench and training.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import mir_eval
import numpy as np

from engine.notes.drum_features import DRUMS, RATE_HZ, mel_bands
from engine.notes.drums import HATS, hear_drums, read_weights, said, strokes
from engine.notes.note import DrumHit
from training.data.instruments import families
from training.data.sources import SoundLibrary, Voice
from training.mask.confirm import KITS
from training.notes.drum_kits import SECONDS, DrumPiece, KitRenderer
from training.synthesis.compose import compose

WITHIN_S, MOMENT_S = 0.05, 0.012
Counts = dict[str, list[int]]  # of a drum: found rightly, found, struck


def main() -> None:
    """Play, listen, compare; print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kits", type=Path, help="folder of Hydrogen's drum kits; without it the reserved bank alone")
    parser.add_argument("--weights", type=Path, metavar="FILE.npz", help="in place of those that are installed")
    parser.add_argument("--pieces", type=int, default=8, help="of each kit, 12 s each; default %(default)s")
    parser.add_argument("--seed", type=int, default=71)
    args = parser.parse_args()
    renderer = KitRenderer(SoundLibrary.find(), args.kits, KITS)
    reserved = renderer.sounds.voices(families()["drums"], held_out=True)
    groups = {"the reserved bank": reserved}
    if args.kits is not None:
        groups["kits that may not be learned"] = [renderer.hydrogen(name) for name in KITS]
    print("| kits | drum | strokes | F1 | precision | recall |\n|---|---|---|---|---|---|")
    for group, voices in groups.items():
        counts: Counts = defaultdict(lambda: [0, 0, 0])
        late_s = list[float]()
        for piece in _pieces(renderer, voices, args.pieces, args.seed):
            hits = _heard(piece, args.weights)
            late_s += _count(piece, hits, counts)
        for drum, (right, found, struck) in counts.items():
            f1, precision, recall = 2 * right / max(found + struck, 1), right / max(found, 1), right / max(struck, 1)
            print(f"| {group} | {drum} | {struck} | {f1:.2f} | {precision:.2f} | {recall:.2f} |")
        late_ms = 1e3 * np.array(late_s)
        print(f"| {group} | off in time | {len(late_ms)} | {np.abs(late_ms).mean():.1f} ms | | |")


def _pieces(renderer: KitRenderer, voices: Sequence[Voice], count: int, seed: int) -> Iterator[DrumPiece]:
    for voice in voices:
        rng = np.random.default_rng(seed)
        for number in range(count):
            part = compose(rng, SECONDS, [families()["drums"]]).parts[0]
            yield renderer.piece(rng, voice, part, wet=number % 2 == 1, turned=False)


def _heard(piece: DrumPiece, weights: Path | None) -> Sequence[DrumHit]:
    if weights is None:
        return hear_drums(piece.mono_N[None], RATE_HZ)
    bands_BL = mel_bands(piece.mono_N)
    return strokes(bands_BL, said(bands_BL, read_weights(weights.read_bytes())))


def _count(piece: DrumPiece, hits: Sequence[DrumHit], counts: Counts) -> list[float]:
    """Count what is right; how late each right stroke is, in seconds."""
    kinds = {**{drum: (drum,) for drum in DRUMS}, "any hi-hat": HATS, "any drum": DRUMS}
    late_s = list[float]()
    for name, drums in kinds.items():
        true_s = _moments(stroke.at_s for stroke in piece.strokes if stroke.drum in drums)
        found_s = _moments(hit.at_s for hit in hits if hit.drum in drums)
        pairs = mir_eval.util.match_events(true_s, found_s, WITHIN_S)
        if len(true_s) or len(found_s):
            counts[name] = [a + b for a, b in zip(counts[name], (len(pairs), len(found_s), len(true_s)), strict=True)]
        late_s += [float(found_s[found] - true_s[true]) for true, found in pairs] if name == "any drum" else []
    return late_s


def _moments(times_s: Iterator[float]) -> np.ndarray:
    """Times, ascending; those of one moment once."""
    moments = list[float]()
    for at_s in sorted(times_s):
        if not moments or at_s - moments[-1] > MOMENT_S:
            moments.append(at_s)
    return np.array(moments)


if __name__ == "__main__":
    main()
