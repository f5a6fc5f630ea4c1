"""Systems that need no training: bounds that know the truth, and blind ones that cannot hear the prompt.

Of a bundle only the codec is used.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from engine.bundle.bundle import load_bundle
from training.data.instruments import families
from training.eval.example import EvalExample, StemEstimate
from training.metrics import level_db, mono, ratio_mask, si_sdr
from training.typing import Audio

NMF_PARTS = 12  # components for each stem of the mix
NMF_ITERATIONS = 60
MFCCS, MFCC_BANDS = 13, 40
FFT_WINDOW_S = 0.064
CODEC_SETS = ("mage-duet", "composed-band", "duet", "band")  # where the rows of a bundle's codec are measured
CODEC_TOP = 0.94  # share of the codec's band that its mask is trusted in


@dataclass(frozen=True, slots=True)
class FunctionBaseline:
    """A system that is one function of an example."""

    name: str
    kind: str
    doc: str
    make: Callable[[EvalExample], Audio]

    def separate(self, examples: Sequence[EvalExample]) -> Iterator[StemEstimate]:
        """Answers in order."""
        for example in examples:
            yield StemEstimate(self.make(example).astype(np.float32))


def oracle_mask(example: EvalExample) -> Audio:
    """The mix through the ratio mask of the true stems."""
    return ratio_mask(example.mix_CN, example.stem_CN, example.rest, example.rate_hz)


def nmf_mfcc(example: EvalExample) -> Audio:
    """Spiertz and Gnann 2009: parts of an NMF, clustered by the MFCC of their spectra, as many clusters as stems.

    It cannot be told which cluster to give, so it gives the one nearest to the true stem.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import NMF

    spectra_CFT, size = _stft(example.mix_CN, example.rate_hz)
    magnitude_FT = np.abs(spectra_CFT).mean(axis=0) + 1e-9
    stems = len(example.inside)
    nmf = NMF(NMF_PARTS * stems, beta_loss="kullback-leibler", solver="mu", init="random", random_state=0,
              max_iter=NMF_ITERATIONS, tol=0)  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the number of iterations is the stopping rule
        bases_FK = nmf.fit_transform(magnitude_FT)
    turns_KT = nmf.components_
    labels_K = KMeans(stems, n_init=4, random_state=0).fit_predict(_mfcc(bases_FK, example.rate_hz))
    whole_FT = bases_FK @ turns_KT + 1e-9
    found = []
    for label in range(stems):
        part_FT = bases_FK[:, labels_K == label] @ turns_KT[labels_K == label]
        found.append(_istft(spectra_CFT * (part_FT / whole_FT), size, example.mix_CN.shape[1]))
    return nearest(found, example)


def hpss(example: EvalExample) -> Audio:
    """Harmonic and percussive halves (Fitzgerald 2010, librosa): percussive for drums, harmonic for all else."""
    from librosa.decompose import hpss as split

    spectra_CFT, size = _stft(example.mix_CN, example.rate_hz)
    halves = split(spectra_CFT, mask=True)
    drums = example.family in families() and families()[example.family].drums
    return _istft(spectra_CFT * halves[1 if drums else 0], size, example.mix_CN.shape[1])


def nearest(found: list[Audio], example: EvalExample) -> Audio:
    """The answer nearest to the true stem, or the quietest where there is none."""
    if not example.present:
        return min(found, key=lambda audio: float((audio**2).sum()))
    return max(found, key=lambda audio: si_sdr(mono(audio), mono(example.stem_CN)))


PLAIN = (
    FunctionBaseline("mixture", "bound", "the mix as it is", lambda example: example.mix_CN),
    FunctionBaseline("silence", "bound", "nothing at all", lambda example: np.zeros_like(example.mix_CN)),
    FunctionBaseline("oracle mask", "bound", "ratio mask of the true stems", oracle_mask),
    FunctionBaseline("NMF-MFCC", "blind", "Spiertz and Gnann 2009; the cluster nearest to the true stem", nmf_mfcc),
    FunctionBaseline("HPSS", "blind", "librosa: percussive for drums, harmonic for all else", hpss),
)


