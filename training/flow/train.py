"""Train the flow: ``python -m training flow``. Tasks come from the table, words from the lexicon, clips are drawn.

``--start RUN`` begins with another run's weights, in a network that may have learnt to see since (flow/warm_start.py).
"""

from __future__ import annotations

import copy
import json
import logging
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.latents import SLOTS, Slot
from engine.tasks import TASKS
from training.codec.model import MixWavCodec
from training.codec.train import load_codec
from training.config import Preset
from training.data.credits import credits
from training.data.stem_cache import StemCache
from training.flow.adversarial import LatentCritic, critic_losses, take_first_step
from training.flow.conditioning import ConditionSampler
from training.flow.distil import DistillationSchedule, distillation_target, generative_rows
from training.flow.encode import ADAPTERS_HELP, POOL, encode_latents, open_adapters, preset_mixer, usual_adapters
from training.flow.latent_dataset import LatentDataset
from training.flow.losses import additivity_loss, latent_loss
from training.flow.modalities import open_modalities
from training.flow.model import FluxFormer
from training.flow.networks import build_network, predicted_slots
from training.flow.task_sampler import TaskSample, assign_tasks, sample_task
from training.flow.warm_start import averaged_weights, load_start_weights
from training.papers.diffusion import TAU_MIN, error_weight, noised
from training.prompt.adapters import ADAPTERS_FILE, StoryReader
from training.prompt.tower import TOWER_FILE
from training.scene.model import SCENE_FILE
from training.synthesis.render_stems import ensure_cache
from training.text.lexicon import Lexicon
from training.text.tokenizer import TOKENIZER_FILE
from training.trainer.arguments import parse
from training.trainer.distributed import Distributed
from training.trainer.precision import autocast
from training.trainer.trainer import TrainConfig, Trainer

log = logging.getLogger(__name__)
ADDITIVITY_ROWS = 4  # of a batch are decoded for the additivity loss
TEACHER_FILE = "teacher.pt"
EXTRAS = {
    "start": "begin with the averaged weights of this flow run, finished or not; what is new in the preset is fresh",
    "adapters": ADAPTERS_HELP,
    "pool": "folder of the latents, to share between runs of one preset; the run's own when not given",
}


@dataclass(slots=True)
class FlowBatch:
    """One step's data.

    Attributes:
        latents: clean, ``(B,S,D,L)``.
        known: ``(B,S,L)`` bool.
        prompt: ``(B,S,E)``; zeros where dropped.
        time: ``(B,)``, the time of unknown positions.
        picture: ``(B,F,P)``; zeros where there is none, None for a preset without pictures.
    """

    latents: Tensor
    known: Tensor
    prompt: Tensor
    time: Tensor
    picture: Tensor | None = None


