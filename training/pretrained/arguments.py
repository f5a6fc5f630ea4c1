"""Command-line options that choose CLAP and CLIP weights, shared by `export encoders` and `training adapters`.

``--clap FILE --clap-model HTSAT-base`` goes through laion-clap itself, ``--clip FILE --clip-model ViT-B-32`` through
open-clip; without a model's name, transformers' towers take the weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from training.pretrained.clap import ClapTowers, load_clap
from training.pretrained.clip import ClipTower, load_clip
from training.pretrained.package.towers import laion_clap, open_clip
from training.pretrained.sources import open_source


def add_towers(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    parser.add_argument("--clap", help="folder in transformers' layout; with --clap-model, a checkpoint of laion-clap")
    parser.add_argument("--clap-model", metavar="NAME", help="build --clap with laion-clap, by its name: HTSAT-tiny")
    parser.add_argument("--clap-python", type=Path, metavar="FILE", help="Python that has laion-clap, if not make's")
    parser.add_argument("--clap-tokenizer", type=Path, metavar="FILE", help="tokenizer.json, for a lone checkpoint")
    parser.add_argument("--clip", help="folder in transformers' layout; with --clip-model, a checkpoint of open-clip")
    parser.add_argument("--clip-model", metavar="NAME", help="build --clip with open-clip, by its name: ViT-B-32")
    parser.add_argument("--clip-python", type=Path, metavar="FILE", help="Python that has open-clip, if not make's")
    parser.add_argument("--download", action="store_true", help="--clap and --clip may name repositories to fetch")


def check_towers(args: argparse.Namespace, aim: str) -> None:
    """Refuse options that do not go together.

    Raises:
        ValueError: there is nothing to ``aim``, or a model is named without weights.
    """
    if not args.clap and not args.clip:
        raise ValueError(f"nothing to {aim}; give --clap, --clip or both")
    for kind in ("clap", "clip"):
        if getattr(args, f"{kind}_model") and not getattr(args, kind):
            raise ValueError(f"--{kind}-model names an architecture; give its weights with --{kind}")
        if getattr(args, f"{kind}_python") and not getattr(args, f"{kind}_model"):
            raise ValueError(f"--{kind}-python goes with --{kind}-model")


def clap_of(args: argparse.Namespace) -> ClapTowers | None:
    """The CLAP that was asked for."""
    if args.clap and args.clap_model:
        return laion_clap(args.clap, args.clap_model, args.clap_python)
    return load_clap(open_source(args.clap, args.download)) if args.clap else None


def clip_of(args: argparse.Namespace) -> ClipTower | None:
    """The CLIP that was asked for."""
    if args.clip and args.clip_model:
        return open_clip(args.clip, args.clip_model, args.clip_python)
    return load_clip(open_source(args.clip, args.download)) if args.clip else None
