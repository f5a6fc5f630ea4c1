"""Sound over full scale: a file that a task keeps as it is must fit into the format of the result.

Whole numbers end at full scale; floating point and what comes out of a lossy decoder do not. Knows nothing of graphs.
"""

from __future__ import annotations

from dataclasses import replace

from engine.audio import BITS, AudioInfo, blocks
from engine.errors import RequestError
from engine.messages import Request
from engine.output import target_like
from engine.riff import RiffExtras
from engine.tasks import Span, rule_of


def holding(request: Request, info: AudioInfo | None, rest: AudioInfo | None) -> Request:
    """The request with a format that holds what the task keeps of its files; ``same`` becomes floating point for that.

    Args:
        request: with every default filled in.
        info: the input; kept by the tasks that change a span of it.
        rest: the file that goes with it; kept by the tasks that make one piece with it.

    Raises:
        RequestError: the format that was asked for cannot hold it.
        AudioError: the file cannot be decoded.
    """
    rule = rule_of(request.task)
    kept = info if rule.span is not Span.NO else rest if rule.together else None
    if kept is None or target_like(kept, request.format, RiffExtras()).bits is None:
        return request
    peak = highest(kept)
    if peak <= 1.0:  # the one step from 1.0 to the highest whole number is less than what rounding may do to it
        return request
    if request.format == "same":
        return replace(request, format="wav32f")
    raise RequestError(
        f"{kept.path.name} reaches {peak:.2f} times full scale, which {request.format} cannot hold without changing "
        "it; choose --format wav32f"
    )


def highest(info: AudioInfo, start: int = 0, stop: int | None = None) -> float:
    """The highest sample of a file or a part of it, full scale at 1; whole numbers end there and are not looked at.

    Args:
        info: the file.
        start, stop: first sample, and the one past the last; None means the end.

    Raises:
        AudioError: the file cannot be decoded.
    """
    if info.subtype in BITS:
        return 1.0
    return max((float(abs(block_CN).max()) for block_CN in blocks(info, start, stop)), default=0.0)
