"""Streaming STFT and its inverse: overlap-add with windows that sum to one."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from engine.runtime.threads import parallel_for

FloatArray = npt.NDArray[np.float32]
ComplexArray = npt.NDArray[np.complex64]
GainOf = Callable[[ComplexArray], FloatArray]

WINDOW_S = 0.0929  # 4096 samples at 44.1 kHz
OVERLAP = 4  # hops per window


def window_samples(rate_hz: int) -> int:
    """Length of the analysis window: the power of two nearest to ``WINDOW_S``."""
    return int(2 ** round(math.log2(WINDOW_S * rate_hz)))


def hann(samples: int) -> npt.NDArray[np.float64]:
    """Periodic Hann window, as precise as float32."""
    return np.hanning(samples + 1)[:-1].astype(np.float32).astype(np.float64)


class SpectralFilter:
    """Multiply the spectra of a stream by gains; gains of one reproduce the stream.

    Frame ``l`` is centred at sample ``(l - 1) * hop``: the stream is preceded by silence, so that its first samples
    lie under every window too.

    Args:
        window: samples of the window, a multiple of ``OVERLAP``.
        channels: rows that are filtered.
        others: further rows, used only to compute gains.
        stems: how many different filters the same spectra go through.
    """

    def __init__(self, window: int, channels: int, others: int = 0, stems: int = 1) -> None:
        self._n = window
        self._hop = window // OVERLAP
        self._channels, self._stems = channels, stems
        self._rows = rows = stems * channels
        self._window_N = hann(window)
        # The mean of a squared Hann window is 3/8.
        self._joining_N = self._window_N.astype(np.float32) * np.float32(1 / (0.375 * OVERLAP))
        lead = window - self._hop
        # float64 on the way in: NumPy's real transform of float32 takes longer. On the way back it takes a third.
        self._in_KN = np.zeros((channels + others, lead))
        self._out_CN = np.zeros((rows, lead), np.float32)
        self._skip = lead

    def push(self, block_KN: npt.NDArray[np.float64], gain_of: GainOf) -> FloatArray:
        """Push samples; returns the finished ones.

        Args:
            block_KN: float64 (channels + others, samples).
            gain_of: gains (frames, bins), (channels, frames, bins) or (stems, channels or 1, frames, bins), for
                complex64 spectra (channels + others, frames, bins); called with consecutive frames.

        Returns:
            float32 (stems x channels, samples), following those returned before.
        """
        self._in_KN = np.concatenate([self._in_KN, block_KN], axis=1)
        hops = max(0, (self._in_KN.shape[1] - self._n) // self._hop + 1)
        if hops == 0:
            return np.zeros((self._rows, 0), np.float32)
        frames_CLN = self._filtered(hops, gain_of)
        self._in_KN = self._in_KN[:, hops * self._hop :]
        out_CN = self._overlap_add(frames_CLN)
        skipped = min(self._skip, out_CN.shape[1])
        self._skip -= skipped
        return out_CN[:, skipped:]

    def flush(self, samples: int, gain_of: GainOf) -> FloatArray:
        """Return the last samples.

        Args:
            samples: how many are still missing.
            gain_of: see ``push``.

        Returns:
            float32 (stems x channels, samples).
        """
        silence_KN = np.zeros((len(self._in_KN), self._n + self._hop))
        return self.push(silence_KN, gain_of)[:, :samples]

    def _filtered(self, hops: int, gain_of: GainOf) -> FloatArray:
        needed = (hops - 1) * self._hop + self._n
        views = np.lib.stride_tricks.sliding_window_view(self._in_KN[:, :needed], self._n, axis=1)
        spectra_KLF = np.empty((len(views), hops, self._n // 2 + 1), np.complex64)
        frames_CLN = np.empty((self._rows, hops, self._n), np.float32)

        def analyse(row: int) -> None:
            spectra_KLF[row] = np.fft.rfft(views[row, :: self._hop] * self._window_N, axis=-1)

        parallel_for(analyse, range(len(views)))
        gain_SCLF = np.broadcast_to(gain_of(spectra_KLF), (self._stems, self._channels, *spectra_KLF.shape[1:]))

        def synthesise(row: int) -> None:
            stem, channel = divmod(row, self._channels)
            spectra_LF = spectra_KLF[channel] * gain_SCLF[stem, channel]
            frames_CLN[row] = np.fft.irfft(spectra_LF, n=self._n, axis=-1)
            frames_CLN[row] *= self._joining_N

        parallel_for(synthesise, range(self._rows))
        return frames_CLN

    def _overlap_add(self, frames_CLN: FloatArray) -> FloatArray:
        channels, hops, _ = frames_CLN.shape
        sum_CKN = np.zeros((channels, hops + OVERLAP - 1, self._hop), np.float32)
        sum_CKN[:, : OVERLAP - 1] = self._out_CN.reshape(channels, OVERLAP - 1, self._hop)
        for part in range(OVERLAP):
            sum_CKN[:, part : part + hops] += frames_CLN[:, :, part * self._hop : (part + 1) * self._hop]
        self._out_CN = sum_CKN[:, hops:].reshape(channels, -1).copy()
        return sum_CKN[:, :hops].reshape(channels, -1)
