"""Tempo, beats, bars and key of a sound, each with a confidence, with the extra ``tempo``.

librosa takes seconds to load and holds the interpreter while it does; ``engine.notes.listen`` is a process for it.

Beats and bars are the likeliest way through what a network hears (``bar_tracker``). Source of the key: the profiles of
Temperley (1999), What's Key for Key?
"""

from __future__ import annotations

import functools
import importlib
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from engine.audio.reader import AudioInfo, Samples, blocks, resampled, samples_at
from engine.notes.bar_tracker import TrackedBars, track_bars
from engine.notes.beat_network import BeatNetwork
from engine.notes.calibration import MEASURED, ConfidenceTables, calibrated
from engine.notes.time_map import BPM_LIMITS, TimeMap
from engine.optional_packages import is_installed, require_librosa

Array = npt.NDArray[np.float64]

FORMAT = 2  # of the answer; another one makes kept answers old
RATE_HZ, HOP_SAMPLES, FFT_SAMPLES = 22_050, 512, 2048
CHUNK_S = 60.0  # analysed at once, so that memory does not grow with the file
BASS_HZ = 150.0
TONE_SAMPLES, TONE_HZ, TONE_WIDTH = 4096, (60.0, 2000.0), 0.35  # of the harmony; the width in semitones
KEY_HZ = (54.0, 540.0)  # of what counts for the key: above it are mostly partials
SHORTEST_S = 4.0
LEAST_SURE, LEAST_CLEAR = 0.25, 0.15  # of what the network says at the beats; less is no beat
HURRIED_BPM, WEAKER = 138.0, 0.75  # beats so fast are tapped half as fast where every other one is so much weaker
STEADY_S = 0.030  # beats that are all this near to an even grid are one
METERS = (4, 3)
WALTZ_MARGIN = 0.35  # how much better three beats have to fit than four, which are far more common
MAJOR = (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0)
MINOR = (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0)
HARMONY, CLEAR_CHANGE = 2.0, 0.05  # what changes of harmony count for bars, and how large they are where chords are
USUAL_CHANGES = 0.9  # of the changes of harmony; a larger one is a break, which says nothing of bars
KEY_NAMES = (
    "C major", "C# major", "D major", "Eb major", "E major", "F major", "F# major", "G major", "Ab major", "A major",
    "Bb major", "B major", "C minor", "C# minor", "D minor", "Eb minor", "E minor", "F minor", "F# minor", "G minor",
    "Ab minor", "A minor", "Bb minor", "B minor",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TempoEstimate:
    """What was heard in a file.

    Attributes:
        bpm: beats per minute; 0 where no beat was found.
        bpm_confidence: 0 to 1, the share of beats that is to be expected right, or at half or twice the tempo.
        beats_s: the beats, empty where the tempo is steady.
        first_s: the first beat of a bar.
        beats_per_bar: beats in a bar.
        downbeat_confidence: 0 to 1, the F1 of first beats that is to be expected.
        key: one of ``KEY_NAMES``; empty where nothing has a pitch.
        key_confidence: 0 to 1, that it is the key.
    """

    bpm: float = 0.0
    bpm_confidence: float = 0.0
    beats_s: tuple[float, ...] = ()
    first_s: float = 0.0
    beats_per_bar: int = 4
    downbeat_confidence: float = 0.0
    key: str = ""
    key_confidence: float = 0.0

    @property
    def time_map(self) -> TimeMap | None:
        """Bars and beats as estimated; None without a beat."""
        if not BPM_LIMITS[0] <= self.bpm <= BPM_LIMITS[1]:
            return None
        return TimeMap(
            bpm=self.bpm, beats_per_bar=self.beats_per_bar, first_s=self.first_s, beats_s=self.beats_s, key=self.key
        )


@dataclass(frozen=True, slots=True)
class HeardBars:
    """Beats and bars of a sound.

    Attributes:
        bpm: beats per minute.
        beats_s: the beats; an even grid where the tempo is steady.
        is_steady: True where an even grid fits.
        first_s: the first beat of a bar.
        beats_per_bar: beats in a bar.
        evenness: how evenly the beats come, times how sure the network is of them, 0 to 1.
        clearness: how far the first beats of bars stand out, 0 to 1.
    """

    bpm: float
    beats_s: Array
    is_steady: bool
    first_s: float
    beats_per_bar: int
    evenness: float
    clearness: float

    @property
    def drifting_s(self) -> tuple[float, ...]:
        """The beats one by one where the tempo drifts; none where it is steady."""
        return () if self.is_steady else tuple(round(float(at_s), 4) for at_s in self.beats_s)


def can_estimate() -> bool:
    """True where the extra ``tempo`` is installed."""
    return is_installed("librosa")


def estimate_text(estimate: TempoEstimate) -> str:
    """JSON of an estimate."""
    return json.dumps({"format": FORMAT, **asdict(estimate)})


def estimate_from_text(text: str) -> TempoEstimate:
    """The reverse.

    Raises:
        ValueError: it is something else, or was written by another version.
    """
    data = json.loads(text)
    if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
        raise ValueError("not an estimate of this version")
    try:
        return TempoEstimate(**{**data, "beats_s": tuple(data["beats_s"])})
    except (KeyError, TypeError) as error:
        raise ValueError("not a whole estimate") from error


def estimate_tempo(info: AudioInfo, calibration: ConfidenceTables = MEASURED) -> TempoEstimate:
    """Listen to a whole file.

    Args:
        calibration: what confidences are made by.

    Raises:
        RequestError: librosa is not installed.
        AudioError: the file cannot be decoded.
    """
    require_librosa()
    network, chroma, bass, key_P, seconds = BeatNetwork(), [np.zeros((12, 0))], [np.zeros(0)], np.zeros(12), 0.0
    for mono_N in _chunks(info):
        network.add(mono_N)
        tones_LF, bass_L = _features(mono_N)
        chroma.append((tones_LF @ pitch_class_bank(*TONE_HZ)).T)
        key_P += clear_chroma(tones_LF @ pitch_class_bank(*KEY_HZ))
        bass.append(bass_L)
        seconds += len(mono_N) / RATE_HZ
    chroma_PL = np.concatenate(chroma, axis=1)
    key, clear = key_of(key_P)
    key_confidence = calibrated(clear, calibration.key) if key else 0.0
    bars = hear_bars(network.said(), np.concatenate(bass), chroma_PL) if seconds >= SHORTEST_S else None
    if bars is None:
        return TempoEstimate(key=key, key_confidence=key_confidence)
    return TempoEstimate(
        bpm=bars.bpm,
        bpm_confidence=calibrated(bars.evenness, calibration.beats),
        beats_s=bars.drifting_s,
        first_s=bars.first_s,
        beats_per_bar=bars.beats_per_bar,
        downbeat_confidence=calibrated(bars.clearness, calibration.bars),
        key=key,
        key_confidence=key_confidence,
    )


def hear_bars(said_L2: npt.NDArray[np.floating], bass_L: Array, chroma_PL: Array) -> HeardBars | None:
    """Beats and bars; None where no beat is heard.

    Args:
        said_L2: what the network says, as ``BeatNetwork.said`` returns it.
        bass_L: strength of what begins in the bass, every ``HOP_SAMPLES`` at ``RATE_HZ``.
        chroma_PL: strength of each pitch class there.
    """
    bars = track_bars(said_L2)
    if bars is None or len(bars.beats_s) < 4 or bars.sure < LEAST_SURE or bars.clear < LEAST_CLEAR:
        return None
    tapped = _tapped(bars)
    tapped_s, firsts_B = bars.beats_s[tapped], bars.firsts[tapped]
    bpm, beats_s, is_steady = even_beats(tapped_s)
    stress_B = _standard(firsts_B) + _standard(_at_beats(bass_L, tapped_s))
    meter, phase, clearness = bars_of(stress_B, *_harmony_changes(chroma_PL, tapped_s))
    first_s = round(float(beats_s[phase]), 4)
    return HeardBars(bpm, beats_s, is_steady, first_s, meter, _evenness(bars), clearness)


def _tapped(bars: TrackedBars) -> slice:
    """The beats that a foot would tap: all of them, or every other one where the rest are but their halves."""
    strong = [float(bars.strengths[first::2].mean()) for first in (0, 1)]
    is_hurried = len(bars.beats_s) >= 8 and 60.0 / float(np.median(np.diff(bars.beats_s))) > HURRIED_BPM
    if is_hurried and min(strong) < WEAKER * max(strong):
        return slice(int(np.argmax(strong)), None, 2)
    return slice(None)


def clear_chroma(chroma_LP: Array) -> Array:
    """How much of each pitch class is heard in all, (12).

    What drums and noise put into all of them alike is left out, and a moment counts by the root of how loud it is: a
    loud chord says no more of a key than a soft one.
    """
    if not len(chroma_LP):
        return np.zeros(12)
    clear_LP = np.maximum(chroma_LP - np.median(chroma_LP, axis=1, keepdims=True), 0)
    return np.asarray(
        (clear_LP / np.sqrt(np.maximum(np.linalg.norm(clear_LP, axis=1, keepdims=True), 1e-9))).sum(axis=0)
    )


def key_of(chroma_P: Array) -> tuple[str, float]:
    """Key of how much of each pitch class, from C up, is heard, and how clearly it is that one, 0 to 1."""
    if chroma_P.std() < 1e-9:
        return "", 0.0
    fits = [
        float(np.corrcoef(np.roll(profile, tonic), chroma_P)[0, 1]) for profile in (MAJOR, MINOR) for tonic in range(12)
    ]
    best, second = sorted(fits, reverse=True)[:2]
    # A fit of 1 that is 0.3 better than the next is as sure as this can be; the relative key is never far.
    confidence = max(best, 0.0) * min((best - second) / 0.3 + 0.3, 1.0)
    return KEY_NAMES[int(np.argmax(fits))], round(confidence, 2)


def bars_of(stress_B: Array, change_B: Array, harmony: float = 1.0) -> tuple[int, int, float]:
    """Beats in a bar, the first beat of one, and how far the first beats stand out, 0 to 1.

    Args:
        stress_B: what speaks for a first beat at every beat, as its bass.
        change_B: how much the harmony changes there.
        harmony: what that counts against the stress.
    """
    score_B = _standard(stress_B) + harmony * _standard(change_B)
    best = (-math.inf, 4, 0, 0.0)
    for meter in METERS:
        means = [float(score_B[phase::meter].mean()) for phase in range(min(meter, len(score_B)))]
        order = np.argsort(means)[::-1]
        margin = means[order[0]] - means[order[1]]
        fit = means[order[0]] - (WALTZ_MARGIN if meter == 3 else 0.0)
        best = max(best, (fit, meter, int(order[0]), margin))
    return best[1], best[2], round(min(max(best[3], 0.0) / 1.5, 1.0), 2)


def even_beats(beats_s: Array) -> tuple[float, Array, bool]:
    """Tempo and beats; True where an even grid fits, and then the beats are that grid."""
    numbers = np.arange(len(beats_s))
    slope, start = np.polyfit(numbers, beats_s, 1)
    for _ in range(3):  # again without those that are far off
        off = np.abs(beats_s - (start + slope * numbers))
        near = off <= max(np.quantile(off, 0.8), 1e-3)
        slope, start = np.polyfit(numbers[near], beats_s[near], 1)
    off = np.abs(beats_s - (start + slope * numbers))
    bpm = 60.0 / float(slope)
    if np.quantile(off, 0.8) > STEADY_S:
        usual_s = float(np.median(np.diff(beats_s)))
        return round(60.0 / usual_s, 2), beats_s, False
    if abs(bpm - round(bpm)) < 0.002 * bpm and abs(bpm - round(bpm)) * len(beats_s) * slope / bpm < STEADY_S:
        bpm = float(round(bpm))  # it would be off by less than a beat can be told
        start = float(np.mean((beats_s - 60.0 / bpm * numbers)[near]))
    return round(bpm, 3), start + 60.0 / bpm * numbers, True


def _chunks(info: AudioInfo) -> Iterator[npt.NDArray[np.float32]]:
    """Mono sound at ``RATE_HZ``, a minute at a time."""
    mono = _mono(info)
    kept: list[npt.NDArray[np.float32]] = []
    for block_CN in resampled(mono, 1, info.rate_hz, RATE_HZ, samples_at(info.samples, info.rate_hz, RATE_HZ)):
        kept.append(block_CN[0])
        if sum(map(len, kept)) >= CHUNK_S * RATE_HZ:
            mono_N = np.concatenate(kept)
            whole = len(mono_N) // HOP_SAMPLES * HOP_SAMPLES
            yield mono_N[:whole]
            kept = [mono_N[whole:]]
    if sum(map(len, kept)) > FFT_SAMPLES:
        yield np.concatenate(kept)


def _mono(info: AudioInfo) -> Iterator[Samples]:
    for block_CN in blocks(info):
        yield block_CN.mean(axis=0, keepdims=True)


def _features(mono_N: npt.NDArray[np.float32]) -> tuple[Array, Array]:
    """Magnitudes of ``TONE_SAMPLES`` (frames, bins), and strength of what begins in the bass (frames)."""
    librosa = importlib.import_module("librosa")
    power_FL = np.abs(librosa.stft(mono_N, n_fft=FFT_SAMPLES, hop_length=HOP_SAMPLES)) ** 2
    power_FL = power_FL[:, : max(len(mono_N) // HOP_SAMPLES, 1)]
    shape = {"sr": RATE_HZ, "hop_length": HOP_SAMPLES}
    low_FL = librosa.power_to_db(librosa.feature.melspectrogram(S=power_FL, sr=RATE_HZ, n_mels=6, fmax=BASS_HZ))
    tones_FL = np.abs(librosa.stft(mono_N, n_fft=TONE_SAMPLES, hop_length=HOP_SAMPLES))[:, : power_FL.shape[1]]
    return tones_FL.T, librosa.onset.onset_strength(S=low_FL, **shape)


@functools.cache
def pitch_class_bank(low_hz: float, high_hz: float) -> Array:
    """Weight of each bin of ``TONE_SAMPLES`` for each pitch class from C up, (bins, 12); none outside a range."""
    hertz_F = np.fft.rfftfreq(TONE_SAMPLES, 1 / RATE_HZ)
    pitch_F = 69 + 12 * np.log2(np.maximum(hertz_F, 1.0) / 440)
    near_FP = np.exp(-0.5 * (((pitch_F[:, None] - np.arange(12) + 6) % 12 - 6) / TONE_WIDTH) ** 2)
    return np.asarray(near_FP * ((hertz_F >= low_hz) & (hertz_F <= high_hz))[:, None])


def _at_beats(values_L: Array, beats_s: Array) -> Array:
    """The largest value near each beat."""
    places = np.round(beats_s * RATE_HZ / HOP_SAMPLES).astype(int)
    return np.array([values_L[max(at - 1, 0) : at + 3].max(initial=0.0) for at in places])


def _harmony_changes(chroma_PL: Array, beats_s: Array) -> tuple[Array, float]:
    """How much the harmony of each beat differs from that of the beat before, and what that says of bars."""
    at_L = np.clip(np.round(beats_s * RATE_HZ / HOP_SAMPLES).astype(int), 0, max(chroma_PL.shape[1] - 1, 0))
    edges = [*at_L, chroma_PL.shape[1]]
    means = [chroma_PL[:, a : max(b, a + 1)].mean(axis=1) for a, b in itertools.pairwise(edges)]
    units = [mean / max(float(np.linalg.norm(mean)), 1e-9) for mean in means]
    change_B = np.array([0.0, *(1.0 - float(a @ b) for a, b in itertools.pairwise(units))])
    change_B = np.minimum(change_B, np.quantile(change_B, USUAL_CHANGES))
    return change_B, HARMONY * min(float(change_B.std()) / CLEAR_CHANGE, 1.0)


def _evenness(bars: TrackedBars) -> float:
    """How evenly the beats come, and how sure the network is of them."""
    gaps = np.diff(bars.beats_s)
    even = float(np.mean(np.abs(gaps / np.median(gaps) - 1.0) < 0.06))
    return even * bars.sure


def _standard(values: Array) -> Array:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-9))
