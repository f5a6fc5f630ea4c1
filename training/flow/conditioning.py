"""Draw the conditions of a batch: words, sound examples and pictures, as a vector per slot and a picture per row.

The engine combines what users give in the same way: unit vectors weighted, and brought back to norm sqrt(E). Knows
nothing of latents or tasks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.latents import SLOTS, Slot, exchanged
from engine.tasks import SLOT_NAMES
from training.config import MaskingConfig, Preset
from training.flow.examples import families_of
from training.flow.latent_dataset import Query
from training.flow.task_sampler import TaskSample
from training.prompt.adapt import pieces_of
from training.prompt.adapters import StoryReader
from training.prompt.tower import load_text_tower
from training.scene.config import frames_of
from training.text.lexicon import Lexicon
from training.text.tokenizer import encode
from training.typing import FloatArray, Rng

SIGHT_SHARE = 0.75  # of the pictures also speak through the prompt space; the others only through their frames
STORY_SHARE, CAPTION_SHARE = 0.3, 0.5  # of the words about a whole mix, where they are known; else its instruments
SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclass(slots=True)
class SlotPhrase:
    """Words for one slot of one row of a batch; a long text is several, whose directions are averaged."""

    row: int
    slot: Slot
    text: str


def mean_direction(parts: Sequence[FloatArray], weights: Sequence[float]) -> FloatArray:
    """Weighted mean of directions ``(E,)``, of norm sqrt(E); zeros when there is none or they cancel out.

    Source: MGE-LDM (arXiv 2505.23305) E.3, interpolation of text and audio embeddings.
    """
    if not parts:
        raise ValueError("a mean direction needs at least one vector; leave the slot empty instead")
    total = np.sum([w * p / max(1e-9, float(np.linalg.norm(p))) for p, w in zip(parts, weights, strict=True)], axis=0)
    norm = float(np.linalg.norm(total))
    answer: FloatArray = (total * (np.sqrt(len(total)) / norm if norm > 1e-6 else 0.0)).astype(np.float32)
    return answer


def draw_modalities(rng: Rng, masking: MaskingConfig, query: Query) -> frozenset[str]:
    """Modalities a stem is asked for by: a drawn set, cut down to what there is, or words; twins always by picture."""
    had = {
        name
        for name, there in (("words", query.term), ("picture", query.picture), ("sound", query.sound))
        if there is not None
    }
    kinds = list(masking.given)
    shares = np.array([masking.given[kind] for kind in kinds]) / sum(masking.given.values())
    drawn = set(kinds[rng.choice(len(kinds), p=shares)].split("+"))
    if query.twins:
        drawn.add("picture")
    return frozenset(drawn & had or {"words"} & had)


def _left(query: Query) -> list[str]:
    """Families that words can name in the rest; none where the stem's twin is among them."""
    wanted = families_of(query.term) if query.term else frozenset[str]()
    return [] if query.twins else [name for name in query.inside if name not in wanted]


