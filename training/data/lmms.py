"""Songs as LMMS projects: which track is which family, and their stems rendered by LMMS.

``lmms.toml`` names projects and families. Every stem is the whole project with all other tracks muted and the effects
of the master channel off, so the stems sum to the song.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import tomllib
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from training.data.recordings import OTHER, read_audio
from training.typing import Audio

TICKS = 48  # of a quarter note
STEP = 768  # ticks: an excerpt begins with four bars of 4/4
USUAL_TEMPO = 140
TRACKS = "song/trackcontainer/track"
BEAT = "1"  # type of a track that holds a beat
SOUNDING = ("0", "2")  # types of tracks that sound by themselves: an instrument, a sample
MERGED = ("drums", "percussion", OTHER)  # several tracks of these are one stem
LONGEST_S = 1200.0  # of one rendering


@dataclass(frozen=True, slots=True)
class ProjectStem:
    """What is rendered as one stem.

    Attributes:
        family: ours, or "other".
        part: piece of the kit, or "".
        words: names of its tracks.
        tracks: places of its tracks in the project.
    """

    family: str
    part: str
    words: str
    tracks: tuple[int, ...]


@cache
def tables() -> dict[str, Any]:
    """``lmms.toml``."""
    return tomllib.loads(Path(__file__).with_name("lmms.toml").read_text("utf-8"))


def read_project(path: Path) -> ET.Element:
    """The XML of a project, packed (``.mmpz``: four bytes of length, then zlib) or plain.

    Raises:
        ValueError: it is neither.
    """
    data = path.read_bytes()
    try:
        return ET.fromstring(zlib.decompress(data[4:]) if path.suffix == ".mmpz" else data)
    except (zlib.error, ET.ParseError) as error:
        raise ValueError(f"{path} is no LMMS project: {error}") from error


def stems_of(project: ET.Element, named: dict[str, str]) -> list[ProjectStem]:
    """The stems of a project: a piece of the kit, all percussion, all that has no name, and every other track.

    Args:
        named: family by a track's place, for tracks that play no sample of a known name.
    """
    merged: dict[tuple[str, str], list[tuple[int, str]]] = {}
    alone: list[ProjectStem] = []
    for place, track in enumerate(project.iter("track")):
        if not _sounds(track):
            continue
        family, _, part = (named.get(str(place)) or _family_of_sample(track)).partition("/")
        words = track.get("name") or ""
        if family in MERGED:
            merged.setdefault((family, part), []).append((place, words))
        else:
            alone.append(ProjectStem(family, part, words, (place,)))
    together = [
        ProjectStem(family, part, ", ".join(dict.fromkeys(words for _, words in tracks)), tuple(p for p, _ in tracks))
        for (family, part), tracks in merged.items()
    ]
    return together + alone


def _sounds(track: ET.Element) -> bool:
    """True for an instrument with notes that is not muted."""
    plays = track.find("instrumenttrack") is not None and track.find(".//note") is not None
    return plays and track.get("muted", "0") == "0"


def _family_of_sample(track: ET.Element) -> str:
    instrument = track.find("instrumenttrack/instrument")
    sample = next((e.get("src") for e in instrument.iter() if e.get("src")), "") if instrument is not None else ""
    name = (sample or "").rsplit("/", 1)[-1].lower()
    return next((family for beginning, family in tables()["samples"].items() if beginning in name), OTHER)


def soloed(project: ET.Element, tracks: tuple[int, ...]) -> bytes:
    """The project with all other tracks muted and the master channel's effects off."""
    changed = ET.fromstring(ET.tostring(project))
    for place, track in enumerate(changed.iter("track")):
        if track.get("type") in SOUNDING:
            track.set("muted", "0" if place in tracks else "1")
            track.set("solo", "0")
    for channel in changed.iter("fxchannel"):
        effects = channel.find("fxchain")
        if channel.get("num") == "0" and effects is not None:
            effects.set("enabled", "0")
    return bytes(ET.tostring(changed, encoding="utf-8", xml_declaration=True))


