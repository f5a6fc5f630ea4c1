"""Samples above full scale: what a task keeps of a file must fit into the format of the result.

Integer formats end at full scale; floating point files and decoded lossy ones need not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.audio.formats import format_like
from engine.audio.reader import BITS, AudioInfo, blocks
from engine.audio.riff import RiffExtras
from engine.errors import RequestError
from engine.request import Request
from engine.tasks import Span, rule_of

PEAK_LIMIT = 0.95  # of new sound in a format that ends at full scale


def with_enough_headroom(
    request: Request, info: AudioInfo | None, rest: AudioInfo | None, check: Callable[[], None]
) -> Request:
    """Check that the format holds what the task keeps of its files; ``same`` becomes floating point where it must.

    Args:
        request: with every default filled in.
        info: the input; kept by the tasks that change a span of it.
        rest: the file that goes with it; kept by the tasks that make one piece with it.
        check: raises to stop; called for every block.

    Raises:
        RequestError: the requested format cannot hold it.
        AudioError: the file cannot be decoded.
    """
    rule = rule_of(request.task)
    kept = info if rule.span is not Span.NO else rest if rule.together else None
    if kept is None or format_like(kept, request.format, RiffExtras(), quality=request.quality).bits is None:
        return request
    peak = peak_of_file(kept, check)
    if peak <= 1.0:  # the one step from 1.0 to the highest whole number is less than what rounding may do to it
        return request
    if request.format == "same":
        return replace(request, format="wav32f")
    raise RequestError(
        "{name} reaches {peak:.2f} times full scale, which {format} cannot hold without changing "
        "it; choose --format wav32f",
        name=kept.path.name,
        peak=peak,
        format=request.format,
    )


def peak_of_new(files: Sequence[AudioInfo | None], bits: int | None, check: Callable[[], None]) -> float:
    """Highest sample allowed for new sound: in float, as high as in the files it goes with, else full scale.

    Args:
        files: that it goes with; None where there is none.
        bits: of the format of the result; None for float.
        check: raises to stop; called for every block.

    Raises:
        AudioError: a file cannot be decoded.
    """
    if bits is not None:
        return PEAK_LIMIT
    return max(
        [PEAK_LIMIT, *(peak_of_file(file, check) for file in files if file is not None and file.subtype not in BITS)]
    )


def peak_of_file(info: AudioInfo, check: Callable[[], None]) -> float:
    """Highest sample of a file, full scale at 1; integer formats end there and are not read.

    Raises:
        AudioError: the file cannot be decoded.
    """
    if info.subtype in BITS:
        return 1.0
    peak = 0.0
    for block_CN in blocks(info):
        check()
        peak = max(peak, float(abs(block_CN).max()))
    return peak
