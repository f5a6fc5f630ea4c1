"""Latents of a whole clip in the memory of a device: where the encoder wrote them and the first step reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from engine.audio.disk_array import DiskArray
from engine.inference.device_sampler import ResidentStart
from engine.inference.numbers import all_numbers
from engine.inference.windows import WindowPlan
from engine.runtime.backend import FloatArray, ResidentSession
from engine.runtime.batch_axes import pad_rows
from engine.runtime.settings import padded_rows

MOST_BYTES = 1 << 28  # of a clip; those of a longer one go through the disk
FLOAT_BYTES = 4


class ResidentLatents:
    """The latents of each window of a plan, as they were encoded.

    A frame belongs to one window (``WindowPlan.own``), and every frame is read from the window that it belongs to; so
    a batch begins with what an array of all frames would give.

    Args:
        encode: the codec's encoder.
        windows: the plan.
        channels: of the latents.

    Raises:
        OutOfDeviceMemory: they do not fit.
    """

    def __init__(self, encode: ResidentSession, windows: WindowPlan, channels: int) -> None:
        self._encode, self._windows = encode, windows
        spare = max(encode.batch_sizes, default=0)  # a last batch is padded
        self._store = encode.put(np.zeros((len(windows.starts) + spare, channels, windows.window), np.float32))
        lengths = [last - first for first, last in map(windows.own, range(len(windows.starts)))]
        self._owner_F = np.repeat(np.arange(len(lengths)), lengths)
        self._starts_W = np.array(windows.starts)

    @staticmethod
    def is_small(windows: WindowPlan, channels: int) -> bool:
        """True where a clip is short enough for its latents to be kept on a device."""
        return FLOAT_BYTES * channels * windows.window * len(windows.starts) <= MOST_BYTES

    def encode(self, first: int, audio_BN: FloatArray) -> None:
        """Encode consecutive windows.

        Args:
            first: number of the first one.
            audio_BN: float32 (windows, samples of a window) at the model's rate.

        Raises:
            OutOfDeviceMemory: fewer may fit.
        """
        padded_B1N = pad_rows(audio_BN[:, None], padded_rows(len(audio_BN), self._encode.batch_sizes))
        latents = self._store.rows(first, first + len(padded_B1N))
        self._encode.run_resident({"audio": self._encode.put(padded_B1N)}, {"latents": latents})

    def start(self, noise_BSDL: FloatArray, starts: Sequence[int]) -> ResidentStart:
        """The start of a batch of windows, whose mix is known.

        Args:
            noise_BSDL: float32 (windows, slots, latent channels, frames); its first slot is replaced.
            starts: first frame of each.
        """
        frames_BL = np.array(starts)[:, None] + np.arange(noise_BSDL.shape[-1])
        owners_BL = self._owner_F[frames_BL]
        places_BL2 = np.stack([owners_BL, frames_BL - self._starts_W[owners_BL]], axis=-1).astype(np.int64)
        return ResidentStart(self._store, places_BL2, np.ascontiguousarray(noise_BSDL[:, 1:]))

    def onto_disk(self, folder: Path) -> DiskArray:
        """A copy, one frame per row.

        Raises:
            BundleError: the encoder returned NaN or infinity.
            OutputError: the disk is full or gone.
        """
        rows = DiskArray(folder, self._store.shape[1])
        for number, start in enumerate(self._windows.starts):
            first, last = self._windows.own(number)
            z_DL = all_numbers(self._store.rows(number, number + 1).numpy()[0], "encode")
            rows.append(z_DL[:, first - start : last - start].T)
        return rows

    def close(self) -> None:
        """Free the memory."""
        del self._store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
