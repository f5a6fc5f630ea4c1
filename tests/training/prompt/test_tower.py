"""Promises of the prompt towers: shapes and scale, a tokenizer that is always the same, exact resume, learning."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from training.config import load_preset
from training.prompt.config import PromptConfig
from training.prompt.model import CLIP_SAMPLES, AudioTower, TextTower
from training.prompt.route import TermRouter, report, route
from training.prompt.tower import embed, load_text_tower
from training.prompt.train import run, with_precision
from training.text.augment import add_typos
from training.text.lexicon import Lexicon
from training.text.tokenizer import encode, train_tokenizer, training_text

TINY = replace(
    load_preset("tiny").prompt, vocab=600, steps=12, batch=16, audio_batch=4, audio_every=2, learning_rate=3e-3,
    save_every=6, precision="fp32",
)  # fmt: skip
PHRASES = ["fiddle", "The RHODES", "upright-bass", "just the drum kit please", "?"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, flutes_and_drums: Path) -> Path:
    """A tower after twelve steps."""
    return run(TINY, tmp_path_factory.mktemp("run"), flutes_and_drums).folder


def test_embeddings_have_unit_scale_entries(trained):
    embedding = embed(*load_text_tower(trained), PHRASES)
    assert embedding.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), np.sqrt(TINY.embedding), rtol=1e-4)


def test_padding_does_not_change_an_embedding():
    torch.manual_seed(0)
    tower = TextTower(50, 16, 32, 32, 2, 2).eval()
    tokens = torch.tensor([[5, 6, 7] + [0] * 13])
    torch.testing.assert_close(tower(tokens, tokens != 0), tower(tokens[:, :3], tokens[:, :3] != 0))


def test_a_prompt_without_tokens_gives_finite_numbers():
    tokens = torch.zeros(1, 16, dtype=torch.int64)
    assert torch.isfinite(TextTower(50, 16, 32, 32, 1, 2)(tokens, tokens != 0)).all()


def test_casing_and_hyphens_do_not_matter(trained):
    one, other = embed(*load_text_tower(trained), ["Upright-Bass", "upright bass"])
    np.testing.assert_array_equal(one, other)


def test_the_audio_tower_does_not_hear_the_level():
    torch.manual_seed(0)
    tower = AudioTower(32).eval()
    audio = torch.randn(2, CLIP_SAMPLES)
    with torch.no_grad():
        quiet, loud = tower(audio * 0.3), tower(audio)
    assert loud.shape == (2, 32)
    torch.testing.assert_close(quiet, loud, atol=1e-2, rtol=0)


def test_the_shipped_text_tower_is_small():
    config = PromptConfig()
    tower = TextTower(config.vocab, config.max_tokens, config.embedding, config.width, config.depth, config.heads)
    assert sum(p.numel() for p in tower.parameters()) < 1_200_000


def test_the_tokenizer_is_the_same_in_another_process():
    code = (
        "import hashlib;from training.text.lexicon import Lexicon;from training.text.tokenizer import *;"
        "print(hashlib.sha256(train_tokenizer(training_text(Lexicon.load()),900,24).to_str().encode()).hexdigest())"
    )
    found = {subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(2)}
    assert len(found) == 1


def test_tokens_are_padded_and_cut_to_the_fixed_length():
    tokenizer = train_tokenizer(training_text(Lexicon.load()), 600, 16)
    tokens_BT, mask_BT = encode(tokenizer, ["piano", "very " * 100, "скрипка"], 16)
    assert tokens_BT.shape == mask_BT.shape == (3, 16)
    assert mask_BT[1].all()
    assert mask_BT[2].any()
    assert (tokens_BT[~mask_BT] == 0).all()
    assert tokens_BT.max() < tokenizer.get_vocab_size() <= 600


def test_a_resumed_run_has_the_same_losses_as_an_unbroken_one(tmp_path, flutes_and_drums):
    whole = run(TINY, tmp_path / "whole", flutes_and_drums)
    first = run(TINY, tmp_path / "half", flutes_and_drums, stop_after=7)
    second = run(replace(TINY, steps=1), tmp_path / "rest", flutes_and_drums, resume=tmp_path / "half")
    assert first.losses + second.losses == whole.losses
    for phrase in PHRASES:
        ours, theirs = (embed(*load_text_tower(folder), [phrase]) for folder in (tmp_path / "whole", tmp_path / "rest"))
        np.testing.assert_array_equal(ours, theirs)


def test_resuming_from_nothing_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing to resume"):
        run(TINY, tmp_path / "out", None, resume=tmp_path / "missing")


def test_text_alone_learns_the_terms(tmp_path):
    longer = replace(TINY, width=64, steps=150, batch=64, learning_rate=6e-3, save_every=150)
    done = run(longer, tmp_path, None)
    assert np.mean(done.losses[-10:]) < 0.5 * np.mean(done.losses[:10])
    router = TermRouter(tmp_path, Lexicon.load())
    assert router.score(Lexicon.load().heldout()[::10]).strict > 0.5


def test_the_route_table_has_every_figure(trained, flutes_and_drums):
    routing = route(trained, flutes_and_drums)
    assert routing.held.count == routing.bare.count + routing.framed.count
    assert routing.held.strict <= routing.held.lenient
    table = report(routing)
    for word in ("held-out half", "unseen nouns", "strict", "audio to text", "goal: 95%"):
        assert word in table


def test_damage_is_decided_by_the_generator_and_mostly_mild():
    one = [add_typos("electric guitar", np.random.default_rng(seed)) for seed in range(200)]
    assert one == [add_typos("electric guitar", np.random.default_rng(seed)) for seed in range(200)]
    assert 0.5 < np.mean([phrase == "electric guitar" for phrase in one]) < 0.9


def test_precision_is_settled_once():
    assert with_precision(PromptConfig(precision="auto")).precision in ("bf16", "fp32")
    assert with_precision(PromptConfig(precision="bf16")).precision == "bf16"
