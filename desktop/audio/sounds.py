"""Sounds that are computed while they are read: sums, fades and spliced takes, without a file of their own.

Every sound is a function of its samples' places alone, so it comes out the same bit for bit wherever reading begins.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Compute = Callable[[int, int], FloatArray]  # first sample, past the last -> float32 (samples, channels)

FADE_S = 0.01  # where one sound goes over into another
CHUNK_SAMPLES = 4096
KEPT_CHUNKS = 128  # of one sound: some ten seconds, so that what plays and what is drawn share them


class SoundSamples(Protocol):
    """Float32 samples (samples, channels): an array, a memory map, or a sound that is computed while it is read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples and channels."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice) -> FloatArray: ...


class ComputedSamples:
    """Computes what is read of it.

    Args:
        samples, channels: of the whole.
        compute: gives a part of it.
        kept: True keeps what was read last, for sounds that take long.
    """

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(self, samples: int, channels: int, compute: Compute, kept: bool = False) -> None:
        self.shape = (samples, channels)
        self._compute, self._kept = compute, kept
        self._chunks: OrderedDict[int, FloatArray] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice) -> FloatArray:
        """Float32 (samples, channels) of a slice without a step."""
        first, last, _ = part.indices(len(self))
        if last <= first:
            return np.zeros((0, self.shape[1]), np.float32)
        if not self._kept or last - first > CHUNK_SAMPLES * KEPT_CHUNKS // 2:
            return self._compute(first, last)
        chunks = [self._chunk(number) for number in range(first // CHUNK_SAMPLES, (last - 1) // CHUNK_SAMPLES + 1)]
        begin = first // CHUNK_SAMPLES * CHUNK_SAMPLES
        joined_NC = chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
        return joined_NC[first - begin : last - begin]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return self[:].astype(dtype or np.float32)

    def _chunk(self, number: int) -> FloatArray:
        with self._lock:
            if number in self._chunks:
                self._chunks.move_to_end(number)
                return self._chunks[number]
        chunk_NC = self._compute(number * CHUNK_SAMPLES, min((number + 1) * CHUNK_SAMPLES, len(self)))
        with self._lock:
            self._chunks[number] = chunk_NC
            while len(self._chunks) > KEPT_CHUNKS:
                self._chunks.popitem(last=False)
        return chunk_NC


@dataclass(frozen=True, slots=True, eq=False)
class PlacedSound:
    """A sound and where it begins on the timeline.

    Attributes:
        samples_NC: float32 (samples, channels).
        start: sample of the timeline.
    """

    samples_NC: SoundSamples
    start: int = 0

    @property
    def end(self) -> int:
        """Past its last sample on the timeline."""
        return self.start + len(self.samples_NC)

    def since(self, start: int) -> PlacedSound:
        """The same from a sample of the timeline on."""
        channels = self.samples_NC.shape[1]
        samples = ComputedSamples(
            max(self.end - start, 0), channels, lambda first, last: self.read(first + start, last + start, channels)
        )
        return self if start == self.start else PlacedSound(samples, start)

    def read(self, first: int, last: int, channels: int) -> FloatArray:
        """A part of the timeline with so many channels; silence where there is no sound.

        Mono is on every channel; of more channels than wanted, the first ones are read.
        """
        out_NC = np.zeros((last - first, channels), np.float32)
        low, high = max(first, self.start), min(last, self.end)
        if high > low:
            part_NC = self.samples_NC[low - self.start : high - self.start]
            out_NC[low - first : high - first] = part_NC if part_NC.shape[1] == 1 else part_NC[:, :channels]
        return out_NC


def difference(whole: PlacedSound, parts: Sequence[PlacedSound]) -> PlacedSound:
    """A sound without parts of it, computed in float64 and rounded once."""
    channels = whole.samples_NC.shape[1]

    def compute(first: int, last: int) -> FloatArray:
        left_NC = np.asarray(whole.samples_NC[first:last], np.float64)
        for part in parts:
            begin, end = first + whole.start, last + whole.start
            if part.start < end and begin < part.end:
                left_NC = left_NC - part.read(begin, end, channels)
        return left_NC.astype(np.float32)

    return PlacedSound(ComputedSamples(len(whole.samples_NC), channels, compute), whole.start)


def total(parts: Sequence[PlacedSound]) -> PlacedSound:
    """The sum of sounds, as long as all of them together."""
    if len(parts) == 1:
        return parts[0]
    start, end = min(part.start for part in parts), max(part.end for part in parts)
    channels = max(part.samples_NC.shape[1] for part in parts)

    def compute(first: int, last: int) -> FloatArray:
        sum_NC = np.zeros((last - first, channels), np.float64)
        for part in parts:
            sum_NC += part.read(first + start, last + start, channels)
        return sum_NC.astype(np.float32)

    return PlacedSound(ComputedSamples(end - start, channels, compute), start)


@dataclass(frozen=True, slots=True, eq=False)
class CompPiece:
    """A sound that is heard in a region in the place of another.

    Attributes:
        sound: it.
        first, last: samples of the timeline, past the last.
    """

    sound: PlacedSound
    first: int
    last: int


def comped(under: PlacedSound, pieces: Sequence[CompPiece], fade: int) -> PlacedSound:
    """A sound with others in its place in some regions, crossfaded over ``fade`` samples inside each region."""
    start = min(under.start, *(max(piece.first, piece.sound.start) for piece in pieces))
    end = max(under.end, *(min(piece.last, piece.sound.end) for piece in pieces))
    channels = max(under.samples_NC.shape[1], *(piece.sound.samples_NC.shape[1] for piece in pieces))

    def compute(first: int, last: int) -> FloatArray:
        first, last = first + start, last + start
        out_NC = under.read(first, last, channels)
        for piece in pieces:
            low, high = max(first, piece.first), min(last, piece.last)
            if high <= low:
                continue
            inside = slice(low - first, high - first)
            share_N1 = edge_shares(low, high, piece.first, piece.last, fade)
            over_NC = piece.sound.read(low, high, channels)
            out_NC[inside] = out_NC[inside] * (1 - share_N1) + over_NC * share_N1
        return out_NC

    return PlacedSound(ComputedSamples(end - start, channels, compute), start)


def edge_shares(low: int, high: int, first: int, last: int, fade: int) -> FloatArray:
    """Share of what is put into a region, (samples, 1) from ``low`` to ``high``: 0 at its edges, 1 inside."""
    place_N = np.arange(low, high)
    fade = max(min(fade, (last - first) // 2), 1)
    share_N = np.clip(np.minimum(place_N - first, last - 1 - place_N) / fade, 0.0, 1.0)
    return share_N[:, None].astype(np.float32)


def faded(sound: PlacedSound, fade_in: int, fade_out: int) -> PlacedSound:
    """A sound that comes and goes linearly, over so many samples."""
    length, channels = len(sound.samples_NC), sound.samples_NC.shape[1]

    def compute(first: int, last: int) -> FloatArray:
        part_NC = sound.samples_NC[first:last]
        gain_N = np.ones(last - first, np.float32)
        place_N = np.arange(first, last, dtype=np.float32)
        if fade_in:
            gain_N *= np.clip(place_N / np.float32(fade_in), 0, 1)
        if fade_out:
            gain_N *= np.clip((length - 1 - place_N) / np.float32(fade_out), 0, 1)
        return (part_NC * gain_N[:, None]).astype(np.float32)

    return PlacedSound(ComputedSamples(length, channels, compute), sound.start)


def inside(sound: PlacedSound, first: int, last: int) -> PlacedSound:
    """A sound that is silent outside of a part of the timeline."""
    length, channels = len(sound.samples_NC), sound.samples_NC.shape[1]

    def compute(low: int, high: int) -> FloatArray:
        out_NC = np.array(sound.samples_NC[low:high])
        out_NC[: max(min(first - sound.start, high) - low, 0)] = 0
        out_NC[max(min(last - sound.start, high) - low, 0) :] = 0
        return out_NC

    return PlacedSound(ComputedSamples(length, channels, compute), sound.start)


def on_grid(samples_NC: FloatArray, bits: int | None) -> FloatArray:
    """Samples as whole steps of an integer format, so that differences of them are exact; floats stay."""
    if bits is None:
        return samples_NC
    steps = np.float64(1 << (bits - 1))
    return (np.rint(samples_NC.astype(np.float64) * steps) / steps).astype(np.float32)
