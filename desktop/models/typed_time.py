"""A place of the song as people type it: ``1:02.5``, ``62,5``, ``1:02:03`` or, as bar and beat, ``12|3``."""

from __future__ import annotations

import re

from engine import TimeMap

_NUMBER = re.compile(r"\d+(\.\d*)?|\.\d+")
LONGEST_PARTS = 3  # hours, minutes, seconds


def seconds_of(text: str, time_map: TimeMap | None) -> float | None:
    """Seconds from the start; None for what is no time.

    Args:
        text: as typed.
        time_map: where the beats are; None where bars cannot be told.
    """
    text = "".join(text.split()).replace(",", ".")
    if "|" in text:
        return None if time_map is None else _of_bar(text, time_map)
    parts = text.split(":")
    if len(parts) > LONGEST_PARTS or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    seconds = 0.0
    for part in parts:
        seconds = 60 * seconds + float(part)
    return seconds


def _of_bar(text: str, time_map: TimeMap) -> float | None:
    bar, _, beat = text.partition("|")
    if not bar.isdecimal() or (beat and not _NUMBER.fullmatch(beat)):
        return None
    beats = (int(bar) - 1) * time_map.beats_per_bar + float(beat or 1) - 1
    return max(time_map.seconds_at(beats), 0.0)
