"""Shared by the tests of training: towers of random weights, stems of two families, one renderer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from training.config import load_preset
from training.data.stem_cache import write_shard
from training.prompt.model import AudioTower
from training.prompt.tower import save_towers, text_tower
from training.text.lexicon import Lexicon
from training.text.tokenizer import train_tokenizer, training_text

if TYPE_CHECKING:
    from training.synthesis.render import PartRenderer

PIECES, SECONDS, RATE_HZ = 24, 6, 16_000


@pytest.fixture(scope="session")
def untrained_towers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prompt run that was never trained: adapters and the scene encoder only need somewhere to aim at."""
    folder, config = tmp_path_factory.mktemp("towers"), load_preset("tiny").prompt
    tokenizer = train_tokenizer(training_text(Lexicon.load())[:3000], config.vocab, config.max_tokens)
    tokenizer.save(str(folder / "tokenizer.json"))
    vocab = tokenizer.get_vocab_size()
    torch.manual_seed(0)
    save_towers(folder, config, vocab, text_tower(config, vocab), AudioTower(config.embedding))
    return folder


@pytest.fixture(scope="session")
def flutes_and_drums(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of tones and noise under two families' names; some of the pieces are kept for judging."""
    folder = tmp_path_factory.mktemp("cache")
    rng = np.random.default_rng(0)
    time_s = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    for piece in range(PIECES):
        tone = np.sin(2 * np.pi * rng.uniform(200, 800) * time_s).astype(np.float32) * 0.3
        noise = (rng.standard_normal(len(time_s)) * 0.1).astype(np.float32)
        labels = [{"family": name, "piece": f"t-{piece}"} for name in ("flute", "drums")]
        write_shard(folder, f"shard-{piece:05d}", [tone, noise], labels)
    return folder


@pytest.fixture(scope="session")
def renderer() -> PartRenderer:
    """One for all tests: its SoundFont takes some 340 MB."""
    from training.data.sources import SoundLibrary
    from training.synthesis.render import PartRenderer

    return PartRenderer(SoundLibrary.find())
