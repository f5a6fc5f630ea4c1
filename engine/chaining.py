"""The chains of a request: one that the model hears the input through, and one that its answer goes through.

The first changes nothing but what the model hears: the sound that is filtered, kept or filled stays the user's own.
The second takes the finished stem or rest; then stem + rest is no longer the input, and the null figure says how far.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from engine.audio.atomic import output_error
from engine.audio.disk_array import DiskArray
from engine.audio.formats import OutputFormat
from engine.audio.quantize import clip_to_range, guard_gain, level_db, quantize
from engine.audio.reader import BLOCK_SAMPLES, AudioInfo, Samples, blocks
from engine.audio.writer import AudioWriter, open_writer
from engine.errors import RequestError
from engine.events import Check, Report
from engine.inference.output import RenderedFiles, ResultDraft, TaskResult, close_all
from engine.inference.run import RunContext
from engine.plugins.chain import EffectChain, chain_text, read_chain
from engine.plugins.render import ChainReport, render_rows, resolved, rows_of
from engine.plugins.render_file import peak_of
from engine.request import Request

STAGE = "chain"
BEFORE_SHARE, AFTER_SHARE = 0.1, 0.1  # of the progress
_NO_SUM = "the {part} went through a chain of effects, so stem + rest is no longer the input; null says how far off"


@dataclass(slots=True)
class RequestChains:
    """The chains of one request, and what came of them.

    Attributes:
        before: what the model hears the input through; None for nothing.
        after: what the answer goes through; None for nothing.
        notes: what the user should know, in sentences.
    """

    before: EffectChain | None = None
    after: EffectChain | None = None
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, request: Request) -> RequestChains:
        """Read the chains that a request names, and look for their plug-ins.

        Raises:
            RequestError: a chain or one of its plug-ins is not there or not usable.
        """
        return cls(_looked_up(request.chain_before), _looked_up(request.chain))

    @contextlib.contextmanager
    def heard(
        self, info: AudioInfo | None, rest: AudioInfo | None, folder: Path, report: Report, check: Check
    ) -> Iterator[tuple[AudioInfo | None, AudioInfo | None, Report]]:
        """Input and rest as the model hears them, and who takes the progress of what comes then.

        Args:
            info, rest: the files; the chain is on the first that is there.
            folder: where the rendered sound is kept.
            check: raises to stop.
        """
        source = info or rest
        if self.before is None or source is None:
            yield info, rest, report
            return
        with rows_of(blocks(source), source.channels, folder, check) as given:
            chain = replace(self.before, tail_s=0.0)

            def progress(done: float) -> None:
                report(BEFORE_SHARE * done, STAGE)

            rows, ran = render_rows(chain, given, source.rate_hz, folder, progress, check)
        with rows:
            self.before = ran.chain
            self._note(ran.notes)
            heard = replace(source, heard=rows)

            def later(done: float, stage: str) -> None:
                report(BEFORE_SHARE + (1 - BEFORE_SHARE) * done, stage)

            yield (heard, rest, later) if info is not None else (info, heard, later)

    def drafting(self, target: OutputFormat) -> OutputFormat:
        """The format that answers are drafted in: one that can be read again."""
        return target if self.after is None else replace(target, container="WAV")

    def share(self, run: RunContext) -> RunContext:
        """The run, with room left in its progress for the chain."""
        return run if self.after is None else run.within(0.0, 1.0 - AFTER_SHARE)

    def finish(
        self, run: RunContext, groups: list[list[TaskResult]], target: OutputFormat
    ) -> Iterator[TaskResult]:  # fmt: skip
        """Put finished answers through the chain and write them in their own format.

        Args:
            groups: answers as they were drafted; those of one group may belong together.
            target: a format of the results; they share container and depth.

        Raises:
            OutputError: the disk is full or gone.
        """
        sets = [one for group in groups for one in _sums(run.request, group, run)]
        for number, answers in enumerate(sets):
            if self.after is None:
                yield from answers
            else:
                share = run.within(1.0 - AFTER_SHARE, 1.0).nth(number, len(sets))
                yield from self._finish_set(share, answers, target)

    def applied(self, request: Request) -> Request:
        """The request with its chains as they really ran, so that it can be made again from itself."""
        return replace(
            request,
            chain="" if self.after is None else chain_text(self.after),
            chain_before="" if self.before is None else chain_text(self.before),
        )

    @property
    def told(self) -> dict[str, Any]:
        """What sidecars say of the effects: names, versions, hashes of states."""
        chains = {"chain_effects": self.after, "chain_before_effects": self.before}
        return {name: ChainReport(chain).effects for name, chain in chains.items() if chain is not None}

    def _note(self, notes: tuple[str, ...]) -> None:
        self.notes += [note for note in notes if note not in self.notes]

    def _finish_set(self, run: RunContext, answers: list[TaskResult], target: OutputFormat) -> list[TaskResult]:
        with contextlib.ExitStack() as stack:
            parts = [_Part(at, name, draft) for at, one in enumerate(answers)
                     for name, draft in one.rendered.files.items()]  # fmt: skip
            chosen = _chosen(run, answers, parts)
            for number, part in enumerate(chosen):
                part.wet = stack.enter_context(self._rendered(run.nth(number, len(chosen)), part, answers))
                part.gain = guard_gain(peak_of(part.wet), target.bits)
                if part.gain != 1.0:
                    self._note((f"the chain made the {part.name} {-20 * math.log10(part.gain):.1f} dB too loud for the "
                                "format, and it was lowered by that",))  # fmt: skip
            chained = _ChainedSet(run, answers, parts, target)
            if chained.has_sum and chained.left > 0:
                self._note((_NO_SUM.format(part=chosen[0].name),))
            return chained.answers

    @contextlib.contextmanager
    def _rendered(self, run: RunContext, part: _Part, answers: list[TaskResult]) -> Iterator[DiskArray]:
        assert self.after is not None
        spec = answers[part.answer].spec
        with rows_of(part.blocks(), spec.format.channels, run.folder, run.check) as given:
            rows, ran = render_rows(self.after, given, spec.format.rate_hz, run.folder,
                                    lambda done: run.progress(done, STAGE), run.check)  # fmt: skip
        with rows:
            self.after = ran.chain
            self._note(ran.notes)
            yield rows


def _looked_up(asked: str) -> EffectChain | None:
    return resolved(read_chain(asked))[0] if asked else None


@dataclass(slots=True)
class _Part:
    """One file of an answer.

    Attributes:
        answer: which answer.
        name: ``stem``, ``rest`` or ``mix``.
        draft: as the task wrote it.
        wet: what the chain made of it; None where it is not on it.
        gain: of that.
        energies: of what was written, and of the draft.
    """

    answer: int
    name: str
    draft: ResultDraft
    wet: DiskArray | None = None
    gain: float = 1.0
    energies: tuple[float, float] = (0.0, 0.0)

    def blocks(self) -> Iterator[Samples]:
        """The draft, float64 (channels, samples)."""
        self.draft.stream.seek(0)
        with soundfile.SoundFile(self.draft.stream, closefd=False) as file:
            while len(block_NC := file.read(BLOCK_SAMPLES, dtype="float64", always_2d=True)):
                yield np.ascontiguousarray(block_NC.T)


def _sums(request: Request, group: list[TaskResult], run: RunContext) -> list[list[TaskResult]]:
    """Answers that add up together: all of a group, or each by itself."""
    return [group] if run.rule.together or request.adds_up else [[one] for one in group]


def _chosen(run: RunContext, answers: list[TaskResult], parts: list[_Part]) -> list[_Part]:
    """The files that the chain is on: the answer's, or what was asked for; of a set every stem but the remainder."""
    wanted = run.request.chain_on or run.rule.answer.name.lower()
    stems = [part for part in parts if part.name == wanted]
    if run.request.adds_up:
        stems = [part for part in stems if part.answer < len(answers) - 1]
    if not stems:
        raise RequestError(
            "{task} gives no {part} that a chain could be on; leave --chain-on out", task=run.request.task, part=wanted
        )
    return stems


