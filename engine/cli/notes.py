"""``fluxstem notes``: what was played in a stem, as a list, as JSON and as a MIDI file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from engine.host.client import Engine
from engine.notes.listen import heard_apart, listening_command
from engine.notes.stem_analysis import STEM_KINDS, StemAnalysis, analysis_json, analysis_of_json
from engine.notes.write import write_new
from engine.optional_packages import require_librosa, require_mido

SHOWN_NOTES = 12
_KEYS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def add_to(sub: argparse.ArgumentParser) -> None:
    """Describe the command to argparse, without ``--json`` and ``--debug``."""
    sub.add_argument("stem", metavar="STEM", help="a stem, or any other file with sound")
    sub.add_argument("--midi", metavar="OUT.mid", help="write a MIDI file; a number follows the name where it is taken")
    words = "what it is heard as: notes with a pitch, or strokes on drums; auto goes by its name, JSON and sound"
    sub.add_argument("--as", dest="kind", choices=STEM_KINDS, default="auto", help=words)
    words = "tempo and key are heard in this file, which begins where the stem does; default: the mix that the stem's "
    sub.add_argument("--mix", metavar="FILE", help=words + "JSON names, else the stem")
    sub.add_argument("--no-tempo", action="store_true", help="notes alone, without tempo, bars and key")
    sub.set_defaults(command=run)


def run(arguments: argparse.Namespace, engine: Engine | None) -> int:
    """``fluxstem notes``; needs no engine."""
    if arguments.midi:
        require_mido()
    if arguments.mix and not arguments.no_tempo:
        require_librosa()
    mix = Path(arguments.mix) if arguments.mix else None
    command = listening_command(
        "notes", Path(arguments.stem), arguments.kind, mix, with_tempo=not arguments.no_tempo, behind=False
    )
    heard = analysis_of_json(heard_apart(command))
    place = None
    if arguments.midi:
        place = write_new(Path(arguments.midi), ".mid", heard.midi_bytes())
    for sentence in heard.said:
        print(f"fluxstem: {sentence}", file=sys.stderr)
    if arguments.json:
        print(json.dumps({**analysis_json(heard), "midi": None if place is None else str(place)}))
        return 0
    print("\n".join(analysis_lines(heard)))
    if place is not None:
        print(f"midi      {place}")
    return 0


def analysis_lines(heard: StemAnalysis) -> Iterator[str]:
    """What was heard, in lines for a terminal."""
    count = len(heard.hits) if heard.kind == "drums" else len(heard.notes)
    what = "strokes" if heard.kind == "drums" else "notes"
    yield f"{heard.name}: {count} {what} in {heard.length_s:.1f} s, confidence {heard.confidence:.2f}"
    tempo = heard.tempo
    if tempo is not None and tempo.time_map is not None:
        sure = f"confidence {tempo.bpm_confidence:.2f}"
        drifts = ", drifting" if tempo.beats_s else ""
        yield f"tempo     {tempo.bpm:g} beats per minute{drifts}, {sure}"
        sure = f"confidence {tempo.downbeat_confidence:.2f}"
        yield f"bars      of {tempo.beats_per_bar} from {tempo.time_map.from_the_start().first_s:.2f} s, {sure}"
    if tempo is not None and tempo.key:
        yield f"key       {tempo.key}, confidence {tempo.key_confidence:.2f}"
    rows = [(hit.at_s, hit.drum, hit.velocity) for hit in heard.hits]
    rows += [(note.start_s, f"{_name(note.key)} for {note.length_s:.2f} s", note.velocity) for note in heard.notes]
    for at_s, words, velocity in rows[:SHOWN_NOTES]:
        yield f"{at_s:8.2f} s  {words}, velocity {round(velocity * 127)}"
    if len(rows) > SHOWN_NOTES:
        yield f"          and {len(rows) - SHOWN_NOTES} more; --json and --midi have all"


def _name(key: int) -> str:
    """As ``A4``; middle C is C4."""
    return f"{_KEYS[key % 12]}{key // 12 - 1}"
