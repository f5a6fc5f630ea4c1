"""Train the variants of a table and measure them: equal steps, one seed, one pool, the same held-out mixes for all.

Estimate and truth are compared after the codec's decoder, so its loss is in both and the flow alone is judged.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.latents import Slot
from training.codec.model import MixWavCodec
from training.codec.train import load_codec
from training.config import FlowConfig, MaskingConfig, Preset
from training.data.sources import SoundLibrary
from training.data.stem_cache import StemCache
from training.eval.report import write_json
from training.flow.encode import encode_latents, preset_mixer
from training.flow.latent_dataset import LatentDataset
from training.flow.modalities import Modalities
from training.flow.train import FlowBatch, FlowStage
from training.flow.warm_start import FLOW_FILE, FRESH, averaged_weights, load_start_weights
from training.metrics import Figures, bss, log_mel_l1
from training.papers.ablations.tables import AblationTable, AblationVariant, SamplingConfig
from training.papers.diffusion import ddim, guided, repaint
from training.prompt.tower import TOWER_FILE
from training.scene.model import SCENE_FILE, load_scene
from training.trainer.trainer import TrainConfig, Trainer

TIMED_STEPS = 3  # after one that does not count
SHARE_FOR_TRAINING = 0.9  # of the budget; the rest is for what the clock did not foresee
WARMUP = 100
SEED = 77
KEPT = "trained.json"  # written when a training is done; says how it was trained


@dataclass(frozen=True, slots=True)
class AblationContext:
    """Settings shared by all variants.

    Attributes:
        preset: whose networks and sizes.
        cache, heldout: stems to train on and to measure with.
        codec, prompt, scene: runs of the earlier stages; ``scene`` is needed by tables with pictures only.
        start: a flow run whose weights, but for those that see, tables with pictures begin with; None: fresh ones.
        out: folder of pools and trainings.
        pool: mixes to train on.
        examples: held-out mixes to measure on.
        workers: processes that make batches.
        say: takes a line for the user.
    """

    preset: Preset
    cache: StemCache
    heldout: StemCache
    codec: Path
    prompt: Path
    scene: Path | None
    start: Path | None
    out: Path
    pool: int
    examples: int
    workers: int
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainingBudget:
    """How long all trainings of a table may take: minutes together, or steps each when ``steps`` is not 0."""

    minutes: float
    steps: int = 0


class FeatureMaskedStage(FlowStage):
    """Feature masking (AudioX 5.4): zeroes a share of the picture and word features."""

    hide: dict[str, float]

    def batch(self, step: int) -> FlowBatch:
        """The flow's batch with features hidden."""
        batch, rng = super().batch(step), np.random.default_rng([self.config.seed, 79, step])
        batch.prompt = _hidden(rng, batch.prompt, self.hide["words"])
        if batch.picture is not None:
            batch.picture = _hidden(rng, batch.picture, self.hide["picture"])
        return batch


def _hidden(rng: np.random.Generator, rows: Tensor, share: float) -> Tensor:
    return rows * torch.from_numpy(rng.random(rows.shape) >= share)


def preset_of(table: AblationTable, variant: AblationVariant, context: AblationContext) -> Preset:
    """The preset a variant is trained with."""
    flow = _sight(context.preset) if table.base == "sight" else _mge(context.preset.flow)
    flow = replace(flow, pool=context.pool, batch=min(flow.batch, context.pool), minutes=0.0,
                   vary_share=0.0, additivity_weight=0.0, distil_steps=0)  # fmt: skip
    masking = _seeing() if table.base == "sight" else _reading()
    return replace(context.preset, flow=replace(flow, **variant.flow), masking=replace(masking, **variant.masking))


def _sight(preset: Preset) -> FlowConfig:
    return replace(preset.flow, picture_dim=preset.scene.picture)


def _mge(flow: FlowConfig) -> FlowConfig:
    """MGE-LDM's network with as many blocks as the preset's own, its objective, path and times."""
    return replace(
        flow, network="mge", objective="v", path="cosine", times="uniform", patch=1, down=0, up=0,
        middle=flow.down + flow.middle + flow.up, picture_dim=0, absent_share=0.0,
    )  # fmt: skip


