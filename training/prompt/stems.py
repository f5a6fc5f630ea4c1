"""Rendered stems as log-mel spectrograms in memory, balanced over families, with some pieces kept for judging."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.data.stem_cache import StemCache
from training.prompt.model import CLIP_SAMPLES, HOP_SAMPLES

JUDGE_EVERY = 10  # one piece in ten is never trained on
CROP_FRAMES = CLIP_SAMPLES // HOP_SAMPLES
CROP_TRIES = 3  # the loudest of these is used, stems rest often

StemKey = tuple[str, int]  # piece, place in the piece: stays the same while the cache grows


@dataclass(slots=True)
class MelBank:
    """Chosen stems and their spectrograms, computed when first drawn.

    Attributes:
        cache: where audio and labels come from.
        log_mel: audio (B, N) -> log mel energies (B, mels, frames).
        keys: chosen stems by family.
    """

    cache: StemCache
    log_mel: Callable[[Tensor], Tensor]
    keys: dict[str, list[StemKey]]
    _mels: dict[StemKey, np.ndarray] = field(default_factory=dict)

    @property
    def families(self) -> list[str]:
        """Families with at least one stem."""
        return sorted(self.keys)

    def draw(self, families: Sequence[str], rng: np.random.Generator) -> Tensor:
        """One random 5.12 s crop for each family, float32 (B, mels, frames)."""
        rows = [self._crop(self.keys[name][int(rng.integers(len(self.keys[name])))], rng) for name in families]
        return torch.from_numpy(np.stack(rows).astype(np.float32))

    def _crop(self, key: StemKey, rng: np.random.Generator) -> np.ndarray:
        mel = self._mel(key)
        if mel.shape[1] < CROP_FRAMES:
            mel = np.pad(mel, ((0, 0), (0, CROP_FRAMES - mel.shape[1])), mode="edge")
        starts = rng.integers(0, mel.shape[1] - CROP_FRAMES + 1, CROP_TRIES)
        return max((mel[:, s : s + CROP_FRAMES] for s in starts), key=lambda crop: float(crop.mean(dtype=np.float32)))

    def _mel(self, key: StemKey) -> np.ndarray:
        if key not in self._mels:
            audio = torch.from_numpy(self.cache.audio(self.cache.pieces[key[0]][key[1]]))
            with torch.no_grad():
                self._mels[key] = self.log_mel(audio[None])[0].numpy().astype(np.float16)
        return self._mels[key]


def open_cache(folder: Path | None) -> StemCache | None:
    """The stem cache in a folder, or None when there is nothing rendered yet."""
    if folder is None or not folder.is_dir():
        return None
    cache = StemCache(folder)
    return cache if cache.count else None


def choose_stems(cache: StemCache, families: Sequence[str], most: int, judge: bool) -> dict[str, list[StemKey]]:
    """Pick stems, about as many of each family, in an order that does not depend on the cache's growth.

    Args:
        families: only these.
        most: how many over all families.
        judge: True takes the pieces that training never sees, False all the others.
    """
    found: dict[str, list[StemKey]] = {}
    for piece, stems in cache.pieces.items():
        if (_digest(piece) % JUDGE_EVERY == 0) == judge:
            for place, stem in enumerate(stems):
                found.setdefault(cache.label(stem)["family"], []).append((piece, place))
    each = max(1, most // max(1, len(families)))
    return {name: sorted(found[name], key=lambda k: _digest(f"{k}"))[:each] for name in families if name in found}


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
