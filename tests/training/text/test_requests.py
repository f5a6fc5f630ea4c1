"""Promises of requests, captions and stories: what is said of a mix is true of it, and is understood again."""

from __future__ import annotations

import random

import numpy as np
import pytest

from engine.tasks import TASKS
from training.data.instruments import families, groups
from training.text import requests as lexicon_asks
from training.text.captions import CaptionWriter, PieceFacts
from training.text.requests import LANGUAGES, Description, RequestWriter, StemFacts, fact_of, understand

ASKER = RequestWriter()
BAND = (
    StemFacts("violin", "lead", "high", "vibrato", "left", -20.0),
    StemFacts("violin", "lead", "low", "staccato", "right", -32.0, "late"),
    StemFacts("drums", "drums", "", "", "centre", -12.0),
    StemFacts("electric-guitar", "chords", "middle", "strummed", "", -24.0),
    StemFacts("other"),
)


def drawn(split: str, count: int = 150, task: str | None = None):
    return [ASKER.draw(np.random.default_rng([k, 1]), BAND, split, task) for k in range(count)]


@pytest.mark.parametrize("split", ["train", "held"])
def test_a_request_names_the_stems_its_facts_are_true_of(split):
    for ask in drawn(split):
        assert ask.targets
        assert 4 not in ask.targets  # it has neither family nor role
        if ask.term:
            members = groups().get(ask.term, {ask.term})
            assert {BAND[k].family for k in ask.targets} <= set(members)
        assert ask.phrase in ask.text


def test_two_of_one_family_are_told_apart_by_their_facts():
    asks = [a for a in drawn("train", 300) if a.term == "violin"]
    assert len(asks) > 10
    assert all(len(a.targets) == 1 for a in asks)
    words = {
        0: ("left", "high", "vibrato", "quivering", "wavering"),
        1: ("right", "low", "deep", "staccato", "short", "choppy", "quiet", "soft", "faint", "late", "last"),
    }
    for ask in asks:
        assert any(word in ask.phrase for word in words[ask.targets[0]]), ask


def test_every_kind_of_fact_is_said():
    said = " ".join(a.text for a in drawn("train", 400))
    for words in (
        ("high", "low"),
        ("staccato", "vibrato", "strummed"),
        ("loud", "quiet", "faint"),
        ("left", "right"),
        ("melody", "lead"),
        ("late", "last"),
    ):
        assert any(word in said for word in words), words


def test_loud_and_quiet_are_judged_against_the_other_stems():
    assert fact_of(BAND, 2, "loudness") == "loud"
    assert fact_of(BAND, 1, "loudness") == "quiet"
    assert fact_of(BAND, 0, "loudness") == ""
    assert fact_of(BAND[:1], 0, "loudness") == ""


def test_a_description_that_fits_nobody_names_nobody():
    assert Description("violin", (("register", "middle"),)).names(BAND) == ()
    assert Description("bowed strings", ()).names(BAND) == (0, 1)
    assert Description("", (("role", "lead"), ("register", "low"))).names(BAND) == (1,)


@pytest.mark.parametrize("split", ["train", "held"])
@pytest.mark.parametrize("task", [None, "regenerate", "generate", "inpaint", "extend"])
def test_what_is_asked_is_understood(split, task):
    for ask in drawn(split, 60, task):
        assert ask.task in TASKS
        wish = understand(ask.text)
        assert (wish.task, wish.phrase) == (ask.task, ask.phrase), ask


@pytest.mark.parametrize(
    ("text", "task", "phrase"),
    [
        ("everything except the drums", "remove", "drums"),
        ("Everything but the bass.", "remove", "bass"),
        ("no vocals", "remove", "vocals"),
        ("No vocals!", "remove", "vocals"),
        ("without drums", "remove", "drums"),
        ("mute everything except the cello", "isolate", "cello"),
        ("remove everything but the vocals", "isolate", "vocals"),
        ("violin", "isolate", "violin"),
        ("the high melody", "isolate", "high melody"),
        ("the quiet guitar on the left", "isolate", "quiet guitar on the left"),
        ("extend the piano", "extend", "piano"),
        ("alles außer Schlagzeug", "remove", "Schlagzeug"),
        ("nur Geige", "isolate", "Geige"),
        ("sin batería", "remove", "batería"),
        ("tout sauf violon", "remove", "violon"),
        ("ドラムなし", "remove", "ドラム"),
        ("ピアノだけ", "isolate", "ピアノ"),
    ],
)
def test_negation_and_exclusion_are_tasks(text, task, phrase):
    wish = understand(text)
    assert (wish.task, wish.phrase) == (task, phrase)


