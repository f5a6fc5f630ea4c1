"""Inputs of a generative task: latents of what is given, spans to fill, and target levels."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.audio.disk_array import DiskArray
from engine.audio.reader import AudioInfo, Samples, blocks, samples_at
from engine.generation.made_latents import DiskLatents, GivenLatents, given_latents
from engine.inference.clip import MonoClip, SampleRange, gain_into_model, load_mono
from engine.inference.crossfade import MirrorPad, mirror_pads
from engine.inference.model import resolve_sampling
from engine.inference.output import OutputSpec
from engine.inference.run import RunContext
from engine.inference.sampler import BoolArray
from engine.inference.windows import WindowPlan, plan_windows
from engine.latents import SLOTS, Slot
from engine.request import Request
from engine.tasks import KnownPart, TaskRule, known_mask

NEAR_S = 5.0  # context around a span used to match loudness
UNDER_REST_DB = -3.0  # level of a regenerated stem against its rest
PARTS_DB = {Slot.REST: 0.0, Slot.STEM: UNDER_REST_DB, Slot.MIX: 10 * math.log10(1 + 10 ** (UNDER_REST_DB / 10))}
ALONE_DB = -20.0  # RMS of a stem generated from the prompt alone
SILENT_POWER = 1e-8

Powers = npt.NDArray[np.float64]  # mean square of each channel


@dataclass(frozen=True, slots=True)
class FillRegion:
    """One span to fill.

    Attributes:
        span: in samples of the result.
        fill: frames to generate, ``(first, past the last)``; at least those of the span.
        power_C: target mean square of each channel; None leaves the model's level.
        pad: what its edges are faded from; None means from what the span held before.
    """

    span: SampleRange
    fill: tuple[int, int]
    power_C: Powers | None
    pad: MirrorPad | None = None


@dataclass(frozen=True, slots=True)
class InpaintContext:
    """Everything a generative task is given, shared by all prompts.

    Attributes:
        source: what is kept outside the regions; None when the whole clip is generated.
        clip: samples of the result, at the user's rate.
        regions: spans to fill, in order; none when nothing is to change.
        latents: of the given slots.
        known_SF: bool (slots, frames).
        gain: applied to all inputs before encoding.
        start_s: where the result begins in the input.
        rate_hz: of the result.
        channels: of the result.
    """

    source: tuple[AudioInfo, SampleRange] | None
    clip: int
    regions: tuple[FillRegion, ...]
    latents: GivenLatents
    known_SF: BoolArray
    gain: float
    start_s: float
    rate_hz: int
    channels: int


def build_context(run: RunContext, spec: OutputSpec, held: contextlib.ExitStack) -> InpaintContext:
    """Read and encode the inputs, once for all prompts.

    Args:
        spec: the input files and the region, which may reach beyond the input.
        held: closes the latents.
    """
    rule, extent, rate_hz = run.rule, spec.region, spec.format.rate_hz
    windows = window_plan(run, extent.samples, rate_hz)
    fills = tuple(fill_frames(run, span, extent.samples, windows.frames, rate_hz) for span in extent.spans)
    strength = resolve_sampling(run.request, run.model.bundle.manifest).strength
    with contextlib.ExitStack() as scratches:
        inputs = _load_inputs(run.within(0.0, 0.5), spec)
        for mono in inputs.values():
            scratches.enter_context(mono.audio)
        known_SF = known_latents(run.request, windows.frames, fills, rest_given=rule.rest_slot in inputs)
        gain = common_gain(inputs, known_SF)
        files = {slot: mono.audio for slot, mono in inputs.items()}
        latents = encode_slots(run.within(0.5, 1.0), files, gain, windows, strength, fills, held)
    channels = spec.format.channels
    source: tuple[AudioInfo, SampleRange] | None = None
    near: list[MirrorPad | None] = [None] * len(fills)
    beside = inputs.get(rule.rest_slot)
    beside_power = 0.0 if beside is None else beside.power * beside.width
    powers: list[Powers | None] = [target_power(beside_power, channels, rule)] * len(fills)
    if rule.given(rule.answer) is KnownPart.OUTSIDE:
        source = (spec.input, extent.wanted)
        loudness = _power_beside if rule.strength is None else _power_of_it
        powers = [loudness(*source, span) for span in extent.spans]
        if rule.strength is None:
            near = list(mirror_pads(*source, extent.spans, run.check))
    regions = tuple(FillRegion(*fields) for fields in zip(extent.spans, fills, powers, near, strict=True))
    return InpaintContext(
        source, extent.samples, regions if strength else (), latents, known_SF, gain, extent.wanted.start / rate_hz,
        rate_hz, channels,
    )  # fmt: skip


def bare_context(run: RunContext, spec: OutputSpec) -> InpaintContext:
    """What is kept and where new sound goes, with nothing encoded: for sound that the flow does not make.

    Args:
        spec: the input files and the region.
    """
    rule, extent, channels = run.rule, spec.region, spec.format.channels
    source: tuple[AudioInfo, SampleRange] | None = None
    if rule.given(rule.answer) is KnownPart.OUTSIDE:
        source = (spec.input, extent.wanted)
        powers = [_power_of_it(*source, span) for span in extent.spans]
    else:
        beside = 0.0 if spec.info is None else float(_power(spec.info, 0, spec.info.samples).mean())
        powers = [target_power(beside, channels, rule)] * len(extent.spans)
    regions = tuple(FillRegion(span, (0, 1), power_C) for span, power_C in zip(extent.spans, powers, strict=True))
    known_SF = np.zeros((SLOTS, 1), np.bool_)
    return InpaintContext(
        source, extent.samples, regions, DiskLatents({}), known_SF, 1.0, extent.wanted.start / spec.format.rate_hz,
        spec.format.rate_hz, channels,
    )  # fmt: skip


def _load_inputs(run: RunContext, spec: OutputSpec) -> dict[Slot, MonoClip]:
    inputs: dict[Slot, MonoClip] = {}
    if spec.info is not None and run.rule.input_slot is not None:
        inputs[run.rule.input_slot] = load_mono(run.within(0.0, 0.5), spec.info, spec.region.wanted)
    if spec.rest is not None:
        needed = samples_at(spec.region.samples, spec.format.rate_hz, spec.rest.rate_hz)
        section = SampleRange(0, min(spec.rest.samples, needed))
        inputs[run.rule.rest_slot] = load_mono(run.within(0.5, 1.0), spec.rest, section)
    return inputs


def window_plan(run: RunContext, samples: int, rate_hz: int) -> WindowPlan:
    """Plan windows over a clip of ``samples`` at ``rate_hz``."""
    grid = run.model.grid
    return plan_windows(grid.frames(samples_at(samples, rate_hz, grid.sample_rate_hz)), grid.window_frames)


def fill_frames(run: RunContext, span: SampleRange, clip: int, frames: int, rate_hz: int) -> tuple[int, int]:
    """Frames that cover a span of a clip of ``clip`` samples and ``frames`` frames: ``(first, past the last)``."""
    first, last = run.model.grid.frames_of_span(span.start / rate_hz, span.stop / rate_hz)
    return min(first, frames - 1), frames if span.stop >= clip else min(last, frames)


def known_latents(request: Request, frames: int, fills: tuple[tuple[int, int], ...], rest_given: bool) -> BoolArray:
    """Mask of known latents, bool (slots, frames): those known for every one of ``fills``."""
    masks = [known_mask(request.task, frames, fill, rest_given=rest_given, slot=request.slot) for fill in fills]
    known_SF: BoolArray = np.logical_and.reduce(masks)
    return known_SF


def common_gain(given: dict[Slot, MonoClip], known_SF: BoolArray) -> float:
    """One gain for all inputs, from the power of the known ones, or of all where none is known.

    A known mix counts alone, since it contains the other slots.
    """
    whole = known_SF[Slot.MIX].any()
    known = sum(mono.power for slot, mono in given.items() if known_SF[slot].any() and (slot is Slot.MIX or not whole))
    return gain_into_model(known if known > SILENT_POWER else sum(mono.power for mono in given.values()))


def encode_slots(
    run: RunContext, given: dict[Slot, DiskArray], gain: float, windows: WindowPlan, strength: float,
    fills: Sequence[tuple[int, int]], held: contextlib.ExitStack,
) -> GivenLatents:  # fmt: skip
    """Encode all given slots.

    SDEdit (``strength`` below 1) needs latents of the unknown slots too: a missing rest is silence, and the mix
    is the sum of stem and rest.

    Args:
        given: mono at the model's rate.
        strength: of the sampler.
        fills: frames that are to be made, ``(first, past the last)``.
        held: closes the latents.
    """
    with contextlib.ExitStack() as made:
        if 0 < strength < 1 and Slot.STEM in given:
            rest = given.get(Slot.REST) or made.enter_context(DiskArray(run.folder, 1))
            given = {**given, Slot.REST: rest, Slot.MIX: made.enter_context(sum_arrays(run, given[Slot.STEM], rest))}
        return given_latents(run, given, gain, windows, fills, held)


def sum_arrays(run: RunContext, one: DiskArray, other: DiskArray, gain: float = 1.0) -> DiskArray:
    """A new array, ``one + gain * other``, as long as the longer of the two."""
    total = DiskArray(run.folder, one.width)
    rows = max(one.rows, other.rows)
    for at in range(0, rows, 1 << 18):
        end = min(at + (1 << 18), rows)
        total.append(one.read(at, end) + np.float32(gain) * other.read(at, end))
    return total


def power_and_peak(scratch: DiskArray, first: int, last: int) -> tuple[float, float]:
    """Mean square and highest sample of a range of rows; missing rows do not count."""
    energy, peak = 0.0, 1e-9
    last = min(last, scratch.rows)
    for at in range(first, last, 1 << 18):
        block_N = scratch.read(at, min(at + (1 << 18), last))
        energy += float(np.square(block_N, dtype=np.float64).sum())
        peak = max(peak, float(np.abs(block_N).max()))
    return energy / max(last - first, 1), peak


def target_power(beside: float, channels: int, rule: TaskRule) -> Powers:
    """Target mean square of new sound, channel by channel, relative to what it goes with, if anything.

    A stem is ``UNDER_REST_DB`` against its rest; a mix is as loud as both together.

    Args:
        beside: mean square over the channels of what it goes with; 0 for nothing.
    """
    level_db = ALONE_DB + PARTS_DB[rule.answer] - PARTS_DB[Slot.STEM]
    power = 10 ** (level_db / 10)
    if beside > SILENT_POWER:
        against_db = PARTS_DB[rule.answer] - PARTS_DB[rule.rest_slot]
        power = beside * 10 ** (against_db / 10)
    return np.full(channels, power)


def _power_beside(info: AudioInfo, wanted: SampleRange, span: SampleRange) -> Powers | None:
    """Mean square of the stem around a span: that of the louder side."""
    near = round(NEAR_S * info.rate_hz)
    sides = [(max(0, span.start - near), span.start), (span.stop, min(wanted.samples, span.stop + near))]
    powers = [_power(info, wanted.start + first, wanted.start + last) for first, last in sides if first < last]
    power_C = max(powers, key=lambda power_C: float(power_C.mean()), default=np.zeros(info.channels))
    return power_C if power_C.mean() > SILENT_POWER else None


def _power_of_it(info: AudioInfo, wanted: SampleRange, span: SampleRange) -> Powers:
    """Mean square of the stem that is restyled, in the span itself."""
    return _power(info, wanted.start + span.start, wanted.start + span.stop)


def _power(info: AudioInfo, start: int, stop: int) -> Powers:
    stop = min(stop, info.samples)
    energy_C: Samples = np.zeros(info.channels)
    for block_CN in blocks(info, start, stop):
        energy_C += np.square(block_CN).sum(axis=1)
    return energy_C / max(stop - start, 1)
