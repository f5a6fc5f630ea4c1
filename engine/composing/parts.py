"""Write a part that goes with some music: bass, chords, pad, arpeggio, line or drums, each by rules of its own.

The seed decides what the music leaves open; the same seed writes the same part.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from engine.composing.music import STEPS_PER_BEAT, Music
from engine.notes.note import DrumHit, NoteEvent
from engine.sampler.instruments import SampledInstrument

ROLE_WORDS = {  # a word of the prompt that says what is to be played
    "bass": "bass sub bassline", "pad": "pad pads drone swell swells", "arpeggio": "arpeggio arpeggios arpeggiated arp",
    "chords": "chord chords comping comp strumming strummed rhythm",
    "lead": "lead melody solo theme hook riff topline line",
}  # fmt: skip
BASS_PITCHES = (28, 47)
LATE_S = 0.006  # spread of a player's timing
STRUM_S = (0.012, 0.024)  # from one string to the next
STRUMMED = ("guitar", "ukulele", "banjo", "mandolin", "harp", "koto", "sitar")
LONG_BEATS = 1.0  # a longer note of a melody belongs to the chord
PHRASE_BARS, PHRASE_SWELL = 4, 0.05  # a phrase grows by so much of velocity to its last bar
GHOST_VELOCITY = 0.3  # of a snare that is felt rather than heard

Writer = Callable[[Music, SampledInstrument, range, np.random.Generator], Iterator[NoteEvent | DrumHit]]
Spot = tuple[int, float]  # bar and beat


def role_of(prompt: str, instrument: SampledInstrument) -> str:
    """What an instrument plays: as the prompt says, else what its kind usually does.

    Returns:
        ``drums``, ``bass``, ``chords``, ``pad``, ``arpeggio`` or ``lead``.
    """
    if instrument.is_drums:
        return "drums"
    if "bass" in instrument.name or instrument.name == "tuba":
        return "bass"
    words = set(prompt.lower().replace("-", " ").split())
    said = next((role for role, known in ROLE_WORDS.items() if words & set(known.split())), "")
    if said and (said not in ("chords", "pad") or instrument.chords):
        return said
    if not instrument.chords:
        return "lead"
    return "pad" if instrument.kind == "sustained" else "chords"


def compose_part(
    music: Music, role: str, instrument: SampledInstrument, seconds: float, seed: int
) -> tuple[NoteEvent | DrumHit, ...]:
    """A part for an instrument.

    Args:
        role: as ``role_of`` gives it.
        instrument: for its register.
        seconds: length; nothing begins after it or before 0.
        seed: decides what the music leaves open.
    """
    rng = np.random.default_rng((seed, len(role)))
    end = music.end_bar(seconds)
    bars = music.bars(seconds) if end is None else range(music.bars(seconds).start, end + 1)
    written = sorted(_WRITERS[role](music, instrument, bars, rng), key=_at_s)
    if end is not None:
        written = list(_closed(written, music.at(end, 0.0), seconds))
    return tuple(_inside(written, seconds, rng))


def _closed(
    notes: Sequence[NoteEvent | DrumHit], end_s: float, seconds: float
) -> Iterator[NoteEvent | DrumHit]:  # fmt: skip
    """A part whose last bar is what is played on its first beat, held; drums have a kick and a cymbal there."""
    for one in notes:
        if _at_s(one) < end_s - 1e-6:
            held = isinstance(one, NoteEvent) and one.end_s > end_s + 0.1
            yield replace(one, end_s=seconds) if held and isinstance(one, NoteEvent) else one
        elif isinstance(one, NoteEvent) and one.start_s < end_s + 1e-6:
            yield replace(one, end_s=seconds)
        elif isinstance(one, DrumHit) and one.at_s < end_s + 1e-6 and one.drum == "kick":
            yield from (one, DrumHit(one.at_s, "cymbal", 0.75))


def _at_s(note: NoteEvent | DrumHit) -> float:
    return note.at_s if isinstance(note, DrumHit) else note.start_s


def _inside(
    notes: Sequence[NoteEvent | DrumHit], seconds: float, rng: np.random.Generator
) -> Iterator[NoteEvent | DrumHit]:
    """Notes a little off the grid, as a player has them, and none outside the part."""
    for one in notes:
        late_s = float(np.clip(rng.normal(0, LATE_S), -2 * LATE_S, 2 * LATE_S))
        at_s = _at_s(one) + late_s
        if -0.05 < at_s < seconds - 0.05:
            at_s = max(at_s, 0.0)
            if isinstance(one, DrumHit):
                yield DrumHit(round(at_s, 4), one.drum, one.velocity)
            else:
                end_s = min(one.end_s + late_s, seconds)
                yield NoteEvent(round(at_s, 4), round(max(end_s, at_s + 0.05), 4), one.pitch, one.velocity)


def _note(music: Music, spot: Spot, until: Spot, pitch: int, velocity: float, legato: float = 1.0) -> NoteEvent:
    start_s = music.at(*spot)
    end_s = start_s + (music.at(*until) - start_s) * legato
    return NoteEvent(start_s, end_s, pitch, round(float(np.clip(velocity, 0.2, 1.0)), 3))


def _spots(music: Music, bars: range, rhythm: Sequence[float]) -> Iterator[tuple[Spot, Spot]]:
    """Every place of a rhythm in every bar, and the place where the next one begins."""
    places = [(bar, beat) for bar in bars for beat in rhythm]
    yield from zip(places, [*places[1:], (bars.stop, 0.0)], strict=True)


def _rhythm(music: Music, rng: np.random.Generator, most: int, grid: int = 2) -> list[float]:
    """Beats of a bar at which the music itself is busiest, the first always; ``grid`` places in a beat."""
    stride = STEPS_PER_BEAT // grid
    places = range(0, len(music.groove), stride)
    weights = {place: music.groove[place] + float(rng.uniform(0, 0.35)) for place in places if place}
    busiest = sorted(weights, key=lambda place: -weights[place])[: max(0, most - 1)]
    return [place / STEPS_PER_BEAT for place in sorted({0, *busiest})]


def _notes_a_bar(music: Music, rng: np.random.Generator, fewest: int, most: int) -> int:
    """How many notes a bar gets: more where the music itself is busy, and somewhat as the seed says."""
    wished = fewest + (most - fewest) * min(music.density / 0.6, 1.0) + float(rng.normal(0, 0.25 * (most - fewest)))
    return int(np.clip(round(wished), fewest, most))


def _phrase(bar: int) -> float:
    """What a bar adds to the velocity: a phrase of some bars grows."""
    return PHRASE_SWELL * (bar % PHRASE_BARS) / (PHRASE_BARS - 1)


def _near(pitch_class: int, near: float) -> int:
    """The key of a pitch class that is nearest to another pitch."""
    return int(pitch_class + 12 * round((near - pitch_class) / 12))


def _bass(
    music: Music, instrument: SampledInstrument, bars: range, rng: np.random.Generator
) -> Iterator[NoteEvent]:  # fmt: skip
    """Roots on the first beat, fifths and octaves between, a step towards the root of the next chord at the end."""
    rhythm = _rhythm(music, rng, _notes_a_bar(music, rng, 2, 6))
    legato, walks = float(rng.uniform(0.7, 0.97)), rng.random() < 0.6
    low = max(BASS_PITCHES[0], instrument.low)
    others = [int(rng.choice([0, 0, 0, 7, 12])) for _ in rhythm]
    turns = [int(rng.choice([0, 7, 12, 12])) for _ in rhythm]  # every fourth bar goes another way
    for number, (spot, until) in enumerate(_spots(music, bars, rhythm)):
        place = number % len(rhythm)
        chord, coming = music.chord(spot[0]), music.chord(spot[0] + 1)
        root = _near(chord.root, low + 6)
        root += 12 if root < low else 0
        pitch = root if place == 0 else root + (turns if spot[0] % PHRASE_BARS == 3 else others)[place]
        if walks and len(rhythm) > 2 and place == len(rhythm) - 1 and coming.root != chord.root:
            target = _near(coming.root, root)
            pitch = max(_scale_step(music, target, -1 if target > root else 1), low)
        pitch -= 12 if pitch > BASS_PITCHES[1] else 0
        yield _note(
            music, spot, until, pitch, 0.8 + 0.1 * (place == 0) + _phrase(spot[0]) + rng.normal(0, 0.03), legato
        )


def _scale_step(music: Music, pitch: int, way: int) -> int:
    """The next key up or down that belongs to the key of the music."""
    return next(pitch + way * step for step in (1, 2, 3) if (pitch + way * step) % 12 in music.scale)


def _voicings(music: Music, instrument: SampledInstrument, bars: range, size: int) -> dict[int, list[int]]:
    """The chord of each bar, every voice as near as can be to where it was."""
    middle = min(max((instrument.low + instrument.high) / 2, 58), 66)
    before = [middle - 4, middle, middle + 4]
    voiced = {}
    for bar in bars:
        tones = music.chord(bar).pitch_classes
        orders = itertools.permutations(tones)
        keys = [sorted({_near(tone, at) for tone, at in zip(order, before, strict=True)}) for order in orders]
        best = min((one for one in keys if len(one) == len(tones)), key=lambda one: sum(
            abs(a - b) for a, b in zip(one, before, strict=True)) + abs(sum(one) / 3 - middle))  # fmt: skip
        before = [float(key) for key in best]
        voiced[bar] = [*best, *([best[0] + 12] if size > 3 else [])]
    return voiced


def _chords(
    music: Music, instrument: SampledInstrument, bars: range, rng: np.random.Generator
) -> Iterator[NoteEvent]:  # fmt: skip
    """The chord of the bar in a rhythm that repeats; strings are strummed, down on the beat and up between."""
    rhythm = _rhythm(music, rng, _notes_a_bar(music, rng, 1, 5))
    legato = float(rng.uniform(0.45, 0.95))
    voiced = _voicings(music, instrument, bars, int(rng.integers(3, 5)))
    apart_s = float(rng.uniform(*STRUM_S)) if any(word in instrument.name for word in STRUMMED) else 0.0
    for spot, until in _spots(music, bars, rhythm):
        velocity = 0.64 + 0.1 * (spot[1] == 0) + _phrase(spot[0]) + rng.normal(0, 0.03)
        strings = voiced[spot[0]] if spot[1] % 1 == 0 else voiced[spot[0]][::-1]
        for place, pitch in enumerate(strings):
            one = _note(music, spot, until, pitch, velocity + rng.normal(0, 0.02), legato)
            yield replace(one, start_s=min(one.start_s + place * apart_s, one.end_s - 0.05))


def _pad(
    music: Music, instrument: SampledInstrument, bars: range, rng: np.random.Generator
) -> Iterator[NoteEvent]:  # fmt: skip
    """Long chords; a tone that the next chord has too is held on."""
    voiced = _voicings(music, instrument, bars, int(rng.integers(3, 5)))
    velocity = float(rng.uniform(0.55, 0.7))
    for pitch in sorted({pitch for chord in voiced.values() for pitch in chord}):
        for sounds, stretch in itertools.groupby(bars, key=lambda bar: pitch in voiced[bar]):
            if sounds:
                held = list(stretch)
                yield _note(music, (held[0], 0.0), (held[-1] + 1, 0.0), pitch, velocity, 1.01)


def _arpeggio(
    music: Music, instrument: SampledInstrument, bars: range, rng: np.random.Generator
) -> Iterator[NoteEvent]:  # fmt: skip
    """The chord note by note, in eighths or sixteenths."""
    step = float(rng.choice([0.5, 0.5, 0.25]))
    rhythm = [place * step for place in range(round(music.time_map.beats_per_bar / step))]
    voiced = _voicings(music, instrument, bars, 4)
    order = [[0, 1, 2, 3], [0, 1, 2, 3, 2, 1], [3, 2, 1, 0], [0, 2, 1, 3]][int(rng.integers(4))]
    legato = 1.4 if instrument.kind == "ringing" else float(rng.uniform(0.7, 1.0))
    for number, (spot, until) in enumerate(_spots(music, bars, rhythm)):
        place = number % len(rhythm)
        pitch = voiced[spot[0]][order[place % len(order)]]
        yield _note(
            music, spot, until, pitch, 0.6 + 0.12 * (place == 0) + _phrase(spot[0]) + rng.normal(0, 0.03), legato
        )


def _lead(
    music: Music, instrument: SampledInstrument, bars: range, rng: np.random.Generator
) -> Iterator[NoteEvent]:  # fmt: skip
    """A melody of two motifs: tones of the chord where it stands, steps of the scale between, room to breathe."""
    most = [_notes_a_bar(music, rng, 2, 5) for _ in range(2)]
    motifs = [(_rhythm(music, rng, count), [int(way) for way in rng.integers(-2, 3, count + 1)]) for count in most]
    plan = [[0, 1, 0, 1], [0, 0, 1, 0], [0, 1, 1, 0]][int(rng.integers(3))]
    middle = min(max((instrument.low + instrument.high) / 2, 60), 74)
    pitch = _near(music.chord(bars.start).root, middle)
    for bar in bars:
        rhythm, ways = motifs[plan[bar % PHRASE_BARS]]
        if bar % PHRASE_BARS == 3:  # a phrase comes to rest
            rhythm = rhythm[: max(1, len(rhythm) // 2)]
        for place, beat in enumerate(rhythm):
            is_last = place + 1 == len(rhythm)
            length = (music.time_map.beats_per_bar - 0.25 if is_last else rhythm[place + 1]) - beat
            for _ in range(abs(ways[place])):
                pitch = _scale_step(music, pitch, 1 if ways[place] > 0 else -1)
            if beat == 0 or beat == music.time_map.beats_per_bar / 2 or length > LONG_BEATS:
                pitch = _chord_tone(music, bar, pitch, ways[place])
            pitch -= 12 * ((pitch > middle + 10) - (pitch < middle - 10))
            velocity = 0.7 + 0.08 * (beat == 0) + _phrase(bar) + rng.normal(0, 0.03)
            yield _note(music, (bar, beat), (bar, beat + length), pitch, velocity, 0.93)


def _chord_tone(music: Music, bar: int, pitch: int, way: int) -> int:
    """The tone of a bar's chord that is nearest to a pitch; of two, the one that lies in the way of the melody."""
    tones = (_near(tone, pitch) for tone in music.chord(bar).pitch_classes)
    return min(tones, key=lambda key: abs(key - pitch - 0.1 * way))


