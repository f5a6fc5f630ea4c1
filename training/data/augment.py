"""Augment recorded stems: speed and pitch, equaliser, room, drive.

Random in every mix, so that a model learns the family and not the recordings. Deterministic by generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from scipy import fft

from training.typing import Audio, Rng

SPEED_SEMITONES = 3.0  # most a stem is sped up or slowed down, with its pitch
BANDS = 9  # of the equaliser, spread over the logarithm of frequency
BAND_LOW_HZ = 60.0
BAND_DB = 4.5  # standard deviation of a band's gain
ROOM_SHARE, DRIVE_SHARE = 0.4, 0.25
ROOM_S = (0.08, 0.9)  # decay time to -60 dB
WET = (0.1, 0.6)  # energy of the room against the direct sound, as a ratio of amplitudes
DRIVE_DB = (2.0, 14.0)


@dataclass(frozen=True, slots=True)
class PlaybackSpeed:
    """How fast a stem is played back, with its pitch; stems written for each other share one.

    Attributes:
        ratio: 1 leaves it as it is, 2 is an octave higher and half as long.
    """

    ratio: float

    def needs(self, samples: int) -> int:
        """Samples of the stem needed for ``samples`` of output."""
        return samples if self.ratio == 1.0 else int(np.ceil(samples * self.ratio)) + 8

    def apply(self, audio: Audio, samples: int) -> Audio:
        """``(N,)`` -> ``(samples,)``, padded with silence where the stem is too short."""
        if self.ratio != 1.0:
            audio = soxr.resample(audio, self.ratio, 1.0, quality="MQ")
        return np.pad(audio[:samples], (0, max(0, samples - len(audio)))).astype(np.float32)


AS_IT_IS = PlaybackSpeed(1.0)


def draw_speed(rng: Rng) -> PlaybackSpeed:
    """A speed within ``SPEED_SEMITONES``."""
    return PlaybackSpeed(float(2 ** (rng.uniform(-SPEED_SEMITONES, SPEED_SEMITONES) / 12)))


def vary_timbre(rng: Rng, audio: Audio, rate_hz: int) -> Audio:
    """Random equaliser and, for some, drive or room; keeps the level. ``(N,)`` -> ``(N,)``."""
    power = float((audio**2).mean())
    if power < 1e-10:
        return audio
    if rng.random() < DRIVE_SHARE:
        drive = 10 ** (rng.uniform(*DRIVE_DB) / 20) / max(1e-6, float(np.abs(audio).max()))
        audio = np.tanh(audio * np.float32(drive)).astype(np.float32)
    room = _room(rng, rate_hz) if rng.random() < ROOM_SHARE else np.ones(1, dtype=np.float32)
    size = fft.next_fast_len(len(audio) + len(room), real=True)
    spectrum = fft.rfft(audio, size) * fft.rfft(room, size) * _equaliser(rng, size, rate_hz)
    out = fft.irfft(spectrum, size)[: len(audio)].astype(np.float32)
    return out * np.float32(np.sqrt(power / max(1e-12, float((out**2).mean()))))


def _equaliser(rng: Rng, size: int, rate_hz: int) -> Audio:
    """Gain of every bin ``(size / 2 + 1,)``, smooth over the logarithm of frequency."""
    log_hz = np.linspace(np.log(BAND_LOW_HZ), np.log(rate_hz / 2), BANDS)
    gains_db = rng.normal(0, BAND_DB, size=BANDS)
    bins_hz = np.arange(size // 2 + 1) * (rate_hz / size)
    return (10 ** (np.interp(np.log(np.maximum(bins_hz, 1.0)), log_hz, gains_db) / 20)).astype(np.float32)


def _room(rng: Rng, rate_hz: int) -> Audio:
    """An impulse response: the direct sound, then noise that dies away, duller as it goes."""
    decay_s = float(np.exp(rng.uniform(*np.log(ROOM_S))))
    time_s = np.arange(int(decay_s * rate_hz)) / rate_hz
    tail = rng.standard_normal(len(time_s), dtype=np.float32) * (10 ** (-3 * time_s / decay_s)).astype(np.float32)
    dull = rng.uniform(0.0, 0.7)
    tail[1:] = (1 - dull) * tail[1:] + dull * tail[:-1]
    tail *= np.float32(rng.uniform(*WET) / max(1e-6, float(np.sqrt((tail**2).sum()))))
    tail[0] = 1.0
    return tail
