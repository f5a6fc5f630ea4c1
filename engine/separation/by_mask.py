"""Isolate and remove by masks: read the mix at the masker's rate, compute masks, filter the user's own mix.

Results are written one prompt after the other; prompts with the same masker share one run of it.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from engine.audio.reader import AudioInfo, resampled, samples_at
from engine.audio.soft_mask import odds_gain
from engine.audio.stft import window_samples
from engine.inference.clip import SampleRange
from engine.inference.conditioning import Conditioning
from engine.inference.masker import MaskDecoder, Masker
from engine.inference.output import OutputSpec, StemRestBlock, TaskResult, render_pair
from engine.inference.rerank import LoudestWindows, PresenceMeter, windows_similarity
from engine.inference.run import RunContext
from engine.separation.flow_estimates import FlowEstimates
from engine.separation.mask_store import MaskStemFilter, StemMasks, compute_masks
from engine.separation.split import SeparatedSection, split_by_filter, with_context
from engine.separation.stereo_section import StereoSection, load_stereo

PROMPTS_AT_ONCE = 4
WINDOWS_LIMIT = 1024  # presence windows in one result; longer files have longer windows


def mask_decoder(run: RunContext) -> MaskDecoder | None:
    """The mask decoder; None where the request asks for the flow, or the bundle has no mask decoder."""
    return run.model.masker if run.request.render == "masked" else None


def masker_for(run: RunContext, conditioning: Conditioning, decoder: MaskDecoder) -> Masker:
    """The masker for a prompt: an expert or the mask decoder."""
    if run.model.experts is None:
        return decoder
    prompt_E = conditioning.prompt_SE[run.rule.prompt_slot]
    return run.model.experts.masker_for(run.request.expert, conditioning.prompt, prompt_E) or decoder


def separate(
    run: RunContext, spec: OutputSpec, conditionings: list[Conditioning], decoder: MaskDecoder
) -> Iterator[list[TaskResult]]:
    """Stem and rest for each prompt, one after the other.

    Args:
        run: the running request.
        spec: the part of the mix the results cover, and their format.
        conditionings: the prompts.
        decoder: of the bundle.
    """
    mix = _load_mix(run.within(0.0, 0.1), spec.input, spec.region.wanted, decoder)
    with mix.audio, contextlib.ExitStack() as kept:
        done, count, estimates = 0, len(conditionings), FlowEstimates(mix, kept)
        for masker, group in _groups(run, conditionings, decoder):
            share = run.within(0.1, 1.0).within(done / count, (done + len(group)) / count)
            done += len(group)
            with contextlib.ExitStack() as held:
                found = _compute_masks(share.within(0.0, 0.7), mix, masker, group, estimates, held)
                for number, (one, masks) in enumerate(zip(group, found, strict=True)):
                    yield [_write_result(share.within(0.7, 1.0).nth(number, len(group)), mix, masks, one, spec)]


def split_by_masks(
    run: RunContext, info: AudioInfo, wanted: SampleRange, conditioning: Conditioning, decoder: MaskDecoder,
    held: contextlib.ExitStack,
) -> SeparatedSection:  # fmt: skip
    """Separate one stem of a part of the mix.

    Args:
        run: the running request.
        info: the mix.
        wanted: the part.
        conditioning: what is taken out.
        decoder: of the bundle.
        held: closes the files.
    """
    mix = _load_mix(run.within(0.0, 0.3), info, wanted, decoder)
    held.enter_context(mix.audio)
    masker, estimates = masker_for(run, conditioning, decoder), FlowEstimates(mix, held)
    [masks] = _compute_masks(run.within(0.3, 1.0), mix, masker, [conditioning], estimates, held)
    _, there = _presence_blocks(mix, masks)
    presence = None if masks.presence_K is None else max(there)
    return SeparatedSection(info, wanted, mix.section, lambda some: _filter_mix(run, mix, masks, some), presence)


def _load_mix(run: RunContext, info: AudioInfo, wanted: SampleRange, decoder: MaskDecoder) -> StereoSection:
    grid = decoder.grid
    least_s = (grid.presence_frames * grid.hop_samples) / grid.rate_hz + 2 * window_samples(info.rate_hz) / info.rate_hz
    return load_stereo(run, info, wanted, with_context(wanted, info, grid.window_s, least_s), grid)


def _groups(
    run: RunContext, conditionings: list[Conditioning], decoder: MaskDecoder
) -> Iterator[tuple[Masker, list[Conditioning]]]:
    answered = [(masker_for(run, one, decoder), one) for one in conditionings]
    for _, some in itertools.groupby(answered, key=lambda pair: id(pair[0])):
        members = list(some)
        masker = members[0][0]
        at_once = 1 if _wants_estimates(masker) else PROMPTS_AT_ONCE
        for at in range(0, len(members), at_once):
            yield masker, [one for _, one in members[at : at + at_once]]


def _wants_estimates(masker: Masker) -> bool:
    return isinstance(masker, MaskDecoder) and masker.takes_estimate


def _compute_masks(
    run: RunContext, mix: StereoSection, masker: Masker, conditionings: Sequence[Conditioning],
    estimates: FlowEstimates, held: contextlib.ExitStack,
) -> list[StemMasks]:  # fmt: skip
    prompts_PE = np.stack([one.prompt_SE[run.rule.prompt_slot] for one in conditionings])
    if not _wants_estimates(masker):
        return compute_masks(run, mix, masker, prompts_PE, held)
    estimate = estimates.of(run.within(0.0, 0.5), conditionings[0], held)
    return compute_masks(run.within(0.5, 1.0), mix, masker, prompts_PE, held, estimate)


def _filter_mix(run: RunContext, mix: StereoSection, masks: StemMasks, wanted: SampleRange) -> Iterator[StemRestBlock]:
    stem = MaskStemFilter(masks, mix.info.rate_hz, mix.info.channels, odds_gain(run.request.sensitivity))
    return split_by_filter(run, mix.info, mix.section, wanted, stem)


def _write_result(
    run: RunContext, mix: StereoSection, masks: StemMasks, conditioning: Conditioning, spec: OutputSpec
) -> TaskResult:
    edges, there = _presence_blocks(mix, masks)
    listener, rate_hz = run.model.audio, mix.info.rate_hz
    levels, loudest = PresenceMeter(edges), LoudestWindows(1)

    def pairs() -> Iterator[StemRestBlock]:
        nonlocal levels, loudest
        levels = PresenceMeter(edges)  # the clip guard starts the stream again
        loudest = LoudestWindows(1 if listener is None else samples_at(listener.samples, listener.rate_hz, rate_hz))
        seen = 0
        for pair in _filter_mix(run, mix, masks, mix.wanted):
            seen += pair.mix_CN.shape[1]
            with run.timer.measure("mask"):
                levels.add(pair.stem_CN, pair.mix_CN)
                if listener is not None:
                    loudest.add(pair.stem_CN.mean(axis=0).astype(np.float32))
            run.progress(seen / mix.wanted.samples, "mask")
            yield pair

    rendered = render_pair(run, pairs, spec.format, mix.info.path.stem, conditioning.name)
    curve = run.model.bundle.manifest.presence
    if masks.presence_K is None:
        windows = levels.presence(curve, rate_hz, mix.wanted.start)
    else:
        windows = levels.with_presence(there, rate_hz, mix.wanted.start)
    return TaskResult(
        conditioning.prompt, max(one for *_, one in windows), rendered, spec,
        similarity=_similarity(run, loudest, rate_hz, conditioning),
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


def _presence_blocks(mix: StereoSection, masks: StemMasks) -> tuple[list[int], list[float]]:
    """Presence windows: their edges in samples of the result, and how likely the stem sounds in each."""
    grid, rate_hz, wanted = mix.grid, mix.info.rate_hz, mix.wanted
    count = masks.rows.rows // grid.presence_frames
    there_K = np.zeros(count) if masks.presence_K is None else masks.presence_K
    hops = grid.presence_frames * grid.hop_samples
    offset = wanted.start - mix.section.start
    starts = [samples_at(block * hops, grid.rate_hz, rate_hz) - offset for block in range(count + 1)]
    inside = [k for k in range(count) if starts[k] < wanted.samples and starts[k + 1] > 0]
    together = -(-len(inside) // WINDOWS_LIMIT)
    groups = [inside[at : at + together] for at in range(0, len(inside), together)]
    edges = [0, *(starts[group[0]] for group in groups[1:]), wanted.samples]
    return edges, [float(there_K[group].max()) for group in groups]
