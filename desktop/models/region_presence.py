"""What the model heard in a region: the lanes' names with the greatest presence there."""

from __future__ import annotations

from desktop.models.project import Project

SHOWN_PRESENCE = 0.3  # below it a name is no help


def heard_in(project: Project, region: tuple[int, int] | None) -> tuple[tuple[str, float], ...]:
    """Names of stems and how present they are, the most present first.

    Args:
        region: samples, first and past the last; None for the whole length.
    """
    found: dict[str, float] = {}
    for lane in project.lanes:
        if lane.role != "stem" or not lane.takes:
            continue
        made = lane.take.made
        first, last = region or (0, project.length)
        shares = [share for start, end, share in made.heard if start < last and end > first]
        share = max(shares, default=made.presence or 0.0 if not made.heard else 0.0)
        name = made.prompt or lane.name
        if share >= SHOWN_PRESENCE:
            found[name] = max(share, found.get(name, 0.0))
    return tuple(sorted(found.items(), key=lambda pair: -pair[1]))
