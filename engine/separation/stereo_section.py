"""A section of the mix as maskers read it: stereo at their rate, on disk, with the gain to their level.

Files with other channel layouts are folded to two sides, and the masks of the sides go back to their channels.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.audio.disk_array import DiskArray
from engine.audio.reader import AudioInfo, FloatArray, Samples, blocks, resampled, samples_at
from engine.bundle.separation import SIDES, MaskDecoderSpec
from engine.inference.clip import HIGHEST_GAIN_DB, OffsetMeter, SampleRange, take_away
from engine.inference.mix_cache import hash_rows
from engine.inference.run import RunContext
from engine.runtime.threads import ahead

SILENT_POWER = 1e-12
# Channels in the order of WAV files: left, right, or neither (middle, low frequencies, middle of the back).
LAYOUTS = {1: "m", 2: "lr", 3: "lrm", 4: "lrlr", 5: "lrmlr", 6: "lrmmlr", 7: "lrmmmlr", 8: "lrmmlrlr"}
SHARES = {"l": (1.0, 0.0), "r": (0.0, 1.0), "m": (0.5, 0.5)}


@dataclass(frozen=True, slots=True)
class StereoSection:
    """A section of the mix in stereo, shared by all prompts.

    Attributes:
        info: the file.
        wanted: the part that the results cover.
        section: what was read: ``wanted`` and context around it.
        audio: left and right, one sample per row, at the decoder's rate.
        gain: to the decoder's level.
        grid: of the masks.
        offset_C: constant offset of each channel of the file; not in ``audio``.
        sha256: of ``audio``, where there is a cache.
    """

    info: AudioInfo
    wanted: SampleRange
    section: SampleRange
    audio: DiskArray
    gain: float
    grid: MaskDecoderSpec
    offset_C: Samples
    sha256: str = ""


def shares_of(channels: int) -> FloatArray:
    """Share of each channel in each side, float32 (channels, 2); its mask is mixed from the sides by the same shares.

    Channels beyond the usual layouts count as middle; the first two are left and right.
    """
    layout = LAYOUTS.get(channels, "lr" + "m" * (channels - 2))
    return np.array([SHARES[letter] for letter in layout], np.float32)


def load_stereo(
    run: RunContext, info: AudioInfo, wanted: SampleRange, section: SampleRange, grid: MaskDecoderSpec
) -> StereoSection:
    """Read a section in stereo; the caller closes ``audio``.

    Args:
        wanted: the part that the results cover.
        grid: of the masks; says which rate and level.

    Raises:
        AudioError: a sample is NaN or infinite, or the file cannot be decoded.
    """
    shares_2C = shares_of(info.channels).T.astype(np.float64)
    total = samples_at(section.samples, info.rate_hz, grid.rate_hz)

    offsets = OffsetMeter(info.channels, section.samples)

    def source() -> Iterator[Samples]:
        for block_CN in blocks(info.as_heard, section.start, section.stop):
            offsets.add(block_CN)
            yield block_CN if info.channels == SIDES else shares_2C @ block_CN

    audio, energy = DiskArray(run.folder, SIDES), 0.0
    try:
        heard = run.timer.each("read", resampled(source(), SIDES, info.rate_hz, grid.rate_hz, total))
        with contextlib.closing(ahead(heard)) as blocks_2N:
            for block_2N in blocks_2N:
                audio.append(block_2N.T)
                energy += float(np.vdot(block_2N, block_2N))
                run.progress(audio.rows / total, "read")
        offset_C = offsets.offset_C
        if offset_C.any():
            energy = take_away(audio, offset_C if info.channels == SIDES else shares_2C @ offset_C)
    except BaseException:
        audio.close()
        raise
    gain = _gain_to(grid.level_db, energy / (SIDES * total))
    sha256 = "" if run.cache is None else hash_rows(audio)
    return StereoSection(info, wanted, section, audio, gain, grid, offset_C, sha256)


def _gain_to(level_db: float, power: float) -> float:
    """Gain that brings a mean square to a level; 1 for silence."""
    if power <= SILENT_POWER:
        return 1.0
    return float(10 ** (min(level_db - 10 * math.log10(power), HIGHEST_GAIN_DB) / 20))
