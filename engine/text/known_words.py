"""Which words are known: names in a text, slips of the pen, and what comes nearest to a text that holds none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from engine.text.grammar import Grammar
from engine.text.kana import kana_key, kana_runs
from engine.text.negation import language_of, negated_spans
from engine.text.normalize import normalize
from engine.text.vocabulary import (
    ACAPELLA,
    EVERYDAY_NAMES,
    FUNCTION_WORDS,
    FURTHER_INSTRUMENTS,
    INSTRUMENTAL,
    MISSPELT_EVERYDAY_NAMES,
    MUSIC_WORDS,
    NO_TYPOS,
    SOUNDS,
)

FEWEST_NAMES = 100  # a bundle that lists fewer cannot tell what is known, and nothing is refused for it
SUGGESTIONS = 3
USUAL = ("vocals", "drums", "bass", "guitar", "piano")  # suggested where nothing is near
NEAR_SCORE = 70.0  # 0 to 100, of a suggestion
SHORTEST_FOREIGN = 5  # letters of a noun of another language that a slip of the pen is mended to

LONGEST_NAME = 6  # words

_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_PART = re.compile(
    r"\s*[,;、，・/&+]\s*|\s+(?:and|or|plus|with|without|but|not|no|except|und|oder|mit|ohne|ausser|et|ou|avec|sans|sauf|y|o|"
    r"con|sin|e|senza)\s+",
    re.IGNORECASE,
)
_LONGEST_CORRECTED = 8  # words of a part; longer ones are descriptions, not names


# Nouns that are so like plain words of English that nothing is mended to them.
NOT_SURE = {"becken", "charles", "charley", "campane", "locucion", "locutor", "parole", "nappe", "sprache", "narrador"}


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
        self._english = dict.fromkeys([*plain, *map(normalize, names), *FURTHER_INSTRUMENTS])
        self._foreign = {noun: normalize(english) for noun, english in foreign.items()}
        ones = {_singular(name): name for name in self._english if name not in EVERYDAY_NAMES}
        self._english_of = {one: name for one, name in ones.items() if one not in self._foreign and len(one) > 3}
        self._english_of |= dict.fromkeys(self._english, "")
        asked = [name for name in (*INSTRUMENTAL, *ACAPELLA, "everything", "other", "others") if name.isascii()]
        self._phrases = [name for name in asked if " " in name]
        every = (*self._english, *sorted(EVERYDAY_NAMES), *self._foreign)
        self._names = [name for name in every if name.isascii() and name not in NOT_SURE]
        meant = [*USUAL, *self._english, *sorted(MISSPELT_EVERYDAY_NAMES), *asked]
        meant += [name for name in self._foreign if len(name) >= SHORTEST_FOREIGN and name not in NOT_SURE]
        self._single = [name for name in dict.fromkeys(meant) if name.isascii() and name.isalpha() and len(name) > 3]
        several = [name for name in (*self._names, *self._phrases) if " " in name]
        self._joined = {name.replace(" ", ""): name for name in several if not name.replace(" ", "").isdigit()}
        self._inside = sorted({word for name in several for word in _WORD.findall(name) if len(word) > 3})
        parts = {word for name in (*self._names, *asked) for word in _WORD.findall(name) if len(word) > 2}
        self._words = (parts | MUSIC_WORDS | SOUNDS) - FUNCTION_WORDS
        others = {name for name in (*self._english, *self._foreign, *MUSIC_WORDS) if not name.isascii()}
        self._other_scripts = sorted(others, key=lambda name: (-len(name), name))
        self._kana = {kana_key(name): name for name in self._foreign if kana_runs(name) == [name]}

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
        found = self._names_of([word for word, _ in meant])
        if not found:
            found = [
                self._foreign[name]
                for name in self._other_scripts
                if name in key and len(name) > 1 and name in self._foreign
            ][:1]
        return tuple(dict.fromkeys(found))

    def denied_in(self, text: str) -> tuple[str, ...]:
        """English for the names that a few words hold and do not mean, each once, in order."""
        key = normalize(text)
        denied = negated_spans(key, language_of(key), short=True)
        names = [name for start, end in denied for name in self._names_of(_TOKEN.findall(key[start:end]))]
        return tuple(dict.fromkeys(names))

    def is_sound(self, text: str) -> bool:
        """True for a plain word for a sound that no instrument makes, such as rain."""
        return normalize(text) in SOUNDS

    def knows(self, text: str) -> bool:
        """True when a text holds a name or a plain word for sound."""
        key = normalize(text)
        words = set(_WORD.findall(key))
        return bool(
            self.names_in(text)
            or (words | set(map(_singular, words))) & self._words
            or any(name in key for name in self._other_scripts if len(name) > 1 or name == key)
        )

    def corrected(self, text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
        """A text with slips of the pen mended, and each as (as written, as meant).

        Only words that are not known, in a part of the text that holds no name: of "drums and voilin" the second; or
        beside a name that they belong to: of "acustic guitar" the first.
        """
        slips: dict[str, str] = {}
        if whole := self._phrase(text):
            return whole, ((text, whole),)
        for part in _PART.split(text):
            words = _WORD.findall(part)
            if len(words) > _LONGEST_CORRECTED:
                continue
            if self.names_in(part):
                slips |= self._beside_names(part, words)
                continue
            slips |= {word: meant for word in words if (meant := self._meant(word))}
            slips |= self._kana_slips(part)
        for word, meant in slips.items():
            text = (
                re.sub(rf"(?<![\w']){re.escape(word)}(?![\w'])", meant, text)
                if word.isascii() or word[0] < "ぁ"
                else (text.replace(word, meant))
            )
        return text, tuple(slips.items())

    def nearest(self, text: str) -> tuple[str, ...]:
        """English names that come nearest to a text, the nearest first; the usual ones where none does."""
        found = process.extract(
            normalize(text), self._names, scorer=fuzz.ratio, score_cutoff=NEAR_SCORE, limit=4 * SUGGESTIONS
        )
        said: dict[str, str] = {}
        for name, *_ in found:
            english = self.english(name)
            one = _singular(english)
            said.setdefault(one, one if one in self._english and name not in self._foreign else english)
        return tuple(said.values())[:SUGGESTIONS] or USUAL

    def _names_of(self, words: Sequence[str]) -> list[str]:
        tables = (self._english_of, self._foreign, dict.fromkeys(EVERYDAY_NAMES, ""))
        return next((names for table in tables if (names := _longest(words, table))), [])

    def _phrase(self, text: str) -> str:
        """The phrase of several words that a text was meant to be, such as "backing track"; "" for none."""
        key = normalize(text)
        if len(key) < 8 or " " not in key or key in self._phrases or self.names_in(text):
            return ""
        found = process.extractOne(key, self._phrases, scorer=OSA.distance, score_cutoff=2)
        return str(found[0]) if found and found[0][0] == key[0] else ""

    def _beside_names(self, part: str, words: Sequence[str]) -> dict[str, str]:
        """Words that make a name beside them a longer one, once they are mended."""
        found, known = {}, set(self.names_in(part))
        for word in words:
            meant = self._meant(word, self._inside)
            if meant and word.lower().startswith(meant):  # a jazzy bass is not a jazz bass
                continue
            said = re.sub(rf"(?<![\w']){re.escape(word)}(?![\w'])", meant, part) if meant else part
            if any(meant in name.split() for name in set(self.names_in(said)) - known if " " in name):
                found[word] = meant
        return found

    def _kana_slips(self, part: str) -> dict[str, str]:
        """Japanese words with a long vowel, a small letter or one other letter amiss."""
        found = {}
        for run in kana_runs(part):
            key = kana_key(run)
            near = process.extractOne(key, list(self._kana), scorer=OSA.distance, score_cutoff=int(len(key) > 3))
            if near is not None and self._kana[near[0]] != run:
                found[run] = self._kana[near[0]]
                break
        return found

    def _meant(self, written: str, among: Sequence[str] = ()) -> str:
        """The name that a word was meant to be, "" for none: the same first letter, and a letter or two amiss."""
        word = normalize(written)
        if not word.isascii() or len(word) < 3 or {word, _singular(word)} & (self._words | NO_TYPOS | FUNCTION_WORDS):
            return ""
        if joined := self._joined.get(word, "") if not among else "":
            return joined
        amiss = 1 if len(word) < 7 else 2
        near = [name for name in (among or self._single) if name[0] == word[0] and (len(word) > 3 or len(name) == 4)]
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
            key = next((key for key in (name, _singular(name)) if key in english), "")
            if key:
                found.append(english[key] or name)
                at += size
                break
        else:
            at += 1
    return found


def _singular(word: str) -> str:
    return word if word.endswith("ss") else word.removesuffix("s")


@lru_cache(maxsize=8)
def known_words(grammar: Grammar) -> KnownWords:
    """Those of a grammar, made once."""
    return KnownWords(grammar.names, grammar.nouns)
