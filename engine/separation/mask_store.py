"""Masks of a whole section on disk: computed once for several prompts, read as often as needed on the user's grid.

On disk a mask is a whole number from 0 to 65,535 per side, frame and bin: half the size of float32, and as fine as
16-bit audio. One lookup table brings it back and applies the sensitivity, so another sensitivity costs nothing.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.audio.disk_array import DiskArray, DiskArrayUint16
from engine.audio.reader import FloatArray, Samples
from engine.audio.soft_mask import share_masks
from engine.audio.stft import OVERLAP, ComplexArray, SpectralFilter, window_samples
from engine.bundle.separation import SIDES, MaskDecoderSpec, PanningSpec, PoolingSpec
from engine.inference.masker import DecoderTail, HalfArray, MaskDecoder, Masker, MaskOutput, MixWindows
from engine.inference.run import RunContext
from engine.inference.windows import Batches, OverlapAdd, WindowPlan, lay_windows
from engine.latents import Slot
from engine.mask_panning import StereoPlaces, pan_mask, second_share
from engine.mask_pooling import gain_of_frames, mean_gain, sureness, tilt_mask
from engine.runtime.backend import PROVIDERS
from engine.runtime.threads import Behind, Lookahead, overlapped, parallel_for
from engine.separation.stereo_section import StereoSection, shares_of

FINEST = 65_535
TOP_FROM_HZ = 8_000.0  # the mean of the bins from here up is the gain above the last bin
FRAMES_AFTER = 3  # the last samples lie under frames centred beyond the end
LONG_WINDOWS = 12  # of a clip; two minutes of the usual grid
ROWS_AT_ONCE = 256  # of a mask that is changed on disk
WINDOWS_SHARE = 4  # a window of the mask decoder takes about as much memory as this many of the flow


@dataclass(frozen=True, slots=True)
class StemMasks:
    """Mask and presence of one stem in a section.

    Attributes:
        grid: of the masks.
        rows: gain of the stem, one frame per row: left bins, right bins.
        presence_K: float64 (blocks of frames), 0 (not there) to 1 (there); None where the masker does not estimate it.
        is_gated: True means that the stem is shut where it is not there.
    """

    grid: MaskDecoderSpec
    rows: DiskArrayUint16
    presence_K: Samples | None
    is_gated: bool = True

    @property
    def frames(self) -> int:
        """How many rows there are."""
        return self.rows.rows

    @property
    def opening(self) -> Samples | None:
        """Gain of the presence gate in each block, 0 (shut) to 1 (open); None without a gate."""
        if self.presence_K is None or not self.is_gated:
            return None
        low, high = self.grid.gate_low, self.grid.gate_high
        x_K = np.clip((self.presence_K - low) / (high - low), 0, 1)
        smooth_K: Samples = x_K * x_K * (3 - 2 * x_K)
        return smooth_K


@dataclass(frozen=True, slots=True)
class JointMasks:
    """Masks of several sounds that are one stem together; their gains add up, to 1 at most.

    Attributes:
        parts: of one section and grid.
    """

    parts: tuple[StemMasks, ...]

    @property
    def frames(self) -> int:
        """How many rows every part has; with windows as short as the section there are fewer behind its end."""
        return min(one.frames for one in self.parts)

    @property
    def presence_K(self) -> Samples | None:  # noqa: N802
        """Of the sound that is surest; None where no masker estimates it."""
        known = [one.presence_K for one in self.parts if one.presence_K is not None]
        shortest = min(map(len, known), default=0)
        return np.max([one[:shortest] for one in known], axis=0) if len(known) == len(self.parts) else None

    @property
    def is_gated(self) -> bool:
        """True where every sound is shut where it is not there."""
        return all(one.is_gated for one in self.parts)


AnyMasks = StemMasks | JointMasks


def compute_masks(
    run: RunContext, mix: StereoSection, masker: Masker, prompts_PE: FloatArray, held: contextlib.ExitStack,
    estimate: DiskArray | None = None, heard: DiskArrayUint16 | None = None,
) -> list[StemMasks]:  # fmt: skip
    """Compute masks for several prompts in one run of the masker over the section.

    Args:
        run: the running request; its row of the task table says whether the mask of stem or rest is used.
        prompts_PE: float32 (prompts, embedding).
        held: closes the files.
        estimate: the flow's stem and rest, for a masker that reads them; see ``engine.separation.flow_estimates``.
        heard: of a mask decoder with an end, see ``hear_mix``; None hears the mix now.
    """
    grid = window_grid(mix, masker)
    windows = _plan(mix.audio.rows, grid)
    rows = [held.enter_context(DiskArrayUint16(run.folder, SIDES * grid.bins)) for _ in prompts_PE]
    joined = [_MaskAssembler(windows, grid, one, run.rule.answer, _pooling(masker)) for one in rows]

    batches, starts = Batches(max(1, run.batches.size // WINDOWS_SHARE)), windows.starts
    groups = [range(at, min(at + batches.size, len(starts))) for at in range(0, len(starts), batches.size)]

    def prepare(group: int) -> MixWindows:
        with run.timer.measure("separate"):
            excerpt = _excerpt(mix, grid, estimate, [starts[index] for index in groups[group]])
            if isinstance(masker, MaskDecoder):
                masker.place(excerpt)
        return excerpt

    def join(excerpt: MixWindows, fetch: Callable[[], MaskOutput]) -> None:
        with run.timer.measure("separate"):
            answer = _refined(fetch(), masker, excerpt, prompts_PE, run.model.panning)
            for row in range(len(excerpt.audio_B2N)):
                for prompt, one in enumerate(joined):
                    one.add(answer, prompt, row)

    def answer_group(prepared: tuple[int, MixWindows]) -> list[tuple[Sequence[int], Callable[[], MaskOutput]]]:
        group, whole = prepared
        first, with_rest = groups[group][0], run.rule.answer is Slot.REST

        def work(some: Sequence[int]) -> Callable[[], MaskOutput]:
            with run.timer.measure("separate"):
                heard_BK = None if heard is None else heard.read(first + some[0], first + some[-1] + 1)
                return _begun(masker, whole.part(some), prompts_PE, heard_BK, with_rest)

        return list(batches.run(range(len(groups[group])), work))

    # Three stages work at once: the spectra of the next windows, the network, and what becomes of its last masks.
    with Lookahead(prepare, len(groups)) as prepared, Behind() as behind:
        every = ((group, prepared.of([group])[0]) for group in range(len(groups)))
        at_once = _runs_at_once(run, masker, len(starts), batches.size * len(prompts_PE), heard is not None)
        with contextlib.closing(overlapped(every, answer_group, at_once)) as answered:
            for (group, whole), parts in answered:
                while parts:
                    some, fetch = parts.pop(0)
                    behind.do(functools.partial(join, whole.part(some), fetch))
                    del fetch  # so that its answer is gone once it is joined, while the network makes the next one
                run.progress((groups[group][-1] + 1) / len(starts), "separate")
    return [StemMasks(grid, one, both.finish(), has_gate(masker)) for one, both in zip(rows, joined, strict=True)]


def _pooling(masker: Masker) -> PoolingSpec | None:
    """How a masker's masks are pooled; None where they are as its network gave them."""
    return masker.pooling.spec if isinstance(masker, MaskDecoder) and masker.pooling is not None else None