class ConditionSampler:
    """Draws the conditions of a batch.

    Args:
        preset: shares of everything (``masking``) and sizes.
        prompt_run: run of the prompt tower.
        reader: of long texts; None takes the mean direction of their sentences.
    """

    def __init__(self, preset: Preset, lexicon: Lexicon, prompt_run: Path, reader: StoryReader | None = None) -> None:
        self._preset, self._lexicon, self._reader = preset, lexicon, reader
        self._tower, self._tokenizer = load_text_tower(prompt_run)

    def draw(self, rng: Rng, queries: list[Query], samples: list[TaskSample]) -> tuple[FloatArray, FloatArray | None]:
        """Conditions of a batch.

        Returns:
            prompts ``(B,S,E)``, zeros where nothing is said; pictures ``(B,F,P)``, zeros where there is none, or None
            for a preset without pictures.
        """
        rows, dim = len(queries), self._preset.flow.picture_dim
        pictures = np.zeros((rows, frames_of(self._preset.grid.grid), dim), dtype=np.float32) if dim else None
        phrases: list[SlotPhrase] = []
        shown: dict[int, list[FloatArray]] = {}
        for row, (query, sample) in enumerate(zip(queries, samples, strict=True)):
            if not sample.conditioned:
                continue
            if sample.slot:
                phrases += self._about_made(rng, row, query, SLOT_NAMES[sample.slot])
                continue
            phrases += self._about_others(rng, row, query)
            if rng.random() < self._preset.flow.prompt_dropout:
                continue
            senses = draw_modalities(rng, self._preset.masking, query)
            if "words" in senses:
                phrases.append(SlotPhrase(row, Slot.STEM, self._about_stem(rng, query)))
            shown[row] = self._shown(rng, query, senses)
            if "picture" in senses and pictures is not None:
                pictures[row] = query.picture
        return self._prompts(rng, rows, phrases, shown), pictures

    def _shown(self, rng: Rng, query: Query, senses: frozenset[str]) -> list[FloatArray]:
        """Directions of what is shown and played of the stem."""
        found = [query.sound] if "sound" in senses else []
        if "picture" in senses and rng.random() < SIGHT_SHARE:
            found.append(query.sight)
        return [direction for direction in found if direction is not None]

    def _about_others(self, rng: Rng, row: int, query: Query) -> list[SlotPhrase]:
        """Words for the whole mix and for its rest, some of the time."""
        masking, said = self._preset.masking, list[SlotPhrase]()
        if rng.random() < masking.mix_words:
            said += [SlotPhrase(row, Slot.MIX, part) for part in self._about_mix(rng, query)]
        left = _left(query)
        if left and rng.random() < masking.rest_words:
            said.append(SlotPhrase(row, Slot.REST, self._list(rng, left)))
        return said

    def _about_made(self, rng: Rng, row: int, query: Query, made: Slot) -> list[SlotPhrase]:
        """Words where the mix or the rest is made: of that nearly always, of the others some of the time.

        A pool entry's pictures and sounds are its stem's, so none are shown.
        """
        masking = self._preset.masking
        shares = {
            Slot.MIX: masking.mix_words,
            exchanged(Slot.REST, made): masking.rest_words,
            made: 1 - self._preset.flow.prompt_dropout,
        }
        said = [slot for slot, share in shares.items() if rng.random() < share]
        return [SlotPhrase(row, slot, text) for slot in said for text in self._about(rng, query, slot)]

    def _about(self, rng: Rng, query: Query, slot: Slot) -> list[str]:
        """What can be said of one slot; nothing where there are no words for it."""
        match slot:
            case Slot.MIX:
                return self._about_mix(rng, query)
            case Slot.STEM:
                return [self._about_stem(rng, query)] if query.term else []
            case Slot.REST:
                return [self._list(rng, left)] if (left := _left(query)) else []

    def _about_stem(self, rng: Rng, query: Query) -> str:
        return self._lexicon.phrases(str(query.term), "train", rng)

    def _about_mix(self, rng: Rng, query: Query) -> list[str]:
        chance = rng.random()
        if query.story and chance < STORY_SHARE:
            return pieces_of(self._tower, self._tokenizer, SENTENCE.split(query.story))
        if query.caption and chance < STORY_SHARE + CAPTION_SHARE:
            return pieces_of(self._tower, self._tokenizer, SENTENCE.split(query.caption))
        return [self._list(rng, list(query.inside))] if query.inside else []

    def _list(self, rng: Rng, names: list[str]) -> str:
        """Instruments in words, in any order."""
        said = [self._lexicon.pools[names[k], "train"].bare for k in rng.permutation(len(names))]
        words = [bare[int(rng.integers(len(bare)))] for bare in said if bare]
        return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)

    def _prompts(
        self, rng: Rng, rows: int, phrases: list[SlotPhrase], shown: dict[int, list[FloatArray]]
    ) -> FloatArray:
        prompts = np.zeros((rows, SLOTS, self._preset.prompt.embedding), dtype=np.float32)
        told: dict[tuple[int, Slot], list[FloatArray]] = {}
        for phrase, vector in zip(phrases, self._embed(rng, [p.text for p in phrases]), strict=True):
            told.setdefault((phrase.row, phrase.slot), []).append(vector)
        parts = {place: [self._read(found)] for place, found in told.items()}
        for row, found in shown.items():
            parts.setdefault((row, Slot.STEM), []).extend(found)
        for (row, slot), found in parts.items():
            if found:
                prompts[row, slot] = mean_direction(found, rng.dirichlet(np.ones(len(found))))
        return prompts

    def _read(self, pieces: list[FloatArray]) -> FloatArray:
        """The direction of a text from those of its pieces, ``(E,)``."""
        if len(pieces) == 1 or self._reader is None:
            return mean_direction(pieces, [1.0] * len(pieces))
        rows = torch.from_numpy(np.stack(pieces)[None])
        with torch.inference_mode():
            answer: FloatArray = self._reader(rows, torch.ones(rows.shape[:2], dtype=torch.bool))[0].numpy()
        return answer

    def _embed(self, rng: Rng, texts: list[str]) -> FloatArray:
        """Directions of texts ``(n,E)``, with a share of their tokens hidden (AudioX 4.1)."""
        if not texts:
            return np.zeros((0, self._preset.prompt.embedding), dtype=np.float32)
        tokens_BT, mask_BT = encode(self._tokenizer, texts, self._tower.max_tokens)
        if self._preset.masking.hide_words:
            kept = mask_BT & (rng.random(mask_BT.shape) >= self._preset.masking.hide_words)
            mask_BT = np.where(kept.any(axis=1, keepdims=True), kept, mask_BT)
        used = max(1, int(mask_BT.any(axis=0).nonzero()[0].max(initial=0)) + 1)
        with torch.inference_mode():
            rows = self._tower(torch.from_numpy(tokens_BT[:, :used]), torch.from_numpy(mask_BT[:, :used])).numpy()
        answer: FloatArray = rows
        return answer
