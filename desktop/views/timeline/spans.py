"""Spans over pixel columns, all at once: a song has a thousand, and one by one they take as long as a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.int64]


def covered_columns(left: Places, right: Places, first: int, last: int) -> tuple[Numbers, Numbers]:
    """Which spans touch which columns from ``first`` to ``last``, not counting the last.

    Args:
        left, right: edges of the spans in pixels, (spans,).
        first, last: of the columns.

    Returns:
        Numbers of spans and of columns, pair by pair, span by span.
    """
    low = np.clip(np.floor(left), first, last).astype(np.int64)
    counts = np.clip(np.ceil(right), low, last).astype(np.int64) - low
    spans = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(spans)) - np.repeat(np.cumsum(counts) - counts, counts)
    return spans, low[spans] + within
