"""Normalized spelling of a text, with a map back to the original, so that parts of the original can be cut out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

BREAK = "¶"  # what a blank line folds to

Span = tuple[int, int]  # of a folded text, from and past the last

SEPARATORS = " \t,;:.、，。・&+–—" + BREAK

# What is left of a prompt when all that it names is left out, and asks for nothing.
_ASKING = (
    "i we you do does did please and or with but just only is are was were there should be it want would like the a "
    "ich mochte will bitte und oder mit aber sondern es gibt soll wir je veux voudrais ne n il y avait et ou avec mais "
    "quiero por favor o con pero sino hay no not"
)
_EDGE = re.compile(
    r"(?:^|(?<=[,;、\s]))(?:and|or|with|but|und|oder|mit|aber|sondern|et|ou|avec|mais|y|o|con|pero|sino)(?=[\s,;]|$)",
    re.IGNORECASE,
)
_SPELLINGS = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "’": "'"})


@dataclass(frozen=True, slots=True)
class NormalizedText:
    """A text and its normalized spelling.

    Attributes:
        source: the text, with ``BREAK`` for a blank line.
        text: normalized.
        at: for every letter of ``text`` its position in ``source``, and one more for the end.
    """

    source: str
    text: str
    at: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> NormalizedText:
        """Normalize a text and keep the map to the original."""
        source = re.sub(r"\s*\n\s*\n\s*", f" {BREAK} ", unicodedata.normalize("NFKC", text).strip())
        kept, at = list[str](), list[int]()
        for index, character in enumerate(source):
            for letter in map(_bare, character.casefold().translate(_SPELLINGS)):
                letter = " " if letter == "-" or letter.isspace() else letter
                if letter != " " or kept[-1:] != [" "]:
                    kept.append(letter)
                    at.append(index)
        return cls(source, "".join(kept), (*at, len(source)))

    def cut(self, spans: Sequence[Span]) -> str:
        """The original without these spans of the normalized text."""
        gone = {index for start, end in spans for index in range(self.at[start], self.at[end])}
        return "".join(character for index, character in enumerate(self.source) if index not in gone)


def normalize(text: str) -> str:
    """Lower case, single spaces, no accents on Latin letters; other scripts keep their marks."""
    kept: list[str] = []
    for character in unicodedata.normalize("NFKC", text).casefold().translate(_SPELLINGS):
        kept.append(_bare(character))
    return " ".join("".join(kept).replace("-", " ").split())


def trim_prompt(text: str) -> str:
    """Strip separators and joining words from the edges of a prompt; "" when nothing is left."""
    text = re.sub(r"\(\s*\)", " ", text.replace(BREAK, " "))
    text = re.sub(r"\s*([,;、.])(?:\s*[,;、.])+", r"\1", " ".join(text.split()))
    before = None
    while before != text:
        before = text
        text = text.strip(SEPARATORS)
        for edge in _EDGE.finditer(text):
            if edge.start() == 0 or edge.end() == len(text):
                text = text[edge.end() :] if edge.start() == 0 else text[: edge.start()]
                break
    words = re.findall(r"\w+", normalize(text))
    return "" if set(words) <= set(_ASKING.split()) else text


def _bare(character: str) -> str:
    base = unicodedata.normalize("NFD", character)[0]
    return base if base.isascii() else character
