"""Train FluxFormer: ``python -m training flow``. Tasks come from the table, prompts from the lexicon."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.shapes import SLOTS, Slot
from engine.tasks import TASKS
from training.arguments import parse
from training.codec.model import MixWavCodec
from training.codec.train import load_codec
from training.config import Preset
from training.data.cache import StemCache
from training.data.credits import credits
from training.data.mix import Mixer
from training.data.studio import ensure_cache
from training.flow.diffusion import TAU_MIN, error_weight, noised
from training.flow.examples import LatentPool
from training.flow.known import Drawn, draw_known
from training.flow.losses import latent_loss
from training.flow.networks import answered, build
from training.loop import Plan, Run
from training.precision import autocast
from training.prompt.lexicon import Lexicon
from training.prompt.tower import embed, load_text_tower


@dataclass(slots=True)
class FlowBatch:
    """One step's data.

    Attributes:
        latents: clean, ``(B,S,D,L)``.
        known: ``(B,S,L)`` bool.
        prompt: ``(B,S,E)``; zeros where dropped.
        time: ``(B,)``, the time of unknown positions.
    """

    latents: Tensor
    known: Tensor
    prompt: Tensor
    time: Tensor


class FlowStage:
    """Batches and loss of the flow."""

    def __init__(self, preset: Preset, cache: StemCache, codec: MixWavCodec, prompt_run: Path, pool: Path) -> None:
        self.preset, self.config = preset, preset.flow
        torch.manual_seed(preset.flow.seed)
        self.model: nn.Module = build(preset)
        self.pool = LatentPool(pool, preset, Mixer(cache, preset.flow.vary_share, preset.grid.rate_hz), codec)
        self.lexicon = Lexicon.load()
        self.tower, self.tokenizer = load_text_tower(prompt_run)

    def batch(self, step: int) -> FlowBatch:
        """Data of a step: examples in shuffled rounds over the pool, everything else drawn anew."""
        rng = np.random.default_rng([self.config.seed, 77, step])
        numbers = self._numbers(step)
        latents, named = self.pool.draw(numbers, rng)
        frames = self.preset.grid.window_frames
        drawn = [draw_known(rng, frames) for _ in numbers]
        asked = [k for k, term in enumerate(named) if term and rng.random() >= self.config.prompt_dropout]
        prompt = np.zeros((len(numbers), SLOTS, self.preset.prompt.embedding), dtype=np.float32)
        phrases = [self.lexicon.phrases(named[k], "train", rng) for k in asked]
        if asked:
            prompt[asked, Slot.STEM] = embed(self.tower, self.tokenizer, phrases)
        time = self._times(rng, drawn)
        return FlowBatch(
            torch.from_numpy(latents),
            torch.from_numpy(np.stack([d.known for d in drawn])),
            torch.from_numpy(prompt),
            torch.from_numpy(time.astype(np.float32)),
        )

    def _times(self, rng: np.random.Generator, drawn: list[Drawn]) -> np.ndarray[Any, Any]:
        if self.config.times == "uniform":  # the papers: MAGE 3.2, MGE-LDM 2.2
            return rng.uniform(0.0, 1.0 - TAU_MIN, size=len(drawn))
        times: np.ndarray[Any, Any] = 1 / (1 + np.exp(-rng.normal(-0.4, 1.0, size=len(drawn))))
        times[rng.random(len(drawn)) < [self._start_share(d.task) for d in drawn]] = 0.0
        return times

    def _start_share(self, task: str) -> float:
        return self.config.start_share if TASKS[task].masked else self.config.start_share_generative

    def _numbers(self, step: int) -> list[int]:
        size, batch = self.config.pool, self.config.batch
        steps_per_round = size // batch
        lap, place = divmod(step, steps_per_round)
        order = np.random.default_rng([self.config.seed, 78, lap]).permutation(size)
        return [int(n) for n in order[place * batch : (place + 1) * batch]]

    def loss(self, batch: FlowBatch, generator: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Latent error where unknown; the log also holds the plain error of one-step isolation."""
        target, known = batch.latents, batch.known
        t = torch.where(known, 1.0, batch.time[:, None, None].expand(known.shape))
        noise = torch.randn(target.shape, generator=generator)
        x = noised(self.config.path, target, noise, t)
        with autocast():
            clean = self.model(x, t, known, batch.prompt)
        unknown = ~known
        for slot in range(SLOTS):
            if Slot(slot).name not in answered(self.config):
                unknown[:, slot] = False
        loss, plain = latent_loss(clean, target, error_weight(self.config.objective, self.config.path, t), unknown)
        starts = (batch.time == 0) & known[:, Slot.MIX].all(dim=1) & (batch.prompt != 0).any(dim=(1, 2))
        return loss, {"isolate": plain[starts].mean().item()} if starts.any() else {}


def train_flow(
    preset: Preset,
    cache: StemCache,
    codec_run: Path,
    prompt_run: Path,
    folder: Path,
    resume: bool = False,
    workers: int = 1,
) -> Run:
    """Train and leave ``flow.pt`` (averaged weights) in ``folder``."""
    stage = FlowStage(preset, cache, load_codec(preset, codec_run), prompt_run, folder / "pool")
    plan = Plan(
        steps=preset.flow.steps,
        minutes=preset.flow.minutes,
        learning_rate=preset.flow.learning_rate,
        schedule=preset.flow.schedule,
        ema=preset.flow.ema,
        clip_norm=preset.flow.clip_norm,
        seed=preset.flow.seed,
        warmup=min(200, preset.flow.steps // 10 + 1),
        settings={"stage": "flow", **asdict(preset)},
    )
    run = Run(stage, plan, folder)
    if resume:
        run.resume()
    folder.mkdir(parents=True, exist_ok=True)
    for source in (codec_run / "codec.pt", prompt_run / "prompt.pt", prompt_run / "tokenizer.json"):
        shutil.copyfile(source, folder / source.name)  # the run holds all that export needs
    (folder / "credits.json").write_text(json.dumps(credits(cache), indent=1, ensure_ascii=False), "utf-8")
    run.train(workers=workers)
    if run.world.first:
        save_flow(run, folder)
    return run


def save_flow(run: Run, folder: Path) -> None:
    """Write the averaged weights."""
    torch.save(run.averaged().state_dict(), folder / "flow.pt")


def load_flow(preset: Preset, folder: Path) -> nn.Module:
    """The trained flow of a run, frozen."""
    model = build(preset)
    model.load_state_dict(torch.load(folder / "flow.pt", map_location="cpu", weights_only=True))
    return model.eval().requires_grad_(False)


def main(argv: list[str]) -> int:
    """``python -m training flow``."""
    asked = parse("flow", "train FluxFormer", argv, needs=("codec", "prompt"))
    cache = ensure_cache(asked.preset, asked.cache)
    train_flow(asked.preset, cache, asked.runs["codec"], asked.runs["prompt"], asked.out, asked.resume, asked.workers)
    print(f"wrote {asked.out / 'flow.pt'}")
    return 0
