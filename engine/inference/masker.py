"""Maskers turn a prompt and the mix into soft masks: the bundle's mask decoder, or an expert."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engine.audio.stft import hann
from engine.bundle.separation import FRAMES_STEP, LEAST_FRAMES, SIDES, MaskDecoderSpec
from engine.errors import BundleError
from engine.inference.component_pooling import ComponentPooling
from engine.mask_pooling import lift
from engine.runtime.backend import DeviceTensor, FloatArray, GraphSession, OutOfDeviceMemory, resident_session
from engine.runtime.batch_axes import pad_rows
from engine.runtime.settings import padded_rows
from engine.runtime.threads import parallel_for

FRAMES_AT_ONCE = 64
_STEM = ("stem", "presence")  # outputs that become masks; what was heard on the way stays in the graph
_BOTH = ("stem", "rest", "presence")

HalfArray = npt.NDArray[np.float16]


class MixWindows:
    """A batch of windows of the mix, at the decoder's rate and level.

    Attributes:
        audio_B2N: float32 (windows, 2, samples); the first sample is half an FFT before the middle of the first frame.
        grid: of the spectrogram.
        estimate_B2N: the flow's mono stem and rest of the same samples; None where the masker does not read them.
        placed: the magnitudes in the memory of the masker's device; None where they are only in the host's.
    """

    placed: DeviceTensor | None = None

    def __init__(self, audio_B2N: FloatArray, grid: MaskDecoderSpec, estimate_B2N: FloatArray | None = None) -> None:
        self.audio_B2N = audio_B2N
        self.grid = grid
        self.estimate_B2N = estimate_B2N

    @functools.cached_property
    def mix(self) -> FloatArray:
        """Magnitudes, float32 (windows, 2, frames, bins), not normalised."""
        return magnitudes(self.audio_B2N, self.grid)

    def part(self, rows: Sequence[int]) -> MixWindows:
        """Some consecutive windows of these."""
        if len(rows) == len(self.audio_B2N):
            return self
        here = slice(rows[0], rows[-1] + 1)
        some = MixWindows(
            self.audio_B2N[here], self.grid, None if self.estimate_B2N is None else self.estimate_B2N[here]
        )
        if "mix" in vars(self):
            some.mix = self.mix[here]
        return some

    def filtered(self, mask_B2TF: FloatArray) -> MixWindows:
        """The same windows with their magnitudes through a mask, each as loud again as it was, up to 12 dB.

        Args:
            mask_B2TF: float32 (windows, 2, frames, bins).
        """
        inner = MixWindows(self.audio_B2N, self.grid)
        inner.mix = self.mix * mask_B2TF
        for before_2TF, after_2TF in zip(self.mix, inner.mix, strict=True):
            after_2TF *= lift(float(np.square(before_2TF).mean()), float(np.square(after_2TF).mean()))
        return inner


@dataclass(frozen=True, slots=True)
class MaskOutput:
    """Masks of a batch of windows, prompt by prompt.

    Attributes:
        stem_PB2TF: soft masks of the stem, float32 (prompts, windows, 2, frames, bins), 0 to 1.
        rest_PB2TF: the same of the rest, which need not be 1 - stem; None where it is that, or is not needed.
        presence_PBK: logits that the stem sounds, float32 (prompts, windows, blocks of frames); None where the masker
            does not estimate it.
        timid_PB: gain on the odds of each mask that a stem which sounds is due, float32 (prompts, windows), 1 or more;
            None for masks that were not pooled.
    """

    stem_PB2TF: FloatArray
    rest_PB2TF: FloatArray | None
    presence_PBK: FloatArray | None
    timid_PB: FloatArray | None = None


class Masker(Protocol):
    """Maps magnitudes or audio to masks."""

    def masks(self, excerpt: MixWindows, prompts_PE: FloatArray) -> MaskOutput:
        """Masks of several prompts for a batch of windows.

        Args:
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
        end: its last part, which goes on from what was heard; None where that is no graph of its own.
        pooling: of its masks over components of the mix; None where they are used as they are.
        at_once: runs at the same time for which its memory is worth the time they save, on the CPU.
        takes_fewer_frames: True means that its windows may have fewer frames than ``grid`` says.
    """

    at_once = 2
    takes_estimate = False
    takes_fewer_frames = False
    end: DecoderTail | None = None
    pooling: ComponentPooling | None = None

    def __init__(
        self, graph: GraphSession, grid: MaskDecoderSpec, takes_estimate: bool = False, end: DecoderTail | None = None
    ) -> None:
        self._graph = graph
        self.grid = grid
        self.takes_estimate = takes_estimate
        self.end = end

    def grid_for(self, frames: int) -> MaskDecoderSpec:
        """The grid of the windows of a clip: for a short one, a window of as few frames as hold it.

        Args:
            frames: of the clip.
        """
        least = max(LEAST_FRAMES, -(-frames // FRAMES_STEP) * FRAMES_STEP)
        return replace(self.grid, frames=least) if self.takes_fewer_frames and least < self.grid.frames else self.grid

    def place(self, excerpt: MixWindows) -> None:
        """Compute the magnitudes of windows and bring them to the device, so that ``masks`` finds them there.

        Where they do not fit they stay in the host's memory, and whoever asks for their masks hears of it.
        """
        resident = resident_session(self._graph)
        if resident is None:
            excerpt.mix  # noqa: B018 - computed now and kept
            return
        windows = len(excerpt.audio_B2N)
        shape = (padded_rows(windows, resident.batch_sizes), SIDES, excerpt.grid.frames, excerpt.grid.bins)
        padded_B2TF = resident.host_array(shape, np.float32)
        excerpt.mix = magnitudes(excerpt.audio_B2N, excerpt.grid, padded_B2TF[:windows])
        padded_B2TF[windows:] = padded_B2TF[windows - 1]
        with contextlib.suppress(OutOfDeviceMemory):
            excerpt.placed = resident.put(padded_B2TF)

    def masks(self, excerpt: MixWindows, prompts_PE: FloatArray, with_rest: bool = True) -> MaskOutput:
        """See ``Masker``; the rest's masks are as large as the stem's and left out where nothing needs them."""
        return self.begin(excerpt, prompts_PE, with_rest)()

    def begin(self, excerpt: MixWindows, prompts_PE: FloatArray, with_rest: bool = True) -> Callable[[], MaskOutput]:
        """Run the network; what is given back fetches its answer, so that another thread may, and raises as ``masks``.

        Raises:
            OutOfDeviceMemory: fewer windows may fit.
        """
        wanted, resident = _BOTH if with_rest else _STEM, resident_session(self._graph)
        if resident is not None and excerpt.placed is not None and excerpt.estimate_B2N is None:
            padded_PE = pad_rows(prompts_PE, padded_rows(len(prompts_PE), resident.batch_sizes))
            there = resident.run_tensors({"mix": excerpt.placed, "prompt": padded_PE}, wanted)
            return functools.partial(_fetched, there, len(prompts_PE), len(excerpt.audio_B2N))
        inputs = {"mix": excerpt.mix, "prompt": prompts_PE}
        if excerpt.estimate_B2N is not None:
            inputs["estimate"] = magnitudes(excerpt.estimate_B2N, excerpt.grid)
        return functools.partial(_masks, self._graph.run(inputs, wanted))

    def pooled(self, answer: MaskOutput, excerpt: MixWindows, prompts_PE: FloatArray) -> MaskOutput:
        """An answer with its masks pooled as the bundle says, in the memory of the masks that it had."""
        if self.pooling is None:
            return answer
        timid_PB = self.pooling.pool(answer.stem_PB2TF, excerpt.mix, prompts_PE)
        return MaskOutput(answer.stem_PB2TF, None, answer.presence_PBK, timid_PB)

    def hear(self, excerpt: MixWindows, end: DecoderTail) -> HalfArray:
        """What is heard of some windows before any prompt, float16 (windows, ``end.width``).

        Raises:
            BundleError: the graph returned NaN or infinity.
        """
        answer = self._graph.run({"mix": excerpt.mix, "prompt": np.zeros((1, end.embedding), np.float32)})
        _masks(answer)
        return np.concatenate([answer[name].reshape(len(excerpt.mix), -1) for name in end.shapes], axis=1).astype(
            np.float16
        )


@dataclass(frozen=True, slots=True)
class DecoderTail:
    """The last part of a mask decoder as a graph of its own.

    Attributes:
        graph: it.
        shapes: of what it takes for one window besides ``mix`` and ``prompt``, by name; outputs of the whole graph.
        embedding: length of a prompt embedding.
    """

    graph: GraphSession
    shapes: Mapping[str, tuple[int, ...]]
    embedding: int

    def of_frames(self, frames: int, whole: int) -> DecoderTail:
        """The same for windows of ``frames`` in the place of ``whole``."""
        return replace(self, shapes={
            name: (channels, steps * frames // whole, bins) for name, (channels, steps, bins) in self.shapes.items()
        })  # fmt: skip

    @property
    def width(self) -> int:
        """Numbers that are heard of one window."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def masks(
        self, excerpt: MixWindows, heard_BK: HalfArray, prompts_PE: FloatArray, with_rest: bool = True
    ) -> MaskOutput:
        """The same as ``MaskDecoder.masks``, from what ``MaskDecoder.hear`` gave for the same windows."""
        cuts = np.cumsum([math.prod(shape) for shape in self.shapes.values()])[:-1]
        parts = np.split(heard_BK.astype(np.float32), cuts, axis=1)
        heard = {name: part.reshape(-1, *shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}
        given = {"mix": excerpt.mix, "prompt": prompts_PE, **heard}
        return _masks(self.graph.run(given, _BOTH if with_rest else _STEM))


def _fetched(there: Mapping[str, DeviceTensor], prompts: int, windows: int) -> MaskOutput:
    return _masks({name: tensor.numpy(prompts)[:, :windows] for name, tensor in there.items()})


def _masks(answer: Mapping[str, FloatArray]) -> MaskOutput:
    for name, values in answer.items():
        if not np.isfinite(values).all():
            raise BundleError(
                "the bundle's mask graph answered with {name} values that are no numbers; use another bundle",
                name=name,
            )
    return MaskOutput(answer["stem"], answer.get("rest"), answer["presence"])


def magnitudes(audio_B2N: FloatArray, grid: MaskDecoderSpec, into: FloatArray | None = None) -> FloatArray:
    """STFT magnitudes of windows of audio, not normalised.

    Args:
        audio_B2N: float32 (windows, 2, samples); exactly ``frames`` whole frames.
        into: where they go; None makes an array.

    Returns:
        float32 (windows, 2, frames, bins).
    """
    n, hop = grid.fft_samples, grid.hop_samples
    window_N = hann(n)
    views: npt.NDArray[np.float32] = np.lib.stride_tricks.sliding_window_view(audio_B2N, n, axis=2)[:, :, ::hop]
    out = np.empty((*views.shape[:3], grid.bins), np.float32) if into is None else into

    def analyse(at: int) -> None:
        here = slice(at, at + FRAMES_AT_ONCE)
        spectra = np.fft.rfft(views[:, :, here] * window_N, axis=-1)  # in float64, see engine/audio/stft.py
        out[:, :, here] = np.abs(spectra[..., : grid.bins].astype(np.complex64))

    parallel_for(analyse, range(0, views.shape[2], FRAMES_AT_ONCE))
    return out
