"""Promises of the pairs that adapters of foreign towers learn from: what is held back, training has no part of."""

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

import tinytowers

from training.config import load_preset
from training.data.stem_cache import StemCache, write_shard
from training.pretrained.adapters import (
    HELD_EVERY,
    EmbeddingPairs,
    PromptTargets,
    audio_pairs,
    scene_pairs,
    text_phrases,
)
from training.pretrained.clap import load_clap
from training.pretrained.clip import load_clip
from training.pretrained.sources import open_source
from training.scene.model import SceneTower
from training.text.lexicon import Lexicon, normal_form

RATE_HZ, SAMPLES = 16_000, 10_240
FRAMES, CLIPS = 4, 20


@pytest.fixture(scope="module")
def names(untrained_towers):
    return PromptTargets(untrained_towers)


def groups(pairs: EmbeddingPairs, held: bool) -> set[int]:
    return set(pairs.part(held).group.tolist())


def test_no_phrase_held_back_is_in_training_and_every_term_has_its_turn():
    lexicon = Lexicon.load()
    phrases, group = text_phrases(lexicon, 3000)
    held = [k for k in range(3000) if group[k] % HELD_EVERY == 0]
    assert len(held) == pytest.approx(300, abs=5)
    kept = {normal_form(phrases[k]) for k in held}
    assert not kept & {normal_form(phrases[k]) for k in range(3000) if group[k] % HELD_EVERY}
    assert {lexicon.terms[k % len(lexicon.terms)] for k in held} == set(lexicon.terms)


def test_a_clip_is_held_back_with_all_its_frames(names, tmp_path):
    tinytowers.clip(tmp_path)
    own = SceneTower(load_preset("tiny").scene, names.means.shape[1]).eval()
    whole, frames = scene_pairs(load_clip(open_source(str(tmp_path))), names, own, FRAMES, CLIPS)
    assert len(whole.part(held=True).given) == CLIPS // HELD_EVERY
    assert groups(frames, held=True) == {0, HELD_EVERY}
    assert groups(frames, held=False) == set(range(CLIPS)) - {0, HELD_EVERY}
    assert len(frames.part(held=True).given) + len(frames.part(held=False).given) == len(frames.given)


def test_the_stems_of_a_piece_are_on_one_side(names, flutes_and_drums, tmp_path):
    tinytowers.clap(tmp_path)
    clap, cache = load_clap(open_source(str(tmp_path))), StemCache(flutes_and_drums)
    pairs = audio_pairs(clap, cache, names, SAMPLES, RATE_HZ, cache.count)
    counts = torch.bincount(pairs.group)
    assert (counts == 2).all()  # a flute and drums each
    assert len(pairs.part(held=True).given) == 2 * -(-len(counts) // HELD_EVERY)
    assert not groups(pairs, held=True) & groups(pairs, held=False)


def test_one_piece_alone_leaves_nothing_to_learn_from(names, tmp_path):
    tinytowers.clap(tmp_path / "clap")
    noise = np.random.default_rng(0).standard_normal(SAMPLES).astype(np.float32) * 0.1
    write_shard(tmp_path / "cache", "shard-00000", [noise] * 12, [{"family": "flute", "piece": "t-0"}] * 12)
    cache = StemCache(tmp_path / "cache")
    with pytest.raises(ValueError, match="12 stems of 1 pieces that sound and have a name, and one piece is held back"):
        audio_pairs(load_clap(open_source(str(tmp_path / "clap"))), cache, names, SAMPLES, RATE_HZ, 20)
