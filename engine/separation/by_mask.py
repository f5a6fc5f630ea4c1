"""Isolate and remove by masks: read the mix at the decoder's rate, ask for masks, filter the user's own mix by them.

One prompt after the other is written; several share one run of their masker. ``masker_for`` says who answers a prompt.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from engine.audio.reader import AudioInfo, resampled, samples_at
from engine.audio.soft_mask import odds_gain
from engine.audio.stft import window_samples
from engine.inference.clip import Section
from engine.inference.conditioning import Asked
from engine.inference.masker import MaskDecoder, Masker
from engine.inference.output import Answer, Brief, Pair, render_pair
from engine.inference.rerank import Loudest, WindowLevels, likeness_of
from engine.inference.run import Job, part_of
from engine.separation.flow_estimates import Estimates
from engine.separation.mask_store import MaskedMix, Masks, make_masks
from engine.separation.split import Taken, filtered, with_context
from engine.separation.stereo_section import Stereo, take_in_stereo

PROMPTS_AT_ONCE = 4
WINDOWS_LIMIT = 1024  # of presence in one result; longer files have longer ones


def mask_decoder(job: Job) -> MaskDecoder | None:
    """The mask decoder where it is to answer; None where the flow is asked for, or the bundle has no other."""
    return job.model.masker if job.request.render == "masked" else None


def masker_for(job: Job, asked: Asked, decoder: MaskDecoder) -> Masker:
    """Who answers a prompt; neighbours with the same masker are answered together."""
    if job.model.experts is None:
        return decoder
    prompt_E = asked.prompt_SE[job.rule.prompt_slot]
    return job.model.experts.masker_for(job.request.expert, asked.prompt, prompt_E) or decoder


def separate(
    job: Job, brief: Brief, asked: list[Asked], decoder: MaskDecoder, part: tuple[float, float]
) -> Iterator[list[Answer]]:
    """Stem and rest for each prompt, one after the other.

    Args:
        job: the running request.
        brief: the part of the mix the results cover, and how they are stored.
        asked: the prompts.
        decoder: of the bundle.
        part: share of the progress.
    """
    mix = _heard(job, brief.input, brief.place.wanted, decoder, part_of(part, 0.0, 0.1))
    with mix.audio, contextlib.ExitStack() as kept:
        done, estimates = 0, Estimates(job, mix, kept)
        for masker, group in _groups(job, asked, decoder):
            share = part_of(part, 0.1 + 0.9 * done / len(asked), 0.1 + 0.9 * (done + len(group)) / len(asked))
            done += len(group)
            with contextlib.ExitStack() as held:
                found = _masks(job, mix, masker, group, estimates, held, part_of(share, 0.0, 0.7))
                for number, (one, masks) in enumerate(zip(group, found, strict=True)):
                    first, last = (0.7 + 0.3 * k / len(group) for k in (number, number + 1))
                    yield [_answer(job, mix, masks, one, brief, part_of(share, first, last))]


def take_by_masks(
    job: Job, info: AudioInfo, wanted: Section, asked: Asked, decoder: MaskDecoder, held: contextlib.ExitStack,
    part: tuple[float, float],
) -> Taken:  # fmt: skip
    """Take one thing out of a part of the mix.

    Args:
        job: the running request.
        info: the mix.
        wanted: the part.
        asked: what is taken out.
        decoder: of the bundle.
        held: closes the files.
        part: share of the progress.
    """
    mix = _heard(job, info, wanted, decoder, part_of(part, 0.0, 0.3))
    held.enter_context(mix.audio)
    masker, estimates = masker_for(job, asked, decoder), Estimates(job, mix, held)
    [masks] = _masks(job, mix, masker, [asked], estimates, held, part_of(part, 0.3, 1.0))
    _, there = _blocks(mix, masks)
    presence = None if masks.presence_K is None else max(there)
    return Taken(info, wanted, mix.section, lambda some: _pairs(job, mix, masks, some), presence)


def _heard(job: Job, info: AudioInfo, wanted: Section, decoder: MaskDecoder, part: tuple[float, float]) -> Stereo:
    grid = decoder.grid
    least_s = (grid.presence_frames * grid.hop_samples) / grid.rate_hz + 2 * window_samples(info.rate_hz) / info.rate_hz
    return take_in_stereo(job, info, wanted, with_context(wanted, info, grid.window_s, least_s), grid, part)


def _groups(job: Job, asked: list[Asked], decoder: MaskDecoder) -> Iterator[tuple[Masker, list[Asked]]]:
    answered = [(masker_for(job, one, decoder), one) for one in asked]
    for _, some in itertools.groupby(answered, key=lambda pair: id(pair[0])):
        members = list(some)
        masker = members[0][0]
        at_once = 1 if _wants_estimates(masker) else PROMPTS_AT_ONCE
        for at in range(0, len(members), at_once):
            yield masker, [one for _, one in members[at : at + at_once]]


def _wants_estimates(masker: Masker) -> bool:
    return isinstance(masker, MaskDecoder) and masker.takes_estimate


def _masks(
    job: Job, mix: Stereo, masker: Masker, asked: Sequence[Asked], estimates: Estimates, held: contextlib.ExitStack,
    part: tuple[float, float],
) -> list[Masks]:  # fmt: skip
    prompts_PE = np.stack([one.prompt_SE[job.rule.prompt_slot] for one in asked])
    if not _wants_estimates(masker):
        return make_masks(job, mix, masker, prompts_PE, held, part)
    estimate = estimates.of(asked[0], held, part_of(part, 0.0, 0.5))
    return make_masks(job, mix, masker, prompts_PE, held, part_of(part, 0.5, 1.0), estimate)


def _pairs(job: Job, mix: Stereo, masks: Masks, wanted: Section) -> Iterator[Pair]:
    stem = MaskedMix(masks, mix.info.rate_hz, mix.info.channels, odds_gain(job.request.sensitivity))
    return filtered(job, mix.info, mix.section, wanted, stem)


def _answer(job: Job, mix: Stereo, masks: Masks, asked: Asked, brief: Brief, part: tuple[float, float]) -> Answer:
    edges, there = _blocks(mix, masks)
    listener, rate_hz = job.model.audio, mix.info.rate_hz
    levels, loudest = WindowLevels(edges), Loudest(1)

    def pairs() -> Iterator[Pair]:
        nonlocal levels, loudest
        levels = WindowLevels(edges)  # a clip guard asks for everything again
        loudest = Loudest(1 if listener is None else samples_at(listener.samples, listener.rate_hz, rate_hz))
        seen = 0
        for pair in _pairs(job, mix, masks, mix.wanted):
            seen += pair.mix_CN.shape[1]
            with job.clock.measure("mask"):
                levels.add(pair.stem_CN, pair.mix_CN)
                if listener is not None:
                    loudest.add(pair.stem_CN.mean(axis=0).astype(np.float32))
            job.progress(part, seen / mix.wanted.samples, "mask")
            yield pair

    rendered = render_pair(job, pairs, brief.target, mix.info.path.stem, asked.name)
    curve = job.model.bundle.manifest.presence
    if masks.presence_K is None:
        windows = levels.presence(curve, rate_hz, mix.wanted.start)
    else:
        windows = levels.told(there, rate_hz, mix.wanted.start)
    return Answer(
        asked.prompt, max(one for *_, one in windows), rendered, brief,
        similarity=_likeness(job, loudest, rate_hz, asked),
        windows=windows,
    )  # fmt: skip


def _likeness(job: Job, loudest: Loudest, rate_hz: int, asked: Asked) -> float | None:
    listener = job.model.audio
    if listener is None:
        return None
    with job.clock.measure("similarity"):
        sources = (iter([window_N[None].astype(np.float64)]) for window_N in loudest.windows())
        heard = [
            np.concatenate(list(resampled(source, 1, rate_hz, listener.rate_hz, listener.samples)), axis=1)[0]
            for source in sources
        ]
        return likeness_of(job, heard, asked.prompt_SE)


def _blocks(mix: Stereo, masks: Masks) -> tuple[list[int], list[float]]:
    """Windows of presence in what is wanted: their edges in samples of the result, and how likely the stem is there."""
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
