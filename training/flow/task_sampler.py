"""Draw training tasks and their known latents from the task table, so that training covers what users can ask.

Source: MAGE (arXiv 2604.09803) section 3.3 and appendix A for the regimes, AudioX (2503.10522) section 4.1 for hiding
part of the audio that is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.latents import Slot
from engine.tasks import SLOT_NAMES, TASKS, BoolArray, KnownPart, Span, known_mask
from training.config import MaskingConfig
from training.typing import Rng

FROM_NOTHING = "generate"
REST_SHARE = 0.6  # of the draws know the rest where it is optional
SEGMENTS = 16  # of a window, when some are hidden
OTHER_SLOTS = [name for name, slot in SLOT_NAMES.items() if slot is not Slot.STEM]


@dataclass(frozen=True, slots=True)
class TaskSample:
    """A drawn task and its known latents.

    Attributes:
        task: a row of the table.
        known: bool ``(slots, frames)``, True means given.
        conditioned: False means that neither words nor anything else may be given (MAGE's unconditional fallback).
        slot: what is made in the place of the stem, as requests name it; "" is the stem.
    """

    task: str
    known: BoolArray
    conditioned: bool = True
    slot: str = ""


def regime_of(task: str) -> str:
    """``mixture`` for tasks that are given the mix, else ``zero``."""
    return "mixture" if TASKS[task].mix is KnownPart.ALL else "zero"


def sample_task(rng: Rng, frames: int, masking: MaskingConfig | None = None) -> TaskSample:
    """Draw a regime, a task within it and what it gives, for a window of ``frames``."""
    masking = masking or MaskingConfig()
    regimes = ("mixture", "zero", "unconditional", "stem")
    regime = regimes[rng.choice(len(regimes), p=[getattr(masking, name) for name in regimes])]
    if regime == "unconditional":
        return TaskSample(FROM_NOTHING, known_mask(FROM_NOTHING, frames), conditioned=False)
    if regime == "stem":
        known = known_mask(FROM_NOTHING, frames)
        known[Slot.STEM] = True
        return TaskSample(FROM_NOTHING, known)
    task = _task(rng, masking, regime)
    slot = _slot(rng, task, masking.other_slot_share)
    known = known_mask(task, frames, _span(rng, task, frames), rest_given=rng.random() < REST_SHARE, slot=slot)
    return TaskSample(task, hide_time(rng, known, masking.hide_audio), slot=slot)


def assign_tasks(drawn: Sequence[TaskSample], together: Sequence[bool]) -> list[TaskSample]:
    """Assign drawn tasks to the examples of a batch: generative ones to examples whose stems are of one piece.

    New sound must fit what is given in key and time, which cannot be learnt from unrelated stems. So isolation is asked
    more often of mixes whose stems share nothing; the preset's ``together_share`` balances that: the larger it is, the
    more mixes of one piece are left for isolation. An example of one stem counts as of one piece.

    Args:
        together: of each example of the batch, whether its stems are of one piece.

    Returns:
        one draw for each example, in the examples' order.
    """
    taken_out_first = sorted(drawn, key=lambda draw: not TASKS[draw.task].masked)
    apart_first = sorted(range(len(drawn)), key=lambda row: together[row])
    return [draw for _, draw in sorted(zip(apart_first, taken_out_first, strict=True), key=lambda pair: pair[0])]


def _task(rng: Rng, masking: MaskingConfig, regime: str) -> str:
    weights = {task: weight for task, weight in masking.tasks.items() if regime_of(task) == regime}
    if not any(weights.values()):
        raise ValueError(f"masking has a share for the regime {regime} and no task in it; give one a weight")
    shares = np.array(list(weights.values())) / sum(weights.values())
    return list(weights)[rng.choice(len(weights), p=shares)]


def _slot(rng: Rng, task: str, share: float) -> str:
    """Slot that a task makes; from a generator of its own, so that no other draw depends on the share."""
    if not share or not TASKS[task].any_slot:
        return ""
    [dice] = rng.spawn(1)
    return OTHER_SLOTS[dice.integers(len(OTHER_SLOTS))] if dice.random() < share else ""


def _span(rng: Rng, task: str, frames: int) -> tuple[int, int] | None:
    kind = TASKS[task].span
    if kind is Span.REQUIRED or (kind is Span.OPTIONAL and rng.random() < 0.5):
        length = int(rng.integers(frames // 10, frames * 2 // 3))
        first = int(rng.integers(0, frames - length))
        return first, first + length
    if kind is Span.END:
        return int(rng.integers(frames // 8, frames * 7 // 8)), frames
    return None


def hide_time(rng: Rng, known: BoolArray, share: float) -> BoolArray:
    """``known (slots, frames)`` with a share of its time hidden; the model fills that in too.

    Source: AudioX 4.1 and 5.1: segments of the audio input are masked, 0.6 of it.
    """
    if not share:
        return known
    segment = np.arange(known.shape[1]) * SEGMENTS // known.shape[1]
    hidden = rng.permutation(SEGMENTS)[: round(share * SEGMENTS)]
    return known & ~np.isin(segment, hidden)
