"""``python -m training index --kind KIND DIR``: what a data set holds, and what is wrong with it.

Prints hours, labels and problems; ``--cache DIR`` also cuts it into a stem cache that the training stages read, the
films of its players beside the stems.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from training.config import load_preset
from training.data.datasets import KINDS, read_dataset
from training.data.datasets.checks import header_problems, heard_problems
from training.data.datasets.labels import family_of
from training.data.piece import OTHER, Piece, Stem
from training.data.stem_cache import DATA_SET, StemCache, write_shard
from training.data.video import frames_from
from training.scene.config import FPS
from training.synthesis.render_stems import level
from training.typing import Frames

log = logging.getLogger(__name__)
PROBLEMS_SHOWN = 20
SPANS_PER_SHARD = 8
QUIET_RMS = 2e-3
TRAINING_SPLITS = ("train", "")


@dataclass(slots=True)
class DatasetIndex:
    """Figures of one data set, added up piece by piece.

    Attributes:
        kind: of data set.
        pieces, mix_s: how many, and seconds of mixes, by split.
        labels: label -> our term, stems and their seconds.
        problems: (piece, what is wrong with it).
        pictures: number of pictures.
    """

    kind: str
    pieces: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    mix_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    labels: dict[str, tuple[str, int, float]] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    pictures: int = 0

    def add(self, piece: Piece, listen: bool) -> None:
        """Add a piece to the figures."""
        self.pieces[piece.split] += 1
        self.mix_s[piece.split] += piece.seconds
        self.pictures += piece.frames.count if piece.frames is not None else 0
        for stem in piece.stems:
            _, count, seconds = self.labels.get(stem.label, ("", 0, 0.0))
            self.labels[stem.label] = (stem.term, count + 1, seconds + stem.sound.samples / stem.sound.rate_hz)
        found = chain(header_problems(piece), heard_problems(piece) if listen else ())
        self.problems += [(piece.name, problem) for problem in found]

    @property
    def hours(self) -> float:
        """Hours of mixes."""
        return sum(self.mix_s.values()) / 3600

    def report(self, most_problems: int = PROBLEMS_SHOWN) -> str:
        """The figures as text."""
        stems_h = sum(seconds for _, _, seconds in self.labels.values()) / 3600
        count = sum(self.pieces.values())
        lines = [f"{self.kind}: {count} pieces, {self.hours:.2f} h of mixes, {stems_h:.2f} h of stems"]
        for split in sorted(self.pieces):
            lines.append(f"  {split or 'no split':12} {self.pieces[split]:6} pieces {self.mix_s[split] / 3600:9.2f} h")
        if self.pictures:
            lines.append(f"  {self.pictures} pictures")
        lines.append("labels:")
        for label, (term, stems, seconds) in sorted(self.labels.items(), key=lambda row: (-row[1][2], row[0])):
            lines.append(f"  {label:40} -> {term:18} {stems:6} stems {seconds / 3600:9.2f} h")
        unknown = sorted(label for label, (term, _, _) in self.labels.items() if term == OTHER)
        if unknown:
            lines.append(f"  without a family of ours, part of mixes only: {', '.join(unknown)}")
        lines.append(f"problems: {len(self.problems) or 'none'}")
        lines += [f"  {name}: {problem}" for name, problem in self.problems[:most_problems]]
        if len(self.problems) > most_problems:
            lines.append(f"  and {len(self.problems) - most_problems} more; --problems {len(self.problems)} shows them")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The figures as plain values."""
        return {
            "kind": self.kind,
            "hours": self.hours,
            "splits": {s: {"pieces": self.pieces[s], "hours": self.mix_s[s] / 3600} for s in sorted(self.pieces)},
            "labels": {
                label: {"term": term, "stems": stems, "hours": seconds / 3600}
                for label, (term, stems, seconds) in sorted(self.labels.items())
            },
            "pictures": self.pictures,
            "problems": [{"piece": name, "problem": problem} for name, problem in self.problems],
        }


@dataclass(frozen=True, slots=True)
class CutConfig:
    """How pieces are cut into a stem cache.

    Attributes:
        folder: of the cache.
        rate_hz: of the sound.
        seconds: length of every span.
        kind: of data set.
        size_px: height and width of the frames that are kept of films; 0 keeps none.
    """

    folder: Path
    rate_hz: int
    seconds: float
    kind: str
    size_px: int = 0


def starts_of(piece: Piece, seconds: float) -> list[float]:
    """Where the spans of a piece begin, in seconds."""
    return [float(start_s) for start_s in np.arange(0.0, max(piece.seconds - seconds, 0.0) + 1e-6, seconds)]


