"""The stage: positions of the players, backdrop, distractions and camera.

Deterministic by generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sin, tau

import numpy as np

from training.synthesis.video.pen import Colour, Pen
from training.typing import Rng

DISTRACTIONS = ("ball", "lamp", "bird", "dancer", "pendulum")


@dataclass(frozen=True, slots=True)
class StageSpot:
    """Position in stage coordinates from 0 to 1, and half height."""

    x: float
    y: float
    size: float


@dataclass(frozen=True, slots=True)
class Camera:
    """A slow move from one view to another, with a hand that shakes a little.

    Attributes:
        start, end: centre x, centre y and zoom at the first and the last moment.
        shake: share of the picture.
    """

    start: tuple[float, float, float]
    end: tuple[float, float, float]
    shake: float

    def view(self, share: float, at_s: float) -> tuple[float, float, float]:
        """Centre and zoom at a share of the clip."""
        x, y, zoom = (a + (b - a) * share for a, b in zip(self.start, self.end, strict=True))
        return x + self.shake * sin(tau * 1.3 * at_s), y + self.shake * sin(tau * 1.7 * at_s + 1), zoom


STILL_CAMERA = Camera((0.5, 0.5, 1.0), (0.5, 0.5, 1.0), 0.0)


@dataclass(frozen=True, slots=True)
class Distraction:
    """Something that moves to a beat of its own.

    Attributes:
        kind: one of ``DISTRACTIONS``.
        spot: where.
        period_s, phase: of its movement.
        colour: of it.
    """

    kind: str
    spot: StageSpot
    period_s: float
    phase: float
    colour: Colour

    def draw(self, pen: Pen, at_s: float) -> None:
        """Draw it at a moment; the pen's unit is the spot's size."""
        swing = sin(tau * (at_s / self.period_s + self.phase))
        if self.kind == "ball":
            pen.dot((0, -abs(swing)), 0.3, self.colour)
        elif self.kind == "lamp":
            pen.dot((0, 0), 0.5, self.colour if swing > 0 else (60, 60, 60))
        elif self.kind == "bird":
            pen.line([(-0.6 + swing, -0.4 * swing), (swing, 0), (0.6 + swing, -0.4 * swing)], self.colour, 0.15)
        elif self.kind == "dancer":
            pen.dot((0.3 * swing, -0.8), 0.25, self.colour)
            pen.line([(0.3 * swing, -0.6), (0, 0.2), (-0.3, 0.9)], self.colour, 0.2)
            pen.line([(0, 0.2), (0.3, 0.9)], self.colour, 0.2)
        else:
            pen.line([(0, -1), (0.6 * swing, 0.5)], self.colour, 0.1)
            pen.dot((0.6 * swing, 0.5), 0.2, self.colour)


def places(rng: Rng, count: int) -> list[StageSpot]:
    """Spots for players, side by side in rows of up to four, in an order that chance decides."""
    rows = 1 if count <= 4 else 2
    columns = -(-count // rows)
    size = min(0.3, 0.46 / columns) if rows == 1 else min(0.22, 0.46 / columns)
    spots = []
    for k in range(count):
        row, column = divmod(k, columns)
        in_row = min(columns, count - row * columns)
        x = (column + 0.5) / in_row + float(rng.uniform(-0.02, 0.02))
        y = (0.58 if rows == 1 else 0.34 + 0.38 * row) + float(rng.uniform(-0.03, 0.03))
        spots.append(StageSpot(x, y, size * float(rng.uniform(0.9, 1.0))))
    return [spots[k] for k in rng.permutation(count)]


def draw_camera(rng: Rng) -> Camera:
    """A camera that moves, zooms and shakes at random and keeps all players in the frame."""

    def view() -> tuple[float, float, float]:
        zoom = float(rng.uniform(0.85, 1.0))
        return 0.5 + float(rng.uniform(-0.06, 0.06)), 0.5 + float(rng.uniform(-0.05, 0.05)), zoom

    return Camera(view(), view(), float(rng.choice([0.0, 0.004, 0.012])))


def draw_distractions(rng: Rng, count: int) -> tuple[Distraction, ...]:
    """Moving things without meaning, at the edges of the stage."""
    found = []
    for _ in range(count):
        side = float(rng.choice([0.06, 0.94]))
        spot = StageSpot(side, float(rng.uniform(0.1, 0.3)), float(rng.uniform(0.04, 0.07)))
        colour = (int(rng.integers(60, 255)), int(rng.integers(60, 255)), int(rng.integers(60, 255)))
        kind = DISTRACTIONS[int(rng.integers(len(DISTRACTIONS)))]
        found.append(Distraction(kind, spot, float(rng.uniform(0.4, 2.5)), float(rng.random()), colour))
    return tuple(found)


def backdrop(rng: Rng, width: int, height: int) -> np.ndarray:
    """A wall and a floor with some grain, uint8 ``(H, W, 3)``."""
    wall, floor = rng.uniform(90, 220, 3), rng.uniform(50, 170, 3)
    rows = np.linspace(0, 1, height)[:, None, None]
    line = float(rng.uniform(0.7, 0.85))
    colour = np.where(rows < line, wall * (1.05 - 0.25 * rows), floor * (0.75 + 0.4 * rows))
    grain = rng.normal(0, 4, (height // 4 + 1, width // 4 + 1, 1)).repeat(4, axis=0).repeat(4, axis=1)
    return np.clip(colour + grain[:height, :width], 0, 255).astype(np.uint8)
