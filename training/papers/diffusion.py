"""Paths from noise to latents, what a network predicts on them, and the samplers DDIM and RePaint.

    path      x = a(t) * clean + b(t) * noise; t runs from 0 (noise) to 1 (clean), MGE-LDM's tau is 1 - t
      linear    a = t, b = 1 - t                           flow matching, MAGE (arXiv 2604.09803) 3.2 eq. 5
      cosine    a = sin(pi t / 2), b = cos(pi t / 2)       MGE-LDM (arXiv 2505.23305) 2.2 eq. 1
    objective what the network's answer means
      clean     the clean latents
      velocity  dx/dt on the linear path: clean - noise    MAGE 3.2 eq. 6 and 7
      v         a * noise - b * clean                      MGE-LDM 2.2 eq. 2

A step of DDIM (arXiv 2010.02502) on the linear path is a step of Euler, so one function moves along both, and one graph
serves both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

NOISE_MIN = 1e-2  # b is never taken smaller than this when it divides
TAU_MIN = 0.02  # MGE-LDM 2.2: the least noise met in training
WEIGHT_MAX = 5.0
Denoise = Callable[[Tensor, Tensor, Tensor], Tensor]  # x (B,S,D,L), t (B,S,L), known (B,S,L) -> clean (B,S,D,L)


@dataclass(frozen=True, slots=True)
class NoiseSchedule:
    """Amounts of clean latents and of noise at a time t.

    Attributes:
        clean, noise: a(t) and b(t) of times of any shape.
    """

    clean: Callable[[Tensor], Tensor]
    noise: Callable[[Tensor], Tensor]


PATHS = {
    "linear": NoiseSchedule(lambda t: t, lambda t: 1 - t),
    "cosine": NoiseSchedule(lambda t: torch.sin(t * (math.pi / 2)), lambda t: torch.cos(t * (math.pi / 2))),
}
OBJECTIVES = {"clean": ("linear", "cosine"), "velocity": ("linear",), "v": ("linear", "cosine")}


def check_objective(objective: str, path: str) -> None:
    """Check that objective and path fit together.

    Raises:
        ValueError: no such objective or path, or the one is not defined on the other.
    """
    if objective not in OBJECTIVES:
        raise ValueError(f"unknown objective {objective!r}; choose one of {', '.join(OBJECTIVES)}")
    if path not in PATHS:
        raise ValueError(f"unknown path {path!r}; choose one of {', '.join(PATHS)}")
    if path not in OBJECTIVES[objective]:
        raise ValueError(f"objective {objective} is defined on the path {OBJECTIVES[objective][0]}, not on {path}")


def noised(path: str, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Noisy latents, all ``(B,S,D,L)``, at times ``t (B,S,L)``. Source: MAGE eq. 5, MGE-LDM eq. 9."""
    course = PATHS[path]
    return course.clean(t)[:, :, None] * clean + course.noise(t)[:, :, None] * noise


def to_clean(objective: str, path: str, answer: Tensor, x: Tensor, t: Tensor) -> Tensor:
    """The clean latents that an answer means; ``answer`` and ``x`` are ``(B,S,D,L)``, ``t`` is ``(B,S,L)``.

    Source: MGE-LDM algorithm 2, line 7, for v.
    """
    course = PATHS[path]
    a, b = course.clean(t)[:, :, None], course.noise(t)[:, :, None]
    if objective == "clean":
        return answer
    if objective == "velocity":
        return x + b * answer
    return (a * x - b * answer) / (a**2 + b**2)


def error_weight(objective: str, path: str, t: Tensor) -> Tensor:
    """What squared errors of the clean latents weigh at times ``t``, any shape.

    For ``velocity`` and ``v`` this makes the plain squared error of the answer out of that of the clean latents
    (they differ by b on the linear path, by b over a^2 + b^2 = 1 on the cosine path): MAGE eq. 7, MGE-LDM eq. 11.
    For ``clean`` it is ``1 / (1 - t)`` up to a cap, between the two.
    """
    course = PATHS[path]
    if objective == "clean":
        return torch.clamp(1 / torch.clamp(1 - t, min=1e-3), max=WEIGHT_MAX)
    a, b = course.clean(t), torch.clamp(course.noise(t), min=NOISE_MIN)
    return (1 / b) ** 2 if objective == "velocity" else ((a**2 + b**2) / b) ** 2


