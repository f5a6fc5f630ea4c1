"""Slots, axis letters, and the grid that aligns latent frames with audio samples.

Axis letters used everywhere: ``B`` batch, ``S`` slots, ``D`` latent channels, ``L`` latent frames, ``E`` embedding,
``F`` video frames, ``C`` audio channels, ``N`` audio samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Slot(IntEnum):
    """The latent tracks the model sees at once; the value is the index on the ``S`` axis."""

    MIX = 0
    STEM = 1
    REST = 2


SLOTS = len(Slot)


def exchanged(slot: Slot, asked: Slot) -> Slot:
    """The slot that stands for ``slot`` when STEM and ``asked`` change places."""
    return {Slot.STEM: asked, asked: Slot.STEM}.get(slot, slot)


@dataclass(frozen=True, slots=True)
class LatentGrid:
    """How latent frames align with audio samples at the model's rate."""

    sample_rate_hz: int
    hop_samples: int  # audio samples per latent frame
    latent_channels: int
    window_frames: int  # frames the graphs were exported for

    @property
    def window_samples(self) -> int:
        """Audio samples in one window."""
        return self.window_frames * self.hop_samples

    def frames(self, samples: int) -> int:
        """Latent frames needed to cover ``samples`` audio samples, rounded up."""
        return -(-samples // self.hop_samples)

    def samples(self, frames: int) -> int:
        """Audio samples covered by ``frames`` latent frames."""
        return frames * self.hop_samples

    def frames_of_span(self, start_s: float, end_s: float) -> tuple[int, int]:
        """Frames that a span in seconds touches, grown outward to whole frames: ``(first, past the last)``."""
        first = int(start_s * self.sample_rate_hz // self.hop_samples)
        last = self.frames(round(end_s * self.sample_rate_hz))
        return first, max(last, first + 1)
