"""The voice ``sampled``: recorded instruments play the notes of a line, or of a part that was composed to fit.

What comes out are candidates as the flow makes them, so that everything after, levels, edges, sums and figures, is the
same. Where it cannot be done well, nothing comes out but the reason, and the flow makes the sound.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.audio.disk_array import DiskArray
from engine.audio.reader import AudioInfo, FloatArray, Samples, blocks, samples_at
from engine.composing.fit import harmony_fit, rhythm_fit
from engine.composing.music import Music, hear_music, music_from_words
from engine.composing.parts import compose_part, role_of
from engine.errors import RequestError
from engine.generation.context import InpaintContext, power_and_peak
from engine.generation.inpaint import SILENT_POWER, Candidate, level_match
from engine.generation.line_tempo import LineTempo
from engine.generation.voice_notes import (
    NO_INSTRUMENT,
    NO_WORDS,
    NOT_IN_FILE,
    NOT_SURE,
    STROKES_NOT_SURE,
    TOO_FEW_NOTES,
    TOO_FEW_STROKES,
    folded_note,
    moved_note,
)
from engine.inference.clip import SampleRange, at_user_rate
from engine.inference.conditioning import Conditioning
from engine.inference.rerank import similarity
from engine.inference.run import RunContext
from engine.notes.drums import hear_drums, strokes_confidence
from engine.notes.midi import drum_of_key, read_midi, read_tempo
from engine.notes.network import NoteNetwork
from engine.notes.note import DrumHit, NoteEvent
from engine.notes.time_map import TimeMap
from engine.notes.transcribe import SURE_ENOUGH, transcribe
from engine.sampler.instruments import SampledInstrument, load_sampler, read_sound
from engine.sampler.lines import SEVERAL_VOICES, as_line, overlap, playable
from engine.sampler.place import (
    OCTAVES_HZ,
    OctaveMeter,
    RoomSound,
    estimate_room,
    placed,
    placing_filter,
    tone_gains_db,
)
from engine.sampler.play import play_notes
from engine.sampler.register import in_register
from engine.sampler.voice_line import transcribe_line

FEWEST_NOTES = 2
STROKE_S = 0.1  # that a stroke sounds
SINGERS = ("vocal", "voice", "singer", "singing", "solo", "melody", "lead ")


@dataclass(frozen=True, slots=True)
class LineSource:
    """The sound whose line is played again.

    Attributes:
        blocks: starts its samples anew, float64 (channels, samples) at ``rate_hz``.
        rate_hz: of it.
        samples: length, which is that of what is made.
        one_voice: True means that its player plays one note at a time; else that is judged by what is heard.
        tempo: of the music around it; None where nobody asks for a tempo.
    """

    blocks: Callable[[], Iterator[Samples]]
    rate_hz: int
    samples: int
    one_voice: bool = False
    tempo: LineTempo | None = None


@dataclass(frozen=True, slots=True)
class PlayedPart:
    """What is to be played, and where it stands.

    Attributes:
        notes: pitched notes, or strokes.
        gains_db: of octaves, for its tone.
        room: around it.
        fit: 0 to 1, how well it goes with the rest; None where there is nothing to go with.
        remarks: what the user should know, in sentences.
        time_map: bars and beats that it keeps to, in seconds of the input; None where they are not known.
    """

    notes: tuple[NoteEvent | DrumHit, ...]
    gains_db: np.ndarray
    room: RoomSound
    fit: float | None = None
    remarks: tuple[str, ...] = ()
    time_map: TimeMap | None = None


@dataclass(frozen=True, slots=True)
class VoiceCandidates:
    """What became of a prompt: candidates, best first, or none and the reason."""

    candidates: list[Candidate]
    remarks: tuple[str, ...] = ()


def instruments_for(run: RunContext, conditioning: Conditioning) -> list[SampledInstrument]:
    """Recorded instruments that a prompt means, best first.

    Raises:
        BundleError: the sampler is not installed, or damaged.
    """
    intent = run.intents.get(conditioning.prompt)
    names = () if intent is None else (intent.english, *intent.terms)
    return load_sampler().matching((*names, conditioning.prompt))


def plays_one_voice(run: RunContext, conditioning: Conditioning) -> bool:
    """True where a prompt names what plays, or sings, one note at a time."""
    words = f" {conditioning.prompt.lower()} "
    found = instruments_for(run, conditioning)
    return (bool(found) and not found[0].chords) or any(word in words for word in SINGERS)


def replay(
    run: RunContext, old: LineSource, conditioning: Conditioning, context: InpaintContext, peak: float
) -> VoiceCandidates:
    """The line of a sound, played on the instrument of a prompt.

    Args:
        old: whose notes, tone and room are taken.
        context: where it goes; times of a MIDI file are those of the input.
        peak: highest sample allowed.

    Raises:
        BundleError: sampler or note network are not installed, or damaged.
        AudioError: the MIDI file cannot be read.
    """
    instruments = instruments_for(run, conditioning)
    if not instruments:
        return _without(conditioning)
    mono_N, old_db = _heard(run, old)
    notes, remarks = _line(run, mono_N, old, instruments[0], context)
    if not notes:
        return VoiceCandidates([], remarks)
    room = estimate_room(mono_N, old.rate_hz, [_sounds_s(one) for one in notes])
    time_map = _given_tempo(run) or (old.tempo.time_map if old.tempo is not None else None)
    asked = _turns(run, instruments)
    candidates = []
    for index, instrument in enumerate(asked):
        share = run.within(0.3, 1.0).nth(index, len(asked))
        part = _for_instrument(instrument, PlayedPart(notes, old_db, room, None, remarks, time_map))
        candidates.append(_played(share, instrument, part, context, conditioning, peak, index, match_tone=True))
    return VoiceCandidates(candidates, remarks)


def compose(
    run: RunContext, music: Music, conditioning: Conditioning, context: InpaintContext, peak: float
) -> VoiceCandidates:
    """A new part on the instrument of a prompt; those that fit the music best come first.

    Args:
        music: what it is to go with, in seconds of the input.
        context: where it goes.
        peak: highest sample allowed.
    """
    instruments = instruments_for(run, conditioning)
    if not instruments:
        return _without(conditioning)
    asked = _turns(run, instruments)
    seconds = context.clip / context.rate_hz
    here = replace(music, time_map=music.time_map.moved(-context.start_s))
    given, remarks = _given_or_composed(run, instruments[0], context)
    time_map = _given_tempo(run) or music.time_map
    candidates = []
    for index, instrument in enumerate(asked):
        role = role_of(conditioning.prompt, instrument)
        seed = run.request.seed + index
        notes = given or compose_part(here, role, instrument, seconds, seed)
        fit = None
        if music.is_heard:
            fit = 0.5 * (harmony_fit(here, notes) + rhythm_fit(here, notes))
        flat_db = np.zeros(len(OCTAVES_HZ))
        told = (*music.remarks, *remarks)
        part = _for_instrument(instrument, PlayedPart(notes, flat_db, RoomSound(), fit, told, time_map))
        share = run.nth(index, len(asked))
        candidates.append(_played(share, instrument, part, context, conditioning, peak, index))
    return VoiceCandidates(sorted(candidates, key=lambda one: (-(one.fit or 0.0), one.index)))


def music_of(run: RunContext, info: AudioInfo | None) -> Music:
    """What a new part is to go with: the music of a file, or what the prompt's words and the seed say."""
    if info is None:
        words = " ".join((*run.request.prompts, run.request.mix_prompt))
        return music_from_words(words, run.request.seed, run.request.seconds or 0.0)
    return hear_music(info, run.check, run.request.seed)


