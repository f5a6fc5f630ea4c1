"""Regenerate, generate, inpaint, extend and restyle: sample candidates and insert them into the clip."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from engine.audio.quantize import clip_to_range
from engine.audio.reader import Samples, blocks
from engine.composing.music import Music
from engine.errors import RequestError
from engine.generation.context import InpaintContext, bare_context, build_context
from engine.generation.inpaint import Candidate, sample_candidates
from engine.generation.line_tempo import LineTempo
from engine.generation.sampled import LineSource, VoiceCandidates, compose, line_source, music_of, replay
from engine.generation.voice_description import place_of, told_of
from engine.inference.clip import SampleRange
from engine.inference.conditioning import Conditioning
from engine.inference.crossfade import EDGE_S, edge_weight
from engine.inference.model import resolve_sampling
from engine.inference.output import OutputSpec, TaskResult, render_single
from engine.inference.rerank import rank_candidates
from engine.inference.run import RunContext

SILENT_POWER = 1e-8  # of a stem in which nothing sounds: 80 dB below full scale


def make(run: RunContext, spec: OutputSpec, conditionings: list[Conditioning]) -> Iterator[list[TaskResult]]:
    """Results of each prompt, best first, by the voice that was asked for.

    Args:
        spec: the input files, where new sound goes, and the output format.
    """
    with contextlib.ExitStack() as held:
        context: InpaintContext | None = None
        sampled = _SampledVoice(run, spec) if run.request.voice == "sampled" else None
        if sampled is not None:
            _check_sounds(run, sampled.context, spec)
        for number, one in enumerate(conditionings):
            share = run.within(0.1, 1.0).nth(number, len(conditionings))
            remarks: tuple[str, ...] = ()
            if sampled is not None:
                by_voice = sampled.play(share.within(0.0, 0.9), one)
                if by_voice.candidates:
                    yield _write_all(share, sampled.context, one, by_voice.candidates, spec)
                    continue
                remarks = by_voice.remarks
            if context is None:
                context = build_context(run.within(0.0, 0.1), spec, held)
                _check_sounds(run, context, spec)
            yield generate(share, context, one, spec, remarks)


def _check_sounds(run: RunContext, context: InpaintContext, spec: OutputSpec) -> None:
    """Refuse to play a line again where there is none: it would be made as loud as silence is."""
    if run.rule.strength is None or not context.regions:
        return
    if all(region.power_C is not None and region.power_C.mean() < SILENT_POWER for region in context.regions):
        raise RequestError(
            "nothing sounds in {place}, so there is no line to play again; choose a part that sounds, or take {task} "
            "for a new one", place=place_of(run.request, spec.input), task="regenerate",
        )  # fmt: skip


class _SampledVoice:
    """What recorded instruments play: a line again where there is one, else a part of their own.

    Args:
        spec: the input files, and where new sound goes.
    """

    def __init__(self, run: RunContext, spec: OutputSpec) -> None:
        self.context = bare_context(run, spec)
        self._peak = spec.peak
        self._music: Music | None = None
        self._old: LineSource | None = None
        if run.rule.strength is None:
            self._music = music_of(run, spec.info)
        else:
            self._old = line_source(spec.input, spec.region.wanted, LineTempo(run, spec))

    def play(self, run: RunContext, conditioning: Conditioning) -> VoiceCandidates:
        """Candidates of a prompt, best first, or the reason why there are none."""
        if self._old is not None:
            return replay(run, self._old, conditioning, self.context, self._peak)
        assert self._music is not None
        return compose(run, self._music, conditioning, self.context, self._peak)


def generate(
    run: RunContext, context: InpaintContext, conditioning: Conditioning, spec: OutputSpec,
    remarks: tuple[str, ...] = (),
) -> list[TaskResult]:  # fmt: skip
    """Results of one prompt, best first.

    Args:
        spec: its name and output format.
        remarks: of what is made, in sentences.
    """
    sampling = resolve_sampling(run.request, run.model.bundle.manifest)
    candidates = sample_candidates(run.within(0.0, 0.9), context, conditioning.prompt_SE, sampling, spec.peak)
    told = [replace(candidate, remarks=remarks) for candidate in candidates]
    return _write_all(run, context, conditioning, told, spec)


def _write_all(
    run: RunContext, context: InpaintContext, conditioning: Conditioning, candidates: list[Candidate], spec: OutputSpec
) -> list[TaskResult]:
    results = []
    with contextlib.ExitStack() as scratches:
        for candidate in candidates:
            scratches.enter_context(candidate.audio)
        for number, candidate in enumerate(candidates):
            share = run.within(0.9, 1.0).nth(number, len(candidates))
            results.append(_write(share, context, conditioning, candidate, spec))
    return rank_candidates(results)


def _write(
    run: RunContext, context: InpaintContext, conditioning: Conditioning, candidate: Candidate, spec: OutputSpec
) -> TaskResult:
    def stem() -> Iterator[Samples]:
        seen = 0
        for block_CN in _insert(run, context, candidate, spec.format.bits):
            seen += block_CN.shape[1]
            run.progress(seen / context.clip, "write")
            yield block_CN

    rendered = render_single(run, stem(), spec.format, conditioning.name, run.rule.answer.name.lower())
    return TaskResult(
        conditioning.prompt, candidate.presence, rendered, spec,
        candidate=candidate.index, similarity=candidate.similarity, windows=candidate.windows,
        **told_of(run, conditioning, [candidate]),
    )  # fmt: skip


def _insert(run: RunContext, context: InpaintContext, candidate: Candidate, bits: int | None) -> Iterator[Samples]:
    """The result block by block: the source outside the regions, the candidate inside."""
    made = candidate.feed(run, context.rate_hz, context.clip)
    step_C1: Samples = np.zeros((context.channels, 1))
    at = 0
    for source_CN in _source(context):
        new_KN = made.take(source_CN.shape[1]).astype(np.float64)  # one row, or one for each channel
        time_N = np.arange(at, at + source_CN.shape[1])
        beyond = context.source is not None and at >= context.source[1].samples
        block_CN = source_CN
        for region, gain_C in zip(context.regions, candidate.gains, strict=True):
            if region.span.stop <= at or region.span.start >= at + source_CN.shape[1]:
                continue
            made_CN = new_KN * gain_C[:, None]
            weight_N = edge_weight(time_N, region.span, context.rate_hz, SampleRange(0, context.clip))
            if beyond:
                # There is nothing to fade from; the step at the joint decays inside the new sound.
                age_N = (time_N - region.span.start) / (EDGE_S / 2 * context.rate_hz)
                made_CN, weight_N = made_CN + step_C1 * np.exp(-age_N), np.ones(len(time_N))
            from_CN = block_CN if region.pad is None else region.pad.at(time_N)
            filled_CN = from_CN * (1 - weight_N) + clip_to_range(made_CN, bits) * weight_N
            block_CN = np.where(weight_N == 0, block_CN, filled_CN)
        if not beyond and context.regions:
            step_C1 = source_CN[:, -1:] - new_KN[:, -1:] * candidate.gains[-1][:, None]
        at += source_CN.shape[1]
        yield block_CN


def _source(context: InpaintContext) -> Iterator[Samples]:
    done = 0
    if context.source is not None:
        info, section = context.source
        yield from blocks(info, section.start, section.stop)
        done = section.samples
    for at in range(done, context.clip, 1 << 16):
        yield np.zeros((context.channels, min(1 << 16, context.clip - at)))
