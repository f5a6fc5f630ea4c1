"""Regenerate, generate, inpaint and extend: fill unknown latents from left to right, then fit the sound into the clip.

Knows nothing of queues or bundles on disk.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.audio import AudioInfo, FloatArray, Samples, blocks, samples_at
from engine.chunks import plan_making, plan_windows
from engine.clips import Feed, Mono, Section, at_user_rate, decode_clip, encode_clip, gain_into_model, take_in
from engine.exact import full_scale
from engine.job import Job
from engine.model import walk_of
from engine.output import Target
from engine.place import Place
from engine.render import Answer, render_single
from engine.sampler import BoolArray, sample, start_latents
from engine.scratch import Scratch
from engine.shapes import SLOTS, Slot
from engine.tasks import Given, Span, known_mask

READ, ENCODE = (0.0, 0.05), (0.05, 0.1)  # shares of the progress; prompts divide the rest
NEAR_S = 5.0  # how much sound around a span decides how loud the made sound is
EDGE_S = 0.01  # cross-fade inside the edges of a span
UNDER_REST_DB = -3.0  # a regenerated stem against its rest
ALONE_DB = -20.0  # RMS of a stem made from the prompt alone
MATCH_LIMIT_DB = 18.0  # how far the level match may move what the model made
SILENT_POWER = 1e-8


@dataclass(frozen=True, slots=True)
class Scene:
    """What is given, shared by all prompts.

    Attributes:
        source: the stem a span of is filled; None when the whole clip is made.
        clip: samples of the result, at the user's rate.
        span: what is made, in samples of the result.
        z_SDF: float32 (slots, latent channels, frames); given latents, zeros elsewhere.
        known_SF: bool (slots, frames).
        fill: frames that are made, ``(first, past the last)``.
        gain: of everything given, on its way into the model.
        power: mean square the made sound shall have, at the user's level; None leaves it as the model made it.
        rate_hz: of the result.
        channels: of the result.
        name: of the file that was given, for the name of the result.
    """

    source: tuple[AudioInfo, Section] | None
    clip: int
    span: Section
    z_SDF: FloatArray
    known_SF: BoolArray
    fill: tuple[int, int]
    gain: float
    power: float | None
    rate_hz: int
    channels: int
    name: str | None


def set_scene(job: Job, info: AudioInfo | None, place: Place, rest: AudioInfo | None, target: Target) -> Scene:
    """Read and encode what is given, once for all prompts.

    Args:
        job: the running request.
        info: the input, None to make a clip from the prompt alone.
        place: what to make; it may reach beyond the input.
        rest: a file that goes with the input.
        target: how the result is stored.
    """
    grid, rule = job.model.grid, job.rule
    clip, span, wanted = place.samples, place.span, place.wanted
    frames = grid.frames(samples_at(clip, target.rate_hz, grid.sample_rate_hz))
    windows = plan_windows(frames, grid.window_frames)
    with contextlib.ExitStack() as scratches:
        given: dict[Slot, Mono] = {}
        if info is not None and rule.input_slot is not None:
            given[rule.input_slot] = take_in(job, info, wanted, READ)
        if rest is not None:
            length = min(rest.samples, samples_at(clip, target.rate_hz, rest.rate_hz))
            given[Slot.REST] = take_in(job, rest, Section(0, length), READ)
        for mono in given.values():
            scratches.enter_context(mono.scratch)
        gain = gain_into_model(sum(mono.power for mono in given.values()))
        z_SDF = np.zeros((SLOTS, grid.latent_channels, windows.frames), np.float32)
        for slot, mono in given.items():
            with encode_clip(job, mono.scratch, gain, windows, ENCODE) as latents:
                z_SDF[slot] = latents.read(0, windows.frames).T
        power = _power_wanted(job, given, span, target.rate_hz)
    fill = _frames_to_fill(job, span, clip, windows.frames, target.rate_hz)
    known_SF = known_mask(
        job.request.task, windows.frames, None if rule.span is Span.NO else fill, rest_given=Slot.REST in given
    )
    source = (info, wanted) if info is not None and rule.stem is Given.OUTSIDE else None
    return Scene(
        source, clip, span, z_SDF, known_SF, fill, gain, power, target.rate_hz, target.channels,
        info.path.stem if info is not None else None,
    )  # fmt: skip


def make(
    job: Job, scene: Scene, prompt: str, embedding_E: FloatArray, target: Target, part: tuple[float, float]
) -> Answer:
    """One stem for one prompt.

    Args:
        job: the running request.
        scene: what is given.
        prompt: in words, for names.
        embedding_E: float32 (embedding,).
        target: how the result is stored.
        part: share of the progress.
    """
    middle = part[0] + 0.7 * (part[1] - part[0])
    late = part[0] + 0.9 * (part[1] - part[0])
    stem_DF = fill_in(job, scene, embedding_E, (part[0], middle))
    with _sound(job, scene, stem_DF, (middle, late)) as audio:
        gain = _level_match(job, scene, audio)

        def stem() -> Iterator[Samples]:
            seen = 0
            for block_CN in _fitted(job, scene, audio, gain, target.bits):
                seen += block_CN.shape[1]
                job.progress((late, part[1]), seen / scene.clip, "write")
                yield block_CN

        rendered = render_single(job, stem, target, scene.name, prompt)
    return Answer(prompt, 1.0, rendered)


def fill_in(job: Job, scene: Scene, embedding_E: FloatArray, part: tuple[float, float]) -> FloatArray:
    """The stem's latents, given ones unchanged: float32 (latent channels, frames).

    A window's start is what the window before it made, known to it like anything else that is given.
    """
    model, window = job.model, job.model.grid.window_frames
    walk = walk_of(job.request, model.bundle.manifest)
    z_SDF = scene.z_SDF.copy()
    prompt_BSE = np.zeros((1, SLOTS, len(embedding_E)), np.float32)
    prompt_BSE[0, Slot.STEM] = embedding_E
    plan = plan_making(z_SDF.shape[-1], window, scene.fill)
    for number, making in enumerate(plan):
        job.progress(part, number / len(plan), "step")
        here = slice(making.start, making.start + window)
        known_SL = scene.known_SF[:, here].copy()
        known_SL[Slot.STEM, : making.fill[0] - making.start] = True
        with job.clock.measure("step"):
            x_BSDL = start_latents(walk, [number], (SLOTS, model.grid.latent_channels, window))
            x_BSDL[0] = np.where(known_SL[:, None], z_SDF[..., here], x_BSDL[0])
            x_BSDL = sample(model.step, x_BSDL, known_SL[None], prompt_BSE, walk, job.check)
        first, last = making.fill
        z_SDF[Slot.STEM, :, first:last] = x_BSDL[0, Slot.STEM, :, first - making.start : last - making.start]
    job.progress(part, 1.0, "step")
    filled_DF: FloatArray = z_SDF[Slot.STEM]
    return filled_DF


def _sound(job: Job, scene: Scene, stem_DF: FloatArray, part: tuple[float, float]) -> Scratch:
    """Decoded stem at the model's rate and level, from the start of the clip; silence far from what was made."""
    window, hop = job.model.grid.window_frames, job.model.grid.hop_samples
    frames, context = stem_DF.shape[1], window // 16
    first = max(0, min(scene.fill[0] - context, frames - window))
    last = min(frames, max(scene.fill[1] + context, first + window))
    audio = Scratch(job.folder, 1)
    for at in range(0, first * hop, 1 << 16):
        audio.append(np.zeros((min(1 << 16, first * hop - at), 1), np.float32))
    windows = plan_windows(last - first, window)
    z_DF = np.pad(stem_DF[:, first:last], ((0, 0), (0, windows.frames - (last - first))))
    decode_clip(job, z_DF, windows, audio, part)
    return audio