def _without(conditioning: Conditioning) -> VoiceCandidates:
    words = conditioning.prompt
    return VoiceCandidates([], (NO_INSTRUMENT.format(prompt=repr(words)) if words else NO_WORDS,))


def _turns(run: RunContext, instruments: Sequence[SampledInstrument]) -> list[SampledInstrument]:
    """Which instrument plays which candidate: those that the words mean equally well take turns."""
    first = run.request.seed  # so that a candidate can be made again by its own seed
    return [instruments[(first + index) % len(instruments)] for index in range(run.request.candidates)]


def _heard(run: RunContext, old: LineSource) -> tuple[FloatArray, np.ndarray]:
    """A sound as mono, and its level in octaves."""
    meter, parts = OctaveMeter(old.rate_hz), list[FloatArray]()
    for block_CN in old.blocks():
        run.progress(0.2 * sum(map(len, parts)) / max(old.samples, 1), "notes")
        meter.add(block_CN)
        parts.append(block_CN.mean(axis=0).astype(np.float32))
    return np.concatenate(parts) if parts else np.zeros(0, np.float32), meter.octaves_db


def _line(
    run: RunContext, mono_N: FloatArray, old: LineSource, instrument: SampledInstrument, context: InpaintContext
) -> tuple[tuple[NoteEvent | DrumHit, ...], tuple[str, ...]]:
    """The notes to play, from a MIDI file or from the sound; none and the reason where that is not sure.

    Raises:
        RequestError: the MIDI file has none there.
    """
    if run.request.notes_file:
        if given := _given_notes(run, instrument, context):
            return given, ()
        raise _nothing_given(run, instrument, context)
    with run.timer.measure("notes"):
        return _strokes(mono_N, old) if instrument.is_drums else _pitched(run, mono_N, old)


