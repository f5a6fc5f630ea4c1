"""Notes as a standard MIDI file, and back. Only this file imports mido, from the extra ``notes``.

Seconds of the sound stay seconds of the file: dropped at the place of the sound, every note is where it was heard.
"""

from __future__ import annotations

import importlib
import io
import itertools
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import AudioError
from engine.notes.note import BEND_STEP_S, DrumHit, NoteEvent
from engine.notes.time_map import BPM_LIMITS, METER_LIMITS, TimeMap
from engine.optional_packages import require_mido

TICKS_PER_BEAT = 960
USUAL_BPM = 120.0
DRUM_CHANNEL = 9
MELODIC_CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
WHEEL_SEMITONES = 2.0  # what every synthesiser starts with
WHEEL_STEPS = 8191
HIT_S = 0.05
# Of what is read: a few bytes can ask for a note of years, and a crowd of notes costs far more than their bytes.
LIMIT_BYTES = 4 << 20
LONGEST_S = 6 * 3600.0
NOTES_LIMIT = 100_000
BENDS_LIMIT = 4_000_000  # values of all notes together
TEMPOS_LIMIT, BEATS_LIMIT = 20_000, 20_000

_Message = tuple[float, int, Any]  # seconds, order at one time, mido's message
_BAR_MARKER = re.compile(r"\d+\|1")
_Read = TypeVar("_Read")


def midi_bytes(
    notes: Sequence[NoteEvent], hits: Sequence[DrumHit] = (), time_map: TimeMap | None = None, name: str = "",
    key: str = "",
) -> bytes:  # fmt: skip
    """A MIDI file of type 1: tempo, meter and key in its first track, pitched notes in one, drums in one.

    Notes that bend and overlap others take turns on channels of their own, as MIDI bends whole channels.

    Args:
        notes: pitched notes.
        hits: strokes, on the keys of General MIDI's percussion, channel 10.
        time_map: tempo, bars and key; None means 120 beats per minute in 4/4.
        key: as ``A minor``, where there is no map.

    Raises:
        RequestError: mido is not installed.
    """
    mido = _mido()
    clock = _Clock(time_map)
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
    file.tracks.append(_track(mido, clock, list(_conductor(mido, time_map, key)), ""))
    if notes or not hits:
        file.tracks.append(_track(mido, clock, list(_pitched(mido, notes)), name))
    if hits:
        file.tracks.append(_track(mido, clock, list(_drums(mido, hits)), f"{name} drums".strip()))
    taken = io.BytesIO()
    file.save(file=taken)
    return taken.getvalue()


def read_midi(path: Path) -> tuple[tuple[NoteEvent, ...], tuple[DrumHit, ...]]:
    """Notes and strokes of a MIDI file, whatever its tracks; bends are those of the notes' channels.

    Raises:
        RequestError: mido is not installed.
        AudioError: it cannot be read, is no MIDI file, or holds more than is read.
    """
    return _of_file(path, lambda file: _read(file, path))


def read_midi_bytes(content: bytes, name: str) -> tuple[tuple[NoteEvent, ...], tuple[DrumHit, ...], TimeMap | None]:
    """Notes, strokes and tempo of a MIDI file's bytes, as ``read_midi`` and ``read_tempo`` give them.

    Args:
        name: what the file is called in messages.

    Raises:
        RequestError: mido is not installed.
        AudioError: it is no MIDI file, or holds more than is read.
    """
    return _of_bytes(content, Path(name), lambda file: (*_read(file, Path(name)), _read_tempo(file)))


def read_tempo(path: Path) -> TimeMap | None:
    """Tempo, meter and key of a MIDI file, in its seconds; None where it names no tempo that music has.

    Raises:
        RequestError: mido is not installed.
        AudioError: it cannot be read, or is no MIDI file.
    """
    return _of_file(path, _read_tempo)


