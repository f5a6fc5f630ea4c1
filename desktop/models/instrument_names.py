"""Names of instruments for completing a prompt."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def lexicon(language: str = "en") -> tuple[str, ...]:
    """All names, by family, the most common first; none for a language without a list."""
    name = "lexicon.txt" if language == "en" else f"lexicon_{language}.txt"
    file = resources.files("desktop.resources").joinpath(name)
    return tuple(file.read_text(encoding="utf-8").splitlines()) if file.is_file() else ()
