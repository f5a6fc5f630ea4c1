"""What the processes of ``rankrun`` do: runs that end by the clock, that resume apart, and steps of the real flow."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from linefit import Line

from training.config import load_preset
from training.flow.networks import build_network
from training.flow.task_sampler import sample_task
from training.flow.train import FlowBatch, FlowStage
from training.trainer import precision
from training.trainer.trainer import TrainConfig, Trainer

ROWS = 4


class SlowToSave(Trainer):
    """The first process is busy with its checkpoint while the others wait."""

    def save(self) -> None:
        """Save after a while."""
        if self.distributed.first:
            time.sleep(0.05)  # after every step
        super().save()


def by_the_clock(folder: Path, minutes: float) -> None:
    """Train until the time is over; leave step, rates and weights."""
    plan = TrainConfig(steps=10**6, minutes=minutes, learning_rate=0.1, warmup=1, parts=2, save_every_s=0.0)
    run, rates = SlowToSave(Line(), plan, folder), []
    plain = run.descend

    def noted(own):
        answer = plain(own)
        rates.append(run.optimizer.param_groups[0]["lr"])
        return answer

    run.descend = noted
    run.train(workers=0, quiet=True)
    torch.save(
        {"step": run.step, "rates": rates, "weight": run.stage.model.weight.detach()},
        folder / f"left-{run.distributed.rank}.pt",
    )


def go_on(folder: Path) -> None:
    """Resume what is in the folder."""
    Trainer(Line(), TrainConfig(steps=9, learning_rate=0.1, ema=0.9, parts=2), folder).resume()


class FlowParts(FlowStage):
    """The flow's own loss on made-up latents from time 0, where its noise is not seen; ``together`` parts in one."""

    def __init__(self, together: int = 1) -> None:
        self.preset = load_preset("tiny")
        self.config = replace(self.preset.flow, batch=ROWS)
        self.teacher, self.together = None, together
        torch.manual_seed(0)
        self.model = self.flow = build_network(self.preset)
        self.critic = None
        for weights in self.model.parameters():
            torch.nn.init.normal_(weights, std=0.05)

    def to(self, device: torch.device) -> None:
        """Nothing but the model."""

    def one(self, number: int) -> FlowBatch:
        """A part."""
        grid, rng = self.preset.grid, np.random.default_rng(number)
        drawn = [sample_task(rng, grid.window_frames, self.preset.masking).known for _ in range(ROWS)]
        dice = torch.Generator().manual_seed(number)
        latents = torch.randn(ROWS, 3, grid.latent_channels, grid.window_frames, generator=dice)
        prompt = torch.randn(ROWS, 3, self.preset.prompt.embedding, generator=dice)
        return FlowBatch(latents, torch.from_numpy(np.stack(drawn)), prompt, torch.zeros(ROWS))

    def batch(self, step: int) -> FlowBatch:
        """``(ROWS * together, ...)``."""
        parts = [self.one(step * self.together + k) for k in range(self.together)]
        sides = zip(*((p.latents, p.known, p.prompt, p.time) for p in parts), strict=True)
        return FlowBatch(*(torch.cat(side) for side in sides))


def flow_step(folder: Path, parts: int, together: int = 1) -> Trainer:
    """One step of the flow; leave its gradients and loss."""
    precision.set_precision("fp32")
    stage = FlowParts(together)
    run = Trainer(stage, TrainConfig(steps=1, learning_rate=1e-3, warmup=1, clip_norm=1e9, parts=parts), folder)
    places = range(run.distributed.rank, parts, run.distributed.size)
    loss, _ = run.descend([stage.batch(number) for number in places])
    gradients = torch.cat([p.grad.flatten() for p in stage.model.parameters() if p.grad is not None])
    torch.save({"loss": loss, "gradients": gradients}, folder / f"flow-{run.distributed.rank}.pt")
    return run
