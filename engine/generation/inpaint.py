"""Make the sound that a scene lacks: fill its unknown latents from left to right, decode them, say how loud to play it.

Knows nothing of queues or files.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.audio.disk_array import Scratch
from engine.audio.reader import FloatArray, samples_at
from engine.audio.soft_mask import presence
from engine.generation.context import Hole, Powers, Scene, power_and_peak
from engine.inference.clip import LEVEL_INTO_MODEL_DB, Section, decode_clip
from engine.inference.rerank import similarity
from engine.inference.run import Job, part_of
from engine.inference.sampler import Walk, begun_latents, sample, start_latents
from engine.inference.windows import Making, plan_making, plan_windows
from engine.latents import SLOTS

LOWER_LIMIT_DB, HIGHER_LIMIT_DB = -60.0, 40.0  # how far the level match may move what the model made
SILENT_POWER = 1e-12
FRAMES_AT_ONCE = 1 << 14


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """One candidate.

    Attributes:
        candidate: what its seed is more than the request's.
        audio: decoded, mono at the model's rate and level, from the start of the clip; silence far from what was made.
        gains: what takes it to the user's level, one (channels,) for each hole of the scene.
        presence: 0 when the model made next to nothing, 1 when it made something.
        similarity: of what was made to the prompt, -1 to 1; None where the bundle cannot hear that.
        windows: ``(start_s, end_s, presence)`` of what was made, window by window, in seconds of the input.
    """

    candidate: int
    audio: Scratch
    gains: tuple[Powers, ...]
    presence: float
    similarity: float | None
    windows: tuple[tuple[float, float, float], ...] = ()


def make_sounds(
    job: Job, scene: Scene, prompt_SE: FloatArray, walk: Walk, part: tuple[float, float], peak: float
) -> list[Sound]:
    """All candidates for one prompt, in order of their seeds. Their scratch files are the caller's to close.

    Args:
        job: the running request.
        scene: what is given.
        prompt_SE: float32 (slots, embedding).
        walk: how to sample.
        part: share of the progress.
        peak: highest sample a made sound may have at the user's level.
    """
    count, sounds = job.request.candidates, list[Sound]()
    with contextlib.ExitStack() as held, contextlib.ExitStack() as undo:
        stems = [held.enter_context(_unfilled(job, scene)) for _ in range(count)]
        fill_in(job, scene, stems, prompt_SE, walk, part_of(part, 0.0, 0.8))
        for candidate, stem in enumerate(stems):
            share = part_of(part, 0.8 + 0.2 * candidate / count, 0.8 + 0.2 * (candidate + 1) / count)
            audio = undo.enter_context(_decoded(job, scene, stem, share))
            sounds.append(_judged(job, scene, Sound(candidate, audio, (), 1.0, None), prompt_SE, peak))
        undo.pop_all()
    return sounds


def _unfilled(job: Job, scene: Scene) -> Scratch:
    """Latents of what is to be made as they are given, zeros where they are not; one frame per row."""
    given, stem = scene.latents.get(job.rule.answer), Scratch(job.folder, job.model.grid.latent_channels)
    frames = scene.known_SF.shape[1]
    for at in range(0, frames, FRAMES_AT_ONCE):
        end = min(at + FRAMES_AT_ONCE, frames)
        stem.append(np.zeros((end - at, stem.width), np.float32) if given is None else given.read(at, end))
    return stem


def fill_in(
    job: Job, scene: Scene, stems: Sequence[Scratch], prompt_SE: FloatArray, walk: Walk, part: tuple[float, float]
) -> None:
    """Fill the unknown latents of what is made, one table for each candidate; given ones stay as they are.

    A window's start is what the window before it made, known to it like anything else that is given.
    """
    window, frames = job.model.grid.window_frames, scene.known_SF.shape[1]
    plan = [(making, hole) for hole in scene.holes for making in plan_making(frames, window, hole.fill)]
    for number, (making, hole) in enumerate(plan):
        carried = max(0, hole.fill[0] - making.start), making.fill[0] - making.start
        job.progress(part, number / len(plan), "step")
        first, last = making.fill

        def work(
            batch: Sequence[int], number: int = number, making: Making = making, carried: tuple[int, int] = carried
        ) -> FloatArray:
            begun = np.stack([stems[k].read(making.start, making.start + window).T for k in batch])
            return _filled(job, scene, begun, (making, carried), number, batch, prompt_SE, walk)

        for batch, stem_BDL in job.batches.run(range(len(stems)), work):
            for candidate, stem_DL in zip(batch, stem_BDL, strict=True):
                stems[candidate].put(first, stem_DL[:, first - making.start : last - making.start].T)
    job.progress(part, 1.0, "step")


def _filled(
    job: Job, scene: Scene, stems_BDL: FloatArray, step: tuple[Making, tuple[int, int]], number: int,
    candidates: Sequence[int], prompt_SE: FloatArray, walk: Walk,
) -> FloatArray:  # fmt: skip
    """One window of several candidates: float32 (candidates, latent channels, frames of a window).

    ``step``: the window, and which of its frames the windows before made. Those are known to it; what the scene does
    not give outside the hole, such as the old stem that is replaced, is not.
    """
    making, carried = step
    grid, rows, made = job.model.grid, len(candidates), job.rule.answer
    first, last = making.start, making.start + grid.window_frames
    known_SL = scene.known_SF[:, first:last].copy()
    known_SL[made, slice(*carried)] = True
    z_BSDL = np.repeat(scene.read(first, last, grid.latent_channels)[None], rows, axis=0)
    z_BSDL[:, made] = stems_BDL
    known_BSL = np.repeat(known_SL[None], rows, axis=0)
    start_s = scene.start_s + making.start * grid.hop_samples / grid.sample_rate_hz
    with job.clock.measure("step"):
        shape = (SLOTS, grid.latent_channels, grid.window_frames)
        x_BSDL = begun_latents(walk, start_latents(walk, [number] * rows, shape, list(candidates)), z_BSDL)
        x_BSDL = np.where(known_BSL[:, :, None], z_BSDL, x_BSDL)
        prompt_BSE = np.repeat(prompt_SE[None], rows, axis=0)
        pictures = job.pictures([start_s] * rows)
        x_BSDL = sample(job.model.step, x_BSDL, known_BSL, prompt_BSE, walk, job.check, pictures)
    stem_BDL: FloatArray = x_BSDL[:, made]
    return stem_BDL


def _decoded(job: Job, scene: Scene, stem: Scratch, part: tuple[float, float]) -> Scratch:
    """Decoded stem at the model's rate and level, from the start of the clip; silence far from what was made."""
    window, hop = job.model.grid.window_frames, job.model.grid.hop_samples
    audio = Scratch(job.folder, 1)
    try:
        parts = _parts_to_decode(scene.holes, stem.rows, window)
        for number, (first, last) in enumerate(parts):
            for at in range(audio.rows, first * hop, 1 << 16):
                audio.append(np.zeros((min(1 << 16, first * hop - at), 1), np.float32))
            windows = plan_windows(last - first, window)
            share = part_of(part, number / len(parts), (number + 1) / len(parts))
            decode_clip(job, stem, first, windows, audio, share)
    except BaseException:
        audio.close()
        raise
    return audio


