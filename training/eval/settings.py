"""Sampler settings from the command line: ``"steps=2,4 guidance=1,2"`` is four combinations.

Any setting of the engine's sampler that a bundle has a default for may be tried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import product
from typing import Any, get_args, get_type_hints

from engine.bundle.manifest import SamplerDefaults
from engine.request import Request

# What a bundle's own few steps are held against (MAGE takes 2 Euler steps).
PLAIN_STEPS = ({"steps": 8, "guidance": 1.0, "temperature": 1.0},)


def kinds() -> dict[str, type]:
    """The settings there are, and of what kind: whole numbers, numbers, or words."""
    hints, found = get_type_hints(Request), {}
    for name in (field.name for field in fields(SamplerDefaults)):
        if name == "strength":  # of edits, which have studies of their own
            continue
        known = [kind for kind in get_args(hints.get(name)) if kind is not type(None)]
        if known:
            found[name] = known[0] if known[0] in (int, float) else str
    return found


def parse_tries(texts: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """All combinations of the values of each text; none given means eight plain steps.

    Raises:
        ValueError: not of the form ``NAME=VALUE[,VALUE]``, or no such setting.
    """
    if not texts:
        return PLAIN_STEPS
    found: list[dict[str, Any]] = []
    for text in texts:
        pairs = [_pair(word, text) for word in text.split()]
        names = [name for name, _ in pairs]
        found += [dict(zip(names, values, strict=True)) for values in product(*(values for _, values in pairs))]
    if not all(found):
        raise ValueError("--try needs settings, for example --try 'steps=2,4 guidance=1'")
    return tuple(one for k, one in enumerate(found) if one not in found[:k])


def _pair(word: str, text: str) -> tuple[str, list[Any]]:
    name, mark, values = word.partition("=")
    kind = kinds().get(name)
    if not mark or kind is None:
        raise ValueError(f"--try takes NAME=VALUE[,VALUE] with names of {', '.join(kinds())}, got {text!r}")
    try:
        return name, [kind(value) for value in values.split(",")]
    except ValueError:
        raise ValueError(f"--try {name} takes {'whole ' if kind is int else ''}numbers, got {values!r}") from None


def name_of(settings: Mapping[str, Any]) -> str:
    """Settings as the name of a row, for example ``steps 2, guidance 1.5``."""
    return ", ".join(f"{name} {value:g}" if not isinstance(value, str) else f"{name} {value}"
                     for name, value in settings.items())  # fmt: skip
