"""One composed piece in full: stereo stems at 44.1 kHz, at levels that look like music, as a ``Piece`` with its facts.

Deterministic by generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from training.data.instruments import Family, holdout
from training.data.loudness import SILENCE_LUFS, loudness_lufs
from training.data.piece import ArraySound, Piece, Stem
from training.data.sources import RATE
from training.synthesis.compose import compose
from training.synthesis.render import PartRenderer, RenderedPart
from training.synthesis.render_stems import facts, part_register
from training.synthesis.score import Score, ScorePart
from training.typing import Audio, Rng

STEM_LUFS = (-33.0, -17.0)
MIX_LUFS = (-20.0, -13.0)
PEAK = 0.95
FULL_SCALE = 2**23  # stems are whole numbers of this, so that their sum is exact in 24 bits


@dataclass(frozen=True, slots=True)
class Band:
    """A piece and its facts.

    Attributes:
        piece: its stems, stereo; the mix is their exact sum.
        score: what is played.
        parts: number of the score's part that each stem sounds.
        labels: of each stem, as a cache has them.
        levels_lufs: loudness of each stem in the mix.
    """

    piece: Piece
    score: Score
    parts: tuple[int, ...]
    labels: tuple[dict[str, Any], ...]
    levels_lufs: tuple[float, ...]

    @property
    def stems(self) -> list[Audio]:
        """Float32 ``(2, N)`` of every stem."""
        return [stem.sound.read(0, stem.sound.samples) for stem in self.piece.stems]


def render_band(
    renderer: PartRenderer, rng: Rng, seconds: float, choose: list[Family] | None = None, held_out: bool = False
) -> Band:
    """Compose, play, place and level a piece.

    Args:
        seconds: length, at least half a second.
        choose: families to use; None means the composer's own choice.
        held_out: True uses only recordings kept out of training, False none of them.
    """
    score = compose(rng, seconds, choose)
    heard: list[tuple[int, ScorePart, str, RenderedPart]] = []
    for number, part in enumerate(score.parts):
        voice = renderer.voice(rng, part.family, held_out)
        played = renderer.play(rng, part, voice, seconds) if voice is not None else None
        if voice is not None and played is not None and np.any(played.audio_CN):
            heard.append((number, part, voice.label, played))
    if not held_out:
        holdout().refuse(source for _, _, source, _ in heard)
    stems = level_stems(rng, [played.audio_CN for *_, played in heard])
    labels = tuple(
        {
            "family": part.family,
            "role": part.role,
            "register": part_register(part),
            "source": source,
            "part": number,
            **facts(score, part, played, stem.mean(axis=0), RATE),
        }
        for (number, part, source, played), stem in zip(heard, stems, strict=True)
    )
    sounds = [ArraySound(stem, RATE) for stem in stems]
    made = tuple(Stem(part.family, part.family, sound) for (_, part, *_), sound in zip(heard, sounds, strict=True))
    levels = tuple(loudness_lufs(stem, RATE) for stem in stems)
    return Band(Piece("composed", "", made), score, tuple(number for number, *_ in heard), labels, levels)


def level_stems(rng: Rng, stems: list[Audio]) -> list[Audio]:
    """Bring stems to drawn levels, and all of them together to where mixes lie; nothing clips."""
    if not stems:
        return []
    levelled = []
    for stem in stems:
        now = loudness_lufs(stem, RATE)
        wanted = float(np.clip(rng.normal(-24, 4), *STEM_LUFS))
        levelled.append(stem * np.float32(10 ** ((wanted - now) / 20) if now > SILENCE_LUFS else 1.0))
    mix = np.sum(levelled, axis=0)
    now = loudness_lufs(mix, RATE)
    gain = 10 ** ((float(np.clip(now, *MIX_LUFS)) - now) / 20) if now > SILENCE_LUFS else 1.0
    peak = float(np.abs(mix).max()) * gain
    gain = np.float32(gain * min(1.0, PEAK / peak) if peak > 0 else gain)
    return [(np.round(stem * gain * FULL_SCALE) / FULL_SCALE).astype(np.float32) for stem in levelled]