def _seeing() -> MaskingConfig:
    """Isolation only, in words and by picture; half of the mixes hold two of one family."""
    given = {"words+picture": 1.0}
    return MaskingConfig(
        mixture=1.0, zero=0.0, unconditional=0.0, tasks={"isolate": 1.0}, given=given, mix_words=0.0, rest_words=0.0,
        still_share=0.0, clip_share=1.0, twin_share=0.5,
    )  # fmt: skip


def _reading() -> MaskingConfig:
    """Isolation only, in words: what the paper's table of extraction measures."""
    return MaskingConfig(
        mixture=1.0, zero=0.0, unconditional=0.0, tasks={"isolate": 1.0}, given={"words": 1.0}, mix_words=0.0,
        rest_words=0.0, clip_share=0.0, twin_share=0.0,
    )  # fmt: skip


def run_table(table: AblationTable, context: AblationContext, budget: TrainingBudget) -> dict[str, Any]:
    """Train and measure every variant; variants that differ in sampling only share a training.

    Returns:
        for each variant the figures of every example, steps, weights and last loss; and what it took.
    """
    began = time.perf_counter()
    if table.base == "sight":
        _check_drawable(context)
    presets = [preset_of(table, variant, context) for variant in table.variants]
    start = context.start if table.base == "sight" else None
    keys = [training_key(p, v) for p, v in zip(presets, table.variants, strict=True)]
    stages: dict[str, FlowStage] = {}
    for key, preset, variant in zip(keys, presets, table.variants, strict=True):
        if key not in stages:
            context.say(f"filling the pool of {key}: {context.pool} mixes")
            stages[key] = _stage(preset, variant, context, start)
    steps = budget.steps or steps_for(list(stages.values()), budget.minutes)
    context.say(f"trainings: {len(stages)}, of {steps} steps each")
    trained = {key: _train(stage, steps, context.out / key, context, start) for key, stage in stages.items()}
    batches = _held_out(presets[0], context)
    codec = load_codec(context.preset, context.codec)
    rows = {}
    for variant, preset, key in zip(table.variants, presets, keys, strict=True):
        context.say(f"measuring {variant.name}")
        rows[variant.name] = {
            "values": _measured(trained[key], preset, variant.sampling, batches, codec, context),
            "steps": steps,
            "weights": sum(p.numel() for p in trained[key].model.parameters()),
            "loss": trained[key].loss,
            "walk": asdict(variant.sampling),
        }
    return {
        "rows": rows,
        "preset": context.preset.name,
        "minutes": budget.minutes,
        "steps": steps,
        "batch": presets[0].flow.batch * _parts(presets[0].flow),
        "pool": context.pool,
        "examples": sum(len(batch.latents) for batch in batches),
        "start": str(start or ""),
        "seconds": time.perf_counter() - began,
    }


def _check_drawable(context: AblationContext) -> None:
    """Refuse stems whose players cannot be drawn: all variants would be blind.

    Raises:
        ValueError: a cache from before parts were numbered.
    """
    for cache in (context.cache, context.heldout):
        if not any("part" in cache.label(stem) for stem in range(cache.count)):
            raise ValueError(
                f"the stems in {cache.folder} do not say which part they play, so no player can be drawn; render new "
                "ones with `python -m training render` (and --held-out) into other folders and give --cache, --heldout"
            )


def training_key(preset: Preset, variant: AblationVariant) -> str:
    """Eight hex digits of all that decides a training."""
    said = json.dumps([asdict(preset.flow), asdict(preset.masking), variant.hide_features], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:8]


def _stage(preset: Preset, variant: AblationVariant, context: AblationContext, start: Path | None) -> FlowStage:
    codec = load_codec(preset, context.codec)
    kind = FeatureMaskedStage if variant.hide_features else FlowStage
    stage = kind(preset, _latents(preset, context.cache, codec, context), codec, context.prompt)
    if isinstance(stage, FeatureMaskedStage):
        stage.hide = variant.hide_features
    if start is not None:
        load_start_weights(stage.model, _blind(start, context.out))
    return stage


def _blind(run: Path, out: Path) -> Path:
    """A copy of a run's flow without its visual layers, so that no variant starts ahead of the others."""
    folder = out / f"blind-{run.name}"
    folder.mkdir(parents=True, exist_ok=True)
    weights = averaged_weights(run)
    torch.save({name: value for name, value in weights.items() if not name.startswith(FRESH)}, folder / FLOW_FILE)
    return folder


