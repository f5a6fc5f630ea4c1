"""Short cross-fades just inside the edges of new sound.

The fade starts from what the span held before or, where that is useless (a gap that was cut out, a fault), from the
sound beside the span, mirrored into it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.audio.reader import AudioInfo, Samples, blocks
from engine.inference.clip import SampleRange

EDGE_S = 0.01  # length of the cross-fade inside either edge of a span

Times = npt.NDArray[np.int64]


def edge_samples(span: SampleRange, rate_hz: int) -> int:
    """Length of the cross-fade inside either edge of a span."""
    return max(1, min(round(EDGE_S * rate_hz), span.samples // 4))


def edge_weight(time_N: Times, span: SampleRange, rate_hz: int, clip: SampleRange) -> Samples:
    """Weight of the new sound: 0 outside a span, 1 inside, a ramp inside edges where there is sound to fade from or to.

    Args:
        time_N: sample positions.
        span: samples that change.
        rate_hz: of both.
        clip: all samples; there is no ramp where the span begins or ends with the clip.
    """
    edge = edge_samples(span, rate_hz)
    rise_N = np.full(len(time_N), np.inf) if span.start <= clip.start else (time_N - span.start + 0.5) / edge
    fall_N = np.full(len(time_N), np.inf) if span.stop >= clip.stop else (span.stop - time_N - 0.5) / edge
    weight_N = np.clip(np.minimum(rise_N, fall_N), 0.0, 1.0)
    return np.where((time_N >= span.start) & (time_N < span.stop), weight_N, 0.0)


@dataclass(frozen=True, slots=True)
class MirrorPad:
    """Mirror padding: the sound beside a span, reflected into it, so that it continues without a jump.

    Attributes:
        span: what it is mirrored into.
        before_CE, after_CE: from the edge inwards, as long as the cross-fade; silence where there is no file.
    """

    span: SampleRange
    before_CE: Samples
    after_CE: Samples

    def at(self, time_N: Times) -> Samples:
        """The padding at some positions, ``(C, N)``; silence beyond the cross-fades."""
        found_CN: Samples = np.zeros((len(self.before_CE), len(time_N)))
        for near_CE, inside_N in (
            (self.before_CE, time_N - self.span.start),
            (self.after_CE, self.span.stop - 1 - time_N),
        ):
            here_N = (inside_N >= 0) & (inside_N < near_CE.shape[1])
            found_CN[:, here_N] += near_CE[:, inside_N[here_N]]
        return found_CN


def mirror_pads(
    info: AudioInfo, clip: SampleRange, spans: Sequence[SampleRange], check: Callable[[], None]
) -> list[MirrorPad]:
    """Mirror padding for several spans of a clip, read in one pass.

    Args:
        info: the file; decoded once.
        clip: part of the file that the spans are relative to.
        spans: may reach beyond the clip.
        check: raises to stop; called for every block.

    Raises:
        AudioError: the file cannot be decoded.
    """
    sections = []
    for span in spans:
        edge = edge_samples(span, info.rate_hz)
        for first, last in ((span.start - edge, span.start), (span.stop, span.stop + edge)):
            first, last = (min(max(sample, 0), clip.samples) for sample in (first, last))
            sections.append(SampleRange(clip.start + first, clip.start + last))
    found = _read(info, sections, check)
    return [
        MirrorPad(span, _padded(before_CN[:, ::-1], span, info), _padded(after_CN, span, info))
        for span, before_CN, after_CN in zip(spans, found[::2], found[1::2], strict=True)
    ]


def _padded(near_CN: Samples, span: SampleRange, info: AudioInfo) -> Samples:
    """Pad to the length of the cross-fade, mirroring again where the clip is too short."""
    missing = edge_samples(span, info.rate_hz) - near_CN.shape[1]
    padded_CE: Samples = np.pad(near_CN, ((0, 0), (0, missing)), mode="symmetric" if near_CN.size else "constant")
    return padded_CE


def _read(info: AudioInfo, sections: Sequence[SampleRange], check: Callable[[], None]) -> list[Samples]:
    """Read several short, possibly overlapping parts of a file in one pass."""
    parts: list[Samples] = [np.zeros((info.channels, section.samples)) for section in sections]
    wanted = [section for section in sections if section.samples]
    if not wanted:
        return parts
    at, end = min(section.start for section in wanted), max(section.stop for section in wanted)
    for block_CN in blocks(info, at, end):
        check()
        for part_CN, section in zip(parts, sections, strict=True):
            first, last = max(at, section.start), min(at + block_CN.shape[1], section.stop)
            if first < last:
                part_CN[:, first - section.start : last - section.start] = block_CN[:, first - at : last - at]
        at += block_CN.shape[1]
    return parts
