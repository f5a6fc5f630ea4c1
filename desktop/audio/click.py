"""A click on every beat, computed where it is played."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from desktop.audio.sounds import ComputedSamples
from engine import TimeMap

FloatArray = npt.NDArray[np.float32]

CLICK_S = 0.03
BEAT_HZ, BAR_HZ = 1000.0, 1600.0  # of a beat, and of the first of a bar
LEVEL = 0.35


def click_sound(time_map: TimeMap, rate_hz: int, samples: int) -> ComputedSamples:
    """Clicks over a whole timeline, float32 (samples, 1).

    Args:
        time_map: where the beats are.
    """
    beat_N, bar_N = (_click(hz, rate_hz) for hz in (BEAT_HZ, BAR_HZ))

    def compute(first: int, last: int) -> FloatArray:
        out_NC = np.zeros((last - first, 1), np.float32)
        earliest_s, latest_s = (first - len(beat_N)) / rate_hz, last / rate_hz
        for seconds, _, beat in time_map.beats_between(earliest_s, latest_s):
            at = round(seconds * rate_hz) - first
            click_N = bar_N if beat == 1 else beat_N
            begin, end = max(at, 0), min(at + len(click_N), len(out_NC))
            if begin < end:
                out_NC[begin:end, 0] += click_N[begin - at : end - at]
        return out_NC

    return ComputedSamples(samples, 1, compute)


def _click(hz: float, rate_hz: int) -> FloatArray:
    time_N = np.arange(round(CLICK_S * rate_hz)) / rate_hz
    return np.asarray(LEVEL * np.sin(2 * np.pi * hz * time_N) * np.exp(-time_N / (CLICK_S / 5)), np.float32)
