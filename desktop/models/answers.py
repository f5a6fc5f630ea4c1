"""From the files that the engine made to takes and lanes. Slow parts are for a worker.

Knows nothing of widgets or queues.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr

from desktop.audio.export import mixed_blocks
from desktop.audio.mixer import Track
from desktop.audio.read import BLOCK_SAMPLES, Check
from desktop.audio.splice import splice
from desktop.audio.store import AudioRef, AudioStore
from desktop.models.asking import Plan
from desktop.models.project import Lane, Made, Project, Take
from engine import TASKS, Done, Slot, StemResult


@dataclass(frozen=True, slots=True)
class Answer:
    """What one prompt gave, ready for the project: a take for an old lane, or lanes of its own."""

    prompt: str
    stem: Take | None
    rest: Take | None


def collect(done: Done, plan: Plan, project: Project, store: AudioStore, scratch: Path, check: Check) -> list[Answer]:
    """Bring the files of a job into the store.

    Args:
        done: what the engine said.
        plan: what was asked.
        project: when it was asked.
        store: keeps the audio.
        scratch: folder for files in between.
        check: asked now and then.

    Raises:
        EngineError: a file cannot be used, or there is no room.
    """
    answers = []
    for result in done.results:
        made = _made(result, done, plan)
        stem = _take(result.stem, result, plan, project, store, scratch, check)
        rest = _take(result.rest, result, plan, project, store, scratch, check)
        answers.append(
            Answer(
                result.prompt,
                Take(audio=stem[0], start=stem[1], made=made) if stem else None,
                Take(audio=rest[0], start=rest[1], made=made) if rest else None,
            )
        )
    return answers


def lanes_of(answers: list[Answer], task: str) -> list[Lane]:
    """Lanes for answers that have none yet; what is left over is there, but not heard."""
    lanes = []
    rest_is_wanted = TASKS[task].answer is Slot.REST
    for answer in answers:
        if answer.stem is not None:
            lanes.append(Lane(name=answer.prompt, takes=(answer.stem,), mute=rest_is_wanted))
        if answer.rest is not None:
            name = f"without {answer.prompt}"
            lanes.append(Lane(name=name, role="rest", takes=(answer.rest,), mute=not rest_is_wanted))
    return lanes


def others(project: Project, lane: Lane, store: AudioStore, folder: Path, check: Check) -> Path:
    """The mix without one lane, as a float WAV."""
    if project.source is None:
        raise ValueError("a project without a mix has no others")
    source = Track("mix", store.samples(project.source))
    out = Track(lane.id, store.samples(lane.take.audio), lane.take.start, gain=-1.0)
    path = folder / f"{uuid.uuid4().hex}.wav"
    folder.mkdir(parents=True, exist_ok=True)
    channels = min(max(project.source.channels, lane.take.audio.channels), 2)
    with soundfile.SoundFile(path, "w", project.rate_hz, channels, subtype="FLOAT", format="WAV") as wav:
        for block_NC in mixed_blocks([source, out], project.source.samples, check):
            wav.write(block_NC)
    return path


def at_rate(ref: AudioRef, rate_hz: int, store: AudioStore, scratch: Path, check: Check) -> AudioRef:
    """The same sound at the project's rate."""
    if not rate_hz or ref.rate_hz == rate_hz:
        return ref
    path = scratch / f"{uuid.uuid4().hex}.wav"
    scratch.mkdir(parents=True, exist_ok=True)
    samples_NC = store.samples(ref)
    resampler = soxr.ResampleStream(ref.rate_hz, rate_hz, ref.channels, dtype="float32")
    try:
        with soundfile.SoundFile(path, "w", rate_hz, ref.channels, subtype="FLOAT", format="WAV") as wav:
            for start in range(0, ref.samples, BLOCK_SAMPLES):
                check()
                block_NC = np.ascontiguousarray(samples_NC[start : start + BLOCK_SAMPLES])
                wav.write(resampler.resample_chunk(block_NC, last=start + BLOCK_SAMPLES >= ref.samples))
        return store.add(path, check)
    finally:
        path.unlink(missing_ok=True)


def _take(
    file: str | None, result: StemResult, plan: Plan, project: Project, store: AudioStore, scratch: Path, check: Check
) -> tuple[AudioRef, int] | None:
    if file is None:
        return None
    path = Path(file)
    ref = at_rate(store.add(path, check), project.rate_hz, store, scratch, check)
    path.unlink(missing_ok=True)
    start = plan.offset + result.start_samples
    lane = project.lane(plan.lane)
    if plan.region is None or lane is None or ref.samples >= lane.take.audio.samples:
        return ref, start
    spliced = scratch / f"{uuid.uuid4().hex}.wav"
    scratch.mkdir(parents=True, exist_ok=True)
    take = lane.take
    region = (start - take.start, start - take.start + ref.samples)
    try:
        splice(store.samples(take.audio), store.samples(ref), region, project.rate_hz, spliced, check)
        return store.add(spliced, check), take.start
    finally:
        spliced.unlink(missing_ok=True)


def _made(result: StemResult, done: Done, plan: Plan) -> Made:
    form = plan.form
    return Made(
        task=form.task,
        prompt=result.prompt,
        seed=form.seed,
        steps=form.steps,
        guidance=form.guidance,
        bundle=done.bundle,
        device=done.device,
        presence=result.presence,
        null_db=result.null_db,
        level_db=result.level_db,
        region=plan.region,
    )


def with_seed(plan: Plan, seed: int) -> Plan:
    """The plan of one candidate."""
    return replace(plan, form=replace(plan.form, seed=seed))
