"""Names of instruments in long texts: English ones, and the nouns of the language a text is in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.text.negation import are_coordinated, is_negated, language_of, negated_spans
from engine.text.normalize import Span, normalize

SURE_LETTERS = 6  # a foreign noun this long is taken for one inside a sentence of unknown language

# Nouns that stories use for other things too: how they stand where they are instruments.
_EVERYDAY = {
    "flugel": r"(?:(?<=\bam )|(?<=\bder )|(?<=\bdem )|(?<=\bden )|(?<=\bzum ))flugel",
    "bajo": r"(?<!\bmas )(?<!\bmuy )(?<!\btan )bajo(?! (?:el|las?|los|una?|su|sus|es[ae]|est[ae]|mi|tu|cero)\b)",
    "clave": r"(?:(?<=\bel )|(?<=\bal )|(?<=\bdel ))clave(?! (?:de|del|para)\b)",
    "maderas": r"(?<=\blas )maderas",
    "metales": r"(?<=\blos )metales",
    "laminas": "(?!)",
    "bois": r"(?:(?<=\bles )|(?<=\baux ))bois",
    "chant": "(?!)",
    "nappe": "(?!)",
    "becken": "(?!)",
    "sprache": "(?!)",
    "klatschen": "(?!)",
    "hauptstimme": "(?!)",
    "caja": "(?!)",
    "bombo": "(?!)",
    "platillo": "(?!)",
    "platillos": "(?!)",
    "palmas": "(?!)",
    "charles": "(?!)",
    "charleston": "(?!)",
    "charley": "(?!)",
    "parole": "(?!)",
    "narrador": "(?!)",
    "narrateur": "(?!)",
    "sprecher": "(?!)",
    "sprecherin": "(?!)",
    "歌": "(?!)",
}
_ENDINGS = ("es", "en", "s", "n")  # of more than one, of nouns that are not English
_STARTS = r"(?:(?<![\w'])|(?<=\b[dl]'))"


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A name found in a normalized text: its span, its English, and whether it is negated."""

    span: Span
    english: str
    negated: bool


class NameFinder:
    """Finds names of instruments in normalized texts.

    Args:
        names: English names of everything that a prompt can name.
        nouns: language -> (normalized noun, its English); those that mean none of ``names`` are ignored.
    """

    def __init__(self, names: Sequence[str], nouns: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        self._names = {name: name for name in map(normalize, names)}
        self._nouns = nouns
        self._finders: dict[str, tuple[re.Pattern[str], dict[str, str]]] = {}

    def found(self, folded: str) -> list[NameMatch]:
        """Names in a text, in order; the longest where several begin at the same place.

        Nouns of the language of the text count; of every language where that is not clear, from ``SURE_LETTERS`` on.
        """
        language = language_of(folded)
        pattern, english = self._finder(language)
        spans = negated_spans(folded, language)
        found = list[NameMatch]()
        for match in pattern.finditer(folded):
            before = (found[-1].span, found[-1].negated) if found else None
            denied = is_negated(folded, match.span(), before, spans, language)
            found.append(NameMatch(match.span(), _looked_up(english, match[0]), denied))
        for index in range(len(found) - 2, -1, -1):  # "drums and bass were missing"
            name, after = found[index], found[index + 1]
            in_clause = any(start <= after.span[0] < end for start, end in spans)
            if after.negated and not in_clause and are_coordinated(folded, name.span, after.span):
                found[index] = NameMatch(name.span, name.english, True)
        return found

    def _finder(self, language: str) -> tuple[re.Pattern[str], dict[str, str]]:
        """The pattern for a language, and the English for each name."""
        if language not in self._finders:
            known = self._foreign(language) | self._names
            longest_first = sorted(known, key=lambda key: (-len(key), key))
            latin = "|".join(_listed(key, key in self._names) for key in longest_first if key.isascii())
            other = "|".join(_EVERYDAY.get(key, re.escape(key)) for key in longest_first if not key.isascii())
            rows = (rf"{_STARTS}(?:{latin})(?![\w'])" if latin else "", other)
            self._finders[language] = (re.compile("|".join(filter(None, rows)) or "(?!)"), known)
        return self._finders[language]

    def _foreign(self, language: str) -> dict[str, str]:
        """Nouns to look for in a text of a language, with their English."""
        if language == "en":
            return {}
        sure = language in self._nouns
        tables = [self._nouns[language]] if sure else self._nouns.values()
        rows = [row for table in tables for row in table if normalize(row[1]) in self._names]
        return {noun: english for noun, english in rows if sure or len(noun) >= SURE_LETTERS}


def _listed(name: str, is_english: bool) -> str:
    """Pattern for a name in Latin letters; nouns of other languages may have plural endings."""
    if is_english:
        return re.escape(name)
    return _EVERYDAY.get(name, re.escape(name)) + f"(?:{'|'.join(_ENDINGS)})?"


def _looked_up(english: Mapping[str, str], found: str) -> str:
    stems = (found, *(found.removesuffix(ending) for ending in _ENDINGS))
    return next(english[stem] for stem in stems if stem in english)
