"""An instrument classifier for the bench, trained on recordings.

It hears mel cepstra, not our towers, so that a model cannot please it by pleasing its own prompt space.
It learns from the training stems and from other pieces by the reserved recordings: without these it takes one cello for
any other instrument. It is worth what its accuracy on the true stems says, which every table prints.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from training.data.stem_cache import StemCache
from training.eval.sets import SetResources, number_of, play
from training.metrics import SILENT_RMS, mono, rms
from training.typing import Audio

RATE_HZ, FFT, HOP = 16_000, 1024, 512
CEPSTRA, BANDS = 20, 64
CROP_S = 4.0
STEMS_EACH = 60  # of the training cache, of every family, so that none is preferred
PHRASES_EACH, PHRASE_S, PHRASE_TURNS = 20, 5.0, 3  # of the reserved recordings
QUIET_RMS = 0.003
HIDDEN = 96
SEED = 0


@dataclass(frozen=True, slots=True)
class InstrumentClassifier:
    """A trained classifier.

    Attributes:
        names: its classes.
        stems: how many recordings it learnt from.
        pipeline: what scikit-learn made.
    """

    names: tuple[str, ...]
    stems: int
    pipeline: Any

    def name(self, audio: Audio, rate_hz: int) -> str:
        """The family it hears in a stem ``(N,)``; "" in silence."""
        if rms(audio) < SILENT_RMS:
            return ""
        return str(self.pipeline.predict(features(audio, rate_hz)[None])[0])


Labelled = tuple[Audio, int, str]  # a stem ``(N,)``, its rate, its family


@lru_cache(maxsize=1)
def of_bench(resources: SetResources, cache: Path, cache_hz: int) -> InstrumentClassifier:
    """The bench's classifier, trained once a run; ``cache`` holds training stems at ``cache_hz`` and may be missing."""
    stems = from_phrases(resources)
    kept = StemCache(cache)
    return train(chain(stems, from_cache(kept, cache_hz, resources.reserved)) if kept.count else stems)


def train(stems: Iterable[Labelled]) -> InstrumentClassifier:
    """Train on stems whose family is known; those that are silent do not count.

    Raises:
        ValueError: they are of fewer than two families.
    """
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, labels = [], []
    for audio, rate_hz, name in stems:
        crop = loudest(audio, round(CROP_S * rate_hz))
        if rms(crop) > QUIET_RMS:
            rows.append(features(crop, rate_hz))
            labels.append(name)
    if len(set(labels)) < 2:
        raise ValueError(f"a classifier needs stems of two families at least, got {sorted(set(labels))}")
    network = MLPClassifier((HIDDEN,), alpha=1.0, max_iter=300, random_state=SEED)
    pipeline = make_pipeline(StandardScaler(), network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the number of rounds is the stopping rule
        pipeline.fit(np.stack(rows), labels)
    return InstrumentClassifier(tuple(sorted(set(labels))), len(rows), pipeline)


def from_cache(cache: StemCache, rate_hz: int, names: Sequence[str]) -> Iterator[Labelled]:
    """Stems of the training cache, the same number of each family."""
    rng = np.random.default_rng(SEED)
    by_family: dict[str, list[int]] = {}
    for stem in range(cache.count):
        by_family.setdefault(cache.label(stem)["family"], []).append(stem)
    for name in names:
        pool = by_family.get(name, [])
        for place in rng.permutation(len(pool))[:STEMS_EACH]:
            yield cache.audio(pool[place]), rate_hz, name


def from_phrases(resources: SetResources, seconds: float = PHRASE_S, each: int = PHRASES_EACH) -> Iterator[Labelled]:
    """Reserved recordings playing pieces that no set holds, each repeated ``PHRASE_TURNS`` times."""
    for family in resources.reserved:
        for number in range(each):
            rng = np.random.default_rng([SEED, number_of("classifier " + family), number])
            made = play(resources, rng, [family], round(seconds * RATE_HZ), RATE_HZ)
            if made is not None:
                yield from [(mono(made.stems[0]), RATE_HZ, family)] * PHRASE_TURNS


def features(audio: Audio, rate_hz: int) -> npt.NDArray[np.float64]:
    """Mean and spread of mel cepstra and of their changes over the frames that sound; level does not matter."""
    from librosa.filters import mel
    from scipy.fft import dct
    from scipy.signal import stft

    audio = audio if rate_hz == RATE_HZ else soxr.resample(audio, rate_hz, RATE_HZ)
    audio = np.pad(audio, (0, max(0, 4 * FFT - len(audio)))) / max(rms(audio), 1e-9) * 0.1
    power = np.abs(stft(audio, nperseg=FFT, noverlap=FFT - HOP)[2]) ** 2
    bands_MT = 10 * np.log10(mel(sr=RATE_HZ, n_fft=FFT, n_mels=BANDS) @ power + 1e-12)
    cepstra_KT = dct(np.maximum(bands_MT, bands_MT.max() - 70), axis=0, norm="ortho")[:CEPSTRA]
    loud = power.sum(axis=0) > 1e-3 * power.sum(axis=0).max()
    changes_KT = np.abs(np.diff(cepstra_KT, axis=1, prepend=cepstra_KT[:, :1]))
    held = cepstra_KT[:, loud], changes_KT[:, loud]
    return np.concatenate([held[0][1:].mean(axis=1), held[0].std(axis=1), held[1].mean(axis=1), held[1].std(axis=1)])


def loudest(audio: Audio, samples: int) -> Audio:
    """The part of ``samples`` with the most energy."""
    if len(audio) <= samples:
        return audio
    total = np.concatenate([[0.0], np.cumsum(audio.astype(np.float64) ** 2)])
    first = int(np.argmax(total[samples:] - total[:-samples]))
    part: Audio = audio[first : first + samples]
    return part