def _refined(
    answer: MaskOutput, masker: Masker, excerpt: MixWindows, prompts_PE: FloatArray, panning: PanningSpec | None
) -> MaskOutput:  # fmt: skip
    """The network's answer, pooled and panned as the bundle says, in the memory of its masks."""
    if isinstance(masker, MaskDecoder):
        answer = masker.pooled(answer, excerpt, prompts_PE)
    if panning is None:
        return answer
    pooling = masker.pooling if isinstance(masker, MaskDecoder) else None
    twice = [pooling is not None and pooling.keeps_own(prompt_E) for prompt_E in prompts_PE]
    return panned(answer, excerpt, panning, twice)


def panned(answer: MaskOutput, excerpt: MixWindows, panning: PanningSpec, twice: Sequence[bool]) -> MaskOutput:
    """An answer in which the places of stems in the stereo image had their say, in the memory of its masks.

    Args:
        twice: True for prompts that get a second round, as far as presence allows.
    """
    share_PB = np.zeros(answer.stem_PB2TF.shape[:2])
    if answer.presence_PBK is not None:
        for prompt in np.flatnonzero(twice):
            share_PB[prompt] = [
                second_share(float(known), panning) for known in answer.presence_PBK[prompt].max(axis=1)
            ]

    def work(window: int) -> None:
        places = StereoPlaces(excerpt.mix[window])
        for stem_B2TF, share_B in zip(answer.stem_PB2TF, share_PB, strict=True):
            pan_mask(stem_B2TF[window], places, panning, float(share_B[window]))

    parallel_for(work, range(len(excerpt.audio_B2N)))
    return replace(answer, rest_PB2TF=None)


