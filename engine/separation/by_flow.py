"""Isolate and remove by the flow: estimate stem and rest of every window, then filter the user's own mix by them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.audio.disk_array import Scratch
from engine.audio.reader import AudioInfo, FloatArray, Samples, blocks, samples_at
from engine.audio.soft_mask import MaskFilter, MaskRule, odds_gain, presence
from engine.audio.stft import window_samples
from engine.inference.clip import Feed, Section, at_user_rate, encode_clip, gain_into_model, take_in
from engine.inference.conditioning import Asked
from engine.inference.model import walk_of
from engine.inference.output import Answer, Brief, Pair, render_pair
from engine.inference.rerank import WindowLevels, best_first, similarity
from engine.inference.run import Job, part_of
from engine.inference.sampler import Walk, sample, start_latents
from engine.inference.windows import Joiner, Windows, plan_windows
from engine.latents import SLOTS, Slot
from engine.separation.split import Taken, filtered, with_context
from engine.tasks import known_mask


@dataclass(frozen=True, slots=True)
class Heard:
    """The mix as the model knows it, shared by all prompts.

    Attributes:
        info: the file.
        wanted: the part the results cover.
        section: what was read: ``wanted`` and the context around it.
        latents: of the section, one frame per row.
        windows: the plan over the section.
        gain: that the section was given on its way into the model.
    """

    info: AudioInfo
    wanted: Section
    section: Section
    latents: Scratch
    windows: Windows
    gain: float


def hear(job: Job, info: AudioInfo, wanted: Section, part: tuple[float, float]) -> Heard:
    """Read and encode the mix, once for all prompts.

    Args:
        job: the running request.
        info: the mix.
        wanted: the part that is asked about; more is read around it.
        part: share of the progress.
    """
    grid = job.model.grid
    window_s = grid.window_samples / grid.sample_rate_hz
    least_s = window_s / 16 + 2 * window_samples(info.rate_hz) / info.rate_hz
    return hear_section(job, info, wanted, with_context(wanted, info, window_s, least_s), part)


def hear_section(job: Job, info: AudioInfo, wanted: Section, section: Section, part: tuple[float, float]) -> Heard:
    """Read and encode a section of the mix that is chosen already; arguments as for ``hear``."""
    grid = job.model.grid
    mono = take_in(job, info, section, part_of(part, 0.0, 0.5))
    with mono.scratch:
        windows = plan_windows(grid.frames(mono.scratch.rows), grid.window_frames)
        gain = gain_into_model(mono.power)
        latents = encode_clip(job, mono.scratch, gain, windows, part_of(part, 0.5, 1.0))
    return Heard(info, wanted, section, latents, windows, gain)


def isolate(job: Job, heard: Heard, asked: Asked, brief: Brief, part: tuple[float, float]) -> list[Answer]:
    """Stem and rest for one prompt, best candidate first.

    Args:
        job: the running request.
        heard: the mix.
        asked: the prompt.
        brief: the part of the mix the results cover, and how they are stored.
        part: share of the progress.
    """
    walk = walk_of(job.request, job.model.bundle.manifest)
    count = job.request.candidates
    answers = []
    with contextlib.ExitStack() as scratches:
        found = estimate(job, heard, asked.prompt_SE, walk, count, part_of(part, 0.0, 0.7))
        for estimates in found:
            scratches.enter_context(estimates)
        for candidate, estimates in enumerate(found):
            share = part_of(part, 0.7 + 0.3 * candidate / count, 0.7 + 0.3 * (candidate + 1) / count)
            answers.append(_filtered(job, heard, asked, candidate, estimates, brief, share))
    return best_first(answers)


def _filtered(
    job: Job, heard: Heard, asked: Asked, candidate: int, estimates: Scratch, brief: Brief, part: tuple[float, float]
) -> Answer:
    levels = WindowLevels(_window_edges(job, heard))

    def pairs() -> Iterator[Pair]:
        nonlocal levels
        levels = WindowLevels(_window_edges(job, heard))  # a clip guard asks for everything again
        make = decoded if job.request.render == "decoded" else masked
        seen = 0
        for pair in make(job, heard, estimates, heard.wanted):
            seen += pair.mix_CN.shape[1]
            levels.add(pair.stem_CN, pair.mix_CN)
            job.progress(part, seen / heard.wanted.samples, "mask")
            yield pair

    rendered = render_pair(job, pairs, brief.target, heard.info.path.stem, asked.name)
    curve = job.model.bundle.manifest.presence
    there = 0.0 if rendered.level_db is None else presence(rendered.level_db, curve)
    return Answer(
        asked.prompt, there, rendered, brief,
        candidate=candidate,
        similarity=similarity(job, estimates, 0, asked.prompt_SE),
        windows=levels.presence(curve, heard.info.rate_hz, heard.wanted.start),
    )  # fmt: skip


def take_by_flow(
    job: Job, info: AudioInfo, wanted: Section, asked: Asked, held: contextlib.ExitStack, part: tuple[float, float]
) -> Taken:
    """Take one thing out of a part of the mix, for a task that goes on from there.

    Args:
        job: the running request.
        info: the mix.
        wanted: the part.
        asked: what is taken out.
        held: closes the files.
        part: share of the progress.
    """
    plain = replace(
        job.request, task="isolate", steps=None, guidance=None, start=None, strength=None, temperature=None,
        candidates=1,
    )  # fmt: skip
    heard = hear(job, info, wanted, part_of(part, 0.0, 1 / 3))
    held.enter_context(heard.latents)
    walk = walk_of(plain, job.model.bundle.manifest)
    [estimates] = estimate(job, heard, asked.prompt_SE, walk, 1, part_of(part, 1 / 3, 1.0))
    held.enter_context(estimates)
    return Taken(info, wanted, heard.section, lambda some: masked(job, heard, estimates, some), None)


def estimate(
    job: Job, heard: Heard, prompt_SE: FloatArray, walk: Walk, candidates: int, part: tuple[float, float]
) -> list[Scratch]:
    """The model's own stem and rest at its own rate: two columns, one sample per row, for each candidate.

    Args:
        job: the running request.
        heard: the mix.
        prompt_SE: float32 (slots, embedding).
        walk: how to sample.
        candidates: how many, from as many seeds.
        part: share of the progress.
    """
    windows = heard.windows
    joiners = [Joiner(windows, job.model.grid.hop_samples) for _ in range(candidates)]
    # One row for each candidate of each window; those of a window lie together.
    rows = range(len(windows.starts) * candidates)
    with contextlib.ExitStack() as undo:
        estimates = [undo.enter_context(Scratch(job.folder, 2)) for _ in range(candidates)]

        def work(batch: Sequence[int]) -> FloatArray:
            return _windows(job, heard, prompt_SE, walk, [divmod(row, candidates) for row in batch])

        for batch, audio_BKN in job.batches.run(rows, work):
            for row, audio_KN in zip(batch, audio_BKN, strict=True):
                estimates[row % candidates].append(joiners[row % candidates].add(audio_KN).T)
            job.progress(part, (batch[-1] + 1) / len(rows), "step and decode")
        undo.pop_all()
    return estimates


def _windows(job: Job, heard: Heard, prompt_SE: FloatArray, walk: Walk, rows: Sequence[tuple[int, int]]) -> FloatArray:
    """Stem and rest of some windows: float32 (rows, 2, samples); a row is the number of its window and candidate."""
    model, window = job.model, heard.windows.window
    starts = [heard.windows.starts[index] for index, _ in rows]
    known_SL = known_mask("isolate", window)
    with job.clock.measure("step"):
        shape = (SLOTS, model.grid.latent_channels, window)
        x_BSDL = start_latents(walk, [index for index, _ in rows], shape, [candidate for _, candidate in rows])
        for row, start in enumerate(starts):
            x_BSDL[row, Slot.MIX] = heard.latents.read(start, start + window).T
        known_BSL = np.repeat(known_SL[None], len(rows), axis=0)
        prompt_BSE = np.repeat(prompt_SE[None], len(rows), axis=0)
        seconds_per_frame = model.grid.hop_samples / model.grid.sample_rate_hz
        begin_s = heard.section.start / heard.info.rate_hz
        pictures = job.pictures([begin_s + start * seconds_per_frame for start in starts])
        x_BSDL = sample(model.step, x_BSDL, known_BSL, prompt_BSE, walk, job.check, pictures)
    with job.clock.measure("decode"):
        both = np.concatenate([x_BSDL[:, Slot.STEM], x_BSDL[:, Slot.REST]])
        stem_BN, rest_BN = np.split(model.codec.decode(both), 2)
    return np.stack([stem_BN, rest_BN], axis=1)


def _window_edges(job: Job, heard: Heard) -> list[int]:
    """Where the windows' own parts meet, in samples of the result."""
    grid, wanted, windows = job.model.grid, heard.wanted, heard.windows
    offset = wanted.start - heard.section.start
    cuts = [windows.own(index)[1] for index in range(len(windows.starts) - 1)]
    edges = [samples_at(cut * grid.hop_samples, grid.sample_rate_hz, heard.info.rate_hz) - offset for cut in cuts]
    return [0, *(edge for edge in edges if 0 < edge < wanted.samples), wanted.samples]


