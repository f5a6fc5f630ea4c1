"""Which words are known: names in a text, slips of the pen, and what comes nearest to a text that holds none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from engine.text.grammar import Grammar
from engine.text.negation import language_of, negated_spans
from engine.text.normalize import normalize
from engine.text.vocabulary import ACAPELLA, EVERYDAY_NAMES, FUNCTION_WORDS, INSTRUMENTAL, MUSIC_WORDS, NO_TYPOS

FEWEST_NAMES = 100  # a bundle that lists fewer cannot tell what is known, and nothing is refused for it
SUGGESTIONS = 3
USUAL = ("vocals", "drums", "bass", "guitar", "piano")  # suggested where nothing is near
NEAR_SCORE = 70.0  # 0 to 100, of a suggestion

LONGEST_NAME = 6  # words

_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_PART = re.compile(
    r"\s*[,;、，・/&+]\s*|\s+(?:and|or|plus|with|without|but|not|no|except|und|oder|mit|ohne|ausser|et|ou|avec|sans|sauf|y|o|"
    r"con|sin|e|senza)\s+",
    re.IGNORECASE,
)
_LONGEST_CORRECTED = 8  # words of a part; longer ones are descriptions, not names


class KnownWords:
    """The names of a grammar and the plain words of the vocabulary.

    Args:
        names: English names of everything that can be named.
        nouns: language -> (normalized noun, its English).
    """

    def __init__(self, names: Sequence[str], nouns: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        foreign = {noun: english for table in nouns.values() for noun, english in table}
        plain = list(dict.fromkeys(map(normalize, foreign.values())))
        self.complete = len(names) >= FEWEST_NAMES
        self._english = dict.fromkeys([*plain, *map(normalize, names)])
        self._foreign = {noun: normalize(english) for noun, english in foreign.items()}
        latin = [name for name in (*self._english, *EVERYDAY_NAMES, *self._foreign) if name.isascii()]
        asked = [name for name in (*INSTRUMENTAL, *ACAPELLA) if name.isascii() and name.isalpha()]
        self._names = latin
        self._single = list(dict.fromkeys(name for name in (*latin, *asked) if name.isalpha() and len(name) > 3))
        parts = {word for name in (*latin, *asked) for word in _WORD.findall(name) if len(word) > 2}
        self._words = (parts | MUSIC_WORDS) - FUNCTION_WORDS
        every = {*self._english, *self._foreign, *MUSIC_WORDS}
        self._other_scripts = sorted(
            (name for name in every if not name.isascii()), key=lambda name: (-len(name), name)
        )

    def english(self, phrase: str) -> str:
        """English of a phrase that is a name as a whole; "" when it is none."""
        key = normalize(phrase)
        return key if key in self._english or key in EVERYDAY_NAMES else self._foreign.get(key, "")

    def names_in(self, text: str) -> tuple[str, ...]:
        """English for the names that a few words hold and mean, each once, in order.

        English ones count before those of other languages, and before words that are names only when they stand alone.
        """
        key = normalize(text)
        if whole := self.english(key):
            return (whole,)
        denied = negated_spans(key, language_of(key), short=True)
        meant = [
            (word[0], word.start())
            for word in _TOKEN.finditer(key)
            if not any(start <= word.start() < end for start, end in denied)
        ]
        tables = (dict.fromkeys(self._english, ""), self._foreign, dict.fromkeys(EVERYDAY_NAMES, ""))
        found = next((names for table in tables if (names := _longest([word for word, _ in meant], table))), [])
        if not found:
            found = [
                self._foreign[name]
                for name in self._other_scripts
                if name in key and len(name) > 1 and name in self._foreign
            ][:1]
        return tuple(dict.fromkeys(found))

    def knows(self, text: str) -> bool:
        """True when a text holds a name or a plain word for sound."""
        key = normalize(text)
        words = set(_WORD.findall(key))
        return bool(
            self.names_in(text)
            or (words | {word.removesuffix("s") for word in words}) & self._words
            or any(name in key for name in self._other_scripts if len(name) > 1 or name == key)
        )

    def corrected(self, text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
        """A text with slips of the pen mended, and each as (as written, as meant).

        Only words that are not known, in a part of the text that holds no name: of "drums and voilin" the second.
        """
        slips: dict[str, str] = {}
        for part in _PART.split(text):
            words = _WORD.findall(part)
            if len(words) > _LONGEST_CORRECTED or self.names_in(part):
                continue
            slips |= {word: meant for word in words if (meant := self._meant(word))}
        for word, meant in slips.items():
            text = re.sub(rf"(?<![\w']){re.escape(word)}(?![\w'])", meant, text)
        return text, tuple(slips.items())

    def nearest(self, text: str) -> tuple[str, ...]:
        """Names that come nearest to a text, the nearest first; the usual ones where none does."""
        found = process.extract(
            normalize(text), self._names, scorer=fuzz.ratio, score_cutoff=NEAR_SCORE, limit=SUGGESTIONS
        )
        return tuple(dict.fromkeys(name for name, *_ in found)) or USUAL

    def _meant(self, written: str) -> str:
        """The name that a word was meant to be, "" for none: the same first letter, and a letter or two amiss."""
        word = normalize(written)
        if (
            not word.isascii()
            or len(word) < 3
            or {word, word.removesuffix("s")} & (self._words | NO_TYPOS | FUNCTION_WORDS)
        ):
            return ""
        amiss = 1 if len(word) < 7 else 2
        near = [name for name in self._single if name[0] == word[0] and (len(word) > 3 or len(name) == 4)]
        found = process.extractOne(word, near, scorer=OSA.distance, score_cutoff=amiss)
        if found is None:
            return ""
        meant = str(found[0])
        return meant.capitalize() if written.istitle() else meant


def _longest(words: Sequence[str], english: Mapping[str, str]) -> list[str]:
    """English of the names in a row of words, the longest where several begin at one place."""
    found, at = list[str](), 0
    while at < len(words):
        for size in range(min(LONGEST_NAME, len(words) - at), 0, -1):
            name = " ".join(words[at : at + size])
            key = next((key for key in (name, name.removesuffix("s")) if key in english), "")
            if key:
                found.append(english[key] or name)
                at += size
                break
        else:
            at += 1
    return found


@lru_cache(maxsize=8)
def known_words(grammar: Grammar) -> KnownWords:
    """Those of a grammar, made once."""
    return KnownWords(grammar.names, grammar.nouns)
