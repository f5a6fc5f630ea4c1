"""What a prompt may go on as: names of instruments, in the user's language first."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence

from desktop.models.instrument_names import lexicon

SHOWN = 9  # rows of the list
LEAST_LETTERS = 2  # before a list makes sense
USUAL = {  # what most mixes have; offered before rarer names
    "en": ("vocals", "drums", "bass", "guitar", "piano", "synth", "strings", "keyboard", "percussion",
           "electric guitar", "acoustic guitar", "backing vocals", "bass guitar", "saxophone", "trumpet",
           "violin", "organ"),
    "de": ("Gesang", "Schlagzeug", "Bass", "Gitarre", "Klavier", "Synthesizer", "Streicher", "E-Gitarre", "Geige"),
}  # fmt: skip


def completions(typed: str, language: str = "en", limit: int = SHOWN, heard: Sequence[str] = ()) -> list[str]:
    """Names that contain what was typed: the same name, then names and words that begin so, then the others.

    Within each group come what this mix is known to have, what most mixes have, the user's language, and the more
    common names. Case and accents do not matter.

    Args:
        typed: the beginning of a name.
        language: two letters; languages without a list of their own have the English one.
        limit: at most so many.
        heard: names of what is in the mix.
    """
    wanted = _plain(typed)
    if len(wanted) < LEAST_LETTERS:
        return []
    own = lexicon(language) if language != "en" else ()
    first = (*heard, *USUAL.get(language, ()), *own, *USUAL["en"])
    names = dict.fromkeys((*(one for one in first if one in heard or one in own or one in lexicon()), *lexicon()))
    spelled = {_plain(name): name for name in reversed(names)}  # once, as the first list that has it
    names = dict.fromkeys(name for name in names if spelled[_plain(name)] == name)
    ranked = [(rank, name) for name in names if (rank := _rank(_plain(name), wanted)) is not None]
    return [name for _, name in sorted(ranked, key=lambda pair: pair[0])][:limit]


def begins(name: str, typed: str) -> bool:
    """True if a name begins with what was typed."""
    return _plain(name).startswith(_plain(typed))


def _rank(name: str, wanted: str) -> int | None:
    if name == wanted:
        return 0
    if name.startswith(wanted):
        return 1
    if f" {wanted}" in name.replace("-", " "):
        return 2
    return 3 if wanted in name else None


@functools.lru_cache(maxsize=4096)  # every key that is pressed asks for all names of the language again
def _plain(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))
