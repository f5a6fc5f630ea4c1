"""Sample candidates: fill unknown latents window by window from left to right, decode, match the level."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.audio.disk_array import DiskArray
from engine.audio.reader import FloatArray, samples_at
from engine.audio.soft_mask import presence
from engine.generation.context import FillRegion, InpaintContext, Powers, power_and_peak
from engine.generation.made_latents import Takes
from engine.inference.clip import LEVEL_INTO_MODEL_DB, SampleRange, SampleSource, at_user_rate, decode_clip
from engine.inference.device_sampler import DeviceLatents
from engine.inference.rerank import similarity
from engine.inference.run import RunContext
from engine.inference.sampler import SamplerConfig, initial_noise, sample_latents
from engine.inference.windows import FillWindow, plan_fill, plan_windows
from engine.latents import SLOTS
from engine.notes.note import DrumHit, NoteEvent
from engine.notes.time_map import TimeMap

LOWER_LIMIT_DB, HIGHER_LIMIT_DB = -60.0, 40.0  # limits of the level match
SILENT_POWER = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One candidate for a prompt.

    Attributes:
        index: offset of its seed from that of the request.
        audio: decoded, mono at the model's rate and level, from the start of the clip; silence far from the regions.
        gains: to the user's level, one (channels,) for each region.
        presence: 0 where the model generated next to nothing, 1 where it generated something.
        similarity: to the prompt, -1 to 1; None where the bundle has no audio encoder.
        windows: ``(start_s, end_s, presence)`` of the regions, window by window, in seconds of the input.
        rate_hz: of ``audio``, which then has one column or one for each channel; 0 for the model's.
        made_by: the voice that made it.
        instrument: of the sampler that plays it; "" for none.
        remarks: what the user should know of it, in sentences.
        fit: 0 to 1, how well it goes with the rest; None where that was not measured.
        notes: what it plays, in seconds of the input; none where that is not known.
        time_map: bars and beats that the notes keep to; None where they are not known.
    """

    index: int
    audio: DiskArray
    gains: tuple[Powers, ...]
    presence: float
    similarity: float | None
    windows: tuple[tuple[float, float, float], ...] = ()
    rate_hz: int = 0
    made_by: str = "flow"
    instrument: str = ""
    remarks: tuple[str, ...] = ()
    fit: float | None = None
    notes: tuple[NoteEvent | DrumHit, ...] = ()
    time_map: TimeMap | None = None

    def feed(self, run: RunContext, rate_hz: int, samples: int) -> SampleSource:
        """Its sound from the start of the clip, at the user's rate."""
        own_hz = self.rate_hz or run.model.grid.sample_rate_hz
        return SampleSource(at_user_rate(self.audio, own_hz, rate_hz, samples), self.audio.width)


def sample_candidates(
    run: RunContext, context: InpaintContext, prompt_SE: FloatArray, sampling: SamplerConfig, peak: float
) -> list[Candidate]:
    """All candidates for one prompt, in order of their seeds; the caller closes their audio.

    Args:
        prompt_SE: float32 (slots, embedding).
        sampling: sampler settings.
        peak: highest sample allowed at the user's level.
    """
    count, candidates = run.request.candidates, list[Candidate]()
    with contextlib.ExitStack() as held, contextlib.ExitStack() as undo:
        takes = context.latents.takes(run, context.known_SF.shape[1], held)
        inpaint_latents(run.within(0.0, 0.8), context, takes, prompt_SE, sampling)
        for index in range(count):
            share = run.within(0.8, 1.0).nth(index, count)
            audio = undo.enter_context(_decode(share, context, functools.partial(takes.decoded, index)))
            candidates.append(_rate(run, context, Candidate(index, audio, (), 1.0, None), prompt_SE, peak))
        undo.pop_all()
    return candidates


def inpaint_latents(
    run: RunContext, context: InpaintContext, takes: Takes, prompt_SE: FloatArray, sampling: SamplerConfig
) -> None:
    """Fill the unknown latents of every candidate; known ones stay as they are.

    A window begins with frames that the previous one generated; they are known to it.
    """
    window, frames = run.model.grid.window_frames, context.known_SF.shape[1]
    plan = [
        (fill_window, region) for region in context.regions for fill_window in plan_fill(frames, window, region.fill)
    ]
    for number, (fill_window, region) in enumerate(plan):
        carried = max(0, region.fill[0] - fill_window.start), fill_window.fill[0] - fill_window.start
        run.progress(number / len(plan), "step")

        def work(
            batch: Sequence[int],
            number: int = number,
            fill_window: FillWindow = fill_window,
            carried: tuple[int, int] = carried,
        ) -> None:
            sampled = _sample_window(run, context, takes, (fill_window, carried), number, batch, prompt_SE, sampling)
            takes.fill(number, fill_window, batch, sampled)

        for _ in run.batches.run(range(run.request.candidates), work):
            pass
    run.progress(1.0, "step")


def _sample_window(
    run: RunContext, context: InpaintContext, takes: Takes, step: tuple[FillWindow, tuple[int, int]],
    number: int, candidates: Sequence[int], prompt_SE: FloatArray, sampling: SamplerConfig,
) -> FloatArray | DeviceLatents:  # fmt: skip
    """Sample one window of several candidates: float32 (candidates, slots, latent channels, frames of a window).

    ``step``: the window, and which of its frames earlier windows generated. Those are known to it; latents that are not
    given outside the region, such as those of a replaced stem, are not.
    """
    fill_window, carried = step
    grid, rows = run.model.grid, len(candidates)
    known_SL = context.known_SF[:, fill_window.start : fill_window.start + grid.window_frames].copy()
    known_SL[run.rule.answer, slice(*carried)] = True
    known_BSL = np.repeat(known_SL[None], rows, axis=0)
    start_s = context.start_s + fill_window.start * grid.hop_samples / grid.sample_rate_hz
    with run.timer.measure("step"):
        shape = (SLOTS, grid.latent_channels, grid.window_frames)
        noise_BSDL = initial_noise(sampling, [number] * rows, shape, list(candidates))
        start = takes.start(fill_window.start, candidates, noise_BSDL, known_BSL, sampling)
        prompt_BSE = np.repeat(prompt_SE[None], rows, axis=0)
        pictures = run.pictures([start_s] * rows)
        return sample_latents(run.model.step, start, known_BSL, prompt_BSE, sampling, run.check, pictures)


