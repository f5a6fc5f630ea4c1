"""Write a part that goes with some music: bass, chords, pad, arpeggio, line or drums, each by rules of its own.

The seed decides what the music leaves open; the same seed writes the same part.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

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
NEXT_BEAT = 0.001  # beats by which a note is short of the next one

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
        music: what it goes with.
        role: as ``role_of`` gives it.
        instrument: for its register.
        seconds: length; nothing begins after it or before 0.
        seed: decides what the music leaves open.
    """
    rng = np.random.default_rng((seed, len(role)))
    written = sorted(_WRITERS[role](music, instrument, music.bars(seconds), rng), key=_at_s)
    return tuple(_inside(written, seconds, rng))


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


def _near(pitch_class: int, near: float) -> int:
    """The key of a pitch class that is nearest to another pitch."""
    return int(pitch_class + 12 * round((near - pitch_class) / 12))


def _bass(
    music: Music, instrument: SampledInstrument, bars: range, rng: np.random.Generator
) -> Iterator[NoteEvent]:  # fmt: skip
    """Roots on the first beat, fifths and octaves between, a step towards the root of the next chord at the end."""
    rhythm = _rhythm(music, rng, int(rng.integers(3, 7)))
    legato, walks = float(rng.uniform(0.7, 0.97)), rng.random() < 0.6
    low = max(BASS_PITCHES[0], instrument.low)
    others = [int(rng.choice([0, 0, 0, 7, 12])) for _ in rhythm]
    for number, (spot, until) in enumerate(_spots(music, bars, rhythm)):
        place = number % len(rhythm)
        chord, coming = music.chord(spot[0]), music.chord(spot[0] + 1)
        root = _near(chord.root, low + 6)
        root += 12 if root < low else 0
        pitch = root if place == 0 else root + others[place]
        if walks and len(rhythm) > 2 and place == len(rhythm) - 1 and coming.root != chord.root:
            target = _near(coming.root, root)
            pitch = max(_scale_step(music, target, -1 if target > root else 1), low)
        pitch -= 12 if pitch > BASS_PITCHES[1] else 0
        yield _note(music, spot, until, pitch, 0.82 + 0.1 * (place == 0) + rng.normal(0, 0.03), legato)


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
    """The chord of the bar in a rhythm that repeats."""
    rhythm = _rhythm(music, rng, int(rng.integers(2, 6)))
    legato = float(rng.uniform(0.45, 0.95))
    voiced = _voicings(music, instrument, bars, int(rng.integers(3, 5)))
    for spot, until in _spots(music, bars, rhythm):
        velocity = 0.66 + 0.1 * (spot[1] == 0) + rng.normal(0, 0.03)
        for pitch in voiced[spot[0]]:
            yield _note(music, spot, until, pitch, velocity + rng.normal(0, 0.02), legato)


def _pad(
    music: Music, instrument: SampledInstrument, bars: range, rng: np.random.Generator
) -> Iterator[NoteEvent]:  # fmt: skip
    """One long chord for each stretch of bars that keeps its chord."""
    voiced = _voicings(music, instrument, bars, int(rng.integers(3, 5)))
    velocity = float(rng.uniform(0.55, 0.7))
    for _, stretch in itertools.groupby(bars, key=lambda bar: music.chord(bar)):
        same = list(stretch)
        for pitch in voiced[same[0]]:
            yield _note(music, (same[0], 0.0), (same[-1] + 1, 0.0), pitch, velocity, 1.01)


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
        yield _note(music, spot, until, pitch, 0.62 + 0.12 * (place == 0) + rng.normal(0, 0.03), legato)


def _lead(
    music: Music, instrument: SampledInstrument, bars: range, rng: np.random.Generator
) -> Iterator[NoteEvent]:  # fmt: skip
    """A melody of two motifs: tones of the chord on its strong beats, steps of the scale between, room to breathe."""
    motifs = [(_rhythm(music, rng, most), rng.integers(-2, 3, most + 1)) for most in rng.integers(2, 6, 2)]
    plan = [[0, 1, 0, 1], [0, 0, 1, 0], [0, 1, 1, 0]][int(rng.integers(3))]
    middle = min(max((instrument.low + instrument.high) / 2, 60), 74)
    pitch = _near(music.chord(bars.start).root, middle)
    for bar in bars:
        rhythm, ways = motifs[plan[bar % 4]]
        if bar % 4 == 3:
            rhythm = rhythm[: max(1, len(rhythm) // 2)]
        for place, beat in enumerate(rhythm):
            if beat == 0 or beat == music.time_map.beats_per_bar / 2:
                pitch = min((_near(tone, pitch) for tone in music.chord(bar).pitch_classes), key=lambda key: abs(
                    key - pitch + 0.5 * int(ways[0])))  # fmt: skip
            else:
                for _ in range(abs(int(ways[place]))):
                    pitch = _scale_step(music, pitch, 1 if ways[place] > 0 else -1)
            pitch -= 12 * ((pitch > middle + 10) - (pitch < middle - 10))
            until = (bar, rhythm[place + 1]) if place + 1 < len(rhythm) else (bar + 1, -0.25)
            yield _note(music, (bar, beat), until, pitch, 0.72 + 0.08 * (beat == 0) + rng.normal(0, 0.03), 0.93)


def _drums(
    music: Music, instrument: SampledInstrument, bars: range, rng: np.random.Generator
) -> Iterator[DrumHit]:  # fmt: skip
    """A backbeat; the kick where the music is busy, hats in eighths or sixteenths, a fill every four bars."""
    beats = music.time_map.beats_per_bar
    snares = [1.0, 3.0] if beats == 4 else [float(beats - 1)]
    busy = sum(music.groove[step] for step in range(1, len(music.groove), 2)) / max(sum(music.groove), 1e-9)
    step = 0.25 if busy > 0.4 and rng.random() < 0.7 else 0.5
    kicks = [beat for beat in _rhythm(music, rng, int(rng.integers(2, 5))) if beat not in snares]
    opens = float(rng.choice([beats - 0.5, -1.0]))
    for bar in bars:
        fills = bar % 4 == 3 and rng.random() < 0.7
        if bar % 8 == 0:
            yield DrumHit(music.at(bar, 0.0), "cymbal", 0.7)
        for beat in kicks:
            yield DrumHit(music.at(bar, beat), "kick", round(0.85 + float(rng.normal(0, 0.03)), 3))
        for beat in snares:
            yield DrumHit(music.at(bar, beat), "snare", round(0.84 + float(rng.normal(0, 0.03)), 3))
        for place in range(round(beats / step)):
            beat = place * step
            if fills and beat >= beats - 1:
                continue
            loud = 0.6 + 0.12 * (beat % 1 == 0) + float(rng.normal(0, 0.04))
            yield DrumHit(music.at(bar, beat), "open hi-hat" if beat == opens else "hi-hat", round(loud, 3))
        for place in range(4 if fills else 0):
            drum = "snare" if place < 2 else "tom"
            yield DrumHit(music.at(bar, beats - 1 + place / 4), drum, round(0.6 + 0.08 * place, 3))


_WRITERS: dict[str, Writer] = {
    "bass": _bass, "chords": _chords, "pad": _pad, "arpeggio": _arpeggio, "lead": _lead, "drums": _drums,
}  # fmt: skip
