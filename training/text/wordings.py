"""``asks.json``: wordings and nouns of other languages, as a bundle carries them.

The layout is in ``resources/docs/BUNDLE.md``; ``engine/text/grammar.py`` reads it.
"""

from __future__ import annotations

import json
import tomllib

from engine.text.grammar import normalize
from training.text.captions import STORIES
from training.text.requests import LANGUAGES, RequestWriter, wording_rows

ASKS_FILE = "asks.json"
ARTICLES = (
    *("der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer"),
    *("el", "la", "los", "las", "un", "una", "unos", "unas", "del", "al"),
    *("le", "les", "une", "du", "de la", "des", "the", "a", "an"),
)


def foreign_nouns(asker: RequestWriter) -> dict[str, dict[str, str]]:
    """Language -> noun in its plain spelling -> English noun; without those that mean something in English already."""
    terms = asker.terms
    english = {normalize(noun) for term in terms for noun in asker.nouns(term)}
    return {
        language: {
            key: asker.plain_nouns(term)[0]
            for term in terms
            for noun in asker.nouns(term, language)
            if (key := normalize(noun)) not in english
        }
        for language in LANGUAGES
    }


def story_names(asker: RequestWriter) -> list[str]:
    """English names to look for in stories; without those that stories use for other things."""
    everyday = set(tomllib.loads(STORIES.read_text("utf-8"))["everyday"]["names"])
    named = {normalize(noun) for term in asker.terms for noun in asker.nouns(term)}
    return sorted(named - everyday)


def asks_json(asker: RequestWriter | None = None) -> str:
    """The text of ``asks.json``."""
    asker = asker or RequestWriter()
    table = {
        "wordings": wording_rows(),
        "nouns": foreign_nouns(asker),
        "articles": list(dict.fromkeys(ARTICLES)),
        "names": story_names(asker),
    }
    return json.dumps(table, indent=1, ensure_ascii=False) + "\n"
