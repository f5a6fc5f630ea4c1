"""Stem and rest of a part of the user's own mix, block by block, for any filter."""

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
    """Extracts the stem from a stream, with any delay."""

    def push(self, mix_CN: Samples) -> FloatArray:
        """Push float64 (channels, samples) of the mix; returns the finished stem, float32 (channels, samples)."""
        ...

    def flush(self, samples: int) -> FloatArray:
        """Return the last ``samples`` of the stem, float32 (channels, samples)."""
        ...


@dataclass(frozen=True, slots=True)
class SeparatedSection:
    """A section of the mix, separated for one prompt.

    Attributes:
        info: the mix.
        wanted: the requested part.
        section: what was read: ``wanted`` and context around it.
        pairs: stem and rest of any part of the section; may be called several times.
        presence: 0 (not there) to 1 (there) in ``wanted``; None where it has to be derived from the level of the stem.
    """

    info: AudioInfo
    wanted: SampleRange
    section: SampleRange
    pairs: Callable[[SampleRange], Iterator[StemRestBlock]]
    presence: float | None


def split_by_filter(
    run: RunContext, info: AudioInfo, section: SampleRange, wanted: SampleRange, stem: StemFilter
) -> Iterator[StemRestBlock]:
    """Filter a part of the user's own mix; the rest is mix minus stem.

    Args:
        run: the running request.
        info: the mix.
        section: what is filtered.
        wanted: what is yielded, a part of ``section``.
        stem: a new filter.
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
    """A part of a file with the context that separating it needs.

    Args:
        wanted: the part.
        info: the file.
        window_s: a shorter part gets enough context to fill one window.
        least_s: context on either side of a longer one.
    """
    if wanted.start == 0 and wanted.stop == info.samples:
        return wanted
    context_s = max(least_s, (window_s - wanted.samples / info.rate_hz) / 2)
    context = round(context_s * info.rate_hz)
    return SampleRange(max(0, wanted.start - context), min(info.samples, wanted.stop + context))
