"""From the engine's result files to takes and lanes."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from desktop.audio.export import mixed_blocks
from desktop.audio.mixer import Track
from desktop.audio.read import BLOCK_SAMPLES, Check, keep_going
from desktop.audio.splice import SplicePiece, splice
from desktop.audio.store import AudioRef, AudioStore
from desktop.models.project import Lane, LaneTake, Project, TakeOrigin
from desktop.models.request_builder import JobPlan, examples_words
from engine import TASKS, Done, Request, Slot, StemResult, rule_of


@dataclass(frozen=True, slots=True)
class PromptResult:
    """The takes made for one prompt, the best candidate first."""

    prompt: str
    stems: tuple[LaneTake, ...]
    rests: tuple[LaneTake, ...]


def collect(
    done: Done, plan: JobPlan, project: Project, store: AudioStore, scratch: Path, check: Check
) -> list[PromptResult]:
    """Add the result files of a job to the store.

    Args:
        done: what the engine said.
        plan: what was asked.
        project: when it was asked.
        store: keeps the audio.
        scratch: folder for temporary files.
        check: called regularly; raises to cancel.

    Raises:
        EngineError: a file cannot be used, or there is no room.
    """
    collector = _Collector(done, plan, project, store, scratch, check)
    try:
        return [collector.result(prompt, found) for prompt, found in _by_prompt(done.results).items()]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def lanes_of(results: list[PromptResult], request: Request, others_heard: bool) -> list[Lane]:
    """Lanes for new results; the rest is muted unless it was asked for.

    A whole mix that was filled or made from sound that is there holds that sound again: beside lanes that are heard
    it comes muted, so that nothing is doubled.

    Args:
        results: what came out.
        request: what was asked.
        others_heard: True means that lanes of the project are heard.
    """
    lanes = []
    rule = TASKS[request.task]
    turned = rule_of(request.task, request.slot)
    doubles = others_heard and turned.prompt_slot is Slot.MIX and turned.input_slot is not None
    rest_is_wanted = rule.answer is Slot.REST or rule.replaces
    for result in results:
        name = (request.replacement.strip() if rule.replaces else result.prompt) or examples_words(request)
        if result.stems:
            lanes.append(Lane(name=name, takes=result.stems, mute=rule.answer is Slot.REST or doubles))
        if result.rests:
            left = f"without {result.prompt or name}"
            lanes.append(Lane(name=left, role="rest", takes=result.rests, mute=not rest_is_wanted))
    return lanes


def others(project: Project, lane: Lane, store: AudioStore, folder: Path, check: Check) -> Path:
    """Write the mix without one lane as a float WAV."""
    if project.source is None:
        raise ValueError("a project without a mix has no others")
    source = Track("mix", store.samples(project.source))
    out = Track(lane.id, store.samples(lane.take.audio), lane.take.start, gain=-1.0)
    path = folder / f"{uuid.uuid4().hex}.wav"
    folder.mkdir(parents=True, exist_ok=True)
    channels = max(project.source.channels, lane.take.audio.channels)
    write_mixed(path, [source, out], project.source.samples, project.rate_hz, channels, check)
    return path


def write_mixed(
    path: Path, tracks: list[Track], length: int, rate_hz: int, channels: int, check: Check = keep_going
) -> None:
    """Mix tracks into a float WAV with at most two channels."""
    with soundfile.SoundFile(path, "w", rate_hz, min(channels, 2), subtype="FLOAT", format="WAV") as wav:
        for block_NC in mixed_blocks(tracks, length, check):
            wav.write(block_NC)


def at_rate(ref: AudioRef, rate_hz: int, store: AudioStore, scratch: Path, check: Check) -> AudioRef:
    """The same audio, resampled to the project's rate."""
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


def _by_prompt(results: Iterable[StemResult]) -> dict[str, dict[int, list[StemResult]]]:
    """Results by prompt and candidate: the best candidate first, regions by time."""
    found: dict[str, dict[int, list[StemResult]]] = {}
    for result in results:
        found.setdefault(result.prompt, {}).setdefault(result.candidate, []).append(result)
    return found


