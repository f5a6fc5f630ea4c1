"""Isolate and remove by the flow: estimate stem and rest window by window, then filter the user's own mix."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.audio.disk_array import DiskArray
from engine.audio.reader import AudioInfo, FloatArray, Samples, blocks, samples_at
from engine.audio.soft_mask import MaskRule, SoftMaskFilter, odds_gain, presence
from engine.audio.stft import window_samples
from engine.inference.clip import (
    SampleRange,
    SampleSource,
    at_user_rate,
    encode_clip,
    encode_on_device,
    gain_into_model,
    load_mono,
)
from engine.inference.conditioning import Conditioning, as_asked
from engine.inference.device_sampler import ResidentStart
from engine.inference.mix_cache import hash_rows
from engine.inference.model import resolve_sampling
from engine.inference.output import OutputSpec, RenderedFiles, StemRestBlock, TaskResult, render_pair
from engine.inference.rerank import PresenceMeter, rank_candidates, similarity
from engine.inference.resident_latents import ResidentLatents
from engine.inference.run import RunContext
from engine.inference.sampler import SamplerConfig, initial_noise, sample_latents
from engine.inference.windows import OverlapAdd, WindowPlan, plan_windows
from engine.latents import SLOTS, Slot
from engine.separation.split import SeparatedSection, filter_section, split_by_filter, with_context
from engine.separation.together import RemainderMeter, StemBlocks, StemMeter, render_stems
from engine.tasks import known_mask


@dataclass(frozen=True, slots=True)
class EncodedMix:
    """Latents of the mix, shared by all prompts.

    Attributes:
        info: the file.
        wanted: the part that the results cover.
        section: what was read: ``wanted`` and context around it.
        latents: of the section, one frame per row, or on the device.
        windows: the plan over the section.
        gain: applied to the section before encoding.
        offset_C: constant offset of each channel, which was taken away before that.
    """

    info: AudioInfo
    wanted: SampleRange
    section: SampleRange
    latents: DiskArray | ResidentLatents
    windows: WindowPlan
    gain: float
    offset_C: Samples


def encode_mix(run: RunContext, info: AudioInfo, wanted: SampleRange) -> EncodedMix:
    """Read and encode the mix, once for all prompts.

    Args:
        wanted: the part that the results cover; context around it is read as well.
    """
    grid = run.model.grid
    window_s = grid.window_samples / grid.sample_rate_hz
    least_s = window_s / 16 + 2 * window_samples(info.rate_hz) / info.rate_hz
    return encode_section(run, info, wanted, with_context(wanted, info, window_s, least_s))


def encode_section(run: RunContext, info: AudioInfo, wanted: SampleRange, section: SampleRange) -> EncodedMix:
    """Read and encode a given section of the mix; arguments as for ``encode_mix``."""
    grid = run.model.grid
    mono = load_mono(run.within(0.0, 0.5), info, section)
    with mono.audio:
        windows = plan_windows(grid.frames(mono.audio.rows), grid.window_frames)
        gain = gain_into_model(mono.power)
        latents = _latents(run.within(0.5, 1.0), mono.audio, gain, windows)
    return EncodedMix(info, wanted, section, latents, windows, gain, mono.offset_C)


def _latents(run: RunContext, audio: DiskArray, gain: float, windows: WindowPlan) -> DiskArray | ResidentLatents:
    """Latents of a whole section, from the cache where they are known."""
    key = "" if run.cache is None else run.cache.key("latents", hash_rows(audio))  # gain and windows follow from that
    if run.cache is not None and (
        found := run.cache.load(key, lambda: DiskArray(run.folder, run.model.grid.latent_channels))
    ):
        return found[0]
    there = encode_on_device(run, audio, gain, windows)
    latents = encode_clip(run, audio, gain, windows) if there is None else there
    if run.cache is not None:
        if isinstance(latents, ResidentLatents):
            with latents.onto_disk(run.folder) as copy:
                run.cache.store(key, copy)
        else:
            run.cache.store(key, latents)
    return latents


def isolate(run: RunContext, mix: EncodedMix, conditioning: Conditioning, spec: OutputSpec) -> list[TaskResult]:
    """Stem and rest for one prompt, best candidate first.

    Args:
        spec: the part of the mix the results cover, and their format.
    """
    run = as_asked(run, conditioning)
    sampling = resolve_sampling(run.request, run.model.bundle.manifest)
    count = run.request.candidates
    results = []
    with contextlib.ExitStack() as scratches:
        found = estimate_stems(run.within(0.0, 0.7), mix, conditioning.prompt_SE, sampling, count)
        for estimates in found:
            scratches.enter_context(estimates)
        for candidate, estimates in enumerate(found):
            share = run.within(0.7, 1.0).nth(candidate, count)
            results.append(_write_candidate(share, mix, conditioning, candidate, estimates, spec))
    return rank_candidates(results)


def isolate_together(
    run: RunContext, mix: EncodedMix, conditionings: Sequence[Conditioning], spec: OutputSpec
) -> list[TaskResult]:
    """Stems that share the mix, and what they leave of it; arguments as for ``isolate``."""
    sampling = resolve_sampling(run.request, run.model.bundle.manifest)
    with contextlib.ExitStack() as held:
        every: list[DiskArray] = []
        for number, one in enumerate(conditionings):
            share = run.within(0.0, 0.7).nth(number, len(conditionings))
            every += estimate_stems(share, mix, one.prompt_SE, sampling, 1)
            held.enter_context(every[-1])
        meters: list[StemMeter] = [
            _FlowMeter(run, mix, estimates, one) for estimates, one in zip(every, conditionings, strict=True)
        ]
        meters.append(RemainderMeter(run, conditionings, _window_edges(run, mix), mix.wanted.start))

        def stems() -> StemBlocks:
            return filter_section(run, mix.info, mix.section, mix.wanted, _ByEstimates(run, mix, every), mix.offset_C)

        return render_stems(run.within(0.7, 1.0), stems, spec, meters)


def _write_candidate(
    run: RunContext, mix: EncodedMix, conditioning: Conditioning, candidate: int, estimates: DiskArray, spec: OutputSpec
) -> TaskResult:
    meter = _FlowMeter(run, mix, estimates, conditioning, candidate)

    def pairs() -> Iterator[StemRestBlock]:
        meter.restart()  # the clip guard starts the stream again
        make = decoded_blocks if run.request.render == "decoded" else filter_mix
        seen = 0
        for pair in make(run, mix, estimates, mix.wanted):
            seen += pair.mix_CN.shape[1]
            meter.add(pair.stem_CN, pair.mix_CN)
            run.progress(seen / mix.wanted.samples, "mask")
            yield pair

    return meter.result(render_pair(run, pairs, spec.format, conditioning.name), spec)


class _FlowMeter:
    """Measures a stem while it is written: presence and similarity; see ``engine.separation.together.StemMeter``."""

    def __init__(
        self, run: RunContext, mix: EncodedMix, estimates: DiskArray, conditioning: Conditioning, candidate: int = 0
    ) -> None:
        self.name = conditioning.name
        self._run, self._mix, self._estimates = run, mix, estimates
        self._conditioning, self._candidate = conditioning, candidate
        self.restart()

    def restart(self) -> None:
        self._levels = PresenceMeter(_window_edges(self._run, self._mix))

    def add(self, stem_CN: Samples, mix_CN: Samples) -> None:
        self._levels.add(stem_CN, mix_CN)

    def result(self, rendered: RenderedFiles, spec: OutputSpec) -> TaskResult:
        run, mix, curve = self._run, self._mix, self._run.model.bundle.manifest.presence
        there = 0.0 if rendered.level_db is None else presence(rendered.level_db, curve)
        return TaskResult(
            self._conditioning.prompt, there, rendered, spec,
            candidate=self._candidate,
            similarity=similarity(run, self._estimates, 0, self._conditioning.prompt_SE),
            windows=self._levels.presence(curve, mix.info.rate_hz, mix.wanted.start),
        )  # fmt: skip


def split_by_flow(
    run: RunContext, info: AudioInfo, wanted: SampleRange, conditioning: Conditioning, held: contextlib.ExitStack
) -> SeparatedSection:
    """Separate one stem of a part of the mix, for a task that continues from there.

    Args:
        held: closes the files.
    """
    plain = replace(
        run.request, task="isolate", steps=None, guidance=None, start=None, strength=None, temperature=None,
        candidates=1,
    )  # fmt: skip
    mix = encode_mix(run.within(0.0, 1 / 3), info, wanted)
    held.enter_context(mix.latents)
    sampling = resolve_sampling(plain, run.model.bundle.manifest)
    [estimates] = estimate_stems(run.within(1 / 3, 1.0), mix, conditioning.prompt_SE, sampling, 1)
    held.enter_context(estimates)
    return SeparatedSection(info, wanted, mix.section, lambda some: filter_mix(run, mix, estimates, some), None)


def estimate_stems(
    run: RunContext, mix: EncodedMix, prompt_SE: FloatArray, sampling: SamplerConfig, candidates: int
) -> list[DiskArray]:
    """Estimate stem and rest at the model's rate: two columns, one sample per row, for each candidate.

    Args:
        prompt_SE: float32 (slots, embedding).
        sampling: sampler settings.
        candidates: how many, from consecutive seeds.
    """
    windows = mix.windows
    joiners = [OverlapAdd(windows, run.model.grid.hop_samples) for _ in range(candidates)]
    # One row for each candidate of each window; those of a window lie together.
    rows = range(len(windows.starts) * candidates)
    with contextlib.ExitStack() as undo:
        estimates = [undo.enter_context(DiskArray(run.folder, 2)) for _ in range(candidates)]

        def work(batch: Sequence[int]) -> FloatArray:
            return _sample_windows(run, mix, prompt_SE, sampling, [divmod(row, candidates) for row in batch])

        for batch, audio_BKN in run.batches.run(rows, work):
            for row, audio_KN in zip(batch, audio_BKN, strict=True):
                estimates[row % candidates].append(joiners[row % candidates].add(audio_KN).T)
            run.progress((batch[-1] + 1) / len(rows), "step and decode")
        undo.pop_all()
    return estimates


def _sample_windows(
    run: RunContext, mix: EncodedMix, prompt_SE: FloatArray, sampling: SamplerConfig, rows: Sequence[tuple[int, int]]
) -> FloatArray:
    """Sample and decode stem and rest: float32 (rows, 2, samples); a row is ``(window, candidate)``."""
    model, window = run.model, mix.windows.window
    starts = [mix.windows.starts[index] for index, _ in rows]
    known_SL = known_mask("isolate", window)
    with run.timer.measure("step"):
        shape = (SLOTS, model.grid.latent_channels, window)
        x_BSDL = initial_noise(sampling, [index for index, _ in rows], shape, [candidate for _, candidate in rows])
        x = _with_mix(x_BSDL, mix.latents, starts)
        known_BSL = np.repeat(known_SL[None], len(rows), axis=0)
        prompt_BSE = np.repeat(prompt_SE[None], len(rows), axis=0)
        seconds_per_frame = model.grid.hop_samples / model.grid.sample_rate_hz
        begin_s = mix.section.start / mix.info.rate_hz
        pictures = run.pictures([begin_s + start * seconds_per_frame for start in starts])
        sampled = sample_latents(model.step, x, known_BSL, prompt_BSE, sampling, run.check, pictures)
    with run.timer.measure("decode"):
        both_2BN = model.codec.decode_slots(sampled, (Slot.STEM, Slot.REST))
    return np.ascontiguousarray(both_2BN.transpose(1, 0, 2))


def _with_mix(
    x_BSDL: FloatArray, latents: DiskArray | ResidentLatents, starts: Sequence[int]
) -> FloatArray | ResidentStart:
    """The start of some windows with the latents of the mix in their slot."""
    if isinstance(latents, ResidentLatents):
        return latents.start(x_BSDL, starts)
    for x_SDL, start in zip(x_BSDL, starts, strict=True):
        x_SDL[Slot.MIX] = latents.read(start, start + x_SDL.shape[-1]).T
    return x_BSDL


def _window_edges(run: RunContext, mix: EncodedMix) -> list[int]:
    """Boundaries between the frames owned by the windows, in samples of the result."""
    grid, wanted, windows = run.model.grid, mix.wanted, mix.windows
    offset = wanted.start - mix.section.start
    cuts = [windows.own(index)[1] for index in range(len(windows.starts) - 1)]
    edges = [samples_at(cut * grid.hop_samples, grid.sample_rate_hz, mix.info.rate_hz) - offset for cut in cuts]
    return [0, *(edge for edge in edges if 0 < edge < wanted.samples), wanted.samples]


class _ByEstimates:
    """Extracts stems by soft masks of the flow's estimates; see ``engine.separation.split.StemFilter``."""

    def __init__(self, run: RunContext, mix: EncodedMix, estimates: Sequence[DiskArray]) -> None:
        info, rate_hz = mix.info, run.model.grid.sample_rate_hz
        rule = MaskRule.of_manifest(run.model.bundle.manifest.mask)
        odds = odds_gain(run.request.sensitivity)
        self._mask = SoftMaskFilter(info.rate_hz, rate_hz, info.channels, rule, odds, len(estimates))
        self._feeds = [
            SampleSource(at_user_rate(one, rate_hz, info.rate_hz, mix.section.samples), 2) for one in estimates
        ]

    def push(self, mix_CN: Samples) -> FloatArray:
        stems_2SN = np.stack([feed.take(mix_CN.shape[1]) for feed in self._feeds], axis=1)
        return self._mask.push(mix_CN.astype(np.float32), *stems_2SN)

    def flush(self, samples: int) -> FloatArray:
        return self._mask.flush(samples)


def filter_mix(run: RunContext, mix: EncodedMix, estimates: DiskArray, wanted: SampleRange) -> Iterator[StemRestBlock]:
    """Filter a part of the user's own mix; the rest is mix minus stem."""
    return split_by_filter(run, mix.info, mix.section, wanted, _ByEstimates(run, mix, [estimates]), mix.offset_C)


def decoded_blocks(
    run: RunContext, mix: EncodedMix, estimates: DiskArray, wanted: SampleRange
) -> Iterator[StemRestBlock]:
    """The model's own audio of stem and rest, the same on every channel."""
    info, section = mix.info, mix.section
    feed = SampleSource(at_user_rate(estimates, run.model.grid.sample_rate_hz, info.rate_hz, section.samples), 2)
    feed.take(wanted.start - section.start)
    for mix_CN in run.timer.each("read", blocks(info, wanted.start, wanted.stop)):
        with run.timer.measure("mask"):
            both_KN = feed.take(mix_CN.shape[1]).astype(np.float64) / mix.gain
        stem_CN, rest_CN = (np.broadcast_to(track_N, mix_CN.shape) for track_N in both_KN)
        yield StemRestBlock(mix_CN, stem_CN, rest_CN)
