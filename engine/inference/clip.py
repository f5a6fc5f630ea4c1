"""From file to latents and back: read as mono at the model's rate, encode, decode, resample to the user's rate.

Whatever is as long as the clip lives in a ``DiskArray``, so memory stays bounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.audio.disk_array import DiskArray
from engine.audio.reader import BLOCK_SAMPLES, AudioInfo, FloatArray, Samples, blocks, resampled, samples_at
from engine.inference.resident_latents import ResidentLatents, WindowStore
from engine.inference.run import RunContext
from engine.inference.windows import OverlapAdd, WindowPlan
from engine.runtime.backend import OutOfDeviceMemory

LEVEL_INTO_MODEL_DB = -20.0  # RMS
HIGHEST_GAIN_DB = 60.0
LEAST_OFFSET = 1e-3  # -60 dBFS; a converter or a synthesiser that is off centre
OFFSET_PARTS, OFFSET_ERRORS = 16, 8.0  # noise has such a mean once in a million sections
MAX_WIDTH = 4.0  # where channels nearly cancel, their mean says nothing about how loud one of them is


@dataclass(frozen=True, slots=True)
class SampleRange:
    """A range of samples of a file: ``start`` up to, not including, ``stop``."""

    start: int
    stop: int

    @property
    def samples(self) -> int:
        """Length in samples."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class MonoClip:
    """A clip as mono at the model's rate, before any gain.

    Attributes:
        audio: one sample per row.
        power: mean square.
        width: mean square of the channels over that of their mean; 1 for mono, 2 for two uncorrelated channels.
        offset_C: constant offset of each channel of the section; not in ``audio``.
    """

    audio: DiskArray
    power: float
    width: float
    offset_C: Samples = field(default_factory=lambda: np.zeros(1))


def load_mono(run: RunContext, info: AudioInfo, section: SampleRange) -> MonoClip:
    """Read a section as mono at the model's rate.

    Raises:
        AudioError: a sample is NaN or infinite, or the file cannot be decoded.
    """
    rate_hz = run.model.grid.sample_rate_hz
    total = samples_at(section.samples, info.rate_hz, rate_hz)
    energies = np.zeros(2)  # of the mean of the channels, and mean over the channels, at the user's rate
    offsets = OffsetMeter(info.channels, section.samples)

    def source() -> Iterator[Samples]:
        for block_CN in blocks(info.as_heard, section.start, section.stop):
            mono_1N = block_CN.mean(axis=0, keepdims=True)
            energies[:] += np.square(mono_1N).sum(), np.square(block_CN).sum() / info.channels
            offsets.add(block_CN)
            yield mono_1N

    scratch, energy = DiskArray(run.folder, 1), 0.0
    for mono_1N in run.timer.each("read", resampled(source(), 1, info.rate_hz, rate_hz, total)):
        scratch.append(mono_1N.T)
        energy += float(np.square(mono_1N, dtype=np.float64).sum())
        run.progress(scratch.rows / total, "read")
    offset_C = offsets.offset_C
    if offset_C.any():
        mean = float(offset_C.mean())
        energy = take_away(scratch, np.array([mean]))
        energies -= section.samples * np.array([mean**2, np.square(offset_C).mean()])
    width = min(energies[1] / energies[0], MAX_WIDTH) if energies[0] > 0 else 1.0
    return MonoClip(scratch, energy / total, float(width), offset_C)


