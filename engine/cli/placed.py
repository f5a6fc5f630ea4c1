"""Regions and parts as they were typed become the seconds of a request, each by the rate of its own file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.checks import check_region
from engine.places import PlacedRegion, example_in_seconds, region_in_seconds
from engine.request import Request, region_fields


def in_seconds(request: Request, regions: Sequence[PlacedRegion]) -> Request:
    """The request with its regions, and with the parts of its examples in seconds.

    Raises:
        RequestError: a region goes backwards, or samples are counted of a file whose rate is not known.
        AudioError: such a file is missing.
    """
    regions_s = [region_in_seconds(region, request.input) for region in regions]
    for region_s in regions_s:
        check_region(region_s)
    examples = tuple(example_in_seconds(example, request.input) for example in request.examples)
    return replace(request, **region_fields(regions_s), examples=examples)
