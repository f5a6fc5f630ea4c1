"""Isolate and remove: estimate stem and rest of every window, then filter the user's own mix by them.

Knows nothing of queues or bundles on disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.audio import AudioInfo, FloatArray, blocks
from engine.chunks import Joiner, Windows, plan_windows
from engine.clips import Feed, Fifo, Section, at_user_rate, encode_clip, gain_into_model, take_in
from engine.job import Job
from engine.mask import MaskFilter, MaskRule, presence, window_samples
from engine.model import walk_of
from engine.output import Target
from engine.render import Answer, Pair, render_pair
from engine.sampler import sample, start_latents
from engine.scratch import Scratch
from engine.shapes import SLOTS, Slot
from engine.tasks import known_mask

READ, ENCODE = (0.0, 0.1), (0.1, 0.2)  # shares of the progress; prompts divide the rest


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


def hear(job: Job, info: AudioInfo, wanted: Section) -> Heard:
    """Read and encode the mix, once for all prompts."""
    grid = job.model.grid
    section = _with_context(wanted, info, grid.window_samples / grid.sample_rate_hz)
    mono = take_in(job, info, section, READ)
    with mono.scratch:
        windows = plan_windows(grid.frames(mono.scratch.rows), grid.window_frames)
        gain = gain_into_model(mono.power)
        latents = encode_clip(job, mono.scratch, gain, windows, ENCODE)
    return Heard(info, wanted, section, latents, windows, gain)


def isolate(
    job: Job, heard: Heard, prompt: str, embedding_E: FloatArray, target: Target, part: tuple[float, float]
) -> Answer:
    """Stem and rest for one prompt.

    Args:
        job: the running request.
        heard: the mix.
        prompt: in words, for names.
        embedding_E: float32 (embedding,).
        target: how the results are stored.
        part: share of the progress.
    """
    middle = part[0] + 0.7 * (part[1] - part[0])
    with estimate(job, heard, embedding_E, (part[0], middle)) as estimates:

        def pairs() -> Iterator[Pair]:
            make = masked if job.request.render == "masked" else decoded
            seen = 0
            for pair in make(job, heard, estimates):
                seen += pair.mix_CN.shape[1]
                job.progress((middle, part[1]), seen / heard.wanted.samples, "mask")
                yield pair

        rendered = render_pair(job, pairs, target, heard.info.path.stem, prompt)
    curve = job.model.bundle.manifest.presence
    there = 0.0 if rendered.level_db is None else presence(rendered.level_db, curve)
    return Answer(prompt, there, rendered)


def estimate(job: Job, heard: Heard, embedding_E: FloatArray, part: tuple[float, float]) -> Scratch:
    """The model's own stem and rest at its own rate: two columns, one sample per row."""
    windows, model = heard.windows, job.model
    walk = walk_of(job.request, model.bundle.manifest)
    known_SL = known_mask(job.request.task, windows.window)
    joiner = Joiner(windows, model.grid.hop_samples)
    estimates = Scratch(job.folder, 2)

    def work(batch: Sequence[int]) -> FloatArray:
        with job.clock.measure("step"):
            x_BSDL = start_latents(walk, batch, (SLOTS, model.grid.latent_channels, windows.window))
            for row, index in enumerate(batch):
                start = windows.starts[index]
                x_BSDL[row, Slot.MIX] = heard.latents.read(start, start + windows.window).T
            known_BSL = np.broadcast_to(known_SL, (len(batch), *known_SL.shape)).copy()
            prompt_BSE = np.zeros((len(batch), SLOTS, len(embedding_E)), np.float32)
            prompt_BSE[:, Slot.STEM] = embedding_E
            x_BSDL = sample(model.step, x_BSDL, known_BSL, prompt_BSE, walk, job.check)
        with job.clock.measure("decode"):
            both = np.concatenate([x_BSDL[:, Slot.STEM], x_BSDL[:, Slot.REST]])
            stem_BN, rest_BN = np.split(model.codec.decode(both), 2)
        return np.stack([stem_BN, rest_BN], axis=1)

    for batch, audio_BKN in job.batches.run(range(len(windows.starts)), work):
        for audio_KN in audio_BKN:
            estimates.append(joiner.add(audio_KN).T)
        job.progress(part, (batch[-1] + 1) / len(windows.starts), "step and decode")
    return estimates


def masked(job: Job, heard: Heard, estimates: Scratch) -> Iterator[Pair]:
    """The user's own mix, filtered; the rest is what is left of it."""
    info, section, wanted = heard.info, heard.section, heard.wanted
    rate_hz = job.model.grid.sample_rate_hz
    rule = MaskRule.of_manifest(job.model.bundle.manifest.mask)
    mask = MaskFilter(info.rate_hz, rate_hz, info.channels, rule)
    feed = Feed(at_user_rate(estimates, rate_hz, info.rate_hz, section.samples), 2)
    waiting = Fifo(info.channels)
    at = section.start

    def finished(stem_CN: FloatArray) -> Iterator[Pair]:
        nonlocal at
        mix_CN = waiting.take(stem_CN.shape[1])
        first, last = max(wanted.start - at, 0), min(wanted.stop - at, stem_CN.shape[1])
        at += stem_CN.shape[1]
        if first < last:
            yield Pair(mix_CN[:, first:last], stem_CN[:, first:last].astype(np.float64), None)

    for mix_CN in job.clock.each("read", blocks(info, section.start, section.stop)):
        waiting.push(mix_CN)
        with job.clock.measure("mask"):
            stem_N, rest_N = feed.take(mix_CN.shape[1])
            stem_CN = mask.push(mix_CN.astype(np.float32), stem_N, rest_N)
        yield from finished(stem_CN)
    with job.clock.measure("mask"):
        stem_CN = mask.flush(section.stop - at)
    yield from finished(stem_CN)


def decoded(job: Job, heard: Heard, estimates: Scratch) -> Iterator[Pair]:
    """The model's own audio for both, on every channel."""
    info, section, wanted = heard.info, heard.section, heard.wanted
    feed = Feed(at_user_rate(estimates, job.model.grid.sample_rate_hz, info.rate_hz, section.samples), 2)
    feed.take(wanted.start - section.start)
    for mix_CN in job.clock.each("read", blocks(info, wanted.start, wanted.stop)):
        with job.clock.measure("mask"):
            both_KN = feed.take(mix_CN.shape[1]).astype(np.float64) / heard.gain
        stem_CN, rest_CN = (np.broadcast_to(track_N, mix_CN.shape) for track_N in both_KN)
        yield Pair(mix_CN, stem_CN, rest_CN)


def _with_context(wanted: Section, info: AudioInfo, window_s: float) -> Section:
    if wanted.start == 0 and wanted.stop == info.samples:
        return wanted
    least_s = window_s / 16 + 2 * window_samples(info.rate_hz) / info.rate_hz
    context_s = max(least_s, (window_s - wanted.samples / info.rate_hz) / 2)
    context = round(context_s * info.rate_hz)
    return Section(max(0, wanted.start - context), min(info.samples, wanted.stop + context))