def _strokes(mono_N: FloatArray, old: LineSource) -> tuple[tuple[DrumHit, ...], tuple[str, ...]]:
    """The strokes in a sound; none and the reason where they are not sure."""
    hits = hear_drums(mono_N[None], old.rate_hz)
    if len(hits) < FEWEST_NOTES:
        return (), (TOO_FEW_STROKES,)
    confidence = strokes_confidence(hits)
    return (hits, ()) if confidence >= SURE_ENOUGH else ((), (STROKES_NOT_SURE.format(confidence=f"{confidence:.2f}"),))


def _pitched(run: RunContext, mono_N: FloatArray, old: LineSource) -> tuple[tuple[NoteEvent, ...], tuple[str, ...]]:
    """The line in a sound; none and the reason where it is not sure."""
    network = NoteNetwork()
    heard = transcribe(mono_N[None], old.rate_hz, network, check=run.check)
    if heard.confidence < SURE_ENOUGH:
        return (), (NOT_SURE.format(confidence=f"{heard.confidence:.2f}"),)
    notes = playable(heard.notes)
    if old.one_voice or overlap(notes) < SEVERAL_VOICES:
        notes = transcribe_line(mono_N, old.rate_hz, network, run.check)
    return (notes, ()) if len(notes) >= FEWEST_NOTES else ((), (TOO_FEW_NOTES,))


def _given_or_composed(
    run: RunContext, instrument: SampledInstrument, context: InpaintContext
) -> tuple[tuple[NoteEvent | DrumHit, ...], tuple[str, ...]]:
    """The notes of a request's MIDI file for a new part; none where one is composed, and why where a file was given.

    Raises:
        RequestError: nobody plays anything of the file.
    """
    if not run.request.notes_file:
        return (), ()
    if given := _given_notes(run, instrument, context):
        return given, ()
    if len(run.request.prompts) == 1:
        raise _nothing_given(run, instrument, context)
    return (), (NOT_IN_FILE.format(instrument=instrument.name),)