def excerpt(project: ET.Element, seconds: float) -> ET.Element:
    """The project cut to the span, at its first tempo, in which most tracks play; whole when it is shorter."""
    head = project.find("head")
    tempo = head.get("bpm") if head is not None else None
    length = max(1, round(seconds * float(tempo or USUAL_TEMPO) / 60 * TICKS) // STEP) * STEP
    clips = [
        clip for track in project.findall(TRACKS) if track.get("type") in (*SOUNDING, BEAT) for clip in _clips(track)
    ]
    end = max((_span(clip)[1] for clip in clips), default=0)
    changed = ET.fromstring(ET.tostring(project))
    if end <= length:
        return changed
    first = max(range(0, end - length + STEP, STEP), key=lambda at: _busy(clips, at, at + length))
    for track in changed.findall(TRACKS):
        for clip in _clips(track):
            if not _cut(clip, first, first + length):
                track.remove(clip)
    return changed


def _clips(track: ET.Element) -> list[ET.Element]:
    return [clip for clip in track if clip.get("pos") is not None]


def _span(clip: ET.Element) -> tuple[int, int]:
    """First and last tick of a clip."""
    start = int(clip.get("pos", 0))
    notes = [int(note.get("pos", 0)) + max(0, int(note.get("len", 0))) for note in clip.findall("note")]
    return start, start + max([int(clip.get("len") or 0), *notes, 1])


def _busy(clips: list[ET.Element], first: int, last: int) -> int:
    """How many ticks of clips are in a span."""
    spans = [_span(clip) for clip in clips]
    return sum(max(0, min(end, last) - max(start, first)) for start, end in spans)


def _cut(clip: ET.Element, first: int, last: int) -> bool:
    """Cut a clip to a span that becomes the project's beginning; False when nothing of it is left."""
    start, end = _span(clip)
    if start >= last or end <= first:
        return False
    for event in [e for e in clip if e.tag in ("note", "time")]:
        at = start + int(event.get("pos", 0))
        if first <= at < last:
            event.set("pos", str(at - max(start, first)))
        else:
            clip.remove(event)
    clip.set("pos", str(max(start, first) - first))
    if clip.get("len") is not None:
        clip.set("len", str(min(end, last) - max(start, first)))
    return True


def render(project: bytes, name: str) -> Audio:
    """What LMMS plays, float32 ``(2, N)`` at 44.1 kHz.

    Raises:
        FileNotFoundError: LMMS is not installed.
        ValueError: it could not render.
    """
    program = shutil.which("lmms")
    if program is None:
        raise FileNotFoundError("no lmms on the PATH; install Debian's lmms to render its projects")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "project.mmp"), Path(folder, "stem.wav")
        source.write_bytes(project)
        as_root = ["--allowroot"] if os.geteuid() == 0 else []
        command = [program, *as_root, "render", str(source), "-o", str(target), "-f", "wav", "-a", "-s", "44100"]
        command += ["-x", "1", "-i", "linear"]
        done = subprocess.run(
            command,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
        )
        if done.returncode != 0 or not target.is_file():
            raise ValueError(f"LMMS could not render {name}: {done.stderr.strip()[-300:] or done.returncode}")
        return read_audio(target)


def song_stems(projects: Path, name: str, seconds: float) -> Iterator[tuple[ProjectStem, Audio]]:
    """The rendered stems of a project of the table; the busiest part where it is longer."""
    row = tables()["projects"][name]
    project = excerpt(read_project(projects / row["file"]), seconds)
    for stem in stems_of(project, row["tracks"]):
        yield stem, render(soloed(project, stem.tracks), f"{name}: {stem.words}")


def credit(name: str) -> str:
    """Licence and author of a project of the table."""
    row = tables()["projects"][name]
    return f"song {name}: {row['licence']}, {row['author']}; demo project of LMMS, with samples and presets of LMMS"
