"""What a recent file looks like: its length and a small waveform, kept among the settings."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from desktop.audio.peaks import Peaks
from desktop.models.settings import AppSettings

COLUMNS = 64  # of the waveform
HIGHEST = 15  # of a column: one hexadecimal digit


@dataclass(frozen=True, slots=True)
class RecentLook:
    """Length of a file, and the heights of its waveform from 0 to 1; none where they are not known."""

    seconds: float
    heights: tuple[float, ...]


def recent_looks(settings: AppSettings) -> dict[str, RecentLook]:
    """Looks of recent files by path; what cannot be read is left out."""
    try:
        kept = json.loads(str(settings.get("recent_looks")) or "{}")
        return {
            str(path): RecentLook(float(seconds), tuple(int(digit, 16) / HIGHEST for digit in digits))
            for path, (seconds, digits) in kept.items()
        }
    except (ValueError, TypeError, AttributeError):
        return {}


def keep_look(settings: AppSettings, path: str, peaks: Peaks, samples: int, rate_hz: int) -> None:
    """Keep what a file looks like, and forget files that are not recent any more.

    Args:
        settings: where it is kept.
        path: as it stands among the recent files.
        peaks: of the whole file.
        samples, rate_hz: its length.
    """
    columns = peaks.columns(0.0, max(samples, 1) / COLUMNS, COLUMNS)
    heights = np.abs(columns[:2]).max(axis=0)
    digits = np.round(HIGHEST * heights / max(float(heights.max()), 1e-9)).astype(int)
    recent = settings.get("recent")
    looks = {path: [round(samples / max(rate_hz, 1), 3), "".join(f"{digit:x}" for digit in digits)]}
    for one, look in recent_looks(settings).items():
        if one in recent and one != path:
            looks[one] = [look.seconds, "".join(f"{round(height * HIGHEST):x}" for height in look.heights)]
    settings.set("recent_looks", json.dumps(looks))
