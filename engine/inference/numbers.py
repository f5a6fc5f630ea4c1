"""What graphs return has to be numbers."""

from __future__ import annotations

import numpy as np

from engine.errors import BundleError
from engine.runtime.backend import FloatArray


def all_numbers(values: FloatArray, graph: str) -> FloatArray:
    """The same values, none of which is NaN or infinity.

    Args:
        values: float32, what a graph returned.
        graph: its name.

    Raises:
        BundleError: one of them is.
    """
    if not np.isfinite(values).all():
        raise no_numbers(graph)
    return values


def no_numbers(graph: str) -> BundleError:
    """The error of a graph that returned NaN or infinity."""
    return BundleError(
        "the bundle's {graph} graph answered with values that are no numbers; use another bundle", graph=graph
    )
