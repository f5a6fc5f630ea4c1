"""Figures of separation: SDR, SIR, SAR (BSS Eval, 512-tap filters), SI-SDR, and medians with intervals.

BSS Eval as in Vincent et al. 2006, by ``fast_bss_eval`` (equal to ``mir_eval`` to four digits, and faster). Knows
nothing of models or files.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from training.data.sources import Audio

Figures = dict[str, float]
MASK_WINDOW_S = 0.093


def bss(stem: Audio, rest: Audio, stem_made: Audio, rest_made: Audio) -> Figures:
    """SDR, SIR, SAR and SI-SDR of a stem in dB, all inputs ``(N,)``."""
    import fast_bss_eval
    import torch

    truth = torch.from_numpy(np.stack([stem, rest]).astype(np.float64))
    made = torch.from_numpy(np.stack([stem_made, rest_made]).astype(np.float64))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sdr, sir, sar = fast_bss_eval.bss_eval_sources(
            truth, made + 1e-7 * torch.randn_like(made), compute_permutation=False
        )
    return {"SDR": float(sdr[0]), "SIR": float(sir[0]), "SAR": float(sar[0]), "SI-SDR": si_sdr(stem_made, stem)}


def si_sdr(made: Audio, true: Audio) -> float:
    """Scale-invariant SDR in dB (Le Roux et al. 2019), both ``(N,)``."""
    made, true = made.astype(np.float64), true.astype(np.float64)
    scaled = (made @ true) / (true @ true + 1e-12) * true
    error = made - scaled
    return float(10 * np.log10((scaled @ scaled + 1e-12) / (error @ error + 1e-12)))


def ratio_mask(mix: Audio, stem: Audio, rest: Audio, rate_hz: int, power: float = 1.0) -> Audio:
    """The mix filtered by |stem|^p / (|stem|^p + |rest|^p), all ``(N,)``."""
    from scipy.signal import istft, stft

    size = 1 << round(np.log2(MASK_WINDOW_S * rate_hz))
    mix_FT, stem_FT, rest_FT = (stft(x, nperseg=size, noverlap=size * 3 // 4)[2] for x in (mix, stem, rest))
    s, u = np.abs(stem_FT) ** power, np.abs(rest_FT) ** power
    filtered: Audio = istft(mix_FT * s / (s + u + 1e-9), nperseg=size, noverlap=size * 3 // 4)[1][: len(mix)]
    return filtered.astype(np.float32)


def median_interval(values: list[float], seed: int = 0) -> tuple[float, float, float]:
    """Median and its 95 % bootstrap interval; NaN when there are no values."""
    if not values:
        return float("nan"), float("nan"), float("nan")
    data: npt.NDArray[Any] = np.asarray(values)
    draws = np.random.default_rng(seed).choice(data, size=(1000, len(data)))
    low, high = np.percentile(np.median(draws, axis=1), [2.5, 97.5])
    return float(np.median(data)), float(low), float(high)
