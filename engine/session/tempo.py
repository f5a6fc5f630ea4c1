"""Hear tempo, bars and key for a session, with the extra ``tempo``."""

from __future__ import annotations

from pathlib import Path

from engine.errors import RequestError
from engine.notes.beats import TempoEstimate, can_estimate, estimate_from_text
from engine.notes.listen import heard_apart, listening_command


def hear_tempo(path: Path) -> TempoEstimate:
    """Tempo, bars and key of a file.

    Raises:
        RequestError: librosa is not installed, or no beat is heard.
        AudioError: the file cannot be read.
    """
    if not can_estimate():
        raise RequestError(
            "hearing the tempo needs librosa; install it with: pip install 'fluxstem[tempo]', or give --tempo a number"
        )
    heard = estimate_from_text(heard_apart(listening_command("tempo", path, behind=False)))
    if heard.time_map is None:
        raise RequestError("no steady beat is heard in {path}; give --tempo a number", path=path)
    return heard
