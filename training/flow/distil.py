"""Distil a flow into fewer sampler steps.

Progressive distillation (Salimans and Ho, arXiv 2202.00512) in a single stage: one student step of length ``1 / steps``
must land where the teacher lands after ``teacher_steps / steps`` steps of its own. Tasks that are given the mix are not
distilled: they take a single step anyway.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.latents import Slot
from training.flow.model import velocity


@dataclass(frozen=True, slots=True)
class DistillationSchedule:
    """Sampler steps of student and teacher from t = 0 to 1.

    Attributes:
        steps: of the student; 0 turns distillation off.
        teacher_steps: a multiple of ``steps``.
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
    """Input and target of one student step, on the linear path.

    Args:
        teacher: frozen; ``(x, t, known, *conditions) -> clean``.
        target: clean latents ``(B,S,D,L)``.
        known: ``(B,S,L)`` bool.
        conditions: prompt, and picture where there is one.
        noise: ``(B,S,D,L)``.
        number: index of the student's step that each row is at, ``(B,)`` whole numbers.

    Returns:
        x ``(B,S,D,L)``, t ``(B,S,L)``, and the clean latents ``(B,S,D,L)`` that the student must predict at (x, t) for
        its one step to land where the teacher's steps do.
    """
    stride, inner = 1 / schedule.steps, schedule.teacher_steps // schedule.steps
    t = torch.where(known, 1.0, (number * stride)[:, None, None].expand(known.shape))
    x = t[:, :, None] * target + (1 - t[:, :, None]) * noise
    x_teacher, t_teacher = x, t
    with torch.no_grad():
        for _ in range(inner):
            clean = teacher(x_teacher, t_teacher, known, *conditions)
            moved = x_teacher + stride / inner * velocity(clean, x_teacher, t_teacher)
            x_teacher = torch.where(known[:, :, None], x_teacher, moved)
            t_teacher = torch.where(known, 1.0, t_teacher + stride / inner)
    answer = x + (x_teacher - x) * (1 - t[:, :, None]) / stride  # the inverse of the student's Euler step
    return x, t, torch.where(known[:, :, None], target, answer)


def generative_rows(known: Tensor) -> Tensor:
    """Rows ``(B,)`` whose mix is not given, or has a gap: those that take many steps."""
    return ~known[:, Slot.MIX].all(dim=1)
