"""Render streams of samples to unpublished files: sample format, clip guard, and measured figures."""

from __future__ import annotations

import contextlib
import math
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.audio.atomic import AtomicFile, output_error
from engine.audio.file_names import ResultName, region_words, result_names
from engine.audio.formats import OutputFormat
from engine.audio.headroom import PEAK_LIMIT
from engine.audio.quantize import NullMeter, clip_to_range, full_scale, guard_gain, level_db, quantize, quantize_pair
from engine.audio.reader import AudioInfo, Samples
from engine.audio.writer import AudioWriter, open_writer
from engine.errors import RequestError
from engine.inference.regions import EditRegion
from engine.inference.run import RunContext
from engine.latents import Slot
from engine.request import Request
from engine.runtime.threads import ahead
from engine.tasks import Span, rule_of


@dataclass(frozen=True, slots=True)
class StemRestBlock:
    """One block of separated audio.

    Attributes:
        mix_CN: float64 (channels, samples), the input as read.
        stem_CN: the stem, same shape.
        rest_CN: the model's own rest; None means mix minus stem.
    """

    mix_CN: Samples
    stem_CN: Samples
    rest_CN: Samples | None


class ResultDraft(AtomicFile):
    """An unfinished file of a result; it gets its final name when all results are there.

    Args:
        folder: where it is to be.
    """

    def __init__(self, folder: Path, name: ResultName, suffix: str) -> None:
        super().__init__(folder / f"{uuid.uuid4().hex}{suffix}")
        self.name, self.suffix = name, suffix


