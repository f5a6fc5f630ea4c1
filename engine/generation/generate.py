"""Regenerate, generate, inpaint, extend and restyle: make the sound that is asked for and fit it into the clip.

Knows nothing of queues or bundles on disk.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

from engine.audio.quantize import in_range
from engine.audio.reader import Samples, blocks
from engine.generation.context import Scene
from engine.generation.inpaint import Sound, make_sounds
from engine.inference.clip import Feed, Section, at_user_rate
from engine.inference.conditioning import Asked
from engine.inference.crossfade import EDGE_S, edge_weight
from engine.inference.model import walk_of
from engine.inference.output import Answer, Brief, render_single
from engine.inference.rerank import best_first
from engine.inference.run import Job, part_of


def make(job: Job, scene: Scene, asked: Asked, brief: Brief, part: tuple[float, float]) -> list[Answer]:
    """What is made for one prompt, best first.

    Args:
        job: the running request.
        scene: what is given.
        asked: the prompt.
        brief: what the result is called and how it is stored.
        part: share of the progress.
    """
    walk = walk_of(job.request, job.model.bundle.manifest)
    sounds = make_sounds(job, scene, asked.prompt_SE, walk, part_of(part, 0.0, 0.9), brief.peak)
    answers = []
    with contextlib.ExitStack() as scratches:
        for sound in sounds:
            scratches.enter_context(sound.audio)
        for number, sound in enumerate(sounds):
            share = (0.9 + 0.1 * number / len(sounds), 0.9 + 0.1 * (number + 1) / len(sounds))
            answers.append(_written(job, scene, asked, sound, brief, part_of(part, *share)))
    return best_first(answers)


def _written(job: Job, scene: Scene, asked: Asked, sound: Sound, brief: Brief, part: tuple[float, float]) -> Answer:
    def stem() -> Iterator[Samples]:
        seen = 0
        for block_CN in _fitted(job, scene, sound, brief.target.bits):
            seen += block_CN.shape[1]
            job.progress(part, seen / scene.clip, "write")
            yield block_CN

    rendered = render_single(job, stem(), brief.target, brief.name, asked.name, job.rule.answer.name.lower())
    return Answer(
        asked.prompt, sound.presence, rendered, brief,
        candidate=sound.candidate, similarity=sound.similarity, windows=sound.windows,
    )  # fmt: skip


def _fitted(job: Job, scene: Scene, sound: Sound, bits: int | None) -> Iterator[Samples]:
    """The result block by block: the source outside the holes as it is, the made sound inside."""
    made = Feed(at_user_rate(sound.audio, job.model.grid.sample_rate_hz, scene.rate_hz, scene.clip), 1)
    step_C1: Samples = np.zeros((scene.channels, 1))
    at = 0
    for source_CN in _source(scene):
        mono_1N = made.take(source_CN.shape[1]).astype(np.float64)
        time_N = np.arange(at, at + source_CN.shape[1])
        beyond = scene.source is not None and at >= scene.source[1].samples
        block_CN = source_CN
        for hole, gain_C in zip(scene.holes, sound.gains, strict=True):
            if hole.span.stop <= at or hole.span.start >= at + source_CN.shape[1]:
                continue
            made_CN = mono_1N * gain_C[:, None]
            weight_N = edge_weight(time_N, hole.span, scene.rate_hz, Section(0, scene.clip))
            if beyond:
                # There is nothing to fade from; the step at the joint dies away inside the made sound.
                age_N = (time_N - hole.span.start) / (EDGE_S / 2 * scene.rate_hz)
                made_CN, weight_N = made_CN + step_C1 * np.exp(-age_N), np.ones(len(time_N))
            from_CN = block_CN if hole.beside is None else hole.beside.at(time_N)
            filled_CN = from_CN * (1 - weight_N) + in_range(made_CN, bits) * weight_N
            block_CN = np.where(weight_N == 0, block_CN, filled_CN)
        if not beyond and scene.holes:
            step_C1 = source_CN[:, -1:] - mono_1N[:, -1:] * sound.gains[-1][:, None]
        at += source_CN.shape[1]
        yield block_CN


def _source(scene: Scene) -> Iterator[Samples]:
    done = 0
    if scene.source is not None:
        info, section = scene.source
        yield from blocks(info, section.start, section.stop)
        done = section.samples
    for at in range(done, scene.clip, 1 << 16):
        yield np.zeros((scene.channels, min(1 << 16, scene.clip - at)))
