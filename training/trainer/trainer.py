"""One training loop for every stage: budget, schedule, moving average, log, checkpoint, exact resume.

A step is made of numbered parts, micro-batches whose data and noise depend on the seed and their number alone. So a
resumed run goes on as if never stopped, and with another number of devices: the parts of a step stay the same, they
are dealt to more or fewer processes. Where ``minutes`` limit a run, its learning rate follows the clock, and a clock is
not the same twice.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm

from training.trainer import precision
from training.trainer.checkpoints import save_atomically
from training.trainer.distributed import Distributed, to_device

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"


class Stage(Protocol):
    """What the loop needs of a stage.

    A stage whose loss needs tensors or modules beside the model also has ``to(device)``, which moves them. One whose
    loss is a mean over a number of things that differs from part to part has ``weight(batch)``, that number: a step's
    loss is then the mean over all things of all parts. Without it every part counts alike. One whose parts learn at
    other rates than the rest has ``rates``: factors of the learning rate by the first part of the weights' names.
    """

    model: nn.Module

    def batch(self, step: int) -> Any:
        """The data of a part; runs in a worker, depends on the part's number alone."""

    def loss(self, batch: Any, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Loss to descend and figures to log; ``progress`` runs from 0 to 1 over the run."""


@dataclass(slots=True, kw_only=True)
class TrainConfig:
    """Length, learning rate and seed of a run.

    Attributes:
        steps: most steps.
        minutes: wall-clock budget over all sessions of the run; 0 means none.
        learning_rate: peak.
        schedule: ``cosine`` to a twentieth over the budget, or ``halving`` at 30, 50, 70 and 90 % (MAGE's kind).
        warmup: steps from zero to the peak.
        clip_norm: largest gradient norm.
        ema: decay of the moving average of the weights; 0 means none.
        seed: of noise and data.
        save_every_s: seconds between checkpoints.
        parts: micro-batches that make one step, over all devices; 0 means one per process. A device that takes more
            than one adds up their gradients.
        settings: written into the run for its own record.
    """

    steps: int
    learning_rate: float
    minutes: float = 0.0
    schedule: str = "cosine"
    warmup: int = 100
    clip_norm: float = 1.0
    ema: float = 0.0
    seed: int = 0
    save_every_s: float = 120.0
    parts: int = 0
    settings: dict[str, Any] = field(default_factory=dict)


class BatchDataset(torch.utils.data.Dataset[Any]):
    """The stage's batches by number."""

    def __init__(self, make: Callable[[int], Any], steps: int) -> None:
        self._make, self._steps = make, steps

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> Any:
        return self._make(step)


def _worker_begin(worker: int) -> None:
    os.nice(2)
    torch.set_num_threads(1)


class StageLoss(nn.Module):
    """The stage's loss as one module, so that data parallel training sees every parameter it uses."""

    def __init__(self, stage: Stage, device: torch.device) -> None:
        super().__init__()
        self.model = stage.model
        self._loss, self._device = stage.loss, device

    def forward(self, batch: Any, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """The loss; on a GPU, tensors that the stage makes are made there."""
        if self._device.type == "cpu":
            return self._loss(batch, generator, progress)
        with self._device:
            return self._loss(batch, generator, progress)


def batches(stage: Stage, distributed: Distributed, first: int, steps: int, parts: int, workers: int) -> Iterator[Any]:
    """This process's parts from step ``first`` on, made ahead of time in worker processes."""
    loader = torch.utils.data.DataLoader(
        BatchDataset(stage.batch, steps * parts),
        batch_size=None,
        sampler=own_parts(distributed.rank, distributed.size, first, steps, parts),
        num_workers=workers,
        prefetch_factor=6 if workers else None,
        worker_init_fn=_worker_begin,
        pin_memory=distributed.device.type == "cuda",
    )
    return iter(loader)


def own_parts(rank: int, size: int, first: int, steps: int, parts: int) -> range:
    """Numbers of the parts that a process takes in steps ``first`` to ``steps``: every ``size``-th."""
    return range(first * parts + rank, steps * parts, size)


def rate_at(config: TrainConfig, step: int, progress: float) -> float:
    """Learning rate at a step."""
    warm = min(1.0, (step + 1) / max(1, config.warmup))
    if config.schedule == "halving":
        return config.learning_rate * warm * 0.5 ** sum(progress >= mark for mark in (0.3, 0.5, 0.7, 0.9))
    return config.learning_rate * warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


class Trainer:
    """One run in a folder: loop, checkpoint, log.

    Raises:
        ValueError: the processes cannot share the parts of a step evenly.
    """

    def __init__(self, stage: Stage, config: TrainConfig, folder: Path) -> None:
        self.stage, self.config, self.folder = stage, config, Path(folder)
        self.distributed = Distributed()
        self.step, self.spent_s = 0, 0.0
        self.parts = config.parts or self.distributed.size
        self.own = self.distributed.share(self.parts)
        stage.model.to(self.distributed.device)
        if hasattr(stage, "to"):
            stage.to(self.distributed.device)
        learnt = {name: p for name, p in stage.model.named_parameters() if p.requires_grad}
        self.names, self.parameters = list(learnt), list(learnt.values())
        self.optimizer = torch.optim.AdamW(
            _groups(learnt, getattr(stage, "rates", {})), lr=config.learning_rate, betas=(0.9, 0.95), weight_decay=0.01
        )
        self.average = [p.detach().clone() for p in self.parameters] if config.ema else []
        self._agree()
        self.objective = self.distributed.parallel(StageLoss(stage, self.distributed.device))
        self.folder.mkdir(parents=True, exist_ok=True)

    def resume(self) -> bool:
        """Load the checkpoint in the folder; False when there is none.

        Parts of a step and precision are those the run began with; an older checkpoint that does
        not say has one part per process.

        Raises:
            ValueError: the processes do not all find the same checkpoint.
        """
        path = self.folder / CHECKPOINT
        state = torch.load(path, map_location="cpu", weights_only=True) if path.is_file() else None
        self._all_find(-1 if state is None else state["step"])
        if state is None:
            return False
        self.stage.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for held, saved in zip(self.average, state["average"], strict=True):
            held.copy_(saved)
        self.step, self.spent_s = state["step"], state["spent_s"]
        self.parts = state.get("parts", self.parts)
        self.own = self.distributed.share(self.parts)
        if "precision" in state:
            precision.set_precision(state["precision"])
        return True

    def _all_find(self, step: int) -> None:
        if any(self.distributed.mean([float(step != self.distributed.agreed(step))])):
            raise ValueError(
                f"the processes found different checkpoints in {self.folder}; "
                "the run's folder must be one that all machines see"
            )

    def _agree(self) -> None:
        """All processes compute in the precision that the first one chose."""
        names = list(precision.DTYPES)
        if self.distributed.size > 1:
            precision.set_precision(names[int(self.distributed.agreed(names.index(precision.precision_name())))])

    def save(self) -> None:
        """Write the checkpoint: whole or not at all."""
        if not self.distributed.first:
            return
        state = {
            "model": self.stage.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "averaged": self.names if self.average else [],
            "step": self.step,
            "spent_s": self.spent_s,
            "parts": self.parts,
            "processes": self.distributed.size,
            "precision": precision.precision_name(),
        }
        save_atomically(state, self.folder / CHECKPOINT)
        (self.folder / "settings.json").write_text(json.dumps(self.config.settings, indent=1, default=str), "utf-8")

    def progress(self) -> float:
        """Share of the budget spent, 0 to 1."""
        by_time = self.spent_s / (60 * self.config.minutes) if self.config.minutes else 0.0
        return min(1.0, max(self.step / self.config.steps, by_time))

    def train(self, workers: int = 1, quiet: bool = False) -> list[float]:
        """Run to the end of the budget; returns the loss of every step of this session."""
        from torch.utils.tensorboard import SummaryWriter

        self.stage.model.train()
        losses: list[float] = []
        quiet = quiet or not self.distributed.first
        source = batches(self.stage, self.distributed, self.step, self.config.steps, self.parts, workers)
        saved = began = time.monotonic()
        waited_s = 0.0
        with (
            precision.flushed_denormals(),
            SummaryWriter(str(self.folder)) as board,
            (self.folder / LOG).open("a", encoding="utf-8") as log,
            tqdm(total=self.config.steps, initial=self.step, disable=quiet, mininterval=5.0) as bar,
        ):
            while self.step < self.config.steps and self.progress() < 1:
                tick = time.monotonic()
                own = [next(source) for _ in range(self.own)]
                waited_s += time.monotonic() - tick
                loss, figures = self.descend(own)
                losses.append(loss)
                self.spent_s = self.distributed.agreed(self.spent_s + time.monotonic() - tick)  # so all end at one step
                if self.distributed.first and (self.step % 20 == 0 or self.step == self.config.steps):
                    figures |= {"rate": self.optimizer.param_groups[0]["lr"], "minutes": self.spent_s / 60}
                    log.write(json.dumps({"step": self.step, "loss": round(loss, 5), **_rounded(figures)}) + "\n")
                    log.flush()
                    for name, value in (("loss", loss), *figures.items()):
                        board.add_scalar(name, value, self.step)
                    bar.set_postfix(loss=f"{loss:.3f}", left=self._left(), refresh=False)
                bar.update()
                if time.monotonic() - saved > self.config.save_every_s:
                    self.save()
                    saved = time.monotonic()
        self.save()
        self.distributed.wait()  # a process that left while another still writes could end in an abort
        share = waited_s / max(1e-9, time.monotonic() - began)
        if not quiet:
            print(f"waited for data {100 * share:.1f} % of {time.monotonic() - began:.0f} s, {len(losses)} steps")
        return losses

    def _left(self) -> str:
        done = self.progress()
        return f"{self.spent_s * (1 - done) / max(done, 1e-6) / 60:.0f} min"

    def descend(self, own: list[Any]) -> tuple[float, dict[str, float]]:
        """One optimizer step.

        Args:
            own: this process's parts of it, in order.

        Returns:
            mean loss over all parts of all processes, weighted as their gradients are, and figures of this process's.
        """
        progress = self.progress()
        for group in self.optimizer.param_groups:
            group["lr"] = group.get("factor", 1.0) * rate_at(self.config, self.step, progress)
        self.optimizer.zero_grad(set_to_none=True)
        lost, figures = self._add_up(own, progress)
        [lost] = self.distributed.mean([lost])
        norm = nn.utils.clip_grad_norm_(self.parameters, self.config.clip_norm)
        if torch.isfinite(norm):
            self.optimizer.step()
        if self.average:
            decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
            torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 1 - decay)
        self.step += 1
        return lost, {**figures, "norm": norm.item()}

    def _add_up(self, own: list[Any], progress: float) -> tuple[float, dict[str, float]]:
        """Accumulate gradients of the mean loss over all parts; processes synchronise at the last part only."""
        lost = 0.0
        seen: dict[str, list[float]] = {}
        for place, (batch, share) in enumerate(zip(own, self._shares(own), strict=True)):
            number = self.step * self.parts + place * self.distributed.size + self.distributed.rank
            generator = torch.Generator(self.distributed.device).manual_seed(self.config.seed * 1_000_003 + number)
            last = place == len(own) - 1
            with contextlib.nullcontext() if last else self.distributed.apart(self.objective):
                loss, figures = self.objective(to_device(batch, self.distributed.device), generator, progress)
                (loss * share).backward()
            lost += loss.item() * share
            for name, value in figures.items():
                seen.setdefault(name, []).append(value)
        return lost, {name: sum(values) / len(values) for name, values in seen.items()}

    def _shares(self, own: list[Any]) -> list[float]:
        """Factor of each part's loss, so that the mean over processes is the mean over all parts."""
        weigh = getattr(self.stage, "weight", None)
        if weigh is None:
            return [1 / len(own)] * len(own)
        weights = [float(weigh(batch)) for batch in own]
        [total] = self.distributed.mean([sum(weights)])
        return [weight / max(total, 1e-9) for weight in weights]

    def averaged(self) -> nn.Module:
        """The model with its averaged weights, on the CPU."""
        with torch.no_grad():
            for held, mean in zip(self.parameters, self.average, strict=False):
                held.copy_(mean)
        return self.stage.model.cpu().eval()


def _groups(learnt: dict[str, Tensor], rates: dict[str, float]) -> list[dict[str, Any]]:
    """Weights in groups of one learning rate, the common one first."""
    groups: dict[float, list[Tensor]] = {1.0: []}
    for name, weights in learnt.items():
        groups.setdefault(rates.get(name.partition(".")[0], 1.0), []).append(weights)
    return [{"params": group, "factor": factor} for factor, group in groups.items() if group]


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.5g}") for name, value in figures.items()}
