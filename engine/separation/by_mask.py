"""Isolate and remove by masks: read the mix at the masker's rate, compute masks, filter the user's own mix.

Results are written one prompt after the other; prompts with the same masker share one run of it.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from engine.audio.reader import AudioInfo, Samples, resampled, samples_at
from engine.audio.soft_mask import odds_gain
from engine.audio.stft import window_samples
from engine.bundle.separation import LEVEL_PRESENCE
from engine.inference.clip import SampleRange
from engine.inference.conditioning import Conditioning, as_asked
from engine.inference.masker import MaskDecoder, Masker
from engine.inference.output import OutputSpec, RenderedFiles, StemRestBlock, TaskResult, render_pair
from engine.inference.rerank import LoudestWindows, PresenceMeter, windows_similarity
from engine.inference.run import RunContext
from engine.latents import Slot
from engine.separation.flow_estimates import FlowEstimates
from engine.separation.known_masks import stem_masks, wants_estimates
from engine.separation.mask_store import AnyMasks, JointMasks, MaskStemFilter, StemMasks
from engine.separation.split import SeparatedSection, filter_section, split_by_filter, with_context
from engine.separation.stereo_section import StereoSection, load_stereo
from engine.separation.together import RemainderMeter, StemBlocks, StemMeter, render_stems

PROMPTS_AT_ONCE = 8  # more than any set of stems has, so that each set is one pass of the network
WINDOWS_LIMIT = 1024  # presence windows in one result; longer files have longer windows


def mask_decoder(run: RunContext) -> MaskDecoder | None:
    """The mask decoder; None where the request asks for the flow, or the bundle has no mask decoder."""
    return run.model.masker if run.request.render == "masked" else None


def masker_for(run: RunContext, conditioning: Conditioning, decoder: MaskDecoder) -> Masker:
    """The masker for a prompt: an expert, a cascade or the mask decoder."""
    model, prompt_E = run.model, conditioning.prompt_SE[run.rule.prompt_slot]
    experts, name = model.experts, run.request.expert
    expert = None if experts is None else experts.masker_for(name, conditioning.prompt, prompt_E)
    if expert is not None or model.terms is None:
        return expert or decoder
    term = model.terms.named(conditioning.prompt, prompt_E)
    return next((cascade for cascade in model.cascades if term in cascade.parts), decoder)


def separate(
    run: RunContext, spec: OutputSpec, conditionings: list[Conditioning], decoder: MaskDecoder
) -> Iterator[list[TaskResult]]:
    """Stem and rest for each prompt, one after the other.

    Args:
        spec: the part of the mix the results cover, and their format.
    """
    mix = _load_mix(run.within(0.0, 0.1), spec.input, spec.region.wanted, decoder)
    with mix.audio, contextlib.ExitStack() as kept:
        done, count, estimates = 0, len(conditionings), FlowEstimates(mix, kept)
        for masker, group in _groups(run, conditionings, decoder):
            share = as_asked(run, group[0]).within(0.1, 1.0).within(done / count, (done + len(group)) / count)
            done += len(group)
            with contextlib.ExitStack() as held:
                found = _masks_of(share.within(0.0, 0.7), mix, masker, group, decoder, estimates, held)
                for number, (one, masks) in enumerate(zip(group, found, strict=True)):
                    yield [_write_result(share.within(0.7, 1.0).nth(number, len(group)), mix, masks, one, spec)]


def separate_together(
    run: RunContext, spec: OutputSpec, conditionings: list[Conditioning], decoder: MaskDecoder
) -> list[TaskResult]:
    """Stems that share the mix, and what they leave of it; arguments as for ``separate``."""
    mix = _load_mix(run.within(0.0, 0.1), spec.input, spec.region.wanted, decoder)
    with mix.audio, contextlib.ExitStack() as held:
        estimates, found = FlowEstimates(mix, held), dict[int, AnyMasks]()
        order = sorted(range(len(conditionings)), key=lambda at: id(masker_for(run, conditionings[at], decoder)))
        share, count = run.within(0.1, 0.7), len(conditionings)
        for masker, group in _groups(run, [conditionings[at] for at in order], decoder):
            part = share.within(len(found) / count, (len(found) + len(group)) / count)
            masks = _masks_of(part, mix, masker, group, decoder, estimates, held)
            found |= zip(order[len(found) :], masks, strict=False)
        every = [found[at] for at in range(count)]
        meters: list[StemMeter] = [
            _MaskMeter(run, mix, masks, one) for masks, one in zip(every, conditionings, strict=True)
        ]
        edges, _ = _presence_blocks(mix, every[0])
        meters.append(RemainderMeter(run, conditionings, edges, mix.wanted.start))

        def stems() -> StemBlocks:
            odds = odds_gain(run.request.sensitivity)
            stems = MaskStemFilter(every, mix.info.rate_hz, mix.info.channels, odds)
            return filter_section(run, mix.info, mix.section, mix.wanted, stems, mix.offset_C)

        return render_stems(run.within(0.7, 1.0), stems, spec, meters)


def split_by_masks(
    run: RunContext, info: AudioInfo, wanted: SampleRange, conditioning: Conditioning, decoder: MaskDecoder,
    held: contextlib.ExitStack,
) -> SeparatedSection:  # fmt: skip
    """Separate one stem of a part of the mix; the mask decoder says whether it is there, whoever takes it out.

    Args:
        held: closes the files.
    """
    mix = _load_mix(run.within(0.0, 0.3), info, wanted, decoder)
    held.enter_context(mix.audio)
    masker, estimates = masker_for(run, conditioning, decoder), FlowEstimates(mix, held)
    [masks] = _masks_of(run.within(0.3, 0.7), mix, masker, [conditioning], decoder, estimates, held)
    told: AnyMasks = masks
    if masks.presence_K is None and not conditioning.parts:  # an expert alone does not estimate it
        [told] = stem_masks(run.within(0.7, 1.0), mix, decoder, [conditioning], estimates, held)
    _, there = _presence_blocks(mix, told)
    presence = None if told.presence_K is None else max(there)
    return SeparatedSection(
        info, wanted, mix.section, lambda some: _filter_mix(run, mix, masks, some), presence, masks.is_gated
    )


def _load_mix(run: RunContext, info: AudioInfo, wanted: SampleRange, decoder: MaskDecoder) -> StereoSection:
    grid = decoder.grid
    least_s = (grid.presence_frames * grid.hop_samples) / grid.rate_hz + 2 * window_samples(info.rate_hz) / info.rate_hz
    return load_stereo(run, info, wanted, with_context(wanted, info, grid.window_s, least_s), grid)


def _groups(
    run: RunContext, conditionings: list[Conditioning], decoder: MaskDecoder
) -> Iterator[tuple[Masker, list[Conditioning]]]:
    """Prompts with the same masker, as many as fit in one run of it; one of several sounds is a group of its own.

    So are those that want something alone, and those that want something left out.
    """
    answered = [(masker_for(run, one, decoder), one) for one in conditionings]

    def kind(pair: tuple[Masker, Conditioning]) -> tuple[int, Slot]:
        return id(pair[1] if pair[1].parts else pair[0]), as_asked(run, pair[1]).rule.answer

    for _, some in itertools.groupby(answered, key=kind):
        members = list(some)
        masker = members[0][0]
        at_once = 1 if wants_estimates(masker) else PROMPTS_AT_ONCE
        for at in range(0, len(members), at_once):
            yield masker, [one for _, one in members[at : at + at_once]]


def _masks_of(
    run: RunContext, mix: StereoSection, masker: Masker, group: list[Conditioning], decoder: MaskDecoder,
    estimates: FlowEstimates, held: contextlib.ExitStack,
) -> Sequence[AnyMasks]:  # fmt: skip
    """Masks of a group of prompts; of one of several sounds, each by the masker that knows it best."""
    parts = group[0].parts
    if not parts:
        return stem_masks(run, mix, masker, group, estimates, held)
    found = list[StemMasks]()
    for one, some in _groups(run, list(parts), decoder):
        share = run.within(len(found) / len(parts), (len(found) + len(some)) / len(parts))
        found += stem_masks(share, mix, one, some, estimates, held)
    return [JointMasks(tuple(found))]


def _filter_mix(run: RunContext, mix: StereoSection, masks: AnyMasks, wanted: SampleRange) -> Iterator[StemRestBlock]:
    stem = MaskStemFilter([masks], mix.info.rate_hz, mix.info.channels, odds_gain(run.request.sensitivity))
    return split_by_filter(run, mix.info, mix.section, wanted, stem, mix.offset_C)


def _write_result(
    run: RunContext, mix: StereoSection, masks: AnyMasks, conditioning: Conditioning, spec: OutputSpec
) -> TaskResult:
    meter = _MaskMeter(run, mix, masks, conditioning)

    def pairs() -> Iterator[StemRestBlock]:
        meter.restart()  # the clip guard starts the stream again
        seen = 0
        for pair in _filter_mix(run, mix, masks, mix.wanted):
            seen += pair.mix_CN.shape[1]
            with run.timer.measure("mask"):
                meter.add(pair.stem_CN, pair.mix_CN)
            run.progress(seen / mix.wanted.samples, "mask")
            yield pair

    return meter.result(render_pair(run, pairs, spec.format, conditioning.name), spec)


class _MaskMeter:
    """Measures a stem while it is written: presence and similarity; see ``engine.separation.together.StemMeter``."""

    def __init__(self, run: RunContext, mix: StereoSection, masks: AnyMasks, conditioning: Conditioning) -> None:
        self.name = conditioning.name
        self._run, self._mix, self._conditioning = run, mix, conditioning
        self._edges, there = _presence_blocks(mix, masks)
        self._there = None if masks.presence_K is None else there
        self._is_gated = masks.is_gated
        self.restart()

    def restart(self) -> None:
        listener, rate_hz = self._run.model.audio, self._mix.info.rate_hz
        heard = 1 if listener is None else samples_at(listener.samples, listener.rate_hz, rate_hz)
        self._levels, self._loudest = PresenceMeter(self._edges), LoudestWindows(heard)

    def add(self, stem_CN: Samples, mix_CN: Samples) -> None:
        self._levels.add(stem_CN, mix_CN)
        if self._run.model.audio is not None:
            self._loudest.add(stem_CN.mean(axis=0).astype(np.float32))

    def result(self, rendered: RenderedFiles, spec: OutputSpec) -> TaskResult:
        run, rate_hz, start = self._run, self._mix.info.rate_hz, self._mix.wanted.start
        windows = by_level = self._levels.presence(LEVEL_PRESENCE, rate_hz, start)
        if self._there is not None:
            windows = self._levels.with_presence(self._there, rate_hz, start)
            if not self._is_gated:  # an expert had its say: what it leaves as good as silent is not there either
                both = zip(windows, by_level, strict=True)
                windows = tuple((first, last, min(one, most[2])) for (first, last, one), most in both)
        return TaskResult(
            self._conditioning.prompt, max(one for *_, one in windows), rendered, spec,
            similarity=_similarity(run, self._loudest, rate_hz, self._conditioning),
            windows=windows,
        )  # fmt: skip


def _similarity(run: RunContext, loudest: LoudestWindows, rate_hz: int, conditioning: Conditioning) -> float | None:
    listener = run.model.audio
    if listener is None:
        return None
    with run.timer.measure("similarity"):
        sources = (iter([window_N[None].astype(np.float64)]) for window_N in loudest.windows())
        windows = [
            np.concatenate(list(resampled(source, 1, rate_hz, listener.rate_hz, listener.samples)), axis=1)[0]
            for source in sources
        ]
        return windows_similarity(run, windows, conditioning.prompt_SE)


def _presence_blocks(mix: StereoSection, masks: AnyMasks) -> tuple[list[int], list[float]]:
    """Presence windows: their edges in samples of the result, and how likely the stem sounds in each."""
    grid, rate_hz, wanted = mix.grid, mix.info.rate_hz, mix.wanted
    count = masks.frames // grid.presence_frames
    there_K = np.zeros(count) if masks.presence_K is None else masks.presence_K
    hops = grid.presence_frames * grid.hop_samples
    offset = wanted.start - mix.section.start
    starts = [samples_at(block * hops, grid.rate_hz, rate_hz) - offset for block in range(count + 1)]
    inside = [k for k in range(count) if starts[k] < wanted.samples and starts[k + 1] > 0]
    together = -(-len(inside) // WINDOWS_LIMIT)
    groups = [inside[at : at + together] for at in range(0, len(inside), together)]
    edges = [0, *(starts[group[0]] for group in groups[1:]), wanted.samples]
    return edges, [float(there_K[group].max()) for group in groups]
