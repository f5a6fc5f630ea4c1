"""Does a stem fit its surroundings? Figures against its own rest and, side by side, against another example's.

The difference between the two is what counts, example by example: any music is a little like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from training.eval import musicality
from training.eval.musicality import Span
from training.eval.tables import interval, number
from training.metrics import NAN, Figures, Interval, median_interval
from training.typing import Audio

Fit = Callable[[Audio, Audio, int, Span | None], float]
KINDS: dict[str, Fit] = {
    "chroma": musicality.chroma_correlation,
    "onsets": musicality.onset_correlation,
    "beat": musicality.beat_alignment,
}
NEED_PITCH = ("chroma",)
HOW = (
    "Does it fit: chroma (key), onset strength and beats of the sound against {own}, and against that of another "
    "example. Only the difference says something: median and 95 % bootstrap interval over the examples."
)


def fit(
    made: Audio, own: Audio, other: Audio, rate_hz: int, pitched: bool = True, span_s: Span | None = None
) -> Figures:
    """Figures of a sound ``(N,)`` against its own surroundings and another example's, both ``(N,)``.

    Args:
        own: what it was made for.
        other: what it was not made for.
        rate_hz: of all.
        pitched: False leaves out what only pitched sounds have.
        span_s: part of the time that counts, all of it when None.
    """
    found: Figures = {}
    for kind, figure in KINDS.items():
        for whose, around in (("own", own), ("other", other)):
            sounds = pitched or kind not in NEED_PITCH
            found[f"{kind}, {whose}"] = figure(made, around, rate_hz, span_s) if sounds else NAN
    return found


def gain(values: dict[str, list[float]], kind: str) -> Interval:
    """Median advantage of the own surroundings over another example's, with its interval."""
    own, other = (np.asarray(values[f"{kind}, {whose}"], dtype=float) for whose in ("own", "other"))
    return median_interval(list(own - other))


def cells(values: dict[str, list[float]]) -> list[str]:
    """Three columns for each kind: own, other, own minus other."""
    found = []
    for kind in KINDS:
        found += [number(median_interval(values[f"{kind}, {whose}"])[0]) for whose in ("own", "other")]
        found.append(interval(gain(values, kind)))
    return found


def heads(own: str = "own rest", other: str = "other rest") -> Sequence[str]:
    """Heads of the columns of ``cells``."""
    return [head for kind in KINDS for head in (f"{kind}, {own}", f"{kind}, {other}", f"{kind}, own minus other")]
