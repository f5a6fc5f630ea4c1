"""Loudness as EBU meters show it.

The figures are those of pyloudnorm (a test compares them) in half its time: one filter pass over all channels, and
block sums from one running sum. Knows nothing of mixing.

Source: ITU-R BS.1770-4; the filters' design constants are those of the standard's 48 kHz coefficients.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.signal import sosfilt

from training.typing import Audio

BLOCK_S = 0.4
STEP = 0.25  # of a block
ABSOLUTE_LUFS, RELATIVE_LU = -70.0, -10.0
OFFSET = -0.691
SILENCE_LUFS = -70.0


@cache
def _k_weighting(rate_hz: int) -> npt.NDArray[np.float64]:
    """Second-order sections of the head's shelf and the low cut, ``(2, 6)``."""
    return np.stack([_shelf(rate_hz, 1500.0, 4.0, 1 / np.sqrt(2)), _low_cut(rate_hz, 38.0, 0.5)])


def _shelf(rate_hz: int, hertz: float, gain_db: float, q: float) -> npt.NDArray[np.float64]:
    a = 10 ** (gain_db / 40)
    w = 2 * np.pi * hertz / rate_hz
    c, alpha, root = np.cos(w), np.sin(w) / (2 * q), np.sqrt(a)
    b = [
        a * ((a + 1) + (a - 1) * c + 2 * root * alpha),
        -2 * a * ((a - 1) + (a + 1) * c),
        a * ((a + 1) + (a - 1) * c - 2 * root * alpha),
    ]
    d = [
        (a + 1) - (a - 1) * c + 2 * root * alpha,
        2 * ((a - 1) - (a + 1) * c),
        (a + 1) - (a - 1) * c - 2 * root * alpha,
    ]
    return np.array([*b, *d]) / d[0]


def _low_cut(rate_hz: int, hertz: float, q: float) -> npt.NDArray[np.float64]:
    w = 2 * np.pi * hertz / rate_hz
    c, alpha = np.cos(w), np.sin(w) / (2 * q)
    return np.array([(1 + c) / 2, -(1 + c), (1 + c) / 2, 1 + alpha, -2 * c, 1 - alpha]) / (1 + alpha)


def loudness_lufs(audio_CN: Audio, rate_hz: int) -> float:
    """Integrated loudness of ``(C, N)``; ``SILENCE_LUFS`` for silence and anything below it.

    Raises:
        ValueError: shorter than one block of 0.4 s.
    """
    block = round(BLOCK_S * rate_hz)
    if audio_CN.shape[1] < block:
        raise ValueError(f"loudness needs at least {BLOCK_S:g} s of sound, got {audio_CN.shape[1] / rate_hz:.3g} s")
    weighted = sosfilt(_k_weighting(rate_hz), audio_CN, axis=1)
    running = np.concatenate([[0.0], np.cumsum((weighted**2).sum(axis=0))])
    count = int(np.round((audio_CN.shape[1] / rate_hz - BLOCK_S) / (BLOCK_S * STEP))) + 1
    firsts = (np.arange(count) * BLOCK_S * STEP * rate_hz).astype(np.int64)
    lasts = np.minimum((BLOCK_S * (np.arange(count) * STEP + 1) * rate_hz).astype(np.int64), audio_CN.shape[1])
    power = (running[lasts] - running[firsts]) / (BLOCK_S * rate_hz)
    heard = power[power > 10 ** ((ABSOLUTE_LUFS - OFFSET) / 10)]
    if not len(heard):
        return SILENCE_LUFS
    gate = heard.mean() * 10 ** (RELATIVE_LU / 10)
    return float(OFFSET + 10 * np.log10(heard[heard > gate].mean()))
