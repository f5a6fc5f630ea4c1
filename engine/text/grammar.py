"""What a sentence asks for: which task it words, what it names, and that in English.

Everything is looked up in the tables of a bundle's ``asks.json``; wordings are plain text, never patterns, so a bundle
from a stranger can slow nobody down. What a sentence says that it does not mean is told by ``negation.py``.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import BundleError
from engine.text.names import SURE_LETTERS, NameFinder
from engine.text.negation import clauses_of, ends_negated, language_of, negated_spans, only_affirms
from engine.text.normalize import SEPARATORS, NormalizedText, Span, normalize, trim_prompt
from engine.text.vocabulary import ALONE, ARTICLES, NOUNS, WITHOUT

__all__ = ["ENGLISH", "LONGEST_WORDING", "Grammar", "ParsedPrompt", "Wording", "normalize"]

GRAMMAR_LIMIT_BYTES = 1 << 20
LONGEST_WORDING = 200  # characters
ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class ParsedPrompt:
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


class Grammar:
    """Wordings and nouns.

    Attributes:
        names: as given.
        nouns: language -> (noun in its plain spelling, English), the longest first.

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
        self.names = tuple(names)
        self._english = frozenset(map(normalize, names))
        self.nouns = {
            language: sorted(
                ((normalize(noun), english) for noun, english in table.items()), key=lambda row: -len(row[0])
            )
            for language, table in nouns.items()
        }
        said = "|".join(sorted((re.escape(normalize(word)) for word in articles), key=len, reverse=True))
        self._article = re.compile(rf"(?:{said})\s+|[ldu]n?'" if said else "(?!)")
        self._names = NameFinder(names, self.nouns)

    @classmethod
    def read(cls, raw: bytes, where: str) -> Grammar:
        """From the bytes of ``asks.json``, with the wordings and nouns that are known without it.

        Raises:
            BundleError: too large, or not what ``resources/docs/BUNDLE.md`` says.
        """
        try:
            if len(raw) > GRAMMAR_LIMIT_BYTES:
                raise ValueError(f"over {GRAMMAR_LIMIT_BYTES} bytes")
            data = json.loads(raw)
            wordings = [_wording(row) for row in data["wordings"]]
            nouns = {
                _text(language): {_text(noun): _text(english) for noun, english in table.items()}
                for language, table in data["nouns"].items()
            }
            articles, names = ([_text(word) for word in words] for words in (data["articles"], data.get("names", ())))
            every = {language: NOUNS.get(language, {}) | nouns.get(language, {}) for language in NOUNS | nouns}
            return cls(_with_further(wordings), every, [*articles, *ARTICLES], names)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BundleError(
                "{where} holds no wordings ({error}); get the bundle again", where=where, error=error
            ) from error

    def parse(self, text: str) -> ParsedPrompt:
        """The task that a wording asks for, and what it names; a text in no known wording is something to isolate."""
        said = " ".join(unicodedata.normalize("NFC", text).strip().rstrip(".!?。！？").split())
        for pattern, wording in self._patterns:
            if match := pattern.fullmatch(said):
                found = match.groupdict()
                wanted, unwanted = (
                    (found.get(place) or "").strip(SEPARATORS) for place in ("x", "y")
                )  # of "guitar, but not bass" the name is "guitar"
                return ParsedPrompt(wording.task, wanted, unwanted, wording.language)
        return ParsedPrompt("isolate", said)

    def names_in(self, text: str) -> list[str]:
        """English for the names that a text holds and means, each once, in order.

        The longest counts where several begin at one place; names that the text says it does not mean do not count.
        """
        found = self._names.found(NormalizedText.of(text).text)
        return list(dict.fromkeys(name.english for name in found if not name.negated))

    def without_negated(self, text: str) -> str:
        """A text without what it says that it does not mean, "" when nothing is left; else the text as it is.

        Of a text too long for a wording only what negates a name is left out.
        """
        if len(text) > LONGEST_WORDING:
            return self._story_meant(text)
        left = self._without_negated(text)
        while left != text:
            text, left = left, self._without_negated(left)
        return left

    def _without_negated(self, text: str) -> str:
        parsed = self.parse(text)
        if parsed.unwanted:
            return parsed.phrase
        inside = text if parsed.task == "remove" else parsed.phrase
        left = self._cut(inside)
        if left == inside and self._leaves_out(text):
            return ""
        return text if left == inside else left

    def _cut(self, text: str) -> str:
        folded = NormalizedText.of(text)
        language = language_of(folded.text)
        spans = negated_spans(folded.text, language, short=True)
        for start, end in clauses_of(folded.text):
            said = folded.source[folded.at[start] : folded.at[end]].strip(SEPARATORS)
            if self._leaves_out(said) or ends_negated(folded.text, (start, end), language):
                spans.append((start, end))
        return trim_prompt(folded.cut(spans)) if spans else text

    def _leaves_out(self, text: str) -> bool:
        """True for a wording of something to be taken out, but "no frills drumming" is none."""
        return self.parse(text).task == "remove" and not only_affirms(NormalizedText.of(text).text)

    def _story_meant(self, text: str) -> str:
        folded = NormalizedText.of(text)
        spans = negated_spans(folded.text, language_of(folded.text))
        gone = list[Span]()
        for name in self._names.found(folded.text):
            if name.negated:
                around = (span for span in spans if span[0] <= name.span[0] < span[1])
                gone.append(next(around, name.span))
        return trim_prompt(folded.cut(gone)) if gone else text

    def english(self, phrase: str, language: str = ENGLISH) -> str:
        """The same in English: the noun of another language that the phrase is or holds; else the phrase as it is.

        Args:
            phrase: what a parsed prompt names.
            language: of the wording around it; ``en`` means that the phrase may be of any.
        """
        key = normalize(phrase)
        bare = self._article.sub("", key, count=1) if self._article.match(key) else key
        tables = [self.nouns[language]] if language in self.nouns else list(self.nouns.values())
        for table in tables:
            for noun, english in table:
                if noun in (key, bare):
                    return english
        if bare in self._english and key not in self._english:
            return bare
        found = [row for table in tables for row in table if _holds(key, row[0], sure=language in self.nouns)]
        return max(found, key=lambda row: len(row[0]))[1] if found else phrase


def _holds(key: str, noun: str, sure: bool) -> bool:
    """True when a noun stands in a phrase: whole words of the Latin script, anywhere in others."""
    if noun not in key:
        return False
    if not noun.isascii():
        return len(noun) > 1 or sure
    if not sure and len(noun) < SURE_LETTERS:
        return False
    return f" {noun} " in f" {re.sub(r'[^a-z0-9]+', ' ', key)} "


def _with_further(own: Sequence[Wording]) -> list[Wording]:
    """Wordings of a bundle and those of the vocabulary, each before the first that says fewer letters."""
    rows = list(own)
    for task, table in (("remove", WITHOUT), ("isolate", ALONE)):
        for language, said in table.items():
            for say in said:
                at = next((at for at, row in enumerate(rows) if _letters(row.say) < _letters(say)), len(rows))
                rows.insert(at, Wording(say, task, language))
    return rows


def _letters(say: str) -> int:
    return len(re.sub(r"(the )?\{\w\}", "", say))


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
    said = re.sub(r"\bthe\\ (?=\(\?P)", r"(?:(?:the|any|all|all\\ the)\\ )?", said)  # "except drums" means the same
    return re.compile(said, re.IGNORECASE)