class _ByEstimates:
    """Takes the stem out by the flow's estimates; see ``engine.separation.split.StemFilter``."""

    def __init__(self, job: Job, heard: Heard, estimates: Scratch) -> None:
        info, rate_hz = heard.info, job.model.grid.sample_rate_hz
        rule = MaskRule.of_manifest(job.model.bundle.manifest.mask)
        odds = odds_gain(job.request.sensitivity)
        self._mask = MaskFilter(info.rate_hz, rate_hz, info.channels, rule, odds)
        self._feed = Feed(at_user_rate(estimates, rate_hz, info.rate_hz, heard.section.samples), 2)

    def push(self, mix_CN: Samples) -> FloatArray:
        stem_N, rest_N = self._feed.take(mix_CN.shape[1])
        return self._mask.push(mix_CN.astype(np.float32), stem_N, rest_N)

    def flush(self, samples: int) -> FloatArray:
        return self._mask.flush(samples)


def masked(job: Job, heard: Heard, estimates: Scratch, wanted: Section) -> Iterator[Pair]:
    """A part of the user's own mix, filtered; the rest is what is left of it."""
    return filtered(job, heard.info, heard.section, wanted, _ByEstimates(job, heard, estimates))


def decoded(job: Job, heard: Heard, estimates: Scratch, wanted: Section) -> Iterator[Pair]:
    """The model's own audio for both, on every channel."""
    info, section = heard.info, heard.section
    feed = Feed(at_user_rate(estimates, job.model.grid.sample_rate_hz, info.rate_hz, section.samples), 2)
    feed.take(wanted.start - section.start)
    for mix_CN in job.clock.each("read", blocks(info, wanted.start, wanted.stop)):
        with job.clock.measure("mask"):
            both_KN = feed.take(mix_CN.shape[1]).astype(np.float64) / heard.gain
        stem_CN, rest_CN = (np.broadcast_to(track_N, mix_CN.shape) for track_N in both_KN)
        yield Pair(mix_CN, stem_CN, rest_CN)