def _senses(preset: Preset, stems: StemCache, scene: Path | None) -> Modalities:
    """The scene encoder where the variant takes pictures; these tables use neither sounds nor stories."""
    if scene is None or not preset.flow.picture_dim:
        return Modalities(preset, stems)
    return Modalities(preset, stems, scene=load_scene(scene), sounds=SoundLibrary.find())


def pool_key(preset: Preset, stems: StemCache) -> str:
    """Eight hex digits of all that decides what a pool holds, so that variants share one where they can."""
    flow, masking = preset.flow, preset.masking
    said = (str(stems.folder), stems.count, preset.name, flow.seed, flow.pool, flow.picture_dim, flow.mix_sources,
            flow.vary_share, masking.clip_share, masking.twin_share, masking.still_share,
            masking.hide_picture)  # fmt: skip
    return hashlib.sha256(repr(said).encode()).hexdigest()[:8]


def _pool(context: AblationContext, preset: Preset, stems: StemCache) -> Path:
    return context.out / f"pool-{pool_key(preset, stems)}"


def _latents(preset: Preset, stems: StemCache, codec: MixWavCodec, context: AblationContext) -> LatentDataset:
    """Encoded mixes; variants share them where they can."""
    modalities = _senses(preset, stems, context.scene)
    folder, mixer = _pool(context, preset, stems), preset_mixer(preset, stems)
    return encode_latents(folder, preset, mixer, codec, modalities, context.workers)


def steps_for(stages: Sequence[FlowStage], minutes: float) -> int:
    """Steps that each training can take when all of them together take so many minutes.

    Raises:
        ValueError: not even a few.
    """
    each_s = sum(_step_s(stage) for stage in stages)
    steps = int(minutes * 60 * SHARE_FOR_TRAINING / each_s)
    if steps < TIMED_STEPS:
        raise ValueError(
            f"{minutes:g} minutes are too few for {len(stages)} trainings of which one step each takes {each_s:.1f} s; "
            f"give at least {TIMED_STEPS * each_s / 60 / SHARE_FOR_TRAINING:.1f}"
        )
    return steps


def _parts(flow: FlowConfig) -> int:
    """Batches that make one step; a table is trained by one process."""
    return max(1, flow.parts)


def _step_s(stage: FlowStage) -> float:
    """Seconds of a step of all its parts, without what the optimizer takes."""
    began = 0.0
    for step in range(1 + TIMED_STEPS):
        if step == 1:
            began = time.perf_counter()
        loss, _ = stage.loss(stage.batch(step), torch.Generator().manual_seed(step), 0.0)
        loss.backward()  # type: ignore[no-untyped-call]
        stage.model.zero_grad(set_to_none=True)
    return _parts(stage.config) * (time.perf_counter() - began) / TIMED_STEPS


@dataclass(frozen=True, slots=True)
class TrainedVariant:
    """A trained network, the mean loss of its last tenth of steps, its folder, and all that decided the training."""

    model: nn.Module
    loss: float
    folder: Path
    way: str


