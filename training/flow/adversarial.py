"""Adversarial post-training of the flow: what it makes in few steps is to pass for true latents.

    LatentCritic      scores latents by what a frozen flow makes of them inside, at some time between noise and sound
    rolled_out        where the sampler's first step leads, from noise
    critic_losses     what critic and flow each descend

A flow that predicts the mean of all that would fit makes blurred sound. From the second step on it sees noise, and can
choose; the critic tells it when the choice is no likely one. The first step stays as it was: it is a mean by nature,
sees no noise, and is all that isolation takes.

Source: a frozen flow's features at random times as the critic's, Sauer et al. 2024, "Fast High-Resolution Image
Synthesis with Latent Adversarial Diffusion Distillation", arXiv 2403.12015; relativistic pairs and prompts of others as
counterexamples, Novack et al. 2025, "Fast Text-to-Audio Generation with Adversarial Post-Training" (ARC), arXiv
2505.08175; the cheap penalty on the critic's slope, Lin et al. 2025, "Diffusion Adversarial Post-Training", arXiv
2501.08316.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.codec.adversarial import frozen_weights
from training.flow.model import FluxFormer, velocity

LEAK = 0.2
SLOPE_NOISE, SLOPE_WEIGHT = 0.1, 0.1  # step in features over which the critic's slope is taken, and its weight
TIMES = (1.0, 1.2)  # mean and spread of the logit of the time at which latents are listened to
TEMPERATURES = (0.3, 1.0)  # of the noise, drawn evenly between
STEP_COUNTS, STEP_SHARES = (2, 4), (0.7, 0.3)  # of the sampler, whose second step is judged
Network = Callable[..., Tensor]


class CriticHead(nn.Module):
    """Scores of the tokens of one block, ``(B,T,W) -> (B,T)``."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.inward = nn.Linear(features, width)
        self.near = nn.Conv1d(width, width, 5, padding=2)
        self.far = nn.Conv1d(width, width, 5, padding=8, dilation=4)
        self.outward = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """As the class says."""
        y = F.leaky_relu(self.inward(x), LEAK).transpose(1, 2)
        y = (y + F.leaky_relu(self.near(y), LEAK)) / math.sqrt(2)
        y = (y + F.leaky_relu(self.far(y), LEAK)) / math.sqrt(2)
        score: Tensor = self.outward(y.transpose(1, 2))[..., 0]
        return score


class LatentCritic(nn.Module):
    """Heads on the blocks of a frozen flow, which knows what fits the given latents and the prompt.

    Args:
        ear: the flow; not a part of the module, so that checkpoints do not hold it.
        features: width of its tokens.
        width: of the heads.
    """

    def __init__(self, ear: FluxFormer, features: int, width: int) -> None:
        super().__init__()
        self._ear = [ear.eval().requires_grad_(False)]
        self._blocks = [*ear.down, *ear.middle, *ear.up]
        self.norm = nn.LayerNorm(features, elementwise_affine=False)
        self.heads = nn.ModuleList(CriticHead(features, width) for _ in self._blocks)

    def hear(self, x: Tensor, t: Tensor, known: Tensor, *conditions: Tensor) -> list[Tensor]:
        """What every block makes of latents ``x (B,S,D,L)`` at time ``t (B,S,L)``: ``(B,T,W)`` each."""
        heard: list[Tensor] = []
        hooks = [block.register_forward_hook(lambda _b, _i, out: heard.append(out)) for block in self._blocks]
        try:
            self._ear[0](x, t, known, *conditions)
        finally:
            for hook in hooks:
                hook.remove()
        return [self.norm(one[:, 1:]) for one in heard]

    def score(self, heard: list[Tensor]) -> Tensor:
        """Scores ``(blocks, B, T)`` float32; the higher, the truer."""
        return torch.stack([head(one) for head, one in zip(self.heads, heard, strict=True)]).float()


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
    critic: LatentCritic,
    made: Tensor,
    true: Tensor,
    known: Tensor,
    conditions: tuple[Tensor, ...],
    generator: torch.Generator,
) -> CriticLosses:
    """Losses of one batch of made and true latents, both ``(B,S,D,L)`` and equal where known.

    Critic and flow descend at once, each by its own loss, so that one backward pass and one optimiser serve both.
    """
    mean, spread = TIMES
    time = torch.sigmoid(mean + spread * torch.randn(len(true), generator=generator, device=true.device))
    t = torch.where(known, 1.0, time[:, None, None].expand(known.shape))
    noise = torch.randn(true.shape, generator=generator, device=true.device)
    on_the_way = [t[:, :, None] * x + (1 - t[:, :, None]) * noise for x in (true, made)]
    with torch.no_grad():
        real, false = (critic.hear(x.detach(), t, known, *conditions) for x in on_the_way)
        other = critic.hear(on_the_way[0], t, known, *(one.roll(1, dims=0) for one in conditions))
    scores = [critic.score(heard) for heard in (real, false, other)]
    own = F.softplus(scores[1] - scores[0]).mean() + F.softplus(scores[2] - scores[0]).mean()
    aside = [
        critic.score(
            [one + SLOPE_NOISE * torch.randn(one.shape, generator=generator, device=one.device) for one in heard]
        )
        for heard in (real, false)
    ]
    slope = torch.stack([((near - here) ** 2).mean() for near, here in zip(aside, scores[:2], strict=True)]).sum()
    with frozen_weights(critic):
        opinion = critic.score(critic.hear(on_the_way[1], t, known, *conditions))
    return CriticLosses(
        own + SLOPE_WEIGHT * slope / SLOPE_NOISE**2,
        F.softplus(scores[0].detach() - opinion).mean(),
        (scores[0] - scores[1]).mean().item(),
        (scores[0] - scores[2]).mean().item(),
    )
