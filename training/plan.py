"""``python -m training plan``: what training a preset on real data needs in hours, disk and memory.

Nothing is assumed about a machine: the time of a batch is measured here, on noise of the preset's shapes through the
real training loop, or taken from the log of a run. What follows is arithmetic, and printed with what it stands on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.latents import SLOTS, Slot
from training.codec.losses import MelLoss, SpectralLoss
from training.codec.model import MixWavCodec
from training.codec.train import CodecStage, critics_of
from training.config import Preset, load_preset
from training.flow.examples import entry_bytes
from training.flow.networks import build
from training.flow.train import FlowBatch, FlowStage
from training.scene.config import frames_of
from training.trainer.distributed import World
from training.trainer.trainer import CHECKPOINT, LOG, Plan, Run

WARM, TIMED = 2, 8  # batches before and while the clock runs
STEM_BYTES, LATENT_BYTES, WEIGHT_BYTES = 2, 2, 4
KEPT = 4  # numbers a checkpoint holds for every weight: itself, two of AdamW, its average
GIGA = 1e9


class NoiseFlow(FlowStage):
    """The flow's loss on noise: no stems, no pool, no prompts."""

    def __init__(self, preset: Preset) -> None:
        self.preset, self.config = preset, preset.flow
        self.model = build(preset)
        self.teacher: nn.Module | None = None
        self.codec = self.decoder = MixWavCodec(preset.grid, preset.codec).eval().requires_grad_(False)

    def batch(self, step: int) -> FlowBatch:
        """A batch of a question that every preset can ask: isolate."""
        grid, flow, rows = self.preset.grid, self.preset.flow, self.preset.flow.batch
        known = torch.zeros(rows, SLOTS, grid.window_frames, dtype=torch.bool)
        known[:, Slot.MIX] = True
        picture = torch.randn(rows, frames_of(grid.grid), flow.picture_dim) if flow.picture_dim else None
        latents = torch.randn(rows, SLOTS, grid.latent_channels, grid.window_frames)
        prompt = torch.randn(rows, SLOTS, self.preset.prompt.embedding)
        return FlowBatch(latents, known, prompt, torch.rand(rows), picture)