class _ChainedSet:
    """Writes the files of a set of answers side by side, and measures what their sum is off.

    Attributes:
        answers: with the new files and figures.
        left: energy of what the sum is off beside what it was off before.
        has_sum: True where there was a null figure.
    """

    def __init__(
        self, run: RunContext, answers: list[TaskResult], parts: list[_Part], target: OutputFormat
    ) -> None:  # fmt: skip
        self._run, self._parts, self._target = run, parts, target
        self._best = _best(run, answers)
        self.left, self._whole = 0.0, 0.0
        self.has_sum = any(one.rendered.null_db is not None for one in answers) and target.lossless
        drafts = self._write(answers)
        self.answers = [
            replace(one, rendered=self._figures(one.rendered, at, drafts), spec=replace(
                one.spec, format=self._format(one)))
            for at, one in enumerate(answers)
        ]  # fmt: skip

    def _format(self, answer: TaskResult) -> OutputFormat:
        return replace(answer.spec.format, container=self._target.container)

    def _write(self, answers: list[TaskResult]) -> list[ResultDraft]:
        run = self._run
        with contextlib.ExitStack() as undo:
            drafts, writers = list[ResultDraft](), list[AudioWriter]()
            for part in self._parts:
                target = self._format(answers[part.answer])
                draft = ResultDraft(run.folder, part.draft.name, target.suffix)
                undo.callback(close_all, {part.name: draft})
                drafts.append(draft)
                writers.append(open_writer(draft.stream, target, draft.name.label))
            try:
                with run.timer.measure("write"):
                    self._pour(writers)
                    for writer, draft in zip(writers, drafts, strict=True):
                        writer.close()
                        draft.seal()
            except OSError as error:
                raise output_error(run.folder, error) from error
            undo.pop_all()
        return drafts

    def _pour(self, writers: list[AudioWriter]) -> None:
        at = 0
        for dry in zip(*(part.blocks() for part in self._parts), strict=True):
            self._run.check()
            made = [self._made(part, at, block_CN) for part, block_CN in zip(self._parts, dry, strict=True)]
            self._sum(dry, made)
            for writer, part, made_CN, dry_CN in zip(writers, self._parts, made, dry, strict=True):
                writer.write(made_CN)
                wet, was = part.energies
                part.energies = wet + float(np.square(made_CN).sum()), was + float(np.square(dry_CN).sum())
            at += dry[0].shape[1]
        for writer, part in zip(writers, self._parts, strict=True):
            if part.wet is not None:
                for tail in range(at, part.wet.rows, BLOCK_SAMPLES):
                    writer.write(self._quantized(part, tail, min(tail + BLOCK_SAMPLES, part.wet.rows)))

    def _made(self, part: _Part, at: int, dry_CN: Samples) -> Samples:
        return dry_CN if part.wet is None else self._quantized(part, at, at + dry_CN.shape[1])

    def _quantized(self, part: _Part, start: int, stop: int) -> Samples:
        assert part.wet is not None
        wet_CN = np.ascontiguousarray(part.wet.read(start, stop).T, np.float64)
        return clip_to_range(quantize(wet_CN * part.gain, self._target.bits), self._target.bits)

    def _sum(self, dry: tuple[Samples, ...], made: list[Samples]) -> None:
        """Bring what changed into the mix where there is one, and measure what the sum is off."""
        in_sum = [at for at, part in enumerate(self._parts) if part.name != "mix" and part.answer in self._best]
        change_CN = np.sum([made[at] - dry[at] for at in in_sum], axis=0)
        mixes = [at for at, part in enumerate(self._parts) if part.name == "mix"]
        if mixes and len(self._parts) > 1:
            for at in mixes:
                wanted_CN = dry[at] + change_CN
                made[at] = clip_to_range(quantize(wanted_CN, self._target.bits), self._target.bits)
                self.left += float(np.square(made[at] - wanted_CN).sum())
                self._whole += float(np.square(wanted_CN).sum())
            return
        self.left += float(np.square(change_CN).sum())
        self._whole += float(np.square(np.sum([dry[at] for at in in_sum], axis=0)).sum())

    def _figures(self, rendered: RenderedFiles, answer: int, drafts: list[ResultDraft]) -> RenderedFiles:
        files, level = {}, rendered.level_db
        for part, draft in zip(self._parts, drafts, strict=True):
            if part.answer == answer:
                files[part.name] = draft
                wet, was = part.energies
                if part.name == "stem" and level is not None and was > 0 and part.wet is not None:
                    level += level_db(wet, was)
        null_db = rendered.null_db
        if not self._target.lossless:
            null_db = None
        elif null_db is not None and self.left > 0:
            null_db = max(null_db, level_db(self.left, self._whole))
        return RenderedFiles(files, null_db, level, rendered.gain_db)


def _best(run: RunContext, answers: list[TaskResult]) -> frozenset[int]:
    """The answers that are in the sum: all, or of several candidates for each prompt the first."""
    step = run.request.candidates if run.rule.together else 1
    return frozenset(range(0, len(answers), step))


Finish = Callable[[list[list[TaskResult]]], Iterator[TaskResult]]


def as_text(asked: str) -> str:
    """A chain by its content rather than by its name, so that two chains of one name are told apart."""
    return chain_text(read_chain(asked)) if asked else ""
