"""``python -m training ablate --table NAME --minutes M``: one table of the papers again, or ``all`` of them."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from training.config import Preset, load_preset
from training.papers.ablations import pages
from training.papers.ablations.tables import TABLES
from training.papers.ablations.trials import AblationContext, TrainingBudget, run_table
from training.synthesis.render_stems import ensure_cache
from training.trainer.arguments import RUNS

ALL = "all"
POOL, EXAMPLES, MINUTES = 480, 48, 10.0
HELD_OUT_SHARDS = 80  # of which a tenth is rendered, when there are no held-out stems yet


def main(argv: list[str]) -> int:
    """Run tables, print them, and write the page when asked."""
    args = _parser().parse_args(argv)
    preset = load_preset(args.preset)
    out = args.out or RUNS / f"ablate-{preset.name}"
    if not args.tables and not args.docs:
        raise ValueError(f"name a table with --table ({', '.join(TABLES)} or {ALL}), or give --docs FILE")
    _check(args)
    names = list(TABLES) if ALL in args.tables else args.tables
    context = _context(args, preset, out, any(TABLES[name].base == "sight" for name in names)) if names else None
    for name in names:
        if context is not None:
            _say(f"table {name}: {TABLES[name].doc}")
            found = run_table(TABLES[name], context, TrainingBudget(0.0 if args.steps else args.minutes, args.steps))
            pages.save(name, found, out)
            print(pages.markdown(name, found) + "\n")
    if args.docs:
        _say(f"{args.docs}: {', '.join(pages.write_page(out, args.docs))}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training ablate", description="the papers' ablation tables again, at a small budget"
    )
    add = parser.add_argument
    add("--table", action="append", default=[], choices=[*TABLES, ALL], dest="tables", help="may be given again")
    add("--minutes", type=float, default=MINUTES, metavar="M",
        help=f"wall time of all trainings of a table together; {MINUTES:g} when not given")  # fmt: skip
    add("--steps", type=int, default=0, help="steps of each training instead, whatever the time")
    add("--preset", default="small", help="name, or path of a TOML file")
    add("--pool", type=int, default=POOL, help=f"mixes to train on; {POOL} when not given")
    add("--examples", type=int, default=EXAMPLES, help=f"held-out mixes to measure on; {EXAMPLES} when not given")
    add("--cache", type=Path, help="stems; runs/cache-PRESET when not given, rendered when missing")
    add("--heldout", type=Path, help="held-out stems; runs/heldout-PRESET when not given, rendered when missing")
    for need in ("codec", "prompt", "scene"):
        add(f"--{need}", type=Path, metavar="RUN", help=f"run of the {need}; runs/{need}-PRESET when not given")
    add("--start", type=Path, metavar="RUN",
        help="flow run: tables with pictures begin with its weights, but for those that see")  # fmt: skip
    add("--out", type=Path, metavar="DIR", help="figures, pools, trainings; runs/ablate-PRESET when not given")
    add("--docs", type=Path, metavar="FILE", help="write all tables run so far as a page")
    add("--workers", type=int, default=1, help="processes that make batches")
    return parser


def _check(args: argparse.Namespace) -> None:
    if args.minutes <= 0 or args.steps < 0 or args.pool < 2 or args.examples < 2:
        raise ValueError("--minutes must be above 0, --steps at least 0, --pool and --examples at least 2")


def _context(args: argparse.Namespace, preset: Preset, out: Path, sees: bool) -> AblationContext:
    runs = {need: getattr(args, need) or RUNS / f"{need}-{preset.name}" for need in ("codec", "prompt", "scene")}
    files = {"codec": "codec.pt", "prompt": "prompt.pt"} | ({"scene": "scene.pt"} if sees else {})
    for need, file in files.items():
        if not (runs[need] / file).is_file():
            raise ValueError(
                f"no {need} in {runs[need]}; train it with `python -m training {need}` or give --{need} RUN"
            )
    sound = replace(preset.sound, shards=min(preset.sound.shards, HELD_OUT_SHARDS))
    cache = ensure_cache(preset, args.cache or RUNS / f"cache-{preset.name}")
    heldout = ensure_cache(replace(preset, sound=sound), args.heldout or RUNS / f"heldout-{preset.name}", held_out=True)
    return AblationContext(
        preset=preset, cache=cache, heldout=heldout, codec=runs["codec"], prompt=runs["prompt"],
        scene=runs["scene"] if sees else None, start=args.start, out=out, pool=args.pool, examples=args.examples,
        workers=args.workers, say=_say,
    )  # fmt: skip


def _say(text: str) -> None:
    print(f"ablate: {text}", file=sys.stderr, flush=True)
