"""Rank candidates: similarity to the prompt, and presence window by window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from engine.audio.disk_array import DiskArray
from engine.audio.quantize import level_db
from engine.audio.reader import FloatArray, Samples
from engine.audio.soft_mask import presence
from engine.inference.clip import gain_into_model
from engine.inference.output import TaskResult
from engine.inference.run import RunContext
from engine.text.embedding import cosine_similarity, mean_direction

HEARD_WINDOWS = 8  # only the loudest windows are encoded
SILENT_POWER = 1e-10


def rank_candidates(answers: Iterable[TaskResult]) -> list[TaskResult]:
    """Results of one prompt, best first: by how well they fit the rest where that is known, else the prompt."""

    def score(one: TaskResult) -> float:
        return fit_score(one.presence * one.made, one.similarity) if one.fit is None else one.presence * one.fit

    return sorted(answers, key=lambda one: (-score(one), one.candidate))


def fit_score(presence: float, similarity: float | None) -> float:
    """Score of a sound, 0 to 1: presence times similarity (mapped to 0 for opposite, 1 for equal).

    What is not there cannot fit. Without a similarity, presence alone decides.
    """
    return presence * (1.0 if similarity is None else (1 + similarity) / 2)


def similarity(run: RunContext, audio: DiskArray, column: int, prompt_SE: FloatArray) -> float | None:
    """Cosine similarity of a sound and a prompt in the bundle's prompt space.

    Args:
        audio: at the model's rate, one sample per row.
        column: of ``audio``.
        prompt_SE: float32 (slots, embedding).

    Returns:
        Similarity of the prompt and the mean direction of the loudest windows; 0 for silence, None without an audio
        encoder or without a prompt.
    """
    listener = run.model.audio
    if listener is None:
        return None
    loudest = LoudestWindows(listener.samples)
    for at in range(0, audio.rows, listener.samples):
        loudest.add(audio.read(at, at + listener.samples)[:, column])
    return windows_similarity(run, loudest.windows(), prompt_SE)


def windows_similarity(run: RunContext, windows: Sequence[FloatArray], prompt_SE: FloatArray) -> float | None:
    """The same for given windows, each float32 (samples) as long as the audio encoder's input."""
    listener, prompt_E = run.model.audio, prompt_SE[run.rule.prompt_slot]
    if listener is None or not prompt_E.any():
        return None
    if not windows:
        return 0.0
    windows_WN = np.stack(windows)
    level = gain_into_model(float(np.square(windows_WN, dtype=np.float64).mean()))
    embedding_WE = listener.embed(windows_WN * np.float32(level))
    return float(cosine_similarity(mean_direction(embedding_WE)[None], prompt_E)[0])


class LoudestWindows:
    """Keeps the loudest windows of a stream of audio; silent ones do not count."""

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self._kept: list[tuple[float, int, FloatArray]] = []
        self._waiting: list[FloatArray] = []
        self._count, self._windows = 0, 0

    def add(self, audio_N: FloatArray) -> None:
        """Add the next samples, float32, any number of them."""
        self._waiting.append(audio_N)
        self._count += len(audio_N)
        if self._count < self._samples:
            return
        whole_N = np.concatenate(self._waiting)
        last = self._count - self._count % self._samples
        for at in range(0, last, self._samples):
            self._keep(whole_N[at : at + self._samples])
        self._waiting, self._count = [whole_N[last:]], self._count - last

    def windows(self) -> list[FloatArray]:
        """Windows kept so far, loudest last; an incomplete one is padded with silence."""
        if self._count:
            self.add(np.zeros(self._samples - self._count, np.float32))
        return [window_N for power, _, window_N in self._kept if power > SILENT_POWER]

    def _keep(self, window_N: FloatArray) -> None:
        self._kept.append((float(np.square(window_N, dtype=np.float64).mean()), -self._windows, window_N))
        self._kept = sorted(self._kept, key=lambda one: one[:2])[-HEARD_WINDOWS:]
        self._windows += 1


class PresenceMeter:
    """Presence of a stem in its mix, window by window.

    Args:
        edges: window boundaries in samples of the result, including first and last.
    """

    def __init__(self, edges: Sequence[int]) -> None:
        self._edges = list(edges)
        self._energies_W2 = np.zeros((len(edges) - 1, 2))
        self._at, self._window = 0, 0

    def add(self, stem_CN: Samples, mix_CN: Samples) -> None:
        """Add the next samples, (channels, samples) each."""
        end = self._at + stem_CN.shape[1]
        for window in range(self._window, len(self._energies_W2)):
            first, last = self._edges[window : window + 2]
            if first >= end:
                break
            here = slice(max(first - self._at, 0), min(last, end) - self._at)
            self._energies_W2[window] += [np.square(part_CN[:, here]).sum() for part_CN in (stem_CN, mix_CN)]
            self._window = window
        self._at = end

    def presence(self, curve: dict[str, float], rate_hz: int, start: int) -> tuple[tuple[float, float, float], ...]:
        """``(start_s, end_s, presence)`` of each window, in seconds of the input.

        Args:
            curve: of the bundle, see ``engine.audio.soft_mask.presence``.
            start: sample of the input where the result begins.
        """
        there = [presence(level_db(stem, mix), curve) for stem, mix in self._energies_W2.tolist()]
        return self.with_presence(there, rate_hz, start)

    def with_presence(self, there: Sequence[float], rate_hz: int, start: int) -> tuple[tuple[float, float, float], ...]:
        """The same from known presences; a window in which the mix is silent gets 0."""
        spans = zip(self._edges[:-1], self._edges[1:], strict=True)
        return tuple(
            (round((start + first) / rate_hz, 6), round((start + last) / rate_hz, 6), one if mix > 0 else 0.0)
            for (first, last), one, mix in zip(spans, there, self._energies_W2[:, 1].tolist(), strict=True)
        )
