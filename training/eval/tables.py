"""Figures as text: numbers, intervals, Markdown tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from training.metrics import median_interval


def number(value: float | None) -> str:
    """Two decimals, or a dash where there is no number."""
    return f"{round(value, 2) + 0.0:.2f}" if value is not None and math.isfinite(value) else "-"


def interval(found: Sequence[float] | None) -> str:
    """``median (low to high)``."""
    if found is None or not math.isfinite(found[0]):
        return "-"
    return f"{number(found[0])} ({number(found[1])} to {number(found[2])})"


def share(right: int, count: int) -> str:
    """A share with its 95 % interval by Clopper and Pearson."""
    from scipy.stats import binomtest

    if not count:
        return "-"
    low, high = binomtest(right, count).proportion_ci()
    return f"{right / count:.0%} ({low:.0%} to {high:.0%})"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def count(values: Iterable[float]) -> str:
    """A whole sum with thousands separators."""
    return f"{round(sum(values)):,}"


def difference_text(values: Sequence[float | None]) -> str:
    """Levels of what should be nothing, in dB, minus infinity where it is nothing.

    Returns:
        that all are nothing; or how many, and median with interval of the others; a dash where nothing was measured.
    """
    known = [value for value in values if value is not None and not math.isnan(value)]
    left = [value for value in known if value != -math.inf]
    if not left:
        return "bit for bit" if known else "-"
    equal = f"{len(known) - len(left)} of {len(known)} bit for bit, else " if len(left) < len(known) else ""
    return equal + interval(median_interval(left))
