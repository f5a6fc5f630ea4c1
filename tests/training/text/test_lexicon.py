"""Promises of the lexicon: every term has words, no word has two homes, what is held out stays out of training."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from training.data.instruments import families, groups
from training.prompt.config import PromptConfig, config_from_table
from training.text import lexicon
from training.text.lexicon import Lexicon, normal_form

LEXICON = Lexicon.load()
TRAINING = {
    normal_form(p) for t in LEXICON.terms for pool in [LEXICON.pools[t, "train"]] for p in pool.bare + pool.framed
}
TRAINING_WORDS = {word.strip(",.'") for phrase in TRAINING for word in phrase.split()}


def test_every_family_and_group_is_a_term_and_parts_follow():
    assert set(LEXICON.wide) == set(families()) | set(groups())
    assert set(LEXICON.families) == set(families())
    assert LEXICON.terms == (*LEXICON.wide, *LEXICON.parts)


def test_a_part_is_of_something_there_is():
    assert {"kick", "snare", "hi-hat", "cymbals", "toms", "claps"} < set(LEXICON.parts)
    for part, whole in LEXICON.parts.items():
        assert LEXICON.families_of(part) == LEXICON.families_of(whole)


@pytest.mark.parametrize(
    ("phrase", "term"),
    [
        ("kick drum", "kick"),
        ("bass drum", "kick"),
        ("snare drum", "snare"),
        ("rimshot", "snare"),
        ("hats", "hi-hat"),
        ("ride cymbal", "cymbals"),
        ("floor tom", "toms"),
        ("handclaps", "claps"),
        ("lead vocal", "lead-vocals"),
        ("background vocals", "backing-vocals"),
        ("spoken word", "speech"),
        ("drum kit", "drums"),
        ("kick and snare", "drums"),
        ("singer", "vocals"),
    ],
)
def test_pieces_of_a_kit_and_kinds_of_voices_have_words_of_their_own(phrase, term):
    pools = [LEXICON.pools[term, split] for split in ("train", "held")]
    assert phrase in [entry for pool in pools for entry in pool.bare]


@pytest.mark.parametrize("term", LEXICON.terms)
def test_every_term_has_many_phrasings_in_both_halves(term):
    for split in ("train", "held"):
        pool = LEXICON.pools[term, split]
        assert len(pool.bare) >= 3
        assert len(pool.framed) >= 300


def test_no_held_out_phrasing_occurs_in_training():
    held = {
        normal_form(p) for t in LEXICON.terms for pool in [LEXICON.pools[t, "held"]] for p in pool.bare + pool.framed
    }
    assert not held & TRAINING
    assert {normal_form(phrase) for phrase, _ in LEXICON.heldout()} <= held


def test_words_of_held_out_phrasings_occur_elsewhere_in_training():
    bare = [p for t in LEXICON.terms for p in LEXICON.pools[t, "held"].bare]
    seen = [all(word.strip(",.'") in TRAINING_WORDS for word in normal_form(p).split()) for p in bare]
    assert np.mean(seen) > 0.99


@pytest.mark.parametrize(
    ("phrase", "term"),
    [
        ("fiddle", "violin"),
        ("upright bass", "double-bass"),
        ("drum kit", "drums"),
        ("the rhodes", "electric-piano"),
        ("bowed strings", "bowed strings"),
        ("four on the floor kick", "kick"),
    ],
)
def test_what_users_try_first_is_always_held_out(phrase, term):
    held = LEXICON.pools[term, "held"]
    assert phrase in held.bare + held.framed
    assert phrase not in TRAINING


def test_unseen_nouns_never_occur_in_training_in_any_phrasing():
    assert len(LEXICON.unseen()) >= 20
    for noun, _ in LEXICON.unseen():
        assert not set(normal_form(noun).split()) & TRAINING_WORDS


def test_a_phrasing_belongs_to_one_term():
    owner: dict[str, str] = {}
    for (term, _), pool in LEXICON.pools.items():
        for phrase in pool.bare + pool.framed:
            assert owner.setdefault(normal_form(phrase), term) == term


def test_a_group_names_its_families_and_a_family_itself():
    assert LEXICON.families_of("bass") == groups()["bass"]
    assert LEXICON.families_of("violin") == {"violin"}


@pytest.mark.parametrize("rng", [random.Random(3), np.random.default_rng(3)])
def test_draws_come_from_the_asked_half(rng):
    pool = LEXICON.pools["cello", "train"]
    drawn = {LEXICON.phrases("cello", "train", rng) for _ in range(500)}
    assert drawn <= set(pool.bare + pool.framed)
    assert drawn & set(pool.bare)
    assert drawn & set(pool.framed)


def test_reading_the_tables_again_gives_the_same_split(tmp_path):
    again = Lexicon.load(Path(shutil.copy(lexicon.LEXICON, tmp_path)))
    assert again is not LEXICON
    assert again.heldout() == LEXICON.heldout()


def test_an_unknown_key_in_a_preset_is_an_error():
    with pytest.raises(ValueError, match=r"unknown keys.*widht"):
        config_from_table({"widht": 3})


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="multiple of heads"):
        PromptConfig(width=10, heads=4)