def _given_notes(
    run: RunContext, instrument: SampledInstrument, context: InpaintContext
) -> tuple[NoteEvent | DrumHit, ...]:
    """Notes of a request's MIDI file for an instrument, in seconds of what is made; none where nothing new sounds."""
    notes, hits = read_midi(Path(run.request.notes_file or ""))
    if instrument.is_drums and not hits and len(run.request.prompts) == 1:  # some DAWs write drums on any channel
        hits = tuple(DrumHit(one.start_s, drum_of_key(one.key), one.velocity) for one in notes)
    begin_s = context.start_s
    moved: list[NoteEvent | DrumHit] = [replace(one, at_s=one.at_s - begin_s) for one in hits if one.at_s >= begin_s]
    if not instrument.is_drums:
        moved = [
            replace(one, start_s=max(one.start_s - begin_s, 0.0), end_s=one.end_s - begin_s)
            for one in notes if one.end_s > begin_s
        ]  # fmt: skip
    spans_s = [(one.span.start / context.rate_hz, one.span.stop / context.rate_hz) for one in context.regions]
    is_heard = any(_sounds_s(one)[0] < stop and _sounds_s(one)[1] > start for one in moved for start, stop in spans_s)
    return tuple(moved) if is_heard else ()


def _sounds_s(note: NoteEvent | DrumHit) -> tuple[float, float]:
    """From when to when something is played."""
    return (note.at_s, note.at_s + STROKE_S) if isinstance(note, DrumHit) else (note.start_s, note.end_s)


def _nothing_given(run: RunContext, instrument: SampledInstrument, context: InpaintContext) -> RequestError:
    """That a MIDI file has nothing where new sound goes."""
    first, last = context.regions[0].span.start, context.regions[-1].span.stop
    return RequestError(
        "{path} has no notes for the {instrument} from {start:.2f} to {end:.2f} s; notes are played at their own "
        "seconds, and those of drums are on channel 10: move them there, or leave the MIDI file out",
        path=run.request.notes_file, instrument=instrument.name, start=context.start_s + first / context.rate_hz,
        end=context.start_s + last / context.rate_hz,
    )  # fmt: skip


def _given_tempo(run: RunContext) -> TimeMap | None:
    """Tempo and bars of the MIDI file of a request; None without one, or where it names none."""
    return read_tempo(Path(run.request.notes_file)) if run.request.notes_file else None


def _for_instrument(instrument: SampledInstrument, part: PlayedPart) -> PlayedPart:
    """A part in the register of an instrument, with a remark where that moved it."""
    if instrument.is_drums:
        return part
    pitched = [one for one in part.notes if isinstance(one, NoteEvent)]
    fitted = in_register(pitched if instrument.chords else as_line(pitched), instrument)
    remarks = part.remarks
    if fitted.octaves:
        remarks = (*remarks, moved_note(instrument.name, fitted.octaves))
    if fitted.folded:
        remarks = (*remarks, folded_note(instrument.name, fitted.folded))
    return replace(part, notes=fitted.notes, remarks=remarks)


def _played(
    run: RunContext, instrument: SampledInstrument, part: PlayedPart, context: InpaintContext,
    conditioning: Conditioning, peak: float, index: int, match_tone: bool = False,
) -> Candidate:  # fmt: skip
    """A part as sound: dry, then with the tone and room of its place, then at its level."""
    rate_hz, samples, channels = context.rate_hz, context.clip, context.channels
    seed = run.request.seed + index
    with contextlib.ExitStack() as undo:
        dry = DiskArray(run.folder, _width(instrument, channels, rate_hz))
        with dry, run.timer.measure("play"):
            meter = OctaveMeter(rate_hz)
            for block_CN in play_notes(instrument, part.notes, rate_hz, samples, seed):
                run.progress(0.5 * dry.rows / samples, "play")
                block_CN = block_CN if len(block_CN) == dry.width else block_CN.mean(axis=0, keepdims=True)
                meter.add(block_CN)
                dry.append(np.ascontiguousarray(block_CN.T))
            gains_db = tone_gains_db(part.gains_db, meter.octaves_db) if match_tone else part.gains_db
            filter_CN = placing_filter(part.room, gains_db, rate_hz, channels, seed)
            wet = undo.enter_context(DiskArray(run.folder, channels))
            dry_blocks = (dry.read(at, min(at + (1 << 17), samples)).T for at in range(0, samples, 1 << 17))
            for block_CN in placed(dry_blocks, filter_CN, samples):
                run.progress(0.5 + 0.5 * wet.rows / samples, "play")
                wet.append(np.ascontiguousarray(block_CN.T))
        candidate = _rated(run, instrument, part, context, conditioning, peak, Candidate(index, wet, (), 1.0, None))
        undo.pop_all()
    return candidate


