"""The instrument table (``instruments.toml``) and the list of recordings kept out of training (``holdout.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Family:
    """One instrument family.

    Attributes:
        name: key in the table, for example ``acoustic-guitar``.
        groups: wider terms that also name it.
        presets: SoundFont presets ``(bank, program)``; for drums bank 128 and the kit.
        banks: note banks that play it.
        synths: voices of our own that play it; drum machines where the family is drums.
        low, high: comfortable MIDI range.
        roles: parts the composer may give it.
        poly: True means it can play chords.
    """

    name: str
    groups: tuple[str, ...]
    presets: tuple[tuple[int, int], ...]
    banks: tuple[str, ...]
    synths: tuple[str, ...]
    low: int
    high: int
    roles: tuple[str, ...]
    poly: bool

    @property
    def drums(self) -> bool:
        """True means notes choose pieces of a kit, not pitches."""
        return "drums" in self.roles or "percussion" in self.roles


@dataclass(frozen=True, slots=True)
class Holdout:
    """Recordings that no training mix may hold."""

    banks: frozenset[str]
    songs: frozenset[str]

    def reserves(self, source: str) -> bool:
        """True for the source of a label, such as ``bank:folk-harp``, that training must not hear."""
        kind, _, name = source.partition(":")
        return name in {"bank": self.banks, "song": self.songs}.get(kind, frozenset())

    def refuse(self, sources: Iterable[str]) -> None:
        """Keep reserved recordings out of a training cache.

        Raises:
            ValueError: one of the sources is reserved.
        """
        if found := sorted({source for source in sources if self.reserves(source)}):
            raise ValueError(
                f"{', '.join(found)} kept for validation and the bench (training/data/holdout.toml), "
                "so no training mix may hold it; render with --held-out or choose other sounds"
            )


@cache
def families() -> dict[str, Family]:
    """All families by name, in the order of the table."""
    table = tomllib.loads((HERE / "instruments.toml").read_text("utf-8"))
    return {name: _family(name, row) for name, row in table.items()}


def _family(name: str, row: dict) -> Family:  # type: ignore[type-arg]
    presets = [(0, p) if isinstance(p, int) else (p[0], p[1]) for p in row["programs"]]
    presets += [(128, kit) for kit in row.get("kits", [])]
    return Family(
        name=name,
        groups=tuple(row["groups"]),
        presets=tuple(presets),
        banks=tuple(row["banks"]),
        synths=tuple(row.get("synths", [])),
        low=row["low"],
        high=row["high"],
        roles=tuple(row["roles"]),
        poly=row["poly"],
    )


@cache
def groups() -> dict[str, frozenset[str]]:
    """Wider terms and the families each of them names."""
    found: dict[str, set[str]] = {}
    for family in families().values():
        for group in family.groups:
            found.setdefault(group, set()).add(family.name)
    return {group: frozenset(names) for group, names in found.items()}


@cache
def holdout() -> Holdout:
    """The recordings kept out of training."""
    table = tomllib.loads((HERE / "holdout.toml").read_text("utf-8"))
    return Holdout(frozenset(table["banks"]), frozenset(table["songs"]))
