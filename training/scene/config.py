"""Settings of the scene encoder and its training."""

from __future__ import annotations

from dataclasses import dataclass

from engine.latents import LatentGrid

FPS = 8  # frames a second (MAGE, appendix A)


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneConfig:
    """Shape of the scene encoder and one training run of it.

    Attributes:
        picture: length P of a frame's features.
        width: channels of the first convolution; the last has three times as many.
        size_px: height and width of a frame.
        pooling: ``attention`` (MAGE's temporal scene attention) or ``mean``, its baseline.
        crop_frames: frames of a training clip; the encoder takes any number.
        batch: clips of a step, two of each drawn scene.
        steps, minutes, learning_rate, ema, seed: as everywhere; minutes 0 means steps alone decide.
    """

    picture: int = 64
    width: int = 32
    size_px: int = 64
    pooling: str = "attention"
    crop_frames: int = 8
    batch: int = 32
    steps: int = 2000
    minutes: float = 0.0
    learning_rate: float = 8e-4
    ema: float = 0.99
    seed: int = 31

    def __post_init__(self) -> None:
        if self.pooling not in ("attention", "mean"):
            raise ValueError(f"scene pooling must be attention or mean, got {self.pooling!r}")
        if self.size_px % 16:
            raise ValueError(f"scene size_px must be a multiple of 16, got {self.size_px}")
        if self.batch % 2:
            raise ValueError(f"scene batch must be even, two clips of each scene, got {self.batch}")
        if min(self.picture, self.width, self.crop_frames, self.batch, self.steps) < 1:
            raise ValueError("scene picture, width, crop_frames, batch and steps must be at least 1")


def frames_of(grid: LatentGrid) -> int:
    """Video frames ``F`` that cover one window: 41 for 5.12 s, the paper's 47 for 5.86 s."""
    return max(1, round(grid.window_samples / grid.sample_rate_hz * FPS))