class NoiseCodec(CodecStage):
    """The codec's loss on noise."""

    def __init__(self, preset: Preset) -> None:
        self.preset, self.config = preset, preset.codec
        self.codec = MixWavCodec(preset.grid, preset.codec)
        self.critics = critics_of(preset)
        both = nn.ModuleDict({"codec": self.codec, "critics": self.critics}) if self.critics else self.codec
        self.model: nn.Module = both
        self.pairs = max(1, preset.codec.batch // 4)
        self.spectral = SpectralLoss()
        self.mel = MelLoss(preset.grid.rate_hz, size=1024 if preset.grid.rate_hz > 8000 else 512)

    def batch(self, step: int) -> Tensor:
        """Audio of a crop's length."""
        return 0.1 * torch.randn(self.config.batch, 1, self.config.crop_frames * self.preset.grid.hop_samples)


STAGES: dict[str, Any] = {"codec": NoiseCodec, "flow": NoiseFlow}


@dataclass(frozen=True, slots=True)
class Measured:
    """One batch of a stage.

    Attributes:
        batch_s: seconds of one batch, forward, backward and the weights' step.
        weights: number of them.
        memory_bytes: most that was held on the GPU; 0 where there is none.
        where: what it was measured on.
        step: True means that it is the time of a whole step, on as many devices as took it.
    """

    batch_s: float
    weights: int
    memory_bytes: int
    where: str
    step: bool = False


def measure(preset: Preset, stage: str, timed: int = TIMED) -> Measured:
    """Time a stage's batches here, by their median."""
    noise = STAGES[stage](preset)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(noise, Plan(steps=WARM + timed, learning_rate=1e-5, ema=0.99, parts=World().size), Path(folder))
        seconds = []
        for number in range(WARM + timed):
            batch = noise.batch(number)
            began = time.perf_counter()
            run.descend([batch])  # ends with the loss read back, so the device has finished
            seconds.append(time.perf_counter() - began)
    on_gpu = run.world.device.type == "cuda"
    return Measured(
        statistics.median(seconds[WARM:]),
        sum(p.numel() for p in noise.model.parameters()),
        torch.cuda.max_memory_allocated() if on_gpu else 0,
        torch.cuda.get_device_name() if on_gpu else f"this processor, {torch.get_num_threads()} thread(s)",
    )


def logged(run: Path, preset: Preset, stage: str) -> Measured:
    """The time of a batch in a run that was trained for real, waiting for data and for other devices included.

    Raises:
        ValueError: its log tells nothing.
    """
    path = run / LOG
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []
    if len(rows) < 2 or rows[-1]["minutes"] <= rows[0]["minutes"]:
        raise ValueError(f"no log of a run in {run} ({LOG} with two lines or more); leave --run out to measure here")
    minutes = rows[-1]["minutes"] - rows[0]["minutes"]
    steps = rows[-1]["step"] - rows[0]["step"]
    weights = sum(p.numel() for p in STAGES[stage](preset).model.parameters())
    return Measured(60 * minutes / steps, weights, 0, f"the log of {run.name}", step=True)


def check_shared(run: Path, preset: Preset, stage: str, devices: int) -> None:
    """Refuse the log of a run whose steps were not those that are planned.

    Raises:
        ValueError: its steps had another number of parts, it ran on another number of devices, or nothing tells.
    """
    path, config = run / CHECKPOINT, getattr(preset, stage)
    if not path.is_file():
        raise ValueError(f"no {CHECKPOINT} in {run}, so nothing tells how many parts its steps had; leave --run out")
    state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    parts, wanted = state.get("parts"), config.parts or devices
    if parts != wanted:
        raise ValueError(
            f"a step of {run} had {parts or 'an unknown number of'} parts, one of preset {preset.name} on {devices} "
            f"device(s) has {wanted}; plan for as many, or leave --run out"
        )
    if (ran := state.get("processes", devices)) != devices:
        raise ValueError(f"{run} was trained on {ran} device(s), not {devices}; give --gpus {ran}, or leave --run out")


@dataclass(frozen=True, slots=True)
class Data:
    """A data set: hours of mixes, and stems in each."""

    hours: float
    stems: int


def stage_lines(preset: Preset, stage: str, one: Measured, devices: int, passes: float | None, data: Data) -> list[str]:
    """What one stage needs; ``passes`` over the data, or the preset's own number of steps."""
    config = getattr(preset, stage)
    parts = config.parts or devices
    window_s = preset.grid.grid.window_samples / preset.grid.rate_hz
    if stage == "codec":
        window_s *= config.crop_frames / preset.grid.window_frames
    windows = data.hours * 3600 / window_s
    steps = config.steps if passes is None else max(1, round(passes * windows / (config.batch * parts)))
    hours = steps * one.batch_s * (1 if one.step else parts / devices) / 3600
    what = f"a step of {parts} x {config.batch}" if one.step else f"a batch of {config.batch}"
    saved = one.weights * WEIGHT_BYTES * KEPT / GIGA
    memory = f", {one.memory_bytes / GIGA:.1f} GB of GPU memory" if one.memory_bytes else ""
    seen = steps * parts * config.batch / windows
    return [
        f"{stage}: {one.weights / 1e6:.1f} million weights; {what} took {one.batch_s:.3g} s on {one.where}{memory}",
        f"  {steps:,} steps of {parts} x {config.batch} windows, {seen:.1f} passes over the data: {hours:.1f} h on "
        f"{devices} such device(s), {hours * devices:.1f} device-hours",
        f"  checkpoint {saved:.2f} GB",
    ]


def data_lines(preset: Preset, data: Data) -> list[str]:
    """What the data needs on disk."""
    grid = preset.grid
    windows = data.hours * 3600 * grid.rate_hz / grid.grid.window_samples
    stems = data.hours * 3600 * grid.rate_hz * STEM_BYTES * data.stems / GIGA
    entries = max(preset.flow.pool, round(windows))
    pool = entries * SLOTS * grid.latent_channels * grid.window_frames * LATENT_BYTES / GIGA
    beside = entries * entry_bytes(preset) / GIGA
    return [
        f"data: {data.hours:g} h of mixes with {data.stems} stems each, {windows:,.0f} windows of "
        f"{grid.grid.window_samples / grid.rate_hz:.2f} s",
        f"  disk: {stems:.1f} GB of stems, {pool:.1f} GB of latents ({entries:,} mixes), {beside:.1f} GB of what is "
        "known of them",
    ]


def main(argv: list[str]) -> int:
    """``python -m training plan``."""
    parser = argparse.ArgumentParser(prog="python -m training plan", description="what a training run needs")
    parser.add_argument("--preset", default="small", help="name, or path of a TOML file")
    parser.add_argument("--hours", type=float, required=True, help="of mixes in the data set")
    parser.add_argument("--stems", type=int, default=4, help="in each mix")
    parser.add_argument("--gpus", type=int, default=1, help="devices that share the work")
    parser.add_argument("--passes", type=float, help="over the data; the preset's own steps when not given")
    parser.add_argument("--stage", nargs="+", choices=list(STAGES), default=list(STAGES))
    parser.add_argument("--run", type=Path, help="take the time of a step from this run's log; with one --stage")
    parser.add_argument("--batch", type=int, help="of both stages, where the preset's does not fit this device")
    parser.add_argument("--timed", type=int, default=TIMED, help="batches to measure")
    args = parser.parse_args(argv)
    if args.hours <= 0 or min(args.stems, args.gpus, args.timed) < 1 or (args.passes is not None and args.passes <= 0):
        raise ValueError("--hours and --passes must be above 0; --stems, --gpus and --timed at least 1")
    if args.run is not None and len(args.stage) != 1:
        raise ValueError("--run is of one stage; name it with --stage")
    if args.run is not None and args.batch:
        raise ValueError("--batch cannot change a run that is over; leave out one of --run and --batch")
    preset = load_preset(args.preset)
    if args.batch:
        preset = replace(
            preset, codec=replace(preset.codec, batch=args.batch), flow=replace(preset.flow, batch=args.batch)
        )
    if args.run is not None:
        check_shared(args.run, preset, args.stage[0], args.gpus)
    data = Data(args.hours, args.stems)
    print("\n".join([f"preset {preset.name}", *data_lines(preset, data)]))
    for stage in args.stage:
        one = logged(args.run, preset, stage) if args.run else measure(preset, stage, args.timed)
        print("\n".join(stage_lines(preset, stage, one, args.gpus, args.passes, data)))
    if args.gpus > 1 and args.run is None:
        print("The time gradients take between devices is not in these hours; give --run of a run on as many devices.")
    return 0
