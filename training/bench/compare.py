"""The guard: is one bundle worse than another on the same examples, by more than chance.

For each set the figures of both are compared example by example; the median difference and its bootstrap interval
decide. Knows nothing of how the figures were made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.bundle import Manifest, load_bundle
from training.measure import median_interval

FILE = "comparison.json"
FORMAT = 1
# figure, and whether more of it is better; a set is judged by the first one it has
JUDGED = (("SDR", True), ("level", False))


def fingerprint(manifest: Manifest) -> str:
    """What a bundle does: the hashes of its graphs and tokenizers, whatever it is called."""
    graphs = [f"{name}:{graph.sha256}" for name, graph in sorted(manifest.graphs.items())]
    words = [f"{name}:{encoder.tokenizer_sha256}" for name, encoder in sorted(manifest.encoders.items())]
    return " ".join([*graphs, *words])


def identity(folder: Path) -> dict[str, str]:
    """Name, version and fingerprint of a bundle."""
    manifest = load_bundle(folder).manifest
    return {"name": manifest.name, "version": manifest.version, "fingerprint": fingerprint(manifest)}


def compare(old: dict[str, Any], new: dict[str, Any], old_name: str = "", new_name: str = "") -> dict[str, Any]:
    """Compare a bundle of one report with a bundle of another.

    Args:
        old, new: reports of the bench; may be one and the same.
        old_name, new_name: the bundles in them; empty means the first.

    Returns:
        Both identities, a row for each set, and ``passed``: False when a set is worse beyond its interval.

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
    if not rows:
        raise ValueError("the two reports have no set in common; run both with the same --set")
    return {
        "format": FORMAT,
        "old": old["bundles"][old_name],
        "new": new["bundles"][new_name],
        "rows": rows,
        "passed": not any(row["worse"] for row in rows.values()),
    }


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
    for name, row in verdict["rows"].items():
        middle, low, high = row["difference"]
        note = "**worse**" if row["worse"] else ""
        if row["lost"]:
            note += f" {row['lost']} silent answers"
        lines.append(
            f"| {name} | {row['figure']} | {row['examples']} | {row['old'][0]:.2f} | {row['new'][0]:.2f} | "
            f"{middle:+.2f} ({low:+.2f} to {high:+.2f}) | {note.strip()} |"
        )
    worse = [name for name, row in verdict["rows"].items() if row["worse"]]
    lines += ["", f"NEW is worse on {', '.join(worse)}." if worse else "NEW is not worse on any set."]
    return "\n".join(lines)
