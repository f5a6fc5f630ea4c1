"""Requests with a known answer: which stems of a mix a sentence names, and which task it asks for.

A *description* is a noun with facts around it ("the quiet guitar on the left"). It is true by construction: its facts
hold for the stems it names and for no other stem of the mix. A *request* is a description inside the wording of a task;
exclusions ("everything except the drums", "no vocals") are wordings of ``remove``. ``understand`` goes the other way.

Held out: wordings listed as such, and of all other requests those whose text hashes that way, as in lexicon.py. What
lexicon.py holds out or trains on keeps its side.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.text.grammar import Grammar, ParsedPrompt, Wording
from training.data.instruments import families, groups
from training.text.lexicon import COMMON_NAMES, LEXICON, Lexicon, digest, normal_form
from training.typing import Rng

GRAMMAR, WORLD = LEXICON.with_name("lexicon_asks.toml"), LEXICON.with_name("lexicon_world.toml")
LANGUAGES = ("de", "es", "fr", "ja")
FACTS = ("role", "register", "style", "loudness", "position", "entry")
AFTER_NOUN = ("position", "entry")
FACT_SHARE = 0.3  # chance of a fact that is not needed to be named all the same
MOST_FACTS = 3
LOUDER_DB = 5.0  # than every other stem, to be called loud or quiet
MOST_TRIES = 200


@dataclass(frozen=True, slots=True)
class StemFacts:
    """Facts of one stem; "" where unknown.

    Attributes:
        family: key of the instrument table, or another word for a stem that has no family.
        role, register, style: as in the cache's labels.
        position: left, centre or right.
        level_db: loudness in the mix.
        entry: late or early, for a stem that comes in late or leaves early.
    """

    family: str
    role: str = ""
    register: str = ""
    style: str = ""
    position: str = ""
    level_db: float | None = None
    entry: str = ""

    @classmethod
    def of(cls, label: Mapping[str, Any], level_db: float | None = None) -> StemFacts:
        """From a cache's label, old or new."""
        side = label.get("side")
        position = "" if side is None else "centre" if abs(side) < 0.15 else "" if abs(side) < 0.4 else _hand(side)
        style, entry = label.get("style", ""), label.get("entry", "")
        return cls(label["family"], label["role"], label["register"], style, position, level_db, entry)


def _hand(side: float) -> str:
    return "left" if side < 0 else "right"


@dataclass(frozen=True, slots=True)
class Description:
    """A noun and facts; ``term`` is a family or group, "" when a role stands for the instrument."""

    term: str
    facts: tuple[tuple[str, str], ...]

    def names(self, stems: Sequence[StemFacts]) -> tuple[int, ...]:
        """Numbers of the stems it is true of."""
        return tuple(k for k in range(len(stems)) if self._fits(stems, k))

    def _fits(self, stems: Sequence[StemFacts], k: int) -> bool:
        if self.term and stems[k].family not in _members(self.term):
            return False
        return all(fact_of(stems, k, kind) == value for kind, value in self.facts)


@dataclass(frozen=True, slots=True)
class LabelledRequest:
    """One request.

    Attributes:
        text: what the user types.
        task: row of the engine's task table.
        phrase: the part of the text that names something.
        targets: numbers of the stems it names.
        term: family or group it names; "" when only a role is named.
        language: en, de, es, fr or ja.
    """

    text: str
    task: str
    phrase: str
    targets: tuple[int, ...]
    term: str
    language: str = "en"


def _members(term: str) -> frozenset[str]:
    return groups().get(term, frozenset([term]))


def fact_of(stems: Sequence[StemFacts], k: int, kind: str) -> str:
    """A fact about a stem among others; "" when it has none of that kind."""
    stem = stems[k]
    if kind != "loudness":
        return str(getattr(stem, kind))
    others = [s.level_db for j, s in enumerate(stems) if j != k and s.level_db is not None]
    if stem.level_db is None or not others:
        return ""
    if stem.level_db > max(others) + LOUDER_DB:
        return "loud"
    return "quiet" if stem.level_db < min(others) - LOUDER_DB else ""


