"""The network that hears beats and the first beats of bars, over a sound that comes in pieces.

Source: Heydari et al. 2021, BeatNet (arXiv 2108.03576); ``python -m export notes --beats`` takes the graph out of its
wheel. What it sees is what the package shows it: mel-like bands of 24 to an octave, and how they grow.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.bundle.graph_check import Axes
from engine.notes.network import FloatArray, checked_graph, find_notes_folder
from engine.runtime.backend import GraphSession
from engine.runtime.select import open_backend

GRAPH = "beats.onnx"
RATE_HZ, HOP_SAMPLES, WINDOW_SAMPLES = 22_050, 441, 1411
FRAME_S = HOP_SAMPLES / RATE_HZ
LOWEST_HZ, HIGHEST_HZ, BANDS_PER_OCTAVE, TUNING_HZ = 30.0, 17_000.0, 24, 440.0
STATE_SHAPE = (6, 1, 150)
BATCH_FRAMES = 2000  # transformed at once
_HEARS: dict[str, Axes] = {"bands": ("L", 272), "hidden": STATE_SHAPE, "cell": STATE_SHAPE}
_SAYS: dict[str, Axes] = {"said": ("L", 3), "hidden_after": STATE_SHAPE, "cell_after": STATE_SHAPE}
BEAT, FIRST = 0, 1  # columns of what it says: a beat inside a bar, and the first


class BeatNetwork:
    """The network, opened, and what it remembers of the sound so far.

    Args:
        folder: where it is; None looks where bundles are.

    Raises:
        BundleError: it is not there, not what its description says, or a graph that must not be run.
        DeviceError: there is no ONNX Runtime.
    """

    def __init__(self, folder: Path | None = None) -> None:
        path = checked_graph(folder or find_notes_folder(), GRAPH, _HEARS, _SAYS)
        self._session: GraphSession = open_backend("cpu").open(path)
        self._hidden = self._cell = np.zeros(STATE_SHAPE, np.float32)
        self._held_N = np.zeros(WINDOW_SAMPLES // 2, np.float32)  # the first frame is centred at sample 0
        self._before_B = np.zeros(0, np.float32)
        self._samples = self._frames = 0
        self._said: list[FloatArray] = []

    def add(self, mono_N: FloatArray) -> None:
        """Hear what comes next, float32 (samples) at ``RATE_HZ``."""
        self._samples += len(mono_N)
        self._hear(mono_N)

    def said(self) -> FloatArray:
        """Its answer over all of it, once nothing comes any more.

        Returns:
            float32 (frames, 2), a frame every ``FRAME_S`` from 0 on: that a beat is there that begins no bar, and that
            a bar begins there, 0 to 1.
        """
        frames = -(-self._samples // HOP_SAMPLES)
        missing = (frames - self._frames) * HOP_SAMPLES + WINDOW_SAMPLES - HOP_SAMPLES - len(self._held_N)
        self._hear(np.zeros(max(missing, 0), np.float32))
        rows = np.concatenate(self._said) if self._said else np.zeros((0, 2), np.float32)
        return rows[:frames]

    def _hear(self, mono_N: FloatArray) -> None:
        self._held_N = np.concatenate([self._held_N, mono_N])
        count = (len(self._held_N) - WINDOW_SAMPLES) // HOP_SAMPLES + 1
        if count < 1:
            return
        frames_LN = np.lib.stride_tricks.sliding_window_view(self._held_N, WINDOW_SAMPLES)[::HOP_SAMPLES][:count]
        for first in range(0, count, BATCH_FRAMES):
            inputs = {
                "bands": self._bands(frames_LN[first : first + BATCH_FRAMES]),
                "hidden": self._hidden, "cell": self._cell,
            }  # fmt: skip
            told = self._session.run(inputs)
            self._hidden, self._cell = told["hidden_after"], told["cell_after"]
            self._said.append(told["said"][:, [BEAT, FIRST]])
        self._frames += count
        self._held_N = self._held_N[count * HOP_SAMPLES :].copy()

    def _bands(self, frames_LN: FloatArray) -> FloatArray:
        """The bands of some frames and what they gained since the frame before, float32 (frames, 272)."""
        spectrum_LF = np.abs(np.fft.rfft(frames_LN * np.hanning(WINDOW_SAMPLES), axis=1))[:, : WINDOW_SAMPLES // 2]
        bands_LB = np.log10(1 + spectrum_LF @ band_bank())
        before_B = self._before_B if len(self._before_B) else bands_LB[0]
        gained_LB = np.maximum(np.diff(bands_LB, axis=0, prepend=before_B[None]), 0)
        self._before_B = bands_LB[-1]
        return np.hstack([bands_LB, gained_LB]).astype(np.float32)


@functools.cache
def band_bank() -> npt.NDArray[np.float64]:
    """Triangles of 24 to an octave on the bins of the spectrum, each with the sum 1, (bins, bands)."""
    bins = WINDOW_SAMPLES // 2
    hertz_F = np.arange(bins) * RATE_HZ / (2 * bins)
    low, high = (np.log2(hz / TUNING_HZ) * BANDS_PER_OCTAVE for hz in (LOWEST_HZ, HIGHEST_HZ))
    middles = TUNING_HZ * 2.0 ** (np.arange(np.ceil(low), np.floor(high) + 1) / BANDS_PER_OCTAVE)
    above = np.clip(np.searchsorted(hertz_F, middles), 1, bins - 1)
    nearest = above - (middles - hertz_F[above - 1] < hertz_F[above] - middles)
    edges = np.unique(nearest)
    rows = []
    for first, middle, last in zip(edges, edges[1:], edges[2:], strict=False):
        row_F = np.zeros(bins)
        if last - first < 2:
            row_F[first] = 1.0
        else:
            row_F[first:middle] = np.linspace(0, 1, middle - first, endpoint=False)
            row_F[middle:last] = np.linspace(1, 0, last - middle, endpoint=False)
        rows.append(row_F / row_F.sum())
    return np.stack(rows, axis=1)