class FlowStage:
    """Batches and loss of the flow.

    Args:
        codec: frozen; decodes where the loss asks for sound.
        prompt_run: run of the prompt tower.
        reader: of long texts; None takes the mean of their sentences.
        critic_backbone: a frozen flow whose features the critic scores; needed where the preset asks for a critic.

    Raises:
        ValueError: the preset asks for a critic, and there is no backbone for it.
    """

    def __init__(
        self,
        preset: Preset,
        latents: LatentDataset,
        codec: MixWavCodec,
        prompt_run: Path,
        reader: StoryReader | None = None,
        critic_backbone: nn.Module | None = None,
    ) -> None:
        self.preset, self.config, self.codec = preset, preset.flow, codec
        torch.manual_seed(preset.flow.seed)
        self.flow: nn.Module = build_network(preset)
        self.critic, self._critic_backbone = build_critic(preset, critic_backbone), critic_backbone
        self.model: nn.Module = nn.ModuleDict({"flow": self.flow, "critic": self.critic}) if self.critic else self.flow
        self.rates = {"critic": preset.flow.critic_rate} if self.critic else {}
        self.teacher: nn.Module | None = None  # of a distilled schedule
        self.latents, self.decoder = latents, codec
        self.conditions = ConditionSampler(preset, Lexicon.load(), prompt_run, reader)

    def to(self, device: torch.device) -> None:
        """Move what the loss needs beside the model; the codec only where the loss decodes."""
        for frozen in (self.teacher, self._critic_backbone):
            if frozen is not None:
                frozen.to(device)
        if self.config.additivity_weight and device.type != "cpu":
            self.decoder = copy.deepcopy(self.codec).to(device)

    def batch(self, step: int) -> FlowBatch:
        """Data of a step: examples in shuffled rounds over the pool, everything else random."""
        rng = np.random.default_rng([self.config.seed, 77, step])
        numbers = self._numbers(step)
        samples = [sample_task(rng, self.preset.grid.window_frames, self.preset.masking) for _ in numbers]
        samples = assign_tasks(samples, self.latents.together(numbers))
        # Only what is taken out of a mix can be absent from it: something new that is silent teaches silence.
        latents, queries = self.latents.draw(numbers, rng, [TASKS[d.task].masked for d in samples])
        prompt, picture = self.conditions.draw(rng, queries, samples)
        return FlowBatch(
            torch.from_numpy(latents),
            torch.from_numpy(np.stack([d.known for d in samples])),
            torch.from_numpy(prompt),
            torch.from_numpy(self._times(rng, samples).astype(np.float32)),
            None if picture is None else torch.from_numpy(picture),
        )

    def _times(self, rng: np.random.Generator, samples: list[TaskSample]) -> np.ndarray[Any, Any]:
        if self.config.times == "uniform":  # the papers: MAGE 3.2, MGE-LDM 2.2
            return rng.uniform(0.0, 1.0 - TAU_MIN, size=len(samples))
        times: np.ndarray[Any, Any] = 1 / (1 + np.exp(-rng.normal(-0.4, 1.0, size=len(samples))))
        times[rng.random(len(samples)) < [self._start_share(d.task) for d in samples]] = 0.0
        # A task with a strength may start anywhere between noise and its stem.
        anywhere = [TASKS[d.task].strength is not None for d in samples]
        return np.where(anywhere, rng.uniform(0.0, 1.0 - TAU_MIN, size=len(samples)), times)

    def _start_share(self, task: str) -> float:
        return self.config.start_share if TASKS[task].masked else self.config.start_share_generative

    def _numbers(self, step: int) -> list[int]:
        size, batch = self.config.pool, self.config.batch
        steps_per_round = size // batch
        round_number, first = divmod(step, steps_per_round)
        order = np.random.default_rng([self.config.seed, 78, round_number]).permutation(size)
        return [int(n) for n in order[first * batch : (first + 1) * batch]]

    def weight(self, batch: FlowBatch) -> float:
        """Unknown positions of a batch that count in its loss."""
        return float(self._unknown(batch.known).sum())

    def _unknown(self, known: Tensor) -> Tensor:
        """``(B,S,L)`` bool: unknown positions of slots that the network predicts."""
        unknown = ~known
        for slot in range(SLOTS):
            if Slot(slot).name not in predicted_slots(self.config):
                unknown[:, slot] = False
        return unknown

    def loss(self, batch: FlowBatch, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Latent error where unknown; the log also holds the plain error of one-step isolation."""
        target, known = batch.latents, batch.known
        picture = () if batch.picture is None else (batch.picture,)
        t = torch.where(known, 1.0, batch.time[:, None, None].expand(known.shape))
        noise = torch.randn(target.shape, generator=generator, device=target.device)
        x = noised(self.config.path, target, noise, t)
        if self.teacher is not None:
            x, t, target = self._distil(self.teacher, batch, picture, noise, (x, t, target))
        with autocast():
            clean = self.flow(x, t, known, batch.prompt, *picture)
        weight = error_weight(self.config.objective, self.config.path, t)
        loss, plain = latent_loss(clean, target, weight, self._unknown(known))
        figures = {}
        if self.config.additivity_weight:
            whole = torch.where(known[:, :, None], batch.latents, clean)
            apart = additivity_loss(self.decoder, whole[:ADDITIVITY_ROWS])
            loss, figures["additivity"] = loss + self.config.additivity_weight * apart, apart.item()
        if self.critic is not None:
            adversarial, logged = self._adversarial_loss(self.critic, batch, picture, generator, progress)
            loss, figures = loss + adversarial, figures | logged
        one_step = (batch.time == 0) & known[:, Slot.MIX].all(dim=1) & (batch.prompt != 0).any(dim=(1, 2))
        return loss, figures | ({"isolate": plain[one_step].mean().item()} if one_step.any() else {})

    def _adversarial_loss(
        self,
        critic: LatentCritic,
        batch: FlowBatch,
        picture: tuple[Tensor, ...],
        generator: torch.Generator,
        progress: float,
    ) -> tuple[Tensor, dict[str, float]]:
        """Loss of critic and flow over the rows of generative tasks; 0 for fewer than two, which have no mismatch."""
        rows = generative_rows(batch.known)
        if rows.sum() < 2:
            return batch.latents.new_zeros(()), {}
        true, known, *conditions = (value[rows] for value in (batch.latents, batch.known, batch.prompt, *picture))
        given = tuple(conditions)
        with autocast():
            second = take_first_step(self.flow, true, known, given, generator)
            clean = self.flow(second.x, second.t, known, *given)
            made = torch.where(known[:, :, None], true, clean)
            losses = critic_losses(critic, made, true, known, given, generator)
        anchor, _ = latent_loss(clean, true, torch.ones_like(second.t), self._unknown(known))
        config = self.config
        weight = config.adversarial_weight * float(progress >= config.adversarial_from)
        total = losses.critic + weight * losses.flow + config.anchor_weight * anchor
        std_ratio = (clean.std(dim=3).mean() / true.std(dim=3).mean()).item()
        return total, {
            "critic_loss": losses.critic.item(), "generator_loss": losses.flow.item(), "anchor_loss": anchor.item(),
            "real_margin": losses.real_margin, "prompt_margin": losses.prompt_margin, "std_ratio": std_ratio,
        }  # fmt: skip

    def _distil(
        self,
        teacher: nn.Module,
        batch: FlowBatch,
        picture: tuple[Tensor, ...],
        noise: Tensor,
        plain: tuple[Tensor, Tensor, Tensor],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Input x, time t and target: from the teacher for rows of generative tasks, ``plain`` for all others."""
        rows = generative_rows(batch.known)
        if not rows.any():
            return plain
        schedule = DistillationSchedule(self.config.distil_steps, self.config.teacher_steps)
        number = torch.floor(batch.time[rows] * schedule.steps).clamp(max=schedule.steps - 1)
        of_rows = (value[rows] for value in (batch.latents, batch.known, noise, batch.prompt, *picture))
        target, known, row_noise, *conditions = of_rows
        with autocast():
            distilled = distillation_target(teacher, schedule, target, known, tuple(conditions), row_noise, number)
        x, t, clean = (
            value.index_put((rows,), new.to(value.dtype)) for value, new in zip(plain, distilled, strict=True)
        )
        return x, t, clean


def train_flow(
    preset: Preset,
    cache: StemCache,
    codec_run: Path,
    prompt_run: Path,
    folder: Path,
    resume: bool = False,
    workers: int = 1,
    scene_run: Path | None = None,
    start: Path | None = None,
    pool: Path | None = None,
    adapters_run: Path | None = None,
) -> Trainer:
    """Train and leave ``flow.pt`` (averaged weights) in ``folder``.

    Args:
        codec_run, prompt_run: of the earlier stages.
        resume: True goes on from the checkpoint in ``folder``.
        workers: processes that encode and that make batches.
        scene_run: of the scene encoder; None means no picture is ever shown.
        start: a flow run whose averaged weights to begin with; also the teacher of a distilled schedule, and the
            backbone of a critic.
        pool: folder of the latents, for several runs of one preset to share; None is ``folder/pool``.
        adapters_run: of the adapters of sounds and stories; None takes the audio tower as it is and sentences' mean.

    Raises:
        ValueError: ``start`` does not fit the preset, or there is no flow that a distilled schedule or a critic needs.
    """
    if start is not None and not resume:
        load_start_weights(build_network(preset), start)  # refused now, not after everything was encoded
    config = preset.flow
    frozen = load_teacher(preset, folder, start) if config.distil_steps or config.adversarial_weight else None
    audio_encoder, reader = open_adapters(adapters_run, prompt_run)
    modalities = open_modalities(preset, cache, scene_run, audio_encoder)
    codec, pool = load_codec(preset, codec_run), pool or folder / POOL
    with Distributed().in_turn():  # the first process encodes what is missing
        latents = encode_latents(pool, preset, preset_mixer(preset, cache), codec, modalities, workers)
    stage = FlowStage(preset, latents, codec, prompt_run, reader, frozen)
    if start is not None and not resume:
        new = load_start_weights(stage.flow, start)
        log.info("started from %s; %d weights are new", start, len(new))
    stage.teacher = frozen if config.distil_steps else None
    run = Trainer(stage, train_config(preset), folder)
    if resume:
        run.resume()
    folder.mkdir(parents=True, exist_ok=True)
    sources = [codec_run / "codec.pt", prompt_run / TOWER_FILE, prompt_run / TOKENIZER_FILE]
    sources += [run / name for run, name in ((scene_run, SCENE_FILE), (adapters_run, ADAPTERS_FILE)) if run]
    for source in sources if run.distributed.first else ():
        shutil.copyfile(source, folder / source.name)  # the run holds all that export needs
    if run.distributed.first:
        (folder / "credits.json").write_text(json.dumps(credits(cache), indent=1, ensure_ascii=False), "utf-8")
    run.train(workers=workers)
    if run.distributed.first:
        save_flow(run, folder)
    return run


def train_config(preset: Preset) -> TrainConfig:
    """Training settings of a preset's flow."""
    return TrainConfig(
        steps=preset.flow.steps,
        parts=preset.flow.parts,
        minutes=preset.flow.minutes,
        learning_rate=preset.flow.learning_rate,
        schedule=preset.flow.schedule,
        ema=preset.flow.ema,
        clip_norm=preset.flow.clip_norm,
        seed=preset.flow.seed,
        warmup=min(200, preset.flow.steps // 10 + 1),
        settings={"stage": "flow", **asdict(preset)},
    )


def build_critic(preset: Preset, backbone: nn.Module | None) -> LatentCritic | None:
    """The critic that a preset asks for, on the features of ``backbone``; None when it asks for none.

    Raises:
        ValueError: it asks for one, and the backbone is no ``FluxFormer``.
    """
    config = preset.flow
    if not config.adversarial_weight:
        return None
    if not isinstance(backbone, FluxFormer):
        raise ValueError("a critic needs a frozen flow of the network flux; give the run of one with --start RUN")
    return LatentCritic(backbone, config.width, config.critic_width)


def load_teacher(preset: Preset, folder: Path, start: Path | None) -> nn.Module:
    """The frozen flow that is the teacher of a distilled schedule or a critic's backbone; kept for a resumed run.

    Raises:
        ValueError: there is none.
    """
    path, teacher = folder / TEACHER_FILE, build_network(preset)
    if start is not None and not path.is_file():
        load_start_weights(teacher, start)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(teacher.state_dict(), path)
    if not path.is_file():
        raise ValueError("distil_steps and adversarial_weight need a finished flow; give its run with --start RUN")
    teacher.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return teacher.eval().requires_grad_(False)


def save_flow(run: Trainer, folder: Path) -> None:
    """Write the averaged weights."""
    whole = run.averaged()
    torch.save((whole["flow"] if isinstance(whole, nn.ModuleDict) else whole).state_dict(), folder / "flow.pt")


def load_flow(preset: Preset, folder: Path) -> nn.Module:
    """The trained flow of a run, frozen."""
    model = build_network(preset)
    model.load_state_dict(torch.load(folder / "flow.pt", map_location="cpu", weights_only=True))
    return model.eval().requires_grad_(False)


def main(argv: list[str]) -> int:
    """``python -m training flow``."""
    asked = parse("flow", "train the flow", argv, needs=("codec", "prompt", "scene"), extras=EXTRAS)
    if asked.extras["start"] is not None:
        averaged_weights(asked.extras["start"])  # refused now, not after a cache was rendered
    with Distributed().in_turn():
        cache = ensure_cache(asked.preset, asked.cache)
    train_flow(
        asked.preset,
        cache,
        asked.runs["codec"],
        asked.runs["prompt"],
        asked.out,
        asked.resume,
        asked.workers,
        asked.runs["scene"] if asked.preset.flow.picture_dim else None,
        asked.extras["start"],
        asked.extras["pool"],
        asked.extras["adapters"] or usual_adapters(asked.preset),
    )
    print(f"wrote {asked.out / 'flow.pt'}")
    return 0
