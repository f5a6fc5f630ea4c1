"""Draw one player in a pose: body, instrument, and the parts that move when it sounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, sin

from training.data.instruments import families
from training.synthesis.video.motion import LEFT_HAND, PlayerPose
from training.synthesis.video.pen import Colour, Pen, Point
from training.typing import Rng

WOOD: tuple[Colour, ...] = ((150, 80, 30), (110, 55, 25), (180, 110, 50), (90, 40, 20))
BRASS: Colour = (220, 180, 60)
STEEL: Colour = (190, 195, 205)
DARK: Colour = (30, 30, 35)
WHITE: Colour = (240, 240, 235)
PAINT: tuple[Colour, ...] = ((190, 40, 40), (40, 80, 170), (30, 30, 30), (40, 130, 80), (200, 150, 40))
SKIN: tuple[Colour, ...] = ((240, 205, 175), (200, 150, 110), (140, 95, 65), (90, 60, 40), (225, 180, 140))
CLOTH: tuple[Colour, ...] = ((60, 60, 90), (130, 40, 60), (40, 100, 100), (150, 120, 60), (90, 90, 90), (50, 120, 60))
UPRIGHT = ("cello", "double-bass", "harp", "bassoon", "tuba")
SMALL_BRASS = ("trumpet", "trombone", "french-horn", "tuba", "brass-section", "saxophone")
SIZE = {"viola": 1.15, "cello": 1.5, "double-bass": 1.9, "strings": 1.0, "harp": 1.5, "tuba": 1.3, "bassoon": 1.2}


@dataclass(frozen=True, slots=True)
class PlayerLook:
    """Colours of a player and size of the instrument."""

    skin: Colour
    cloth: Colour
    wood: Colour
    paint: Colour
    size: float


def draw_look(rng: Rng, family: str) -> PlayerLook:
    """Colours of a player."""

    def one(colours: tuple[Colour, ...]) -> Colour:
        return colours[int(rng.integers(len(colours)))]

    return PlayerLook(
        one(SKIN), one(CLOTH), one(WOOD), one(PAINT), SIZE.get(family, 1.0) * float(rng.uniform(0.9, 1.1))
    )


def draw_player(pen: Pen, family: str, kind: str, look: PlayerLook, pose: PlayerPose) -> None:
    """A player in a pose, within -1 to 1."""
    lean = 0.06 * pose.sway
    body = pen.inside((lean, 0.0), 1.0)
    body.box((-0.28, 0.0), (0.28, 0.95), look.cloth)
    body.dot((0, -0.35), 0.24, look.skin, 1.15)
    body.dot((0, -0.52), 0.22, DARK, 0.6)
    KINDS[kind](body, family, look, pose)


def _arm(pen: Pen, look: PlayerLook, side: int, hand: Point) -> None:
    shoulder = (0.26 * side, 0.1)
    elbow = ((shoulder[0] + hand[0]) / 2 + 0.14 * side, (shoulder[1] + hand[1]) / 2 + 0.12)
    pen.line([shoulder, elbow, hand], look.cloth, 0.11)
    pen.dot(hand, 0.07, look.skin)


def _bowed(pen: Pen, family: str, look: PlayerLook, pose: PlayerPose) -> None:
    big = family in UPRIGHT
    centre: Point = (0.05, 0.5) if big else (0.3, -0.02)
    neck: Point = (-0.05, -0.6) if big else (0.85, -0.12)
    waist = 0.24 * look.size
    pen.dot(centre, waist, look.wood, 1.25 if big else 0.75)
    pen.line([centre, neck], DARK, 0.05)
    finger = tuple(c + (n - c) * (0.45 + 0.5 * (1 - pose.height)) for c, n in zip(centre, neck, strict=True))
    _arm(pen, look, 1, (finger[0], finger[1]))
    reach = 0.5 * pose.bow
    if pose.sounding:
        hand: Point = (-0.35 + reach, 0.55) if big else (-0.1 + 0.7 * reach, 0.35 + 0.5 * reach)
    else:
        hand = (-0.6, 0.75)  # the bow hangs beside the body
    tip: Point = (
        hand[0] + (0.95 if pose.sounding else 0.1),
        hand[1] + ((-0.1 if big else -0.6) if pose.sounding else 0.5),
    )
    pen.line([hand, tip], WHITE, 0.045)
    _arm(pen, look, -1, hand)


def _plucked(pen: Pen, family: str, look: PlayerLook, pose: PlayerPose) -> None:
    if family == "harp":
        pen.line([(0.5, 0.9), (0.75, -0.7), (0.05, -0.4), (0.5, 0.9)], BRASS, 0.07)
        for k in range(6):
            pen.line([(0.15 + 0.09 * k, -0.4), (0.4 + 0.03 * k, 0.7)], WHITE, 0.015)
        _arm(pen, look, 1, (0.45 + 0.2 * pose.stroke, 0.1 - 0.3 * pose.height))
        _arm(pen, look, -1, (0.2 - 0.2 * pose.stroke, 0.3))
        return
    upright = family in UPRIGHT
    body: Point = (-0.1, 0.45)
    head: Point = (0.05, -0.75) if upright else (0.9, 0.05)
    colour = look.paint if family.startswith(("electric", "distorted")) else look.wood
    pen.dot(body, 0.27 * min(1.4, look.size), colour, 1.3 if upright else 0.85)
    pen.dot(body, 0.07, DARK)
    pen.line([body, head], DARK, 0.06)
    spot = 0.35 + 0.55 * (1 - pose.height)
    _arm(pen, look, 1, (body[0] + (head[0] - body[0]) * spot, body[1] + (head[1] - body[1]) * spot))
    swing = 0.42 * pose.stroke * (0.5 + 0.5 * pose.effort)
    _arm(pen, look, -1, (body[0] - 0.05, body[1] - 0.2 + swing))
    if pose.sounding:
        pen.line([(body[0] - 0.2, body[1] + 0.03), head], WHITE, 0.03)  # strings that swing are seen


def _blown(pen: Pen, family: str, look: PlayerLook, pose: PlayerPose) -> None:
    colour = BRASS if family in SMALL_BRASS else (STEEL if family == "flute" else DARK)
    angle = 0.25 + (0.0 if pose.sounding else 0.9)  # lowered when silent
    if family in UPRIGHT or family in ("clarinet", "oboe", "saxophone"):
        angle += 0.75
    mouth: Point = (0.05, -0.22)
    length = 0.75 * min(1.3, look.size) + (0.3 * (1 - pose.height) if family == "trombone" else 0.0)
    direction = (1.0, 0.15) if family == "flute" and pose.sounding else (cos(angle), sin(angle))
    bell: Point = (mouth[0] + length * direction[0], mouth[1] + length * direction[1])
    pen.line([mouth, bell], colour, 0.09)
    if family in SMALL_BRASS:
        pen.dot(bell, 0.16 + 0.05 * pose.stroke, colour)
        pen.dot(bell, 0.09, DARK)
    for k in range(4):  # fingers lift with every new note
        lift = 0.07 if pose.sounding and (sum(pose.held) >> k) & 1 else 0.0
        share = 0.35 + 0.13 * k
        spot = (mouth[0] + share * length * direction[0], mouth[1] + share * length * direction[1] - lift)
        pen.dot(spot, 0.05, look.skin)
    if pose.sounding:
        puff = 0.05 + 0.05 * pose.stroke
        pen.dot((-0.15, -0.25), puff, look.skin)
        pen.dot((0.15, -0.25), puff, look.skin)
        for k in range(3):  # air
            far = 0.12 + 0.09 * k + 0.15 * (1 - pose.stroke)
            pen.dot((bell[0] + far * direction[0], bell[1] + far * direction[1]), 0.03, WHITE)


def _keys(pen: Pen, family: str, look: PlayerLook, pose: PlayerPose) -> None:
    row = families()[family]
    pen.box((-0.9, 0.35), (0.9, 0.8), look.paint if "synth" in row.groups else look.wood)
    count = 14
    pressed = {min(count - 1, max(0, int((m - row.low) / max(1, row.high - row.low + 1) * count))) for m in pose.held}
    for k in range(count):
        left = -0.84 + 1.68 * k / count
        down = 0.1 if k in pressed else 0.0
        pen.box((left, 0.4 + down), (left + 1.5 / count, 0.62 + down), (250, 200, 80) if k in pressed else WHITE)
    spots = sorted(pressed) or [3, 10]
    bounce = -0.14 if not pose.sounding else 0.12 * pose.stroke
    for side, key in ((-1, spots[0]), (1, spots[-1])):
        _arm(pen, look, side, (-0.8 + 1.68 * (key + 0.3) / count, 0.36 + bounce))


def _struck(pen: Pen, family: str, look: PlayerLook, pose: PlayerPose) -> None:
    for x, y, r in ((-0.45, 0.45, 0.24), (0.45, 0.45, 0.24), (0.0, 0.75, 0.3)):
        pen.dot((x, y), r, look.paint, 0.8)
        pen.dot((x, y - 0.05), r * 0.85, WHITE, 0.6)
    left = any(m in LEFT_HAND or m % 2 == 0 for m in pose.fresh)
    right = any(m not in LEFT_HAND for m in pose.fresh)
    tilt = 0.12 * pose.stroke if right else 0.0
    pen.line([(0.4, -0.15 - tilt), (0.95, -0.05 + tilt)], BRASS, 0.05)
    for side, active in ((-1, left), (1, right)):
        down = pose.stroke if active else 0.0
        hand: Point = (0.32 * side, 0.12 + 0.06 * down)
        tip: Point = (0.5 * side, -0.35 + 0.75 * down)
        pen.line([hand, tip], WHITE, 0.05)
        _arm(pen, look, side, hand)
    if pose.stroke > 0.3:
        pen.dot((0.0, 0.72), 0.16 * pose.stroke, (250, 220, 120))


def _bars(pen: Pen, family: str, look: PlayerLook, pose: PlayerPose) -> None:
    row = families()[family]
    count = 10
    hit = {min(count - 1, max(0, int((m - row.low) / max(1, row.high - row.low + 1) * count))) for m in pose.fresh}
    for k in range(count):
        x = -0.8 + 1.6 * k / count
        jump = 0.08 if k in hit else 0.0
        colour: Colour = (255, 230, 120) if k in hit else (look.wood if family == "marimba" else STEEL)
        pen.box((x, 0.4 + jump), (x + 0.13, 0.8 - 0.02 * k + jump), colour)
    spots = sorted(hit) or [3, 6]
    for side, bar in ((-1, spots[0]), (1, spots[-1])):
        lift = 0.35 * (1 - pose.stroke) if pose.fresh else 0.35
        tip: Point = (-0.74 + 1.6 * bar / count, 0.42 - lift)
        hand: Point = (tip[0] * 0.6, 0.02)
        pen.line([hand, tip], WHITE, 0.04)
        pen.dot(tip, 0.06, look.paint)
        _arm(pen, look, side, hand)


def _sung(pen: Pen, family: str, look: PlayerLook, pose: PlayerPose) -> None:
    opened = 0.03 + (0.05 + 0.07 * pose.effort * (0.6 + 0.4 * pose.stroke)) * pose.sounding
    pen.dot((0, -0.22), opened, (120, 20, 30), 1.3)
    reach = 0.3 * pose.sounding * (0.6 + 0.4 * pose.sway)
    _arm(pen, look, -1, (-0.45 - reach, 0.45 - reach))
    _arm(pen, look, 1, (0.45 + reach, 0.45 - reach))
    if family == "choir":
        for side in (-1, 1):
            pen.dot((0.5 * side, -0.2), 0.18, look.skin, 1.15)
            pen.dot((0.5 * side, -0.1), opened * 0.8, (120, 20, 30), 1.3)


KINDS: dict[str, Callable[[Pen, str, PlayerLook, PlayerPose], None]] = {
    "bowed": _bowed, "plucked": _plucked, "blown": _blown, "keys": _keys, "struck": _struck, "bars": _bars,
    "sung": _sung,
}  # fmt: skip
