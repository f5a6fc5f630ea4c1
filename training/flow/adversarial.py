"""Adversarial post-training of the flow: what it makes in few steps is to pass for true latents.

    LatentCritic      latents (B,S,D,L), known, prompt (B,S,E) -> scores (B, L/2); the higher, the truer
    rolled_out        where the sampler's first step leads, from noise
    critic_losses     what critic and flow each descend

A flow that predicts the mean of all that would fit makes blurred sound. From the second step on it sees noise, and can
choose; the critic tells it when the choice is no likely one. The first step stays as it was: it is a mean by nature,
sees no noise, and is all that isolation takes.

Source: relativistic pairs and prompts of others as counterexamples, Novack et al. 2025, "Fast Text-to-Audio Generation
with Adversarial Post-Training" (ARC), arXiv 2505.08175; the cheap penalty on the critic's slope, Lin et al. 2025,
"Diffusion Adversarial Post-Training", arXiv 2501.08316.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.latents import SLOTS
from training.codec.adversarial import frozen_weights
from training.config import GridConfig
from training.flow.model import fold, velocity

DILATIONS = (1, 2, 4, 8)  # of the blocks; together they hear 62 tokens, 2.5 s
LEAK = 0.2
SLOPE_NOISE, SLOPE_WEIGHT = 0.1, 0.3  # step in latents over which the critic's slope is taken, and its weight
TEMPERATURES = (0.3, 1.0)  # of the noise, drawn evenly between
STEP_COUNTS, STEP_SHARES = (2, 4), (0.7, 0.3)  # of the sampler, whose second step is judged
Network = Callable[..., Tensor]


class CriticBlock(nn.Module):
    """Residual convolutions over tokens ``(B,W,T)``, shifted and scaled by the prompt ``(B,E)``."""

    def __init__(self, width: int, prompt: int, dilation: int) -> None:
        super().__init__()
        self.told = nn.Linear(prompt, 2 * width)
        self.wide = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.narrow = nn.Conv1d(width, width, 3, padding=1)
        nn.init.zeros_(self.told.weight)
        nn.init.zeros_(self.told.bias)

    def forward(self, x: Tensor, prompt: Tensor) -> Tensor:
        """As the class says."""
        scale, shift = self.told(prompt)[:, :, None].chunk(2, dim=1)
        y = self.wide(F.leaky_relu(x * (1 + scale) + shift, LEAK))
        return (x + self.narrow(F.leaky_relu(y, LEAK))) / math.sqrt(2)


class LatentCritic(nn.Module):
    """Scores latents of all slots, what is given and what is made, together with what was asked for.

    Args:
        embedding: size of a prompt.
        width: of the tokens.
        patch: neighbouring frames that share a token.
    """

    def __init__(self, grid: GridConfig, embedding: int, width: int, patch: int = 2) -> None:
        super().__init__()
        self.patch = patch
        self.inward = nn.Conv1d(SLOTS * patch * (grid.latent_channels + 1), width, 1)
        self.blocks = nn.ModuleList(CriticBlock(width, SLOTS * embedding, dilation) for dilation in DILATIONS)
        self.near, self.far = nn.Linear(width, 1), nn.Linear(width, 1)
        self.wanted = nn.Linear(SLOTS * embedding, width)

    def forward(self, latents: Tensor, known: Tensor, prompt: Tensor) -> Tensor:
        """Latents ``(B,S,D,L)``, known ``(B,S,L)`` bool, prompt ``(B,S,E)`` -> scores ``(B, L/patch)`` float32."""
        rows = fold(torch.cat([latents, known[:, :, None].to(latents.dtype)], dim=2), self.patch)
        x, asked = self.inward(rows.transpose(2, 3).flatten(1, 2)), prompt.flatten(1)
        near = None
        for block in self.blocks:
            x = block(x, asked)
            near = x if near is None else near
        tokens = F.leaky_relu(x.transpose(1, 2), LEAK)
        fit = (tokens * self.wanted(asked)[:, None]).sum(dim=2) / math.sqrt(tokens.shape[2])
        score: Tensor = self.far(tokens)[..., 0] + fit
        if near is not None:
            score = score + self.near(F.leaky_relu(near.transpose(1, 2), LEAK))[..., 0]
        return score.float()


@dataclass(frozen=True, slots=True)
class SecondStep:
    """Where the sampler stands after its first step.

    Attributes:
        x: latents on the way ``(B,S,D,L)``, clean where known.
        t: ``(B,S,L)``, 1 where known.
    """

    x: Tensor
    t: Tensor


@torch.no_grad()
def rolled_out(
    network: Network, latents: Tensor, known: Tensor, conditions: tuple[Tensor, ...], generator: torch.Generator
) -> SecondStep:
    """Take the sampler's first step from noise, each row by a number of steps and a temperature of its own.

    Args:
        network: ``(x, t, known, *conditions) -> clean``.
        latents: true ones ``(B,S,D,L)``, of which only the known are used.
        known: ``(B,S,L)`` bool.
        conditions: prompt, and picture where there is one.
    """
    rows, device = len(latents), latents.device
    counts = torch.tensor(STEP_COUNTS, device=device, dtype=latents.dtype)
    shares = torch.tensor(STEP_SHARES, device=device)
    stride = 1 / counts[torch.multinomial(shares, rows, replacement=True, generator=generator)]
    low, high = TEMPERATURES
    heat = low + (high - low) * torch.rand(rows, generator=generator, device=device)
    noise = heat[:, None, None, None] * torch.randn(latents.shape, generator=generator, device=device)
    start = torch.where(known[:, :, None], latents, noise)
    t = known.to(latents.dtype)
    step = stride[:, None, None]
    moved = start + step[:, :, None] * velocity(network(start, t, known, *conditions), start, t)
    return SecondStep(torch.where(known[:, :, None], latents, moved), torch.where(known, 1.0, step.expand(known.shape)))


@dataclass(frozen=True, slots=True)
class CriticLosses:
    """Losses of one batch, scalars.

    Attributes:
        own: of the critic; does not reach the flow.
        flow: of the flow; does not reach the critic.
        ahead: how far true latents are scored above made ones, for the log.
        fit: how far true latents are scored above themselves under another row's prompt, for the log.
    """

    own: Tensor
    flow: Tensor
    ahead: float
    fit: float


def critic_losses(
    critic: LatentCritic, made: Tensor, true: Tensor, known: Tensor, prompt: Tensor, generator: torch.Generator
) -> CriticLosses:
    """Losses of one batch of made and true latents, both ``(B,S,D,L)`` and equal where known.

    Critic and flow descend at once, each by its own loss, so that one backward pass and one optimiser serve both.
    """
    step = SLOPE_NOISE * torch.randn((2, *true.shape), generator=generator, device=true.device) * ~known[:, :, None]
    real, false, real_near, false_near, other = _scores(critic, made.detach(), true, known, prompt, step)
    own = F.softplus(false - real).mean() + F.softplus(other - real).mean()
    slope = ((real_near - real) ** 2).mean() + ((false_near - false) ** 2).mean()
    with frozen_weights(critic):
        opinion = critic(made, known, prompt)
    return CriticLosses(
        own + SLOPE_WEIGHT * slope / SLOPE_NOISE**2,
        F.softplus(real.detach() - opinion).mean(),
        (real - false).mean().item(),
        (real - other).mean().item(),
    )


def _scores(
    critic: LatentCritic, made: Tensor, true: Tensor, known: Tensor, prompt: Tensor, step: Tensor
) -> tuple[Tensor, ...]:
    """Scores of true and made latents, of both a ``step (2,B,S,D,L)`` aside, of true ones under another's prompt."""
    latents = torch.cat([true, made, true + step[0], made + step[1], true])
    prompts = torch.cat([prompt] * 4 + [prompt.roll(1, dims=0)])
    return critic(latents, known.repeat(5, 1, 1), prompts).chunk(5)
