"""Latents in the memory of a device: where encoder and steps write them, and where steps and decoder read them.

They are kept in whole windows, as they were computed. A table in the host's memory tells window and frame of every
frame of a clip, so that any frames can be gathered from windows that overlap, or that were made one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from engine.audio.disk_array import DiskArray
from engine.inference.device_sampler import ResidentStart
from engine.inference.numbers import all_numbers
from engine.inference.step_graphs import GATHER
from engine.inference.windows import WindowPlan
from engine.latents import Slot
from engine.runtime.backend import Array, DeviceTensor, FloatArray, ResidentSession
from engine.runtime.batch_axes import pad_rows
from engine.runtime.settings import padded_rows

MOST_BYTES = 1 << 28  # of a clip; those of a longer one go through the disk
FLOAT_BYTES = 4


class WindowStore:
    """Windows of latents in the memory of a device; the first is all zeros, for frames that nobody gave.

    Args:
        session: whose device it is.
        count: windows that are to go in.
        shape: (latent channels, frames of a window).

    Attributes:
        windows: float32 (windows, latent channels, frames).

    Raises:
        OutOfDeviceMemory: they do not fit.
    """

    def __init__(self, session: ResidentSession, count: int, shape: tuple[int, int]) -> None:
        self._batch_sizes = session.batch_sizes
        spare = max(session.batch_sizes, default=0)  # a last batch is padded
        self.windows: DeviceTensor = session.put(np.zeros((1 + count + spare, *shape), np.float32))
        self._taken, self._count = 1, 1 + count

    @staticmethod
    def is_small(count: int, shape: tuple[int, int]) -> bool:
        """True where so many windows may be kept on a device."""
        return FLOAT_BYTES * count * shape[0] * shape[1] <= MOST_BYTES

    def take(self, count: int) -> int:
        """The first of the next ``count`` windows, which nothing else uses from now on."""
        if self._taken + count > self._count:
            raise IndexError(f"{count} more windows do not go into a store of {self._count - 1}")
        self._taken += count
        return self._taken - count

    def rows(self, first: int, count: int) -> DeviceTensor:
        """Consecutive windows, for a graph to write; a padded batch also overwrites those that follow."""
        return self.windows.rows(first, first + count)

    def gathered(self, session: ResidentSession, places_BL2: Array) -> DeviceTensor:
        """Frames in the order of a table, float32 (windows, latent channels, frames), with the padding of a batch.

        Args:
            session: of the graph that reads them.
            places_BL2: int64 (windows, frames, 2): window and frame of each.
        """
        padded_BL2 = pad_rows(places_BL2, padded_rows(len(places_BL2), session.batch_sizes))
        places = session.keep("places to gather", padded_BL2.shape, np.int64)
        places.update(padded_BL2)
        shape = (len(padded_BL2), self.windows.shape[1], padded_BL2.shape[1])
        latents = session.keep("gathered", shape, np.float32)
        session.beside(GATHER).run_resident({"windows": self.windows, "places": places}, {"latents": latents})
        return latents

    def close(self) -> None:
        """Free the memory."""
        del self.windows


class FramePlaces:
    """Window and frame in a store of every frame of a clip; at first those of zeros.

    Args:
        frames: of the clip.
    """

    def __init__(self, frames: int) -> None:
        self._places_F2 = np.zeros((frames, 2), np.int64)

    def lay(self, first: int, last: int, window: int, begin: int) -> None:
        """Frames ``first`` up to ``last`` are those of a window from its frame ``begin`` on."""
        self._places_F2[first:last, 0] = window
        self._places_F2[first:last, 1] = np.arange(begin, begin + last - first)

    def read(self, start: int, stop: int) -> Array:
        """Places of frames, int64 (frames, 2); those of zeros outside the clip."""
        places_L2 = np.zeros((stop - start, 2), np.int64)
        first, last = max(start, 0), min(stop, len(self._places_F2))
        if first < last:
            places_L2[first - start : last - start] = self._places_F2[first:last]
        return places_L2

    def copy(self) -> FramePlaces:
        """The same, to be changed apart."""
        made = FramePlaces(0)
        made._places_F2 = self._places_F2.copy()
        return made


class ResidentLatents:
    """The latents of a whole clip, as the encoder gave them window by window.

    A frame belongs to one window (``WindowPlan.own``), and every frame is read from the window that it belongs to; so
    a batch begins with what an array of all frames would give.

    Args:
        encode: the codec's encoder.
        windows: the plan.
        channels: of the latents.
        store: where they go, together with others; None makes one for them alone.

    Attributes:
        places: of its frames.

    Raises:
        OutOfDeviceMemory: they do not fit.
    """

    def __init__(
        self, encode: ResidentSession, windows: WindowPlan, channels: int, store: WindowStore | None = None
    ) -> None:
        self._encode, self._windows, count = encode, windows, len(windows.starts)
        self._store = store or WindowStore(encode, count, (channels, windows.window))
        self._first = self._store.take(count)
        self.places = FramePlaces(windows.frames)
        for number, start in enumerate(windows.starts):
            first, last = windows.own(number)
            self.places.lay(first, last, self._first + number, first - start)

    def encode(self, first: int, audio_BN: FloatArray) -> None:
        """Encode consecutive windows.

        Args:
            first: number of the first one.
            audio_BN: float32 (windows, samples of a window) at the model's rate.

        Raises:
            OutOfDeviceMemory: fewer may fit.
        """
        padded_B1N = pad_rows(audio_BN[:, None], padded_rows(len(audio_BN), self._encode.batch_sizes))
        latents = self._store.rows(self._first + first, len(padded_B1N))
        self._encode.run_resident({"audio": self._encode.put(padded_B1N)}, {"latents": latents})

    def start(self, noise_BSDL: FloatArray, starts: Sequence[int]) -> ResidentStart:
        """The start of a batch of windows, whose mix is known.

        Args:
            noise_BSDL: float32 (windows, slots, latent channels, frames).
            starts: first frame of each.
        """
        rows, slots, _, frames = noise_BSDL.shape
        places_BSL2 = np.zeros((rows, slots, frames, 2), np.int64)
        places_BSL2[:, Slot.MIX] = [self.places.read(start, start + frames) for start in starts]
        return ResidentStart(self._store.windows, places_BSL2, noise_BSDL)

    def onto_disk(self, folder: Path) -> DiskArray:
        """A copy, one frame per row.

        Raises:
            BundleError: the encoder returned NaN or infinity.
            OutputError: the disk is full or gone.
        """
        rows = DiskArray(folder, self._store.windows.shape[1])
        for number, start in enumerate(self._windows.starts):
            first, last = self._windows.own(number)
            z_DL = all_numbers(self._store.rows(self._first + number, 1).numpy()[0], "encode")
            rows.append(z_DL[:, first - start : last - start].T)
        return rows

    def close(self) -> None:
        """Free the memory."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
