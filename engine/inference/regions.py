"""Where in time a request works: regions in seconds become samples of the input and of the result."""

from __future__ import annotations

from dataclasses import dataclass

from engine.audio.reader import AudioInfo
from engine.checks import SLACK_S
from engine.errors import RequestError
from engine.inference.clip import SampleRange
from engine.request import Request
from engine.tasks import Span, rule_of

NEW_RATE_HZ, NEW_CHANNELS = 44_100, 2  # of a clip made without an input file


@dataclass(frozen=True, slots=True)
class EditRegion:
    """The part of the input that is read, and the spans of the result that are new.

    Attributes:
        wanted: in samples of the input; the result begins with it or is filtered from it.
        spans: new sound, in samples of the result, in order and disjoint; unused by tasks that only filter.
    """

    wanted: SampleRange
    spans: tuple[SampleRange, ...]

    @property
    def samples(self) -> int:
        """Length of the result in samples."""
        return max(self.wanted.samples, self.spans[-1].stop)


def edit_regions(request: Request, info: AudioInfo | None, rate_hz: int = NEW_RATE_HZ) -> tuple[EditRegion, ...]:
    """Regions of a request, one for each result of a prompt.

    Args:
        request: with every default filled in.
        info: the input; None where the task takes none.
        rate_hz: of the result where there is no input.

    Raises:
        RequestError: a region is not inside the file.
    """
    rule = rule_of(request.task)
    made_s = request.seconds or 0.0
    if info is None:
        return (EditRegion(SampleRange(0, 0), (SampleRange(0, max(1, round(made_s * rate_hz))),)),)
    whole = SampleRange(0, info.samples)
    if rule.span is Span.END:
        return (EditRegion(whole, (SampleRange(info.samples, info.samples + max(1, round(made_s * info.rate_hz))),)),)
    if not request.regions:
        return (EditRegion(whole, (whole,)),)
    if rule.span is not Span.NO:
        return (EditRegion(whole, tuple(_region(region_s, info) for region_s in sorted(request.regions))),)
    regions = [_region(region_s, info) for region_s in request.regions]
    return tuple(EditRegion(region, (SampleRange(0, region.samples),)) for region in regions)


def _region(region_s: tuple[float, float], info: AudioInfo) -> SampleRange:
    start_s, end_s = region_s
    if end_s > info.seconds + SLACK_S or start_s >= info.seconds:
        raise RequestError(
            "region {start_s:g}-{end_s:g} s does not fit {file}; choose a start before the end, "
            "both between 0 and {seconds:.3f} s",
            start_s=start_s,
            end_s=end_s,
            file=info.path.name,
            seconds=info.seconds,
        )
    start = round(start_s * info.rate_hz)
    stop = min(round(end_s * info.rate_hz), info.samples)
    if start >= stop:
        raise RequestError(
            "region {start_s:g}-{end_s:g} s holds not a single sample; choose a longer one",
            start_s=start_s,
            end_s=end_s,
        )
    return SampleRange(start, stop)
