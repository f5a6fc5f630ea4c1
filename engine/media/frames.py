"""Frames of pictures and videos fitted into a square, with NumPy alone: videos and sounds need no Pillow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]


def with_bars(frame: Frame, size_px: int) -> Frame:
    """Centre a frame in the square; the rest is black."""
    height, width = frame.shape[:2]
    square: Frame = np.zeros((size_px, size_px, 3), np.uint8)
    top, left = (size_px - height) // 2, (size_px - width) // 2
    square[top : top + height, left : left + width] = frame
    return square


def fitted_px(width: float, height: float, size_px: int) -> tuple[int, int]:
    """Width and height of an image scaled to fit into the square."""
    scale = size_px / max(width, height)
    return max(1, min(size_px, round(width * scale))), max(1, min(size_px, round(height * scale)))
