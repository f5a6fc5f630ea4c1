"""Process a clip of any length in windows, so that neither windows nor batches are audible.

Two plans. *Analysis* (codec, isolation): windows overlap, the outer frames of each are context that is discarded, and
neighbours meet in a short cross-fade. *Generation* (generate, extend, inpaint, regenerate): a window begins with frames
that the previous one generated, which are known to it; nothing is faded. Both depend only on the length of the clip and
the bundle's window, never on the batch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from engine.runtime.backend import OutOfDeviceMemory

log = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float32]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Overlapping windows over a clip, in frames.

    Attributes:
        frames: of the clip, at least one window; silence beyond the real clip.
        window: frames of one window.
        context: frames discarded at each inner edge of a window.
        fade: frames over which two windows are cross-faded.
        starts: first frame of every window.
    """

    frames: int
    window: int
    context: int
    fade: int
    starts: tuple[int, ...]

    def seam(self, index: int) -> tuple[int, int]:
        """Frames of the cross-fade between window ``index`` and the next, ``(first, past the last)``."""
        first = self.starts[index + 1] + self.context
        return first, first + self.fade

    def own(self, index: int) -> tuple[int, int]:
        """Frames owned by window ``index`` alone; borders are the middle of each cross-fade."""
        first = 0 if index == 0 else sum(self.seam(index - 1)) // 2
        last = self.frames if index == len(self.starts) - 1 else sum(self.seam(index)) // 2
        return first, last


def plan_windows(frames: int, window: int) -> WindowPlan:
    """Plan windows over a clip for the codec and the flow.

    Args:
        window: frames of one window, as the bundle says.
    """
    return lay_windows(frames, window, window // 16, max(1, window // 64))


def lay_windows(frames: int, window: int, context: int, fade: int) -> WindowPlan:
    """Plan windows over a clip.

    Args:
        window: frames of one window.
        context: frames discarded at each inner edge of a window.
        fade: frames over which two windows are cross-faded.
    """
    stride = max(1, window - 2 * context - fade)
    starts = [0]
    while starts[-1] + window < frames:
        # A last window less than a fade further on would start its seam before the one before it ends.
        starts.append(max(min(starts[-1] + stride, frames - window), starts[-1] + fade))
    return WindowPlan(starts[-1] + window, window, context, fade, tuple(starts))


class OverlapAdd:
    """Join windows of audio, or of anything else along time, in order, with cross-fades.

    Args:
        hop_samples: audio samples per frame; 1 for data with one row per frame.
    """

    def __init__(self, windows: WindowPlan, hop_samples: int) -> None:
        self._windows = windows
        self._hop = hop_samples
        self._next = 0
        self._tail_KN: FloatArray | None = None  # the previous window's part of the cross-fade, already faded out

    def add(self, audio_KN: FloatArray) -> FloatArray:
        """Add the next window.

        Args:
            audio_KN: float32 (tracks, samples of a window), or more axes after these.

        Returns:
            float32 (tracks, samples, ...), the finished samples that follow those returned before.
        """
        index, hop = self._next, self._hop
        self._next += 1
        start = self._windows.starts[index]
        first = 0 if index == 0 else self._windows.seam(index - 1)[0]
        is_last = index == len(self._windows.starts) - 1
        body_end = self._windows.frames if is_last else self._windows.seam(index)[0]
        body_KN = audio_KN[:, (first - start) * hop : (body_end - start) * hop].copy()
        ramp_N = self._ramp().reshape(-1, *(1 for _ in audio_KN.shape[2:]))
        if self._tail_KN is not None:
            body_KN[:, : len(ramp_N)] = body_KN[:, : len(ramp_N)] * ramp_N + self._tail_KN
        if not is_last:
            seam_at = (body_end - start) * hop
            self._tail_KN = audio_KN[:, seam_at : seam_at + len(ramp_N)] * (1 - ramp_N)
        return body_KN

    def _ramp(self) -> FloatArray:
        count = self._windows.fade * self._hop
        return ((np.arange(count, dtype=np.float32) + np.float32(0.5)) / np.float32(count)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class FillWindow:
    """One window of generated sound, in frames of the clip.

    Attributes:
        start: first frame of the window.
        fill: frames it generates, ``(first, past the last)``; everything before is known to it.
    """

    start: int
    fill: tuple[int, int]


def plan_fill(frames: int, window: int, span: tuple[int, int]) -> list[FillWindow]:
    """Plan windows that fill a span from left to right.

    Args:
        frames: of the clip, at least ``window``.
        window: frames of one window.
        span: frames to fill, ``(first, past the last)``.
    """
    first, last = span
    if last - first <= window:
        start = min(max((first + last - window) // 2, 0), frames - window)
        if start <= first and last <= start + window:
            return [FillWindow(start, span)]
    carry = window // 4  # generated frames the next window sees, so that it continues from them
    plan = []
    while first < last:
        start = min(max(first - carry, 0), frames - window)
        end = min(last, start + window)
        plan.append(FillWindow(start, (first, end)))
        first = end
    return plan


class Batches:
    """Run windows in batches, halving the batch when it does not fit the device.

    Args:
        size: windows per run to begin with; shrinks to what fits.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def run(
        self, items: Sequence[int], work: Callable[[Sequence[int]], Result]
    ) -> Iterator[tuple[Sequence[int], Result]]:
        """Process items in order.

        Args:
            work: processes a batch of them; called again with fewer when it runs out of memory.

        Yields:
            Each batch and its result.

        Raises:
            DeviceError: a single window does not fit.
        """
        done = 0
        while done < len(items):
            batch = items[done : done + self.size]
            try:
                result = work(batch)
            except OutOfDeviceMemory:
                if len(batch) == 1:
                    raise
                self.size = max(1, len(batch) // 2)
                log.warning("%d windows at once do not fit the device; going on with %d", len(batch), self.size)
                continue
            done += len(batch)
            yield batch, result
            del result  # the next one may be as large
