"""What is written short, in full: "gtr" is a guitar, "bg vox" are backing vocals; and names of several sounds."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.text.vocabulary import SEPARATED_AS, SHORTHAND

_ONE_WORD = r"(?:\.(?=\s)|(?![\w'-]))"  # ends here, perhaps with the full stop of an abbreviation
_WHOLE_NAME = (
    r"(?![\w'-])(?!\s+(?!(?:and|or|but|plus|only|please)\b)\w)"  # and is no part of another: drum machine kick
)


def in_full(text: str) -> str:
    """A text with the words that are meant in the place of their abbreviations."""
    return _replaced(text, SHORTHAND, _SHORT)


def separated_as(text: str) -> str:
    """A text with what is taken out of a mix in the place of names for it that say something else to the networks."""
    return _replaced(text, SEPARATED_AS, _NAMES)


def _replaced(text: str, table: Mapping[str, str], pattern: re.Pattern[str]) -> str:
    meant = {_key(said): meant for said, meant in table.items()}
    return pattern.sub(lambda match: meant[_key(match[0])], text)


def _pattern(table: Mapping[str, str], end: str) -> re.Pattern[str]:
    longest_first = sorted(table, key=len, reverse=True)
    said = "|".join(r"[\s_-]*".join(map(re.escape, one.split())) for one in longest_first)
    return re.compile(rf"(?<![\w'-])(?:{said}){end}", re.IGNORECASE)


def _key(said: str) -> str:
    return re.sub(r"[\s._-]", "", said).lower()


_SHORT, _NAMES = _pattern(SHORTHAND, _ONE_WORD), _pattern(SEPARATED_AS, _WHOLE_NAME)