def _drums(
    music: Music, instrument: SampledInstrument, bars: range, rng: np.random.Generator
) -> Iterator[DrumHit]:  # fmt: skip
    """A backbeat; the kick where the music is busy, hats, ghost strokes, a fill every four bars and a cymbal after."""
    beats = music.time_map.beats_per_bar
    snares = _BACKBEATS.get(beats, [float(beats - 1)])
    between = sum(music.groove[step] for step in range(1, len(music.groove), 2)) / max(sum(music.groove), 1e-9)
    is_busy = between > 0.4 and rng.random() < 0.7
    step = 0.25 if is_busy else 0.5
    kicks = [beat for beat in _rhythm(music, rng, _notes_a_bar(music, rng, 2, 4)) if beat not in snares]
    ghosts = [beat + 0.75 for beat in snares if is_busy and rng.random() < 0.6 and beat + 0.75 not in kicks]
    opens = float(rng.choice([beats - 0.5, -1.0]))
    filled = False
    for bar in bars:
        fills = bar % PHRASE_BARS == 3 and bar > bars.start and rng.random() < 0.7
        last = beats - 1 if fills else beats  # the beat from which the fill takes over
        rows = [("kick", kicks, 0.85), ("snare", snares, 0.84), ("snare", ghosts, GHOST_VELOCITY)]
        for drum, row, loud in rows:
            for beat in (beat for beat in row if beat < last):
                yield _stroke(music, bar, beat, drum, loud + float(rng.normal(0, 0.03)))
        if filled or bar == bars.start:
            yield _stroke(music, bar, 0.0, "cymbal", 0.7)
        for beat in np.arange(0.0, last, step):
            if not (beat == 0 and (filled or bar == bars.start)):  # that hand is at the cymbal
                loud = 0.56 + 0.14 * (beat % 1 == 0) - 0.1 * (beat % 0.5 != 0) + float(rng.normal(0, 0.04))
                yield _stroke(music, bar, float(beat), "open hi-hat" if beat == opens else "hi-hat", loud)
        if fills:
            yield from _fill(music, bar, rng)
        filled = fills


_BACKBEATS = {2: [1.0], 3: [2.0], 4: [1.0, 3.0], 5: [3.0], 6: [3.0], 7: [2.0, 5.0]}  # beats with a snare, by meter


def _fill(music: Music, bar: int, rng: np.random.Generator) -> Iterator[DrumHit]:
    """The last beat of a bar, growing into the next one."""
    rows = (("snare", "snare", "tom", "tom"), ("snare", "tom", "tom", "tom"), ("snare", "snare", "snare", "snare"))
    drums = rows[int(rng.integers(len(rows)))]
    for place, drum in enumerate(drums):
        yield _stroke(music, bar, music.time_map.beats_per_bar - 1 + place / 4, drum, 0.6 + 0.08 * place)


def _stroke(music: Music, bar: int, beat: float, drum: str, velocity: float) -> DrumHit:
    return DrumHit(music.at(bar, beat), drum, round(float(np.clip(velocity, 0.1, 1.0)), 3))


_WRITERS: dict[str, Writer] = {
    "bass": _bass, "chords": _chords, "pad": _pad, "arpeggio": _arpeggio, "lead": _lead, "drums": _drums,
}  # fmt: skip