def _train(stage: FlowStage, steps: int, folder: Path, context: AblationContext, start: Path | None) -> TrainedVariant:
    """Train, or reuse the network that an earlier table trained with the same settings."""
    config = stage.config
    plan = TrainConfig(
        steps=steps, parts=config.parts, learning_rate=config.learning_rate, schedule=config.schedule,
        warmup=min(WARMUP, steps // 10 + 1), clip_norm=config.clip_norm, ema=config.ema, seed=config.seed,
        settings=asdict(stage.preset),
    )  # fmt: skip
    run, kept = Trainer(stage, plan, folder), folder / KEPT
    settings = {name: value for name, value in plan.settings.items() if name != "defaults"}  # those are of a bundle
    decided = asdict(replace(plan, settings=settings))
    pool = _pool(context, stage.preset, context.cache)
    way = json.dumps([decided, _weights(context, start, stage.preset), str(start), str(pool)], default=str)
    if kept.is_file() and (found := json.loads(kept.read_text("utf-8")))["way"] == way and run.resume():
        context.say(f"{folder.name}: taken from an earlier table")
        return TrainedVariant(run.averaged().cpu(), found["loss"], folder, way)
    kept.unlink(missing_ok=True)  # the checkpoint is another training's from now on
    began = time.perf_counter()
    losses = run.train(workers=context.workers, quiet=True)
    loss = float(np.mean(losses[-max(1, len(losses) // 10) :]))
    context.say(f"{folder.name}: {len(losses)} steps in {time.perf_counter() - began:.0f} s, loss {loss:.4f}")
    write_json({"way": way, "loss": loss}, kept)
    return TrainedVariant(run.averaged().cpu(), loss, folder, way)


def _weights(context: AblationContext, start: Path | None, preset: Preset) -> list[str]:
    """Digests of the weights that a training builds on."""
    eyes = context.scene if preset.flow.picture_dim else None
    runs = {"codec.pt": context.codec, TOWER_FILE: context.prompt, SCENE_FILE: eyes, FLOW_FILE: start}
    files = [run / name for name, run in runs.items() if run is not None]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()]


def _held_out(preset: Preset, context: AblationContext) -> list[FlowBatch]:
    """The same questions for every variant: isolation of what is there, everything said and shown, nothing hidden."""
    masking = _seeing() if preset.flow.picture_dim else _reading()
    size = gcd(preset.flow.batch, context.examples)  # so that no example is left over
    flow = replace(preset.flow, pool=context.examples, batch=size, prompt_dropout=0.0, absent_share=0.0, seed=SEED)
    preset = replace(preset, flow=flow, masking=masking)
    codec = load_codec(preset, context.codec)
    stage = FlowStage(preset, _latents(preset, context.heldout, codec, context), codec, context.prompt)
    return [stage.batch(step) for step in range(context.examples // size)]


def _measured(
    trained: TrainedVariant,
    preset: Preset,
    sampling: SamplingConfig,
    batches: Sequence[FlowBatch],
    codec: MixWavCodec,
    context: AblationContext,
) -> dict[str, list[float]]:
    """Figures of a network with one sampler setting; reused when another table has measured them already."""
    said = repr((trained.way, sampling, str(context.heldout.folder), context.examples))
    kept = trained.folder / f"measured-{hashlib.sha256(said.encode()).hexdigest()[:8]}.json"
    if not kept.is_file():
        write_json(measure(trained.model, preset, sampling, batches, codec), kept)
    values: dict[str, list[float]] = json.loads(kept.read_text("utf-8"))
    return values


def measure(
    model: nn.Module, preset: Preset, sampling: SamplingConfig, batches: Sequence[FlowBatch], codec: MixWavCodec
) -> dict[str, list[float]]:
    """Figures of every example: error of the stem's latents, and of the decoded stem SDR, SIR, SAR and log-mel L1."""
    rows: list[Figures] = []
    for batch in batches:
        made = sample(model, preset, sampling, batch)
        error_B = ((made - batch.latents)[:, Slot.STEM] ** 2).mean(dim=(1, 2))
        with torch.inference_mode():
            heard = [codec.decode(part)[:, 0].numpy() for part in
                     (made[:, Slot.STEM], batch.latents[:, Slot.STEM], batch.latents[:, Slot.REST])]  # fmt: skip
        for error, stem_made, stem, rest in zip(error_B.tolist(), *heard, strict=True):
            row = bss(stem, rest, stem_made, stem + rest - stem_made)
            row.pop("SI-SDR")
            rows.append(row | {"log-mel L1": log_mel_l1(stem_made, stem, preset.grid.rate_hz), "latent error": error})
    return {name: [row[name] for row in rows] for name in rows[0]}


def sample(model: nn.Module, preset: Preset, sampling: SamplingConfig, batch: FlowBatch) -> Tensor:
    """Latents ``(B,S,D,L)`` with the unknown ones filled in."""
    conditions = (batch.prompt,) if batch.picture is None else (batch.prompt, batch.picture)
    denoise = guided(model, conditions, sampling.guidance)
    with torch.inference_mode():
        if sampling.resamples:
            return repaint(
                denoise, batch.latents, batch.known, sampling.steps, sampling.resamples, SEED, preset.flow.path
            )
        return ddim(denoise, batch.latents, batch.known, sampling.steps, SEED, preset.flow.path)
