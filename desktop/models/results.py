"""From the engine's result files to takes and lanes."""

from __future__ import annotations

import logging
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr

from desktop.audio.export import mixed_blocks
from desktop.audio.mixer import Track
from desktop.audio.read import BLOCK_SAMPLES, Check, keep_going
from desktop.audio.sounds import FADE_S, CompPiece, PlacedSound, comped, difference
from desktop.audio.store import AudioRef, AudioStore
from desktop.models.lane_sound import SoundBank
from desktop.models.played_notes import PlayedNotes, played_in, played_of_text, spliced
from desktop.models.project import MIX, Lane, LaneTake, Project, TakeOrigin, new_id
from desktop.models.request_builder import JobPlan, examples_words
from desktop.models.separation_run import write_sound
from engine import TASKS, Done, EngineError, Request, Slot, StemResult, rule_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PromptResult:
    """The takes made for one prompt, the best candidate first.

    Attributes:
        prompt: as asked.
        stems: what was made.
        old: what it replaces, as it was in the mix; None for a task that replaces nothing.
    """

    prompt: str
    stems: tuple[LaneTake, ...]
    old: LaneTake | None = None


def collect(
    done: Done, plan: JobPlan, project: Project, bank: SoundBank, store: AudioStore, scratch: Path, check: Check
) -> list[PromptResult]:
    """Add the result files of a job that made something to the store.

    Args:
        scratch: folder for temporary files.
        check: called regularly; raises to cancel.

    Raises:
        EngineError: a file cannot be used, or there is no room.
    """
    collector = _Collector(done, plan, project, bank, store, scratch, check)
    try:
        return [collector.result(prompt, candidates) for prompt, candidates in _by_prompt(done.results).items()]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def with_made(project: Project, results: list[PromptResult], request: Request, ids: dict[str, str]) -> Project:
    """A project with lanes for what was made.

    A whole mix that was filled or made from sound that is there holds that sound again: beside lanes that are heard
    it comes muted, so that nothing is doubled. What replaces something is a take of its lane; a new lane for it holds
    the old sound as a take too, and what the stems leave of the mix is without it.

    Args:
        project: before.
        ids: of the new lanes, by prompt.
    """
    rule = TASKS[request.task]
    turned = rule_of(request.task, request.slot)
    others_heard = any(project.heard(lane) for lane in project.lanes)
    doubles = others_heard and turned.prompt_slot is Slot.MIX and turned.input_slot is not None
    for result in results:
        name = (request.replacement.strip() if rule.replaces else result.prompt) or examples_words(request)
        if not result.stems:
            continue
        lane_id = ids.get(result.prompt) or new_id()
        if result.old is None:
            project = project.with_new_lane(Lane(id=lane_id, name=name, takes=result.stems, mute=doubles))
            continue
        lane = lane_for(project, result.prompt, MIX) if rule.replaces else None
        if lane is not None:
            takes = (*lane.takes, *result.stems)
            project = project.with_lane(replace(lane, takes=takes, active=len(lane.takes), comp=()))
            continue
        takes = (result.old, *result.stems)
        project = project.with_new_lane(Lane(id=lane_id, name=name, takes=takes, active=1, out_of=MIX)).with_else()
    rate_hz = project.rate_hz or next((result.stems[0].audio.rate_hz for result in results if result.stems), 0)
    return replace(project, rate_hz=rate_hz)


def lane_for(project: Project, prompt: str, out_of: str) -> Lane | None:
    """The lane of which the answer to a prompt is another take: of the same name or prompt, out of the same sound."""
    wanted = " ".join(prompt.split()).casefold()
    parts = project.parts_of(out_of)
    if (whole := project.lane(out_of)) is not None:
        parts = (whole, *parts)  # a second pass over a lane is a take of it
    for lane in parts:
        asked = {take.made.prompt.casefold() for take in lane.takes if take.is_separated}
        if wanted and (lane.name.casefold() == wanted or wanted in asked):
            return lane
    return None


def others(project: Project, lane: Lane, bank: SoundBank, folder: Path, check: Check) -> Path:
    """Write the mix without what was taken out of it for a lane, as a float WAV."""
    if project.source is None:
        raise ValueError("a project without a mix has no others")
    path = folder / f"{uuid.uuid4().hex}.wav"
    write_sound(path, bank.mix_without(lane), project.rate_hz, None, check)
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
    by_prompt: dict[str, dict[int, list[StemResult]]] = {}
    for result in results:
        by_prompt.setdefault(result.prompt, {}).setdefault(result.candidate, []).append(result)
    return by_prompt


