"""Distil a flow into fewer sampler steps.

Progressive distillation (Salimans and Ho, arXiv 2202.00512) in one go: the student's step of ``1 / steps`` is to land
where the teacher lands after ``teacher_steps / steps`` steps of its own. Tasks that are given the mix are left alone:
one step is their answer already.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.latents import Slot
from training.flow.model import velocity


@dataclass(frozen=True, slots=True)
class DistillationSchedule:
    """Steps of student and teacher.

    Attributes:
        steps: of the student; 0 turns distillation off.
        teacher_steps: a multiple of it.
    """

    steps: int
    teacher_steps: int


def distillation_target(
    teacher: nn.Module,
    schedule: DistillationSchedule,
    target: Tensor,
    known: Tensor,
    conditions: tuple[Tensor, ...],
    noise: Tensor,
    number: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Input and target of the student, on the linear path.

    Args:
        teacher: frozen; ``(x, t, known, *conditions) -> clean``.
        target: clean latents ``(B,S,D,L)``.
        known: ``(B,S,L)`` bool.
        conditions: prompt, and picture where there is one.
        noise: ``(B,S,D,L)``.
        number: which of the student's steps each row is at, ``(B,)`` whole numbers.

    Returns:
        x ``(B,S,D,L)``, t ``(B,S,L)``, and the clean latents that lead the student's step to the teacher's place.
    """
    stride, inner = 1 / schedule.steps, schedule.teacher_steps // schedule.steps
    t = torch.where(known, 1.0, (number * stride)[:, None, None].expand(known.shape))
    x = t[:, :, None] * target + (1 - t[:, :, None]) * noise
    place, now = x, t
    with torch.no_grad():
        for _ in range(inner):
            clean = teacher(place, now, known, *conditions)
            place = torch.where(known[:, :, None], place, place + stride / inner * velocity(clean, place, now))
            now = torch.where(known, 1.0, now + stride / inner)
    answer = x + (place - x) * (1 - t[:, :, None]) / stride
    return x, t, torch.where(known[:, :, None], target, answer)


def generative_rows(known: Tensor) -> Tensor:
    """Rows ``(B,)`` whose mix is not given, or has a gap: those that take many steps."""
    return ~known[:, Slot.MIX].all(dim=1)
