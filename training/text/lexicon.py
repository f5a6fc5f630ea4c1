"""Plain-English phrasings of everything that can be named, split into a training half and a held-out half.

A *term* is an instrument family or a group of families (data/instruments.toml), or a *part* of one: a piece of a drum
kit, a kind of voice. An *entry* is a noun or a style of
playing that names one term. A *phrasing* is an entry bare ("fiddle") or inside a template ("isolate the fiddle").

What held out means:

* Whole phrasings are split by a hash of their text, about half and half. A held-out phrasing never occurs in training
  as a whole, but the words in it do: when bare "fiddle" is held out, training has "fiddle tune" or "the old fiddle".
* Some templates ("could i have the ... by itself") and adjectives are held out as such: nothing in them is training.
* A handful of phrasings (``[split] held`` in the TOML file) are always held out.
* *Unseen nouns* are stricter: about 8 % of the one-word synonyms, none of a term's three common ones, never occur in
  training in any phrasing, nor does any entry that contains them. They are kept apart from the held-out half, and
  only the spelling of their parts can give them away.
"""

from __future__ import annotations

import functools
import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from training.data.instruments import families, groups

LEXICON = Path(__file__).with_name("lexicon.toml")
BARE_SHARE = 0.4  # of training draws that are an entry without a template
UNSEEN_SHARE = 0.08  # of one-word synonyms
COMMON_NAMES = 3  # first names of a term, whose words are never hidden
HELD_FRAMED_PER_ENTRY = 4  # framed phrasings of each entry in the held-out list


class RandomSource(Protocol):
    """What a draw needs: ``random.Random`` or ``numpy.random.Generator``."""

    def random(self) -> float:
        """A number from 0 up to but not 1."""


@dataclass(frozen=True, slots=True)
class PhrasePool:
    """Phrasings of one term in one split: without and with a template around the entry."""

    bare: tuple[str, ...]
    framed: tuple[str, ...]

    def draw(self, rng: RandomSource) -> str:
        """One phrasing, bare with probability BARE_SHARE where there are bare ones."""
        at = float(rng.random())
        if self.bare and at < BARE_SHARE:
            return self.bare[int(at / BARE_SHARE * len(self.bare))]
        return self.framed[int((at - BARE_SHARE) % 1.0 / (1.0 - BARE_SHARE) * len(self.framed)) % len(self.framed)]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Every phrasing the prompt tower is trained and judged on.

    Attributes:
        terms: families first, then groups, then parts, in the order of the tables they come from.
        members: term -> the families it names; of a part those that it is a part of.
        parts: part -> the family or group that it is a part of.
        pools: (term, split) -> phrasings; split is ``train`` or ``held``.
        held_list: (phrase, term), the bounded held-out list that routing is judged on.
        unseen_list: (noun, term), nouns that never occur in training.
    """

    terms: tuple[str, ...]
    members: dict[str, frozenset[str]]
    parts: dict[str, str]
    pools: dict[tuple[str, str], PhrasePool]
    held_list: tuple[tuple[str, str], ...]
    unseen_list: tuple[tuple[str, str], ...]

    @classmethod
    def load(cls, path: Path = LEXICON) -> Lexicon:
        """Read the tables and split the phrasings; about a second, the shipped ones once in a process.

        Raises:
            ValueError: a term without entries, an entry without a term, a part of nothing, one entry under two terms.
        """
        return _shipped() if path == LEXICON else _read(path)

    @property
    def families(self) -> tuple[str, ...]:
        """Terms that are one family."""
        return tuple(term for term in self.terms if self.members[term] == {term})

    @property
    def wide(self) -> tuple[str, ...]:
        """Families, then groups: all terms but parts."""
        return self.terms[: len(self.terms) - len(self.parts)]

    def families_of(self, term: str) -> frozenset[str]:
        """The families a term names: a family itself, a group all of its families, a part those it is a part of."""
        return self.members[term]

    def phrases(self, term: str, split: str, rng: RandomSource) -> str:
        """Draw one phrasing of a term; about a microsecond.

        Args:
            term: a family, a group or a part.
            split: ``train`` or ``held``.
            rng: one number is drawn from it.
        """
        return self.pools[term, split].draw(rng)

    def heldout(self) -> list[tuple[str, str]]:
        """(phrase, term): every held-out bare entry and a few framed ones of each entry."""
        return list(self.held_list)

    def unseen(self) -> list[tuple[str, str]]:
        """(noun, term): bare nouns whose word never occurs in training."""
        return list(self.unseen_list)


def normal_form(phrase: str) -> str:
    """Lower case, hyphens as spaces, single spaces: two phrasings are the same when their normal forms are."""
    return " ".join(phrase.lower().replace("-", " ").split())


@functools.cache
def _shipped() -> Lexicon:
    return _read(LEXICON)


def _read(path: Path) -> Lexicon:
    with path.open("rb") as file:
        table = tomllib.load(file)
    members, parts = _members(), _parts(table["terms"])
    if set(members) | set(parts) != set(table["terms"]) or not set(parts.values()) <= set(members):
        named = (set(members) ^ set(table["terms"])) - set(parts) | (set(parts.values()) - set(members))
        raise ValueError(f"lexicon and instruments name different terms: {named}")
    return _split(table, members | {part: members[whole] for part, whole in parts.items()}, parts)


def _members() -> dict[str, frozenset[str]]:
    return {family: frozenset({family}) for family in families()} | groups()


def _parts(terms: dict[str, Any]) -> dict[str, str]:
    return {term: row["of"] for term, row in terms.items() if "of" in row}


def _split(table: dict[str, Any], members: dict[str, frozenset[str]], parts: dict[str, str]) -> Lexicon:
    owner = _owners(table["terms"])
    hidden = _hidden_words(table)
    frames = _TemplateSplit.read(table)
    pools: dict[tuple[str, str], PhrasePool] = {}
    held_list: list[tuple[str, str]] = []
    unseen_list: list[tuple[str, str]] = []
    for term in members:
        bare: dict[str, list[str]] = {"train": [], "held": []}
        framed: dict[str, list[str]] = {"train": [], "held": []}
        for entry, is_name in _entries(table["terms"][term]):
            if hidden & _stems(entry):
                if len(entry.split()) == 1:
                    unseen_list.append((entry, term))
                continue
            bare[frames.split_of(entry)].append(entry)
            mine: list[str] = []
            for template, is_held in frames.around(is_name):
                phrase = template.replace("{x}", entry)
                if owner.setdefault(normal_form(phrase), term) != term:
                    continue  # "background synth" is a pad, so not an adjective before the group "synth"
                split = "held" if is_held else frames.split_of(phrase)
                framed[split].append(phrase)
                if split == "held":
                    mine.append(phrase)
            held_list += [(phrase, term) for phrase in sorted(mine, key=digest)[:HELD_FRAMED_PER_ENTRY]]
        held_list += [(phrase, term) for phrase in bare["held"]]
        seen_whole = {normal_form(phrase) for phrase in bare["held"] + framed["held"]}
        for split in ("train", "held"):
            keep = [p for p in framed[split] if split == "held" or normal_form(p) not in seen_whole]
            lone = [p for p in bare[split] if split == "held" or normal_form(p) not in seen_whole]
            pools[term, split] = PhrasePool(tuple(lone), tuple(keep))
    return Lexicon(tuple(members), members, parts, pools, tuple(dict.fromkeys(held_list)), tuple(unseen_list))


def _entries(row: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """(entry, whether it is a noun) of one term."""
    yield from ((entry, True) for entry in row["names"])
    yield from ((entry, False) for entry in row["phrases"])


def _owners(terms: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Normal form of each entry -> its only term."""
    owner: dict[str, str] = {}
    for term, row in terms.items():
        for entry, _ in _entries(row):
            other = owner.setdefault(normal_form(entry), term)
            if other != term:
                raise ValueError(f"lexicon entry {entry!r} is under {other!r} and {term!r}; keep one")
    return owner


