"""Run batches of every size before a job needs them, on devices that prepare something for each shape.

Such a device chooses kernels, records graphs or builds engines at the first run of a shape. Each run here is short, so
that a job that comes meanwhile waits for one of them at most.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.bundle.separation import SIDES
from engine.inference.masker import MixWindows
from engine.inference.model import Model
from engine.inference.sampler import SamplerConfig, sample_latents
from engine.latents import SLOTS, Slot
from engine.separation.mask_store import WINDOWS_SHARE

PROMPTS = (1, 2, 4, 8)  # of one run of the mask decoder
GUIDANCES = (1.0, 2.0)  # one pass of the steps, and two
_WARM_STEPS = 2  # one pass exchanges two tensors, so that it has two recordings


@dataclass(frozen=True, slots=True)
class WarmingRun:
    """One run ahead of the jobs.

    Attributes:
        windows: of a job that has this shape.
        do: runs it; raises what a job would.
    """

    windows: int
    do: Callable[[], None]


def warming_runs(model: Model, sizes: Sequence[int]) -> list[WarmingRun]:
    """What to run.

    Args:
        model: an open one.
        sizes: windows at once that jobs may have, in the order in which they are wanted.
    """
    return [run for size in sizes for run in _runs_of(model, size)]


def _runs_of(model: Model, windows: int) -> Iterator[WarmingRun]:
    if model.masker is None:
        yield WarmingRun(windows, functools.partial(_run_codec, model, windows))
        for guidance in GUIDANCES:
            yield WarmingRun(windows, functools.partial(_run_steps, model, windows, guidance))
        return  # the flow of others is opened when it is asked for
    at_once = max(1, windows // WINDOWS_SHARE)
    if windows == 1 or at_once > 1:
        for prompts in PROMPTS:
            yield WarmingRun(windows, functools.partial(run_masks, model, at_once, prompts))


def run_masks(model: Model, windows: int, prompts: int) -> None:
    """Run windows of silence through the mask decoder."""
    masker = model.masker
    if masker is None or model.bundle.separator is not None:
        return
    grid = masker.grid
    samples = (grid.frames - 1) * grid.hop_samples + grid.fft_samples
    silence = MixWindows(np.zeros((windows, SIDES, samples), np.float32), grid)
    masker.place(silence)
    masker.masks(silence, np.zeros((prompts, model.bundle.manifest.embedding), np.float32), with_rest=False)


def _run_codec(model: Model, windows: int) -> None:
    model.codec.encode(np.zeros((windows, model.grid.window_samples), np.float32))


def _run_steps(model: Model, windows: int, guidance: float) -> None:
    grid, manifest = model.grid, model.bundle.manifest
    known_BSL = np.zeros((windows, SLOTS, grid.window_frames), np.bool_)
    known_BSL[:, Slot.MIX] = True
    start = np.zeros((windows, SLOTS, grid.latent_channels, grid.window_frames), np.float32)
    prompts = np.zeros((windows, SLOTS, manifest.embedding), np.float32)
    picture = None
    if "picture" in (inputs := manifest.graphs["step"].inputs):
        picture = np.zeros((windows, *map(int, inputs["picture"][1:])), np.float32)
    sampling = SamplerConfig(_WARM_STEPS, guidance, "zeros", 0)
    latents = sample_latents(model.step, start, known_BSL, prompts, sampling, lambda: None, picture)
    model.codec.decode_slots(latents, (Slot.STEM, Slot.REST))
