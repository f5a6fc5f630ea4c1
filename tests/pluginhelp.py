"""Sounds that chains of plug-ins are tried with."""

from __future__ import annotations

import numpy as np

RATE_HZ = 44_100


def click(at: int, samples: int = 30_000, channels: int = 2) -> np.ndarray:
    """Silence with one sample of 0.25 in it."""
    audio_CN = np.zeros((channels, samples), np.float32)
    audio_CN[:, at] = 0.25
    return audio_CN
