"""Figures by embedding: likeness to the true stem, to the words, and of whole collections (Fréchet audio distance).

The embeddings come from our own prompt towers, or from CLAP where its weights are given. Source of the distance:
Kilgour et al. 2019, arXiv:1812.08466.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import soxr

from training.data.instruments import families
from training.metrics import NAN, mono
from training.text.lexicon import Lexicon
from training.typing import Audio

Vectors = npt.NDArray[np.float64]
WINDOW_S, STEP_S = 2.56, 1.28  # a Fréchet distance needs many vectors, so clips are cut
PHRASES = 12  # training phrasings whose mean names a family
DRAWS = 60
ENOUGH_ACCURACY = 0.5  # below it the classifier's figures mean nothing and are left out


class AudioEmbedding(Protocol):
    """An embedding space of audio.

    Attributes:
        name: for headings.
        rate_hz: of the audio it takes.
    """

    name: str
    rate_hz: int

    def audio(self, clips: Sequence[Audio]) -> Vectors:
        """Clips ``(N,)`` at ``rate_hz`` -> ``(clips, E)`` of length 1."""


@runtime_checkable
class EmbeddingModel(AudioEmbedding, Protocol):
    """An embedding space shared by audio and text."""

    def words(self, phrases: Sequence[str]) -> Vectors:
        """Phrases -> ``(phrases, E)`` of length 1."""


class PromptTowers:
    """The prompt towers of a training run.

    A run that was unpacked from a bundle holds no last layer of the audio tower: the adapter that took its place is
    heard instead, from the run of the adapters beside it.

    Raises:
        FileNotFoundError: no such run, or none of the adapters where one is needed.
    """

    def __init__(self, run: Path) -> None:
        from training.prompt.adapters import load_adapters
        from training.prompt.tower import load_audio_tower, load_text_tower

        self.name, self.rate_hz = "our towers", 16_000
        self._text, self._tokenizer = load_text_tower(run)
        self._audio: Any = load_audio_tower(run)
        if not self._audio.out.weight.any():
            beside = run.with_name(run.name.replace("prompt", "adapters"))
            self._audio, _ = load_adapters(beside, run)

    def audio(self, clips: Sequence[Audio]) -> Vectors:
        import torch

        with torch.inference_mode():
            rows = [self._audio(torch.from_numpy(np.ascontiguousarray(clip))[None])[0].numpy() for clip in clips]
        return _unit(np.stack(rows))

    def words(self, phrases: Sequence[str]) -> Vectors:
        from training.prompt.tower import embed

        return _unit(embed(self._text, self._tokenizer, list(phrases)))


class ClapEmbedding:
    """CLAP from a folder in Hugging Face's layout (``laion/clap-htsat-unfused`` is the one MAGE names)."""

    def __init__(self, folder: Path) -> None:
        try:
            from transformers import ClapModel, ClapProcessor
        except ImportError as error:
            raise ValueError("--clap needs the package transformers; install it with the extra clap") from error
        if not (folder / "config.json").is_file():
            raise ValueError(f"no CLAP weights in {folder}; give a folder with config.json and model.safetensors")
        self.name = "CLAP"
        self._model = ClapModel.from_pretrained(folder, local_files_only=True).eval()
        self._processor = ClapProcessor.from_pretrained(folder, local_files_only=True)
        self.rate_hz = int(self._processor.feature_extractor.sampling_rate)

    def audio(self, clips: Sequence[Audio]) -> Vectors:
        import torch

        rows = []
        for clip in clips:
            given = self._processor.feature_extractor(clip, sampling_rate=self.rate_hz, return_tensors="pt")
            with torch.inference_mode():
                rows.append(_tensor(self._model.get_audio_features(**given))[0].numpy())
        return _unit(np.stack(rows))

    def words(self, phrases: Sequence[str]) -> Vectors:
        import torch

        given = self._processor.tokenizer(list(phrases), padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            return _unit(_tensor(self._model.get_text_features(**given)).numpy())


class MusicnnEmbedding:
    """The last hidden layer of musicnn, a tagger that was trained by others on real music; it knows no words.

    Args:
        package: wheel of ``musicnn``, or the folder it was unpacked to.

    Raises:
        ValueError: another file.
    """

    def __init__(self, package: Path) -> None:
        from training.pretrained import musicnn

        self.name, self.rate_hz = "musicnn", musicnn.RATE_HZ
        self._network, self._hear = musicnn.load_musicnn(package), musicnn.log_mel

    def audio(self, clips: Sequence[Audio]) -> Vectors:
        import torch

        with torch.inference_mode():
            return _unit(np.stack([self._network(torch.from_numpy(self._hear(clip))[None])[1][0] for clip in clips]))


def likeness_to_words(model: AudioEmbedding, phrase: str, made: Vectors) -> dict[str, float]:
    """Cosine of a clip ``(E,)`` and a phrase, under the name of its figure; nothing from a model without words."""
    if not isinstance(model, EmbeddingModel):
        return {}
    return {f"text-audio, {model.name}": float(made @ model.words([phrase])[0])}


def _tensor(output: Any) -> Any:
    """Newer releases of transformers wrap the features in an output class."""
    return getattr(output, "pooler_output", output)


@dataclass(frozen=True, slots=True)
class StemEmbedding:
    """One stem as embeddings: the whole clip ``(E,)`` and its windows ``(windows, E)``."""

    whole: Vectors
    windows: Vectors


def embed_stem(embedder: AudioEmbedding, audio_CN: Audio, rate_hz: int) -> StemEmbedding:
    """Embed a stem and its windows; a clip shorter than a window is one window."""
    clip = mono(audio_CN)
    if rate_hz != embedder.rate_hz:
        clip = soxr.resample(clip, rate_hz, embedder.rate_hz)
    clip = clip.astype(np.float32)
    size, step = round(WINDOW_S * embedder.rate_hz), round(STEP_S * embedder.rate_hz)
    cuts = [clip[at : at + size] for at in range(0, max(1, len(clip) - size + 1), step)]
    return StemEmbedding(embedder.audio([clip])[0], embedder.audio(cuts))


def frechet(one: Vectors, other: Vectors) -> float:
    """Fréchet distance of two collections ``(n, E)`` as normal distributions; NaN with fewer than two vectors."""
    if min(len(one), len(other)) < 2:
        return NAN
    cov_one, cov_other = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    values, vectors = np.linalg.eigh(cov_one)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_other @ root), 0)).sum()
    apart = ((one.mean(axis=0) - other.mean(axis=0)) ** 2).sum()
    return float(max(0.0, apart + np.trace(cov_one) + np.trace(cov_other) - 2 * cross))


