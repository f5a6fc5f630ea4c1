"""AAC in an MP4 file (M4A), encoded by FFmpeg through PyAV."""

from __future__ import annotations

import importlib
from fractions import Fraction
from typing import Any, BinaryIO

import numpy as np

from engine.audio.reader import Samples
from engine.optional_packages import require_pyav

MOST_KBIT_S_A_CHANNEL = 256
_LAYOUTS = {1: "mono", 2: "stereo"}


class AacWriter:
    """Writes an M4A file.

    Args:
        stream: for reading and writing, at its beginning.
        rate_hz: of the file, one that AAC has.
        channels: 1 or 2.
        kbit_s: for all channels together.

    Raises:
        RequestError: PyAV is not installed.
    """

    def __init__(self, stream: BinaryIO, rate_hz: int, channels: int, kbit_s: int) -> None:
        require_pyav()
        self._av = importlib.import_module("av")
        self._file: Any = self._av.open(stream, "w", format="ipod")
        self._encoder: Any = self._file.add_stream("aac", rate=rate_hz, layout=_LAYOUTS[channels])
        self._encoder.bit_rate = min(kbit_s, MOST_KBIT_S_A_CHANNEL * channels) * 1000
        self._rate_hz, self._layout, self._samples = rate_hz, _LAYOUTS[channels], 0

    def write(self, block_CN: Samples) -> None:
        """See ``engine.audio.writer.AudioWriter``."""
        planes = np.ascontiguousarray(block_CN, np.float32)
        frame = self._av.AudioFrame.from_ndarray(planes, format="fltp", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate_hz, self._samples, Fraction(1, self._rate_hz)
        self._samples += block_CN.shape[1]
        self._put(frame)

    def close(self) -> None:
        """See ``engine.audio.writer.AudioWriter``."""
        self._put(None)
        self._file.close()

    def _put(self, frame: Any) -> None:
        for packet in self._encoder.encode(frame):
            self._file.mux(packet)
