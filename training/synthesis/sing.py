"""Singing made of speech: the syllables of a spoken phrase sing the notes of a part.

The vocoder WORLD takes the phrase apart into pitch, spectral envelope and aperiodicity. Every note takes the next
syllable: its consonants keep their time, its vowel lasts as long as the note, and its pitch is the note's. The envelope
is brightened as a voice that carries is, and continued above the band of narrow recordings as breath.

Source: Morise, Yokomori, Ozawa 2016, "WORLD: a vocoder-based high-quality speech synthesis system for real-time
applications", doi:10.1587/transinf.2015EDP7457; speech to singing this way: Saitou et al. 2007,
doi:10.1109/ASPAA.2007.4393001.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from training.synthesis.score import Gesture, Note
from training.typing import Audio, Rng

Floats = npt.NDArray[np.float64]
FRAME_S = 0.005
SPEAKER_HZ = (65.0, 500.0)  # lowest and highest pitch of speech
LOWEST_HZ, HIGHEST_HZ = 65.0, 1100.0  # of a sung note
SHORTEST_VOWEL, LONGEST_CONSONANT = 6, 24  # frames
VOWEL_DB = 8.0  # a vowel lasts while it is within this of its loudest frame
FEWEST_SYLLABLES = 3
BAND_SHARE = 0.92  # of half the phrase's own rate, above which the envelope is continued
AIR_DB = -18.0  # an octave: how the continued envelope falls
SILENCE = 1e-12


@dataclass(frozen=True, slots=True)
class Syllable:
    """Frames of one syllable: it lasts from ``start`` to ``end``, its vowel from ``opens`` to ``closes``."""

    start: int
    opens: int
    closes: int
    end: int


@dataclass(frozen=True, slots=True)
class SpokenPhrase:
    """A phrase as WORLD describes it, a row every 5 ms.

    Attributes:
        f0_hz: pitch (T,); 0 where no pitch sounds.
        envelope, aperiodicity: (T, F).
        syllables: in their order, at least three.
        rate: of the audio, in Hz.
    """

    f0_hz: Floats
    envelope: Floats
    aperiodicity: Floats
    syllables: tuple[Syllable, ...]
    rate: int

    @classmethod
    def analyse(cls, mono: Audio, rate: int, recorded_rate: int | None = None) -> SpokenPhrase:
        """Take a phrase apart.

        Args:
            mono: float32 (N,).
            rate: its rate in Hz.
            recorded_rate: the rate it was recorded at, where that is lower: nothing sounds above half of it.

        Raises:
            ValueError: it has fewer than three syllables.
        """
        import pyworld

        x, (lowest_hz, highest_hz) = mono.astype(np.float64), SPEAKER_HZ
        coarse, at_s = pyworld.dio(x, rate, f0_floor=lowest_hz, f0_ceil=highest_hz, frame_period=FRAME_S * 1000)
        f0_hz = pyworld.stonemask(x, coarse, at_s, rate)
        envelope = pyworld.cheaptrick(x, f0_hz, at_s, rate)
        aperiodicity = pyworld.d4c(x, f0_hz, at_s, rate)
        if recorded_rate is not None and recorded_rate < rate:
            _continue_above(envelope, aperiodicity, BAND_SHARE * recorded_rate / rate)
        syllables = _syllables(f0_hz, envelope)
        if len(syllables) < FEWEST_SYLLABLES:
            raise ValueError(f"a phrase needs {FEWEST_SYLLABLES} syllables to sing, this one has {len(syllables)}")
        return cls(f0_hz, envelope, aperiodicity, syllables, rate)

    @property
    def pitch(self) -> float:
        """Median pitch of the speaker, as a MIDI number."""
        return float(_midi(np.median(self.f0_hz[self.f0_hz > 0])))


def _continue_above(envelope: Floats, aperiodicity: Floats, share: float) -> None:
    """Above a share of the band the envelope falls evenly, and within an octave only breath is left."""
    bins = envelope.shape[1]
    edge = round(share * (bins - 1))
    highest = slice(round(0.75 * edge), edge)
    level = np.exp(np.log(envelope[:, highest] + SILENCE).mean(axis=1))[:, None]
    breath = aperiodicity[:, highest].mean(axis=1)[:, None]
    octaves = np.log2(np.arange(edge, bins) / edge)
    envelope[:, edge:] = level * 10 ** (AIR_DB / 10 * octaves)
    aperiodicity[:, edge:] = breath + (1 - breath) * np.minimum(octaves, 1.0)


def _syllables(f0_hz: Floats, envelope: Floats) -> tuple[Syllable, ...]:
    """One syllable around every voiced peak of the energy."""
    loud_db = 10 * np.log10(uniform_filter1d(envelope.mean(axis=1), 7) + SILENCE)
    voiced = f0_hz > 0
    floor_db = float(loud_db.max()) - 40.0
    peaks, _ = find_peaks(np.where(voiced, np.maximum(loud_db, floor_db), floor_db), distance=20, prominence=2.0)
    if not len(peaks):
        return ()
    borders = [0, *(int(a + np.argmin(loud_db[a:b])) for a, b in pairwise(peaks)), len(f0_hz)]
    found = []
    for peak, (start, end) in zip(peaks, pairwise(borders), strict=True):
        sounds = voiced & (loud_db > loud_db[peak] - VOWEL_DB)
        before, after = np.flatnonzero(~sounds[start:peak]), np.flatnonzero(~sounds[peak:end])
        opens = start + int(before[-1]) + 1 if len(before) else start
        closes = peak + int(after[0]) if len(after) else end
        if closes - opens >= SHORTEST_VOWEL:
            first, last = max(start, opens - LONGEST_CONSONANT), min(end, closes + LONGEST_CONSONANT)
            found.append(Syllable(first, opens, closes, last))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class SingingStyle:
    """How a voice sings.

    Attributes:
        glide_s: time from one note to the next.
        vibrato_semitones, vibrato_hz: of notes longer than ``vibrato_from_s``.
        wander_semitones: standard deviation of the pitch around the note.
        bright_db: an octave, by which the envelope rises above 500 Hz.
        tract: length of the vocal tract against the speaker's; formants move the other way.
        transpose: semitones from the speaker's pitch to the middle of what is sung, before it is fitted to octaves.
        first: number of the syllable that begins.
    """

    glide_s: float
    vibrato_semitones: float
    vibrato_hz: float
    vibrato_from_s: float
    wander_semitones: float
    bright_db: float
    tract: float
    transpose: float
    first: int

    @classmethod
    def draw(cls, rng: Rng) -> SingingStyle:
        """A style at random."""
        return cls(
            glide_s=float(rng.uniform(0.03, 0.12)),
            vibrato_semitones=float(rng.uniform(0.0, 0.7)),
            vibrato_hz=float(rng.uniform(4.8, 6.6)),
            vibrato_from_s=float(rng.uniform(0.15, 0.5)),
            wander_semitones=float(rng.uniform(0.05, 0.2)),
            bright_db=float(rng.uniform(0.0, 4.0)),
            tract=float(rng.uniform(0.9, 1.1)),
            transpose=float(rng.uniform(1.0, 10.0)),
            first=int(rng.integers(1000)),
        )


def sing(rng: Rng, phrase: SpokenPhrase, notes: Sequence[Note], seconds: float, style: SingingStyle) -> Audio:
    """The notes of one line, sung.

    Args:
        rng: moves the pitch a little.
        phrase: whose voice and syllables.
        notes: by time; of those that overlap each ends where the next begins. The line as a whole moves by octaves to
            where the speaker is at home.
        seconds: length of the result.
        style: how.

    Returns:
        float32 (N,) at the phrase's rate, with a peak of 0.7; silence for no notes.
    """
    import pyworld

    frames = round(seconds / FRAME_S)
    plan = _plan(phrase, notes, frames, style)
    if not np.any(plan.gain):
        return np.zeros(round(seconds * phrase.rate), dtype=np.float32)
    f0_hz = np.where(plan.voiced, _curve(rng, phrase, plan, notes, style), 0.0)
    envelope = _at(np.log(phrase.envelope + SILENCE), plan.source)
    envelope = np.maximum(np.exp(_coloured(envelope, style, phrase.rate)) * (plan.gain**2)[:, None], SILENCE)
    aperiodicity = np.clip(_at(phrase.aperiodicity, plan.source), 1e-3, 1.0)
    envelope, aperiodicity = np.ascontiguousarray(envelope), np.ascontiguousarray(aperiodicity)  # as WORLD reads them
    found = pyworld.synthesize(f0_hz, envelope, aperiodicity, phrase.rate, FRAME_S * 1000)
    mono = np.zeros(round(seconds * phrase.rate), dtype=np.float32)
    mono[: len(found)] = found[: len(mono)]
    return mono * np.float32(0.7 / max(float(np.abs(mono).max()), 1e-6))


@dataclass(slots=True)
class _Plan:
    """What sounds in every frame of the result.

    Attributes:
        source: frame of the phrase (T,), between two frames too.
        gain: of the amplitude (T,); 0 in silence.
        voiced: whether it has a pitch (T,).
        note: number of the note (T,); -1 before the first.
    """

    source: Floats
    gain: Floats
    voiced: npt.NDArray[np.bool_]
    note: npt.NDArray[np.int64]


def _plan(phrase: SpokenPhrase, notes: Sequence[Note], frames: int, style: SingingStyle) -> _Plan:
    plan = _Plan(np.zeros(frames), np.zeros(frames), np.zeros(frames, dtype=bool), np.full(frames, -1))
    starts = [round(note.start_s / FRAME_S) for note in notes]
    for number, (note, start) in enumerate(zip(notes, starts, strict=True)):
        following = starts[number + 1] if number + 1 < len(notes) else frames
        end = min(round(note.end_s / FRAME_S), following, frames)
        if end - start < 2:
            continue
        syllable = phrase.syllables[(style.first + number) % len(phrase.syllables)]
        onset = min(syllable.opens - syllable.start, start)
        coda = min(syllable.end - syllable.closes, (end - start) // 4)
        vowel = np.linspace(syllable.opens, syllable.closes - 1, end - start - coda)
        before = np.arange(syllable.opens - onset, syllable.opens)
        source = np.concatenate([before, vowel, np.arange(syllable.closes, syllable.closes + coda)])
        span = slice(start - onset, end)
        plan.source[span] = source
        plan.gain[span] = note.velocity / 127
        plan.voiced[span] = phrase.f0_hz[source.astype(int)] > 0
        plan.note[start - onset :] = number
    plan.gain = uniform_filter1d(plan.gain, 5) * (plan.gain > 0)
    return plan


def _curve(rng: Rng, phrase: SpokenPhrase, plan: _Plan, notes: Sequence[Note], style: SingingStyle) -> Floats:
    """Pitch of every frame in Hz."""
    at_s = np.arange(len(plan.note)) * FRAME_S
    written = np.array([note.midi for note in notes], dtype=float)
    octave = 12 * round((phrase.pitch + style.transpose - float(np.median(written))) / 12)
    midi = uniform_filter1d(written[np.maximum(plan.note, 0)], max(1, round(style.glide_s / FRAME_S)))
    for number, note in enumerate(notes):
        mine = plan.note == number
        own = Gesture(
            vibrato_semitones=style.vibrato_semitones,
            vibrato_hz=style.vibrato_hz,
            vibrato_from_s=style.vibrato_from_s,
        )
        midi[mine] += (note.gesture or own).pitch(np.maximum(at_s[mine] - note.start_s, 0.0), note.length_s)
    wander = uniform_filter1d(rng.normal(0.0, 1.0, len(midi)), 40) * np.sqrt(40) * style.wander_semitones
    return np.clip(440.0 * 2 ** ((midi + octave + wander - 69) / 12), LOWEST_HZ, HIGHEST_HZ)


def _coloured(log_envelope: Floats, style: SingingStyle, rate: int) -> Floats:
    """The natural logarithm of the envelope with formants moved and a brighter top."""
    bins = log_envelope.shape[1]
    hertz = np.arange(bins) * rate / 2 / (bins - 1)
    moved = np.minimum(np.arange(bins) * style.tract, bins - 1)
    low = moved.astype(int)
    high, share = np.minimum(low + 1, bins - 1), moved - low
    shifted = log_envelope[:, low] * (1 - share) + log_envelope[:, high] * share
    lift_db = style.bright_db * np.log2(np.clip(hertz, 500.0, 4000.0) / 500.0)
    found: Floats = shifted + lift_db * np.log(10) / 10
    return found


def _at(rows: Floats, position: Floats) -> Floats:
    """Rows (T, F) at positions between them."""
    low = position.astype(int)
    share = (position - low)[:, None]
    found: Floats = rows[low] * (1 - share) + rows[np.minimum(low + 1, len(rows) - 1)] * share
    return found


def _midi(hertz: float | np.floating) -> float:
    return float(69 + 12 * np.log2(hertz / 440.0))