@dataclass(frozen=True, slots=True)
class _TemplateSplit:
    """Templates with whether they are held out as such, and the phrasings that always are."""

    any: tuple[tuple[str, bool], ...]
    names: tuple[tuple[str, bool], ...]
    always_held: frozenset[str]

    @classmethod
    def read(cls, table: dict[str, Any]) -> _TemplateSplit:
        rows = table["templates"]
        adjectives = [
            (frame.replace("{adj}", adjective), is_held)
            for key, is_held in (("adjectives", False), ("adjectives_held", True))
            for adjective in rows[key]
            for frame in rows["adjective_frames"]
        ]
        plain = [(frame, False) for frame in rows["any"]] + [(frame, True) for frame in rows["any_held"]]
        names = [(frame, False) for frame in rows["names"]] + [(frame, True) for frame in rows["names_held"]]
        held = frozenset(normal_form(phrase) for phrase in table["split"]["held"])
        return cls(tuple(plain), tuple(plain + names + adjectives), held)

    def around(self, is_name: bool) -> tuple[tuple[str, bool], ...]:
        return self.names if is_name else self.any

    def split_of(self, phrase: str) -> str:
        normal = normal_form(phrase)
        return "held" if normal in self.always_held or digest(normal) & 1 else "train"


def digest(text: str) -> int:
    """Hash of a text, the same on every machine; its lowest bit splits phrasings."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _stems(phrase: str) -> set[str]:
    """Words of a phrase without a plural s."""
    return {word.strip(",.'").removesuffix("s") for word in normal_form(phrase).split()}


def _hidden_words(table: dict[str, Any]) -> frozenset[str]:
    """Stems of the nouns that never occur in training: a hash-chosen share of the one-word synonyms; none of a part."""
    wide = [row for row in table["terms"].values() if "of" not in row]
    protected = _stems(" ".join(table["split"]["held"] + table["split"]["never_hidden"]))
    for value in table["templates"].values():
        protected |= _stems(" ".join(value))
    for row in table["terms"].values():
        protected |= _stems(" ".join(row["names"] if "of" in row else row["names"][:COMMON_NAMES]))
    synonyms = [name for row in wide for name in row["names"] if len(normal_form(name).split()) == 1]
    candidates = sorted({stem for name in synonyms for stem in _stems(name)} - protected, key=digest)
    return frozenset(candidates[: round(UNSEEN_SHARE * len(synonyms))])
