"""A session for a DAW from what an export writes: a track for each file, with its fader and pan left to the DAW."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import soundfile

from desktop.audio.export import ExportFile, ExportResult, Report, export
from desktop.audio.read import Check
from desktop.models.project import Project
from engine import DawSession, SessionMarker, SessionTrack, TimeMap, export_session

SOUNDS = "wav32f"  # no fader can make it clip
USUAL_BPM = 120.0
SILENT_DB = -120.0


def write_session(
    parts: Sequence[ExportFile],
    project: Project,
    time_map: TimeMap | None,
    place: tuple[str, Path],
    span: tuple[int, int],
    colours: Sequence[str],
    report: Report,
    check: Check,
) -> ExportResult:
    """Write the files of an export as a session. Slow: for a worker.

    Args:
        parts: the files; one with a single track keeps that track's gain and pan as settings.
        project: where they come from; its markers come along.
        time_map: tempo and bars; None leaves the tempo at what DAWs start with.
        place: a row of ``engine.SESSION_FORMATS``, and the folder.
        span: samples of the project, past the last.
        report, check: as for ``export``.

    Raises:
        OutputError: the folder cannot be written to, or the disk is full; nothing was left there.
        RequestError: the format cannot hold it.
    """
    format, folder = place
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fluxstem-", dir=folder) as scratch:
        grid = project.rate_hz, span[1] - span[0]
        plain = [_neutral(part) for part in parts]
        written = export(plain, None, SOUNDS, Path(scratch), grid, report, check)
        tracks = [_track(path, part, project, colours) for path, part in zip(written.paths, parts, strict=True)]
        session = DawSession(
            title=project.title or "untitled",
            tracks=tuple(tracks),
            markers=_markers(project, time_map, span),
            bpm=time_map.bpm if time_map is not None else USUAL_BPM,
            beats_per_bar=time_map.beats_per_bar if time_map is not None else 4,
            tempos=time_map.tempos(span[0] / project.rate_hz) if time_map is not None and time_map.beats_s else (),
        )
        return ExportResult((export_session(session, format, folder / session.title),), 0.0, None)


def _neutral(part: ExportFile) -> ExportFile:
    if len(part.tracks) != 1:
        return part
    return replace(part, tracks=(replace(part.tracks[0], gain=1.0, pan=0.0),))


def _track(path: Path, part: ExportFile, project: Project, colours: Sequence[str]) -> SessionTrack:
    info = soundfile.info(path)
    single = part.tracks[0] if len(part.tracks) == 1 else None
    lane = project.lane(single.key) if single is not None else None
    gain = abs(single.gain) if single is not None else 1.0
    made = SessionTrack(
        name=lane.name if lane is not None else part.name, file=path, rate_hz=info.samplerate, channels=info.channels,
        samples=info.frames, pan=single.pan if single is not None else 0.0,
        gain_db=20 * math.log10(gain) if gain > 0 else SILENT_DB,
    )  # fmt: skip
    if lane is None:
        return made
    return replace(made, colour=colours[lane.colour % len(colours)], muted=not project.heard(lane))


def _markers(project: Project, time_map: TimeMap | None, span: tuple[int, int]) -> tuple[SessionMarker, ...]:
    """The project's markers, and one with the key where the first whole bar begins."""
    first, last = span
    found = [(marker.name, marker.at) for marker in project.markers]
    if time_map is not None:
        here = time_map.moved(-first / project.rate_hz)
        bar_s = here.first_s if here.first_s >= 0 else here.from_the_start().first_s
        found.append((f"{here.words(bar_s)} {time_map.key}".strip(), first + round(bar_s * project.rate_hz)))
    return tuple(SessionMarker(name, (at - first) / project.rate_hz) for name, at in found if first <= at < last)
