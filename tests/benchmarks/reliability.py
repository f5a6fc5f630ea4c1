"""Confidences against what was true: how far off they are, and the tables that would have been right.

A table is fitted as isotonic regression does it, on means of neighbours in evidence, and judged on pieces that it was
not fitted on.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.notes.calibration import Table, calibrated

SAID_EDGES = (0.0, 0.5, 0.7, 0.8, 0.9, 1.01)
STEPS, LEAST_IN_STEP = 6, 25  # of a table, and the claims in each
FOLDS = 5
DOUBT = 2.0  # claims of the usual truth that are added to each step


@dataclass(frozen=True, slots=True)
class Claim:
    """One confidence and the truth.

    Attributes:
        piece: what it was heard in; claims of a piece are never both fitted on and judged.
        evidence: what a confidence is made of, 0 to 1.
        true: what came true, 0 to 1.
        share: of what the table says that is claimed.
        kind: claims of one kind have a table of their own.
    """

    piece: str
    evidence: float
    true: float
    share: float = 1.0
    kind: str = ""

    def said(self, table: Table) -> float:
        """The confidence that a table makes."""
        return self.share * calibrated(self.evidence, table)


def fitted(claims: Sequence[Claim], from_nothing: bool = True) -> Table:
    """The table that says what was true of some claims, at least one.

    Args:
        from_nothing: no evidence at all is to be worth nothing.
    """
    ordered = sorted((claim for claim in claims if claim.share > 0.05), key=lambda claim: claim.evidence)
    usual = float(np.mean([claim.true / claim.share for claim in ordered]))
    steps: list[tuple[float, float, float]] = []  # evidence, truth, weight
    for places in np.array_split(np.arange(len(ordered)), min(max(len(ordered) // LEAST_IN_STEP, 1), STEPS)):
        weights = np.array([ordered[at].share ** 2 for at in places])
        evidence = np.array([ordered[at].evidence for at in places])
        truths = np.array([ordered[at].true / ordered[at].share for at in places])
        truth = (float((weights * truths).sum()) + DOUBT * usual) / (float(weights.sum()) + DOUBT)
        steps.append((float((weights * evidence).sum() / weights.sum()), truth, float(weights.sum())))
    xs, ys = zip(*_rising(steps), strict=True)
    if from_nothing and xs[0] > 0.01:
        xs, ys = (0.0, *xs), (0.0, *ys)
    return tuple(xs), tuple(ys)


def _rising(steps: Sequence[tuple[float, float, float]]) -> list[tuple[float, float]]:
    """Evidence and truth of steps, where neighbours whose truth falls are brought to their mean."""
    pools = list[list[tuple[float, float, float]]]()
    for step in steps:
        pools.append([step])
        while len(pools) > 1 and _mean(pools[-2]) >= _mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    found = dict[float, float]()
    for pool in pools:
        ends = [pool[0][0], pool[-1][0]] if len(pool) > 1 else [pool[0][0]]
        found |= {round(x, 2): round(min(_mean(pool), 0.99), 2) for x in ends}
    return sorted(found.items())


def _mean(pool: Sequence[tuple[float, float, float]]) -> float:
    return sum(truth * weight for _, truth, weight in pool) / sum(weight for *_, weight in pool)


def said_by_others(claims: Sequence[Claim], from_nothing: bool = True) -> list[float]:
    """What tables say of each claim that were fitted on other pieces than its own."""
    fold = [zlib.crc32(claim.piece.encode()) % FOLDS for claim in claims]
    tables = dict[int, Table]()
    for number in set(fold):
        others = [claim for claim, its in zip(claims, fold, strict=True) if its != number]
        tables[number] = fitted(others or claims, from_nothing)
    return [claim.said(tables[number]) for claim, number in zip(claims, fold, strict=True)]


def off_by(said: Sequence[float], true: Sequence[float]) -> float:
    """Expected calibration error: how far the mean of what is said is from the truth in tenths, on average."""
    said_N, true_N = np.array(said), np.array(true)
    tenth_N = np.minimum((said_N * 10).astype(int), 9)
    gaps = [(tenth_N == tenth, said_N - true_N) for tenth in range(10)]
    return sum(abs(float(gap_N[inside_N].sum())) for inside_N, gap_N in gaps) / max(len(said_N), 1)


def spans(said: Sequence[float], true: Sequence[float]) -> Iterator[str]:
    """A row for each span of confidences: how many, what was said on average, what was true."""
    said_N, true_N = np.array(said), np.array(true)
    for low, high in itertools.pairwise(SAID_EDGES):
        inside_N = (said_N >= low) & (said_N < high)
        if inside_N.any():
            words = f"{low:g} to {min(high, 1.0):g}"
            yield f"{words} | {int(inside_N.sum())} | {said_N[inside_N].mean():.2f} | {true_N[inside_N].mean():.2f}"