class _Collector:
    """Makes takes from the files of one job; arguments as for ``collect``."""

    def __init__(
        self, done: Done, plan: JobPlan, project: Project, bank: SoundBank, store: AudioStore, scratch: Path,
        check: Check,
    ) -> None:  # fmt: skip
        self._done, self._plan, self._project, self._bank = done, plan, project, bank
        self._store, self._scratch, self._check = store, scratch, check

    def result(self, prompt: str, candidates: dict[int, list[StemResult]]) -> PromptResult:
        """The takes of one prompt."""
        stems: list[LaneTake] = []
        old: LaneTake | None = None
        request = self._plan.request
        wanted = rule_of(request.task, request.slot).prompt_slot.name.lower()  # the field of what the prompt is about
        for pieces in candidates.values():
            made = self._made(pieces)
            if TASKS[request.task].replaces and old is None and pieces[0].rest:
                old = self._old(pieces, made)
            files = [getattr(piece, wanted) for piece in pieces]
            kept = [(self._kept(file), piece) for file, piece in zip(files, pieces, strict=True) if file]
            if kept:
                stems.append(self._take(kept, made))
            left = [file for piece in pieces for file in (piece.rest, piece.mix) if file and file not in files]
            self._drop(left)  # lanes add up to them
        return PromptResult(prompt, tuple(stems), old)

    def _old(self, pieces: list[StemResult], made: TakeOrigin) -> LaneTake:
        """What was replaced: the mix without what was left of it."""
        rest = self._store.samples(self._kept(str(pieces[0].rest)))
        source = self._project.source
        assert source is not None
        whole = PlacedSound(self._store.samples(source))
        path = self._fresh()
        sound = difference(whole, [PlacedSound(rest, self._plan.offset + pieces[0].start_samples)])
        write_sound(path, sound, self._project.rate_hz, self._store.bits(source), self._check)
        origin = replace(made, task="isolate", similarity=None, null_db=None)
        return LaneTake(audio=self._store.add(path, self._check), made=origin)

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
        if TASKS[self._plan.request.task].replaces:
            lane = lane_for(self._project, made.prompt, MIX)
        starts = [self._plan.offset + piece.start_samples for _, piece in kept]
        refs = [ref for ref, _ in kept]
        if lane is not None and self._plan.regions:
            take = self._onto(lane.take, refs, starts, made)
        elif len(refs) == 1:
            take = LaneTake(audio=refs[0], start=starts[0], made=made)
        else:
            take = self._side_by_side(refs, starts, made)
        return replace(take, midi=self._midi(take, [piece for _, piece in kept], lane.take if lane else None))

    def _midi(self, take: LaneTake, pieces: list[StemResult], old: LaneTake | None) -> str:
        """The notes that are played in a new take; empty where those of a part of it are not known.

        Args:
            old: the take of the lane before; what is not worked on sounds as it does there.
        """
        rate_hz, regions = self._project.rate_hz or take.audio.rate_hz, self._plan.regions
        played = played_in(pieces, self._plan.offset / rate_hz)
        if played is None:
            return ""
        try:
            if regions:
                spans_s = [(first / rate_hz, last / rate_hz) for first, last in regions]
                around = self._around(old)
                if around is None:
                    return ""
                played = spliced(played, around, spans_s)
            return played.moved(-take.start / rate_hz).inside([(0.0, take.audio.samples / rate_hz)]).text()
        except EngineError as error:
            log.info("the notes of a take could not be kept, so somebody has to listen for them: %s", error)
            return ""

    def _around(self, old: LaneTake | None) -> PlayedNotes | None:
        """What is played outside of the regions, in seconds of the project; None where nobody knows.

        Raises:
            EngineError: the notes of the take before cannot be read.
        """
        if old is None:  # what replaces something is silent elsewhere; a part of the mix that is restyled is not
            return PlayedNotes() if TASKS[self._plan.request.task].replaces else None
        return played_of_text(old.midi).moved(old.start / self._project.rate_hz) if old.midi else None

    def _onto(self, old: LaneTake, refs: list[AudioRef], starts: list[int], made: TakeOrigin) -> LaneTake:
        """Splice the new regions into the old take; audio as long as the old take replaces it."""
        replaces = TASKS[self._plan.request.task].replaces  # its files are as long as the mix
        if len(refs) == 1 and refs[0].samples >= old.audio.samples and not replaces:
            return LaneTake(audio=refs[0], start=starts[0], made=made)
        regions = self._plan.regions
        if len(refs) == 1 and not replaces:
            regions = ((starts[0], starts[0] + refs[0].samples),)
        elif len(refs) == 1:
            refs, starts = refs * len(regions), starts * len(regions)
        pieces = [
            CompPiece(PlacedSound(self._store.samples(ref), start), max(first, start), last)
            for ref, start, (first, last) in zip(refs, starts, regions, strict=True)
        ]
        path = self._fresh()
        rate_hz = self._project.rate_hz
        sound = comped(PlacedSound(self._store.samples(old.audio), old.start), pieces, max(round(FADE_S * rate_hz), 1))
        write_sound(path, sound, rate_hz, None, self._check)
        return LaneTake(audio=self._store.add(path, self._check), start=sound.start, made=made)

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
