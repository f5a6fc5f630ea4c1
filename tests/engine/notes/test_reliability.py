"""Calibration tables: fitted on some pieces, they hold on others."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from engine.notes.calibration import calibrated

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from reliability import Claim, calibration_error, cross_validated, fit_table, reliability_rows

sys.path.pop(0)


def claims(worth, count=1200, share=1.0, seed=0):
    """Claims in forty pieces whose evidence comes true as often as ``worth`` of it."""
    rng = np.random.default_rng(seed)
    return [
        Claim(f"piece {number % 40}", float(evidence), float(rng.random() < worth(evidence) * share), share)
        for number, evidence in enumerate(rng.random(count))
    ]


def test_a_table_says_what_came_true_and_also_on_pieces_that_it_never_saw():
    some = claims(lambda evidence: evidence**2)
    true = [one.true for one in some]
    assert calibration_error([one.evidence for one in some], true) > 0.12, "the evidence itself promises too much"
    assert calibration_error(cross_validated(some), true) < 0.05
    table = fit_table(some)
    assert [calibrated(x, table) for x in (0.3, 0.6, 0.9)] == pytest.approx([0.09, 0.36, 0.81], abs=0.09)


def test_more_evidence_is_never_less_worth_whatever_came_true():
    some = claims(lambda evidence: 0.8 - 0.6 * evidence)
    xs, ys = fit_table(some)
    assert list(xs) == sorted(set(xs))
    assert list(ys) == sorted(ys)
    assert calibrated(0.0, (xs, ys)) == 0.0
    assert calibrated(0.0, fit_table(some, through_zero=False)) == pytest.approx(0.5, abs=0.05)


def test_what_is_claimed_in_part_is_judged_by_that_part():
    table = fit_table(claims(lambda evidence: evidence, share=0.5))
    assert calibrated(0.7, table) == pytest.approx(0.7, abs=0.12)


def test_a_few_claims_make_one_step_near_their_mean():
    table = fit_table([Claim("a", 0.4, 1.0), Claim("b", 0.6, 0.0), Claim("c", 0.8, 1.0)], through_zero=False)
    assert calibrated(0.2, table) == calibrated(0.9, table) == pytest.approx(0.67, abs=0.01)


def test_the_calibration_error_and_the_reliability_table():
    assert calibration_error([0.75] * 4, [1, 1, 1, 0]) == 0.0
    assert calibration_error([0.95] * 4 + [0.05] * 4, [0] * 4 + [0] * 4) == pytest.approx(0.5)
    rows = list(reliability_rows([0.75, 0.75, 0.95], [1, 0, 1]))
    assert rows == ["0.7 to 0.8 | 2 | 0.75 | 0.50", "0.9 to 1 | 1 | 0.95 | 1.00"]
