"""Promises of a tower that is taught parts: where they come to lie, what stays where it was, exact resume."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.prompt.extend import PARENT_COSINE, ExtendConfig, TowerExtension, places, run
from training.prompt.tower import embed, load_audio_tower, load_text_tower
from training.text.lexicon import Lexicon

CONFIG = ExtendConfig(steps=6, old=8, new=9, save_every=3, learning_rate=3e-3)
LEXICON = Lexicon.load()


def test_parts_lie_beside_what_they_are_a_part_of_and_apart_from_each_other():
    rng = np.random.default_rng(0)
    old = rng.standard_normal((len(LEXICON.wide), 128))
    old /= np.linalg.norm(old, axis=1, keepdims=True)
    rows = places(LEXICON, old, seed=3)
    first = len(LEXICON.wide)
    np.testing.assert_allclose(rows[:first], old, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, rtol=1e-5)
    for part, whole in LEXICON.parts.items():
        cosines = rows @ rows[LEXICON.terms.index(part)]
        assert cosines[LEXICON.terms.index(whole)] == pytest.approx(PARENT_COSINE, abs=1e-5)
        assert np.sort(cosines)[-2] == pytest.approx(PARENT_COSINE, abs=1e-5), "nothing is nearer than that"


def test_a_resumed_run_ends_as_one_without_a_break(tmp_path, untrained_towers):
    whole, half = tmp_path / "whole", tmp_path / "half"
    run(untrained_towers, whole, CONFIG)
    run(untrained_towers, half, CONFIG, stop_after=3)
    run(untrained_towers, half, CONFIG, resume=True)
    phrases = ["kick drum", "violin", "someone talking"]
    ours, theirs = (embed(*load_text_tower(folder), phrases) for folder in (whole, half))
    np.testing.assert_array_equal(ours, theirs)
    before, after = (load_audio_tower(folder).state_dict() for folder in (untrained_towers, whole))
    assert all(torch.equal(before[name], after[name]) for name in before), "sounds are heard as ever"


def test_old_texts_hardly_move_and_parts_go_to_their_places(untrained_towers):
    torch.manual_seed(0)
    extension = TowerExtension(untrained_towers, ExtendConfig(steps=40, old=16, new=18, learning_rate=3e-3))
    parts = [extension.train_step() for _ in range(40)]
    assert np.mean([part["name"] for part in parts[-5:]]) < 0.8 * parts[0]["name"]
    assert parts[-1]["anchor"] < 0.5, "entries have unit scale"


def test_resuming_with_other_settings_or_from_nothing_says_so(tmp_path, untrained_towers):
    with pytest.raises(FileNotFoundError, match="nothing to resume"):
        run(untrained_towers, tmp_path, CONFIG, resume=True)
    run(untrained_towers, tmp_path, CONFIG, stop_after=1)
    with pytest.raises(ValueError, match="resume it with the same steps and seed"):
        run(untrained_towers, tmp_path, ExtendConfig(steps=7, old=8, new=9), resume=True)
