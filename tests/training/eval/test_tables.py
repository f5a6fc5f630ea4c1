"""Figures as text: what is no figure is a dash, and a median is of everything that was measured."""

import math

import pytest

from training.eval.tables import difference_text

NOTHING, NAN = -math.inf, math.nan


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([NOTHING] * 3, "bit for bit"),
        ([NOTHING] * 47 + [-60.0], "47 of 48 bit for bit, else -60.00 (-60.00 to -60.00)"),
        ([-60.0, -60.0], "-60.00 (-60.00 to -60.00)"),
        ([NOTHING, NAN], "bit for bit"),
        ([NAN, None], "-"),
        ([], "-"),
    ],
)
def test_what_is_equal_is_counted_and_not_left_out(values, said):
    assert difference_text(values) == said
