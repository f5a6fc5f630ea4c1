"""What a sentence asks for, read from a bundle's table."""

import json

import pytest

from engine.errors import BundleError
from engine.text.grammar import Grammar, normalize

TABLE = {
    "wordings": [
        {"say": "everything except the {x}", "task": "remove", "language": "en"},
        {"say": "the {x}, not the {y}", "task": "isolate", "language": "en"},
        {"say": "alles außer {x}", "task": "remove", "language": "de"},
        {"say": "{x}なし", "task": "remove", "language": "ja"},
        {"say": "the {x}", "task": "isolate", "language": "en"},
    ],
    "nouns": {
        "de": {"geige": "violin", "schlagzeug": "drums"},
        "fr": {"alto a cordes": "viola", "bois": "woodwinds"},
        "ja": {"バイオリン": "violin", "ハープ": "harp", "箏": "koto"},
    },
    "articles": ["die", "das", "la"],
    "names": ["cello", "drum kit", "drum", "kit", "Upright-Bass"],
}
GRAMMAR = Grammar.read(json.dumps(TABLE).encode(), "asks.json")


@pytest.mark.parametrize(
    ("text", "task", "phrase", "unwanted", "language"),
    [
        ("Everything except the drums.", "remove", "drums", "", "en"),
        ("everything except  drums", "remove", "drums", "", "en"),
        ("everything except any drums", "remove", "drums", "", "en"),
        ("the cello, not the violin", "isolate", "cello", "violin", "en"),
        ("alles außer Schlagzeug", "remove", "Schlagzeug", "", "de"),
        ("バイオリンなし", "remove", "バイオリン", "", "ja"),
        ("the violin", "isolate", "violin", "", "en"),
        ("upright bass", "isolate", "upright bass", "", "en"),
        ("", "isolate", "", "", "en"),
    ],
)
def test_a_wording_is_a_task_and_a_name(text, task, phrase, unwanted, language):
    parsed = GRAMMAR.parse(text)
    assert (parsed.task, parsed.phrase, parsed.unwanted, parsed.language) == (task, phrase, unwanted, language)


@pytest.mark.parametrize(
    ("phrase", "language", "english"),
    [
        ("Geige", "en", "violin"),
        ("die Geige", "de", "violin"),
        ("la Geige", "en", "violin"),
        ("l'alto à cordes", "en", "viola"),
        ("l’alto à cordes", "en", "viola"),
        ("ALTO À CORDES", "fr", "viola"),
        ("das leise Schlagzeug links", "en", "drums"),
        ("バイオリン", "ja", "violin"),
        ("静かなバイオリン", "en", "violin"),
        ("箏", "en", "koto"),
        ("bois", "en", "woodwinds"),
        ("Geige", "fr", "Geige"),
        ("dubois theme", "en", "dubois theme"),
        ("the bois tune", "en", "the bois tune"),
        ("electric guitar on the left", "en", "electric guitar on the left"),
    ],
)
def test_a_noun_of_another_language_becomes_the_english_one(phrase, language, english):
    assert GRAMMAR.english(phrase, language) == english


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A boy took out a cello, and the Cello sang.", ["cello"]),
        ("It sounded like a drum kit; then the upright bass came.", ["drum kit", "upright bass"]),
        ("drumming cellos kits", []),
        ("", []),
    ],
)
def test_a_long_text_is_searched_for_names(text, names):
    assert GRAMMAR.names_in(text) == names


def test_accents_matter_in_japanese_only():
    assert normalize("Violín  Électrique") == "violin electrique"
    assert normalize("バ") != normalize("ハ") != normalize("パ")
    assert normalize("ﾊﾞｲｵﾘﾝ") == "バイオリン"
    assert normalize("chœur Straße") == "choeur strasse"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"wordings": [], "nouns": {}}',
        json.dumps({**TABLE, "wordings": [{"say": "no place", "task": "remove", "language": "en"}]}).encode(),
        json.dumps({**TABLE, "wordings": [{"say": "{x} {x}", "task": "remove", "language": "en"}]}).encode(),
        json.dumps({**TABLE, "nouns": {"de": {"geige": 3}}}).encode(),
        json.dumps({**TABLE, "nouns": {"de": ["geige"]}}).encode(),
        json.dumps({**TABLE, "articles": ["x" * 1000]}).encode(),
        b" " * (1 << 20) + b"{}",
    ],
)
def test_a_table_that_is_none_is_refused_by_name(raw):
    with pytest.raises(BundleError, match=r"^b/asks\.json holds no wordings .*get the bundle again$"):
        Grammar.read(raw, "b/asks.json")


def test_a_wording_is_text_and_never_a_pattern():
    table = {**TABLE, "wordings": [{"say": "(a+)+ {x}", "task": "remove", "language": "en"}]}
    grammar = Grammar.read(json.dumps(table).encode(), "asks.json")
    assert grammar.parse("(a+)+ b").task == "remove"
    assert grammar.parse("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa! b").task == "isolate"
