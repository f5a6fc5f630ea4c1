"""Regression check: is one bundle worse than another on the same examples, by more than chance?

For each set the figures of both are compared example by example; the median difference and its bootstrap interval
decide. A voice must also be no worse than its teacher's, Spleeter, where that was measured on the same examples. Made
sound is compared the same way where both reports have its studies: that is printed, and decides nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from engine.bundle.bundle import Manifest, load_bundle
from engine.bundle.separation import PanningSpec, PoolingSpec
from training.eval.pairs import difference, differences
from training.eval.pairs import lines as table_lines
from training.metrics import median_interval

FILE = "comparison.json"
FORMAT = 1
# figure, and whether more of it is better; a set is judged by the first one it has
JUDGED = (("SDR", True), ("level", False))
ADDITIVITY = "additivity"
TEACHER = "Spleeter"  # training began with its weights, so what they can do must not be lost
MADE = ("regenerate", "generate")  # the studies of made sound


SETTINGS = ("decoder", "experts", "terms", "pooling", "cascades", "mask")  # of the manifest, that decide about stems


def _without_defaults(spec: PoolingSpec | PanningSpec) -> dict[str, Any]:
    """The settings of an entry of the manifest, without those of fields that do nothing in it."""
    values = {field.name: (getattr(spec, field.name), field.default) for field in fields(spec)}
    return {name: value for name, (value, default) in values.items() if value != default}


def fingerprint(manifest: Manifest) -> str:
    """Hashes of a bundle's graphs, tokenizers and settings of separation, whatever its name and version."""
    graphs = [f"{name}:{graph.sha256}" for name, graph in sorted(manifest.graphs.items())]
    words = [f"{name}:{encoder.tokenizer_sha256}" for name, encoder in sorted(manifest.encoders.items())]
    settings = {name: asdict(manifest)[name] for name in SETTINGS}
    if manifest.pooling is not None:
        settings["pooling"] = _without_defaults(manifest.pooling)
    if manifest.panning is not None:  # as it was before there was one
        settings["panning"] = _without_defaults(manifest.panning)
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    return " ".join([*graphs, *words, f"settings:{digest}"])


def identity(folder: Path) -> dict[str, str]:
    """Name, version and fingerprint of a bundle."""
    manifest = load_bundle(folder).manifest
    return {"name": manifest.name, "version": manifest.version, "fingerprint": fingerprint(manifest)}


def has_decoder(folder: Path) -> bool:
    """True for a bundle whose masks are made by a graph of their own, not out of the flow's latents."""
    return "mask" in load_bundle(folder).manifest.graphs


def compare(old: dict[str, Any], new: dict[str, Any], old_name: str = "", new_name: str = "") -> dict[str, Any]:
    """Compare a bundle of one report with a bundle of another.

    Args:
        old, new: reports of the bench; may be one and the same.
        old_name, new_name: the bundles in them; empty means the first.

    Returns:
        Both identities, a row for each set, ``teacher`` with a row for each set that NEW's teacher was measured on,
        ``made`` with the rows of each study of made sound, and ``passed``: False when a set is worse beyond its
        interval than OLD or the teacher, and when no set was compared.

    Raises:
        ValueError: the reports were not made of the same examples, or share none that can be judged.
    """
    old_name, new_name = (name or next(iter(r["bundles"])) for name, r in ((old_name, old), (new_name, new)))
    rows = {}
    for name in old["sets"]:
        if name not in new["sets"]:
            continue
        if old["sets"][name]["digest"] != new["sets"][name]["digest"]:
            raise ValueError(
                f"the two reports were made of different examples of {name}; "
                "run both with the same --seed, --examples and --seconds, or compare the bundles themselves"
            )
        row = _judge(old["values"][name][old_name], new["values"][name][new_name])
        if row is not None:
            rows[name] = row
    teacher = _against_teacher(new["values"], new_name)
    made = {title: rows for name in MADE for title, rows in _made(name, (old, new), (old_name, new_name)).items()}
    if not rows and not made:
        raise ValueError("the two reports have no set in common; run both with the same --set")
    return {
        "format": FORMAT,
        "old": old["bundles"][old_name],
        "new": new["bundles"][new_name],
        "rows": rows,
        "teacher": teacher,
        "additivity": _additivity((old, new), (old_name, new_name), rows),
        "made": made,
        "passed": bool(rows) and not any(row["worse"] for row in [*rows.values(), *teacher.values()]),
    }


