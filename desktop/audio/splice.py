"""Splices new audio into a take: bit-identical outside the regions, crossfaded at their edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from desktop.audio.read import BLOCK_SAMPLES, Check, keep_going

FloatArray = npt.NDArray[np.float32]

FADE_S = 0.01


@dataclass(frozen=True, slots=True)
class SplicePiece:
    """New audio and where it goes.

    Attributes:
        samples_NC: float32 (samples, channels or 1).
        region: ``(first, past the last)`` sample of the old sound.
    """

    samples_NC: FloatArray
    region: tuple[int, int]


def splice(
    old_NC: FloatArray, pieces: Sequence[SplicePiece], rate_hz: int, target: Path, check: Check = keep_going
) -> None:
    """Write ``old_NC`` with new pieces in their regions, as a float WAV.

    Args:
        old_NC: float32 (samples, channels).
        pieces: apart from each other.
        rate_hz: of all.
        target: the file.
        check: called between blocks; raises to cancel.
    """
    channels = old_NC.shape[1]
    with soundfile.SoundFile(target, "w", rate_hz, channels, subtype="FLOAT", format="WAV") as wav:
        for start in range(0, len(old_NC), BLOCK_SAMPLES):
            check()
            block_NC = np.array(old_NC[start : start + BLOCK_SAMPLES])
            for piece in pieces:
                _put(block_NC, start, piece, round(FADE_S * rate_hz))
            wav.write(block_NC)


def _put(block_NC: FloatArray, start: int, piece: SplicePiece, fade: int) -> None:
    """Crossfade a piece into the block that begins at ``start``."""
    begin = piece.region[0]
    end = min(piece.region[1], begin + len(piece.samples_NC))
    first, last = max(start, begin), min(start + len(block_NC), end)
    if last <= first:
        return
    place_N = np.arange(first, last)
    fade = max(min(fade, (end - begin) // 2), 1)
    share_N1 = np.clip(np.minimum(place_N - begin, end - 1 - place_N) / fade, 0.0, 1.0)[:, None]
    inside = slice(first - start, last - start)
    block_NC[inside] = block_NC[inside] * (1 - share_N1) + piece.samples_NC[first - begin : last - begin] * share_N1