def test_a_contrast_names_one_and_not_the_other():
    for k in range(40):
        ask = ASKER.contrast(np.random.default_rng(k), BAND, "train")
        wish = understand(ask.text)
        assert (wish.task, wish.phrase) == ("isolate", ask.phrase)
        assert wish.unwanted
        assert wish.unwanted != wish.phrase


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_term_has_nouns_in_every_language(language):
    seen: dict[str, str] = {}
    for term in (*families(), *groups()):
        nouns = ASKER.nouns(term, language)
        assert nouns
        for noun in nouns:
            assert seen.setdefault(noun.lower(), term) == term, f"{noun} is {seen[noun.lower()]} and {term}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("split", ["train", "held"])
def test_requests_in_other_languages_are_understood(language, split):
    tasks = set()
    for k in range(60):
        ask = ASKER.abroad(np.random.default_rng(k), BAND, split, language)
        assert understand(ask.text).task == ask.task, ask
        assert understand(ask.text).phrase == ask.phrase, ask
        tasks.add(ask.task)
    assert tasks == {"isolate", "remove"}


def test_no_held_out_request_is_ever_drawn_for_training():
    train = {lexicon_asks.normal_form(a.text) for a in drawn("train", 400)}
    held = {lexicon_asks.normal_form(a.text) for a in drawn("held", 400)}
    assert not train & held
    held_words = ("strip it down", "has to go", "leave out", "silence everyone")
    assert not [t for t in train if any(w in t for w in held_words)]
    assert [t for t in held if any(w in t for w in held_words)]


def test_what_the_lexicon_decided_keeps_its_side():
    lexicon = ASKER._lexicon
    for term in random.Random(1).sample(lexicon.terms, 12):
        for split in ("train", "held"):
            pool = lexicon.pools[term, split]
            assert all(ASKER.split_of(p) == split for p in (*pool.bare[:20], *pool.framed[:20]))


def test_requests_use_no_noun_that_is_kept_unseen():
    unseen = {noun for noun, _ in ASKER._lexicon.unseen()}
    assert unseen
    assert not unseen & {noun for term in (*families(), *groups()) for noun in ASKER.nouns(term)}


def test_old_labels_without_new_facts_are_enough():
    label = {"family": "piano", "role": "chords", "register": "middle", "source": "font:0:0", "piece": "1-0"}
    assert StemFacts.of(label) == StemFacts("piano", "chords", "middle")
    assert StemFacts.of({**label, "side": -0.7, "style": "staccato"}, -20.0) == StemFacts(
        "piano", "chords", "middle", "staccato", "left", -20.0
    )
    with pytest.raises(ValueError, match="rendered before tempo and key"):
        PieceFacts.of([label])


WALTZ = PieceFacts(72.0, "3/4", "minor", 51, BAND[:4])
TELLER = CaptionWriter(ASKER)


@pytest.mark.parametrize("split", ["train", "held"])
def test_a_caption_says_every_player_and_only_true_things(split):
    for k in range(25):
        text = TELLER.caption(np.random.default_rng(k), WALTZ, split)
        assert 20 <= len(text.split()) <= 140
        for stem in WALTZ.stems:
            assert any(noun in text for noun in ASKER.plain_nouns(stem.family)), (stem.family, text)
        assert "major" not in text
        assert "fast" not in text
        assert "in four" not in text
        assert " a un" not in text.lower()


@pytest.mark.parametrize("split", ["train", "held"])
def test_a_story_names_no_music_theory(split):
    for k in range(25):
        text = TELLER.story(np.random.default_rng(k), WALTZ, split)
        assert 40 <= len(text.split()) <= 170
        assert not {"tempo", "BPM", "minor", "3/4", "melody", "chords"} & set(text.split())


def test_the_same_seed_tells_the_same_and_the_halves_share_no_text():
    texts = {
        s: {f(np.random.default_rng(k), WALTZ, s) for k in range(60) for f in (TELLER.caption, TELLER.story)}
        for s in ("train", "held")
    }
    assert not texts["train"] & texts["held"]
    assert TELLER.story(np.random.default_rng(3), WALTZ, "train") == TELLER.story(
        np.random.default_rng(3), WALTZ, "train"
    )
    openings = {t.split(".")[0] for t in texts["train"]} & {t.split(".")[0] for t in texts["held"]}
    assert not openings
