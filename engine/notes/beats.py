"""Tempo, beats, bars and key of a sound, each with a confidence, with the extra ``tempo``.

librosa takes seconds to load and holds the interpreter while it does; ``engine.notes.listen`` is a process for it.

Source: beats by dynamic programming (Ellis 2007) as in librosa; key by the profiles of Krumhansl and Kessler (1982).
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from engine.audio.reader import AudioInfo, Samples, blocks, resampled, samples_at
from engine.errors import RequestError
from engine.notes.time_map import BPM_LIMITS, TimeMap

Array = npt.NDArray[np.float64]

FORMAT = 1  # of the answer; another one makes kept answers old
RATE_HZ, HOP_SAMPLES, FFT_SAMPLES = 22_050, 512, 2048
CHUNK_S = 60.0  # analysed at once, so that memory does not grow with the file
BASS_HZ = 150.0
SHORTEST_S = 4.0
STEADY_S = 0.030  # beats that are all this near to an even grid are one
REACH_FRAMES = 2  # within which the peak of an onset is looked for
METERS = (4, 3)
WALTZ_MARGIN = 0.35  # how much better three beats have to fit than four, which are far more common
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
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
        bpm_confidence: 0 to 1.
        beats_s: the beats, empty where the tempo is steady.
        first_s: the first beat of a bar.
        beats_per_bar: beats in a bar.
        downbeat_confidence: 0 to 1, that bars begin there.
        key: one of ``KEY_NAMES``; empty where nothing has a pitch.
        key_confidence: 0 to 1.
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


def can_estimate() -> bool:
    """True where the extra ``tempo`` is installed."""
    return importlib.util.find_spec("librosa") is not None


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


def estimate_tempo(info: AudioInfo) -> TempoEstimate:
    """Listen to a whole file.

    Raises:
        RequestError: librosa is not installed.
        AudioError: the file cannot be decoded.
    """
    if not can_estimate():
        raise RequestError("hearing tempo and key needs librosa; install it with: pip install 'fluxstem[tempo]'")
    onsets, bass, chroma = [np.zeros(0)], [np.zeros(0)], [np.zeros((12, 0))]
    for mono_N in _chunks(info):
        onset_L, bass_L, chroma_PL = _features(mono_N)
        onsets.append(onset_L)
        bass.append(bass_L)
        chroma.append(chroma_PL)
    onset_L, bass_L, chroma_PL = np.concatenate(onsets), np.concatenate(bass), np.concatenate(chroma, axis=1)
    key, key_confidence = key_of(chroma_PL.sum(axis=1))
    beats_L = _beats(onset_L)
    if len(beats_L) < 4:
        return TempoEstimate(key=key, key_confidence=key_confidence)
    beats_s = beats_L * HOP_SAMPLES / RATE_HZ
    meter, phase, downbeat_confidence = bars_of(_at_beats(bass_L, beats_L), _changes(chroma_PL, beats_L))
    bpm, beats_s, steady = even_beats(beats_s)
    return TempoEstimate(
        bpm=bpm,
        bpm_confidence=_confidence(onset_L, beats_L),
        beats_s=() if steady else tuple(round(float(at), 4) for at in beats_s),
        first_s=round(float(beats_s[phase]), 4),
        beats_per_bar=meter,
        downbeat_confidence=downbeat_confidence,
        key=key,
        key_confidence=key_confidence,
    )


def key_of(chroma_P: Array) -> tuple[str, float]:
    """Key and confidence of how much of each pitch class, from C up, is heard."""
    if chroma_P.std() < 1e-9:
        return "", 0.0
    fits = [
        float(np.corrcoef(np.roll(profile, tonic), chroma_P)[0, 1]) for profile in (MAJOR, MINOR) for tonic in range(12)
    ]
    best, second = sorted(fits, reverse=True)[:2]
    # A fit of 1 that is 0.3 better than the next is as sure as this can be; the relative key is never far.
    confidence = max(best, 0.0) * min((best - second) / 0.3 + 0.3, 1.0)
    return KEY_NAMES[int(np.argmax(fits))], round(confidence, 2)


def bars_of(bass_B: Array, change_B: Array) -> tuple[int, int, float]:
    """Beats in a bar, the first beat of one, and confidence, from bass and change of harmony at every beat."""
    score_B = _standard(bass_B) + _standard(change_B)
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


def _features(mono_N: npt.NDArray[np.float32]) -> tuple[Array, Array, Array]:
    """Onset strength, that of the bass, and chroma by frame."""
    librosa = importlib.import_module("librosa")
    power_FL = np.abs(librosa.stft(mono_N, n_fft=FFT_SAMPLES, hop_length=HOP_SAMPLES)) ** 2
    power_FL = power_FL[:, : max(len(mono_N) // HOP_SAMPLES, 1)]
    shape = {"sr": RATE_HZ, "hop_length": HOP_SAMPLES}
    mel_FL = librosa.power_to_db(librosa.feature.melspectrogram(S=power_FL, sr=RATE_HZ))
    low_FL = librosa.power_to_db(librosa.feature.melspectrogram(S=power_FL, sr=RATE_HZ, n_mels=6, fmax=BASS_HZ))
    onset_L = librosa.onset.onset_strength(S=mel_FL, **shape)
    bass_L = librosa.onset.onset_strength(S=low_FL, **shape)
    chroma_PL = librosa.feature.chroma_stft(S=power_FL, n_fft=FFT_SAMPLES, norm=None, **shape)
    return onset_L, bass_L, np.sqrt(chroma_PL)


def _beats(onset_L: Array) -> Array:
    """Frames of the beats, as fractions."""
    if len(onset_L) * HOP_SAMPLES < SHORTEST_S * RATE_HZ or onset_L.max(initial=0.0) <= 0.0:
        return np.zeros(0)
    librosa = importlib.import_module("librosa")
    _, beats_L = librosa.beat.beat_track(
        onset_envelope=onset_L, sr=RATE_HZ, hop_length=HOP_SAMPLES, trim=False, units="frames"
    )
    return np.array([_peak(onset_L, int(at)) for at in beats_L])


def _peak(onset_L: Array, at: int) -> float:
    """The top of the onset near a frame, between frames by a parabola."""
    first, last = max(at - REACH_FRAMES, 1), min(at + REACH_FRAMES + 1, len(onset_L) - 1)
    if last <= first:
        return float(at)
    top = first + int(np.argmax(onset_L[first:last]))
    before, here, after = onset_L[top - 1 : top + 2]
    bend = before - 2 * here + after
    if here <= max(before, after) or bend >= 0:
        return float(at)
    return top + float(0.5 * (before - after) / bend)


def _at_beats(values_L: Array, beats_L: Array) -> Array:
    """The largest value near each beat."""
    places = np.round(beats_L).astype(int)
    return np.array([values_L[max(at - 1, 0) : at + 3].max(initial=0.0) for at in places])


def _changes(chroma_PL: Array, beats_L: Array) -> Array:
    """How much the harmony of a beat differs from that of the beat before."""
    edges = [*np.round(beats_L).astype(int), chroma_PL.shape[1]]
    means = [chroma_PL[:, a : max(b, a + 1)].mean(axis=1) for a, b in itertools.pairwise(edges)]
    units = [mean / max(float(np.linalg.norm(mean)), 1e-9) for mean in means]
    return np.array([0.0, *(1.0 - float(a @ b) for a, b in itertools.pairwise(units))])


def _confidence(onset_L: Array, beats_L: Array) -> float:
    """How evenly the beats come, and how far their onsets stand out."""
    gaps = np.diff(beats_L)
    even = float(np.mean(np.abs(gaps / np.median(gaps) - 1.0) < 0.06))
    clear = (_at_beats(onset_L, beats_L).mean() - onset_L.mean()) / max(float(onset_L.std()), 1e-9)
    return round(even * min(max(float(clear), 0.0) / 1.5, 1.0), 2)


def _standard(values: Array) -> Array:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-9))