def frechet_draws(clips: Sequence[Vectors], other: Vectors, draws: int = DRAWS) -> list[float]:
    """Bootstrap replicates of the distance: clips, each ``(windows, E)``, resampled in the same way at every call."""
    rng = np.random.default_rng(0)
    return [frechet(np.concatenate([clips[k] for k in rng.integers(len(clips), size=len(clips))]), other)
            for _ in range(draws)]  # fmt: skip


def frechet_error(clips: Sequence[Vectors], other: Vectors, draws: int = DRAWS) -> float:
    """Bootstrap standard error of the distance, resampling clips, each ``(windows, E)``."""
    return float(np.std(frechet_draws(clips, other, draws)))


@dataclass(frozen=True, slots=True)
class ZeroShotClassifier:
    """Zero-shot classification: the family whose phrases are nearest. Trust it as far as its measured accuracy.

    Attributes:
        names: the families.
        prototypes: ``(families, E)``, mean of training phrasings.
        sharpness: inverse temperature of the softmax.
    """

    names: tuple[str, ...]
    prototypes: Vectors
    sharpness: float = 14.0

    @classmethod
    def of(cls, embedder: EmbeddingModel, lexicon: Lexicon) -> ZeroShotClassifier:
        """Prototypes of all families that have words."""
        rng = np.random.default_rng(0)
        names = tuple(name for name in lexicon.families if name in families())
        rows = [
            embedder.words([lexicon.phrases(name, "train", rng) for _ in range(PHRASES)]).mean(axis=0) for name in names
        ]
        return cls(names, _unit(np.stack(rows)))

    def shares(self, whole: Vectors) -> Vectors:
        """Probability of every family, ``(n, families)``, for clips ``(n, E)``."""
        logits = self.sharpness * whole @ self.prototypes.T
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        return exponents / exponents.sum(axis=1, keepdims=True)

    def accuracy(self, whole: Vectors, truth: Sequence[str]) -> float:
        """Share of clips whose nearest family is the true one."""
        found = self.shares(whole).argmax(axis=1)
        return float(np.mean([self.names[k] == name for k, name in zip(found, truth, strict=True)]))


def divergence(made: Vectors, true: Vectors) -> float:
    """Mean Kullback-Leibler divergence of the classes heard in an answer from those in the truth, in nats."""
    return float((true * (np.log(true + 1e-12) - np.log(made + 1e-12))).sum(axis=1).mean())


def inception_score(shares: Vectors) -> float:
    """Exponential of the mean divergence of each clip's classes from those of all; 1 says nothing is distinct."""
    return float(np.exp(divergence(np.broadcast_to(shares.mean(axis=0), shares.shape), shares)))


def _unit(rows: npt.NDArray[Any]) -> Vectors:
    rows = rows.astype(np.float64)
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