def _level_match(job: Job, scene: Scene, audio: Scratch) -> float:
    """The gain that takes what was decoded to the user's level."""
    hop = job.model.grid.hop_samples
    power, peak = _power_and_peak(audio, scene.fill[0] * hop, scene.fill[1] * hop)
    back = 1 / scene.gain
    if power <= 1e-12:
        return back
    match_db = 0.0
    if scene.power is not None:
        match_db = 10 * math.log10(scene.power / (power * back**2))
    gain = back * 10 ** (min(max(match_db, -MATCH_LIMIT_DB), MATCH_LIMIT_DB) / 20)
    return float(min(gain, 0.95 / peak))


def _fitted(job: Job, scene: Scene, audio: Scratch, gain: float, bits: int | None) -> Iterator[Samples]:
    """The result block by block: the source outside the span as it is, the made sound inside."""
    limit = 1.0 if bits is None else full_scale(bits)
    made = Feed(at_user_rate(audio, job.model.grid.sample_rate_hz, scene.rate_hz, scene.clip), 1)
    step_C1: Samples = np.zeros((scene.channels, 1))
    at = 0
    for source_CN in _source(scene):
        made_CN = np.clip(made.take(source_CN.shape[1]).astype(np.float64) * gain, -limit, limit)
        time_N = np.arange(at, at + source_CN.shape[1])
        if scene.source is not None and at >= scene.source[1].samples:
            # Beyond the end there is nothing to fade from; the step at the joint dies away inside the made sound.
            age_N = (time_N - scene.source[1].samples) / (EDGE_S / 2 * scene.rate_hz)
            made_CN = made_CN + step_C1 * np.exp(-age_N)
            weight_N = np.ones(len(time_N))
        else:
            weight_N = _weight(scene, time_N)
            step_C1 = source_CN[:, -1:] - made_CN[:, -1:]
        at += source_CN.shape[1]
        yield np.where(weight_N == 0, source_CN, source_CN * (1 - weight_N) + made_CN * weight_N)