class RequestWriter:
    """Draws requests about mixes."""

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self._lexicon = lexicon or Lexicon.load()
        self._table = _table(GRAMMAR)
        self._world = _table(WORLD)
        names = {term: row["names"] for term, row in _table(LEXICON)["terms"].items()}
        seen = {t: {p for s in ("train", "held") for p in self._lexicon.pools[t, s].bare} for t in names}
        self._nouns = {term: [n for n in nouns if n in seen[term]] for term, nouns in names.items()}
        self._sides = _shipped_sides() if self._lexicon is Lexicon.load() else _sides(self._lexicon)

    @property
    def terms(self) -> tuple[str, ...]:
        """Everything that has a name: families, groups and parts."""
        return self._lexicon.terms

    def nouns(self, term: str, language: str = "en") -> list[str]:
        """Nouns for a term; in English without those that lexicon.py keeps unseen."""
        return list(self._nouns[term] if language == "en" else self._world["terms"][term][language])

    def plain_nouns(self, term: str) -> list[str]:
        """The common English names of a term, which say nothing of it but what it is."""
        return self._nouns[term][:COMMON_NAMES]

    def split_of(self, text: str, held_frame: bool = False) -> str:
        """``train`` or ``held``: the side of a request."""
        normal = normal_form(text)
        return "held" if held_frame else self._sides.get(normal) or ("held" if digest(normal) & 1 else "train")

    def describe(self, rng: Rng, stems: Sequence[StemFacts], target: int) -> Description | None:
        """A true description of a stem and as few others as can be; None when it has no name at all."""
        family = stems[target].family
        term = ""
        if family in families():
            wider = families()[family].groups
            term = str(rng.choice(wider)) if wider and rng.random() < 0.2 else family
        role_noun = stems[target].role in self._table["nouns"]
        if role_noun and (not term or rng.random() < 0.25):
            term = ""
        elif not term:
            return None
        known = [(k, v) for k in FACTS if (v := fact_of(stems, target, k)) and self._sayable(k, v, family)]
        order = [known[k] for k in rng.permutation(len(known))] if known else []
        facts = [] if term else [("role", stems[target].role)]
        for fact in order:
            alone = len(Description(term, tuple(facts)).names(stems)) == 1
            if fact not in facts and len(facts) < MOST_FACTS and (not alone or rng.random() < FACT_SHARE):
                facts.append(fact)
        return Description(term, tuple(facts))

    def _sayable(self, kind: str, value: str, name: str) -> bool:
        """Nobody says "high drums"; some roles have no adjective."""
        family = families().get(name)
        drums = family is not None and family.drums
        return value in self._table["words"][kind] and not (drums and kind in ("role", "register"))

    def say(self, rng: Rng, description: Description) -> str:
        """A description in words, without an article."""
        before: list[str] = []
        after: list[str] = []
        for kind, value in description.facts:
            if kind == "role" and not description.term:
                continue
            word = _pick(rng, self._table["words"][kind][value])
            (after if kind in AFTER_NOUN else before).append(word)
        role = dict(description.facts).get("role", "")
        noun = _pick(rng, self._nouns[description.term] if description.term else self._table["nouns"][role])
        return " ".join([*before, noun, *after])

    def draw(self, rng: Rng, stems: Sequence[StemFacts], split: str, task: str | None = None) -> LabelledRequest | None:
        """One English request about a mix.

        Args:
            stems: what is in the mix.
            split: ``train`` or ``held``.
            task: a task that has wordings; None draws isolate or remove.

        Returns:
            the request; None when nothing in the mix can be named.
        """
        for _ in range(MOST_TRIES):
            target = int(rng.integers(len(stems)))
            description = self.describe(rng, stems, target)
            if description is None:
                continue
            chosen = task or ("remove" if rng.random() < 0.35 else "isolate")
            frame, held_frame = self._frame(rng, self._table["frames"], chosen, split)
            phrase = self.say(rng, description)
            text = frame.replace("{x}", phrase)
            if self.split_of(text, held_frame) == split:
                return LabelledRequest(text, chosen, phrase, description.names(stems), description.term)
        return None

    def contrast(self, rng: Rng, stems: Sequence[StemFacts], split: str) -> LabelledRequest | None:
        """A request that names one thing and expressly not another: "the cello, not the violin"."""
        for _ in range(MOST_TRIES if len(stems) > 1 else 0):
            pair = rng.permutation(len(stems))[:2]
            wanted, other = (self.describe(rng, stems, int(k)) for k in pair)
            if wanted is None or other is None or set(wanted.names(stems)) & set(other.names(stems)):
                continue
            frame, held_frame = self._frame(rng, self._table["frames"], "contrast", split)
            phrase = self.say(rng, wanted)
            text = frame.replace("{x}", phrase).replace("{y}", self.say(rng, other))
            if self.split_of(text, held_frame) == split:
                return LabelledRequest(text, "isolate", phrase, wanted.names(stems), wanted.term)
        return None

    def abroad(self, rng: Rng, stems: Sequence[StemFacts], split: str, language: str) -> LabelledRequest | None:
        """A request in another language: a noun alone or in a wording of isolate or remove."""
        named = [s.family for s in stems if s.family in families()]
        for _ in range(MOST_TRIES if named else 0):
            family = named[int(rng.integers(len(named)))]
            wider = families()[family].groups
            term = str(rng.choice(wider)) if wider and rng.random() < 0.15 else family
            noun = _pick(rng, self._world["terms"][term][language])
            task = "remove" if rng.random() < 0.35 else "isolate"
            frame, held_frame = self._frame(rng, self._world["frames"][language], task, split)
            text = noun if task == "isolate" and rng.random() < 0.3 else frame.replace("{x}", noun)
            if self.split_of(text, held_frame and text != noun) == split:
                return LabelledRequest(text, task, noun, Description(term, ()).names(stems), term, language)
        return None

    def _frame(self, rng: Rng, frames: Mapping[str, list[str]], task: str, split: str) -> tuple[str, bool]:
        held = frames.get(f"{task}_held", []) if split == "held" else []
        pool = [(frame, False) for frame in frames[task]] + [(frame, True) for frame in held]
        return pool[int(rng.integers(len(pool)))]


