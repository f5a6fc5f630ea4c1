"""A REAPER project: a text of nested lines, beside a folder of sounds.

Source: projects that REAPER 6 and 7 write; what is left out of a line or block takes REAPER's own default.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from engine.session.plan import DawSession, SessionTrack

MEDIA = "Media"
_SOURCES = {"FLAC": "FLAC", "MP3": "MP3", "MPEG": "MP3", "OGG": "VORBIS"}  # by container; all else is WAVE to REAPER
_OWN_COLOUR = 0x1000000  # without this bit a colour counts as none


def write_reaper(session: DawSession, place: Path, files: dict[Path, str], link: bool) -> None:
    """Write a session as a folder with a project and its sounds; arguments as for ``write_dawproject``."""
    place.mkdir()
    if not link:
        (place / MEDIA).mkdir()
        for file, name in files.items():
            shutil.copyfile(file, place / MEDIA / name)
    named = {file: str(file) if link else f"{MEDIA}/{name}" for file, name in files.items()}
    text = "\n".join(_project(session, named)) + "\n"
    (place / f"{place.name}.rpp").write_text(text, encoding="utf-8", newline="\n")


def _project(session: DawSession, named: dict[Path, str]) -> Iterator[str]:
    yield '<REAPER_PROJECT 0.1 "7.0" 0'
    yield f"  TITLE {_quoted(session.title)}"
    yield f"  SAMPLERATE {session.rate_hz} 1 0"
    yield f"  TEMPO {session.bpm:.10g} {session.beats_per_bar} 4"
    yield '  RECORD_PATH "Media" ""'
    if session.tempos:
        yield "  <TEMPOENVEX"
        yield "    ACT 1 -1"
        yield from (f"    PT {_time(at_s)} {bpm:.10f} 1" for at_s, bpm in session.tempos)  # 1: held until the next
        yield "  >"
    for number, marker in enumerate(session.markers, start=1):
        yield f"  MARKER {number} {_time(marker.at_s)} {_quoted(marker.name)} 0 0 1"
    for number, track in enumerate(session.tracks, start=1):
        yield from (f"  {line}" for line in _track(session, number, track, named[track.file]))
    yield ">"


def _track(session: DawSession, number: int, track: SessionTrack, path: str) -> Iterator[str]:
    own = _guid(session, "track", number)
    yield f"<TRACK {own}"
    yield f"  NAME {_quoted(track.name)}"
    yield f"  PEAKCOL {_colour(track.colour)}"
    yield f"  VOLPAN {track.gain:.10g} {track.pan:.10g} -1 -1 1"
    yield f"  MUTESOLO {int(track.muted)} 0 0"
    yield f"  NCHAN {max(track.channels + track.channels % 2, 2)}"
    yield f"  TRACKID {own}"
    yield from (f"  {line}" for line in _item(session, number, track, path))
    yield ">"


def _item(session: DawSession, number: int, track: SessionTrack, path: str) -> Iterator[str]:
    """One item: no fades, no loop, and left where it is in time when the tempo changes."""
    yield "<ITEM"
    yield f"  POSITION {_time(track.start_s)}"
    yield "  SNAPOFFS 0"
    yield f"  LENGTH {_time(track.length_s)}"
    yield "  LOOP 0"
    yield "  ALLTAKES 0"
    yield "  FADEIN 1 0 0 1 0 0 0"
    yield "  FADEOUT 1 0 0 1 0 0 0"
    yield "  MUTE 0 0"
    yield "  BEAT 0"
    yield f"  IGUID {_guid(session, 'item', number)}"
    yield f"  NAME {_quoted(track.name)}"
    yield "  VOLPAN 1 0 1 -1"
    yield "  SOFFS 0"
    yield "  PLAYRATE 1 1 0 -1 0 0.0025"
    yield "  CHANMODE 0"
    yield f"  GUID {_guid(session, 'take', number)}"
    yield f"  <SOURCE {_SOURCES.get(track.container, 'WAVE')}"
    yield f"    FILE {_quoted(path)}"
    yield "  >"
    yield ">"


def _quoted(text: str) -> str:
    """A text as REAPER reads it: in the first kind of quotes that is not in it."""
    text = " ".join(text.split())
    mark = next((mark for mark in "\"'`" if mark not in text), None)
    return f"{mark}{text}{mark}" if mark else "`" + text.replace("`", "'") + "`"


def _time(seconds: float) -> str:
    return f"{seconds:.14f}"


def _colour(words: str) -> int:
    red, green, blue = (int(words[at : at + 2], 16) for at in (1, 3, 5))
    return _OWN_COLOUR | blue << 16 | green << 8 | red


def _guid(session: DawSession, what: str, number: int) -> str:
    """A name for a part, the same whenever the same session is written."""
    return f"{{{str(uuid.uuid5(uuid.NAMESPACE_OID, f'{session.title}/{what}/{number}')).upper()}}}"
