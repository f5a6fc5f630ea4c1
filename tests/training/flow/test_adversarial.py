"""A critic of latents, and a flow that is trained against it from its second step on."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from engine.latents import SLOTS, Slot
from training.config import Preset, load_preset
from training.flow.adversarial import STEP_COUNTS, LatentCritic, critic_losses, take_first_step
from training.flow.model import FluxFormer
from training.flow.networks import build_network
from training.flow.train import build_critic, save_flow
from training.flow.warm_start import averaged_weights, load_start_weights
from training.trainer.trainer import TrainConfig, Trainer

TINY = load_preset("tiny")
ROWS = 4


def with_critic(weight: float = 0.3) -> Preset:
    return replace(TINY, flow=replace(TINY.flow, adversarial_weight=weight))


def flow() -> FluxFormer:
    torch.manual_seed(2)
    found = build_network(replace(TINY, flow=replace(TINY.flow, picture_dim=0)))
    assert isinstance(found, FluxFormer)
    for weights in found.parameters():
        torch.nn.init.normal_(weights, std=0.1) if weights.ndim > 1 else None
    return found


def critic() -> LatentCritic:
    torch.manual_seed(3)
    return LatentCritic(flow(), TINY.flow.width, width=32)


def batch(frames: int = TINY.grid.window_frames) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(5)
    latents = torch.randn(ROWS, SLOTS, TINY.grid.latent_channels, frames)
    known = torch.zeros(ROWS, SLOTS, frames, dtype=torch.bool)
    known[:, Slot.REST] = True
    return latents, known, torch.randn(ROWS, SLOTS, TINY.prompt.embedding)


def dice() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_a_preset_without_a_weight_has_no_critic():
    assert build_critic(TINY, flow()) is None
    assert isinstance(build_critic(with_critic(), flow()), LatentCritic)
    with pytest.raises(ValueError, match="a critic needs a frozen flow"):
        build_critic(with_critic(), None)


def test_the_first_step_leads_from_noise_to_where_the_sampler_stands_and_keeps_what_is_known():
    latents, known, prompt = batch()
    answer = torch.randn_like(latents)
    second = take_first_step(lambda x, t, known, prompt: answer, latents, known, (prompt,), dice())
    torch.testing.assert_close(second.x[:, Slot.REST], latents[:, Slot.REST])
    assert torch.all(second.t[:, Slot.REST] == 1)
    for row in range(ROWS):
        stride = second.t[row, Slot.STEM, 0].item()
        assert 1 / stride in STEP_COUNTS
        noise = (second.x[row, Slot.STEM] - stride * answer[row, Slot.STEM]) / (1 - stride)
        assert 0.25 < noise.std() < 1.1  # between the two temperatures, and the answer no part of it
        assert abs(torch.corrcoef(torch.stack([noise.flatten(), answer[row, Slot.STEM].flatten()]))[0, 1]) < 0.1


def test_each_loss_reaches_its_own_network_alone():
    latents, known, prompt = batch()
    judge, made = critic(), torch.randn_like(latents).requires_grad_()
    whole = torch.where(known[:, :, None], latents, made)
    losses = critic_losses(judge, whole, latents, known, (prompt,), dice())
    losses.flow.backward(retain_graph=True)
    assert made.grad is not None
    assert made.grad[:, Slot.STEM].abs().sum() > 0
    assert all(weights.grad is None for weights in judge.parameters())
    made.grad = None
    losses.critic.backward()
    assert made.grad is None
    assert any(weights.grad is not None and weights.grad.abs().sum() > 0 for weights in judge.parameters())


def test_a_critic_scores_every_block_and_leaves_the_flow_as_it_was():
    latents, known, prompt = batch()
    judge = critic()
    features = judge.features(latents, known.float(), known, prompt)
    tokens = TINY.grid.window_frames // TINY.flow.patch
    blocks = TINY.flow.down + TINY.flow.middle + TINY.flow.up
    assert [tuple(one.shape) for one in features] == [(ROWS, tokens, TINY.flow.width)] * blocks
    assert judge.score(features).shape == (blocks, ROWS, tokens)
    assert all(name.startswith("heads.") for name in judge.state_dict())


def test_a_critic_learns_which_latents_are_true():
    """Made latents are half as loud as true ones."""
    true, known, prompt = batch()
    judge = critic()
    optimizer = torch.optim.AdamW(judge.parameters(), 3e-3)
    made = torch.where(known[:, :, None], true, true / 2)
    for step in range(60):
        losses = critic_losses(judge, made, true, known, (prompt,), dice().manual_seed(step))
        optimizer.zero_grad()
        losses.critic.backward()
        optimizer.step()
    assert losses.real_margin > 0.3


def test_a_run_with_a_critic_leaves_a_flow_that_others_start_from(tmp_path):
    class Both:
        def __init__(self) -> None:
            torch.manual_seed(7)
            self.model = nn.ModuleDict({"flow": build_network(TINY), "critic": critic()})

        def batch(self, step: int) -> None:
            return None

        def loss(self, batch: None, generator: torch.Generator, progress: float) -> tuple[torch.Tensor, dict[str, Any]]:
            return torch.zeros(()), {}

    run = Trainer(Both(), TrainConfig(steps=2, learning_rate=0.1, ema=0.9), tmp_path)
    run.save()
    flow = run.stage.model["flow"].state_dict()
    unfinished = averaged_weights(tmp_path)
    assert set(unfinished) == set(flow)
    torch.testing.assert_close(unfinished, flow)
    save_flow(run, tmp_path)
    model = build_network(TINY)
    assert load_start_weights(model, tmp_path) == []
    torch.testing.assert_close(model.state_dict(), flow)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"adversarial_weight": -0.1}, "adversarial_weight and anchor_weight at least 0"),
        ({"anchor_weight": -1.0}, "adversarial_weight and anchor_weight at least 0"),
        ({"adversarial_from": 1.0}, "adversarial_from must be in 0..1"),
        ({"critic_width": 0}, "critic_width must be at least 1 and critic_rate above 0, got 0 and 4.0"),
        ({"critic_rate": 0.0}, "critic_width must be at least 1 and critic_rate above 0, got 96 and 0.0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY.flow, **changes)
