"""A place in a sound, as users write it: ``12.5`` seconds, ``1:02.5`` minutes and seconds, or ``480000smp`` samples.

The one parser for the command line, the OSC bridge and the MCP server. Requests hold seconds as 64-bit floats: samples
divided by the rate of their file come back as those very samples, however long the file is.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from pathlib import Path

from engine.audio.probe import RateAndLength, rate_and_length
from engine.checks import check_region
from engine.errors import AudioError, RequestError
from engine.media.reference import SAME, example_path
from engine.request import Request, region_fields

IN_SAMPLES = "smp"  # behind a whole number: that many samples of the sound itself, instead of seconds

_WORDS = rf"\d{{1,15}}{IN_SAMPLES}|(?:\d{{1,15}}:)?(?:\d{{1,15}}(?:\.\d*)?|\.\d+)"
_PLACE = re.compile(rf"\s*({_WORDS})\s*", re.ASCII)
_REGION = re.compile(rf"\s*({_WORDS})\s*-\s*({_WORDS})\s*", re.ASCII)
_PART = re.compile(rf"#t=((?:[0-9.,:]|{IN_SAMPLES})+)$", re.ASCII)  # of an example, behind its file


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a sound whose rate may not be known yet.

    Attributes:
        number: of seconds or samples, from its beginning.
        in_samples: which of them.
    """

    number: float
    in_samples: bool = False

    @classmethod
    def of(cls, text: str) -> Place:
        """Parse a place.

        Raises:
            RequestError: it is none.
        """
        match = _PLACE.fullmatch(text)
        if match is None:
            raise RequestError(
                "{text!r} is no place; give seconds, as 12.5 or 1:05, or samples, as 480000{unit}",
                text=text[:40], unit=IN_SAMPLES,
            )  # fmt: skip
        words = match[1]
        if words.endswith(IN_SAMPLES):
            return cls(int(words.removesuffix(IN_SAMPLES)), in_samples=True)
        minutes, _, seconds = words.rpartition(":")
        return cls(int(minutes or 0) * 60 + float(seconds))

    def seconds(self, rate_hz: Callable[[], int]) -> float:
        """The place in seconds; the rate is asked for only where samples are counted."""
        return self.number / rate_hz() if self.in_samples else self.number


PlacedRegion = tuple[Place, Place]  # start and end


def region_of(text: str) -> PlacedRegion:
    """Parse a region, START-END.

    Raises:
        RequestError: it is none.
    """
    match = _REGION.fullmatch(text)
    if match is None:
        raise RequestError(
            "{text!r} is not a region; give start and end in seconds, as 12.5-20.0 or 1:05-1:20, or in samples, as "
            "480000{unit}-960000{unit}",
            text=text[:80], unit=IN_SAMPLES,
        )  # fmt: skip
    return Place.of(match[1]), Place.of(match[2])


def region_in_seconds(region: PlacedRegion, path: str | None) -> tuple[float, float]:
    """Start and end in seconds.

    Args:
        path: the file whose samples are counted; None for none.

    Raises:
        RequestError, AudioError: samples are counted, and the rate of the file is not known.
    """
    start, end = region
    rate_hz = cache(partial(rate_of, path))
    return start.seconds(rate_hz), end.seconds(rate_hz)


def request_in_seconds(request: Request, regions: Sequence[PlacedRegion]) -> Request:
    """A request with regions as they were written, and the parts of its examples, in seconds of its own files.

    Raises:
        RequestError: a region goes backwards, or samples are counted of a file whose rate is not known.
        AudioError: such a file is missing.
    """
    regions_s = [region_in_seconds(region, request.input) for region in regions]
    for region_s in regions_s:
        check_region(region_s)
    examples = tuple(example_in_seconds(example, request.input) for example in request.examples)
    return replace(request, **region_fields(regions_s), examples=examples)


def rate_of(path: str | None) -> int:
    """Sample rate of a file in Hz, read from its header.

    Raises:
        RequestError: there is no file, or one that says its rate only when it is decoded.
        AudioError: the file is missing.
    """
    if path is None:
        raise RequestError("samples of which file? none is named here, so give places in seconds")
    found = _format_of(path)
    if found is not None:
        return found[0]
    if not os.path.exists(path):
        raise AudioError("there is no file {path}; check the path", path=path)
    raise RequestError(
        "the rate of {name} is not known before it is decoded; give its places in seconds, or convert it to WAV first",
        name=Path(path).name,
    )


def length_of(path: str) -> float | None:
    """Length of a file in seconds, read from its header; None where that does not say."""
    found = _format_of(path)
    return None if found is None else found[1] / found[0]


def _format_of(path: str) -> RateAndLength | None:
    with contextlib.suppress(OSError, ValueError):  # ValueError: no path at all, or nothing is said
        found = os.stat(path)
        return _format_in(path, found.st_ino, found.st_size, found.st_mtime_ns) if os.path.isfile(path) else None
    return None


@lru_cache(maxsize=64)
def _format_in(path: str, number: int, size: int, mtime_ns: int) -> RateAndLength:
    """Asked once for all places in a file: of most kinds, each time would take another process.

    Raises:
        ValueError: it is not said, or not in time; the next time it may be.
    """
    found = rate_and_length(Path(path))
    if found is None:
        raise ValueError(f"{path} does not say its rate")
    return found


def without_part(example: str) -> tuple[str, str]:
    """An example without its part, and the part as it was written, ``#t=12,20``; "" for none."""
    match = _PART.search(example)
    return (example, "") if match is None else (example[: match.start()], match[0])


def example_in_seconds(example: str, input: str | None = None) -> str:
    """An example with the ends of its part in seconds, as ``engine.media.reference`` reads them.

    Args:
        example: as users write it, ``audio:riff.wav#t=4410smp,8820smp``.
        input: the file that the example ``same`` means.

    Raises:
        RequestError, AudioError: an end is no place, or in samples of a file whose rate is not known.
    """
    bare, part = without_part(example)
    if IN_SAMPLES not in part and ":" not in part:
        return example
    path = example_path(bare)
    ends = [Place.of(end) if end else None for end in part.removeprefix("#t=").split(",")]
    rate_hz = cache(partial(rate_of, input if path == SAME else path))
    return f"{bare}#t={','.join('' if end is None else f'{end.seconds(rate_hz):.12f}' for end in ends)}"