def has_gate(masker: Masker) -> bool:
    """True where presence shuts a stem: the gate is calibrated for the mask decoder's own masks alone."""
    return isinstance(masker, MaskDecoder)


def _runs_at_once(run: RunContext, masker: Masker, windows: int, masks: int, is_heard: bool) -> int:
    """Runs of the network at the same time.

    On the CPU a run keeps several cores busy for a part of its time only, so that two take little longer than one; but
    each has memory of its own for all that is between its layers, which a long clip is worth and a short one is not.
    """
    if not isinstance(masker, MaskDecoder) or is_heard or masks > 1 or windows < LONG_WINDOWS:
        return 1
    return masker.at_once if run.model.device == PROVIDERS["cpu"] and (os.cpu_count() or 1) > 1 else 1


def _begun(
    masker: Masker, excerpt: MixWindows, prompts_PE: FloatArray, heard_BK: npt.NDArray[np.uint16] | None,
    with_rest: bool,
) -> Callable[[], MaskOutput]:  # fmt: skip
    """Run the network; what is given back fetches its answer, which takes a while where it is on a device."""
    if not isinstance(masker, MaskDecoder):
        answer = masker.masks(excerpt, prompts_PE)
        kept = answer if with_rest else replace(answer, rest_PB2TF=None)
        return lambda: kept
    with_rest = with_rest and masker.pooling is None  # what is pooled is the stem's masks alone
    if heard_BK is not None and masker.end is not None:
        end = masker.end.of_frames(excerpt.grid.frames, masker.grid.frames)
        ended = end.masks(excerpt, heard_BK.view(np.float16), prompts_PE, with_rest)
        return lambda: ended
    return masker.begin(excerpt, prompts_PE, with_rest)