def _decode(run: RunContext, context: InpaintContext, decoded: Callable[[Sequence[int]], FloatArray]) -> DiskArray:
    """Decode a take at the model's rate and level, from the start of the clip; silence far from the regions.

    Args:
        decoded: sound of windows that begin at some frames, see ``Takes.decoded``.
    """
    window, hop = run.model.grid.window_frames, run.model.grid.hop_samples
    audio = DiskArray(run.folder, 1)
    try:
        parts = _parts_to_decode(context.regions, context.known_SF.shape[1], window)
        for number, (first, last) in enumerate(parts):
            for at in range(audio.rows, first * hop, 1 << 16):
                audio.append(np.zeros((min(1 << 16, first * hop - at), 1), np.float32))
            windows = plan_windows(last - first, window)
            share = run.nth(number, len(parts))
            decode_clip(share, decoded, first, windows, audio)
    except BaseException:
        audio.close()
        raise
    return audio


def _parts_to_decode(regions: tuple[FillRegion, ...], frames: int, window: int) -> list[tuple[int, int]]:
    """Ranges of frames around the regions, with the context of a window; ranges that meet are merged."""
    context, parts = window // 16, list[tuple[int, int]]()
    for region in regions:
        first = max(0, min(region.fill[0] - context, frames - window))
        last = min(frames, max(region.fill[1] + context, first + window))
        if parts and first <= parts[-1][1]:
            parts[-1] = (parts[-1][0], max(last, parts[-1][1]))
        else:
            parts.append((first, last))
    return parts


def _rate(
    run: RunContext, context: InpaintContext, candidate: Candidate, prompt_SE: FloatArray, peak: float
) -> Candidate:
    levels = [_power_and_peak(run, context, region.span, candidate.audio) for region in context.regions]
    gains = tuple(
        level_match(region, power, highest, context, peak)
        for region, (power, highest) in zip(context.regions, levels, strict=True)
    )
    power = float(np.mean([power for power, _ in levels])) if levels else 0.0
    there = _presence(run, power) if levels else 1.0
    alike = None
    if levels:
        with _join_regions(run, context, candidate.audio) as made:
            alike = similarity(run, made, 0, prompt_SE)
    return Candidate(
        candidate.index, candidate.audio, gains, there, alike, tuple(_windows(run, context, candidate.audio))
    )


def _power_and_peak(
    run: RunContext, context: InpaintContext, span: SampleRange, audio: DiskArray
) -> tuple[float, float]:
    return power_and_peak(audio, *_at_model_rate(run, context, span))


def _at_model_rate(run: RunContext, context: InpaintContext, span: SampleRange) -> tuple[int, int]:
    model_hz = run.model.grid.sample_rate_hz
    return span.start * model_hz // context.rate_hz, samples_at(span.stop, context.rate_hz, model_hz)


def _join_regions(run: RunContext, context: InpaintContext, audio: DiskArray) -> DiskArray:
    """The regions joined, without what is given around them."""
    made = DiskArray(run.folder, 1)
    for region in context.regions:
        first, last = _at_model_rate(run, context, region.span)
        for at in range(first, last, 1 << 18):
            made.append(audio.read(at, min(at + (1 << 18), last)))
    return made


def _windows(run: RunContext, context: InpaintContext, audio: DiskArray) -> Iterator[tuple[float, float, float]]:
    """Presence of new sound in each window of each region."""
    grid = run.model.grid
    length = grid.window_samples * context.rate_hz // grid.sample_rate_hz
    for region in context.regions:
        for start in range(region.span.start, region.span.stop, length):
            part = SampleRange(start, min(start + length, region.span.stop))
            power, _ = _power_and_peak(run, context, part, audio)
            begin_s, end_s = (round(context.start_s + edge / context.rate_hz, 6) for edge in (part.start, part.stop))
            yield begin_s, end_s, _presence(run, power)


def _presence(run: RunContext, power: float) -> float:
    """Presence of new sound of this mean square, against the level of a mix at the model's input."""
    made_db = 10 * math.log10(max(power, SILENT_POWER)) - LEVEL_INTO_MODEL_DB
    return presence(made_db, run.model.bundle.manifest.presence)


def level_match(region: FillRegion, power: float, highest: float, context: InpaintContext, peak: float) -> Powers:
    """Gain of each channel that brings decoded sound to the level of what it replaces or joins."""
    back = 1 / context.gain
    if power <= SILENT_POWER or region.power_C is None:
        gain_C = np.full(context.channels, back)
    else:
        wanted = max(float(region.power_C.mean()), SILENT_POWER)
        match_db = 10 * math.log10(wanted / (power * back**2))
        side_C = np.sqrt(region.power_C / wanted)  # keep the stereo position of the old stem
        gain_C = side_C * back * 10 ** (min(max(match_db, LOWER_LIMIT_DB), HIGHER_LIMIT_DB) / 20)
    return gain_C * min(1.0, peak / max(highest * float(gain_C.max()), 1e-12))
