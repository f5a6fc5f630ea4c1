"""How what is made meets what is kept: a short cross-fade inside the edges of what is made.

Where a gap was cut out of the file there is nothing to fade from; there the sound beside the gap dies away inside it.
Knows nothing of models or files' formats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.audio import AudioInfo, Samples, blocks
from engine.clips import Section

EDGE_S = 0.01  # cross-fade inside the edges of a span
SILENT = 1e-5  # peak below which there is nothing to fade from: a gap that was cut out, or a part that was muted

Times = npt.NDArray[np.int64]


def edge_weight(time_N: Times, span: Section, rate_hz: int, clip: Section) -> Samples:
    """0 outside a span, 1 inside, a short ramp inside its edges where there is sound to fade from or to.

    Args:
        time_N: samples asked about.
        span: samples that change.
        rate_hz: of both.
        clip: samples that there are; no ramp where the span begins or ends with them.
    """
    edge = max(1, min(round(EDGE_S * rate_hz), span.samples // 4))
    rise_N = np.full(len(time_N), np.inf) if span.start <= clip.start else (time_N - span.start + 0.5) / edge
    fall_N = np.full(len(time_N), np.inf) if span.stop >= clip.stop else (span.stop - time_N - 0.5) / edge
    weight_N = np.clip(np.minimum(rise_N, fall_N), 0.0, 1.0)
    return np.where((time_N >= span.start) & (time_N < span.stop), weight_N, 0.0)


@dataclass(frozen=True, slots=True)
class CutOff:
    """What a silent gap cut off: at its edges the sound beside it would jump to nothing.

    Attributes:
        span: of the gap.
        before_C1, after_C1: the last sample before it and the first after it; zeros where nothing was cut off.
    """

    span: Section
    before_C1: Samples
    after_C1: Samples

    def dying(self, time_N: Times, rate_hz: int) -> Samples:
        """Both samples, each dying away from its edge into the gap, ``(C, N)``; means nothing outside the gap."""
        last = EDGE_S / 2 * rate_hz
        into_N = np.clip(time_N - self.span.start + 1, 0, None) / last
        left_N = np.clip(self.span.stop - time_N, 0, None) / last
        dying_CN: Samples = self.before_C1 * np.exp(-into_N) + self.after_C1 * np.exp(-left_N)
        return dying_CN


def cut_offs(
    info: AudioInfo, clip: Section, spans: Sequence[Section], check: Callable[[], None]
) -> list[CutOff | None]:
    """What each of several spans of a clip cut off; None where the span itself sounds at both edges.

    Args:
        info: the file; decoded once.
        clip: part of it that the spans count from.
        spans: what will be made; may reach beyond the clip.
        check: raises to stop, called block by block.

    Raises:
        AudioError: the file cannot be decoded.
    """
    near = [_edges(span, clip, info.rate_hz) for span in spans]
    sections = [section for pair in near for section in pair if section is not None]
    found = iter(_read(info, [Section(clip.start + s.start, clip.start + s.stop) for s in sections], check))
    nothing: Samples = np.zeros((info.channels, 1))
    cut: list[CutOff | None] = []
    for span, (first, last) in zip(spans, near, strict=True):
        before_C1 = after_C1 = nothing
        if first is not None:
            around_CN = next(found)
            before_C1 = around_CN[:, :1] if np.abs(around_CN[:, 1:]).max() < SILENT else nothing
        if last is not None:
            around_CN = next(found)
            after_C1 = around_CN[:, -1:] if np.abs(around_CN[:, :-1]).max() < SILENT else nothing
        cut.append(CutOff(span, before_C1, after_C1) if before_C1.any() or after_C1.any() else None)
    return cut


def _edges(span: Section, clip: Section, rate_hz: int) -> tuple[Section | None, Section | None]:
    """Where to look: one sample outside and some inside of either edge; None where there is nothing outside."""
    edge = max(1, min(round(EDGE_S * rate_hz), span.samples // 4))
    inside = min(span.start + edge, clip.samples)
    first = Section(span.start - 1, inside) if 0 < span.start < clip.samples else None
    return first, Section(span.stop - edge, span.stop + 1) if span.stop < clip.samples else None


def _read(info: AudioInfo, sections: Sequence[Section], check: Callable[[], None]) -> list[Samples]:
    """Several short parts of a file, which may overlap, in one pass."""
    parts: list[Samples] = [np.zeros((info.channels, section.samples)) for section in sections]
    if not sections:
        return parts
    at, end = min(s.start for s in sections), max(s.stop for s in sections)
    for block_CN in blocks(info, at, end):
        check()
        for part_CN, section in zip(parts, sections, strict=True):
            first, last = max(at, section.start), min(at + block_CN.shape[1], section.stop)
            if first < last:
                part_CN[:, first - section.start : last - section.start] = block_CN[:, first - at : last - at]
        at += block_CN.shape[1]
    return parts
