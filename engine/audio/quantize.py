"""Quantize stem and rest so that the two written files add up to the mix.

The rest is the mix minus the stem *as written*. What "as written" allows:

* 16-, 24- and 32-bit integers: both are whole numbers of least significant bits, so the sum is exact, always.
* float32, mix born from integers of up to 24 bits and both parts below full scale: exact as well.
* float32, any mix: exact wherever both parts are at most about twice as large as the mix itself. Where they are larger
  (they cancel) and the mix uses all 24 bits of its own, finer scale, no two float32 numbers of that size add up to it:
  0.5 and -0.499999999 are not both float32 numbers. The larger part is rounded once, the smaller takes the difference,
  so the sum is off by at most half a unit in the last place of the smaller part, about -150 dB. ``NullMeter`` measures
  what really came out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from engine.events import BIT_FOR_BIT_DB

Samples = npt.NDArray[np.float64]

SMALLEST_EXPONENT = -149  # of the smallest float32 above zero


def quantize_pair(
    mix_CN: Samples, stem_CN: npt.NDArray[np.floating], bits: int | None, gain: float
) -> tuple[Samples, Samples]:
    """Quantize stem and rest to the output format so that they add up to the mix.

    Args:
        mix_CN: float64 (channels, samples), the input as it was read.
        stem_CN: wanted stem (channels, samples).
        bits: of an integer format, None for float32.
        gain: common gain of both, 1 unless a clip guard is needed.

    Returns:
        Two float64 (channels, samples) that the format holds exactly, integer formats' range apart.
    """
    mix_CN = mix_CN * gain
    wanted_CN = stem_CN.astype(np.float64) * gain
    if bits is None:
        mix_CN = _as_float32(mix_CN)
        exact_CN, rest_CN = _larger_first(mix_CN, wanted_CN, _as_float32)
        return _as_float32(exact_CN), _as_float32(rest_CN)
    scale = float(1 << (bits - 1))
    mix_CN = np.rint(mix_CN * scale)
    if bits > 24:
        # Whole numbers that float32 holds too, as far as possible: readers may add the files as float32.
        exact_CN, rest_CN = _larger_first(mix_CN, wanted_CN * scale, lambda x: np.rint(_as_float32(x)))
    else:
        exact_CN = np.rint(wanted_CN * scale)
        rest_CN = mix_CN - exact_CN
    return exact_CN / scale, rest_CN / scale


def quantize_stems(
    mix_CN: Samples, stems: Sequence[npt.NDArray[np.floating]], bits: int | None, gain: float
) -> list[Samples]:
    """Quantize several stems of one mix, and what they leave of it, so that all of them add up to the mix.

    Integers add up exactly. Float32 stems are rounded to whole multiples of the last place of the largest sum, so that
    they add up in any order; what the remainder cannot hold goes to the smallest track.

    Args:
        mix_CN: float64 (channels, samples), the input as it was read.
        stems: wanted, same shape.
        bits: of an integer format, None for float32.
        gain: common gain of all, 1 unless a clip guard is needed.

    Returns:
        The stems and, last, the remainder: float64 tracks of the same shape that the format holds exactly, integer
        formats' range apart.
    """
    wanted = [stem_CN.astype(np.float64) * gain for stem_CN in stems]
    mix_CN = mix_CN * gain
    if bits is not None:
        scale = float(1 << (bits - 1))
        held = [np.rint(stem_CN * scale) for stem_CN in wanted]
        return [track_CN / scale for track_CN in (*held, np.rint(mix_CN * scale) - np.sum(held, axis=0))]
    mix_CN = _as_float32(mix_CN)
    _, exponent_CN = np.frexp(np.abs(mix_CN) + np.sum(np.abs(wanted), axis=0))
    unit_CN = np.ldexp(1.0, np.maximum(exponent_CN - 24, SMALLEST_EXPONENT))
    held_SCN = np.stack([*(np.rint(stem_CN / unit_CN) * unit_CN for stem_CN in wanted), np.zeros_like(mix_CN)])
    held_SCN[-1] = _as_float32(mix_CN - held_SCN.sum(axis=0))
    smallest_1CN = np.abs(held_SCN).argmin(axis=0)[None]
    kept_1CN = np.take_along_axis(held_SCN, smallest_1CN, axis=0)
    np.put_along_axis(held_SCN, smallest_1CN, _as_float32(kept_1CN + mix_CN - held_SCN.sum(axis=0)), axis=0)
    return list(held_SCN)


def quantize(audio_CN: npt.NDArray[np.floating], bits: int | None) -> Samples:
    """Round samples to the grid of the format, without clipping."""
    if bits is None:
        return _as_float32(audio_CN)
    scale = float(1 << (bits - 1))
    return np.rint(audio_CN.astype(np.float64) * scale) / scale


def quantize_sum(tracks: Sequence[npt.NDArray[np.floating]], bits: int | None) -> list[Samples]:
    """Quantize tracks so that their sum is exact too, in whatever order they are added.

    Integers add exactly. Of float32 numbers only whole multiples of the last place of the largest sum do, so where
    several tracks sound at once, all are rounded to that: at most half a unit in the last place of the loudest. A track
    that sounds alone stays as it is.

    Args:
        tracks: each (channels, samples).
        bits: of an integer format, None for float32.

    Returns:
        Float64 tracks of the same shape that the format holds exactly; their range is not looked at.
    """
    held = [quantize(track_CN, bits) for track_CN in tracks]
    if bits is not None:
        return held
    size_CN = np.sum([np.abs(track_CN) for track_CN in held], axis=0)
    several_CN = np.sum([track_CN != 0 for track_CN in held], axis=0) > 1
    _, exponent_CN = np.frexp(size_CN * (1 + 2.0**-20))  # room for every track being rounded up
    unit_CN = np.ldexp(1.0, exponent_CN - 24)
    return [np.where(several_CN, np.rint(track_CN / unit_CN) * unit_CN, track_CN) for track_CN in held]


def headroom(fixed_CN: Samples, added_CN: Samples, bits: int | None) -> float:
    """Largest gain of ``added_CN``, at most 1, with which the sum stays in the range of the format."""
    if bits is None:
        return 1.0
    size_CN = np.abs(added_CN)
    room_CN = np.maximum(np.where(added_CN < 0, 1.0 + fixed_CN, full_scale(bits) - fixed_CN), 0.0)
    over_CN = size_CN > room_CN
    return float((room_CN[over_CN] / size_CN[over_CN]).min(initial=1.0))


def clip_to_range(audio_CN: Samples, bits: int | None, fixed_CN: Samples | float = 0.0) -> Samples:
    """Clip samples to the range of the format, by themselves or with ``fixed_CN`` added to them."""
    if bits is None:
        return audio_CN
    return np.clip(audio_CN, -1.0 - fixed_CN, full_scale(bits) - fixed_CN)


def share_headroom(tracks: Sequence[Samples], bits: int | None, fixed_CN: Samples) -> list[Samples]:
    """Reduce tracks alike where their sum with ``fixed_CN`` would leave the range of the format.

    Args:
        tracks: each (channels, samples).
        bits: of an integer format, None for float32, where nothing has to give way.
        fixed_CN: in range and on the grid, same shape.

    Returns:
        Tracks of the same shape, of integer formats on the grid and in range, each alone and all with ``fixed_CN``.
    """
    if bits is None:
        return list(tracks)
    held = np.stack([clip_to_range(quantize(track_CN, bits), bits) for track_CN in tracks])
    sum_CN: Samples = held.sum(axis=0)
    kept_CN = clip_to_range(sum_CN, bits, fixed_CN)
    share_CN = np.divide(kept_CN, sum_CN, out=np.ones_like(sum_CN), where=kept_CN != sum_CN)
    held = np.where(kept_CN != sum_CN, quantize(held * share_CN, bits), held)
    # Rounding moves the sum by a few steps; the largest track takes them back.
    over_CN: Samples = held.sum(axis=0)
    over_CN -= clip_to_range(over_CN, bits, fixed_CN)
    is_largest_KCN = np.arange(len(held))[:, None, None] == (held * np.sign(over_CN)).argmax(axis=0)
    return list(held - np.where(is_largest_KCN, over_CN, 0.0))


def guard_gain(peak: float, bits: int | None) -> float:
    """Common gain that brings ``peak`` into the range of the format, in whole tenths of a dB; 1 when it fits."""
    if bits is None or peak <= full_scale(bits):
        return 1.0
    return gain_below(full_scale(bits) / peak)


def gain_below(gain: float) -> float:
    """The next gain in whole tenths of a dB safely below a gain under 1."""
    if gain <= 0:
        return 0.0
    return float(10 ** (-math.ceil(0.1 - 200 * math.log10(gain)) / 200))


def full_scale(bits: int) -> float:
    """The largest sample of an integer format."""
    return 1.0 - 2.0 ** (1 - bits)


class NullMeter:
    """Measure the sum of stem and rest, or of several stems and their remainder, minus the mix, as written."""

    def __init__(self, bits: int | None) -> None:
        self._bits = bits
        self._left = 0.0
        self._mix = 0.0

    def add(self, mix_CN: Samples, *tracks: Samples) -> None:
        """Add one block.

        Args:
            mix_CN: the input, times the common gain; (channels, samples).
            tracks: all files as written, each of the same shape; float32 ones are added in float64, and their sum is
                rounded to float32.
        """
        sum_CN: Samples = np.sum(tracks, axis=0)
        if self._bits is None:
            sum_CN = _as_float32(sum_CN)
        self._left += float(np.square(sum_CN - mix_CN).sum())
        self._mix += float(np.square(mix_CN).sum())

    @property
    def null_db(self) -> float:
        """Level of (sum - mix) against the mix; -300 means bit for bit equal."""
        return level_db(self._left, self._mix)


def level_db(energy: float, reference: float) -> float:
    """One energy against another in dB, between -300 and 300."""
    if energy <= 0:
        return BIT_FOR_BIT_DB
    if reference <= 0:
        return -BIT_FOR_BIT_DB
    return min(max(10 * math.log10(energy / reference), BIT_FOR_BIT_DB), -BIT_FOR_BIT_DB)


def _larger_first(mix_CN: Samples, stem_CN: Samples, rounded: Callable[[Samples], Samples]) -> tuple[Samples, Samples]:
    # The smaller part has the finer grid: it can take up what rounding the larger one left, the reverse cannot.
    stem_is_larger = np.abs(stem_CN) >= np.abs(mix_CN - stem_CN)
    larger_CN = rounded(np.where(stem_is_larger, stem_CN, mix_CN - stem_CN))
    smaller_CN = mix_CN - larger_CN
    return np.where(stem_is_larger, larger_CN, smaller_CN), np.where(stem_is_larger, smaller_CN, larger_CN)


def _as_float32(x: npt.NDArray[np.floating]) -> Samples:
    return x.astype(np.float32).astype(np.float64)