@dataclass(frozen=True, slots=True)
class RenderedFiles:
    """Finished, unpublished files.

    Attributes:
        files: by field of ``StemResult``, the one that was asked for first; where a name is taken, all get the number
            of the first.
        null_db: stem + rest - input against the input; None without a rest, and where the format is lossy.
        level_db: energy of the stem against the mix; None where the mix is silent.
        gain_db: common gain; 0 unless the clip guard was needed.
    """

    files: dict[str, ResultDraft]
    null_db: float | None
    level_db: float | None
    gain_db: float


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """Source and output format of one result.

    Attributes:
        info: the input; None for tasks that take none.
        rest: the file that goes with it; None where there is none.
        region: what is read and what is made.
        format: of the files.
        peak: highest sample that new sound may reach.
    """

    info: AudioInfo | None
    rest: AudioInfo | None
    region: EditRegion
    format: OutputFormat
    peak: float = PEAK_LIMIT

    @property
    def input(self) -> AudioInfo:
        """The input, for a task that needs one.

        Raises:
            RequestError: there is none.
        """
        if self.info is None:
            raise RequestError("this task needs an audio file; give its path")
        return self.info

    @property
    def name(self) -> str:
        """Name of the file that went in without its ending, "" without one; result names begin with it."""
        source = self.info or self.rest
        return "" if source is None else source.path.stem


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One result of a task, before it is published.

    Attributes:
        prompt: as typed.
        presence: 0 (not there) to 1 (there), estimated.
        rendered: its files.
        spec: its source and output format.
        candidate: offset of its seed from that of the request.
        similarity: of the sound to the prompt, -1 to 1; None where the bundle has no audio encoder.
        made: 0 where the model generated next to nothing, 1 where it generated something.
        windows: ``(start_s, end_s, presence)`` of each window.
        made_by: the voice that made the sound; "" where none was made.
        instrument: of the sampler that plays it; "" for none.
        remarks: what the user should know of it, in sentences.
        fit: 0 to 1, how well it goes with the rest; None where that was not measured.
        midi: a finished file of the notes it plays; None where they are not known.
    """

    prompt: str
    presence: float
    rendered: RenderedFiles
    spec: OutputSpec
    candidate: int = 0
    similarity: float | None = None
    made: float = 1.0
    windows: tuple[tuple[float, float, float], ...] = ()
    made_by: str = ""
    instrument: str = ""
    remarks: tuple[str, ...] = ()
    fit: float | None = None
    midi: ResultDraft | None = None

    @property
    def files(self) -> dict[str, ResultDraft]:
        """All files, by field of ``StemResult``."""
        return dict(self.rendered.files) if self.midi is None else {**self.rendered.files, "midi": self.midi}


def name_files(request: Request, number: int, answer: TaskResult) -> None:
    """Give the files of a result the names that the request asks for.

    Args:
        number: of the result, from 1.
    """
    spec, rate_hz = answer.spec, answer.spec.format.rate_hz
    rule = rule_of(request.task)
    region = ""
    if rule.span is Span.NO and request.regions:  # elsewhere the file is all of the input, whatever was changed in it
        start = spec.region.wanted.start
        region = region_words(start / rate_hz, (start + spec.region.samples) / rate_hz)
    values = {"mix": spec.name, "task": request.task, "region": region, "n": number}
    drafts = list(answer.rendered.files.values())
    names = result_names(request.name, values, [draft.name for draft in drafts], spec.format.suffix)
    for draft, name in zip(drafts, names, strict=True):
        draft.wanted = draft.wanted.with_name(name)
    if answer.midi is not None:
        named = answer.rendered.files.get("stem", drafts[0]).wanted
        answer.midi.wanted = named.with_name(named.name.removesuffix(spec.format.suffix) + answer.midi.suffix)


def render_pair(
    run: RunContext, pairs: Callable[[], Iterator[StemRestBlock]], output_format: OutputFormat, prompt: str
) -> RenderedFiles:
    """Write stem and rest, the one that was asked for first.

    Args:
        pairs: starts the stream; called a second time when the clip guard is needed.
        prompt: for the names of the files.

    Raises:
        OutputError: the disk is full or gone.
    """
    names = {"stem": ResultName(prompt), "rest": ResultName(prompt, "rest")}
    if run.rule.answer is Slot.REST:
        names = {"rest": ResultName(f"without {prompt}"), "stem": ResultName(prompt)}
    gain = 1.0
    while True:
        meter, energies = NullMeter(output_format.bits), np.zeros(2)

        def tracks(
            gain: float = gain, meter: NullMeter = meter, energies: Samples = energies
        ) -> Iterator[list[Samples]]:
            for pair in pairs():
                with run.timer.measure("mask"):
                    stem_CN, rest_CN = _quantized(pair, output_format.bits, gain)
                    meter.add(pair.mix_CN * gain, stem_CN, rest_CN)
                    energies += np.square(stem_CN).sum(), np.square(pair.mix_CN).sum() * gain**2
                parts = {"stem": stem_CN, "rest": rest_CN}
                yield [parts[part] for part in names]

        drafts, peak = write_tracks(run, tracks(), output_format, names)
        wanted = gain * guard_gain(peak, output_format.bits)
        if wanted == gain:
            level = level_db(*energies) if energies[1] > 0 else None
            return RenderedFiles(drafts, null_of(meter, output_format), level, 20 * math.log10(gain))
        close_all(drafts)
        gain = wanted


def null_of(meter: NullMeter, output_format: OutputFormat) -> float | None:
    """What was measured, where the files hold what was written; a lossy encoder leaves nothing to be exact about."""
    return meter.null_db if output_format.lossless else None


def render_single(
    run: RunContext, stem: Iterator[Samples], output_format: OutputFormat, prompt: str, part: str = "stem"
) -> RenderedFiles:
    """Write one file; arguments as for ``render_pair``; ``part`` is ``stem``, ``mix`` or ``rest``.

    There is no clip guard: it would change what is kept of the user's file, and new sound is already limited to fit.

    Raises:
        OutputError: the disk is full or gone.
    """
    names = {part: ResultName(prompt, "" if part == "stem" else part)}
    tracks = ([quantize(block_CN, output_format.bits)] for block_CN in stem)
    drafts, _ = write_tracks(run, tracks, output_format, names)
    return RenderedFiles(drafts, None, None, 0.0)


def write_tracks(
    run: RunContext, tracks: Iterator[list[Samples]], output_format: OutputFormat, names: dict[str, ResultName]
) -> tuple[dict[str, ResultDraft], float]:
    """Write several files of equal length side by side, while the next blocks of them are made.

    Args:
        tracks: block by block, one entry per file, quantized; clipped where out of range.
        names: of the files, by field of ``StemResult``.

    Returns:
        The finished files, and the highest sample of all before clipping; 0 for float.

    Raises:
        OutputError: the disk is full or gone.
    """
    peak = 0.0
    with contextlib.ExitStack() as undo:
        drafts: dict[str, ResultDraft] = {}
        undo.callback(close_all, drafts)
        for part, name in names.items():
            drafts[part] = ResultDraft(run.folder, name, output_format.suffix)
        try:
            writers: list[AudioWriter] = [
                open_writer(draft.stream, output_format, draft.name.label) for draft in drafts.values()
            ]
            with contextlib.closing(ahead(tracks)) as made:
                for blocks_CN in made:
                    peak = max(peak, *(_peak(block_CN, output_format.bits) for block_CN in blocks_CN))
                    with run.timer.measure("write"):
                        for writer, block_CN in zip(writers, blocks_CN, strict=True):
                            writer.write(clip_to_range(block_CN, output_format.bits))
            with run.timer.measure("write"):
                for writer, draft in zip(writers, drafts.values(), strict=True):
                    writer.close()
                    draft.seal()
        except OSError as error:
            raise output_error(run.folder, error) from error
        undo.pop_all()
    return drafts, peak


def close_all(drafts: Mapping[str, AtomicFile]) -> None:
    """Discard unpublished files; published ones stay."""
    for draft in drafts.values():
        draft.close()


def _quantized(pair: StemRestBlock, bits: int | None, gain: float) -> tuple[Samples, Samples]:
    if pair.rest_CN is None:
        return quantize_pair(pair.mix_CN, pair.stem_CN, bits, gain)
    return quantize(pair.stem_CN * gain, bits), quantize(pair.rest_CN * gain, bits)


def _peak(block_CN: Samples, bits: int | None) -> float:
    if bits is None or not block_CN.size:
        return 0.0
    # Integers reach one step further down than up.
    return max(float(block_CN.max()), -float(block_CN.min()) * full_scale(bits))
