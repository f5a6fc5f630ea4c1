"""Put a dry sound where another one stood: its broad tone, and the room that rings after its notes.

The tone is matched by half and by at most 6 dB in each octave: a trumpet in the place of a violin is to sound through
the same microphone and mixing desk, and is to remain a trumpet. The room is estimated from what rings on in the pauses
after notes; where there are too few pauses, it is a small, dry one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.sampler.instruments import FloatArray

OCTAVES_HZ = (62.5, 125.0, 250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0, 16_000.0)
TONE_SHARE, TONE_LIMIT_DB = 0.5, 6.0
INAUDIBLE_DB = -50.0  # an octave so far below the loudest says nothing
FRAME_SAMPLES = 4096
TONE_TAPS = 1023
STEP_S = 0.01  # of the envelope that decays are read from
PAUSE_S = (0.2, 1.2)  # of a pause that is long enough, and what is read of one
SETTLE_S = 0.04  # after the end of a note, before its decay counts
FEWEST_PAUSES = 2
SHORT_PERCENT = 30  # of the decays: others may ring into a pause, and nothing makes a room shorter than it is
DECAY_S = (0.15, 1.8)
WET_DB = (-26.0, -9.0)
REFLECTIONS_S = (0.0071, 0.0113, 0.0167, 0.0229, 0.0283, 0.0371)  # primes apart, so that no pitch stands out
REFLECTION_SHARE = 0.5  # of the room's energy that comes early

Samples = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class RoomSound:
    """A room.

    Attributes:
        decay_s: time in which it falls by 60 dB.
        wet_db: energy of what it adds, against the sound itself.
        pauses: how many it was estimated from; 0 for one that was assumed.
    """

    decay_s: float = 0.4
    wet_db: float = -18.0
    pauses: int = 0


class OctaveMeter:
    """Mean power of a stream in octaves."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._power_F = np.zeros(FRAME_SAMPLES // 2 + 1)
        self._window_N = np.hanning(FRAME_SAMPLES)

    def add(self, audio_CN: Samples) -> None:
        """Add a block, float (channels, samples)."""
        mono_N = audio_CN.mean(axis=0)
        for at in range(0, len(mono_N) - FRAME_SAMPLES + 1, FRAME_SAMPLES // 2):
            spectrum_F = np.fft.rfft(mono_N[at : at + FRAME_SAMPLES] * self._window_N)
            self._power_F += np.square(np.abs(spectrum_F))

    @property
    def octaves_db(self) -> npt.NDArray[np.float64]:
        """Level of each octave of ``OCTAVES_HZ`` against the whole, dB."""
        hertz_F = np.fft.rfftfreq(FRAME_SAMPLES, 1 / self._rate_hz)
        total = max(float(self._power_F.sum()), 1e-20)
        powers = [
            float(self._power_F[(hertz_F >= middle / 2**0.5) & (hertz_F < middle * 2**0.5)].sum()) / total
            for middle in OCTAVES_HZ
        ]
        return 10 * np.log10(np.maximum(powers, 1e-12))


def tone_gains_db(wanted_db: npt.NDArray[np.float64], given_db: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Gain of each octave that brings one sound half of the way to another; none where either is inaudible."""
    difference_db = wanted_db - given_db
    heard = (wanted_db > INAUDIBLE_DB) & (given_db > INAUDIBLE_DB)
    if not heard.any():
        return np.zeros(len(wanted_db))
    gains_db = np.where(heard, difference_db - difference_db[heard].mean(), 0.0)
    return np.asarray(np.clip(TONE_SHARE * gains_db, -TONE_LIMIT_DB, TONE_LIMIT_DB))


def estimate_room(mono_N: Samples, rate_hz: int, spans_s: Sequence[tuple[float, float]]) -> RoomSound:
    """The room around a sound, from what rings on after its notes.

    Args:
        mono_N: float (samples).
        spans_s: start and end of each note in seconds.
    """
    step = max(1, round(STEP_S * rate_hz))
    count = len(mono_N) // step
    if not spans_s or count < 2:
        return RoomSound()
    level_L = 10 * np.log10(np.square(mono_N[: count * step]).reshape(count, step).mean(axis=1) + 1e-12)
    floor_db = float(np.percentile(level_L, 5)) + 6.0
    decays, wets = [], []
    for end_s, next_s in _pauses(spans_s, count * STEP_S):
        end, first = round(end_s / STEP_S), round((end_s + SETTLE_S) / STEP_S)
        heard_L = level_L[first : min(round(next_s / STEP_S), first + round(PAUSE_S[1] / STEP_S))]
        above = int(np.argmax(heard_L < floor_db)) if (heard_L < floor_db).any() else len(heard_L)
        if above < 8:
            continue
        slope, begin_db = np.polyfit(np.arange(above) * STEP_S, heard_L[:above], 1)
        before_db = float(level_L[max(0, end - 12) : max(1, end - 2)].mean())
        if slope < -20.0:
            decays.append(-60.0 / slope)
            wets.append(begin_db - before_db)
    if len(decays) < FEWEST_PAUSES:
        return RoomSound()
    decay_s = float(np.clip(np.percentile(decays, SHORT_PERCENT), *DECAY_S))
    return RoomSound(decay_s, float(np.clip(np.median(wets), *WET_DB)), len(decays))


def _pauses(spans_s: Sequence[tuple[float, float]], length_s: float) -> Iterator[tuple[float, float]]:
    """End of a note and start of the next one, where nothing sounds between them for long enough."""
    ends_s = 0.0
    for start_s, end_s in [*sorted(spans_s), (length_s, length_s)]:
        if ends_s and start_s - ends_s >= PAUSE_S[0]:
            yield ends_s, start_s
        ends_s = max(ends_s, end_s)


def placing_filter(room: RoomSound, gains_db: npt.NDArray[np.float64], rate_hz: int, channels: int, seed: int
) -> FloatArray:  # fmt: skip
    """The impulse response of tone and room together, for each channel one of its own.

    Its first ``TONE_TAPS // 2`` samples come before the sound itself.

    Returns:
        float32 (channels, samples).
    """
    rng = np.random.default_rng(seed)
    rows = [_room_response(room, rate_hz, rng) for _ in range(channels)]
    tone_T = _tone_response(gains_db, rate_hz)
    size = len(rows[0]) + len(tone_T) - 1
    together_CN = [np.fft.irfft(np.fft.rfft(row_N, size) * np.fft.rfft(tone_T, size), size) for row_N in rows]
    return np.asarray(together_CN, np.float32)


def _tone_response(gains_db: npt.NDArray[np.float64], rate_hz: int) -> npt.NDArray[np.float64]:
    """A filter of linear phase, ``TONE_TAPS`` long, whose gains go evenly from octave to octave."""
    hertz_F = np.fft.rfftfreq(4 * (TONE_TAPS + 1), 1 / rate_hz)
    octave_F = np.log2(np.maximum(hertz_F, 1.0))
    gain_F = 10 ** (np.interp(octave_F, np.log2(OCTAVES_HZ), gains_db) / 20)
    response_N = np.roll(np.fft.irfft(gain_F), TONE_TAPS // 2)[:TONE_TAPS]
    return np.asarray(response_N * np.hanning(TONE_TAPS + 2)[1:-1])


def _room_response(room: RoomSound, rate_hz: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """The sound itself, six early reflections and a diffuse tail that grows darker as it dies away."""
    length = round(min(room.decay_s, DECAY_S[1]) * rate_hz)
    at_N = np.arange(length)
    tail_N = rng.standard_normal(length) * 10 ** (-3 * at_N / max(length, 1))
    tail_N[: round(REFLECTIONS_S[-1] * rate_hz)] = 0.0
    dark_N = np.convolve(tail_N, np.hanning(max(3, round(rate_hz / 8_000)) + 2), "same")
    share_N = np.clip(at_N / max(length, 1) * 3, 0, 1)
    tail_N = tail_N * (1 - share_N) + dark_N * share_N
    early_N = np.zeros(max(length, round(0.06 * rate_hz)))
    for place_s in REFLECTIONS_S:
        at = round(place_s * rate_hz * float(rng.uniform(0.9, 1.1)))
        early_N[at] = float(rng.choice([-1.0, 1.0])) * 10 ** (-3 * place_s / room.decay_s - 20 * place_s)
    energy = 10 ** (room.wet_db / 10)
    response_N = early_N * np.sqrt(energy * REFLECTION_SHARE / max(float(np.square(early_N).sum()), 1e-12))
    late = energy * (1 - REFLECTION_SHARE) / max(float(np.square(tail_N).sum()), 1e-12)
    response_N[:length] += tail_N * np.sqrt(late)
    response_N[0] += 1.0
    return np.asarray(response_N)


def placed(blocks_CN: Iterator[FloatArray], filter_CN: FloatArray, samples: int) -> Iterator[FloatArray]:
    """A stream through ``placing_filter``, in time with what went in.

    Args:
        blocks_CN: float32 (channels, samples); a mono stream is heard on every channel of the filter.
        filter_CN: float32 (channels, samples).

    Yields:
        float32 (channels of the filter, samples), together ``samples`` long.
    """
    channels, taps = filter_CN.shape
    waiting_CN = np.zeros((channels, 0))
    skip, left = TONE_TAPS // 2, samples
    for block_CN in blocks_CN:
        count = block_CN.shape[1]
        size = 1 << (count + taps - 1).bit_length()
        wet_CN = np.fft.irfft(np.fft.rfft(block_CN, size) * np.fft.rfft(filter_CN, size), size)[:, : count + taps - 1]
        wet_CN[:, : waiting_CN.shape[1]] += waiting_CN[:, : wet_CN.shape[1]]
        done_CN, waiting_CN = wet_CN[:, :count], wet_CN[:, count:]
        if skip:
            dropped = min(skip, done_CN.shape[1])
            done_CN, skip = done_CN[:, dropped:], skip - dropped
        if done_CN.shape[1]:
            left -= done_CN.shape[1]
            yield done_CN.astype(np.float32)
    if left > 0:
        rest_CN = np.zeros((channels, left), np.float32)
        tail_CN = waiting_CN[:, skip : skip + left]
        rest_CN[:, : tail_CN.shape[1]] = tail_CN
        yield rest_CN
