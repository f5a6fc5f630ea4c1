"""Names for the array types that training passes around."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rng = np.random.Generator
Audio = npt.NDArray[np.float32]  # samples at full scale 1; the last axis is time
FloatArray = npt.NDArray[np.float32]
Curve = npt.NDArray[np.float64]  # a value for every sample
Frames = npt.NDArray[np.uint8]  # pictures (F, H, W, 3)
Latents = npt.NDArray[np.float32]  # (..., D, L)
