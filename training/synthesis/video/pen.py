"""A pen that draws in a player's own coordinates.

Coordinates run from -1 to 1, x to the right and y downwards; a frame is drawn larger than asked and averaged down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws onto a picture: centre and scale of the local coordinates, in pixels."""

    canvas: ImageDraw.ImageDraw
    x: float
    y: float
    scale: float

    def at(self, point: Point) -> Point:
        """Pixels of a local point."""
        return self.x + point[0] * self.scale, self.y + point[1] * self.scale

    def inside(self, centre: Point, scale: float) -> Pen:
        """A pen for a part of this one's area."""
        x, y = self.at(centre)
        return Pen(self.canvas, x, y, self.scale * scale)

    def line(self, points: Sequence[Point], colour: Colour, width: float = 0.04) -> None:
        """A line through points; width in local units."""
        self.canvas.line([self.at(p) for p in points], fill=colour, width=max(1, round(width * self.scale)))

    def dot(self, centre: Point, radius: float, colour: Colour, stretch: float = 1.0) -> None:
        """A disc, or an ellipse ``stretch`` times as high as wide."""
        x, y = self.at(centre)
        r = max(0.5, radius * self.scale)
        self.canvas.ellipse([x - r, y - r * stretch, x + r, y + r * stretch], fill=colour)

    def box(self, corner: Point, opposite: Point, colour: Colour) -> None:
        """A rectangle."""
        (x0, y0), (x1, y1) = self.at(corner), self.at(opposite)
        self.canvas.rectangle([min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)], fill=colour)

    def shape(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        self.canvas.polygon([self.at(p) for p in points], fill=colour)