def _read_tempo(file: Any) -> TimeMap | None:
    """The same of a parsed file."""
    at, tempos, meter, key, first = 0, list[tuple[int, float]](), 4, "", 0
    for message in _mido().merge_tracks(file.tracks):
        at += message.time
        if message.type == "set_tempo" and message.tempo > 0 and len(tempos) < TEMPOS_LIMIT:
            tempos.append((at, 60e6 / message.tempo))
        elif message.type == "time_signature" and not at:
            quarters, left = divmod(4 * message.numerator, message.denominator)
            meter = quarters if not left and METER_LIMITS[0] <= quarters <= METER_LIMITS[1] else meter
        elif message.type == "key_signature" and not at:
            key = _KEY_OF_SIGNATURE.get(message.key, "")
        elif message.type == "marker" and _BAR_MARKER.fullmatch(message.text):
            first = at
    if not tempos or file.ticks_per_beat <= 0 or any(not BPM_LIMITS[0] <= bpm <= BPM_LIMITS[1] for _, bpm in tempos):
        return None
    return _time_map_of(tempos, file.ticks_per_beat, first, meter, key)


def _time_map_of(tempos: list[tuple[int, float]], beat: int, first: int, meter: int, key: str) -> TimeMap:
    """A map of changes of tempo, as ticks and beats per minute.

    Args:
        beat: its ticks.
        first: the tick where bar 1 begins.
        meter: beats in a bar.
    """
    if tempos[0][0] > 0:
        tempos = [(0, USUAL_BPM), *tempos]
    starts_s = [0.0]
    for (at, bpm), (later, _) in itertools.pairwise(tempos):
        starts_s.append(starts_s[-1] + (later - at) / beat * 60.0 / bpm)

    def seconds(tick: int) -> float:
        place = max(bisect_right(tempos, tick, key=lambda change: change[0]) - 1, 0)
        return starts_s[place] + (tick - tempos[place][0]) / beat * 60.0 / tempos[place][1]

    steady = len({bpm for _, bpm in tempos}) == 1
    beats = () if steady else range(first % beat, min(tempos[-1][0], BEATS_LIMIT * beat) + beat, beat)
    return TimeMap(
        bpm=round(tempos[-1][1], 3), beats_per_bar=meter, first_s=round(seconds(first), 4),
        beats_s=tuple(round(seconds(tick), 4) for tick in beats), key=key,
    )  # fmt: skip


def _of_file(path: Path, read: Callable[[Any], _Read]) -> _Read:
    """What is read in a MIDI file, as mido parses it.

    Raises:
        RequestError: mido is not installed.
        AudioError: it cannot be read, or is no MIDI file.
    """
    _mido()
    try:
        if path.exists() and not path.is_file():  # a pipe may have no end
            raise AudioError("{path} is not a file; give the path of a MIDI file", path=path)
        with path.open("rb") as stream:
            content = stream.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise AudioError("{path} cannot be opened ({reason})", path=path, reason=error.strerror or error) from error
    return _of_bytes(content, path, read)


def _of_bytes(content: bytes, path: Path, read: Callable[[Any], _Read]) -> _Read:
    """The same of what a file holds."""
    mido = _mido()
    if len(content) > LIMIT_BYTES:
        most = LIMIT_BYTES >> 20
        raise AudioError("{path} is too large for a MIDI file; give one of at most {most} MiB", path=path, most=most)
    try:
        return read(mido.MidiFile(file=io.BytesIO(content)))
    except AudioError:
        raise
    except Exception as error:  # mido raises what its parser meets: EOFError, ValueError, KeyError, IndexError
        raise AudioError("{path} is not a MIDI file that can be read; save it again as a .mid", path=path) from error


def _mido() -> Any:
    require_mido()
    return importlib.import_module("mido")


class _Clock:
    """Ticks of seconds."""

    def __init__(self, time_map: TimeMap | None) -> None:
        changes = _tempos(time_map)
        self._starts_s = [at_s for at_s, _ in changes]
        self._bpm = [bpm for _, bpm in changes]
        self._beats = [0.0]
        for (at_s, bpm), (next_s, _) in itertools.pairwise(changes):
            self._beats.append(self._beats[-1] + (next_s - at_s) * bpm / 60.0)

    def ticks(self, seconds: float) -> int:
        """Ticks from the start of the file."""
        place = max(bisect_right(self._starts_s, seconds) - 1, 0)
        beats = self._beats[place] + (seconds - self._starts_s[place]) * self._bpm[place] / 60.0
        return max(round(beats * TICKS_PER_BEAT), 0)


