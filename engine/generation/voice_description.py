"""What is said of sound that is made: which voice, which instrument, which notes; and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.audio.atomic import output_error
from engine.audio.file_names import ResultName
from engine.audio.reader import AudioInfo
from engine.generation.inpaint import Candidate
from engine.generation.voice_notes import NO_BEAT, NO_MIDI
from engine.inference.conditioning import Conditioning
from engine.inference.output import ResultDraft
from engine.inference.run import RunContext
from engine.notes.midi import midi_bytes
from engine.notes.note import DrumHit, NoteEvent
from engine.notes.time_map import TimeMap
from engine.optional_packages import is_installed
from engine.request import Request


def told_of(run: RunContext, conditioning: Conditioning, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """Fields of ``TaskResult`` about some candidates that are one result together.

    Args:
        candidates: one for each region; none where nothing was made.

    Raises:
        OutputError: there is no room for the MIDI file.
    """
    voices = dict.fromkeys(one.made_by for one in candidates)
    fits = [one.fit for one in candidates if one.fit is not None]
    notes = [note for one in candidates for note in one.notes]
    time_map = next((one.time_map for one in candidates if one.time_map is not None), None)
    remarks = dict.fromkeys(remark for one in candidates for remark in one.remarks)
    writes_notes = bool(notes) and is_installed("mido")  # without it: the sound is what was asked for
    if notes and not writes_notes:
        remarks[NO_MIDI] = None
    if writes_notes and time_map is None:
        remarks[NO_BEAT] = None
    return {
        "made_by": ", ".join(voices),
        "instrument": ", ".join(dict.fromkeys(one.instrument for one in candidates if one.instrument)),
        "remarks": tuple(remarks),
        "fit": sum(fits) / len(fits) if fits else None,
        "midi": _midi(run, conditioning, notes, time_map) if writes_notes else None,
    }


def place_of(request: Request, info: AudioInfo) -> str:
    """The part of a file that a request is about, for a sentence: ``song.wav, 8-16 s``."""
    return ", ".join((info.path.name, *(f"{start_s:g}-{end_s:g} s" for start_s, end_s in request.regions)))


def _midi(
    run: RunContext, conditioning: Conditioning, notes: Sequence[NoteEvent | DrumHit], time_map: TimeMap | None
) -> ResultDraft:
    """A finished MIDI file without a name."""
    pitched = [one for one in notes if isinstance(one, NoteEvent)]
    data = midi_bytes(pitched, [one for one in notes if isinstance(one, DrumHit)], time_map, conditioning.name)
    draft = ResultDraft(run.folder, ResultName(conditioning.name), ".mid")
    try:
        draft.stream.write(data)
        draft.seal()
    except OSError as error:
        draft.close()
        raise output_error(run.folder, error) from error
    return draft