def advance(path: str, clean: Tensor, x: Tensor, t: Tensor, dt: Tensor) -> Tensor:
    """One step of DDIM from ``t`` to ``t + dt``; on the linear path a step of Euler.

    Args:
        path: a row of ``PATHS``.
        clean: what the network takes the clean latents for, ``(B,S,D,L)``.
        x: where it stands, ``(B,S,D,L)``.
        t: time, ``(B,S,L)``.
        dt: step, anything that adds to ``t``.

    Source: MGE-LDM algorithm 2, lines 7 to 9.
    """
    course = PATHS[path]
    a, b = course.clean(t)[:, :, None], torch.clamp(course.noise(t), min=NOISE_MIN)[:, :, None]
    later = torch.clamp(t + dt, max=1.0)
    noise = (x - a * clean) / b
    return course.clean(later)[:, :, None] * clean + course.noise(later)[:, :, None] * noise


def guided(model: nn.Module, conditions: tuple[Tensor, ...], scale: float) -> Denoise:
    """The model under classifier-free guidance; without any condition all of ``conditions`` are zeros.

    Mixing clean latents is mixing velocities, for both are affine in each other at one x and t.
    Source: MAGE 3.3 eq. 15, MGE-LDM E.3 (scale 2.0).
    """

    def denoise(x: Tensor, t: Tensor, known: Tensor) -> Tensor:
        if scale == 1.0:
            clean: Tensor = model(x, t, known, *conditions)
            return clean
        twice = [torch.cat([row, row]) for row in (x, t, known)]
        both = model(*twice, *(torch.cat([row, torch.zeros_like(row)]) for row in conditions))
        asked, unasked = both.chunk(2)
        return unasked + scale * (asked - unasked)

    return denoise


def ddim(denoise: Denoise, latents: Tensor, known: Tensor, steps: int, seed: int, path: str = "cosine") -> Tensor:
    """Fill in the unknown latents; known ones are held at t = 1 (adaptive timesteps).

    Args:
        denoise: see ``guided``.
        latents: ``(B,S,D,L)``; read only where known.
        known: ``(B,S,L)`` bool, True means given.
        steps: number of steps; the paper takes 250.
        seed: of the noise it starts from.
        path: a row of ``PATHS``.

    Returns:
        ``(B,S,D,L)``, equal to ``latents`` where known.

    Source: MGE-LDM appendix C, algorithm 2.
    """
    given = known[:, :, None]
    x = torch.where(given, latents, _noise(latents, torch.Generator().manual_seed(seed)))
    for step in range(steps):
        t = torch.where(known, 1.0, step / steps)
        clean = denoise(x, t, known)
        x = torch.where(given, latents, advance(path, clean, x, t, torch.tensor(1 / steps)))
    return x


def repaint(
    denoise: Denoise, latents: Tensor, known: Tensor, steps: int, resamples: int, seed: int, path: str = "cosine"
) -> Tensor:
    """Fill in the unknown latents with a model that knows one time for all: known ones are noised like the rest.

    Each step is walked ``resamples`` times, with the noise put back in between, so that what is made and what is given
    come to fit; 1 is plain inpainting. The last step is walked once: nothing lies behind it to go back to.

    Args:
        denoise, latents, known, seed, path: as in ``ddim``; it is called with nothing known.
        steps: T of the paper.
        resamples: U of the paper.

    Source: MGE-LDM appendix B.2, algorithm 1, after RePaint (arXiv 2201.09865).
    """
    generator = torch.Generator().manual_seed(seed)
    given, nothing = known[:, :, None], torch.zeros_like(known)
    x = _noise(latents, generator)
    for step in range(steps):
        now, later = (torch.full(known.shape, k / steps, device=known.device) for k in (step, step + 1))
        last = step == steps - 1
        for round_ in range(1 if last else resamples):
            if round_:
                x = _forward(path, x, later, now, generator)
            made = advance(path, denoise(x, now, nothing), x, now, later - now)
            x = torch.where(given, noised(path, latents, _noise(latents, generator), later), made)
    return torch.where(given, latents, x)


def _forward(path: str, x: Tensor, later: Tensor, now: Tensor, generator: torch.Generator) -> Tensor:
    """Renoise from ``later`` to ``now``: algorithm 1, line 12, for any path."""
    course = PATHS[path]
    ratio = course.clean(now) / course.clean(later)
    spread = torch.sqrt(torch.clamp(course.noise(now) ** 2 - (ratio * course.noise(later)) ** 2, min=0.0))
    return ratio[:, :, None] * x + spread[:, :, None] * _noise(x, generator)


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator).to(like.device)
