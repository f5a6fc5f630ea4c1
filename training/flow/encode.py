"""Encode mixes into latents before the flow is trained: ``python -m training encode --preset small``.

An entry depends on the seed and its number alone, so it does not matter which process encodes it or when: a folder that
was filled halfway is filled to its end, and ``training flow`` does so itself where that was not done. With the latents
of mix, stem and rest go a picture and a sound example of either side and words about the whole, where there are such.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from training.atomic import write_array
from training.codec.model import MixWavCodec
from training.codec.train import load_codec
from training.config import Preset
from training.data.instruments import families
from training.data.mixer import StemCrop, StemMixer
from training.data.stem_cache import StemCache
from training.flow.examples import MixSource, SeparationExample, make_example, make_twins, terms
from training.flow.fingerprint import check_fingerprint, pool_fingerprint
from training.flow.latent_dataset import LatentDataset
from training.flow.latent_files import (
    SIGHT,
    SILENCE,
    SOUND,
    create_files,
    layout_of,
    open_files,
    words_bytes,
)  # fmt: skip
from training.flow.modalities import Modalities, by_kind, open_modalities
from training.prompt.adapters import ADAPTERS_FILE, StoryReader, load_adapters
from training.prompt.tower import load_audio_tower
from training.synthesis.render_stems import ensure_cache
from training.trainer.arguments import RUNS, parse
from training.typing import Audio, Latents, Rng
from training.worker_pool import WorkerPool

log = logging.getLogger(__name__)
POOL = "pool"  # folder of the latents in a run's
ADAPTERS_HELP = "run of the adapters of sounds and stories; runs/adapters-PRESET when there is one"


class LatentEncoder:
    """Mixes and encodes entries, and writes them into a folder.

    Args:
        codec: frozen; makes the latents.
        modalities: make pictures, sound examples and words; None makes none.

    Raises:
        ValueError: the folder was filled by something else, or is laid out in another way.
    """

    def __init__(
        self, folder: Path, preset: Preset, mixer: MixSource, codec: MixWavCodec, modalities: Modalities | None = None
    ) -> None:
        self.folder, self.preset, self.mixer, self.codec = folder, preset, mixer, codec
        self.modalities = modalities or Modalities(preset, mixer.cache)
        self._kinds = by_kind(mixer.cache) if self.modalities.audio_encoder is not None else {}
        self._terms, self._families = terms(), list(families())
        check_fingerprint(folder, pool_fingerprint(preset, mixer.cache, codec, self.modalities, mixer.drawn))
        layout = layout_of(preset)
        create_files(folder, layout)
        files = open_files(folder, layout, "r+")
        self._facts, self._more, self._latents = files["facts"], files["more"], files["latents"]
        self._embeddings, self._pictures = files["embeddings"], files.get("pictures")
        if not (folder / SILENCE).is_file():
            silence = np.zeros((1, preset.grid.grid.window_samples), dtype=np.float32)
            write_array(folder / SILENCE, self._encoded(silence)[0])

    def missing(self) -> list[int]:
        """Entries that are still to be encoded."""
        return [int(number) for number in np.flatnonzero(self._facts["filled"] == 0)]

    def encode(self, number: int) -> None:
        """Mix, encode and write an entry."""
        rng = np.random.default_rng([self.preset.flow.seed, number])
        chance = np.random.default_rng([self.preset.flow.seed, number, 1])  # so that the mix depends on ``rng`` alone
        example = self._twins(chance) or self._plain(rng)
        self._latents[number] = self._encoded(example.audio)
        inside = sum(1 << self._families.index(name) for name in example.inside if name in families())
        caption, story = self.modalities.words(chance, [take for side in example.takes for take in side])
        self._more[number] = (example.twins, example.together, words_bytes(caption), words_bytes(story))
        shown = example.twins or chance.random() < self.preset.masking.clip_share
        for side in (0, 1) if example.rest else (0,):  # an unnamed rest is never asked for
            self._perceive(chance, number, side, example.takes[side], shown)
        self._facts[number] = (1, self._number(example.term), self._number(example.rest), inside)

    def _plain(self, rng: Rng) -> SeparationExample:
        return make_example(self.mixer.draw(rng, self.preset.grid.grid.window_samples), rng)

    def _twins(self, chance: Rng) -> SeparationExample | None:
        """Two stems of one family, where there are pictures to tell which is meant."""
        if self.modalities.scene is None or chance.random() >= self.preset.masking.twin_share:
            return None
        mix = self.mixer.twins(chance, self.preset.grid.grid.window_samples)
        return make_twins(mix) if mix else None

    def _perceive(self, chance: Rng, number: int, side: int, takes: tuple[StemCrop, ...], shown: bool) -> None:
        """Write the sound example and the picture of one side."""
        if len(takes) == 1:
            sound = self.modalities.sound(chance, takes[0].stem, self._kinds)
            if sound is not None:
                self._embeddings[number, side, SOUND] = sound
        if shown and self._pictures is not None and (seen := self.modalities.picture(chance, takes)):
            self._pictures[number, side], self._embeddings[number, side, SIGHT] = seen

    def _encoded(self, audio: Audio) -> Latents:
        """Audio ``(S, N)`` -> latents ``(S, D, L)``."""
        with torch.no_grad():
            latents: Latents = self.codec.encode(torch.from_numpy(audio[:, None])).numpy()
        return latents

    def _number(self, term: str | None) -> int:
        return self._terms.index(term) if term else -1


def encode_latents(
    folder: Path,
    preset: Preset,
    mixer: MixSource,
    codec: MixWavCodec,
    modalities: Modalities | None = None,
    workers: int = 0,
) -> LatentDataset:
    """Encode what a folder of latents still lacks, and open it.

    Args:
        folder, preset, mixer, codec, modalities: as ``LatentEncoder`` takes them.
        workers: processes that encode; 0 encodes in this one.

    Raises:
        ValueError: the folder was filled by something else, or is laid out in another way.
    """
    encoder = LatentEncoder(folder, preset, mixer, codec, modalities)
    if missing := encoder.missing():
        log.info("encoding %d of %d mixes into %s", len(missing), preset.flow.pool, folder)
        done: Iterable[object] = (
            WorkerPool(encoder.encode, workers, _begin_worker).run(missing) if workers else map(encoder.encode, missing)
        )
        for _ in tqdm(done, "encode", len(missing), mininterval=5.0, disable=not workers):
            pass
    return LatentDataset(folder, preset)


def _begin_worker() -> None:
    os.nice(2)
    torch.set_num_threads(1)


def preset_mixer(preset: Preset, cache: StemCache) -> StemMixer:
    """A mixer of a cache with the preset's shares."""
    flow = preset.flow
    return StemMixer(cache, flow.vary_share, preset.grid.rate_hz, flow.mix_sources, flow.together_share)


