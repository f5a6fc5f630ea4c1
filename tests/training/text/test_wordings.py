"""Promises of asks.json: the engine reads back what the lexicon knows, in every language."""

import json

import pytest

from engine.tasks import TASKS
from engine.text.grammar import Grammar, normalize
from training.text.requests import LANGUAGES, RequestWriter
from training.text.wordings import asks_json

ASKER = RequestWriter()
TEXT = asks_json(ASKER)
GRAMMAR = Grammar.read(TEXT.encode(), "asks.json")
TERMS = ASKER.terms


def test_every_wording_is_of_a_task_there_is():
    assert {row["task"] for row in json.loads(TEXT)["wordings"]} <= set(TASKS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_noun_in_every_wording_becomes_its_english_name(language):
    frames = ASKER._world["frames"][language]
    for term in TERMS:
        english = ASKER.plain_nouns(term)[0]
        for noun in ASKER.nouns(term, language):
            for task in ("isolate", "remove"):
                for frame in (*frames[task], *frames[f"{task}_held"]):
                    wish = GRAMMAR.parse(frame.replace("{x}", noun))
                    assert wish.task == task, (frame, noun)
                    said = GRAMMAR.english(wish.phrase, wish.language)
                    assert said == english or said.lower() == noun.lower(), (frame, noun, said)


def test_english_names_stay_as_they_are_and_loans_become_the_usual_one():
    loans = {
        "violino": "violin", "violoncello": "cello", "pianoforte": "piano", "arpa": "harp", "fagotto": "bassoon",
    }  # fmt: skip
    for term in TERMS:
        for noun in ASKER.nouns(term):
            assert GRAMMAR.english(noun) == loans.get(noun, noun)


@pytest.mark.parametrize(
    ("text", "task", "english"),
    [
        ("alles außer dem Schlagzeug", "remove", "drums"),
        ("la guitarra eléctrica", "isolate", "electric guitar"),
        ("tout sauf le violon", "remove", "violin"),
        ("ヴァイオリンだけ", "isolate", "violin"),
        ("ドラムなし", "remove", "drums"),
        ("solo guitarra", "isolate", "guitar"),
        ("nur Becken", "isolate", "cymbals"),
        ("la caisse claire", "isolate", "snare"),
        ("sin el bombo", "remove", "kick"),
        ("tout sauf les chœurs", "remove", "backing vocals"),
        ("ohne Hintergrundgesang", "remove", "backing vocals"),
        ("ハイハットだけ", "isolate", "hi-hat"),
        ("バスドラムなし", "remove", "kick"),
        ("voz principal", "isolate", "lead vocals"),
        ("everything except the drums", "remove", "drums"),
    ],
)
def test_what_users_of_other_languages_type_first(text, task, english):
    wish = GRAMMAR.parse(text)
    assert (wish.task, GRAMMAR.english(wish.phrase, wish.language)) == (task, english)


def test_a_story_of_two_hundred_words_is_searched_for_its_instruments():
    rain = "It rained on the harbour, and the keys lay where she had left them, and nobody raised a voice. "
    story = 6 * rain + "A boy unpacked a cello that had been his grandfather's. " + 6 * rain
    story += "Somewhere a drum kit answered, and then an upright bass."
    assert len(story.split()) > 200
    assert GRAMMAR.names_in(story) == ["cello", "drum kit", "upright bass"]


@pytest.mark.parametrize(
    "story",
    [
        "Das Becken im Bad war kalt, und die Sprache der Leute verstand ich nicht, und ihr Klatschen auch nicht.",
        "Metió la caja en el coche y se lavó las palmas de las manos mientras Charles miraba.",
        "Il prit la parole, et le narrateur se tut.",
        "She gave a speech, kicked the ball for a ride, and everybody was talking over the crash.",
    ],
)
def test_words_of_every_day_are_no_names_in_a_story(story):
    assert GRAMMAR.names_in(story) == []


def test_no_unseen_noun_is_given_away():
    names = set(json.loads(TEXT)["names"])
    assert len(names) > 800
    assert not names & {normalize(noun) for noun, _ in ASKER._lexicon.unseen()}
