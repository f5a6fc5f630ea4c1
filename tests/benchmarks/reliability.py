"""Calibration of confidences: expected calibration error, reliability tables, and isotonic regression.

A *claim* is a confidence whose truth is known. A table maps evidence to probability; it is fitted by isotonic
regression on groups of claims with neighbouring evidence, and judged on pieces that it was not fitted on.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.notes.calibration import Table, calibrated

CONFIDENCE_EDGES = (0.0, 0.5, 0.7, 0.8, 0.9, 1.01)  # of the rows of a reliability table
MOST_STEPS, LEAST_IN_STEP = 6, 25  # steps of a table, and claims in each
FOLDS = 5
PRIOR_CLAIMS = 2.0  # of the mean truth, added to each step: shrinks steps of few claims


@dataclass(frozen=True, slots=True)
class Claim:
    """What the program was confident of, and the truth.

    Attributes:
        piece: where; claims of one piece are never both fitted on and judged.
        evidence: the uncalibrated value that the confidence is made of, 0 to 1.
        true: how far it was right, 0 to 1.
        share: factor on what the table says, 0 to 1.
        kind: claims of one kind have a table of their own.
    """

    piece: str
    evidence: float
    true: float
    share: float = 1.0
    kind: str = ""

    def confidence(self, table: Table) -> float:
        """The confidence by a table, 0 to 1."""
        return self.share * calibrated(self.evidence, table)


def fit_table(claims: Sequence[Claim], through_zero: bool = True) -> Table:
    """Fit a table by isotonic regression.

    Args:
        claims: at least one whose share is above 0.05; others are left out.
        through_zero: True gives no evidence a probability of 0.
    """
    ordered = sorted((claim for claim in claims if claim.share > 0.05), key=lambda claim: claim.evidence)
    mean = float(np.mean([claim.true / claim.share for claim in ordered]))
    steps: list[tuple[float, float, float]] = []  # evidence, truth, weight
    for group in np.array_split(np.arange(len(ordered)), min(max(len(ordered) // LEAST_IN_STEP, 1), MOST_STEPS)):
        weights = np.array([ordered[at].share ** 2 for at in group])
        evidence = np.array([ordered[at].evidence for at in group])
        truths = np.array([ordered[at].true / ordered[at].share for at in group])
        truth = (float((weights * truths).sum()) + PRIOR_CLAIMS * mean) / (float(weights.sum()) + PRIOR_CLAIMS)
        steps.append((float((weights * evidence).sum() / weights.sum()), truth, float(weights.sum())))
    xs, ys = zip(*_pool_adjacent_violators(steps), strict=True)
    if through_zero and xs[0] > 0.01:
        xs, ys = (0.0, *xs), (0.0, *ys)
    return tuple(xs), tuple(ys)


def _pool_adjacent_violators(steps: Sequence[tuple[float, float, float]]) -> list[tuple[float, float]]:
    """Points (evidence, truth) that never fall: neighbouring steps whose truth falls are pooled to their mean."""
    pools = list[list[tuple[float, float, float]]]()
    for step in steps:
        pools.append([step])
        while len(pools) > 1 and _mean_truth(pools[-2]) >= _mean_truth(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    found = dict[float, float]()
    for pool in pools:
        ends = [pool[0][0], pool[-1][0]] if len(pool) > 1 else [pool[0][0]]
        found |= {round(x, 2): round(min(_mean_truth(pool), 0.99), 2) for x in ends}
    return sorted(found.items())


def _mean_truth(pool: Sequence[tuple[float, float, float]]) -> float:
    return sum(truth * weight for _, truth, weight in pool) / sum(weight for *_, weight in pool)


def cross_validated(claims: Sequence[Claim], through_zero: bool = True) -> list[float]:
    """The confidence in each claim by tables that were fitted on other pieces (cross-validation over ``FOLDS``)."""
    fold = [zlib.crc32(claim.piece.encode()) % FOLDS for claim in claims]
    tables = dict[int, Table]()
    for number in set(fold):
        others = [claim for claim, its in zip(claims, fold, strict=True) if its != number]
        tables[number] = fit_table(others or claims, through_zero)
    return [claim.confidence(tables[number]) for claim, number in zip(claims, fold, strict=True)]


def calibration_error(confidences: Sequence[float], true: Sequence[float]) -> float:
    """Expected calibration error (ECE) over ten equal bins of confidence.

    Args:
        confidences: confidences, 0 to 1.
        true: how far each was right, 0 to 1.
    """
    confidence_N, true_N = np.array(confidences), np.array(true)
    tenth_N = np.minimum((confidence_N * 10).astype(int), 9)
    gaps = [(tenth_N == tenth, confidence_N - true_N) for tenth in range(10)]
    return sum(abs(float(gap_N[inside_N].sum())) for inside_N, gap_N in gaps) / max(len(confidence_N), 1)


def reliability_rows(confidences: Sequence[float], true: Sequence[float]) -> Iterator[str]:
    """Rows of a reliability table, one for each span of confidences: span, count, mean confidence, mean truth."""
    confidence_N, true_N = np.array(confidences), np.array(true)
    for low, high in itertools.pairwise(CONFIDENCE_EDGES):
        inside_N = (confidence_N >= low) & (confidence_N < high)
        if inside_N.any():
            count, mean, true_mean = int(inside_N.sum()), confidence_N[inside_N].mean(), true_N[inside_N].mean()
            yield f"{low:g} to {min(high, 1.0):g} | {count} | {mean:.2f} | {true_mean:.2f}"