def _sides(lexicon: Lexicon) -> dict[str, str]:
    """Texts whose side a lexicon has decided, with that side."""
    pools = lexicon.pools.items()
    return {normal_form(p): split for (_, split), pool in pools for p in (*pool.bare, *pool.framed)}


@cache
def _shipped_sides() -> dict[str, str]:
    return _sides(Lexicon.load())


def wording_rows() -> list[dict[str, str]]:
    """Every wording as a row of ``asks.json``, the most words first: "everything but the" is not taken for "the"."""
    rows = [(frame, task, "en") for task, row in _table(GRAMMAR)["frames"].items() for frame in row]
    for language, tasks in _table(WORLD)["frames"].items():
        rows += [(frame, task, language) for task, row in tasks.items() for frame in row]
    rows.sort(key=lambda row: -len(re.sub(r"(the )?\{\w\}", "", row[0])))
    named = ((frame, task.removesuffix("_held"), language) for frame, task, language in rows)
    return [
        {"say": frame, "task": "isolate" if task == "contrast" else task, "language": language}
        for frame, task, language in named
    ]


def understand(text: str) -> ParsedPrompt:
    """The task that a wording asks for, and what it names; the engine's own reading of the same table."""
    return _grammar().parse(text)


@cache
def _grammar() -> Grammar:
    return Grammar([Wording(**row) for row in wording_rows()], {}, ())


@cache
def _table(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def _pick(rng: Rng, words: Sequence[str]) -> str:
    return words[int(rng.integers(len(words)))]
