"""Beats of onset strengths, with NumPy alone, so that they can be heard where nothing may be compiled.

Source: Ellis 2007, Beat Tracking by Dynamic Programming.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.notes.beats import bars_of, even_beats
from engine.notes.time_map import TimeMap

USUAL_BPM, SPREAD_OCTAVES = 115.0, 0.7  # tempos that are looked for first, and how far from them
COMB = ((1, 1.0), (2, 0.7), (4, 0.5))  # multiples of a beat at which the onsets are alike too, and what they count
TIGHTNESS = 100.0  # how much it costs to leave the tempo
SLOWEST_BPM, FASTEST_BPM = 50.0, 220.0
FEWEST_BEATS = 6
LEAST_CLEAR = 1.6  # of a beat: how far its onset strengths stand out, in standard deviations

Array = npt.NDArray[np.float64]


def time_map_of(onset_L: Array, bass_L: Array, chroma_LP: Array, frame_s: float) -> TimeMap | None:
    """Bars and beats of a sound; None where no beat stands out.

    Args:
        onset_L: onset strength of each frame.
        bass_L: that of the bass.
        chroma_LP: strength of each pitch class.
        frame_s: seconds from one frame to the next.
    """
    strength_L = _standard(onset_L)
    if not strength_L.any() or len(strength_L) * frame_s < FEWEST_BEATS * 60 / FASTEST_BPM:
        return None
    beats = beat_frames(strength_L, tempo_frames(strength_L, frame_s))
    if len(beats) < FEWEST_BEATS or _at(strength_L, beats).mean() < LEAST_CLEAR:
        return None
    means_BP = np.stack([chroma_LP[a:b].mean(axis=0) for a, b in zip(beats, [*beats[1:], len(chroma_LP)], strict=True)
                         if b > a])  # fmt: skip
    units_BP = means_BP / np.maximum(np.linalg.norm(means_BP, axis=1, keepdims=True), 1e-9)
    change_B = np.concatenate([[0.0], 1 - (units_BP[1:] * units_BP[:-1]).sum(axis=1)])
    meter, phase, _ = bars_of(_at(bass_L, beats)[: len(change_B)], change_B)
    bpm, beats_s, steady = even_beats(np.array(beats) * frame_s)
    if not SLOWEST_BPM / 2 <= bpm <= 2 * FASTEST_BPM:
        return None
    tracked = () if steady else tuple(round(float(at), 4) for at in beats_s)
    return TimeMap(bpm=bpm, beats_per_bar=meter, first_s=round(float(beats_s[phase]), 4), beats_s=tracked)


def tempo_frames(strength_L: Array, frame_s: float) -> float:
    """Frames from one beat to the next: where the onsets are most like themselves, of usual tempos first."""
    size = 1 << (2 * len(strength_L) - 1).bit_length()
    power_F = np.square(np.abs(np.fft.rfft(strength_L, size)))
    alike_L = np.fft.irfft(power_F)[: len(strength_L)]
    alike_L = alike_L / np.maximum(len(alike_L) - np.arange(len(alike_L)), 1)  # a long lag has fewer pairs
    bpm = np.arange(SLOWEST_BPM, FASTEST_BPM, 0.25)
    lags = 60 / bpm / frame_s
    liked = np.exp(-0.5 * (np.log2(bpm / USUAL_BPM) / SPREAD_OCTAVES) ** 2)
    places = np.arange(len(alike_L))
    combed = np.zeros(len(bpm))
    for times, weight in COMB:
        combed += weight * np.maximum(np.interp(lags * times, places, alike_L, right=0.0), 0)
    return float(lags[int(np.argmax(combed * liked))])


def beat_frames(strength_L: Array, period: float) -> list[int]:
    """Frames of the beats: the chain of onsets that is strongest and keeps to a period, in frames."""
    reach = np.arange(-int(period * 4), int(period * 4) + 1)
    smooth_L = np.convolve(strength_L, np.exp(-0.5 * (reach * 32 / period) ** 2), "same")[: len(strength_L)]
    steps = np.arange(-round(2 * period), -round(period / 2))
    cost = -TIGHTNESS * np.log(-steps / period) ** 2
    total_L, back_L = smooth_L.copy(), np.full(len(smooth_L), -1)
    for at in range(len(smooth_L)):
        places = at + steps
        able = places >= 0
        if able.any():
            coming = total_L[places[able]] + cost[able]
            best = int(np.argmax(coming))
            if coming[best] > 0:
                total_L[at] += coming[best]
                back_L[at] = places[able][best]
    last = max(len(total_L) - max(round(period), 1), 0)
    beats = [last + int(np.argmax(total_L[last:]))]
    while back_L[beats[-1]] >= 0:
        beats.append(int(back_L[beats[-1]]))
    return beats[::-1]


def _at(values_L: Array, beats: list[int]) -> Array:
    """The largest value near each beat."""
    return np.array([values_L[max(at - 1, 0) : at + 3].max() for at in beats])


def _standard(values_L: Array) -> Array:
    spread = float(values_L.std()) if len(values_L) else 0.0
    return np.asarray((values_L - values_L.mean()) / spread) if spread > 1e-9 else np.zeros(len(values_L))
