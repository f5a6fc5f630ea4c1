"""Medians with intervals, differences to the best row, and where our order is not the paper's. Knows no training."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from training.ablate.tables import SMALLER_IS_BETTER, Table
from training.measure import Interval, median_interval


def difference(one: Sequence[float | None], other: Sequence[float | None]) -> Interval:
    """Median of the paired differences ``one - other`` and its 95 % bootstrap interval."""
    return median_interval(list(np.asarray(one, dtype=float) - np.asarray(other, dtype=float)))


def better(figure: str, one: float, other: float) -> bool:
    """True when a value of a figure is better than another."""
    return one < other if figure in SMALLER_IS_BETTER else one > other


def order(table: Table, rows: dict[str, Any]) -> list[str]:
    """Sentences on every pair of rows that stands the other way round than in the paper; one sentence when none does.

    A difference whose interval holds 0 is called one that chance may have made.
    """
    ours = {name: median_interval(row["values"][table.figure])[0] for name, row in rows.items()}
    paper = {variant.name: variant.paper[table.paper_figure] for variant in table.variants}
    said = []
    for one, other in combinations(rows, 2):
        if paper[one] == paper[other] or ours[one] == ours[other]:
            continue
        best, worst = (one, other) if better(table.paper_figure, paper[one], paper[other]) else (other, one)
        if better(table.figure, ours[best], ours[worst]):
            continue
        middle, low, high = difference(rows[best]["values"][table.figure], rows[worst]["values"][table.figure])
        sure = low > 0 or high < 0
        doubt = "" if sure else "; the interval holds 0, so chance may have made it"
        said.append(
            f"In the paper {best} is better than {worst}; here it is not "
            f"({table.figure} {middle:+.2f}, {low:+.2f} to {high:+.2f}{doubt})."
        )
    return said or ["The order is the paper's."]
