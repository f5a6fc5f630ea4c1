"""Loudness as EBU meters show it.

Source: ITU-R BS.1770-4, by pyloudnorm.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pyloudnorm

from training.typing import Audio

BLOCK_S = 0.4
SILENCE_LUFS = -70.0  # the absolute gate


def loudness_lufs(audio_CN: Audio, rate_hz: int) -> float:
    """Integrated loudness of ``(C, N)``; ``SILENCE_LUFS`` for silence and anything below it.

    Raises:
        ValueError: shorter than one block of 0.4 s.
    """
    if audio_CN.shape[1] < round(BLOCK_S * rate_hz):
        raise ValueError(f"loudness needs at least {BLOCK_S:g} s of sound, got {audio_CN.shape[1] / rate_hz:.3g} s")
    loudness = _meter(rate_hz).integrated_loudness(audio_CN.T.astype(np.float64))
    return max(float(loudness), SILENCE_LUFS)


@cache
def _meter(rate_hz: int) -> pyloudnorm.Meter:
    return pyloudnorm.Meter(rate_hz)
