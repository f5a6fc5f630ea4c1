"""The figures of separation: an estimated stem against the true one, and medians with bootstrap intervals.

SDR, SIR and SAR are those of BSS Eval 3 (Vincent et al. 2006) with filters of 512 taps, by ``fast_bss_eval``;
``against_mir_eval`` measures how far that is from ``mir_eval``. Audio is float32 ``(N,)`` or ``(C, N)``, stems and
rests alike.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from training.mel import mel_filters
from training.typing import Audio

Figures = dict[str, float]
Interval = tuple[float, float, float]
MASK_WINDOW_S = 0.093
SILENT_RMS = 1e-6
DRAWS = 1000  # of the bootstrap
MEL_RATE_HZ, MEL_FFT, MEL_HOP, MELS, MEL_FLOOR = 16_000, 1024, 160, 64, 1e-5
NAN = float("nan")


def bss(stem: Audio, rest: Audio, stem_made: Audio, rest_made: Audio) -> Figures:
    """SDR, SIR, SAR and SI-SDR of a stem in dB, all inputs ``(N,)``; what else is in the mix is one interferer.

    All are NaN where the stem or its estimate is silent: nothing can be said of it.
    """
    import fast_bss_eval
    import torch

    if min(rms(stem), rms(stem_made)) < SILENT_RMS:
        return dict.fromkeys(("SDR", "SIR", "SAR", "SI-SDR"), NAN)
    truth = torch.from_numpy(np.stack([stem, rest]).astype(np.float64))
    made = torch.from_numpy(np.stack([stem_made, rest_made]).astype(np.float64))
    generator = torch.Generator().manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sdr, sir, sar = fast_bss_eval.bss_eval_sources(
            truth,
            made + 1e-7 * torch.randn(made.shape, generator=generator, dtype=made.dtype),
            compute_permutation=False,
        )
    return {"SDR": float(sdr[0]), "SIR": float(sir[0]), "SAR": float(sar[0]), "SI-SDR": si_sdr(stem_made, stem)}


def against_mir_eval(stem: Audio, rest: Audio, stem_made: Audio, rest_made: Audio) -> float:
    """Largest difference in dB between ``bss`` and ``mir_eval.separation.bss_eval_sources``, inputs ``(N,)``."""
    from mir_eval.separation import bss_eval_sources

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = bss_eval_sources(
            np.stack([stem, rest]).astype(np.float64),
            np.stack([stem_made, rest_made]).astype(np.float64),
            compute_permutation=False,
        )
    ours = bss(stem, rest, stem_made, rest_made)
    return float(max(abs(ours[name] - their[0]) for name, their in zip(("SDR", "SIR", "SAR"), theirs, strict=False)))


def si_sdr(made: Audio, true: Audio) -> float:
    """Scale-invariant SDR in dB (Le Roux et al. 2019), both ``(N,)``, or ``(C, N)`` with one scale for all channels."""
    made, true = made.astype(np.float64).ravel(), true.astype(np.float64).ravel()
    scaled = (made @ true) / (true @ true + 1e-12) * true
    error = made - scaled
    return float(10 * np.log10((scaled @ scaled + 1e-12) / (error @ error + 1e-12)))


def sdr(made: Audio, true: Audio) -> float:
    """Plain SDR in dB over all channels: the energy of the true stem over that of the error; nothing is forgiven."""
    made, true = made.astype(np.float64), true.astype(np.float64)
    return float(10 * np.log10(((true**2).sum() + 1e-12) / (((made - true) ** 2).sum() + 1e-12)))


def museval_sdr(made_CN: Audio, true_CN: Audio, rate_hz: int) -> float:
    """SDR in dB as ``museval`` gives it: per second over all channels, median over the seconds that sound.

    BSS Eval 4 lets no filter forgive the SDR, so it is the energy of the true stem over that of the error; seconds
    in which the stem or its estimate is silent do not count. NaN when none is left.
    """
    made_CN, true_CN = np.atleast_2d(made_CN).astype(np.float64), np.atleast_2d(true_CN).astype(np.float64)
    ratios = []
    for first in range(0, max(1, true_CN.shape[1] - rate_hz + 1), rate_hz):
        true, made = true_CN[:, first : first + rate_hz], made_CN[:, first : first + rate_hz]
        if rms(true) > SILENT_RMS and rms(made) > SILENT_RMS:
            ratios.append(10 * np.log10((true**2).sum() / (((made - true) ** 2).sum() + 1e-20)))
    return float(np.median(ratios)) if ratios else NAN


def log_mel_l1(made_CN: Audio, true_CN: Audio, rate_hz: int) -> float:
    """Mean absolute difference of log-mel spectra: the figure of MGE-LDM's tables of source extraction.

    The paper names no sizes; these are 16 kHz mono, 64 bands, windows of 64 ms every 10 ms, natural logarithm of the
    magnitude, floor 1e-5.
    """
    made, true = (_log_mel(_at(mono(audio), rate_hz, MEL_RATE_HZ)) for audio in (made_CN, true_CN))
    return float(np.abs(made - true).mean())


def null_db(stem_CN: Audio, rest_CN: Audio, mix_CN: Audio) -> float:
    """Level of ``stem + rest - mix`` against the mix in dB; -300 means bit for bit nothing."""
    left = rms(stem_CN + rest_CN - mix_CN)
    return -300.0 if left == 0 else float(20 * np.log10(left / max(rms(mix_CN), 1e-12)))


def level_db(stem_CN: Audio, mix_CN: Audio) -> float:
    """Level of a stem against the mix in dB; -180 is silence."""
    return float(20 * np.log10(rms(stem_CN) / max(rms(mix_CN), 1e-12) + 1e-9))


def rms(audio: Audio) -> float:
    """Root of the mean square over everything."""
    return float(np.sqrt((audio.astype(np.float64) ** 2).mean()))


def mono(audio_CN: Audio) -> Audio:
    """Mean over channels, ``(N,)``."""
    mean: Audio = audio_CN if audio_CN.ndim == 1 else audio_CN.mean(axis=0)
    return mean


def ratio_mask(
    mix: Audio, stem: Audio, rest: Audio, rate_hz: int, power: float = 1.0, top_hz: float | None = None
) -> Audio:
    """The mix filtered by ``|stem|^p / (|stem|^p + |rest|^p)``.

    Args:
        mix: ``(N,)`` or ``(C, N)``.
        stem, rest: of the mix's shape, or ``(N,)`` for one mask over all channels.
        top_hz: above it the mask follows its mean over the tenth below; None means the estimates reach the top.
    """
    from scipy.signal import istft, stft

    size = 1 << round(np.log2(MASK_WINDOW_S * rate_hz))
    mix_FT, stem_FT, rest_FT = (stft(x, nperseg=size, noverlap=size * 3 // 4)[2] for x in (mix, stem, rest))
    s, u = np.abs(stem_FT) ** power, np.abs(rest_FT) ** power
    mask = s / (s + u + 1e-9)
    if top_hz is not None and top_hz < rate_hz / 2:
        top = int(top_hz / rate_hz * size)
        mask[..., top:, :] = mask[..., int(0.9 * top) : top, :].mean(axis=-2, keepdims=True)
    filtered: Audio = istft(mix_FT * mask, nperseg=size, noverlap=size * 3 // 4)[1][..., : mix.shape[-1]]
    return filtered.astype(np.float32)


def median_interval(values: Sequence[float], seed: int = 0) -> Interval:
    """Median and its 95 % bootstrap interval over the values that are numbers; NaN when there are none."""
    return _bootstrap(values, np.median, seed)


def mean_interval(values: Sequence[float], seed: int = 0) -> Interval:
    """Mean and its 95 % bootstrap interval over the values that are numbers; NaN when there are none."""
    return _bootstrap(values, np.mean, seed)


def _bootstrap(values: Sequence[float], statistic: Callable[..., Any], seed: int) -> Interval:
    data: npt.NDArray[Any] = np.asarray([v for v in values if np.isfinite(v)])
    if not len(data):
        return NAN, NAN, NAN
    draws = np.random.default_rng(seed).choice(data, size=(DRAWS, len(data)))
    low, high = np.percentile(statistic(draws, axis=1), [2.5, 97.5])
    return float(statistic(data)), float(low), float(high)


def _at(audio: Audio, rate_hz: int, wanted_hz: int) -> Audio:
    made: Audio = audio if rate_hz == wanted_hz else soxr.resample(audio, rate_hz, wanted_hz)
    return made


def _log_mel(audio: Audio) -> npt.NDArray[np.float64]:
    from scipy.signal import stft

    padded = np.pad(audio, (0, max(0, MEL_FFT - len(audio))))
    spectrum = np.abs(stft(padded, nperseg=MEL_FFT, noverlap=MEL_FFT - MEL_HOP)[2])
    logs: npt.NDArray[np.float64] = np.log(np.maximum(_mel_filters() @ spectrum, MEL_FLOOR))
    return logs


@lru_cache
def _mel_filters() -> npt.NDArray[np.float64]:
    """Mel filters ``(mels, bins)``, each of sum 1."""
    filters = mel_filters(MEL_RATE_HZ, MEL_FFT, MELS)
    scaled: npt.NDArray[np.float64] = filters / np.maximum(filters.sum(axis=1, keepdims=True), 1e-9)
    return scaled