def hear_mix(run: RunContext, mix: StereoSection, decoder: MaskDecoder, end: DecoderTail) -> DiskArrayUint16:
    """What a mask decoder hears of a section before any prompt: the bits of float16 numbers, a window per row.

    Args:
        end: its last part, which goes on from there.
    """
    grid = window_grid(mix, decoder)
    windows, rows = _plan(mix.audio.rows, grid), DiskArrayUint16(run.folder, end.width)

    def work(batch: Sequence[int]) -> HalfArray:
        with run.timer.measure("separate"):
            return decoder.hear(_excerpt(mix, grid, None, [windows.starts[index] for index in batch]), end)

    batches = Batches(max(1, run.batches.size // WINDOWS_SHARE))
    for batch, heard_BK in batches.run(range(len(windows.starts)), work):
        rows.append(heard_BK.view(np.uint16))
        run.progress((batch[-1] + 1) / len(windows.starts), "separate")
    return rows


def window_grid(mix: StereoSection, masker: Masker) -> MaskDecoderSpec:
    """The grid of the windows of a section, which a mask decoder may have shorter for a short one."""
    return masker.grid_for(_frames(mix.audio.rows, mix.grid)) if isinstance(masker, MaskDecoder) else mix.grid


def _frames(samples: int, grid: MaskDecoderSpec) -> int:
    """Frames of a section in whole presence blocks."""
    blocks = -(-(samples // grid.hop_samples + FRAMES_AFTER) // grid.presence_frames)
    return blocks * grid.presence_frames


def _plan(samples: int, grid: MaskDecoderSpec) -> WindowPlan:
    """Windows aligned to presence blocks, so that neighbours share the same blocks."""
    return lay_windows(_frames(samples, grid), grid.frames, grid.presence_frames // 2, fade=grid.presence_frames)


def _excerpt(
    mix: StereoSection, grid: MaskDecoderSpec, estimate: DiskArray | None, starts: Sequence[int]
) -> MixWindows:
    samples = (grid.frames - 1) * grid.hop_samples + grid.fft_samples
    begins = [start * grid.hop_samples - grid.fft_samples // 2 for start in starts]

    def windows_of(audio: DiskArray) -> FloatArray:
        windows_B2N = np.stack([audio.read(begin, begin + samples).T for begin in begins])
        return windows_B2N * np.float32(mix.gain)

    return MixWindows(windows_of(mix.audio), grid, None if estimate is None else windows_of(estimate))


class _MaskAssembler:
    """Joins the mask windows of one prompt in order, onto disk."""

    def __init__(
        self, windows: WindowPlan, grid: MaskDecoderSpec, rows: DiskArrayUint16, answer: Slot,
        pooling: PoolingSpec | None,
    ) -> None:  # fmt: skip
        self._grid, self._rows, self._answer, self._pooling = grid, rows, answer, pooling
        self._masks, self._presence = OverlapAdd(windows, 1), OverlapAdd(windows, 1)
        self._logits: list[FloatArray] = []
        self._windows: list[tuple[float, Samples]] = []  # how timid each is, and its presence by blocks

    def add(self, answer: MaskOutput, prompt: int, row: int) -> None:
        if self._answer is Slot.REST:
            rest_PB2TF, stem_2TF = answer.rest_PB2TF, answer.stem_PB2TF[prompt, row]
            rest_2TF = np.float32(1) - stem_2TF if rest_PB2TF is None else rest_PB2TF[prompt, row]
            stem_2TF = np.float32(1) - rest_2TF
        else:
            stem_2TF = answer.stem_PB2TF[prompt, row]
        done_2TF = self._masks.add(stem_2TF)
        whole_2TF = _whole_numbers(done_2TF)
        self._rows.append(whole_2TF.transpose(1, 0, 2).reshape(len(whole_2TF[0]), -1))
        if answer.presence_PBK is not None:
            logits_T = np.repeat(answer.presence_PBK[prompt, row], self._grid.presence_frames)
            self._logits.append(self._presence.add(logits_T[None])[0])
            if answer.timid_PB is not None:
                presence_K = _logistic(answer.presence_PBK[prompt, row])
                self._windows.append((float(answer.timid_PB[prompt, row]), presence_K))

    def finish(self) -> Samples | None:
        """Bring a timid stem to its level where it sounds, when all is joined.

        Returns:
            presence, float64 (blocks of frames), 0 to 1; None where the masker does not estimate it.
        """
        if not self._logits:
            return None
        logits_KT = np.concatenate(self._logits).reshape(-1, self._grid.presence_frames)
        presence_K = _logistic(logits_KT.mean(axis=1, dtype=np.float64))
        if self._pooling is not None and self._windows:
            timid_W = np.array([timid for timid, _ in self._windows])
            sure_W = np.array([sureness(known_K, self._pooling).mean() for _, known_K in self._windows])
            self._raise(mean_gain(timid_W, sure_W), presence_K, self._pooling)
        return presence_K

    def _raise(self, gain: float, presence_K: Samples, pooling: PoolingSpec) -> None:
        if gain == 1.0:
            return
        gain_T = gain_of_frames(gain, presence_K, self._grid.presence_frames, pooling)
        for first in range(0, self._rows.rows, ROWS_AT_ONCE):
            last = min(first + ROWS_AT_ONCE, self._rows.rows)
            if gain_T[first:last].max() > 1:
                mask_RF = self._rows.read(first, last).astype(np.float32) / np.float32(FINEST)
                self._rows.put(first, _whole_numbers(tilt_mask(mask_RF, gain_T[first:last, None])))


def _logistic(logits: npt.NDArray[np.floating]) -> Samples:
    found: Samples = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -60, 60)))
    return found


def _whole_numbers(mask: FloatArray) -> npt.NDArray[np.uint16]:
    """A mask as it is on disk."""
    return (np.clip(mask, 0, 1) * np.float32(FINEST) + np.float32(0.5)).astype(np.uint16)


class MaskStemFilter:
    """Extracts stems from the user's own mix by masks; see ``engine.separation.split.StemFilter``.

    Several stems share the mix, see ``engine.audio.soft_mask.share_masks``; their rows follow one another.

    Args:
        masks: of each stem, for the section that will be pushed.
        rate_hz, channels: of the mix.
        odds: what the stems' odds are multiplied by, see ``engine.audio.soft_mask.odds_gain``.
    """

    def __init__(self, masks: Sequence[AnyMasks], rate_hz: int, channels: int, odds: float) -> None:
        self._filter = SpectralFilter(window_samples(rate_hz), channels, stems=len(masks))
        self._gains = [_JointGains(one, rate_hz, odds) for one in masks]
        self._shares_C2 = shares_of(channels)
        self._next = 0

    def push(self, mix_CN: Samples) -> FloatArray:
        """Push float64 (channels, samples) of the mix; returns what is done, float32 (stems x channels, samples)."""
        return self._filter.push(mix_CN, self._gain_of)

    def flush(self, samples: int) -> FloatArray:
        """Return the last ``samples`` of the stems, float32 (stems x channels, samples)."""
        return self._filter.flush(samples, self._gain_of)

    def _gain_of(self, spectra_CLF: ComplexArray) -> FloatArray:
        first, self._next = self._next, self._next + spectra_CLF.shape[1]
        gain_SL2F = share_masks(np.stack([gains.frames(first, self._next) for gains in self._gains]))
        if len(spectra_CLF) == SIDES:
            return gain_SL2F.transpose(0, 2, 1, 3)
        gain_SCLF: FloatArray = np.tensordot(gain_SL2F, self._shares_C2, axes=([2], [1])).transpose(0, 3, 1, 2)
        return gain_SCLF


class _JointGains:
    """The gains of one stem, added up where it is several sounds."""

    def __init__(self, masks: AnyMasks, rate_hz: int, odds: float) -> None:
        parts = masks.parts if isinstance(masks, JointMasks) else (masks,)
        self._parts = [MaskGains(one, rate_hz, odds) for one in parts]

    def frames(self, first: int, last: int) -> FloatArray:
        """As of ``MaskGains``."""
        gain_L2F = self._parts[0].frames(first, last)
        for part in self._parts[1:]:
            gain_L2F = np.minimum(gain_L2F + part.frames(first, last), np.float32(1))
        return gain_L2F


class MaskGains:
    """Masks resampled to the frames and bins of ``SpectralFilter`` at any rate.

    Gains are interpolated linearly where the two grids differ. Above the last bin each side has one gain a frame: the
    mean from ``TOP_FROM_HZ`` up.

    Args:
        odds: what the stem's odds are multiplied by.
    """

    def __init__(self, masks: StemMasks, rate_hz: int, odds: float) -> None:
        grid, n = masks.grid, window_samples(rate_hz)
        self._masks = masks
        self._table = tilt_mask(np.linspace(0, 1, FINEST + 1, dtype=np.float32), odds)
        self._frames_a_hop = (n // OVERLAP) * grid.rate_hz / (rate_hz * grid.hop_samples)
        own_hz, bin_hz = rate_hz / n, grid.rate_hz / grid.fft_samples
        self._bins = n // 2 + 1
        at_F = np.arange(self._bins) * (own_hz / bin_hz)
        at_F = at_F[at_F <= grid.bins - 1]
        self._low_F = at_F.astype(np.intp)
        self._part_F = (at_F - self._low_F).astype(np.float32)
        self._bins_meet = np.array_equal(at_F, np.arange(len(at_F)))
        self._high_F = np.minimum(self._low_F + 1, grid.bins - 1)
        self._top = min(int(np.ceil(TOP_FROM_HZ / bin_hz)), grid.bins - 1)
        self._open_K = masks.opening

    def frames(self, first: int, last: int) -> FloatArray:
        """Gains of the stem in frames ``first`` up to ``last`` of the user's grid: float32 (frames, 2, bins)."""
        at_L = (np.arange(first, last) - (OVERLAP // 2 - 1)) * self._frames_a_hop
        at_L = np.clip(at_L, 0, self._masks.rows.rows - 1)
        low_L = at_L.astype(np.intp)
        part_L = (at_L - low_L).astype(np.float32)[:, None, None]
        begin = int(low_L[0])
        rows_R2F: FloatArray = self._rows(begin, min(int(low_L[-1]) + 2, self._masks.rows.rows))
        gain_L2F: FloatArray = rows_R2F[low_L - begin]
        if part_L.any():
            high_L = np.minimum(low_L + 1 - begin, len(rows_R2F) - 1)
            gain_L2F += part_L * (rows_R2F[high_L] - gain_L2F)
        return gain_L2F

    def _rows(self, begin: int, end: int) -> FloatArray:
        """Frames of the masks' own grid, with the user's bins; gate and sensitivity applied."""
        grid = self._masks.grid
        mask_R2F = self._table[self._masks.rows.read(begin, end)].reshape(end - begin, SIDES, grid.bins)
        out_R2F = np.empty((end - begin, SIDES, self._bins), np.float32)
        known = len(self._low_F)
        if self._bins_meet:
            out_R2F[..., :known] = mask_R2F[..., :known]
        else:
            out_R2F[..., :known] = mask_R2F[..., self._low_F]
            out_R2F[..., :known] += self._part_F * (mask_R2F[..., self._high_F] - out_R2F[..., :known])
        out_R2F[..., known:] = mask_R2F[..., self._top :].mean(axis=-1, keepdims=True)
        if self._open_K is not None:
            middles_K = (np.arange(len(self._open_K)) + 0.5) * grid.presence_frames - 0.5
            open_R = np.interp(np.arange(begin, end), middles_K, self._open_K)
            out_R2F *= open_R.astype(np.float32)[:, None, None]
        return out_R2F