def _width(instrument: SampledInstrument, channels: int, rate_hz: int) -> int:
    """Channels of the dry sound: a stereo recording stays one where the result is stereo."""
    return channels if len(read_sound(instrument, rate_hz)) == channels else 1


def _rated(
    run: RunContext, instrument: SampledInstrument, part: PlayedPart, context: InpaintContext,
    conditioning: Conditioning, peak: float, bare: Candidate,
) -> Candidate:  # fmt: skip
    wet, rate_hz = bare.audio, context.rate_hz
    levels = [power_and_peak(wet, region.span.start, region.span.stop) for region in context.regions]
    powers = [power / wet.width for power, _ in levels]
    gains = tuple(
        level_match(region, power, highest, context, peak)
        for region, power, (_, highest) in zip(context.regions, powers, levels, strict=True)
    )
    there = [float(power > SILENT_POWER) for power in powers]
    spans_s = [(context.start_s + one.span.start / rate_hz, context.start_s + one.span.stop / rate_hz)
               for one in context.regions]  # fmt: skip
    windows = tuple(
        (round(start_s, 6), round(end_s, 6), here) for (start_s, end_s), here in zip(spans_s, there, strict=True)
    )
    with _as_model_hears(run, context, wet) as mono:
        alike = similarity(run, mono, 0, conditioning.prompt_SE)
    return replace(
        bare, gains=gains, presence=max(there, default=1.0), similarity=alike, windows=windows, rate_hz=rate_hz,
        made_by="sampled", instrument=instrument.name, remarks=part.remarks, fit=part.fit,
        notes=_at_input_times(part.notes, context.start_s), time_map=part.time_map,
    )  # fmt: skip


def _as_model_hears(run: RunContext, context: InpaintContext, wet: DiskArray) -> DiskArray:
    """A sound as mono at the model's rate; the caller closes it."""
    model_hz, mono = run.model.grid.sample_rate_hz, DiskArray(run.folder, 1)
    for block_CN in at_user_rate(wet, context.rate_hz, model_hz, samples_at(wet.rows, context.rate_hz, model_hz)):
        mono.append(np.ascontiguousarray(block_CN.mean(axis=0, keepdims=True).T))
    return mono


def model_rate_mono(run: RunContext, candidate: Candidate, held: contextlib.ExitStack) -> DiskArray:
    """A candidate as mono at the model's rate, for what is made after it.

    Args:
        held: closes the sound.
    """
    if not candidate.rate_hz:
        return candidate.audio
    model_hz = run.model.grid.sample_rate_hz
    mono = held.enter_context(DiskArray(run.folder, 1))
    total = samples_at(candidate.audio.rows, candidate.rate_hz, model_hz)
    for block_CN in at_user_rate(candidate.audio, candidate.rate_hz, model_hz, total):
        mono.append(np.ascontiguousarray(block_CN.mean(axis=0, keepdims=True).T))
    return mono


def _at_input_times(notes: Sequence[NoteEvent | DrumHit], start_s: float) -> tuple[NoteEvent | DrumHit, ...]:
    """Notes in seconds of the input, for a MIDI file that lies beside the result."""
    return tuple(
        replace(one, at_s=one.at_s + start_s) if isinstance(one, DrumHit)
        else replace(one, start_s=one.start_s + start_s, end_s=one.end_s + start_s)
        for one in notes
    )  # fmt: skip


def line_source(info: AudioInfo, section: SampleRange, tempo: LineTempo) -> LineSource:
    """A part of a file, as the sound whose line is played again."""
    return LineSource(lambda: blocks(info, section.start, section.stop), info.rate_hz, section.samples, tempo=tempo)