@dataclass(frozen=True, slots=True)
class CodecOracle:
    """The true stem and rest through a bundle's codec: the result of a perfect flow.

    ``masked`` filters the mix by their ratio, as isolation does; otherwise the decoded stem is the answer, and
    ``additivity`` says how far decoded stem and rest are from the decoded mix.
    """

    name: str
    bundle: Path
    masked: bool
    kind: str = "bound"
    sets: tuple[str, ...] = CODEC_SETS

    @property
    def doc(self) -> str:
        """One line for the report."""
        how = "the ratio mask of" if self.masked else "the decoded stem of"
        return f"{how} the true stems after the bundle's codec"

    def separate(self, examples: Sequence[EvalExample]) -> Iterator[StemEstimate]:
        """Answers in order; all examples go through the codec in one process."""
        rate_hz = load_bundle(self.bundle).manifest.sample_rate_hz
        parts = [part for example in examples for part in (*example.truth, mono(example.mix_CN))]
        made = through_codec(self.bundle, [example for example in examples for _ in range(3)], parts)
        for k, example in enumerate(examples):
            stem, rest, mix = (row[0] for row in made[3 * k : 3 * k + 3])
            if self.masked:
                top_hz = CODEC_TOP * rate_hz / 2
                yield StemEstimate(ratio_mask(example.mix_CN, stem, rest, example.rate_hz, top_hz=top_hz))
            else:
                extra = {"additivity": level_db(mix - stem - rest, mix)}
                yield StemEstimate(np.repeat(stem[None], example.mix_CN.shape[0], axis=0), extra)


def through_codec(bundle: Path, examples: Sequence[EvalExample], tracks: Sequence[Audio]) -> list[Audio]:
    """Tracks ``(N,)``, one for each example and at its rate, through a bundle's codec: ``(1, N)`` each."""
    rate_hz = load_bundle(bundle).manifest.sample_rate_hz
    rows = [soxr.resample(track, e.rate_hz, rate_hz) for track, e in zip(tracks, examples, strict=True)]
    return [
        _fit(soxr.resample(row, rate_hz, example.rate_hz), example)[None]
        for row, example in zip(codec_round(bundle, rows), examples, strict=True)
    ]


def codec_round(bundle: Path, rows: Sequence[Audio]) -> list[Audio]:
    """Rows ``(N,)`` of any length through the bundle's codec, in a process of its own: training loads no runtime."""
    window = load_bundle(bundle).manifest.grid.window_samples
    pieces = [row[at : at + window] for row in rows for at in range(0, len(row), window)]
    padded = np.stack([np.pad(piece, (0, window - len(piece))) for piece in pieces]).astype(np.float32)
    with tempfile.TemporaryDirectory() as name:
        given, made = Path(name) / "in.npy", Path(name) / "out.npy"
        np.save(given, padded)
        command = [sys.executable, "-m", "export.roundtrip", str(bundle), str(given), str(made)]
        subprocess.run(command, check=True)
        decoded = iter(np.load(made))
    whole = [np.concatenate([next(decoded) for _ in range(0, len(row), window)]) for row in rows]
    return [audio[: len(row)] for audio, row in zip(whole, rows, strict=True)]


def _fit(audio: Audio, example: EvalExample) -> Audio:
    samples = example.mix_CN.shape[1]
    fitted: Audio = np.pad(audio, (0, max(0, samples - len(audio))))[:samples].astype(np.float32)
    return fitted


def _stft(audio_CN: Audio, rate_hz: int) -> tuple[npt.NDArray[np.complex64], int]:
    from scipy.signal import stft

    size = 1 << round(np.log2(FFT_WINDOW_S * rate_hz))
    return stft(audio_CN, nperseg=size, noverlap=size * 3 // 4)[2], size


def _istft(spectra_CFT: npt.NDArray[Any], size: int, samples: int) -> Audio:
    from scipy.signal import istft

    audio: Audio = istft(spectra_CFT, nperseg=size, noverlap=size * 3 // 4)[1][:, :samples].astype(np.float32)
    return audio


def _mfcc(bases_FK: npt.NDArray[Any], rate_hz: int) -> npt.NDArray[Any]:
    """MFCC of every column but the first coefficient, which is loudness: ``(K, MFCCS - 1)``."""
    from librosa.filters import mel
    from scipy.fft import dct

    size = (len(bases_FK) - 1) * 2
    mels_MK = mel(sr=rate_hz, n_fft=size, n_mels=MFCC_BANDS) @ bases_FK**2
    decibels_MK = 10 * np.log10(mels_MK / mels_MK.max(axis=0) + 1e-8)
    coefficients: npt.NDArray[Any] = dct(decibels_MK, axis=0, norm="ortho")[1:MFCCS].T
    return coefficients
