"""What else is known of a stem: a drawn clip of its players, how another recording of it sounds, words about its piece.

Made once for an entry of the pool, from where its stems were taken. Knows nothing of the flow or of latents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from training.config import Preset
from training.data.cache import StemCache
from training.data.mix import Take
from training.data.pictures.clip import FPS, ClipConfig, clip_of_labels
from training.data.sources import Sounds
from training.data.studio import HELD_OUT_SEED, StudioConfig
from training.prompt.lexicon_stories import PieceFacts, Teller
from training.scene.config import frames_of
from training.scene.model import SceneEncoder, picture_of

Rng = np.random.Generator
Floats = npt.NDArray[np.float32]
Frames = npt.NDArray[np.uint8]
PATCHES = 4  # to a side of a frame, when some are hidden
HIDDEN = 128  # grey: a frame that is black throughout would be no picture
TRIES, QUIET = 3, 1e-5  # crops of an example, and the power below which one is silence


@dataclass(frozen=True, slots=True)
class Senses:
    """Makes pictures, sound examples and words of stems.

    Attributes:
        preset: of the flow.
        cache: of the stems.
        scene: sees; None means there are no pictures.
        ear: hears, audio ``(B,N)`` -> ``(B,E)``; None means there are no sound examples.
        teller: writes captions; None means there are none.
        sounds: the cache was rendered with; None means there are no pictures.
    """

    preset: Preset
    cache: StemCache
    scene: SceneEncoder | None = None
    ear: nn.Module | None = None
    teller: Teller | None = None
    sounds: Sounds | None = None

    def picture(self, rng: Rng, takes: Sequence[Take]) -> tuple[Floats, Floats] | None:
        """A clip of the players of ``takes`` while they are heard.

        Returns:
            features ``(F,P)`` and embedding ``(E,)``; None where nobody can be drawn: stems of several pieces, of
            songs, or of a cache that does not know its parts.
        """
        labels = [self.cache.label(take.stem) for take in takes]
        if self.scene is None or self.sounds is None or not drawable(labels):
            return None
        seed = int(labels[0]["piece"].partition("-")[0])
        rate_hz = self.preset.grid.rate_hz
        held_out = seed == self.preset.sound.seed + HELD_OUT_SEED  # its players were chosen among others
        seconds = self.cache.samples / rate_hz
        config = StudioConfig(folder="", rate_hz=rate_hz, seconds=seconds, seed=seed, held_out=held_out)
        film = ClipConfig(size_px=self.scene.config.size_px)
        clip = clip_of_labels(labels, self.sounds, config, int(rng.integers(2**32)), film)
        places = np.arange(frames_of(self.preset.grid.grid))
        frames = clip.at(list(takes[0].first / rate_hz + takes[0].speed * (places + 0.5) / FPS))
        if rng.random() < self.preset.masking.still_share:
            frames[:] = frames[int(rng.integers(len(frames)))]
        return picture_of(self.scene, hide_patches(rng, frames, self.preset.masking.hide_picture))

    def sound(self, rng: Rng, stem: int, others: Mapping[tuple[str, str], Sequence[int]]) -> Floats | None:
        """How another recording of a stem's instrument sounds, ``(E,)``; another part of its own where there is none.

        Args:
            rng: decides everything.
            stem: number in the cache.
            others: stems by family and source.
        """
        if self.ear is None:
            return None
        kin = [k for k in others.get(kind_of(self.cache.label(stem)), ()) if k != stem] or [stem]
        samples = self.preset.grid.grid.window_samples
        for _ in range(TRIES):
            chosen = kin[int(rng.integers(len(kin)))]
            audio = self.cache.audio(chosen, int(rng.integers(0, max(1, self.cache.samples - samples + 1))), samples)
            if float((audio**2).mean()) > QUIET:
                break
        with torch.inference_mode():
            embedding: Floats = self.ear(torch.from_numpy(audio)[None])[0].numpy()
        return embedding

    def words(self, rng: Rng, takes: Sequence[Take]) -> tuple[str, str]:
        """A caption and a story of the stems heard; empty where they are not of one piece that knows key and tempo."""
        labels = [self.cache.label(take.stem) for take in takes]
        if self.teller is None or len({label["piece"] for label in labels}) != 1 or "tempo_bpm" not in labels[0]:
            return "", ""
        facts = PieceFacts.of(labels)
        return self.teller.caption(rng, facts, "train"), self.teller.story(rng, facts, "train")


def drawable(labels: Sequence[Mapping[str, Any]]) -> bool:
    """True for stems of one piece whose parts are numbered."""
    return bool(labels) and len({label["piece"] for label in labels}) == 1 and all("part" in label for label in labels)


def kind_of(label: Mapping[str, Any]) -> tuple[str, str]:
    """Family and recording of a stem."""
    return label["family"], label["source"]


def by_kind(cache: StemCache) -> dict[tuple[str, str], list[int]]:
    """Stems of a cache by family and recording."""
    kinds: dict[tuple[str, str], list[int]] = {}
    for stem in range(cache.count):
        kinds.setdefault(kind_of(cache.label(stem)), []).append(stem)
    return kinds


def hide_patches(rng: Rng, frames: Frames, share: float) -> Frames:
    """Frames ``(F,H,W,3)`` with a share of their patches grey, drawn anew for every frame.

    Source: AudioX 4.1 and 5.1: parts of the input are masked, not of its features; 0.6 for video.
    """
    if not share:
        return frames
    count, height, width = frames.shape[:3]
    hidden = rng.random((count, PATCHES, PATCHES)) < share
    rows, columns = np.arange(height) * PATCHES // height, np.arange(width) * PATCHES // width
    return np.where(hidden[:, rows][:, :, columns][..., None], np.uint8(HIDDEN), frames)