def _against_teacher(values: dict[str, dict[str, Any]], bundle: str) -> dict[str, dict[str, Any]]:
    """A row for each set on which the teacher was measured beside the bundle; none without its weights."""
    judged = {name: _judge(systems[TEACHER], systems[bundle]) for name, systems in values.items() if TEACHER in systems}
    return {name: row for name, row in judged.items() if row is not None and np.isfinite(row["old"][0])}


def _made(name: str, runs: Sequence[dict[str, Any]], bundles: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Rows of one study of made sound, and of every setting that both tried; none where one of the reports lacks it."""
    studies = [run.get("studies", {}).get(name) for run in runs]
    if any(study is None for study in studies):
        return {}
    if studies[0].get("digest") != studies[1].get("digest"):
        raise ValueError(
            f"the two reports were made of different examples of {name}; "
            "run both with the same --seed, --stems and --seconds, or compare the bundles themselves"
        )
    tried = [f", {one.removeprefix(f'{bundles[0]}, ')}" for one in studies[0].get("tried", {}).get(bundles[0], ())]
    found = {}
    for setting in ("", *tried):
        rows = [f"{bundle}{setting}" for bundle in bundles]
        if all(row in study["values"] for row, study in zip(rows, studies, strict=True)):
            sides = [{key: study[key][row] for key in ("values", "collections")}
                     for row, study in zip(rows, studies, strict=True)]  # fmt: skip
            found[f"{name}{setting}"] = differences(*sides)
    return found


def _additivity(runs: Sequence[dict[str, Any]], bundles: Sequence[str], sets: Iterable[str]) -> list[dict[str, Any]]:
    """How much nearer to nothing mix - stem - rest is, set by set, where both reports have the decoded rows."""
    rows = []
    for name in sets:
        pairs = [run["values"][name].get(f"{bundle} decoded", {}) for run, bundle in zip(runs, bundles, strict=True)]
        if all(ADDITIVITY in one for one in pairs):
            rows.append(difference(name, *(one[ADDITIVITY] for one in pairs), more_is_better=False))
    return rows


def _judge(old: dict[str, list[float]], new: dict[str, list[float]]) -> dict[str, Any] | None:
    for figure, more_is_better in JUDGED:
        if figure not in old:
            continue
        before, after = np.asarray(old[figure], dtype=float), np.asarray(new[figure], dtype=float)
        both = np.isfinite(before) & np.isfinite(after)
        middle, low, high = median_interval(list(after[both] - before[both]))
        lost = int((np.isfinite(before) & ~np.isfinite(after)).sum())
        worse = lost > 0 or (high < 0 if more_is_better else low > 0)
        return {
            "figure": figure,
            "examples": len(before),
            "old": median_interval(list(before)),
            "new": median_interval(list(after)),
            "difference": (middle, low, high),
            "lost": lost,
            "worse": bool(worse),
        }
    return None


def markdown(verdict: dict[str, Any]) -> str:
    """The verdict as a table and one sentence."""
    old, new = (f"{verdict[key]['name']} {verdict[key]['version']}" for key in ("old", "new"))
    lines = [f"old: `{old}`, new: `{new}`; medians in dB, difference with its 95 % interval", ""]
    lines += ["| set | figure | examples | old | new | difference | |", "|---|---|---|---|---|---|---|"]
    against = {f"{name}, old: {TEACHER}": row for name, row in verdict.get("teacher", {}).items()}
    for name, row in [*verdict["rows"].items(), *against.items()]:
        middle, low, high = row["difference"]
        note = "**worse**" if row["worse"] else ""
        if row["lost"]:
            note += f" {row['lost']} silent answers"
        lines.append(
            f"| {name} | {row['figure']} | {row['examples']} | {row['old'][0]:.2f} | {row['new'][0]:.2f} | "
            f"{middle:+.2f} ({low:+.2f} to {high:+.2f}) | {note.strip()} |"
        )
    worse = [name for name, row in verdict["rows"].items() if row["worse"]]
    if not verdict["rows"]:
        lines = [lines[0], "", "No set was compared, so by this alone NEW cannot take the place of OLD."]
    else:
        lines += ["", f"NEW is worse on {', '.join(worse)}." if worse else "NEW is not worse on any set."]
    if below := [name for name, row in verdict.get("teacher", {}).items() if row["worse"]]:
        lines += ["", f"NEW is worse than {TEACHER}, whose weights it began with, on {', '.join(below)}."]
    if verdict["additivity"]:
        lines += ["", "Level of decoded mix - stem - rest against the mix, dB (before the mask; lower is better):", ""]
        lines += table_lines(verdict["additivity"])
    for name, rows in verdict["made"].items():
        lines += ["", f"{name}, difference with its paired 95 % interval:", "", *table_lines(rows)]
    return "\n".join(lines)
