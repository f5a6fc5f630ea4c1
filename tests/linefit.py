"""A stage that fits a line, for tests of the training loop over several processes."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from training.trainer.trainer import TrainConfig, Trainer, batches

STEPS = 4


@dataclass
class Rows:
    """A batch, and the numbers that made it."""

    values: torch.Tensor
    numbers: torch.Tensor


class Line:
    """Fit a line; part ``n`` depends on ``n`` alone. ``together`` puts that many numbers into one part.

    Every loss notes the numbers it saw, and every gradient is noted before the step is taken.
    """

    def __init__(self, together: int = 1) -> None:
        torch.manual_seed(0)
        self.model = torch.nn.Linear(3, 1)
        self.spare = torch.nn.Parameter(torch.ones(1))  # sits out every batch but the first
        self.model.register_parameter("spare", self.spare)
        self.together = together
        self.seen: list[int] = []

    def batch(self, step: int) -> Rows:
        """``(8 * together, 3)``."""
        numbers = range(step * self.together, (step + 1) * self.together)
        rows = [torch.randn(8, 3, generator=torch.Generator().manual_seed(n)) for n in numbers]
        return Rows(torch.cat(rows), torch.tensor(list(numbers)))

    def loss(self, batch: Rows, generator: torch.Generator, progress: float):
        self.seen += batch.numbers.tolist()
        wrong = (self.model(batch.values) - batch.values.sum(dim=1, keepdim=True)).pow(2).mean()
        return wrong + self.spare.sum() * float(0 in batch.numbers), {"first": float(batch.numbers[0])}


def train(folder: Path, parts: int, steps: int = STEPS, together: int = 1, resume: bool = False) -> Trainer:
    """Train, or go on, and leave the gradients of the last step and the numbers this process saw."""
    stage = Line(together)
    plan = TrainConfig(steps=STEPS, learning_rate=0.1, warmup=1, clip_norm=1e9, ema=0.9, parts=parts)
    run = Trainer(stage, plan, folder)
    assert run.resume() is resume
    source = batches(stage, run.distributed, run.step, STEPS, run.parts, workers=0)
    losses = [run.descend([next(source) for _ in range(run.own)])[0] for _ in range(run.step, steps)]
    run.save()
    run.distributed.wait()
    noted = {"losses": losses, "seen": stage.seen, "gradient": stage.model.weight.grad.flatten().tolist()}
    (folder / f"noted-{run.distributed.rank}.json").write_text(json.dumps(noted))
    return run
