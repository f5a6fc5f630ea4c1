"""The command line that the training stages share: ``--preset``, ``--resume RUN``, and folders with plain defaults."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from training.config import Preset, load_preset, preset_from
from training.trainer import precision

RUNS = Path("runs")
USUAL_PRESET = "small"
SETTINGS = "settings.json"  # in a run's folder


@dataclass(frozen=True, slots=True)
class StageArguments:
    """Arguments of one call of a stage.

    Attributes:
        preset: by name or TOML file; of a run that goes on, the one that it began with.
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
    stage: str,
    doc: str,
    argv: list[str],
    needs: tuple[str, ...] = (),
    extras: Mapping[str, str] | None = None,
    trains: bool = True,
) -> StageArguments:
    """Read a stage's arguments.

    Args:
        argv: the words after it.
        needs: earlier stages whose runs it reads.
        extras: options of its own that name a folder, with a line of help each.
        trains: True for a stage that writes a run of its own, which can be resumed.

    Raises:
        ValueError: no such preset, or a checkpoint that is not there or was begun with another.
    """
    parser = argparse.ArgumentParser(prog=f"python -m training {stage}", description=doc)
    usual = f"{USUAL_PRESET} or the resumed run's own" if trains else USUAL_PRESET
    parser.add_argument("--preset", help=f"name, or path of a TOML file; {usual}")
    if trains:
        parser.add_argument("--resume", type=Path, metavar="RUN", help="go on from the checkpoint of this run")
        parser.add_argument(
            "--out", type=Path, metavar="RUN", help=f"folder of the run; runs/{stage}-PRESET when not given"
        )
    parser.add_argument(
        "--cache", type=Path, help="stem cache; runs/cache-PRESET when not given, rendered when missing"
    )
    made = "make batches" if trains else "work"
    parser.add_argument("--workers", type=int, default=1, help=f"processes that {made}")
    if trains:
        parser.add_argument("--precision", choices=precision.CHOICES, default="auto", help="of a new run's arithmetic")
    for need in needs:
        parser.add_argument(
            f"--{need}", type=Path, metavar="RUN", help=f"run of the {need}; runs/{need}-PRESET when not given"
        )
    for extra, line in (extras or {}).items():
        parser.add_argument(f"--{extra}", type=Path, metavar="DIR", help=line)
    parser.set_defaults(resume=None, out=None, precision="auto")
    args = parser.parse_args(argv)
    precision.set_precision(args.precision)
    preset = resumed(args.resume, stage, args.preset) if args.resume else load_preset(args.preset or USUAL_PRESET)
    return StageArguments(
        preset=preset,
        cache=args.cache or RUNS / f"cache-{preset.name}",
        out=args.resume or args.out or RUNS / f"{stage}-{preset.name}",
        resume=args.resume is not None,
        workers=args.workers,
        runs={need: getattr(args, need) or RUNS / f"{need}-{preset.name}" for need in needs},
        extras={extra: getattr(args, extra) for extra in extras or ()},
    )


def resumed(run: Path, stage: str, given: str | None) -> Preset:
    """Preset that a run began with; ``given``, where it is named again, must be the same.

    Raises:
        ValueError: no checkpoint, a run of another stage, or another preset.
    """
    if not (run / "checkpoint.pt").is_file():
        raise ValueError(f"no checkpoint in {run}; leave out --resume to start a new run")
    if not (run / SETTINGS).is_file():
        if given is None:
            raise ValueError(f"no {SETTINGS} in {run}; name the preset that it began with by --preset")
        return load_preset(given)
    settings = json.loads((run / SETTINGS).read_text("utf-8"))
    began = settings.pop("stage", stage)
    if began != stage:
        raise ValueError(f"{run} is a run of {began}; go on with: python -m training {began} --resume {run}")
    preset = preset_from(settings, str(run / SETTINGS))
    if given is not None and (changed := differences(preset, load_preset(given))):
        raise ValueError(f"{run} began with other values than preset {given} has: {changed}; leave out --preset")
    return preset


def differences(one: Preset, other: Preset) -> str:
    """Where two presets differ, as ``flow.steps, flow.batch``; empty where they do not."""
    found: list[str] = []
    others = asdict(other)
    for name, here in asdict(one).items():
        if isinstance(here, dict):
            there = others[name]
            found += [f"{name}.{key}" for key in sorted({*here, *there}) if here.get(key) != there.get(key)]
        elif here != others[name]:
            found.append(name)
    return ", ".join(found)