def _tempos(time_map: TimeMap | None) -> tuple[tuple[float, float], ...]:
    """Every change of tempo, as seconds and beats per minute that a MIDI file may have; the first at 0 s."""
    if time_map is None:
        return ((0.0, USUAL_BPM),)
    return tuple((at_s, min(max(bpm, BPM_LIMITS[0]), BPM_LIMITS[1])) for at_s, bpm in time_map.tempos())


def _track(mido: Any, clock: _Clock, messages: list[_Message], name: str) -> Any:
    track = mido.MidiTrack()
    if name:
        track.append(mido.MetaMessage("track_name", name=name.encode("latin-1", "replace").decode("latin-1")))
    now = 0
    for seconds, _, message in sorted(messages, key=lambda one: (clock.ticks(one[0]), one[1])):
        at = clock.ticks(seconds)
        track.append(message.copy(time=at - now))
        now = at
    return track


def _conductor(mido: Any, time_map: TimeMap | None, key: str) -> Iterator[_Message]:
    """Tempo, meter and key; where bar 1 begins is a marker, or a later bar where the file begins within the music."""
    for at_s, bpm in _tempos(time_map):
        yield at_s, 1, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))
    if key := key if time_map is None else time_map.key:
        tonic, mode = key.split()
        yield 0.0, 0, mido.MetaMessage("key_signature", key=_SIGNATURES[tonic, mode])
    if time_map is None:
        return
    yield 0.0, 0, mido.MetaMessage("time_signature", numerator=time_map.beats_per_bar, denominator=4)
    bar_s = time_map.first_s if time_map.first_s >= 0 else time_map.from_the_start().first_s
    yield bar_s, 2, mido.MetaMessage("marker", text=time_map.words(bar_s))


# Keys that no signature spells as our names do.
_RESPELLED = {("C#", "major"): "Db", ("Eb", "minor"): "Ebm", ("Ab", "minor"): "Abm"}
_SIGNATURES = {
    (tonic, mode): _RESPELLED.get((tonic, mode), tonic + ("m" if mode == "minor" else ""))
    for tonic in ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    for mode in ("major", "minor")
}
_KEY_OF_SIGNATURE = {signature: f"{tonic} {mode}" for (tonic, mode), signature in _SIGNATURES.items()}


def _pitched(mido: Any, notes: Sequence[NoteEvent]) -> Iterator[_Message]:
    make = mido.Message
    ordered = sorted(notes, key=lambda note: (note.start_s, note.pitch))
    bent = dict.fromkeys(MELODIC_CHANNELS, 0)
    for note, channel in zip(ordered, _channels(ordered), strict=True):
        for at_s, wheel in _wheel(note):
            if wheel != bent[channel]:
                bent[channel] = wheel
                yield at_s, 1, make("pitchwheel", channel=channel, pitch=wheel)
        velocity = min(max(round(note.velocity * 127), 1), 127)
        yield note.start_s, 2, make("note_on", channel=channel, note=note.key, velocity=velocity)
        yield note.end_s, 0, make("note_off", channel=channel, note=note.key, velocity=0)


def _channels(notes: Sequence[NoteEvent]) -> Iterator[int]:
    """The first channel for a line and for notes without bends; a turn on the others for what bends beside others."""
    turn, sounding_until_s = 0, 0.0
    for place, note in enumerate(notes):
        follows = place + 1 < len(notes) and notes[place + 1].start_s < note.end_s
        overlaps = note.start_s < sounding_until_s or follows
        sounding_until_s = max(sounding_until_s, note.end_s)
        if overlaps and note.bends:
            turn += 1
            yield MELODIC_CHANNELS[1 + turn % (len(MELODIC_CHANNELS) - 1)]
        else:
            yield MELODIC_CHANNELS[0]


def _wheel(note: NoteEvent) -> Iterator[tuple[float, int]]:
    """Seconds and wheel of the way of a note's pitch; just where it begins it is set in any case."""
    fine = note.pitch - note.key if note.bends else 0.0
    for step, bend in enumerate(note.bends or (0.0,)):
        share = min(max((fine + bend) / WHEEL_SEMITONES, -1.0), 1.0)
        yield min(note.start_s + step * BEND_STEP_S, note.end_s), round(share * WHEEL_STEPS)


