"""Snapping to zero crossings, so that cuts do not click."""

from __future__ import annotations

import numpy as np

from desktop.audio.sounds import SoundSamples

REACH_S = 0.01


def nearest_zero(samples_NC: SoundSamples, sample: int, rate_hz: int) -> int:
    """The zero crossing nearest to ``sample``, at most ``REACH_S`` away; ``sample`` itself when there is none."""
    reach = round(REACH_S * rate_hz)
    first, last = max(sample - reach, 0), min(sample + reach + 1, len(samples_NC))
    if last - first < 2:
        return sample
    mono_N = np.asarray(samples_NC[first:last]).mean(axis=1)
    crossings = np.flatnonzero(np.signbit(mono_N[1:]) != np.signbit(mono_N[:-1])) + 1
    if not crossings.size:
        return sample
    # Of the two samples around a crossing, the quieter one.
    quieter = np.where(np.abs(mono_N[crossings - 1]) < np.abs(mono_N[crossings]), crossings - 1, crossings) + first
    return int(quieter[np.argmin(np.abs(quieter - sample))])
