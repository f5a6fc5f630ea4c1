"""Draw what is known from the task table, so that training asks exactly what users can ask.

Source: MAGE (arXiv 2604.09803) section 3.3 draws 70 % mixture-guided, 20 % zero-mixture, 10 % unconditional. Here more
are mixture-guided: at two cores' compute, isolation takes all it can get.
Knows nothing of audio or models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.tasks import TASKS, BoolArray, Span, known_mask

Rng = np.random.Generator

# task -> share of the draws; unconditional draws are a share of their own on top (FlowConfig.prompt_dropout)
SHARES = {"isolate": 0.62, "remove": 0.22, "regenerate": 0.05, "generate": 0.03, "inpaint": 0.04, "extend": 0.04}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One draw.

    Attributes:
        task: a row of the table.
        known: bool ``(slots, frames)``, True means given.
    """

    task: str
    known: BoolArray


def draw_known(rng: Rng, frames: int) -> Drawn:
    """Draw a task and what it gives, for a window of ``frames``."""
    names = list(SHARES)
    task = names[rng.choice(len(names), p=list(SHARES.values()))]
    span = None
    if TASKS[task].span is Span.REQUIRED:
        length = int(rng.integers(frames // 10, frames * 2 // 3))
        first = int(rng.integers(0, frames - length))
        span = (first, first + length)
    elif TASKS[task].span is Span.END:
        span = (int(rng.integers(frames // 8, frames * 7 // 8)), frames)
    return Drawn(task, known_mask(task, frames, span, rest_given=rng.random() < 0.6))
