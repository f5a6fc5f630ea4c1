"""Paired comparison of two ways of generating: the difference of every figure with its interval.

For two bundles, and for settings of one bundle against its own defaults.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.eval.tables import interval, number, table
from training.metrics import NAN, Interval, mean_interval, median_interval

Numbers = npt.NDArray[np.float64]
Columns = Mapping[str, Sequence[float | None]]
HALF_WIDTH = 1.96  # of a 95 % interval, in standard errors


@dataclass(frozen=True, slots=True)
class PairedMetric:
    """A figure that two ways of generating are compared by.

    Attributes:
        name: heads its row.
        column: of the values.
        minus: a column that is taken off; empty means none.
        share: True means a share of the examples, whose mean counts; else it is the median.
    """

    name: str
    column: str
    minus: str = ""
    share: bool = False

    def of(self, values: Columns) -> Numbers:
        """The figure of every example; NaN where there is none."""
        found = _numbers(values.get(self.column, ()))
        return found - _numbers(values[self.minus]) if self.minus and self.minus in values else found


JUDGED = (
    PairedMetric("instrument agreement", "agreement", share=True),
    PairedMetric("harmonicity", "harmonicity"),
    *(
        PairedMetric(f"{kind}, own minus other", f"{kind}, own", f"{kind}, other")
        for kind in ("chroma", "onsets", "beat")
    ),
)
DISTANCES = ("FAD", "sub-FAD")  # of a whole collection; less is better


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each figure that both have.

    Args:
        old, new: ``values`` by column, one number for each example, and ``collections``: for each embedding model its
            distances and, under ``FAD draws``, the same distance of the same random draws of examples.

    Returns:
        For each figure ``old`` and ``new``, each the median (or mean) of all examples that have it there, and
        ``difference``, that of the ``examples`` that have it in both, with low and high; ``verdict``: better, worse or
        nothing. ``old`` and ``new`` of a distance are the distances themselves.
    """
    rows = []
    for one in JUDGED:
        before, after = one.of(old["values"]), one.of(new["values"])
        if len(before) and len(before) == len(after):
            rows.append(difference(one.name, list(before), list(after), one.share))
    likes = [name for name in old["values"] if name.startswith("text-audio, ") and name in new["values"]]
    rows += [difference(name, *(side["values"][name] for side in (old, new))) for name in likes]
    for embedder in old["collections"]:
        if embedder in new["collections"]:
            rows += _distances(embedder, old["collections"][embedder], new["collections"][embedder])
    return rows


def difference(
    name: str, old: Sequence[float | None], new: Sequence[float | None], share: bool = False,
    more_is_better: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """One row: a figure of every example, before and after; by the mean of a share, else by the median."""
    middle = mean_interval if share else median_interval
    before, after = _numbers(old), _numbers(new)
    both = np.isfinite(before) & np.isfinite(after)
    found = middle(list(after[both] - before[both]))
    return {
        "figure": name,
        "examples": int(both.sum()),
        "old": middle(list(before))[0],
        "new": middle(list(after))[0],
        "difference": found,
        "verdict": _verdict(found, more_is_better),
    }


def _distances(embedder: str, old: dict[str, Any], new: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for kind in DISTANCES:
        draws = [_numbers(side.get(f"{kind} draws", ())) for side in (old, new)]
        if not len(draws[0]) or len(draws[0]) != len(draws[1]):
            continue
        middle = new[kind] - old[kind]
        error = HALF_WIDTH * float(np.std(draws[1] - draws[0]))
        found = (middle, middle - error, middle + error)
        yield {
            "figure": f"{kind}, {embedder}",
            "examples": int(old["clips"]),
            "old": old[kind],
            "new": new[kind],
            "difference": found,
            "verdict": _verdict(found, more_is_better=False),
        }


def lines(rows: Sequence[dict[str, Any]], old: str = "old", new: str = "new") -> list[str]:
    """The rows as a table."""
    body = [
        [row["figure"], str(row["examples"]), number(row["old"]), number(row["new"]), interval(row["difference"]),
         f"**{row['verdict']}**" if row["verdict"] else ""]
        for row in rows
    ]  # fmt: skip
    return table(["figure", "examples", old, new, "difference", ""], body)


def _verdict(found: Interval, more_is_better: bool) -> str:
    _, low, high = found
    up, down = ("better", "worse") if more_is_better else ("worse", "better")
    return up if low > 0 else down if high < 0 else ""


def _numbers(values: Sequence[float | None]) -> Numbers:
    return np.array([NAN if value is None else value for value in values], dtype=np.float64)
