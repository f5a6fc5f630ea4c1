"""A float WAV that is filled from left to right while a job goes on."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from desktop.audio.peaks import BASE_SAMPLES, PeakBuilder, Peaks, peaks_of_bins
from desktop.audio.sounds import FloatArray
from desktop.audio.store import IEEE_FLOAT

HEADER_BYTES = 56  # RIFF, fmt, fact and the head of data; a multiple of 4, so that the samples can be mapped


class GrowingStem:
    """A float WAV that is filled from left to right, and what is drawn of it.

    Args:
        path: of the file; it is made with its full length, all silence.
        samples, channels, rate_hz: its grid.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, path: Path, samples: int, channels: int, rate_hz: int) -> None:
        self.path = path
        size = samples * channels * 4
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            stream.write(struct.pack("<4sI4s", b"RIFF", HEADER_BYTES - 8 + size, b"WAVE"))
            frame = channels * 4
            stream.write(
                struct.pack("<4sIHHIIHH", b"fmt ", 16, IEEE_FLOAT, channels, rate_hz, rate_hz * frame, frame, 32)
            )
            stream.write(struct.pack("<4sII", b"fact", 4, samples))
            stream.write(struct.pack("<4sI", b"data", size))
            stream.truncate(HEADER_BYTES + size)
        self.samples_NC: FloatArray = np.memmap(path, np.float32, "r+", HEADER_BYTES, (samples, channels))
        self._bins = np.zeros((3, max(-(-samples // BASE_SAMPLES), 1)), np.float32)
        self._peaks = peaks_of_bins(self._bins.copy())

    def write(self, first: int, block_NC: FloatArray) -> None:
        """Put samples at their place."""
        last = min(first + len(block_NC), len(self.samples_NC))
        self.samples_NC[first:last] = block_NC[: last - first]
        begin = first // BASE_SAMPLES
        end = min(-(-last // BASE_SAMPLES), self._bins.shape[1])
        builder = PeakBuilder()
        builder.add(np.array(self.samples_NC[begin * BASE_SAMPLES : end * BASE_SAMPLES]))
        self._bins[:, begin:end] = builder.finish().levels[0]
        self._peaks = peaks_of_bins(self._bins.copy())  # here, in the worker: the window only takes them

    def peaks(self) -> Peaks:
        """What is drawn of it now; the same ones until more is written."""
        return self._peaks

    def finish(self) -> Path:
        """Its file, whole: who reads it gets what was put into its map.

        Nothing is flushed to the disk: Python keeps its lock while it waits for that, and the window would stand still.
        """
        return self.path
