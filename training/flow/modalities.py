"""Make the other modalities of an example: a clip of its players, a sound example, a caption and a story.

They are made once, when an entry is encoded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from training.config import Preset
from training.data.mixer import StemCrop
from training.data.sources import SoundLibrary
from training.data.stem_cache import StemCache
from training.scene.config import frames_of
from training.scene.model import SceneTower, load_scene, picture_of
from training.synthesis.render_stems import HELD_OUT_SEED
from training.synthesis.stem_config import StemRenderConfig
from training.synthesis.video.clip import FPS, DrawnClipConfig, clip_of_labels
from training.text.captions import CaptionWriter, PieceFacts
from training.text.requests import RequestWriter
from training.typing import FloatArray, Frames, Rng

Clip = Callable[[Sequence[float]], Frames]  # moments in seconds from a stem's first sample on -> what is seen then
log = logging.getLogger(__name__)
PATCHES = 4  # to a side of a frame, when some are hidden
HIDDEN = 128  # grey: a frame that is black throughout would be no picture
TRIES, QUIET = 3, 1e-5  # crops of an example, and the power below which one is silence


@dataclass(frozen=True, slots=True)
class Modalities:
    """Makes pictures, sound examples and words for stems.

    Attributes:
        preset: of the flow.
        cache: of the stems.
        scene: encodes pictures; None makes none.
        audio_encoder: of sound examples, audio ``(B,N)`` -> ``(B,E)``; None makes none.
        teller: writes captions; None means there are none.
        sounds: the cache was rendered with; None means nobody is drawn.

    Raises:
        ValueError: films of another size than ``scene`` sees.
    """

    preset: Preset
    cache: StemCache
    scene: SceneTower | None = None
    audio_encoder: nn.Module | None = None
    teller: CaptionWriter | None = None
    sounds: SoundLibrary | None = None

    def __post_init__(self) -> None:
        if self.scene is None:
            return
        size_px = self.scene.config.size_px
        if other := self.cache.film_sizes - {size_px}:
            raise ValueError(
                f"the films in {self.cache.folder} are {min(other)} pixels wide and the scene encoder sees {size_px}; "
                "index the data set again with the --preset that is trained"
            )
        labels = map(self.cache.label, range(self.cache.count))
        if not any("film" in label or (self.sounds and "part" in label) for label in labels):
            log.warning(
                "no player in %s can be shown, so the network will learn from words alone; "
                "index a data set with films, or render stems",
                self.cache.folder,
            )

    def picture(self, rng: Rng, takes: Sequence[StemCrop]) -> tuple[FloatArray, FloatArray] | None:
        """A clip of the players of ``takes`` while they are heard.

        Returns:
            features ``(F,P)`` and embedding ``(E,)``; None where nobody can be shown: stems of several pieces, of
            songs, of a cache that knows neither parts nor films, or of a piece whose film shows others too.
        """
        if self.scene is None or (clip := self._clip(rng, takes, self.scene.config.size_px)) is None:
            return None
        places, rate_hz = np.arange(frames_of(self.preset.grid.grid)), self.preset.grid.rate_hz
        frames = clip(list(takes[0].first / rate_hz + takes[0].speed * (places + 0.5) / FPS))
        if rng.random() < self.preset.masking.still_share:
            frames[:] = frames[int(rng.integers(len(frames)))]
        return picture_of(self.scene, hide_patches(rng, frames, self.preset.masking.hide_picture))

    def _clip(self, rng: Rng, takes: Sequence[StemCrop], size_px: int) -> Clip | None:
        """Picture of the players of ``takes`` alone."""
        labels = [self.cache.label(take.stem) for take in takes]
        if self.sounds is not None and drawable(labels):
            return self._drawn(rng, labels, self.sounds, size_px)
        film = self.cache.film(takes[0].stem) if takes else None
        if film is None or {take.stem for take in takes} != set(self.cache.pieces[labels[0]["piece"]]):
            return None
        return partial(filmed, film)

    def _drawn(self, rng: Rng, labels: Sequence[Mapping[str, Any]], sounds: SoundLibrary, size_px: int) -> Clip:
        seed = int(labels[0]["piece"].partition("-")[0])
        rate_hz = self.preset.grid.rate_hz
        held_out = seed == self.preset.sound.seed + HELD_OUT_SEED  # its players were chosen among others
        seconds = self.cache.samples / rate_hz
        config = StemRenderConfig(folder="", rate_hz=rate_hz, seconds=seconds, seed=seed, held_out=held_out)
        film = DrawnClipConfig(size_px=size_px)
        return clip_of_labels(labels, sounds, config, int(rng.integers(2**32)), film).at

    def sound(self, rng: Rng, stem: int, others: Mapping[tuple[str, str], Sequence[int]]) -> FloatArray | None:
        """Embedding ``(E,)`` of another recording of a stem's instrument, or of another part of its own.

        Args:
            stem: number in the cache.
            others: stems by family and source.
        """
        if self.audio_encoder is None:
            return None
        kin = [k for k in others.get(kind_of(self.cache.label(stem)), ()) if k != stem] or [stem]
        samples = self.preset.grid.grid.window_samples
        for _ in range(TRIES):
            chosen = kin[int(rng.integers(len(kin)))]
            audio = self.cache.audio(chosen, int(rng.integers(0, max(1, self.cache.samples - samples + 1))), samples)
            if float((audio**2).mean()) > QUIET:
                break
        with torch.inference_mode():
            embedding: FloatArray = self.audio_encoder(torch.from_numpy(audio)[None])[0].numpy()
        return embedding

    def words(self, rng: Rng, takes: Sequence[StemCrop]) -> tuple[str, str]:
        """A caption and a story of the stems heard; empty where they are not of one piece that knows key and tempo."""
        labels = [self.cache.label(take.stem) for take in takes]
        if self.teller is None or len({label["piece"] for label in labels}) != 1 or "tempo_bpm" not in labels[0]:
            return "", ""
        facts = PieceFacts.of(labels)
        return self.teller.caption(rng, facts, "train"), self.teller.story(rng, facts, "train")


def open_modalities(preset: Preset, cache: StemCache, scene_run: Path | None, audio_encoder: nn.Module) -> Modalities:
    """Open the encoders and writers that the shares of the preset's masking need, and no others."""
    asked = {modality for kind, weight in preset.masking.given.items() if weight for modality in kind.split("+")}
    sees = scene_run is not None and preset.flow.picture_dim > 0 and "picture" in asked
    return Modalities(
        preset,
        cache,
        scene=load_scene(scene_run) if sees and scene_run else None,
        audio_encoder=audio_encoder if "sound" in asked else None,
        teller=CaptionWriter(RequestWriter()) if preset.masking.mix_words else None,
        sounds=SoundLibrary.find() if sees and any("part" in cache.label(k) for k in range(cache.count)) else None,
    )


def filmed(film: Frames, moments_s: Sequence[float]) -> Frames:
    """Frames of a film of a cache ``(F,H,W,3)`` at given moments; black before its beginning and after its end."""
    numbers = np.floor(np.asarray(moments_s) * FPS).astype(int)
    there = (numbers >= 0) & (numbers < len(film))
    return np.asarray(film[np.clip(numbers, 0, len(film) - 1)] * there[:, None, None, None].astype(np.uint8))


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
    """Frames ``(F,H,W,3)`` with a random share of their patches grey in each frame; a black frame stays black.

    Source: AudioX 4.1 and 5.1: parts of the input are masked, not of its features; 0.6 for video.
    """
    if not share:
        return frames
    count, height, width = frames.shape[:3]
    hidden = (rng.random((count, PATCHES, PATCHES)) < share) & frames.any(axis=(1, 2, 3))[:, None, None]
    rows, columns = np.arange(height) * PATCHES // height, np.arange(width) * PATCHES // width
    return np.where(hidden[:, rows][:, :, columns][..., None], np.uint8(HIDDEN), frames)
