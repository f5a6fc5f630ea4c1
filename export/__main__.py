"""``python -m export RUN BUNDLE_DIR``: a finished training run becomes a bundle, checked against torch.

``COMMANDS`` lists what else can be exported; each has a help of its own.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from engine.errors import BundleError
from export import guard
from export.parity import Disagreement
from export.write import summary, write_bundle

# command: (module, what it does); a module's ``main`` takes the other words and gives a line to print
COMMANDS = {
    "attach": ("export.separators.attach", "put a separator into a bundle's copy, for some of its terms"),
    "defaults": (
        "export.defaults",
        "change the settings of a bundle's tasks, and its cascades",
    ),
    "encoders": ("export.encoders.command", "turn CLAP and CLIP towers into graphs of a bundle"),
    "frames": ("export.free_frames", "have the mask decoder of a bundle's copy take windows of fewer frames"),
    "mask": ("export.mask", "put a mask decoder, and the words it knows, into a copy of a bundle"),
    "mask-estimate": ("export.flow_estimate", "is a mask decoder better that also reads the flow's estimates"),
    "notes": ("export.notes", "take the network that hears notes out of the wheel of basic-pitch"),
    "refit": ("export.refit", "put a run's flow or decoder into a copy of the bundle that it was trained from"),
    "sampler": ("export.sampler", "turn note banks and a SoundFont into the instruments of --voice sampled"),
    "separator": ("export.separators.command", "turn Spleeter, HTDemucs, Open-Unmix or an ONNX file into a bundle"),
    "songs": ("export.separators.songs", "measure separators on the voices of real songs"),
    "upsampling": ("export.upsampling", "make transposed convolutions of a bundle's copy plain ones, for processors"),
}


def main(argv: list[str]) -> int:
    """Export and print the result; returns 2 for a wrong request, 3 when torch and ONNX disagree."""
    try:
        if argv and argv[0] in COMMANDS:
            print(importlib.import_module(COMMANDS[argv[0]][0]).main(argv[1:]))
        else:
            print(export_run(argv))
    except (ValueError, FileNotFoundError, BundleError) as error:
        print(f"export: {error}", file=sys.stderr)
        return 2
    except Disagreement as error:
        print(f"export: {error}", file=sys.stderr)
        return 3
    return 0


def export_run(argv: list[str]) -> str:
    """``python -m export RUN BUNDLE_DIR``."""
    others = "\n".join(f"  python -m export {name:13} {doc}" for name, (_, doc) in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="python -m export",
        description="turn a training run into a bundle",
        epilog=f"other commands:\n{others}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", type=Path, help="finished flow run")
    parser.add_argument("bundle", type=Path, help="folder of the bundle")
    parser.add_argument("--name", help="name of the bundle; that of its folder when not given")
    parser.add_argument("--version", default="1.0.0")
    parser.add_argument("--precision", choices=["fp16", "fp32"], default="fp16", help="of the weights on disk")
    guard.add_arguments(parser)
    parser.add_argument(
        "--with",
        dest="more",
        type=Path,
        action="append",
        default=[],
        metavar="RUN",
        help="run of a scene encoder or of adapters, in the place of the flow run's own; may be given again",
    )
    args = parser.parse_args(argv)
    name = args.name or args.bundle.name
    half = args.precision == "fp16"
    manifest = write_bundle(args.run, args.bundle, name, args.version, half, args.replace, args.comparison, args.more)
    return summary(args.bundle, manifest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
