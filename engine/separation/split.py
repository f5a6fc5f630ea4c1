"""Stem and rest of a part of the user's own mix, block by block, whatever it is that filters the mix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.audio.reader import AudioInfo, FloatArray, Samples, blocks
from engine.inference.clip import SampleQueue, SampleRange
from engine.inference.output import StemRestBlock
from engine.inference.run import RunContext


class StemFilter(Protocol):
    """Takes the stem out of a stream, with whatever delay it needs."""

    def push(self, mix_CN: Samples) -> FloatArray:
        """Add samples and take what is finished: float64 (channels, samples) in, float32 (channels, samples) out."""
        ...

    def flush(self, samples: int) -> FloatArray:
        """The last samples, float32 (channels, samples); ``samples`` is how many are still owed."""
        ...


@dataclass(frozen=True, slots=True)
class SeparatedSection:
    """A section of the mix from which one thing has been taken; more of it is heard than is wanted.

    Attributes:
        info: the mix.
        wanted: the part that is asked about.
        section: what was heard: ``wanted`` and the context around it.
        pairs: stem and rest of any part of the section; may be asked several times.
        presence: 0 (not there) to 1 (there) in ``wanted``; None where only the level of the stem can tell.
    """

    info: AudioInfo
    wanted: SampleRange
    section: SampleRange
    pairs: Callable[[SampleRange], Iterator[StemRestBlock]]
    presence: float | None


def split_by_filter(
    run: RunContext, info: AudioInfo, section: SampleRange, wanted: SampleRange, stem: StemFilter
) -> Iterator[StemRestBlock]:
    """A part of the user's own mix; the rest is what the filter leaves of it.

    Args:
        job: the running request.
        info: the mix.
        section: goes through the filter.
        wanted: is handed back, a part of ``section``.
        stem: a filter that has seen nothing yet.
    """
    waiting, at = SampleQueue(info.channels), section.start

    def finished(stem_CN: FloatArray) -> Iterator[StemRestBlock]:
        nonlocal at
        mix_CN = waiting.take(stem_CN.shape[1])
        first, last = max(wanted.start - at, 0), min(wanted.stop - at, stem_CN.shape[1])
        at += stem_CN.shape[1]
        if first < last:
            yield StemRestBlock(mix_CN[:, first:last], stem_CN[:, first:last].astype(np.float64), None)

    for mix_CN in run.timer.each("read", blocks(info, section.start, section.stop)):
        waiting.push(mix_CN)
        with run.timer.measure("mask"):
            stem_CN = stem.push(mix_CN)
        yield from finished(stem_CN)
    with run.timer.measure("mask"):
        stem_CN = stem.flush(section.stop - at)
    yield from finished(stem_CN)


def with_context(wanted: SampleRange, info: AudioInfo, window_s: float, least_s: float) -> SampleRange:
    """What is heard to answer for a part of a file.

    Args:
        wanted: the part.
        info: the file.
        window_s: a part shorter than this is heard with as much around it as fills it.
        least_s: a longer one with so much on either side.
    """
    if wanted.start == 0 and wanted.stop == info.samples:
        return wanted
    context_s = max(least_s, (window_s - wanted.samples / info.rate_hz) / 2)
    context = round(context_s * info.rate_hz)
    return SampleRange(max(0, wanted.start - context), min(info.samples, wanted.stop + context))
