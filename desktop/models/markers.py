"""Markers: named places of a project."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """One marker.

    Attributes:
        id: its name in this project.
        at: sample of the project.
        name: for the user.
    """

    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    at: int
    name: str


Markers = tuple[Marker, ...]  # in order of time


def with_marker(markers: Markers, marker: Marker) -> Markers:
    """Add a marker, or put it in the place of the one with its id."""
    others = [one for one in markers if one.id != marker.id]
    return tuple(sorted((*others, marker), key=lambda one: one.at))


def without_marker(markers: Markers, marker_id: str) -> Markers:
    """Remove a marker."""
    return tuple(one for one in markers if one.id != marker_id)


def moved(markers: Markers, marker_id: str, at: int) -> Markers:
    """Move a marker to another sample."""
    return _changed(markers, marker_id, at=max(at, 0))


def renamed(markers: Markers, marker_id: str, name: str) -> Markers:
    """Give a marker another name."""
    return _changed(markers, marker_id, name=name)


def next_name(markers: Markers) -> str:
    """The lowest number that no marker has for a name."""
    taken = {marker.name for marker in markers}
    return next(str(number) for number in range(1, len(markers) + 2) if str(number) not in taken)


def _changed(markers: Markers, marker_id: str, **values: object) -> Markers:
    changed = [replace(one, **values) if one.id == marker_id else one for one in markers]  # type: ignore[arg-type]
    return tuple(sorted(changed, key=lambda one: one.at))