class _Collector:
    """Makes takes from the files of one job; arguments as for ``collect``."""

    def __init__(
        self, done: Done, plan: JobPlan, project: Project, store: AudioStore, scratch: Path, check: Check
    ) -> None:
        self._done, self._plan, self._project = done, plan, project
        self._store, self._scratch, self._check = store, scratch, check

    def result(self, prompt: str, candidates: dict[int, list[StemResult]]) -> PromptResult:
        """The takes of one prompt."""
        stems: list[LaneTake] = []
        rests: list[LaneTake] = []
        request = self._plan.request
        wanted = rule_of(request.task, request.slot).prompt_slot.name.lower()  # the field of what the prompt is about
        for pieces in candidates.values():
            made = self._made(pieces)
            for takes, files in (
                (stems, [getattr(piece, wanted) for piece in pieces]),
                (rests, [piece.rest if wanted != "rest" else None for piece in pieces]),
            ):
                kept = [(self._kept(file), piece) for file, piece in zip(files, pieces, strict=True) if file]
                if kept:
                    takes.append(self._take(kept, made))
            self._drop([piece.mix for piece in pieces if piece.mix and wanted != "mix"])  # lanes add up to it
        return PromptResult(prompt, tuple(stems), tuple(rests))

    def _kept(self, file: str) -> AudioRef:
        ref = self._store.add(Path(file), self._check)
        self._drop([file])
        return at_rate(ref, self._project.rate_hz, self._store, self._scratch, self._check)

    def _drop(self, files: list[str]) -> None:
        if not self._plan.keep_files:
            for file in files:
                Path(file).unlink(missing_ok=True)

    def _take(self, kept: list[tuple[AudioRef, StemResult]], made: TakeOrigin) -> LaneTake:
        lane = self._project.lane(self._plan.lane)
        starts = [self._plan.offset + piece.start_samples for _, piece in kept]
        refs = [ref for ref, _ in kept]
        if lane is not None and self._plan.regions:
            return self._onto(lane.take, refs, starts, made)
        if len(refs) == 1:
            return LaneTake(audio=refs[0], start=starts[0], made=made)
        return self._side_by_side(refs, starts, made)

    def _onto(self, old: LaneTake, refs: list[AudioRef], starts: list[int], made: TakeOrigin) -> LaneTake:
        """Splice the new regions into the old take; audio as long as the old take replaces it."""
        if len(refs) == 1 and refs[0].samples >= old.audio.samples:
            return LaneTake(audio=refs[0], start=starts[0], made=made)
        regions = self._plan.regions if len(refs) > 1 else ((starts[0], starts[0] + refs[0].samples),)
        pieces = []
        for ref, start, (first, last) in zip(refs, starts, regions, strict=True):
            samples_NC = self._store.samples(ref)[max(first - start, 0) : last - start]
            pieces.append(SplicePiece(samples_NC, (max(first, start) - old.start, last - old.start)))
        path = self._fresh()
        splice(self._store.samples(old.audio), pieces, self._project.rate_hz, path, self._check)
        return LaneTake(audio=self._store.add(path, self._check), start=old.start, made=made)

    def _side_by_side(self, refs: list[AudioRef], starts: list[int], made: TakeOrigin) -> LaneTake:
        """Join several regions into one file with silence between them."""
        first = min(starts)
        length = max(start + ref.samples for ref, start in zip(refs, starts, strict=True)) - first
        tracks = [
            Track(ref.sha256, self._store.samples(ref), start - first) for ref, start in zip(refs, starts, strict=True)
        ]
        path = self._fresh()
        write_mixed(path, tracks, length, self._project.rate_hz, refs[0].channels, self._check)
        return LaneTake(audio=self._store.add(path, self._check), start=first, made=made)

    def _fresh(self) -> Path:
        self._scratch.mkdir(parents=True, exist_ok=True)
        return self._scratch / f"{uuid.uuid4().hex}.wav"

    def _made(self, pieces: list[StemResult]) -> TakeOrigin:
        request, best, rate_hz = self._plan.request, pieces[0], self._project.rate_hz
        nulls = [piece.null_db for piece in pieces if piece.null_db is not None]
        heard = [
            (self._plan.offset + round(start_s * rate_hz), self._plan.offset + round(end_s * rate_hz), presence)
            for piece in pieces
            for start_s, end_s, presence in piece.presence_windows
        ]
        return TakeOrigin(
            task=request.task,
            prompt=best.prompt,
            seed=request.seed + best.candidate,
            steps=request.steps,
            guidance=request.guidance,
            bundle=self._done.bundle,
            device=self._done.device,
            presence=max(piece.presence for piece in pieces),
            null_db=max(nulls) if nulls else None,
            level_db=best.level_db,
            regions=self._plan.regions,
            heard=tuple(heard),
            similarity=best.similarity,
        )