def _source(scene: Scene) -> Iterator[Samples]:
    done = 0
    if scene.source is not None:
        info, section = scene.source
        yield from blocks(info, section.start, section.stop)
        done = section.samples
    for at in range(done, scene.clip, 1 << 16):
        yield np.zeros((scene.channels, min(1 << 16, scene.clip - at)))


def _weight(scene: Scene, time_N: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Samples:
    """0 outside the span, 1 inside, a short ramp inside its edges where there is sound to fade from or to."""
    if scene.source is None:
        return np.ones(len(time_N))
    edge = max(1, min(round(EDGE_S * scene.rate_hz), scene.span.samples // 4))
    rise_N = (time_N - scene.span.start + 0.5) / edge
    fall_N = (scene.span.stop - time_N - 0.5) / edge
    weight_N = np.clip(np.minimum(rise_N, fall_N), 0.0, 1.0)
    return np.where((time_N >= scene.span.start) & (time_N < scene.span.stop), weight_N, 0.0)


def _frames_to_fill(job: Job, span: Section, clip: int, frames: int, rate_hz: int) -> tuple[int, int]:
    first, last = job.model.grid.frames_of_span(span.start / rate_hz, span.stop / rate_hz)
    return min(first, frames - 1), frames if span.stop >= clip else min(last, frames)


def _power_wanted(job: Job, given: dict[Slot, Mono], span: Section, rate_hz: int) -> float | None:
    if Slot.STEM in given:
        model_hz = job.model.grid.sample_rate_hz
        first, last, near = span.start / rate_hz * model_hz, span.stop / rate_hz * model_hz, NEAR_S * model_hz
        scratch = given[Slot.STEM].scratch
        sides = [(max(0, round(first - near)), round(first)), (round(last), min(scratch.rows, round(last + near)))]
        heard = [_power_and_peak(scratch, *side)[0] for side in sides if side[0] < min(side[1], scratch.rows)]
        power = max(heard, default=0.0) * given[Slot.STEM].width
        return power if power > SILENT_POWER else None
    if Slot.REST in given:
        power = given[Slot.REST].power * given[Slot.REST].width
        return power * 10 ** (UNDER_REST_DB / 10) if power > SILENT_POWER else 10 ** (ALONE_DB / 10)
    return 10 ** (ALONE_DB / 10)


def _power_and_peak(scratch: Scratch, first: int, last: int) -> tuple[float, float]:
    energy, peak = 0.0, 1e-9
    last = min(last, scratch.rows)
    for at in range(first, last, 1 << 18):
        block_N = scratch.read(at, min(at + (1 << 18), last))
        energy += float(np.square(block_N, dtype=np.float64).sum())
        peak = max(peak, float(np.abs(block_N).max()))
    return energy / max(last - first, 1), peak
