"""Maskers turn a prompt and the mix into soft masks: the bundle's mask decoder, or an expert."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engine.audio.stft import hann
from engine.bundle.separation import MaskDecoderSpec
from engine.errors import BundleError
from engine.runtime.backend import FloatArray, GraphSession
from engine.runtime.threads import parallel_for

FRAMES_AT_ONCE = 64


class MixWindows:
    """A batch of windows of the mix, at the decoder's rate and level.

    Attributes:
        audio_B2N: float32 (windows, 2, samples); the first sample is half an FFT before the middle of the first frame.
        grid: of the spectrogram.
        estimate_B2N: the flow's mono stem and rest of the same samples; None where the masker does not read them.
    """

    def __init__(self, audio_B2N: FloatArray, grid: MaskDecoderSpec, estimate_B2N: FloatArray | None = None) -> None:
        self.audio_B2N = audio_B2N
        self.grid = grid
        self.estimate_B2N = estimate_B2N

    @functools.cached_property
    def mix(self) -> FloatArray:
        """Magnitudes, float32 (windows, 2, frames, bins), not normalised."""
        return magnitudes(self.audio_B2N, self.grid)


@dataclass(frozen=True, slots=True)
class MaskOutput:
    """Masks of a batch of windows, prompt by prompt.

    Attributes:
        stem_PB2TF: soft masks of the stem, float32 (prompts, windows, 2, frames, bins), 0 to 1.
        rest_PB2TF: the same of the rest; need not be 1 - stem.
        presence_PBK: logits that the stem sounds, float32 (prompts, windows, blocks of frames); None where the masker
            does not estimate it.
    """

    stem_PB2TF: FloatArray
    rest_PB2TF: FloatArray
    presence_PBK: FloatArray | None


class Masker(Protocol):
    """Maps magnitudes or audio to masks."""

    def masks(self, excerpt: MixWindows, prompts_PE: FloatArray) -> MaskOutput:
        """Masks of several prompts for a batch of windows.

        Args:
            excerpt: the windows.
            prompts_PE: float32 (prompts, embedding).

        Raises:
            BundleError: a graph returned NaN or infinity.
        """
        ...


class MaskDecoder:
    """The bundle's mask decoder; all prompts of a run share one pass over the mix.

    Attributes:
        grid: its row of the manifest.
        takes_estimate: True means that it also reads the flow's estimates, so it takes one prompt at a time.
    """

    takes_estimate = False

    def __init__(self, graph: GraphSession, grid: MaskDecoderSpec, takes_estimate: bool = False) -> None:
        self._graph = graph
        self.grid = grid
        self.takes_estimate = takes_estimate

    def masks(self, excerpt: MixWindows, prompts_PE: FloatArray) -> MaskOutput:
        """See ``Masker``."""
        inputs = {"mix": excerpt.mix, "prompt": prompts_PE}
        if excerpt.estimate_B2N is not None:
            inputs["estimate"] = magnitudes(excerpt.estimate_B2N, excerpt.grid)
        answer = self._graph.run(inputs)
        for name, values in answer.items():
            if not np.isfinite(values).all():
                raise BundleError(
                    "the bundle's mask graph answered with {name} values that are no numbers; use another bundle",
                    name=name,
                )
        return MaskOutput(answer["stem"], answer["rest"], answer["presence"])


def magnitudes(audio_B2N: FloatArray, grid: MaskDecoderSpec) -> FloatArray:
    """STFT magnitudes of windows of audio, not normalised.

    Args:
        audio_B2N: float32 (windows, 2, samples); exactly ``frames`` whole frames.
        grid: of the spectrogram.

    Returns:
        float32 (windows, 2, frames, bins).
    """
    n, hop = grid.fft_samples, grid.hop_samples
    window_N = hann(n)
    views: npt.NDArray[np.float32] = np.lib.stride_tricks.sliding_window_view(audio_B2N, n, axis=2)[:, :, ::hop]
    out = np.empty((*views.shape[:3], grid.bins), np.float32)

    def analyse(at: int) -> None:
        here = slice(at, at + FRAMES_AT_ONCE)
        spectra = np.fft.rfft(views[:, :, here] * window_N, axis=-1)  # in float64, see engine/audio/stft.py
        out[:, :, here] = np.abs(spectra[..., : grid.bins].astype(np.complex64))

    parallel_for(analyse, range(0, views.shape[2], FRAMES_AT_ONCE))
    return out
