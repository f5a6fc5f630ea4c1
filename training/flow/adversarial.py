"""Adversarial post-training: latents that the flow makes in few steps must pass for true ones before a critic.

    LatentCritic     scores noised latents, from the features of a frozen flow
    take_first_step  runs the sampler's first step from noise, so that training sees the input of the second
    critic_losses    what critic and flow each minimise

A flow that predicts the mean of all plausible answers sounds blurred. From the second step on its input holds noise, so
it can commit to one of them; the critic penalises it when that one is implausible. The first step is not trained this
way: at t = 0 the network does not see the noise, so its answer is a mean by nature, and isolation takes no other step.

Source: a critic on the features of a frozen flow at random times, Sauer et al. 2024, "Fast High-Resolution Image
Synthesis with Latent Adversarial Diffusion Distillation", arXiv 2403.12015; the relativistic loss, and mismatched
prompts as negatives, Novack et al. 2025, "Fast Text-to-Audio Generation with Adversarial Post-Training" (ARC), arXiv
2505.08175; the gradient penalty by finite differences (approximated R1), Lin et al. 2025, "Diffusion Adversarial
Post-Training", arXiv 2501.08316.
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
PENALTY_STEP, PENALTY_WEIGHT = 0.1, 0.1  # standard deviation of the finite difference in features; weight in the loss
CRITIC_TIME_LOGIT = (1.0, 1.2)  # mean and standard deviation of the logit of the time that latents are noised to
TEMPERATURES = (0.3, 1.0)  # range of the scale of the initial noise, uniform
STEP_COUNTS, STEP_SHARES = (2, 4), (0.7, 0.3)  # lengths of the sampler's schedule, and how often each is drawn
Network = Callable[..., Tensor]


class CriticHead(nn.Module):
    """Scores the tokens of one block: residual convolutions over time, ``(B,T,W) -> (B,T)``."""

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
    """One head on each block of a frozen flow, whose features already depend on the known latents and the prompt.

    Args:
        backbone: the flow, frozen here; checkpoints hold the heads only.
        features: width of its tokens.
        width: of the heads.
    """

    def __init__(self, backbone: FluxFormer, features: int, width: int) -> None:
        super().__init__()
        self._backbone = [backbone.eval().requires_grad_(False)]  # in a list, which keeps it out of the state_dict
        self._blocks = [*backbone.down, *backbone.middle, *backbone.up]
        self.norm = nn.LayerNorm(features, elementwise_affine=False)
        self.heads = nn.ModuleList(CriticHead(features, width) for _ in self._blocks)

    def features(self, x: Tensor, t: Tensor, known: Tensor, *conditions: Tensor) -> list[Tensor]:
        """Normalised output of every block for latents ``x (B,S,D,L)`` at time ``t (B,S,L)``: ``(B,T,W)`` each."""
        outputs: list[Tensor] = []
        hooks = [block.register_forward_hook(lambda _b, _i, out: outputs.append(out)) for block in self._blocks]
        try:
            self._backbone[0](x, t, known, *conditions)
        finally:
            for hook in hooks:
                hook.remove()
        return [self.norm(tokens[:, 1:]) for tokens in outputs]  # the first token is the prompt and time

    def score(self, features: list[Tensor]) -> Tensor:
        """Scores ``(blocks, B, T)`` float32; the higher, the more real."""
        return torch.stack([head(tokens) for head, tokens in zip(self.heads, features, strict=True)]).float()


@dataclass(frozen=True, slots=True)
class SecondStep:
    """Input of the sampler's second step.

    Attributes:
        x: partly denoised latents ``(B,S,D,L)``, clean where known.
        t: ``(B,S,L)``, 1 where known.
    """

    x: Tensor
    t: Tensor


@torch.no_grad()
def take_first_step(
    network: Network, latents: Tensor, known: Tensor, conditions: tuple[Tensor, ...], generator: torch.Generator
) -> SecondStep:
    """Take the sampler's first step from noise; each row has its own schedule length and temperature.

    Args:
        network: ``(x, t, known, *conditions) -> clean``.
        latents: true ones ``(B,S,D,L)``; only the known ones are used.
        known: ``(B,S,L)`` bool.
        conditions: prompt, and picture where there is one.
    """
    rows, device = len(latents), latents.device
    counts = torch.tensor(STEP_COUNTS, device=device, dtype=latents.dtype)
    shares = torch.tensor(STEP_SHARES, device=device)
    stride_B = 1 / counts[torch.multinomial(shares, rows, replacement=True, generator=generator)]
    low, high = TEMPERATURES
    temperature_B = low + (high - low) * torch.rand(rows, generator=generator, device=device)
    noise = temperature_B[:, None, None, None] * torch.randn(latents.shape, generator=generator, device=device)
    start = torch.where(known[:, :, None], latents, noise)
    t = known.to(latents.dtype)
    stride = stride_B[:, None, None]
    moved = start + stride[:, :, None] * velocity(network(start, t, known, *conditions), start, t)
    t_after = torch.where(known, 1.0, stride.expand(known.shape))
    return SecondStep(torch.where(known[:, :, None], latents, moved), t_after)


@dataclass(frozen=True, slots=True)
class CriticLosses:
    """Losses of one batch, scalars.

    Attributes:
        critic: minimised by the critic; has no gradient in the flow.
        flow: minimised by the flow; has no gradient in the critic.
        real_margin: how far true latents score above made ones, for the log.
        prompt_margin: how far true latents score above themselves under another row's prompt, for the log.
    """

    critic: Tensor
    flow: Tensor
    real_margin: float
    prompt_margin: float


def critic_losses(
    critic: LatentCritic,
    made: Tensor,
    true: Tensor,
    known: Tensor,
    conditions: tuple[Tensor, ...],
    generator: torch.Generator,
) -> CriticLosses:
    """Losses of one batch of made and true latents, both ``(B,S,D,L)`` and equal where known.

    Each loss has gradients in its own network only, so one backward pass and one optimiser serve both networks.
    """
    mean, deviation = CRITIC_TIME_LOGIT
    time_B = torch.sigmoid(mean + deviation * torch.randn(len(true), generator=generator, device=true.device))
    t = torch.where(known, 1.0, time_B[:, None, None].expand(known.shape))
    noise = torch.randn(true.shape, generator=generator, device=true.device)
    noised_true, noised_made = (t[:, :, None] * x + (1 - t[:, :, None]) * noise for x in (true, made))
    with torch.no_grad():
        real = critic.features(noised_true, t, known, *conditions)
        fake = critic.features(noised_made.detach(), t, known, *conditions)
        mismatched = critic.features(noised_true, t, known, *(given.roll(1, dims=0) for given in conditions))
    real_score, fake_score, mismatched_score = (critic.score(features) for features in (real, fake, mismatched))
    relativistic = F.softplus(fake_score - real_score).mean() + F.softplus(mismatched_score - real_score).mean()
    slope = _squared_change(critic, real, real_score, generator) + _squared_change(critic, fake, fake_score, generator)
    with frozen_weights(critic):
        score_for_flow = critic.score(critic.features(noised_made, t, known, *conditions))
    return CriticLosses(
        relativistic + PENALTY_WEIGHT * slope / PENALTY_STEP**2,
        F.softplus(real_score.detach() - score_for_flow).mean(),
        (real_score - fake_score).mean().item(),
        (real_score - mismatched_score).mean().item(),
    )


def _squared_change(critic: LatentCritic, features: list[Tensor], score: Tensor, generator: torch.Generator) -> Tensor:
    """Mean squared change of the score when random noise of ``PENALTY_STEP`` is added to the features."""
    moved = [
        tokens + PENALTY_STEP * torch.randn(tokens.shape, generator=generator, device=tokens.device)
        for tokens in features
    ]
    return ((critic.score(moved) - score) ** 2).mean()
