"""Pitched notes of a sound: the network of Basic Pitch over its windows, then notes of what it says.

Source: Bittner et al. 2022, A Lightweight Instrument-Agnostic Model for Polyphonic Note Transcription and Multipitch
Estimation (arXiv 2203.09893).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.notes.note import Transcription


def transcribe(audio_CN: npt.NDArray[np.floating], rate_hz: int) -> Transcription:
    """Notes of a sound, in tune and in time.

    Args:
        audio_CN: float (channels, samples), full scale at 1.
        rate_hz: its sample rate.

    Raises:
        BundleError: the network is not installed, or is damaged.
        DeviceError: there is no ONNX Runtime, or it refused.
    """
    raise NotImplementedError
