"""A clip: frames of a piece's players, drawn when asked for, and the truth about who is seen to play.

Frames depend on notes and seed alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from training.data.sources import SoundLibrary
from training.scene.config import FPS
from training.synthesis.render_stems import score_of
from training.synthesis.score import ScorePart
from training.synthesis.stem_config import StemRenderConfig
from training.synthesis.video.draw import PlayerLook, draw_look, draw_player
from training.synthesis.video.motion import PlayerMotion
from training.synthesis.video.pen import Pen
from training.synthesis.video.stage import (
    STILL_CAMERA,
    Camera,
    Distraction,
    StageSpot,
    backdrop,
    draw_camera,
    draw_distractions,
    places,
)
from training.typing import Frames

OVERSAMPLING = 2
STILL_SHARE = 0.25  # of training clips show one frame throughout (MAGE, "Static-Image Fallback")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnClipConfig:
    """How clips are filmed.

    Attributes:
        size_px: width and height of a frame.
        moving_camera: True lets the camera move and shake.
        distractions: most things that move without meaning; chance draws 0 to this many.
        idlers: most players who stand there and never play.
    """

    size_px: int = 112
    moving_camera: bool = True
    distractions: int = 2
    idlers: int = 1


@dataclass(frozen=True, slots=True)
class Actor:
    """One player on the stage; ``part`` is its number in the piece, None for one who never plays."""

    player: PlayerMotion
    look: PlayerLook
    spot: StageSpot
    part: int | None


@dataclass(frozen=True, slots=True)
class DrawnClip:
    """Frames of one piece.

    Attributes:
        actors: who is on the stage.
        seconds: length.
        size_px: width and height of a frame.
        camera, distractions, behind: the rest of the scene.
    """

    actors: tuple[Actor, ...]
    seconds: float
    size_px: int
    camera: Camera
    distractions: tuple[Distraction, ...]
    behind: Frames = field(repr=False)

    @property
    def count(self) -> int:
        """Number of frames."""
        return round(self.seconds * FPS)

    def frames(self, first: int = 0, count: int | None = None) -> Frames:
        """Draw frames, uint8 ``(F, H, W, 3)``; frame ``k`` shows the moment in the middle of its 1/8 s."""
        last = self.count if count is None else min(self.count, first + count)
        return np.stack([self._frame((k + 0.5) / FPS) for k in range(first, last)])

    def at(self, moments_s: Sequence[float]) -> Frames:
        """Draw the frames of given moments, uint8 ``(F, H, W, 3)``; black before the beginning and after the end."""
        black = np.zeros((self.size_px, self.size_px, 3), dtype=np.uint8)
        return np.stack([self._frame(at_s) if 0 <= at_s < self.seconds else black for at_s in moments_s])

    def still(self, frame: int) -> Frames:
        """One frame shown throughout, the same shape as ``frames()``."""
        return np.broadcast_to(self.frames(frame, 1), (self.count, self.size_px, self.size_px, 3)).copy()

    def playing(self, frame: int) -> tuple[int, ...]:
        """Numbers of the parts that sound during a frame."""
        return tuple(
            sorted(
                actor.part
                for actor in self.actors
                if actor.part is not None and actor.player.sounding(frame / FPS, (frame + 1) / FPS)
            )
        )

    def box(self, part: int, frame: int) -> tuple[int, int, int, int]:
        """Where a part's player is in a frame: left, top, right, bottom in pixels, within the frame.

        Raises:
            ValueError: no such part on the stage.
        """
        actor = next((a for a in self.actors if a.part == part), None)
        if actor is None:
            raise ValueError(f"part {part} is not on the stage; there are {[a.part for a in self.actors]}")
        x, y, scale = self._project(actor.spot, (frame + 0.5) / FPS, self.size_px)
        edges = (x - scale, y - scale, x + scale, y + scale)
        left, top, right, bottom = (int(np.clip(round(edge), 0, self.size_px)) for edge in edges)
        return left, top, right, bottom

    def side(self, part: int, frame: int) -> str:
        """left, right or centre: the word for where a part's player is seen."""
        left, _, right, _ = self.box(part, frame)
        middle = (left + right) / 2 / self.size_px
        return "left" if middle < 0.42 else "right" if middle > 0.58 else "centre"

    def _project(self, spot: StageSpot, at_s: float, pixels: int) -> tuple[float, float, float]:
        x, y, zoom = self.camera.view(at_s / self.seconds, at_s)
        return ((spot.x - x) * zoom + 0.5) * pixels, ((spot.y - y) * zoom + 0.5) * pixels, spot.size * zoom * pixels

    def _frame(self, at_s: float) -> Frames:
        pixels = self.size_px * OVERSAMPLING
        picture = Image.fromarray(self.behind)
        canvas = ImageDraw.Draw(picture)
        for thing in self.distractions:
            thing.draw(Pen(canvas, *self._project(thing.spot, at_s, pixels)), at_s)
        for actor in sorted(self.actors, key=lambda a: a.spot.y):
            pen = Pen(canvas, *self._project(actor.spot, at_s, pixels))
            draw_player(pen, actor.player.family, actor.player.look, actor.look, actor.player.pose(at_s))
        return np.asarray(picture.resize((self.size_px, self.size_px), Image.Resampling.BOX))


