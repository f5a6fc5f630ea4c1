"""Render streams of samples to unpublished files: sample format, clip guard, and measured figures."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from engine.audio.atomic import AtomicFile, output_error
from engine.audio.headroom import PEAK_LIMIT
from engine.audio.quantize import NullMeter, clip_to_range, full_scale, guard_gain, level_db, quantize, quantize_pair
from engine.audio.reader import AudioInfo, Samples
from engine.audio.writer import AudioWriter, OutputFormat, open_writer, result_name
from engine.errors import RequestError
from engine.inference.regions import EditRegion
from engine.inference.run import RunContext


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


@dataclass(frozen=True, slots=True)
class RenderedFiles:
    """Finished, unpublished files.

    Attributes:
        files: by field of ``StemResult``; where a name is taken, all get the number of the first.
        null_db: stem + rest - input against the input; None without a rest.
        level_db: energy of the stem against the mix; None where the mix is silent.
        gain_db: common gain; 0 unless the clip guard was needed.
    """

    files: dict[str, AtomicFile]
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
    def name(self) -> str | None:
        """Name of the input without its suffix; result names begin with it."""
        return None if self.info is None else self.info.path.stem


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
    """

    prompt: str
    presence: float
    rendered: RenderedFiles
    spec: OutputSpec
    candidate: int = 0
    similarity: float | None = None
    made: float = 1.0
    windows: tuple[tuple[float, float, float], ...] = ()


def render_pair(
    run: RunContext, pairs: Callable[[], Iterator[StemRestBlock]], output_format: OutputFormat, source: str, prompt: str
) -> RenderedFiles:
    """Write stem and rest.

    Args:
        run: the running request.
        pairs: starts the stream; called a second time when the clip guard is needed.
        output_format: of the files.
        source: name of the input, for the names of the files.
        prompt: for the names of the files.

    Raises:
        OutputError: the disk is full or gone.
    """
    names = {
        part: result_name(source, prompt, output_format.suffix, word) for part, word in (("stem", ""), ("rest", "rest"))
    }
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
                yield [stem_CN, rest_CN]

        drafts, peak = write_tracks(run, tracks(), output_format, names)
        wanted = gain * guard_gain(peak, output_format.bits)
        if wanted == gain:
            level = level_db(*energies) if energies[1] > 0 else None
            return RenderedFiles(drafts, meter.null_db, level, 20 * math.log10(gain))
        close_all(drafts)
        gain = wanted


def render_single(
    run: RunContext,
    stem: Iterator[Samples],
    output_format: OutputFormat,
    source: str | None,
    prompt: str,
    part: str = "stem",
) -> RenderedFiles:
    """Write one file; arguments as for ``render_pair``; ``part`` is ``stem``, ``mix`` or ``rest``.

    There is no clip guard: it would change what is kept of the user's file, and new sound is already limited to fit.

    Raises:
        OutputError: the disk is full or gone.
    """
    names = {part: result_name(source, prompt, output_format.suffix, "" if part == "stem" else part)}
    tracks = ([quantize(block_CN, output_format.bits)] for block_CN in stem)
    drafts, _ = write_tracks(run, tracks, output_format, names)
    return RenderedFiles(drafts, None, None, 0.0)


def write_tracks(
    run: RunContext, tracks: Iterator[list[Samples]], output_format: OutputFormat, names: dict[str, str]
) -> tuple[dict[str, AtomicFile], float]:
    """Write several files of equal length side by side.

    Args:
        run: the running request.
        tracks: block by block, one entry per file, quantized; clipped where out of range.
        output_format: of the files.
        names: of the files, by field of ``StemResult``.

    Returns:
        The finished files, and the highest sample of all before clipping; 0 for float.

    Raises:
        OutputError: the disk is full or gone.
    """
    peak = 0.0
    with contextlib.ExitStack() as undo:
        drafts: dict[str, AtomicFile] = {}
        undo.callback(close_all, drafts)
        for part, name in names.items():
            drafts[part] = AtomicFile(run.folder / name)
        try:
            writers: list[AudioWriter] = [open_writer(draft.stream, output_format) for draft in drafts.values()]
            for blocks_CN in tracks:
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


def close_all(drafts: dict[str, AtomicFile]) -> None:
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
