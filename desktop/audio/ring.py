"""A lock-free ring buffer for one writer and one reader.

Each side moves only its own counter, after the samples are in place; reading a counter is one step of the interpreter.
Frames that wait may be written over as long as the reader is not there yet; to see to that is the writer's part.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


class Ring:
    """A ring buffer of ``frames`` frames.

    Args:
        frames: capacity.
        channels: of a frame.
    """

    def __init__(self, frames: int, channels: int) -> None:
        self._data_NC = np.zeros((frames, channels), np.float32)
        self._frames = frames
        self._written = 0
        self._read = 0
        self.largest_read = 0  # frames that the reader asked for at once

    @property
    def filled(self) -> int:
        """Frames ready to be read."""
        return self._written - self._read

    @property
    def free(self) -> int:
        """Frames that can be written."""
        return self._frames - self.filled

    @property
    def frames_written(self) -> int:
        """Frames that were written since the beginning; those written over count once."""
        return self._written

    @property
    def frames_read(self) -> int:
        """Frames that were read since the beginning."""
        return self._read

    def write(self, block_NC: FloatArray) -> None:
        """Append frames; the caller has checked ``free``."""
        self._put(self._written, block_NC)
        self._written += len(block_NC)

    def write_over(self, back: int, block_NC: FloatArray) -> None:
        """Put others in the place of frames that wait, the first of them ``back`` before the end.

        The caller has seen to it that the reader cannot be there before this returns.
        """
        self._put(self._written - back, block_NC)

    def _put(self, place: int, block_NC: FloatArray) -> None:
        start = place % self._frames
        first = min(len(block_NC), self._frames - start)
        self._data_NC[start : start + first] = block_NC[:first]
        self._data_NC[: len(block_NC) - first] = block_NC[first:]

    def read_into(self, out_NC: FloatArray) -> int:
        """Fill ``out_NC`` as far as there is sound, the rest with silence.

        Returns:
            Frames of sound.
        """
        self.largest_read = max(self.largest_read, len(out_NC))
        count = min(len(out_NC), self.filled)
        start = self._read % self._frames
        first = min(count, self._frames - start)
        out_NC[:first] = self._data_NC[start : start + first]
        out_NC[first:count] = self._data_NC[: count - first]
        out_NC[count:] = 0.0
        self._read += count
        return count

    def drop(self) -> None:
        """Discard all frames; only while nobody reads."""
        self._read = self._written