def draw_clip(
    parts: Sequence[ScorePart],
    seconds: float,
    seed: int | Sequence[int],
    config: DrawnClipConfig | None = None,
    idle_families: Sequence[str] = ("violin", "trumpet", "piano", "drums", "electric-guitar"),
) -> DrawnClip:
    """Put the players of a piece on a stage.

    Args:
        parts: who plays what, as composed; the number of a part is its place in this list.
        seed: decides places, colours, camera and distractions.
        config: how it is filmed.
        idle_families: what those hold who never play.

    Raises:
        ValueError: no parts, or less than one frame.
    """
    if not parts or seconds * FPS < 1:
        raise ValueError(f"a clip needs a part and at least {1 / FPS:g} s, got {len(parts)} parts and {seconds:g} s")
    config = config or DrawnClipConfig()
    rng = np.random.default_rng(seed)
    idle = [str(rng.choice(idle_families)) for _ in range(int(rng.integers(0, config.idlers + 1)))]
    stands = [(part.family, part.notes, k) for k, part in enumerate(parts)]
    everybody = [*stands, *((family, (), None) for family in idle)]
    actors = tuple(
        Actor(PlayerMotion(family, notes), draw_look(rng, family), spot, part)
        for (family, notes, part), spot in zip(everybody, places(rng, len(everybody)), strict=True)
    )
    camera = draw_camera(rng) if config.moving_camera else STILL_CAMERA
    distractions = draw_distractions(rng, int(rng.integers(0, config.distractions + 1)))
    pixels = config.size_px * OVERSAMPLING
    return DrawnClip(actors, seconds, config.size_px, camera, distractions, backdrop(rng, pixels, pixels))


def clip_of_labels(
    labels: Sequence[Mapping[str, Any]],
    sounds: SoundLibrary,
    config: StemRenderConfig,
    seed: int | Sequence[int],
    film: DrawnClipConfig | None = None,
) -> DrawnClip:
    """The clip of stems of one piece of a cache, composed again from the piece's number.

    Args:
        labels: of the stems to show, all of one piece.
        sounds, config: what the cache was rendered with.
        film: how it is filmed.

    Returns:
        the clip; the number of a part in it is the place of its label.

    Raises:
        ValueError: labels of several pieces, or of a cache rendered before parts were numbered.
    """
    pieces = {label["piece"] for label in labels}
    if len(pieces) != 1 or any("part" not in label for label in labels):
        raise ValueError(
            f"a clip needs stems of one piece with numbered parts, got pieces {sorted(pieces)}; "
            "older caches have no numbers: render a new one with `python -m training render`"
        )
    score = score_of(config, sounds, int(pieces.pop().rpartition("-")[2]))
    numbers = [label["part"] for label in labels]
    return draw_clip([score.parts[k] for k in numbers], config.seconds, seed, film)
