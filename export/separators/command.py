"""``python -m export separator KIND [SOURCE] OUT``: a foreign separator becomes a bundle with named stems.

Nothing is fetched from the network unless ``--download`` is given.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from export.separators import write
from export.separators.foreign import ForeignSeparator
from export.storage import PRECISIONS

TERMS = ("licence", "credit")
# kind -> the options it takes beside those of every bundle
KINDS: dict[str, tuple[str, ...]] = {
    "spleeter": ("nets",),
    "htdemucs": ("download", *TERMS),
    "openunmix": ("download", "window_s", *TERMS),
    "onnx": ("stems", "rate", "input", "window", "spectrum", "masks", *TERMS),
}


def main(argv: list[str]) -> str:
    """Read the command line and write the bundle; a line on it."""
    parser = _parser()
    args = parser.parse_args(argv)
    _check_taken(parser, args)
    *given, out = args.paths
    if len(given) > 1:
        raise ValueError(f"one source and one folder for the bundle, got {len(args.paths)} paths")
    source = Path(given[0]) if given else None
    foreign = _on_terms(_foreign(args, source), args)
    name = args.name or Path(out).name
    manifest = write.write_separator(foreign, Path(out), name, args.version, args.precision, args.replace)
    return write.summary(Path(out), manifest)


def _check_taken(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what a kind would not heed, above all a switch that would seem to have done something."""
    for name in dict.fromkeys(name for names in KINDS.values() for name in names):
        if name not in KINDS[args.kind] and getattr(args, name) != parser.get_default(name):
            able = " or ".join(kind for kind, names in KINDS.items() if name in names)
            raise ValueError(f"{args.kind} takes no --{name.replace('_', '-')}; that is for {able}")
    if args.download and args.licence:
        raise ValueError(f"the licence of the published {args.download} is known; leave --licence out")


def _on_terms(foreign: ForeignSeparator, args: argparse.Namespace) -> ForeignSeparator:
    """Weights of one's own are passed on as one says; the credit of the architecture stays."""
    credit = dict.fromkeys([*foreign.attribution, *args.credit])
    return replace(foreign, licence=args.licence or foreign.licence, attribution=tuple(credit))


def _foreign(args: argparse.Namespace, source: Path | None) -> ForeignSeparator:
    # each kind needs a package of its own, so it is imported when it is asked for
    if args.kind == "spleeter":
        from export.separators import spleeter

        return spleeter.foreign(source, args.nets)
    if args.kind == "htdemucs":
        from export.separators import htdemucs

        return htdemucs.foreign(source, args.download)
    if args.kind == "openunmix":
        from export.separators import openunmix

        return openunmix.foreign(source, args.window_s, args.download)
    from export.separators import onnxfile

    return onnxfile.foreign(source, onnxfile.OnnxDescription.of(args))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export separator", description="turn a foreign separator into a bundle with named stems"
    )
    parser.add_argument("kind", choices=tuple(KINDS))
    parser.add_argument(
        "paths", nargs="+", metavar="[SOURCE] OUT",
        help="checkpoint, folder of checkpoints or ONNX file; then the folder of the bundle",
    )  # fmt: skip
    parser.add_argument("--name", help="of the bundle; that of its folder when not given")
    parser.add_argument("--version", default="1.0.0")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp16", help="of the weights on disk")
    parser.add_argument("--replace", action="store_true", help="take the place of an old bundle")
    parser.add_argument(
        "--download", metavar="NAME", default="",
        help="htdemucs, openunmix: fetch this published model; the only switch that uses the network",
    )  # fmt: skip
    parser.add_argument(
        "--nets", choices=("pair", "vocals"), default="vocals", help="spleeter: both nets, or the one for voice alone"
    )
    parser.add_argument("--window-s", type=float, default=6.0, help="openunmix: seconds of one window; default 6")
    terms = parser.add_argument_group("on what terms weights of your own may be passed on")
    terms.add_argument("--licence", default="", help="of the weights")
    terms.add_argument("--credit", action="append", default=[], help="a line that goes wherever the bundle goes")
    described = parser.add_argument_group("onnx: what the file does not say")
    described.add_argument("--stems", type=lambda text: tuple(text.split(",")), default=(), metavar="A,B,C")
    described.add_argument("--rate", type=int, default=44_100, metavar="HZ")
    described.add_argument("--input", default="", metavar="NAME", help="of the graph; its only one when not given")
    described.add_argument("--window", type=int, default=0, metavar="SAMPLES", help="where the file leaves it open")
    described.add_argument(
        "--spectrum", type=_four, metavar="FFT,HOP,BINS,FRAMES",
        help="the graph takes spectra: left real, left imaginary, right real, right imaginary, unless --masks",
    )  # fmt: skip
    described.add_argument("--masks", action="store_true", help="the graph takes magnitudes and answers masks")
    return parser


def _four(text: str) -> tuple[int, int, int, int]:
    fft, hop, bins, frames = (int(word) for word in text.split(","))
    return fft, hop, bins, frames
