"""What is heard of a drum's stroke: mel bands of every moment, and of what surrounds it. NumPy alone.

``drums`` reads these, and ``training drum-classes`` learns from them.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

RATE_HZ, HOP_SAMPLES, FFT_SAMPLES, BANDS = 22_050, 256, 1024, 48
FRAME_S = HOP_SAMPLES / RATE_HZ
LOWEST_HZ = 35.0
COMPRESSION = 1e4  # of power before its logarithm; the loudest frame is 1
MIDDLE = 2.0  # of the values, which lie between 0 and log10(COMPRESSION)
CONTEXT_FRAMES = (-12, -6, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12, 18, 26)  # around a frame that the network sees
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


def features(bands_BL: Array, frames_O: npt.NDArray[np.intp]) -> Array:
    """What the network sees of some frames: the bands around each, float32 (frames, values)."""
    places_OX = np.clip(frames_O[:, None] + np.array(CONTEXT_FRAMES), 0, bands_BL.shape[1] - 1)
    return np.asarray(bands_BL.T[places_OX].reshape(len(frames_O), -1) - np.float32(MIDDLE), np.float32)
