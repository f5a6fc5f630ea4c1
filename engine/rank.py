"""How well an answer fits what was asked: similarity to the prompt, presence window by window, and the best first.

Knows nothing of requests or files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from engine.audio import FloatArray, Samples
from engine.clips import gain_into_model
from engine.exact import level_db
from engine.job import Job
from engine.mask import presence
from engine.render import Answer
from engine.scratch import Scratch
from engine.space import blended, likeness

HEARD_WINDOWS = 8  # the loudest of them say what a sound is like
SILENT_POWER = 1e-10


def best_first(answers: Iterable[Answer]) -> list[Answer]:
    """Answers to one question, the one that fits best in front."""
    return sorted(answers, key=lambda one: (-fit(one.presence * one.made, one.similarity), one.candidate))


def fit(presence: float, similarity: float | None) -> float:
    """How well a sound fits, 0 to 1.

    What is not there cannot fit, so similarity (0 for the opposite to 1 for the same) counts as far as there is
    presence. A bundle that cannot hear similarity leaves presence alone to decide.
    """
    return presence * (1.0 if similarity is None else (1 + similarity) / 2)


def similarity(job: Job, audio: Scratch, column: int, prompt_SE: FloatArray) -> float | None:
    """How alike a sound and a prompt are in the bundle's one space of prompts.

    Args:
        job: the running request.
        audio: at the model's rate, one sample per row.
        column: of ``audio``.
        prompt_SE: float32 (slots, embedding).

    Returns:
        Cosine between the prompt and the mean direction of the sound's loudest windows; 0 for silence,
        None where the bundle cannot hear or nothing was asked.
    """
    listener, prompt_E = job.model.audio, prompt_SE[job.rule.prompt_slot]
    if listener is None or not prompt_E.any():
        return None
    windows_WN = _loudest(audio, column, listener.samples)
    if not len(windows_WN):
        return 0.0
    level = gain_into_model(float(np.square(windows_WN, dtype=np.float64).mean()))
    heard_WE = listener.embed(windows_WN * np.float32(level))
    return float(likeness(blended(heard_WE)[None], prompt_E)[0])


class WindowLevels:
    """Presence of a stem in its mix, window by window.

    Args:
        edges: samples of the result where a window ends and the next begins, first and last included.
    """

    def __init__(self, edges: Sequence[int]) -> None:
        self._edges = list(edges)
        self._energies_W2 = np.zeros((len(edges) - 1, 2))
        self._at, self._window = 0, 0

    def add(self, stem_CN: Samples, mix_CN: Samples) -> None:
        """Count the next samples, (channels, samples) each."""
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
            curve: of the bundle, see ``engine.mask.presence``.
            rate_hz: of the result.
            start: sample of the input where the result begins.
        """
        spans = zip(self._edges[:-1], self._edges[1:], strict=True)
        return tuple(
            (
                round((start + first) / rate_hz, 6),
                round((start + last) / rate_hz, 6),
                presence(level_db(stem, mix), curve) if mix > 0 else 0.0,
            )
            for (first, last), (stem, mix) in zip(spans, self._energies_W2.tolist(), strict=True)
        )


def _loudest(audio: Scratch, column: int, samples: int) -> FloatArray:
    kept: list[tuple[float, int, FloatArray]] = []
    for at in range(0, audio.rows, samples):
        window_N = audio.read(at, at + samples)[:, column]
        kept.append((float(np.square(window_N, dtype=np.float64).mean()), -at, window_N))
        kept = sorted(kept, key=lambda one: one[:2])[-HEARD_WINDOWS:]
    heard = [window_N for power, _, window_N in kept if power > SILENT_POWER]
    return np.stack(heard) if heard else np.zeros((0, samples), np.float32)
