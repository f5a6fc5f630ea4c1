"""Drawn clips with labels for the scene encoder: who plays, when, and what is asked for.

A clip depends on its number and the seed alone. Notes are composed and drawn, never rendered, so data is cheap.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.data.instruments import families
from training.scene.config import FPS
from training.synthesis.compose import compose
from training.synthesis.score import Note, ScorePart
from training.synthesis.video.clip import STILL_SHARE, DrawnClip, DrawnClipConfig, draw_clip
from training.synthesis.video.motion import STROKE_S
from training.typing import FloatArray, Rng

PIECE_S = 12.0  # as long as the studio's pieces
SHOWN = (0.65, 0.2, 0.1, 0.05)  # share of clips with 1, 2, 3, 4 players who play
TWIN_SHARE = 0.25  # of the players after the first hold the first one's instrument
RESTING_SHARE = 0.5  # of the parts are given rests, or hardly anybody would be seen silent
RESTS, REST_S = 5, (0.3, 2.5)
IDLERS, DISTRACTIONS = 1, 2
LETTERBOX_SHARE = 0.15  # of clips are wider than high, with black bars
ENDED_SHARE = 0.05  # of clips are over before the window is
GAIN, OFFSET, NOISE = 0.15, 20.0, 2.0  # of the camera's picture; the last two in steps of 256


@dataclass(frozen=True, slots=True)
class LabelledClip:
    """A clip and its labels.

    Attributes:
        frames: uint8 (F,H,W,3).
        sounding: (F, families), 1 where a shown player of the family sounds.
        onset: (F,), 1 where a shown player begins a note.
        energy: (F,), strength of the loudest note being played, 0 to 1.
        wanted: (families,), sums to 1: what the picture asks for.
        still: True means one frame throughout.
    """

    frames: npt.NDArray[np.uint8]
    sounding: FloatArray
    onset: FloatArray
    energy: FloatArray
    wanted: FloatArray
    still: bool


class DrawnScene:
    """Players on a stage for the length of a piece; clips are cut from it.

    Args:
        size_px: height and width of a frame.
        cast: families of the players; None means chance.
    """

    def __init__(self, rng: Rng, size_px: int, cast: list[str] | None = None) -> None:
        self.names = list(families())
        score = compose(rng, PIECE_S, [families()[name] for name in cast or _cast(rng, self.names)])
        self.parts = tuple(_with_rests(rng, part) if rng.random() < RESTING_SHARE else part for part in score.parts)
        config = DrawnClipConfig(size_px=size_px, idlers=IDLERS, distractions=DISTRACTIONS)
        self.clip: DrawnClip = draw_clip(self.parts, PIECE_S, int(rng.integers(2**32)), config, self.names)

    def film(self, rng: Rng, count: int, still: bool | None = None) -> LabelledClip:
        """Film a clip of ``count`` frames somewhere in the piece.

        Args:
            rng: decides where, and how it is filmed.
            count: frames.
            still: one frame throughout; None leaves it to chance (MAGE, "Static-Image Fallback").
        """
        still = bool(rng.random() < STILL_SHARE) if still is None else still
        first = int(rng.integers(0, self.clip.count - count + 1))
        shown = [first] * count if still else list(range(first, first + count))
        frames = self.clip.frames(first, 1).repeat(count, axis=0) if still else self.clip.frames(first, count)
        frames = _filmed(rng, frames)
        sounding, onset, energy = _truth(self.parts, self.names, shown)
        alive = count if still else _cut_short(rng, count)
        for rows in (frames, sounding, onset, energy):
            rows[alive:] = 0
        return LabelledClip(frames, sounding, onset, energy, _wanted(sounding, self.clip, self.names), still)


def _cast(rng: Rng, names: list[str]) -> list[str]:
    """Who plays: every family as often, sometimes two of one, never two drum kits."""
    first = names[int(rng.integers(len(names)))]
    chosen = [first]
    for _ in range(int(rng.choice(len(SHOWN), p=SHOWN))):
        twin = rng.random() < TWIN_SHARE and not families()[first].drums
        chosen.append(first if twin else names[int(rng.integers(len(names)))])
    return chosen


def _with_rests(rng: Rng, part: ScorePart) -> ScorePart:
    """The same part with some notes cut off or left out; never all of them."""
    notes: list[Note] = list(part.notes)
    for _ in range(RESTS):
        start_s = float(rng.uniform(0, PIECE_S))
        end_s = start_s + float(rng.uniform(*REST_S))
        before = [
            n if n.end_s <= start_s else replace(n, length_s=start_s - n.start_s) for n in notes if n.start_s < start_s
        ]
        kept = before + [n for n in notes if n.start_s >= end_s]
        notes = kept or notes
    return replace(part, notes=tuple(notes))


def _truth(
    parts: tuple[ScorePart, ...], names: list[str], shown: list[int]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sounding, onset and energy of the frames whose numbers are ``shown``."""
    sounding = np.zeros((len(shown), len(names)), np.float32)
    onset, energy = np.zeros((2, len(shown)), np.float32)
    for part in parts:
        starts = np.array([note.start_s for note in part.notes])
        lengths = np.array([note.length_s for note in part.notes])
        strengths = np.array([note.velocity for note in part.notes]) / 127
        if families()[part.family].drums:
            lengths[:] = STROKE_S
        for k, number in enumerate(shown):
            now = (starts < (number + 1) / FPS) & (starts + lengths > number / FPS)
            if now.any():
                sounding[k, names.index(part.family)] = 1.0
                onset[k] = max(onset[k], float(starts[now].max() >= number / FPS))
                energy[k] = max(energy[k], strengths[now].max())
    return sounding, onset, energy


def _wanted(sounding: FloatArray, clip: DrawnClip, names: list[str]) -> FloatArray:
    """Families seen playing; where nobody plays, those who are there."""
    wanted = sounding.max(0)
    if not wanted.any():
        for actor in clip.actors:
            wanted[names.index(actor.player.family)] = 1.0
    share: FloatArray = wanted / wanted.sum()
    return share


def _cut_short(rng: Rng, count: int) -> int:
    """Frames before the picture ends."""
    return int(rng.integers(1, count + 1)) if rng.random() < ENDED_SHARE else count


def _filmed(rng: Rng, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Another camera: gain, offset, grain, and sometimes a wide picture between black bars; never black throughout."""
    gain, offset = 1 + rng.uniform(-GAIN, GAIN), rng.uniform(-OFFSET, OFFSET)
    table = np.clip(np.arange(256) * gain + offset, 1, 255)
    noise = rng.normal(0, NOISE, frames.shape[1:])  # one grain for all frames: it must not look like movement
    answer = np.clip(table[frames] + noise, 1, 255).astype(np.uint8)
    return _letterboxed(rng, answer) if rng.random() < LETTERBOX_SHARE else answer


def _letterboxed(rng: Rng, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    size = frames.shape[1]
    height = round(size / rng.uniform(1.2, 1.8))
    before = (size - height) // 2
    around = (before, size - height - before)
    rows = []
    for frame in frames:
        small = np.asarray(Image.fromarray(frame).resize((height, height), Image.Resampling.BOX))
        rows.append(np.pad(np.pad(small, ((0, 0), around, (0, 0)), "edge"), (around, (0, 0), (0, 0))))
    return np.stack(rows)
