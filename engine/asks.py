"""What a sentence asks for: which task it words, what it names, and that in English.

Everything is looked up in the tables of a bundle's ``asks.json``; wordings are plain text, never patterns, so a bundle
from a stranger can slow nobody down. Knows nothing of tasks, tokens or graphs.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import BundleError

ASKS_LIMIT_BYTES = 1 << 20
LONGEST_WORDING = 200  # characters
SURE_LETTERS = 6  # a foreign noun this long is taken for one inside a sentence of unknown language
ENGLISH = "en"

_SPELLINGS = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "’": "'"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What a text was understood as.

    Attributes:
        task: row of the engine's task table that the wording asks for.
        phrase: what it names, as written.
        unwanted: what it expressly does not mean ("the cello, not the violin"), as written; "" for nothing.
        language: two letters, of the wording.
    """

    task: str
    phrase: str
    unwanted: str = ""
    language: str = ENGLISH


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to ask: ``say`` with ``{x}`` where the name stands, and ``{y}`` for what is not meant."""

    say: str
    task: str
    language: str


class Asks:
    """Wordings and nouns.

    Args:
        wordings: the first that fits decides, so "everything but the {x}" comes before "the {x}".
        nouns: language -> noun there -> English phrase for the same.
        articles: words that may stand before a noun, such as "die" or "la".
        names: English names of everything that can be asked for, to find them in long texts.
    """

    def __init__(
        self,
        wordings: Sequence[Wording],
        nouns: Mapping[str, Mapping[str, str]],
        articles: Sequence[str],
        names: Sequence[str] = (),
    ) -> None:
        self._patterns = [(_pattern(wording.say), wording) for wording in wordings]
        self._nouns = {
            language: sorted(((plain(noun), english) for noun, english in table.items()), key=lambda row: -len(row[0]))
            for language, table in nouns.items()
        }
        said = "|".join(sorted((re.escape(plain(word)) for word in articles), key=len, reverse=True))
        self._article = re.compile(rf"(?:{said})\s+|[ldu]n?'" if said else "(?!)")
        longest_first = sorted({plain(name) for name in names}, key=lambda name: (-len(name), name))
        listed = "|".join(re.escape(name) for name in longest_first)
        self._names = re.compile(rf"(?<![\w'])(?:{listed})(?![\w'])" if listed else "(?!)")

    @classmethod
    def read(cls, raw: bytes, where: str) -> Asks:
        """From the bytes of ``asks.json``.

        Raises:
            BundleError: too large, or not what ``resources/docs/BUNDLE.md`` says.
        """
        try:
            if len(raw) > ASKS_LIMIT_BYTES:
                raise ValueError(f"over {ASKS_LIMIT_BYTES} bytes")
            data = json.loads(raw)
            wordings = [_wording(row) for row in data["wordings"]]
            nouns = {
                _text(language): {_text(noun): _text(english) for noun, english in table.items()}
                for language, table in data["nouns"].items()
            }
            articles, names = ([_text(word) for word in words] for words in (data["articles"], data.get("names", ())))
            return cls(wordings, nouns, articles, names)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BundleError(f"{where} holds no wordings ({error}); get the bundle again") from error

    def understand(self, text: str) -> Wish:
        """The task that a wording asks for, and what it names; a text in no known wording is something to isolate."""
        said = " ".join(unicodedata.normalize("NFC", text).strip().rstrip(".!?。！？").split())
        for pattern, wording in self._patterns:
            if match := pattern.fullmatch(said):
                found = match.groupdict()
                return Wish(wording.task, found["x"], found.get("y") or "", wording.language)
        return Wish("isolate", said)

    def names_in(self, text: str) -> list[str]:
        """English names that a text holds, the longest where several begin at one place, each once, in order."""
        return list(dict.fromkeys(match[0] for match in self._names.finditer(plain(text))))

    def english(self, phrase: str, language: str = ENGLISH) -> str:
        """The same in English: the noun of another language that the phrase is or holds; else the phrase as it is.

        Args:
            phrase: what a wish names.
            language: of the wording around it; ``en`` means that the phrase may be of any.
        """
        key = plain(phrase)
        bare = self._article.sub("", key, count=1) if self._article.match(key) else key
        tables = [self._nouns[language]] if language in self._nouns else list(self._nouns.values())
        for table in tables:
            for noun, english in table:
                if noun in (key, bare):
                    return english
        found = [row for table in tables for row in table if _holds(key, row[0], sure=language in self._nouns)]
        return max(found, key=lambda row: len(row[0]))[1] if found else phrase


def plain(text: str) -> str:
    """Lower case, single spaces, no accents on Latin letters; other scripts keep their marks."""
    kept: list[str] = []
    for character in unicodedata.normalize("NFKC", text).casefold().translate(_SPELLINGS):
        base = unicodedata.normalize("NFD", character)[0]
        kept.append(base if base.isascii() else character)
    return " ".join("".join(kept).replace("-", " ").split())


def _holds(key: str, noun: str, sure: bool) -> bool:
    """True when a noun stands in a phrase: whole words of the Latin script, anywhere in others."""
    if noun not in key:
        return False
    if not noun.isascii():
        return len(noun) > 1 or sure
    if not sure and len(noun) < SURE_LETTERS:
        return False
    return f" {noun} " in f" {re.sub(r'[^a-z0-9]+', ' ', key)} "


def _wording(row: Mapping[str, Any]) -> Wording:
    say, task, language = (_text(row[key]) for key in ("say", "task", "language"))
    if say.count("{x}") != 1 or say.count("{y}") > 1:
        raise ValueError(f"the wording {say!r} needs one {{x}} and at most one {{y}}")
    return Wording(say, task, language)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > LONGEST_WORDING:
        raise ValueError(f"{str(value)[:LONGEST_WORDING]!r} is no short text")
    return value


def _pattern(say: str) -> re.Pattern[str]:
    said = re.escape(say).replace(r"\{x\}", "(?P<x>.+?)").replace(r"\{y\}", "(?P<y>.+?)")
    said = re.sub(r"\bthe\\ (?=\(\?P)", r"(?:(?:the|any|all|all\\ the)\\ )?", said)  # "except drums" is the same wish
    return re.compile(said, re.IGNORECASE)
