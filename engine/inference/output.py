"""Turn streams of samples into drafts of files: sample format, clip guard, and the figures that are shown.

Knows nothing of graphs or tasks.
"""

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
    """One block of an isolation.

    Attributes:
        mix_CN: float64 (channels, samples), the input as it was read.
        stem_CN: the wanted stem, same shape.
        rest_CN: the model's own rest; None means what is left of the mix.
    """

    mix_CN: Samples
    stem_CN: Samples
    rest_CN: Samples | None


@dataclass(frozen=True, slots=True)
class RenderedFiles:
    """Finished, unpublished files.

    Attributes:
        drafts: by field of ``StemResult``; the first gives all of them their number where a name is taken.
        null_db: what stem plus rest leaves of the input; None without a rest.
        level_db: energy of the stem against the mix; None where there is no sound to compare with.
        gain_db: common gain, 0 unless a clip guard was needed.
    """

    files: dict[str, AtomicFile]
    null_db: float | None
    level_db: float | None
    gain_db: float


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """Where one result comes from and how it is stored.

    Attributes:
        info: the input, None for tasks that take none.
        rest: the file that goes with it, None where there is none.
        place: where it begins in the input, how long it is, what is made.
        target: how its files are stored.
        peak: the highest sample that new sound may have.
    """

    info: AudioInfo | None
    rest: AudioInfo | None
    region: EditRegion
    format: OutputFormat
    peak: float = PEAK_LIMIT

    @property
    def input(self) -> AudioInfo:
        """The input of a task that takes one.

        Raises:
            RequestError: there is none.
        """
        if self.info is None:
            raise RequestError("this task needs an audio file; give its path")
        return self.info

    @property
    def name(self) -> str | None:
        """What the names of results begin with."""
        return None if self.info is None else self.info.path.stem


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What one prompt came to.

    Attributes:
        prompt: as asked.
        presence: 0 (not there) to 1 (there), estimated.
        rendered: its files.
        brief: where it comes from and how it is stored.
        candidate: what its seed is more than the request's.
        similarity: of the made sound to the prompt, -1 to 1; None where the bundle cannot hear that.
        made: 0 when the model made next to nothing of its own, 1 when it made something.
        windows: ``(start_s, end_s, presence)`` window by window.
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
        job: the running request.
        pairs: starts the stream; asked a second time when a clip guard is needed.
        target: how the files are stored.
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
    """Write a stem alone; arguments as for ``render_pair``, and what it is if it is none: ``mix`` or ``rest``.

    There is no clip guard: it would change what is kept of the user's file, and what is made was made to fit.

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
        job: the running request.
        tracks: block by block, one entry a file, on the grid of the format; cut where they are out of its range.
        target: how the files are stored.
        names: of the files, by what each is.

    Returns:
        The sealed drafts, and the highest sample of all files before they were cut; 0 for float.

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
    """Forget drafts; those that were published stay."""
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
