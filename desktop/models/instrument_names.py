"""Names of instruments for completing a prompt."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def lexicon() -> list[str]:
    """All names, by family, the most common first."""
    text = resources.files("desktop.resources").joinpath("lexicon.txt").read_text(encoding="utf-8")
    return text.splitlines()
