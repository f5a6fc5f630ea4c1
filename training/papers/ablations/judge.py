"""Compare the rows of an ablation: paired differences with intervals, and whether our order is the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from training.metrics import Interval, median_interval
from training.papers.ablations.tables import SMALLER_IS_BETTER, AblationTable


def difference(one: Sequence[float | None], other: Sequence[float | None]) -> Interval:
    """Median of the paired differences ``one - other`` and its 95 % bootstrap interval."""
    return median_interval(list(np.asarray(one, dtype=float) - np.asarray(other, dtype=float)))


def better(figure: str, one: float, other: float) -> bool:
    """True when a value of a figure is better than another."""
    return one < other if figure in SMALLER_IS_BETTER else one > other


def order(table: AblationTable, rows: dict[str, Any]) -> list[str]:
    """Sentences on every two rows that the paper puts in an order: as there, the other way round, or not told apart.

    Two rows are told apart when the interval of their paired difference does not hold 0.
    """
    paper = {variant.name: variant.paper[table.paper_figure] for variant in table.variants}
    same, unsure, said = 0, [], []
    for one, other in combinations(rows, 2):
        if paper[one] == paper[other]:
            continue
        best, worst = (one, other) if better(table.paper_figure, paper[one], paper[other]) else (other, one)
        middle, low, high = difference(rows[best]["values"][table.figure], rows[worst]["values"][table.figure])
        if not (low > 0 or high < 0):
            unsure.append(f"{best} and {worst}")
        elif better(table.figure, middle, 0.0):
            same += 1
        else:
            figures = f"{table.figure} {middle:+.2f}, {low:+.2f} to {high:+.2f}"
            said.append(f"In the paper {best} is better than {worst}; here it is worse ({figures}).")
    pairs = same + len(unsure) + len(said)
    counted = f"{same} stand as in the paper, {len(said)} the other way round, {len(unsure)} cannot be told apart"
    rest = [f"Not told apart at this budget: {'; '.join(unsure)}."] if unsure else []
    return [f"Of {pairs} pairs of rows {counted}.", *said, *rest]