def _parts_to_decode(holes: tuple[Hole, ...], frames: int, window: int) -> list[tuple[int, int]]:
    """Frames around what was made, with the context a window needs; parts that would meet are one."""
    context, parts = window // 16, list[tuple[int, int]]()
    for hole in holes:
        first = max(0, min(hole.fill[0] - context, frames - window))
        last = min(frames, max(hole.fill[1] + context, first + window))
        if parts and first <= parts[-1][1]:
            parts[-1] = (parts[-1][0], max(last, parts[-1][1]))
        else:
            parts.append((first, last))
    return parts


def _judged(job: Job, scene: Scene, sound: Sound, prompt_SE: FloatArray, peak: float) -> Sound:
    heard = [_heard(job, scene, hole.span, sound.audio) for hole in scene.holes]
    gains = tuple(
        _level_match(hole, power, highest, scene, peak)
        for hole, (power, highest) in zip(scene.holes, heard, strict=True)
    )
    power = float(np.mean([power for power, _ in heard])) if heard else 0.0
    there = _presence(job, power) if heard else 1.0
    alike = None
    if heard:
        with _made_alone(job, scene, sound.audio) as made:
            alike = similarity(job, made, 0, prompt_SE)
    return Sound(sound.candidate, sound.audio, gains, there, alike, tuple(_windows(job, scene, sound.audio)))


def _heard(job: Job, scene: Scene, span: Section, audio: Scratch) -> tuple[float, float]:
    return power_and_peak(audio, *_at_model_rate(job, scene, span))


def _at_model_rate(job: Job, scene: Scene, span: Section) -> tuple[int, int]:
    model_hz = job.model.grid.sample_rate_hz
    return span.start * model_hz // scene.rate_hz, samples_at(span.stop, scene.rate_hz, model_hz)


def _made_alone(job: Job, scene: Scene, audio: Scratch) -> Scratch:
    """The holes one after the other, without what is given around them."""
    made = Scratch(job.folder, 1)
    for hole in scene.holes:
        first, last = _at_model_rate(job, scene, hole.span)
        for at in range(first, last, 1 << 18):
            made.append(audio.read(at, min(at + (1 << 18), last)))
    return made


def _windows(job: Job, scene: Scene, audio: Scratch) -> Iterator[tuple[float, float, float]]:
    """Presence of what was made, from window to window of every hole."""
    grid = job.model.grid
    length = grid.window_samples * scene.rate_hz // grid.sample_rate_hz
    for hole in scene.holes:
        for start in range(hole.span.start, hole.span.stop, length):
            part = Section(start, min(start + length, hole.span.stop))
            power, _ = _heard(job, scene, part, audio)
            begin_s, end_s = (round(scene.start_s + edge / scene.rate_hz, 6) for edge in (part.start, part.stop))
            yield begin_s, end_s, _presence(job, power)


def _presence(job: Job, power: float) -> float:
    """Of what was made with this mean square, against the level at which a mix goes into the model."""
    made_db = 10 * math.log10(max(power, SILENT_POWER)) - LEVEL_INTO_MODEL_DB
    return presence(made_db, job.model.bundle.manifest.presence)


def _level_match(hole: Hole, power: float, highest: float, scene: Scene, peak: float) -> Powers:
    """The gain of each channel that takes what was decoded to the level of what it replaces or joins."""
    back = 1 / scene.gain
    if power <= SILENT_POWER or hole.power_C is None:
        gain_C = np.full(scene.channels, back)
    else:
        wanted = max(float(hole.power_C.mean()), SILENT_POWER)
        match_db = 10 * math.log10(wanted / (power * back**2))
        side_C = np.sqrt(hole.power_C / wanted)  # where the stem was heard, what takes its place is heard too
        gain_C = side_C * back * 10 ** (min(max(match_db, LOWER_LIMIT_DB), HIGHER_LIMIT_DB) / 20)
    return gain_C * min(1.0, peak / max(highest * float(gain_C.max()), 1e-12))
