"""``fluxstem export-session``: results as a project that a DAW opens, every stem at its place."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from engine.errors import RequestError
from engine.host.client import Engine
from engine.notes.time_map import BPM_LIMITS, METER_LIMITS
from engine.places import Place
from engine.session.collect import music_of, session_of
from engine.session.export import SESSION_FORMATS, export_session
from engine.session.plan import SessionMarker, check_session
from engine.session.tempo import hear_tempo

TEMPO_WORDS = ("tags", "listen")


def add_to(sub: argparse.ArgumentParser) -> None:
    """Describe the command to argparse, without ``--json`` and ``--debug``."""
    formats = "; ".join(f"{name} is {row.words}" for name, row in SESSION_FORMATS.items())
    low, high = BPM_LIMITS
    words = "stems, JSONs beside results, folders of results; what a stem left over comes with it"
    sub.add_argument("stems", metavar="STEMS", nargs="+", help=words)
    sub.add_argument("out", metavar="OUT", help="folder and name of the session, as songs/mix")
    sub.add_argument("--format", required=True, choices=tuple(SESSION_FORMATS), help=formats)
    words = (
        f"quarter notes per minute, {low:g} to {high:g}; tags: what the files say, the default; listen: what is heard"
    )
    sub.add_argument("--tempo", type=_tempo, default="tags", metavar="BPM", help=f"{words} (extra tempo)")
    few, many = METER_LIMITS
    words = f"quarter notes in a bar, {few} to {many}; default: what is heard with --tempo listen, else 4"
    sub.add_argument("--meter", type=int, metavar="N", help=words)
    words = "a named place, as 1:05=Chorus or 480000smp=Chorus; repeat it for several"
    sub.add_argument("--marker", action="append", default=[], type=_marker, metavar="PLACE=NAME", help=words)
    sub.add_argument("--title", default="", metavar="TEXT", help="of the session; default: the name of the mix")
    sub.add_argument("--link", action="store_true", help="refer to the sounds where they lie instead of copying them")
    sub.set_defaults(command=run)


def run(arguments: argparse.Namespace, engine: Engine | None) -> int:
    """``fluxstem export-session``; needs no engine."""
    paths = [Path(stem) for stem in arguments.stems]
    music = music_of(paths) if arguments.tempo == "listen" else None
    session = session_of(
        paths,
        title=arguments.title,
        bpm=None if arguments.tempo in TEMPO_WORDS else arguments.tempo,
        beats_per_bar=arguments.meter,
        heard=None if music is None else hear_tempo(music),
        heard_in=music,
    )
    named = [SessionMarker(name, place.seconds(lambda: session.rate_hz)) for place, name in arguments.marker]
    session = check_session(replace(session, markers=(*named, *session.markers)))
    place = export_session(session, arguments.format, arguments.out, link=arguments.link)
    for note in session.notes:
        print(f"fluxstem: {note}", file=sys.stderr)
    if arguments.json:
        tracks = [{"name": track.name, "start_s": track.start_s, "muted": track.muted} for track in session.tracks]
        print(json.dumps({"session": str(place), "bpm": session.bpm, "tracks": tracks}))
    else:
        print(f"{place}\n{len(session.tracks)} tracks, {session.bpm:g} beats per minute")
    return 0


def _tempo(text: str) -> float | str:
    if text in TEMPO_WORDS:
        return text
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a tempo; give a number, tags or listen") from None


def _marker(text: str) -> tuple[Place, str]:
    place, _, name = text.partition("=")
    if not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not a marker; give a place and a name, as 1:05=Chorus")
    try:
        return Place.of(place), name.strip()
    except RequestError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
