"""``python -m export defaults BUNDLE``: change the sampler defaults of a finished bundle, its cascades or its gain.

Steps, guidance, start, strength, temperature and voice stand in the manifest, task by task, and beside them the terms
that are taken out of another one that is taken out of the mix, and how far timid stems are brought to their level; the
graphs stay as they are, so nothing is exported or compared anew. The manifest is checked before it is written, and its
hash with it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from engine.bundle.bundle import (
    FORMAT,
    Manifest,
    SamplerDefaults,
    load_bundle,
    manifest_to_json,
    parse_manifest,
    write_manifest,
)
from engine.bundle.separation import CascadeSpec, PanningSpec
from engine.errors import BundleError
from engine.tasks import TASKS
from export import guard
from training.mask.terms import with_gain

MADE = tuple(task for task, rule in TASKS.items() if not rule.masked)
FIELDS = {"steps": int, "guidance": float, "start": str, "strength": float, "temperature": float, "voice": str}


def change(
    folder: Path, changes: dict[str, Any], tasks: Sequence[str] = (), version: str = "",
    cascades: Sequence[CascadeSpec] | None = None, comparison: Path | None = None, timid_gain: float | None = None,
    panning: float | None = None,
) -> Manifest:  # fmt: skip
    """Change the defaults of some tasks in place.

    Args:
        changes: fields of ``SamplerDefaults``, by name; may be empty where something else is given.
        tasks: rows of the task table; none means all that make sound. A strength is given only to those that have one.
        version: of the bundle from now on; "" leaves it.
        cascades: of the bundle from now on; None leaves them.
        comparison: what ``training bench --compare`` wrote; needed for other stems of a bundle that ships.
        timid_gain: most gain on the odds of timid stems from now on, 1 for none; None leaves it.
        panning: strength of what places in the stereo image say from now on, 0 for nothing; None leaves it.

    Raises:
        BundleError: there is no bundle in the folder.
        ValueError: nothing to change, a value that is not allowed, a strength for tasks none of which has one, a
            task that the bundle has no defaults for, a gain without pooling, or cascades, a gain or panning of a bundle
            that ships which were not compared; nothing was written. Nor is anything where all is so already.
    """
    old = load_bundle(folder).manifest
    tasks = tasks or [task for task in MADE if task in old.defaults]
    if not changes and not version and cascades is None and timid_gain is None and panning is None:
        names = ", ".join("--" + name for name in (*FIELDS, "cascade", "timid-gain", "panning", "version"))
        raise ValueError(f"nothing to change; give one of {names}")
    if unknown := [task for task in tasks if task not in old.defaults]:
        raise ValueError(f"{folder} has no defaults for {', '.join(unknown)}; it has {', '.join(sorted(old.defaults))}")
    if "strength" in changes and not any(map(_begins_at_a_stem, tasks)):
        having = ", ".join(filter(_begins_at_a_stem, TASKS))
        raise ValueError(f"{', '.join(tasks)} cannot have a strength; those that can are {having}; nothing was written")
    changed = {task: replace(old.defaults[task], **_allowed(task, changes)) for task in tasks}
    manifest = replace(
        old, defaults={**old.defaults, **changed}, version=version or old.version,
        cascades=old.cascades if cascades is None else list(cascades),
        pooling=old.pooling if timid_gain is None else with_gain(old.pooling, timid_gain),
        panning=_panning(old.panning, panning),
    )  # fmt: skip
    if manifest == old:
        return old
    # what stems sound like, which the bench has to judge
    if any(getattr(manifest, name) != getattr(old, name) for name in ("cascades", "pooling", "panning")):
        guard.check(manifest, guard.wanted_fingerprint(folder, comparison), comparison)
        manifest = replace(manifest, quality=guard.figures(manifest, comparison))
    manifest = replace(manifest, format=max(old.format, FORMAT))
    text = manifest_to_json(manifest)
    try:
        parse_manifest(text.encode(), str(folder))
    except BundleError as error:
        raise ValueError(f"{error.__cause__}; nothing was written") from error
    write_manifest(folder, text)
    return manifest


def _begins_at_a_stem(task: str) -> bool:
    return task in TASKS and TASKS[task].strength is not None


def _panning(old: PanningSpec | None, strength: float | None) -> PanningSpec | None:
    """Panning of another strength; its second round stays as it was."""
    if strength is None:
        return old
    if not strength:
        return None
    return PanningSpec(strength=strength) if old is None else replace(old, strength=strength)


def _allowed(task: str, changes: dict[str, Any]) -> dict[str, Any]:
    """A strength is only for tasks that begin at a stem."""
    return {name: value for name, value in changes.items() if name != "strength" or _begins_at_a_stem(task)}


def cascade_of(words: str) -> CascadeSpec:
    """``drums=kick,snare`` as an entry of the manifest.

    Raises:
        ValueError: other words.
    """
    whole, equals, parts = words.partition("=")
    if not (whole and equals and parts):
        raise ValueError(f"a cascade is written WHOLE=PART,PART, as drums=kick,snare; got {words!r}")
    return CascadeSpec(whole=whole, parts=parts.split(","))


def table(manifest: Manifest) -> str:
    """The defaults of every task and the cascades, a line each."""
    lines = [f"{task:10}  {_line(row)}" for task, row in sorted(manifest.defaults.items())]
    return "\n".join(lines + [f"{one.whole:10}  {', '.join(one.parts)}" for one in manifest.cascades])


def _line(row: SamplerDefaults) -> str:
    said = {f.name: getattr(row, f.name) for f in fields(row)}
    return "  ".join(f"{name} {value}" for name, value in said.items() if value is not None)


def main(argv: list[str]) -> str:
    """Read the command line and change the bundle; its defaults as lines."""
    parser = argparse.ArgumentParser(prog="python -m export defaults", description="change a bundle's defaults")
    parser.add_argument("bundle", type=Path, help="folder of the bundle")
    parser.add_argument(
        "--task", action="append", default=[], dest="tasks", choices=list(TASKS), metavar="TASK",
        help="only this one; may be given again; all tasks that make sound when not given",
    )  # fmt: skip
    for name, kind in FIELDS.items():
        parser.add_argument(f"--{name}", type=kind)
    parser.add_argument(
        "--cascade", action="append", dest="cascades", metavar="WHOLE=PART,PART",
        help="terms that are taken out of another one that is taken out of the mix; may be given again",
    )  # fmt: skip
    parser.add_argument(
        "--timid-gain", type=float, metavar="MOST",
        help="bring stems that the decoder is unsure of to their level, by at most this factor on their odds; 1: not",
    )  # fmt: skip
    parser.add_argument(
        "--panning", type=float, metavar="STRENGTH",
        help="how far the place of a stem in the stereo image decides about bins that its mask is unsure of; 0: not",
    )  # fmt: skip
    parser.add_argument("--version", default="", help="of the bundle from now on")
    parser.add_argument(
        "--comparison", type=Path, help="comparison.json of the bench; for other stems of a bundle that ships"
    )
    args = parser.parse_args(argv)
    changes = {name: value for name in FIELDS if (value := getattr(args, name)) is not None}
    cascades = None if args.cascades is None else [cascade_of(words) for words in args.cascades]
    changed = change(
        args.bundle, changes, args.tasks, args.version, cascades, args.comparison, args.timid_gain, args.panning
    )
    return table(changed)