def open_adapters(adapters_run: Path | None, prompt_run: Path) -> tuple[nn.Module, StoryReader | None]:
    """Audio encoder and reader of long texts; without adapters the audio tower as it is, and None."""
    return load_adapters(adapters_run, prompt_run) if adapters_run else (load_audio_tower(prompt_run), None)


def usual_adapters(preset: Preset) -> Path | None:
    """The run of a preset's adapters, where there is one."""
    run = RUNS / f"adapters-{preset.name}"
    return run if (run / ADAPTERS_FILE).is_file() else None


def main(argv: list[str]) -> int:
    """``python -m training encode``."""
    extras = {
        "pool": "folder of the latents; runs/flow-PRESET/pool when not given, where the flow looks for them",
        "adapters": ADAPTERS_HELP,
    }
    asked = parse("encode", "encode the mixes of the flow", argv, ("codec", "prompt", "scene"), extras, trains=False)
    preset, folder = asked.preset, asked.extras["pool"] or RUNS / f"flow-{asked.preset.name}" / POOL
    cache = ensure_cache(preset, asked.cache)
    audio_encoder, _ = open_adapters(asked.extras["adapters"] or usual_adapters(preset), asked.runs["prompt"])
    modalities = open_modalities(preset, cache, asked.runs["scene"] if preset.flow.picture_dim else None, audio_encoder)
    codec = load_codec(preset, asked.runs["codec"])
    dataset = encode_latents(folder, preset, preset_mixer(preset, cache), codec, modalities, asked.workers)
    print(f"{len(dataset)} mixes are encoded in {folder}")
    return 0