def _drums(mido: Any, hits: Sequence[DrumHit]) -> Iterator[_Message]:
    make = mido.Message
    for hit in hits:
        velocity, key = min(max(round(hit.velocity * 127), 1), 127), hit.key
        yield hit.at_s, 1, make("note_on", channel=DRUM_CHANNEL, note=key, velocity=velocity)
        yield hit.at_s + HIT_S, 0, make("note_off", channel=DRUM_CHANNEL, note=key, velocity=0)


def _read(file: Any, path: Path) -> tuple[tuple[NoteEvent, ...], tuple[DrumHit, ...]]:
    """Notes and strokes of a parsed file.

    Raises:
        AudioError: it is longer, or holds more, than is read.
    """
    now_s, bends, notes, hits = 0.0, 0, list[NoteEvent](), list[DrumHit]()
    wheels: dict[int, _Wheel] = {}
    begun: dict[tuple[int, int], deque[tuple[float, int]]] = {}
    for message in file:
        now_s += message.time
        if not now_s <= LONGEST_S or len(notes) + len(hits) > NOTES_LIMIT or bends > BENDS_LIMIT:
            raise AudioError(
                "{path} holds more than is read of a MIDI file (at most {hours:g} hours, {notes} notes, and bends of a "
                "few hours); give the part that is meant", path=path, hours=LONGEST_S / 3600, notes=NOTES_LIMIT,
            )  # fmt: skip
        if message.type == "pitchwheel":
            wheels.setdefault(message.channel, _Wheel()).turn(now_s, message.pitch / WHEEL_STEPS * WHEEL_SEMITONES)
        elif message.type == "note_on" and message.velocity and message.channel == DRUM_CHANNEL:
            hits.append(DrumHit(round(now_s, 4), drum_of_key(message.note), round(message.velocity / 127, 3)))
        elif message.type == "note_on" and message.velocity:
            begun.setdefault((message.channel, message.note), deque()).append((now_s, message.velocity))
        elif message.type in ("note_off", "note_on") and begun.get((message.channel, message.note)):
            start_s, velocity = begun[message.channel, message.note].popleft()
            if now_s > start_s:
                bent = wheels[message.channel].over(start_s, now_s) if message.channel in wheels else ()
                bends += len(bent)
                note = NoteEvent(round(start_s, 4), round(now_s, 4), message.note, round(velocity / 127, 3), bent)
                notes.append(note)
    return tuple(sorted(notes, key=lambda note: (note.start_s, note.pitch))), tuple(hits)


class _Wheel:
    """The pitch wheel of one channel: when it was turned, and to how many semitones."""

    def __init__(self) -> None:
        self._times_s: list[float] = []
        self._semitones: list[float] = []
        self._last_bent = -1  # place of the last turn away from the middle

    def turn(self, at_s: float, semitones: float) -> None:
        """Turn it; times come in order."""
        if semitones:
            self._last_bent = len(self._times_s)
        self._times_s.append(at_s)
        self._semitones.append(semitones)

    def over(self, start_s: float, end_s: float) -> tuple[float, ...]:
        """Its way over a note, every ``BEND_STEP_S``; empty where it rests at the middle."""
        first = max(bisect_right(self._times_s, start_s + 1e-4) - 1, 0)
        if self._last_bent < first:
            return ()
        steps = max(round((end_s - start_s) / BEND_STEP_S), 1)
        times_s = (start_s + step * BEND_STEP_S + 1e-4 for step in range(steps))
        places = [bisect_right(self._times_s, at_s, first) - 1 for at_s in times_s]
        bends = tuple(round(self._semitones[place], 3) if place >= 0 else 0.0 for place in places)
        return bends if any(bends) else ()


def drum_of_key(key: int) -> str:
    """The kind of drum that a key of General MIDI's percussion plays."""
    return _KIND_OF_KEY.get(key, "tom" if 41 <= key <= 50 else "cymbal")


_KIND_OF_KEY = {
    35: "kick", 36: "kick", 37: "snare", 38: "snare", 39: "snare", 40: "snare", 42: "hi-hat", 44: "hi-hat",
    46: "open hi-hat", 49: "cymbal",
}  # fmt: skip
