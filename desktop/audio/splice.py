"""Put a new piece into a take: bit-identical outside its region, joined without a click inside.

Knows nothing of Qt or projects.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from desktop.audio.read import BLOCK_SAMPLES, Check, keep_going

FloatArray = npt.NDArray[np.float32]

FADE_S = 0.01


def splice(
    old_NC: FloatArray,
    new_NC: FloatArray,
    region: tuple[int, int],
    rate_hz: int,
    target: Path,
    check: Check = keep_going,
) -> None:
    """Write ``old_NC`` with ``new_NC`` in its region, as a float WAV.

    Args:
        old_NC: float32 (samples, channels).
        new_NC: float32 (region, channels or 1).
        region: ``(first, past the last)`` sample of ``old_NC``.
        rate_hz: of both.
        target: the file.
        check: asked between blocks.
    """
    channels = old_NC.shape[1]
    with soundfile.SoundFile(target, "w", rate_hz, channels, subtype="FLOAT", format="WAV") as wav:
        for start in range(0, len(old_NC), BLOCK_SAMPLES):
            check()
            stop = min(start + BLOCK_SAMPLES, len(old_NC))
            wav.write(_block(old_NC, new_NC, region, start, stop, round(FADE_S * rate_hz)))


def _block(
    old_NC: FloatArray, new_NC: FloatArray, region: tuple[int, int], start: int, stop: int, fade: int
) -> FloatArray:
    block_NC = np.array(old_NC[start:stop])
    first, last = max(start, region[0]), min(stop, region[1], region[0] + len(new_NC))
    if last <= first:
        return block_NC
    end = min(region[1], region[0] + len(new_NC))
    place_N = np.arange(first, last)
    fade = max(min(fade, (end - region[0]) // 2), 1)
    share_N1 = np.clip(np.minimum(place_N - region[0], end - 1 - place_N) / fade, 0.0, 1.0)[:, None]
    piece_NC = new_NC[first - region[0] : last - region[0]]
    inside = slice(first - start, last - start)
    block_NC[inside] = block_NC[inside] * (1 - share_N1) + piece_NC * share_N1
    return block_NC
