"""Notes become sound: the nearest recording of each, brought to its pitch, held, bent and let go.

Every recording is brought to one level first, so that the velocity alone says how loud a note is: its gain is the
square of the velocity, 12 dB for half of it, as MIDI synthesisers have it.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.notes.note import BEND_STEP_S, DRUM_KEYS, DrumHit, NoteEvent
from engine.sampler.instruments import FloatArray, RecordedNote, SampledInstrument, read_sound

LEVEL_DB = -24.0  # RMS of a note of velocity 1
TAPS, PHASES = 16, 512  # of the windowed sinc that reads between two samples
BLOCK_SAMPLES = 1 << 17
SILENT_AFTER = 7.0  # release times after which nothing is heard
RING_LIMIT_S = 60.0  # of what nobody damps
BEYOND_S = 1.0  # a note is held for no longer than this behind the end of the result
LEAD_LIMIT_S = 0.09  # a slow attack begins at most so much before its note
SOFT_HZ, SOFT_OCTAVES = 1500.0, 5.0  # of one velocity layer: a note of velocity 0 loses what is above, of 1 nothing
# What a kit plays in the place of a piece that it does not have.
STAND_INS: dict[int, tuple[int, ...]] = {
    35: (36,), 36: (35,), 37: (39, 38), 38: (40, 37, 39), 39: (38, 37), 42: (44, 46, 51), 44: (42,),
    45: (47, 43, 50, 36), 46: (42, 49), 47: (45, 43, 50, 36), 43: (45, 47, 36), 50: (47, 48, 38),
    49: (57, 51, 46, 39), 51: (59, 49, 42),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Sound:
    """What one note adds: where it begins and its samples, float32 (channels, samples)."""

    start: int
    audio_CN: FloatArray


def play_notes(
    instrument: SampledInstrument, notes: Sequence[NoteEvent | DrumHit], rate_hz: int, samples: int, seed: int = 0
) -> Iterator[FloatArray]:
    """Notes on an instrument, block by block.

    Args:
        notes: strokes for drums, pitched notes for all others; in any order.
        seed: which of several equal recordings comes first.

    Yields:
        float32 (channels of the instrument, samples), together ``samples`` long.

    Raises:
        BundleDamaged: the instrument cannot be read.
    """
    sounds_CN = read_sound(instrument, rate_hz)
    end_s = samples / rate_hz + BEYOND_S
    waiting = deque(sorted((_held_until(one, end_s) for one in notes), key=_starts_s))
    tail_CN = np.zeros((len(sounds_CN), 0), np.float32)
    turn = seed
    for at in range(0, samples, BLOCK_SAMPLES):
        count = min(BLOCK_SAMPLES, samples - at)
        begun: list[_Sound] = []
        while waiting and (_starts_s(waiting[0]) - LEAD_LIMIT_S) * rate_hz < at + count:
            begun.append(_sound(instrument, sounds_CN, waiting.popleft(), rate_hz, turn))
            turn += 1
        length = max([count, tail_CN.shape[1], *(one.start + one.audio_CN.shape[1] - at for one in begun)])
        block_CN = np.zeros((len(sounds_CN), length), np.float32)
        block_CN[:, : tail_CN.shape[1]] = tail_CN
        for one in begun:
            cut = max(0, at - one.start)
            first = one.start + cut - at
            audio_CN = one.audio_CN[:, cut:]
            block_CN[:, first : first + audio_CN.shape[1]] += audio_CN
        tail_CN = block_CN[:, count:].copy()
        yield block_CN[:, :count]


def _held_until(note: NoteEvent | DrumHit, end_s: float) -> NoteEvent | DrumHit:
    """A note that ends in time: a line of hours may be given for a result of seconds."""
    if isinstance(note, DrumHit) or note.end_s <= end_s:
        return note
    return replace(note, end_s=max(end_s, note.start_s))


def _starts_s(note: NoteEvent | DrumHit) -> float:
    return note.at_s if isinstance(note, DrumHit) else note.start_s


def _sound(
    instrument: SampledInstrument, sounds_CN: FloatArray, note: NoteEvent | DrumHit, rate_hz: int, turn: int
) -> _Sound:
    scale = rate_hz / instrument.rate_hz
    if isinstance(note, DrumHit):
        recorded = _stroke(instrument, DRUM_KEYS.get(note.drum, 38), note.velocity, turn)
        if recorded is None:
            return _Sound(round(note.at_s * rate_hz), np.zeros((len(sounds_CN), 0), np.float32))
        first, last = round(recorded.start * scale), round((recorded.start + recorded.samples) * scale)
        start = round(note.at_s * rate_hz - recorded.attack * scale)
        return _Sound(start, sounds_CN[:, first:last] * np.float32(_gain(recorded, note.velocity)))
    recorded = choose(instrument, note.pitch, note.velocity, turn)
    ratio = 2 ** ((note.pitch - recorded.midi) / 12)
    lead = min(recorded.attack * scale / ratio, LEAD_LIMIT_S * rate_hz)
    hold = max(1, round(note.length_s * rate_hz + lead))
    release = instrument.release_s * rate_hz
    rings = instrument.kind == "ringing"
    wanted = hold + round(SILENT_AFTER * release) if not rings else round(RING_LIMIT_S * rate_hz)
    audio_CN = _read(sounds_CN, recorded, scale, note, wanted, rate_hz)
    audio_CN *= np.float32(_gain(recorded, note.velocity))
    if len({one.velocity for one in instrument.notes}) == 1:
        audio_CN = _softened(audio_CN, note.velocity, rate_hz)
    if not rings and audio_CN.shape[1] > hold:
        age_N = np.arange(audio_CN.shape[1] - hold, dtype=np.float32)
        audio_CN[:, hold:] *= np.exp(-age_N / np.float32(release))
    return _Sound(round(note.start_s * rate_hz - lead), audio_CN)


def choose(instrument: SampledInstrument, pitch: float, velocity: float, turn: int) -> RecordedNote:
    """The recording that suits a note: the nearest in pitch, then in loudness; equal ones take turns."""
    near = min(abs(one.midi - pitch) for one in instrument.notes)
    pool = [one for one in instrument.notes if abs(one.midi - pitch) <= near + 0.6]
    return _of_loudness(pool, velocity, turn)


def _stroke(instrument: SampledInstrument, key: int, velocity: float, turn: int) -> RecordedNote | None:
    """A recorded stroke on a piece of the kit, or on what stands in for it; None where there is neither."""
    for one_key in (key, *STAND_INS.get(key, ())):
        if pool := [one for one in instrument.notes if one.midi == one_key]:
            return _of_loudness(pool, velocity, turn)
    return None


def _of_loudness(pool: Sequence[RecordedNote], velocity: float, turn: int) -> RecordedNote:
    loud = min(max(round(velocity * 127), 0), 127)
    layer = [one for one in pool if one.velocity[0] <= loud <= one.velocity[1]] or pool
    return layer[turn % len(layer)]


def _gain(recorded: RecordedNote, velocity: float) -> float:
    return float(velocity**2 * 10 ** ((LEVEL_DB - max(recorded.level_db, -60.0)) / 20))


def _read(
    sounds_CN: FloatArray, recorded: RecordedNote, scale: float, note: NoteEvent, wanted: int, rate_hz: int
) -> FloatArray:
    """A recording along the pitch of a note, at most ``wanted`` samples, as many as there are where it has no loop."""
    length = recorded.samples * scale
    lowest = 2 ** ((note.pitch + min(note.bends, default=0.0) - recorded.midi) / 12)
    count = int(min(wanted, (1 << 40 if recorded.loop else length / lowest) + 1))
    steps_N = np.full(count, 2 ** ((note.pitch - recorded.midi) / 12))
    if note.bends:
        at_N = np.arange(count) / (rate_hz * BEND_STEP_S)
        steps_N *= 2 ** (np.interp(at_N, np.arange(len(note.bends)), note.bends) / 12)
    places_N = np.concatenate([[0.0], np.cumsum(steps_N[:-1])])
    if recorded.loop is not None:
        begin, end = (edge * scale for edge in recorded.loop)
        places_N = np.where(places_N < end, places_N, begin + (places_N - begin) % (end - begin))
    else:
        places_N = places_N[places_N < length - 1]
    return between_samples(sounds_CN, places_N + recorded.start * scale)


@functools.cache
def _sinc_table() -> FloatArray:
    """Weights of the taps, float32 (phases + 1, taps)."""
    away_PT = np.arange(TAPS)[None] - (TAPS / 2 - 1) - np.arange(PHASES + 1)[:, None] / PHASES
    table_PT = np.sinc(away_PT) * np.cos(np.pi * np.clip(away_PT / TAPS, -0.5, 0.5)) ** 2
    return np.asarray(table_PT / table_PT.sum(axis=1, keepdims=True), np.float32)


def between_samples(audio_CN: FloatArray, places_N: np.ndarray) -> FloatArray:
    """Audio at places between its samples, by a windowed sinc of ``TAPS`` taps; silence beyond its ends.

    Args:
        audio_CN: float32 (channels, samples).
        places_N: float64, in samples.
    """
    whole_N = np.floor(places_N).astype(np.int64)
    weights_NT = _sinc_table()[np.round((places_N - whole_N) * PHASES).astype(np.int64)]
    taps_NT = np.clip(whole_N[:, None] + np.arange(TAPS)[None] - (TAPS // 2 - 1), 0, audio_CN.shape[1] - 1)
    return np.stack([np.einsum("nt,nt->n", channel_N[taps_NT], weights_NT) for channel_N in audio_CN])


def _softened(audio_CN: FloatArray, velocity: float, rate_hz: int) -> FloatArray:
    """Of a recording in one loudness: a soft note is darker, by a slope of 6 dB an octave that moves with velocity."""
    edge_hz = SOFT_HZ * 2 ** (SOFT_OCTAVES * velocity)
    if edge_hz > rate_hz / 2 or audio_CN.shape[1] < 2:
        return audio_CN
    size = audio_CN.shape[1]
    spectrum_CF = np.fft.rfft(audio_CN, size)
    slope_F = 1 / np.sqrt(1 + (np.fft.rfftfreq(size, 1 / rate_hz) / edge_hz) ** 2)
    return np.asarray(np.fft.irfft(spectrum_CF * slope_F, size), np.float32)
