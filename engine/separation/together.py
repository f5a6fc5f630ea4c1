"""Several stems of one mix and what they leave of it, written side by side so that all of them add up to the mix.

The stems share the mix bin by bin (``engine.audio.soft_mask.share_masks``). The remainder is the mix minus the stems as
they are written (``engine.audio.quantize.quantize_stems``), so the sum is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np

from engine.audio.file_names import ResultName
from engine.audio.quantize import NullMeter, guard_gain, level_db, quantize_stems
from engine.audio.reader import Samples
from engine.audio.soft_mask import presence
from engine.bundle.separation import LEVEL_PRESENCE
from engine.errors import RequestError
from engine.inference.conditioning import Conditioning
from engine.inference.output import OutputSpec, RenderedFiles, TaskResult, close_all, null_of, write_tracks
from engine.inference.rerank import PresenceMeter
from engine.inference.run import RunContext
from engine.latents import Slot
from engine.request import Request
from engine.stem_sets import remainder_name
from engine.tasks import rule_of

StemBlocks = Iterator[tuple[Samples, Samples]]  # see ``engine.separation.split.filter_section``


class StemMeter(Protocol):
    """Measures one stem while it is written."""

    name: str

    def restart(self) -> None:
        """The stream starts from the beginning; called first of all, and again when a clip guard is needed."""
        ...

    def add(self, stem_CN: Samples, mix_CN: Samples) -> None:
        """Add the next samples, (channels, samples) each."""
        ...

    def result(self, rendered: RenderedFiles, spec: OutputSpec) -> TaskResult:
        """The result, once everything is written."""
        ...


class RemainderMeter:
    """Measures what the stems leave of the mix; whether it is there follows from its level.

    Args:
        edges: boundaries of the windows of presence, in samples of the result.
        start: sample of the input where the result begins.
    """

    def __init__(
        self, run: RunContext, conditionings: Sequence[Conditioning], edges: Sequence[int], start: int
    ) -> None:
        self.name = remainder_name(run.request.stems, tuple(one.name for one in conditionings))
        self._edges, self._start = edges, start
        self.restart()

    def restart(self) -> None:
        """See ``StemMeter``."""
        self._levels = PresenceMeter(self._edges)

    def add(self, stem_CN: Samples, mix_CN: Samples) -> None:
        """See ``StemMeter``."""
        self._levels.add(stem_CN, mix_CN)

    def result(self, rendered: RenderedFiles, spec: OutputSpec) -> TaskResult:
        """See ``StemMeter``."""
        there = 0.0 if rendered.level_db is None else presence(rendered.level_db, LEVEL_PRESENCE)
        windows = self._levels.presence(LEVEL_PRESENCE, spec.format.rate_hz, self._start)
        return TaskResult(self.name, there, rendered, spec, windows=windows)


def check_adds_up(request: Request) -> None:
    """Check that a request for stems that add up names stems; its words may have asked for something else.

    Raises:
        RequestError: they ask for something to be left out.
    """
    if request.adds_up and rule_of(request.task).answer is Slot.REST:
        raise RequestError(
            "stems that add up to the mix are named, and {prompts} asks for something to be left out; name the stems, "
            "the remainder comes with them", prompts=", ".join(request.prompts)[:80],
        )  # fmt: skip


def render_stems(
    run: RunContext, stems: Callable[[], StemBlocks], spec: OutputSpec, meters: Sequence[StemMeter]
) -> list[TaskResult]:
    """Write the stems and their remainder.

    Args:
        stems: starts the stream; called a second time when the clip guard is needed.
        spec: the part of the mix the results cover, and their format.
        meters: of each stem and, last, of the remainder.

    Returns:
        A result for each meter; all have the ``null_db`` of the sum of all.

    Raises:
        OutputError: the disk is full or gone.
    """
    gain = 1.0
    names = {str(at): ResultName(meter.name) for at, meter in enumerate(meters)}
    while True:
        null, energies = NullMeter(spec.format.bits), np.zeros(len(meters) + 1)
        drafts, peak = write_tracks(run, _tracks(run, stems(), spec, meters, gain, null, energies), spec.format, names)
        wanted = gain * guard_gain(peak, spec.format.bits)
        if wanted == gain:
            break
        close_all(drafts)
        gain = wanted
    null_db = null_of(null, spec.format)
    *parts, whole = energies.tolist()
    levels = [level_db(part, whole) if whole > 0 else None for part in parts]
    return [
        meter.result(RenderedFiles({"stem": draft}, null_db, level, 20 * math.log10(gain)), spec)
        for meter, draft, level in zip(meters, drafts.values(), levels, strict=True)
    ]


def _tracks(
    run: RunContext, stems: StemBlocks, spec: OutputSpec, meters: Sequence[StemMeter], gain: float, null: NullMeter,
    energies: Samples,
) -> Iterator[list[Samples]]:  # fmt: skip
    """Block by block all files, quantized; measured on the way."""
    for meter in meters:
        meter.restart()
    seen = 0
    for mix_CN, stems_KN in stems:
        with run.timer.measure("mask"):
            each = np.split(stems_KN, len(meters) - 1)
            tracks = quantize_stems(mix_CN, each, spec.format.bits, gain)
            null.add(mix_CN * gain, *tracks)
            energies += [np.square(one_CN).sum() for one_CN in (*tracks, mix_CN * gain)]
            for meter, stem_CN in zip(meters, (*each, mix_CN - np.sum(each, axis=0)), strict=True):
                meter.add(stem_CN, mix_CN)
        seen += mix_CN.shape[1]
        run.progress(seen / spec.region.wanted.samples, "mask")
        yield tracks
