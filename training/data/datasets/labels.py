"""Map a data set's names of stems to our families."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from training.data.instruments import families, groups
from training.data.piece import OTHER
from training.text.lexicon import LEXICON, normal_form


@cache
def _table() -> dict[str, dict[str, str]]:
    return tomllib.loads(Path(__file__).with_name("labels.toml").read_text("utf-8"))


@cache
def _spoken() -> dict[str, str]:
    """Every noun of the lexicon and the family or group it names; a part is what it is a part of, speech is neither."""
    table: dict[str, Any] = tomllib.loads(LEXICON.read_text("utf-8"))["terms"]
    return {normal_form(name): _whole(term, row) for term, row in table.items() for name in (term, *row["names"])}


def _whole(term: str, row: dict[str, Any]) -> str:
    if "of" not in row:
        return term
    return str(row["of"]) if row["of"] in families() else OTHER


@cache
def _programs() -> dict[int, str]:
    """General MIDI program -> family."""
    return {number: f.name for f in families().values() for bank, number in f.presets if bank == 0}


def term_of(kind: str, label: str) -> str:
    """Our family or group for a data set's label; ``other`` when there is none."""
    return _table()[kind].get(label, OTHER)


def term_of_program(number: int, inst_class: str, is_drum: bool) -> str:
    """Our family or group for a MIDI program."""
    if is_drum:
        return "drums"
    return _programs().get(number) or _table()["slakh"].get(inst_class, OTHER)


def term_of_words(words: str) -> str:
    """Our family or group for a file name such as ``02_Lead Vocals``: the longest noun of the lexicon in it."""
    plain = normal_form(re.sub(r"[\d_.()\[\]]+", " ", words)).split()
    for size in range(len(plain), 0, -1):
        for first in range(len(plain) - size + 1):
            if term := _spoken().get(" ".join(plain[first : first + size])):
                return term
    return OTHER


def family_of(term: str) -> str:
    """The family a cache names for a term: itself, or the usual member of a group."""
    return term if term in families() else _table()["usual"].get(term, OTHER) if term in groups() else OTHER
