"""The command line that the training stages share: ``--preset``, ``--resume RUN``, and folders with plain defaults."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from training import precision
from training.config import Preset, load_preset

RUNS = Path("runs")


@dataclass(frozen=True, slots=True)
class Asked:
    """What one call of a stage asked for.

    Attributes:
        preset: by name or TOML file.
        cache: folder of the stems.
        out: folder of the run.
        resume: True means go on from the checkpoint in ``out``.
        workers: processes that make batches.
        runs: folders of the earlier stages this one needs.
        extras: folders that a stage may be given beside; None where not.
    """

    preset: Preset
    cache: Path
    out: Path
    resume: bool
    workers: int
    runs: dict[str, Path]
    extras: dict[str, Path | None] = field(default_factory=dict)


def parse(
    stage: str, doc: str, argv: list[str], needs: tuple[str, ...] = (), extras: Mapping[str, str] | None = None
) -> Asked:
    """Read a stage's arguments; ``extras`` are options of its own that name a folder, with a line of help each.

    Raises:
        ValueError: no such preset, or a checkpoint that is not there.
    """
    parser = argparse.ArgumentParser(prog=f"python -m training {stage}", description=doc)
    parser.add_argument("--preset", default="small", help="name, or path of a TOML file")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="go on from the checkpoint of this run")
    parser.add_argument(
        "--out", type=Path, metavar="RUN", help=f"folder of the run; runs/{stage}-PRESET when not given"
    )
    parser.add_argument(
        "--cache", type=Path, help="stem cache; runs/cache-PRESET when not given, rendered when missing"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that make batches")
    parser.add_argument("--precision", choices=precision.CHOICES, default="auto", help="of a new run's arithmetic")
    for need in needs:
        parser.add_argument(
            f"--{need}", type=Path, metavar="RUN", help=f"run of the {need}; runs/{need}-PRESET when not given"
        )
    for extra, line in (extras or {}).items():
        parser.add_argument(f"--{extra}", type=Path, metavar="DIR", help=line)
    args = parser.parse_args(argv)
    precision.settle(args.precision)
    preset = load_preset(args.preset)
    if args.resume is not None and not (args.resume / "checkpoint.pt").is_file():
        raise ValueError(f"no checkpoint in {args.resume}; leave out --resume to start a new run")
    return Asked(
        preset=preset,
        cache=args.cache or RUNS / f"cache-{preset.name}",
        out=args.resume or args.out or RUNS / f"{stage}-{preset.name}",
        resume=args.resume is not None,
        workers=args.workers,
        runs={need: getattr(args, need) or RUNS / f"{need}-{preset.name}" for need in needs},
        extras={extra: getattr(args, extra) for extra in extras or ()},
    )
