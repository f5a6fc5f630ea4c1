"""Integrated loudness: gated, K-weighted, computed on spectra of blocks.

Source: ITU-R BS.1770-5, annex 1; both filters are evaluated as gains by frequency instead of being run over time.
pyloudnorm, which the tests compare with, needs SciPy (some 140 MB in an installed window), cannot be stopped between
blocks, and refuses sound shorter than one block.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.audio.read import Check, keep_going

BLOCK_S, OVERLAP = 0.4, 4
GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
SILENT_LUFS = -120.0


def loudness_lufs(samples_NC: npt.NDArray[np.float32], rate_hz: int, check: Check = keep_going) -> float:
    """Integrated loudness.

    Args:
        samples_NC: float32 (samples, channels); every channel counts the same.
        rate_hz: of the samples.
        check: called between blocks; raises to cancel.

    Returns:
        LUFS; ``SILENT_LUFS`` for silence.
    """
    length = min(round(BLOCK_S * rate_hz), max(len(samples_NC), 1))
    weights_F = k_weighting(np.fft.rfftfreq(length, 1 / rate_hz))
    weights_F[1:-1] *= 2
    powers = []
    for start in range(0, max(len(samples_NC) - length, 0) + 1, max(length // OVERLAP, 1)):
        check()
        spectrum_FC = np.fft.rfft(samples_NC[start : start + length], n=length, axis=0)
        powers.append(float((np.square(np.abs(spectrum_FC)) * weights_F[:, None]).sum()) / length**2)
    return _gated(np.array(powers))


def k_weighting(frequency_F: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Gain in power by frequency in Hz: a shelf of 4 dB above 1.7 kHz, and a high-pass at 38 Hz."""
    s_F = 2j * np.pi * frequency_F
    shelf_w, shelf_q = 2 * np.pi * 1681.974450955533, 0.7071752369554196
    gain_db = 3.999843853973347
    high = 10 ** (gain_db / 20)
    middle = high**0.4996667741545416
    shelf_F = (high * s_F**2 + middle * shelf_w / shelf_q * s_F + shelf_w**2) / (
        s_F**2 + shelf_w / shelf_q * s_F + shelf_w**2
    )
    pass_w, pass_q = 2 * np.pi * 38.13547087602444, 0.5003270373238773
    pass_F = s_F**2 / (s_F**2 + pass_w / pass_q * s_F + pass_w**2)
    return np.asarray(np.square(np.abs(shelf_F * pass_F)))


def _gated(powers: npt.NDArray[np.float64]) -> float:
    levels = -0.691 + 10 * np.log10(powers + 1e-20)
    loud = powers[levels > GATE_LUFS]
    if not loud.size:
        return SILENT_LUFS
    gate = -0.691 + 10 * np.log10(loud.mean()) + RELATIVE_GATE_LU
    kept = loud[-0.691 + 10 * np.log10(loud + 1e-20) > gate]
    return float(-0.691 + 10 * np.log10(kept.mean()))