class OffsetMeter:
    """Measures the constant offset of each channel of a section.

    The section is cut into equal parts. An offset is constant where their means agree: where the mean of all is many
    times its own standard error, as the mean of no music around zero is.

    Args:
        channels, samples: of the section.
    """

    def __init__(self, channels: int, samples: int) -> None:
        self._part_samples = max(1, samples // OFFSET_PARTS)
        self._sums_CP = np.zeros((channels, -(-samples // self._part_samples)))
        self._seen = 0

    def add(self, block_CN: Samples) -> None:
        """Add samples, float64 (channels, samples)."""
        at = 0
        while at < block_CN.shape[1]:
            part, used = divmod(self._seen, self._part_samples)
            count = min(self._part_samples - used, block_CN.shape[1] - at)
            self._sums_CP[:, part] += block_CN[:, at : at + count].sum(axis=1)
            at, self._seen = at + count, self._seen + count

    @property
    def offset_C(self) -> Samples:  # noqa: N802 - it ends in its axes
        """The offset; 0 where there is none."""
        mean_C: Samples = self._sums_CP.sum(axis=1) / max(1, self._seen)
        means_CP = self._sums_CP[:, :OFFSET_PARTS] / self._part_samples
        error_C = means_CP.std(axis=1) / np.sqrt(OFFSET_PARTS)
        is_constant_C = (np.abs(mean_C) >= LEAST_OFFSET) & (np.abs(mean_C) >= OFFSET_ERRORS * error_C)
        return np.where(is_constant_C & (self._seen >= OFFSET_PARTS), mean_C, 0.0)


def take_away(audio: DiskArray, offset_K: Samples) -> float:
    """Subtract a constant from each column.

    Returns:
        The energy of what is left.
    """
    energy = 0.0
    for at in range(0, audio.rows, BLOCK_SAMPLES):
        rows_NK = (audio.read(at, min(at + BLOCK_SAMPLES, audio.rows)) - offset_K).astype(np.float32)
        audio.put(at, rows_NK)
        energy += float(np.square(rows_NK, dtype=np.float64).sum())
    return energy


def gain_into_model(power: float) -> float:
    """Gain that brings a mean square to the level the model was trained at; 1 for silence."""
    if power <= 1e-12:
        return 1.0
    gain_db = min(LEVEL_INTO_MODEL_DB - 10 * math.log10(power), HIGHEST_GAIN_DB)
    return float(10 ** (gain_db / 20))


def encode_clip(run: RunContext, audio: DiskArray, gain: float, windows: WindowPlan) -> DiskArray:
    """Latents of a whole clip, one frame per row.

    Args:
        audio: mono at the model's rate.
        gain: applied to the audio.
        windows: the plan; silence is read beyond the end of the audio.
    """
    latents = DiskArray(run.folder, run.model.grid.latent_channels)

    def encode(batch: Sequence[int]) -> FloatArray:
        with run.timer.measure("encode"):
            return run.model.codec.encode(_audio_windows(run, audio, gain, windows, batch))

    for batch, z_BDL in run.batches.run(range(len(windows.starts)), encode):
        for index, z_DL in zip(batch, z_BDL, strict=True):
            first, last = windows.own(index)
            start = windows.starts[index]
            latents.append(z_DL[:, first - start : last - start].T)
        run.progress((batch[-1] + 1) / len(windows.starts), "encode")
    return latents


def encode_on_device(run: RunContext, audio: DiskArray, gain: float, windows: WindowPlan) -> ResidentLatents | None:
    """Latents of a whole clip that stay where they are encoded; arguments as for ``encode_clip``.

    Returns:
        None where the device does not keep tensors, or has no room for these.
    """
    encode, channels = run.model.codec.resident_encoder, run.model.grid.latent_channels
    if encode is None or not WindowStore.is_small(len(windows.starts), (channels, windows.window)):
        return None
    try:
        latents = ResidentLatents(encode, windows, channels)
    except OutOfDeviceMemory:
        return None
    encode_into(run, latents, audio, gain, windows)
    return latents


def encode_into(run: RunContext, latents: ResidentLatents, audio: DiskArray, gain: float, windows: WindowPlan) -> None:
    """Encode a whole clip on a device; other arguments as for ``encode_clip``."""

    def work(batch: Sequence[int]) -> None:
        with run.timer.measure("encode"):
            latents.encode(batch[0], _audio_windows(run, audio, gain, windows, batch))

    for batch, _ in run.batches.run(range(len(windows.starts)), work):
        run.progress((batch[-1] + 1) / len(windows.starts), "encode")


def _audio_windows(
    run: RunContext, audio: DiskArray, gain: float, windows: WindowPlan, batch: Sequence[int]
) -> FloatArray:
    hop = run.model.grid.hop_samples
    audio_BN = np.stack(
        [audio.read(windows.starts[i] * hop, (windows.starts[i] + windows.window) * hop)[:, 0] for i in batch]
    )
    return audio_BN * np.float32(gain)


def decode_clip(
    run: RunContext, decoded: Callable[[Sequence[int]], FloatArray], first: int, windows: WindowPlan, into: DiskArray
) -> None:
    """Decode latents and append the audio to a disk array.

    Args:
        decoded: sound of windows that begin at given frames, float32 (windows, samples of a window).
        first: frame at which the plan begins.
        into: receives one sample per row.
    """
    joiner = OverlapAdd(windows, run.model.grid.hop_samples)

    def decode(batch: Sequence[int]) -> FloatArray:
        with run.timer.measure("decode"):
            return decoded([first + windows.starts[i] for i in batch])

    for batch, audio_BN in run.batches.run(range(len(windows.starts)), decode):
        for audio_N in audio_BN:
            into.append(joiner.add(audio_N[None]).T)
        run.progress((batch[-1] + 1) / len(windows.starts), "decode")


def at_user_rate(
    audio: DiskArray, from_hz: int, to_hz: int, samples: int, block: int = 1 << 15
) -> Iterator[FloatArray]:
    """Audio of a disk array, resampled to the user's rate.

    Args:
        audio: one sample per row, one column per track.
        from_hz: the model's rate.
        to_hz: the user's rate.
        samples: exact number of samples to yield.
        block: samples read at once.

    Yields:
        float32 (tracks, samples).
    """
    source = (audio.read(at, min(at + block, audio.rows)).T for at in range(0, audio.rows, block))
    yield from resampled((block_KN.astype(np.float64) for block_KN in source), audio.width, from_hz, to_hz, samples)


class SampleQueue:
    """First in, first out: push blocks of any length, take blocks of any other length."""

    def __init__(self, channels: int) -> None:
        self._held: list[Samples] = []
        self._channels = channels

    def push(self, block_CN: Samples) -> None:
        """Add samples at the end."""
        self._held.append(block_CN)

    def take(self, samples: int) -> Samples:
        """Remove and return the first ``samples``; so many must be there."""
        taken: list[Samples] = [np.zeros((self._channels, 0))]
        while samples:
            block_CN = self._held.pop(0)
            if block_CN.shape[1] > samples:
                self._held.insert(0, block_CN[:, samples:])
                block_CN = block_CN[:, :samples]
            taken.append(block_CN)
            samples -= block_CN.shape[1]
        return np.concatenate(taken, axis=1)


class SampleSource:
    """Take any number of samples at a time from an iterator of blocks; silence after its end."""

    def __init__(self, source: Iterator[FloatArray], channels: int) -> None:
        self._source = source
        self._channels = channels
        self._held_CN: FloatArray = np.zeros((channels, 0), np.float32)

    def take(self, samples: int) -> FloatArray:
        """The next ``samples``, float32 (channels, samples)."""
        blocks_CN = [self._held_CN]
        count = self._held_CN.shape[1]
        while count < samples:
            block_CN = next(self._source, None)
            if block_CN is None:
                block_CN = np.zeros((self._channels, samples - count), np.float32)
            blocks_CN.append(block_CN)
            count += block_CN.shape[1]
        whole_CN = np.concatenate(blocks_CN, axis=1)
        self._held_CN = whole_CN[:, samples:]
        return whole_CN[:, :samples]