def cut_piece(piece: Piece, number: int, cutting: CutConfig, chosen: list[float] | None = None) -> int:
    """Add a piece to a stem cache, span after span, each with its silent stems left out; returns the stems added.

    Args:
        number: of the piece, for the names of the files.
        chosen: starts of the spans to cut, in seconds; None means all of ``starts_of``.
    """
    samples = round(cutting.seconds * cutting.rate_hz)
    starts = starts_of(piece, cutting.seconds) if chosen is None else chosen
    added = 0
    for shard in range(0, len(starts), SPANS_PER_SHARD):
        stems, labels, films = [], [], list[Frames]()
        for start_s in starts[shard : shard + SPANS_PER_SHARD]:
            spans = piece.cut(start_s, samples, cutting.rate_hz)
            heard = [k for k, span in enumerate(spans) if float(np.sqrt((span**2).mean())) >= QUIET_RMS]
            film = _filmed(piece, start_s, cutting) if heard else None
            seen = {} if film is None else {"film": len(films)}
            films += [] if film is None else [film]
            stems += [level(spans[k]) for k in heard]
            labels += [_label(cutting.kind, piece, piece.stems[k], start_s) | seen for k in heard]
        if stems:
            name = f"{DATA_SET}{cutting.kind}-{number:05d}-{shard // SPANS_PER_SHARD:03d}"
            write_shard(cutting.folder, name, stems, labels, films)
        added += len(stems)
    return added


def _filmed(piece: Piece, start_s: float, cutting: CutConfig) -> Frames | None:
    """The frames of a span; None where there is no film, where it is over, or where it is damaged, which is logged."""
    if piece.frames is None or not cutting.size_px:
        return None
    try:
        frames = frames_from(piece.frames, start_s, math.ceil(cutting.seconds * FPS), cutting.size_px)
    except ValueError as error:
        log.warning("%s has no picture from %g s on: %s", piece.name, start_s, error)
        return None
    return frames if frames.any() else None


def _label(kind: str, piece: Piece, stem: Stem, start_s: float) -> dict[str, Any]:
    return {
        "family": family_of(stem.term), "role": "", "register": "", "source": f"set:{kind}:{piece.name}",
        "piece": f"{kind}-{piece.name}-{start_s:g}", "term": stem.term, "label": stem.label,
    }  # fmt: skip


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training index", description="what a data set holds")
    kinds = "\n".join(f"  {kind:9} {doc}" for kind, (_, doc) in KINDS.items())
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"kinds:\n{kinds}"
    parser.add_argument("folder", type=Path, help="folder that the data set was unpacked into")
    parser.add_argument("--kind", required=True, choices=list(KINDS))
    parser.add_argument("--split", help="only this split, for example train")
    parser.add_argument("--listen", action="store_true", help="decode everything: silence, broken sums (slow)")
    parser.add_argument("--problems", type=int, default=PROBLEMS_SHOWN, metavar="N", help="show this many problems")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="also cut training pieces into this cache, and films where the preset sees",
    )
    parser.add_argument("--preset", default="small", help="rate, length and size of frames of the cache")
    return parser.parse_args(argv)


def make_index(kind: str, pieces: Iterable[Piece], listen: bool = False) -> DatasetIndex:
    """The figures of some pieces."""
    index = DatasetIndex(kind)
    for piece in pieces:
        index.add(piece, listen)
    return index


def cut_pieces(pieces: Sequence[Piece], cutting: CutConfig) -> int:
    """Cut pieces of the training split into a cache; returns the stems added.

    Raises:
        ValueError: there is nothing to train on among them.
    """
    allowed = [piece for piece in pieces if piece.split in TRAINING_SPLITS and piece.stems]
    if not allowed:
        raise ValueError("no piece belongs to the training split, so no cache was made; leave out --cache or --split")
    return sum(cut_piece(piece, number, cutting) for number, piece in enumerate(allowed))


def main(argv: list[str]) -> int:
    """``python -m training index``."""
    args = _arguments(argv)
    pieces = [p for p in read_dataset(args.kind, args.folder) if args.split in (None, p.split)]
    if not pieces:
        raise ValueError(f"no piece of split {args.split!r} in {args.folder}; leave out --split to see which there are")
    index = make_index(args.kind, pieces, args.listen)
    print(index.report(args.problems))
    if args.json is not None:
        args.json.write_text(json.dumps(index.as_json(), indent=1, ensure_ascii=False) + "\n", "utf-8")
    if args.cache is not None:
        preset = load_preset(args.preset)
        size_px = preset.scene.size_px if preset.flow.picture_dim else 0  # only a flow that takes pictures needs films
        cutting = CutConfig(args.cache, preset.grid.rate_hz, preset.sound.seconds, args.kind, size_px)
        added = cut_pieces(pieces, cutting)
        cache = StemCache(args.cache)
        seen = sum(cache.film(stem) is not None for stem in range(cache.count))
        print(f"{args.cache}: {added} stems of {preset.sound.seconds:g} s at {preset.grid.rate_hz} Hz added")
        if seen:
            print(f"{seen} of {cache.count} have a film of {preset.scene.size_px} x {preset.scene.size_px} pixels")
    return 0
