"""Triangular filters on the mel scale of O'Shaughnessy (HTK)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def mel_filters(
    rate_hz: int, fft_samples: int, bands: int, low_hz: float = 0.0, high_hz: float | None = None
) -> npt.NDArray[np.float64]:
    """Filter bank ``(bands, bins)`` of peak 1, from ``low_hz`` to ``high_hz`` (half the rate when None)."""
    ends_mel = [2595 * np.log10(1 + hz / 700) for hz in (low_hz, rate_hz / 2 if high_hz is None else high_hz)]
    edges_hz = 700 * (10 ** (np.linspace(*ends_mel, bands + 2) / 2595) - 1)
    bins_hz = np.arange(fft_samples // 2 + 1) * rate_hz / fft_samples
    rise = (bins_hz - edges_hz[:-2, None]) / (edges_hz[1:-1] - edges_hz[:-2])[:, None]
    fall = (edges_hz[2:, None] - bins_hz) / (edges_hz[2:] - edges_hz[1:-1])[:, None]
    filters: npt.NDArray[np.float64] = np.maximum(np.minimum(rise, fall), 0)
    return filters
