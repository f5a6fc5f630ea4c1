"""Musical fit of a generated stem: key, timing, harmonicity and level.

Each figure means little alone. Beside it stand the same figure of the true stem, and of the made one against the rest
of another example. Audio is float32 ``(N,)`` mono.

Sources: chroma as in Ellis 2007 (librosa); onset strength and beats as in Ellis 2007, "Beat tracking by dynamic
programming" (librosa); harmonicity as in Boersma 1993, "Accurate short-term analysis of the fundamental frequency".
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from training.metrics import NAN, rms
from training.typing import Audio

Rows = npt.NDArray[np.float64]
RATE_HZ, HOP = 22_050, 512
BLOCK_S = 0.5  # chroma are compared block by block
NEAR_BEAT_S = 0.07  # an onset this near to a beat or half of one is on it (the tolerance of beat tracking's F-measure)
QUIET_SHARE = 0.01  # of the loudest block's energy; below it a block or frame is silent
FRAME_S = 0.06
PITCH_HZ = (50.0, 1000.0)


Span = tuple[float, float]  # start and end, seconds


def chroma_correlation(stem: Audio, rest: Audio, rate_hz: int, span_s: Span | None = None) -> float:
    """Correlation of the pitch classes of both, -1 to 1, over the half seconds in which both sound; NaN if none.

    Like the two figures below it looks at a span only where one is given.
    """
    if span_s is not None:
        stem, rest = (audio[round(span_s[0] * rate_hz) : round(span_s[1] * rate_hz)] for audio in (stem, rest))
    stem_KB, rest_KB = (_chroma(audio, rate_hz) for audio in (stem, rest))
    blocks = min(stem_KB.shape[1], rest_KB.shape[1])
    sound = np.minimum(*(_sounding(part[:, :blocks].sum(axis=0)) for part in (stem_KB, rest_KB)))
    if not sound.any():
        return NAN
    pairs = [_share(part[:, :blocks][:, sound]).ravel() for part in (stem_KB, rest_KB)]
    return _correlation(*pairs)


def onset_correlation(stem: Audio, rest: Audio, rate_hz: int, span_s: Span | None = None) -> float:
    """Correlation of the onset strengths of both, -1 to 1; NaN where one of them has none."""
    stem_T, rest_T = _onsets(stem, rate_hz), _onsets(rest, rate_hz)
    frames = min(len(stem_T), len(rest_T))
    inside = _inside(np.arange(frames) * HOP / RATE_HZ, span_s)
    return _correlation(stem_T[:frames][inside], rest_T[:frames][inside])


def beat_alignment(stem: Audio, rest: Audio, rate_hz: int, span_s: Span | None = None) -> float:
    """Share of the stem's onset strength within 70 ms of the rest's beats and half-beats, 0 to 1; NaN without any."""
    from librosa import frames_to_time
    from librosa.beat import beat_track

    rest_T, stem_T = _onsets(rest, rate_hz), _onsets(stem, rate_hz)
    if not rest_T.any() or not stem_T.any():
        return NAN
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of clips too short for a second look at the tempo
        _, beats = beat_track(onset_envelope=rest_T, sr=RATE_HZ, hop_length=HOP, units="time", trim=False)
    if len(beats) < 2:
        return NAN
    marks_s = np.sort(np.concatenate([beats, (beats[1:] + beats[:-1]) / 2]))
    times_s = frames_to_time(np.arange(len(stem_T)), sr=RATE_HZ, hop_length=HOP)
    near = np.abs(times_s[:, None] - marks_s).min(axis=1) <= NEAR_BEAT_S
    inside = (times_s >= marks_s[0] - NEAR_BEAT_S) & (times_s <= marks_s[-1] + NEAR_BEAT_S) & _inside(times_s, span_s)
    total = stem_T[inside].sum()
    return float(stem_T[inside & near].sum() / total) if total > 0 else NAN


def harmonicity(audio: Audio, rate_hz: int) -> float:
    """Median over sounding frames of the share of the energy that repeats with a pitch from 50 to 1000 Hz, 0 to 1.

    It is the height of the normalised autocorrelation's peak: 1 for a steady tone, near 0 for noise. NaN for silence.
    """
    audio = _at_rate(audio, rate_hz)
    size = round(FRAME_S * RATE_HZ)
    if len(audio) < size or rms(audio) == 0:
        return NAN
    frames_TN = np.lib.stride_tricks.sliding_window_view(audio, size)[:: size // 2]
    loud = _sounding((frames_TN**2).sum(axis=1))
    window = np.hanning(size)
    spectra = np.abs(np.fft.rfft((frames_TN[loud] - frames_TN[loud].mean(axis=1, keepdims=True)) * window, 2 * size))
    own = np.fft.irfft(spectra**2)[:, :size]
    of_window = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * size)) ** 2)[:size]
    curve = (own / np.maximum(own[:, :1], 1e-12)) / (of_window / of_window[0])
    low, high = round(RATE_HZ / PITCH_HZ[1]), min(round(RATE_HZ / PITCH_HZ[0]), size // 2)
    return float(np.median(np.clip(curve[:, low:high].max(axis=1), 0, 1)))


def loudness_gap_db(made: Audio, true: Audio) -> float:
    """Level of the made stem above that of the true one; NaN where one is silent."""
    levels = rms(made), rms(true)
    return float(20 * np.log10(levels[0] / levels[1])) if min(levels) > 1e-7 else NAN


def _chroma(audio: Audio, rate_hz: int) -> Rows:
    """Energy of the twelve pitch classes in blocks of half a second, ``(12, blocks)``."""
    from librosa.feature import chroma_stft

    audio = _at_rate(audio, rate_hz)
    per_block = max(1, round(BLOCK_S * RATE_HZ / HOP))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of silence
        chroma_KT = chroma_stft(y=audio, sr=RATE_HZ, hop_length=HOP, n_fft=4096, norm=None, tuning=0.0)
    edges = range(0, chroma_KT.shape[1], per_block)
    return np.stack([chroma_KT[:, at : at + per_block].mean(axis=1) for at in edges], axis=1).astype(np.float64)


def _inside(times_s: Rows, span_s: Span | None) -> npt.NDArray[np.bool_]:
    first, last = span_s or (-np.inf, np.inf)
    inside: npt.NDArray[np.bool_] = (times_s >= first) & (times_s < last)
    return inside


def _onsets(audio: Audio, rate_hz: int) -> Rows:
    from librosa.onset import onset_strength

    found: Rows = onset_strength(y=_at_rate(audio, rate_hz), sr=RATE_HZ, hop_length=HOP).astype(np.float64)
    return found


def _at_rate(audio: Audio, rate_hz: int) -> Audio:
    made: Audio = np.ascontiguousarray(audio if rate_hz == RATE_HZ else soxr.resample(audio, rate_hz, RATE_HZ))
    return made.astype(np.float32)


def _sounding(energy: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = energy > max(QUIET_SHARE * float(energy.max(initial=0.0)), 1e-12)
    return found


def _share(chroma_KB: Rows) -> Rows:
    return chroma_KB / np.maximum(chroma_KB.sum(axis=0), 1e-12)


def _correlation(one: Rows, other: Rows) -> float:
    if one.size < 2 or min(one.std(), other.std()) < 1e-12:
        return NAN
    return float(np.corrcoef(one, other)[0, 1])
