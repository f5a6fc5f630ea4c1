"""Stem and rest, or several stems, of a part of the user's own mix, block by block, for any filter."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.audio.reader import AudioInfo, FloatArray, Samples, blocks
from engine.inference.clip import SampleQueue, SampleRange
from engine.inference.output import StemRestBlock
from engine.inference.run import RunContext
from engine.runtime.threads import ahead


class StemFilter(Protocol):
    """Extracts one stem from a stream, or several, with any delay; the rows of several follow one another."""

    def push(self, mix_CN: Samples) -> FloatArray:
        """Push float64 (channels, samples) of the mix; returns what is done, float32 (stems x channels, samples)."""
        ...

    def flush(self, samples: int) -> FloatArray:
        """Return the last ``samples`` of the stems, float32 (stems x channels, samples)."""
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
        is_gated: False where low presence leaves the stem open; then one that is all but silent is not there either.
    """

    info: AudioInfo
    wanted: SampleRange
    section: SampleRange
    pairs: Callable[[SampleRange], Iterator[StemRestBlock]]
    presence: float | None
    is_gated: bool = True


def split_by_filter(
    run: RunContext, info: AudioInfo, section: SampleRange, wanted: SampleRange, stem: StemFilter, offset_C: Samples
) -> Iterator[StemRestBlock]:
    """Filter one stem out of a part of the user's own mix; the rest is mix minus stem. Arguments as below."""
    for mix_CN, stem_CN in filter_section(run, info, section, wanted, stem, offset_C):
        yield StemRestBlock(mix_CN, stem_CN, None)


def filter_section(
    run: RunContext, info: AudioInfo, section: SampleRange, wanted: SampleRange, stems: StemFilter, offset_C: Samples
) -> Iterator[tuple[Samples, Samples]]:
    """Filter a part of the user's own mix; reading, filtering and what the caller does with it go on at once.

    Args:
        wanted: what is yielded, a part of ``section``.
        offset_C: constant offset of each channel; it is no part of any stem and stays in the rest.

    Yields:
        The mix, float64 (channels, samples), and the stems, float64 (stems x channels, samples).
    """
    with contextlib.closing(ahead(_filtered(run, info, section, wanted, stems, offset_C))) as pairs:
        yield from pairs


def _filtered(
    run: RunContext, info: AudioInfo, section: SampleRange, wanted: SampleRange, stems: StemFilter, offset_C: Samples
) -> Iterator[tuple[Samples, Samples]]:
    waiting, at = SampleQueue(info.channels), section.start

    def finished(stems_KN: FloatArray) -> Iterator[tuple[Samples, Samples]]:
        nonlocal at
        mix_CN = waiting.take(stems_KN.shape[1])
        first, last = max(wanted.start - at, 0), min(wanted.stop - at, stems_KN.shape[1])
        at += stems_KN.shape[1]
        if first < last:
            yield mix_CN[:, first:last], stems_KN[:, first:last].astype(np.float64)

    with contextlib.closing(ahead(run.timer.each("read", blocks(info, section.start, section.stop)))) as mixed:
        for mix_CN in mixed:
            waiting.push(mix_CN)
            with run.timer.measure("mask"):
                stems_KN = stems.push(mix_CN - offset_C[:, None] if offset_C.any() else mix_CN)
            yield from finished(stems_KN)
    with run.timer.measure("mask"):
        stems_KN = stems.flush(section.stop - at)
    yield from finished(stems_KN)


def with_context(wanted: SampleRange, info: AudioInfo, window_s: float, least_s: float) -> SampleRange:
    """A part of a file with the context that separating it needs.

    Args:
        window_s: a shorter part gets enough context to fill one window.
        least_s: context on either side of a longer one.
    """
    if wanted.start == 0 and wanted.stop == info.samples:
        return wanted
    context_s = max(least_s, (window_s - wanted.samples / info.rate_hz) / 2)
    context = round(context_s * info.rate_hz)
    return SampleRange(max(0, wanted.start - context), min(info.samples, wanted.stop + context))
