"""Queries for replacing an instrument: which one, in what words, and a real recording of it.

What is asked for is pitched and not in the mix, so that hearing it in the answer means something. Everything depends on
the example and the seed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.data.instruments import families
from training.eval.example import EvalExample
from training.eval.generation import SET, is_pitched
from training.eval.sets import TRIES, kept_set, number_of, play
from training.eval.study import StudyContext
from training.metrics import rms
from training.typing import Audio


@dataclass(frozen=True, slots=True)
class RecastTarget:
    """The instrument that replaces an example's stem.

    Attributes:
        family: the instrument.
        prompt: how it is asked for.
        real_CN: that instrument playing another piece, float32, of the mix's length and the stem's level.
    """

    family: str
    prompt: str
    real_CN: Audio


def pitched(context: StudyContext) -> list[EvalExample]:
    """The examples of a study whose stem plays notes.

    Raises:
        ValueError: there is none among so few.
    """
    found = [e for e in kept_set(context.resources, SET, context.stems, context.seed, context.seconds) if is_pitched(e)]
    if not found:
        raise ValueError(f"none of {context.stems} stems is pitched, and this study needs one; give more --stems")
    return found


def recast_targets(context: StudyContext, examples: Sequence[EvalExample]) -> list[RecastTarget]:
    """One for each example."""
    return [_wish(context, example) for example in examples]


def _wish(context: StudyContext, example: EvalExample) -> RecastTarget:
    resources = context.resources
    able = [name for name in resources.reserved if name not in example.inside and not families()[name].drums]
    for attempt in range(TRIES):
        rng = np.random.default_rng([context.seed, number_of("recast " + example.set), example.number, attempt])
        family = able[int(rng.integers(len(able)))]
        made = play(resources, rng, [family], example.mix_CN.shape[1], example.rate_hz)
        if made is not None:
            real_CN = made.stems[0] * np.float32(rms(example.stem_CN) / max(rms(made.stems[0]), 1e-9))
            return RecastTarget(family, family.replace("-", " "), real_CN)
    raise ValueError(f"no reserved recording can take the place of {example.family}; choose longer --seconds")
