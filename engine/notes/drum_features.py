"""What is heard of a drum's stroke: mel bands, onsets in them, and what surrounds each. NumPy alone.

``drums`` reads these, and ``training drum-classes`` learns from them. Source of the onsets: Boeck and Widmer 2013
(SuperFlux): a band has to grow beyond itself and its neighbours.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

RATE_HZ, HOP_SAMPLES, FFT_SAMPLES, BANDS = 22_050, 256, 1024, 48
LOWEST_HZ = 35.0
COMPRESSION = 1e4  # of power before its logarithm; the loudest frame is 1
LAG_FRAMES = 2  # over which a band has to grow
PEAK_FRAMES, MEAN_FRAMES = 3, 12  # to either side: the highest there, and above their mean
LEAST_GROWTH = 0.06  # of a band on average, in tenfold steps of power
# Soft strokes show in their own bands alone, Hz: a hi-hat under a snare, a kick under cymbals.
OWN_RANGES_HZ, LEAST_OWN_GROWTH = ((5_000.0, 11_025.0), (0.0, 150.0)), 0.08
TOGETHER_FRAMES = 2  # onsets that are no further apart are one
CONTEXT_FRAMES = (-2, 0, 1, 2, 4, 7, 12)  # around an onset that the network sees
DRUMS = ("kick", "snare", "hi-hat", "open hi-hat", "tom", "cymbal")

Array = npt.NDArray[np.float32]


def mel_bands(mono_N: Array) -> Array:
    """Logarithm of the power in mel bands, float32 (bands, frames); 0 is silence."""
    padded_N = np.pad(mono_N, (FFT_SAMPLES // 2, FFT_SAMPLES))
    frames = 1 + len(mono_N) // HOP_SAMPLES
    view_LN = np.lib.stride_tricks.sliding_window_view(padded_N, FFT_SAMPLES)[::HOP_SAMPLES][:frames]
    window_N, bank_BF = np.hanning(FFT_SAMPLES).astype(np.float32), mel_bank()
    parts = []
    for first in range(0, frames, 4096):
        power_LF = np.abs(np.fft.rfft(view_LN[first : first + 4096] * window_N, axis=1)) ** 2
        parts.append((power_LF @ bank_BF.T).astype(np.float32))
    power_LB = np.concatenate(parts)
    return np.ascontiguousarray(np.log10(1 + COMPRESSION * power_LB / max(float(power_LB.max()), 1e-12)).T)


@functools.cache
def mel_bank() -> Array:
    """Triangles on the mel scale, float32 (bands, bins)."""
    hertz_F = np.fft.rfftfreq(FFT_SAMPLES, 1 / RATE_HZ)
    edges = np.linspace(1127 * np.log1p(LOWEST_HZ / 700), 1127 * np.log1p(RATE_HZ / 2 / 700), BANDS + 2)
    edges = 700 * np.expm1(edges / 1127)
    low, middle, high = (edges[at : at + BANDS, None] for at in range(3))
    bin_hz = RATE_HZ / FFT_SAMPLES  # no triangle is narrower than a bin
    rising = (hertz_F - low) / np.maximum(middle - low, bin_hz)
    falling = (high - hertz_F) / np.maximum(high - middle, bin_hz)
    return np.asarray(np.maximum(0, np.minimum(rising, falling)), np.float32)


def find_onsets(bands_BL: Array) -> npt.NDArray[np.intp]:
    """Frames in which something new begins, ascending."""
    wide_BL = bands_BL.copy()  # a tone that moves to the band beside it is nothing new
    wide_BL[1:] = np.maximum(wide_BL[1:], bands_BL[:-1])
    wide_BL[:-1] = np.maximum(wide_BL[:-1], bands_BL[1:])
    growth_BL = bands_BL.copy()
    growth_BL[:, LAG_FRAMES:] = np.maximum(bands_BL[:, LAG_FRAMES:] - wide_BL[:, :-LAG_FRAMES], 0)
    middle_B = np.fft.rfftfreq(FFT_SAMPLES, 1 / RATE_HZ)[mel_bank().argmax(axis=1)]
    growth_L = growth_BL.mean(axis=0)
    is_peak_L = _peaks(growth_L, LEAST_GROWTH)
    for low, high in OWN_RANGES_HZ:
        is_peak_L |= _peaks(growth_BL[(middle_B >= low) & (middle_B < high)].mean(axis=0), LEAST_OWN_GROWTH)
    onsets = list[int]()
    for frame in map(int, np.flatnonzero(is_peak_L)):
        if onsets and frame - onsets[-1] <= TOGETHER_FRAMES:
            onsets[-1] = max(onsets[-1], frame, key=lambda at: growth_L[at])
        else:
            onsets.append(frame)
    return np.array(onsets, np.intp)


def _peaks(growth_L: Array, least: float) -> npt.NDArray[np.bool_]:
    """True where it is highest around, and so much above its mean there."""
    highest_L = _around(growth_L, PEAK_FRAMES).max(axis=1)
    mean_L = _around(growth_L, MEAN_FRAMES).mean(axis=1)
    return np.asarray((growth_L >= highest_L) & (growth_L > mean_L + least))


def _around(values_L: Array, reach: int) -> Array:
    padded_L = np.pad(values_L, reach, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded_L, 2 * reach + 1)


def features(bands_BL: Array, onsets_O: npt.NDArray[np.intp]) -> Array:
    """What the network sees of each onset: the bands around it against its loudest, float32 (onsets, values)."""
    places_OX = np.clip(onsets_O[:, None] + np.array(CONTEXT_FRAMES), 0, bands_BL.shape[1] - 1)
    seen_OXB = bands_BL.T[places_OX]
    loudest_O11 = seen_OXB.max(axis=(1, 2), keepdims=True)
    return np.asarray((seen_OXB - loudest_O11).reshape(len(onsets_O), -1), np.float32)
